"""Writes lib/sunspec/points.py: where the points that the firmware reads stand in their models.

Enters: the model files that pysunspec2 ships.  Leaves: one bytes table for each family of models.

    python -m tools.points            writes the file
    python -m tools.points --check    exit status 1 when the file is not what would be written

A table costs the device one name and one bytes object, where a constant for each point would cost
an entry in a dict for each of them.  Layout: offset and count of the block that is read, then
three bytes a point: its offset, the offset of its scale factor (0: none; of a string its number
of registers), its kind.  Offsets count from the model's ID register.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import sunspec2

MODELS = Path(sunspec2.__file__).parent / "models" / "json"
TARGET = Path(__file__).resolve().parent.parent / "lib" / "sunspec" / "points.py"

INT16, UINT16, FLOAT32, STRING = range(4)
KINDS = {"int16": INT16, "uint16": UINT16, "enum16": UINT16, "float32": FLOAT32, "string": STRING}


@dataclass(frozen=True)
class Family:
    """Models with the same layout; `block` is read as one, `beside` is read by itself.

    `with_sf`: the scale factors belong into the block too.
    """

    name: str
    models: tuple[int, ...]
    block: tuple[str, ...]
    beside: tuple[str, ...] = ()
    with_sf: bool = True


_PHASES = ("PhVphA", "PhVphB", "PhVphC")
_INVERTER = ("W", "VAr", "Hz", *_PHASES, "VA")
_METER = ("W", "VAR", "Hz", *_PHASES, "WphA", "WphB", "WphC", "VARphA", "VARphB", "VARphC")

FAMILIES = (
    Family("COMMON", (1,), ("Mn", "Md", "Vr", "SN")),
    Family("INVERTER_INT", (101, 102, 103), _INVERTER, ("St",)),
    Family("INVERTER_FLOAT", (111, 112, 113), _INVERTER, ("St",)),
    Family("METER_INT", (201, 202, 203, 204), _METER),
    Family("METER_FLOAT", (211, 212, 213, 214), _METER),
    Family("NAMEPLATE", (120,), ("DERTyp", "WRtg", "VARtg", "VArRtgQ1", "VArRtgQ4")),
    Family("SETTINGS", (121,), ("WMax", "VAMax", "VArMaxQ1", "VArMaxQ4")),
    Family("CONTROLS", (123,), ("WMaxLimPct", "WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms",
                                "WMaxLimPct_RmpTms", "WMaxLim_Ena"), with_sf=False),
)


@dataclass(frozen=True)
class Row:
    """One point: all that the table says about it."""

    name: str
    offset: int
    size: int
    kind: int
    sf: str
    sf_offset: int

    @property
    def second(self) -> int:
        """The middle byte of the row."""
        return self.size if self.kind == STRING else self.sf_offset


def rows(model: int) -> dict[str, Row]:
    """The points of a model's fixed part that are of a kind we know, by name."""
    points = json.loads((MODELS / f"model_{model}.json").read_text())["group"]["points"]
    offsets, offset = {}, 0
    for point in points:
        offsets[point["name"]] = offset
        offset += point["size"]
    found = {}
    for point in points:
        if point["type"] in KINDS:
            name, sf = point["name"], point.get("sf", "")
            found[name] = Row(name, offsets[name], point["size"], KINDS[point["type"]], sf,
                              offsets[sf] if sf else 0)
    return found


def family_rows(family: Family, names: tuple[str, ...]) -> list[Row]:
    """The rows of those points; ValueError when the models of the family differ in one."""
    first, *others = (rows(model) for model in family.models)
    for name in names:
        if any(other[name] != first[name] for other in others):
            raise ValueError(f"{family.name}: {name} is not the same in {family.models}")
    return [first[name] for name in names]


def block(family: Family) -> tuple[int, int]:
    """Offset and number of registers of the block."""
    held = family_rows(family, family.block)
    taken = [(r.offset, r.offset + r.size) for r in held]
    if family.with_sf:
        taken += [(r.sf_offset, r.sf_offset + 1) for r in held if r.sf]
    start = min(first for first, _ in taken)
    return start, max(end for _, end in taken) - start


def table(family: Family) -> bytes:
    """The table of a family as the device reads it."""
    made = [*block(family)]
    for row in family_rows(family, family.block + family.beside):
        made += [row.offset, row.second, row.kind]
    return bytes(made)


def _literal(values: bytes, remark: str) -> str:
    return '    b"' + "".join(f"\\x{v:02x}" for v in values) + f'"  # {remark}'


def _lines(family: Family) -> list[str]:
    """The source of one table."""
    models = ", ".join(str(model) for model in family.models)
    start, count = block(family)
    named = {number: name for name, number in reversed(KINDS.items())}
    lines = [f"# Model {models}", f"{family.name} = (",
             _literal(bytes((start, count)), f"block {start}..{start + count - 1}")]
    for row in family_rows(family, family.block + family.beside):
        scaled = f", {row.sf} {row.sf_offset}" if row.sf else ""
        beside = ", beside the block" if row.name in family.beside else ""
        lines.append(_literal(bytes((row.offset, row.second, row.kind)),
                              f"{row.name} {row.offset}{scaled}: {named[row.kind]}{beside}"))
    return [*lines, ")"]


def render() -> str:
    """The whole file."""
    source = version("pysunspec2")
    head = f'''# generated by tools/points.py from the model files of pysunspec2 {source}
"""Where the points that we read stand in their models; offsets count from the ID register.

A table: offset and count of the block that is read, then three bytes a point: offset, offset of
its scale factor (0: none; of a string its number of registers), kind.  Kinds: {INT16} int16,
{UINT16} uint16 and enum16, {FLOAT32} float32, {STRING} string.
"""
'''
    return head + "".join("\n" + "\n".join(_lines(family)) + "\n" for family in FAMILIES)


def main(arguments: list[str], target: Path = TARGET) -> int:
    """Write the file, or compare it under --check; returns the exit status."""
    text = render()
    if "--check" not in arguments:
        target.write_text(text)
        return 0
    if target.exists() and target.read_text() == text:
        return 0
    print(f"{target.name} is out of date: run python -m tools.points")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
