"""Register maps that are not SunSpec, as rows: limits of three makers, a load, two meters.

Enters: for each row an address on the wire (documents of Sungrow count from 1), a type, a range.
Leaves: registers, and what was written, by name.

    block = Block(SOLAREDGE)
    block.write(0xF322, [0x0000, 0x4248])           # 50.0 %, low word first
    block["dynamic_pct"]                            # 50.0

Limit: a row without a range is read only; what lies between rows reads 0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tools.site.controls import DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE

_SIZES = {"u16": 1, "i16": 1, "u32": 2, "u32l": 2, "i32l": 2, "f32": 2, "f32l": 2}
_FORMATS = {"u16": ">H", "i16": ">h", "u32": ">I", "u32l": ">I", "i32l": ">i", "f32": ">f",
            "f32l": ">f"}


@dataclass(frozen=True)
class Reg:
    """One value: wire address, type (`l`: low word first), name, at first, range if writable."""

    address: int
    type: str
    name: str
    first: float = 0
    range: tuple | None = None      # (least, largest), or (a, b, ...) with `only`
    only: bool = False              # no value but those of `range`
    bad: int = ILLEGAL_VALUE        # exception for a value out of range


# Enable, command time-out, fallback, ramps, the volatile limit; and the static one.
SOLAREDGE = (
    Reg(0xF001, "u16", "static_pct", 100, (0, 100)),
    Reg(0xF100, "u16", "commit", 0, (0, 1)),
    Reg(0xF300, "u16", "enable", 0, (0, 1)),
    Reg(0xF304, "f32l", "max_w"),
    Reg(0xF310, "u32l", "timeout_s", 60, (0, 0xFFFFFFFE)),
    Reg(0xF312, "f32l", "fallback_pct", 100.0, (0, 100)),
    Reg(0xF318, "f32l", "ramp_up", -1.0, (-1, 100)),
    Reg(0xF31A, "f32l", "ramp_down", -1.0, (-1, 100)),
    Reg(0xF322, "f32l", "dynamic_pct", 100.0, (0, 100)),
)
_ON_OFF = (0xAA, 0x55)
SUNGROW = (
    Reg(5006, "u16", "pct_enable", 0x55, _ON_OFF, True, DEVICE_FAILURE),
    Reg(5007, "u16", "pct_permille", 1000, (0, 1000), bad=DEVICE_FAILURE),
    Reg(13073, "u16", "export_w", 0, (0, 65534), bad=DEVICE_FAILURE),
    Reg(13086, "u16", "export_enable", 0x55, _ON_OFF, True, DEVICE_FAILURE),
)
SUNGROW_PERMILLE = tuple(
    Reg(13073, "u16", "export_permille", 0, (0, 1000), bad=DEVICE_FAILURE)
    if r.address == 13073 else r for r in SUNGROW)
GOODWE = (
    Reg(47509, "u16", "export_enable", 0, (0, 1)),
    Reg(47510, "u16", "export_w", 0, (0, 65534)),
)
# Our own simplest load: limit (0xFFFF: none), watchdog, power, rating.
LOAD = (
    Reg(0, "u16", "limit_w", 0xFFFF, (0, 0xFFFF)),
    Reg(1, "u16", "watchdog_s", 0, (0, 0xFFFF)),
    Reg(2, "u16", "power_w"),
    Reg(3, "u16", "rated_w"),
)
# Input registers, function 4.  Energies are kWh.
SDM630 = tuple(Reg(address, "f32", name) for address, name in (
    (0, "v1"), (2, "v2"), (4, "v3"), (6, "a1"), (8, "a2"), (10, "a3"), (12, "w1"), (14, "w2"),
    (16, "w3"), (18, "va1"), (20, "va2"), (22, "va3"), (24, "var1"), (26, "var2"), (28, "var3"),
    (42, "v_ln"), (48, "a"), (52, "w"), (56, "va"), (60, "var"), (70, "hz"), (72, "kwh_in"),
    (74, "kwh_out")))
SDM120 = tuple(Reg(address, "f32", name) for address, name in (
    (0, "v1"), (6, "a1"), (12, "w"), (18, "va"), (24, "var"), (70, "hz"), (72, "kwh_in"),
    (74, "kwh_out")))
OF_FAMILY = {"solaredge": SOLAREDGE, "sungrow": SUNGROW, "sungrow_permille": SUNGROW_PERMILLE,
             "goodwe": GOODWE}
_GAP = 64       # rows farther apart are separate areas


class Block(dict):
    """The values of one map by name, and its registers."""

    def __init__(self, rows: tuple[Reg, ...]):
        """All values as they are at first."""
        super().__init__({r.name: r.first for r in rows})
        self._rows = rows
        self._at = {r.address: r for r in rows}

    def areas(self) -> list[tuple[int, list[int]]]:
        """(first address, registers) of each area that can be read."""
        made: list[tuple[int, list[int]]] = []
        for row in self._rows:
            if not made or row.address > made[-1][0] + len(made[-1][1]) + _GAP:
                made.append((row.address, []))
            start, words = made[-1]
            words += [0] * (row.address - start - len(words))
            words += _encode(row.type, self[row.name])
        return made

    def holds(self, address: int) -> bool:
        """Whether the address is of one of the areas."""
        return any(start <= address < start + len(words) for start, words in self.areas())

    def write(self, address: int, words: list[int]) -> int:
        """Write whole values or nothing: 0, or the exception code."""
        asked, at = {}, 0
        while at < len(words):
            row = self._at.get(address + at)
            if row is None or row.range is None or at + _SIZES[row.type] > len(words):
                return ILLEGAL_ADDRESS
            value = _decode(row.type, words[at:at + _SIZES[row.type]])
            good = value in row.range if row.only else row.range[0] <= value <= row.range[-1]
            if not good:
                return row.bad
            asked[row.name] = value
            at += _SIZES[row.type]
        self.update(asked)
        return 0


def _encode(kind: str, value: float) -> list[int]:
    if not kind.startswith("f"):
        value = round(value)
    raw = struct.pack(_FORMATS[kind], value)
    words = [raw[i] << 8 | raw[i + 1] for i in range(0, len(raw), 2)]
    return words[::-1] if kind.endswith("l") else words


def _decode(kind: str, words: list[int]) -> float:
    words = words[::-1] if kind.endswith("l") else words
    return struct.unpack(_FORMATS[kind], struct.pack(f">{len(words)}H", *words))[0]
