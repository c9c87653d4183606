"""SunSpec models as registers: where a point stands and how its value is written.

Enters: a model id and raw values by point name (scale factor already applied).  Leaves: the
model's registers, with the type's sentinel wherever no value was given.

    layout(103).registers({"W": 2500, "W_SF": 0})
    layout(714).registers({"NPrt": 1}, rows=[{"DCW": 2550}])

Point tables come from the model files that pysunspec2 ships.  Limit: one repeating group a model.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sunspec2

_MODELS = Path(sunspec2.__file__).parent / "models" / "json"
_LOW_ZERO = ("acc16", "acc32", "acc64", "string")
_HIGH_BIT = ("int16", "int32", "int64", "sunssf", "pad")
_NAN = [0x7FC0, 0]


@dataclass(frozen=True)
class Point:
    """A point of a model: offset from the ID register (in a row: from its start), and its type."""

    name: str
    offset: int
    size: int
    type: str
    sf: str | None = None


class Layout:
    """One model: its fixed points, and the points of a row of its repeating group."""

    def __init__(self, model: int):
        """Read the model's file; FileNotFoundError when there is none."""
        group = json.loads((_MODELS / f"model_{model}.json").read_text())["group"]
        self.model = model
        found = _placed(group["points"], 0)
        self.row: dict[str, Point] = {}
        for part in group.get("groups", ()):
            if "count" in part and part["count"] != 1:
                self.row = {p.name: p for p in _placed(part["points"], 0)}
            else:
                found += _placed(part["points"], found[-1].offset + found[-1].size,
                                 part["name"] + ".")
        self.points = {p.name: p for p in found}
        self.size = found[-1].offset + found[-1].size
        self._at = {p.offset: p for p in found}
        self._blank = [w for p in found for w in _sentinel(p)]
        self._blank_row = [w for p in self.row.values() for w in _sentinel(p)]

    def registers(self, values: dict[str, object], rows=()) -> list[int]:
        """All registers from ID on; a name that the model lacks is a KeyError."""
        length = self.size - 2 + len(rows) * len(self._blank_row)
        words = _filled(self._blank, self.points, {"ID": self.model, "L": length, **values},
                        self.model)
        for row in rows:
            words += _filled(self._blank_row, self.row, row, self.model)
        return words

    def at(self, offset: int) -> Point | None:
        """The point of one register whose first register stands at `offset`."""
        return self._at.get(offset)


def _filled(blank, points, values, model) -> list[int]:
    words = blank.copy()
    for name, value in values.items():
        point = points.get(name)
        if point is None:
            raise KeyError(f"model {model} has no {name}")
        if value is not None:
            words[point.offset:point.offset + point.size] = encode(point, value)
    return words


def _placed(rows, offset: int, prefix: str = "") -> list[Point]:
    made = []
    for row in rows:
        sf = row.get("sf")
        made.append(Point(prefix + row["name"], offset, row["size"], row["type"],
                          sf if isinstance(sf, str) else None))
        offset += row["size"]
    return made


@cache
def layout(model: int) -> Layout:
    """The layout of a model, read once."""
    return Layout(model)


def encode(point: Point, value) -> list[int]:
    """Registers of one value, big-endian; None gives the sentinel of the type."""
    if value is None:
        return _sentinel(point)
    if point.type == "float32":
        return list(struct.unpack(">2H", struct.pack(">f", value)))
    if point.type == "string":
        raw = str(value).encode("ascii")[: 2 * point.size].ljust(2 * point.size, b"\0")
    else:
        bits = 16 * point.size
        signed = point.type.startswith(("int", "sunssf"))
        low = -(1 << (bits - 1)) if signed else 0
        if not low <= int(value) < low + (1 << bits):
            raise ValueError(f"{point.name} = {value} does not fit {point.type}")
        if point.size == 1:
            return [int(value) & 0xFFFF]
        raw = (int(value) & ((1 << bits) - 1)).to_bytes(2 * point.size, "big")
    return [raw[i] << 8 | raw[i + 1] for i in range(0, len(raw), 2)]


def decode(point: Point, words: list[int]) -> int:
    """The raw number of one integer point."""
    value = 0
    for word in words:
        value = value << 16 | word
    if point.type.startswith(("int", "sunssf")) and value >> (16 * point.size - 1):
        value -= 1 << 16 * point.size
    return value


def _sentinel(point: Point) -> list[int]:
    """What an unimplemented point reads, by type."""
    if point.type in _LOW_ZERO:
        return [0] * point.size
    if point.type in _HIGH_BIT:
        return [0x8000] + [0] * (point.size - 1)
    if point.type == "float32":
        return _NAN
    return [0xFFFF] * point.size
