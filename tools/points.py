"""Writes lib/sunspec/points.py: where the points that the firmware handles stand in their models.

Enters: the model files that pysunspec2 ships.  Leaves: a bytes table for each family of models.

    python -m tools.points            writes the file
    python -m tools.points --check    exit status 1 when the file is not what would be written

A table costs the device one name and one bytes object, where a constant for each point would cost
an entry in a dict for each of them.  Layout of what is read: offset and count of the block, then
three bytes a point: its offset, the offset of its scale factor (0: none; of a string its number
of registers), its kind.  Layout of what is written: the offset of each register.  Offsets count
from the model's ID register.  ONCE: hundreds and rest of a model's number, offset and count.
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

INT16, UINT16, FLOAT32, STRING, UINT32, NONE = range(6)
APART = 8  # added to the kind: the scale factor is static and stands outside the block
KINDS = {"int16": INT16, "uint16": UINT16, "enum16": UINT16, "bitfield16": UINT16,
         "float32": FLOAT32, "string": STRING, "uint32": UINT32, "bitfield32": UINT32,
         "int32": UINT32}
NO_POINT = bytes((0, 0, NONE))


@dataclass(frozen=True)
class Family:
    """Models with the same layout; `block` is read as one, None stands for a point they lack.

    `apart`: the scale factors are read by themselves, once.  `first`: where the block begins, if
    that is not at the first of these.
    """

    name: str
    models: tuple[int, ...]
    block: tuple[str | None, ...]
    apart: bool = False
    first: str = ""


@dataclass(frozen=True)
class Written:
    """Registers of a model that are written, in the order in which the device wants them."""

    name: str
    model: int
    points: tuple[str, ...]


_VOLTS = ("PhVphA", "PhVphB", "PhVphC")
_NO_PHASES = (None,) * 6
_INVERTER = ("W", "VAr", "Hz", *_VOLTS, *_NO_PHASES, "VA")
_METER = ("W", "VAR", "Hz", *_VOLTS, "WphA", "WphB", "WphC", "VARphA", "VARphB", "VARphC", "VA")
_DER = ("W", "Var", "Hz", "VL1", "VL2", "VL3", "WL1", "WL2", "WL3", "VarL1", "VarL2", "VarL3",
        "VA")
_STATE = ("St", "Evt1", None, None, None)

FAMILIES = (
    Family("COMMON", (1,), ("Mn", "Md", "Vr", "SN")),
    Family("INVERTER_INT", (101, 102, 103), _INVERTER),
    Family("INVERTER_FLOAT", (111, 112, 113), _INVERTER),
    Family("INVERTER_DER", (701,), _DER, apart=True),
    Family("METER_INT", (201, 202, 203, 204), _METER),
    Family("METER_FLOAT", (211, 212, 213, 214), _METER),
    Family("STATE_INT", (101, 102, 103), _STATE),
    Family("STATE_FLOAT", (111, 112, 113), _STATE),
    Family("STATE_DER", (701,), ("InvSt", "Alrm", "ConnSt", "ACType", "St")),
    Family("CONNECTION", (122,), ("PVConn", "StorConn", "ECPConn")),
    # W, VA, var injected, var absorbed, W charging, W discharging, Wh, V; then what is of its own.
    Family("NAMEPLATE", (120,), ("WRtg", "VARtg", "VArRtgQ1", "VArRtgQ4", "MaxChaRte",
                                 "MaxDisChaRte", "WHRtg", None, "DERTyp")),
    Family("SETTINGS", (121,), ("WMax", "VAMax", "VArMaxQ1", "VArMaxQ4", None, None, None,
                                "VRef")),
    Family("DER_RATINGS", (702,), ("WMaxRtg", "VAMaxRtg", "VarMaxInjRtg", "VarMaxAbsRtg",
                                   "WChaRteMaxRtg", "WDisChaRteMaxRtg", None, "VNomRtg")),
    Family("DER_SETTINGS", (702,), ("WMax", "VAMax", "VarMaxInj", "VarMaxAbs", "WChaRteMax",
                                    "WDisChaRteMax", None, "VNom"), first="WMaxRtg"),
    # State of charge, Wh rated, Wh stored, charge status, W.
    Family("BATTERY", (802,), ("SoC", "WHRtg", None, "ChaSt", "W")),
    Family("BATTERY_DER", (713,), ("SoC", "WHRtg", "WHAvail", None, None)),
    Family("BATTERY_INT", (124,), ("ChaState", None, None, "ChaSt", None)),
    Family("CHARGE", (124,), ("WChaMax", "InWRte")),
)

WRITTEN = (
    Written("LIMIT_INT", 123, ("WMaxLimPct", "WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms",
                               "WMaxLimPct_RmpTms", "WMaxLim_Ena")),
    Written("LIMIT_DER", 704, ("WMaxLimPctEna", "WMaxLimPct", "WMaxLimPctRvrt",
                               "WMaxLimPctEnaRvrt", "WMaxLimPctRvrtTms")),
    Written("RATES", 124, ("OutWRte", "InWRte", "InOutWRte_RvrtTms", "StorCtl_Mod")),
    Written("WATTS_DER", 704, ("WSetMod", "WSet", "WSetRvrt", "WSetEnaRvrt", "WSetRvrtTms",
                               "WSetEna")),
)

# Registers that need a name of their own.
SINGLE = {"CONN": (123, "Conn"), "ENTER": (703, "ES"), "FACTORS": (701, "V_SF"),
          "RATES_SF": (124, "InOutWRte_SF")}

# What is read once, in that order: the block of a family, or scale factors beside each other.
ONCE = ("NAMEPLATE", "SETTINGS", "DER_RATINGS", (123, "WMaxLimPct_SF", 1),
        (704, "WMaxLimPct_SF", 2), "CHARGE", "BATTERY_DER", (701, "V_SF", 6), "STATE_DER")


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


def layout(model: int) -> dict[str, tuple[int, int, dict]]:
    """Offset, size and definition of each point of a model's fixed part, by name."""
    points = json.loads((MODELS / f"model_{model}.json").read_text())["group"]["points"]
    found, offset = {}, 0
    for point in points:
        found[point["name"]] = (offset, point["size"], point)
        offset += point["size"]
    return found


def rows(model: int) -> dict[str, Row]:
    """The points of a model's fixed part that are of a kind we know, by name."""
    known = layout(model)
    found = {}
    for name, (offset, size, point) in known.items():
        if point["type"] in KINDS:
            sf = point.get("sf", "")
            found[name] = Row(name, offset, size, KINDS[point["type"]], sf,
                              known[sf][0] if sf else 0)
    return found


def family_rows(family: Family) -> list[Row | None]:
    """The rows of its points; ValueError when the models of the family differ in one."""
    first, *others = (rows(model) for model in family.models)
    for name in family.block:
        if name and any(other[name] != first[name] for other in others):
            raise ValueError(f"{family.name}: {name} is not the same in {family.models}")
    return [first[name] if name else None for name in family.block]


def block(family: Family) -> tuple[int, int]:
    """Offset and number of registers of the block."""
    held = [row for row in family_rows(family) if row]
    taken = [(r.offset, r.offset + r.size) for r in held]
    if not family.apart:
        taken += [(r.sf_offset, r.sf_offset + 1) for r in held if r.sf]
    if family.first:
        taken.append((rows(family.models[0])[family.first].offset, 0))
    start = min(first for first, _ in taken)
    return start, max(end for _, end in taken) - start


def row_bytes(family: Family, row: Row | None) -> bytes:
    """The three bytes of a point."""
    if row is None:
        return NO_POINT
    return bytes((row.offset, row.second, row.kind | (APART if family.apart and row.sf else 0)))


def table(family: Family) -> bytes:
    """The table of a family as the device reads it."""
    made = bytes(block(family))
    return made + b"".join(row_bytes(family, row) for row in family_rows(family))


def offsets(written: Written) -> bytes:
    """The offset of each register that is written."""
    known = layout(written.model)
    return bytes(known[name][0] + i for name in written.points for i in range(known[name][1]))


def single(name: str) -> int:
    """The offset of a register with a name of its own."""
    model, point = SINGLE[name]
    return layout(model)[point][0]


def once() -> list[tuple[bytes, str]]:
    """The rows of what is read once, each with a remark."""
    families = {family.name: family for family in FAMILIES}
    made = []
    for item in ONCE:
        if isinstance(item, str):
            model = families[item].models[0]
            first, count = block(families[item])
        else:
            model, point, count = item
            first = layout(model)[point][0]
        made.append((bytes((model // 100, model % 100, first, count)),
                     f"{model}: {first}..{first + count - 1}"))
    return made


def _literal(values: bytes, remark: str) -> str:
    return '    b"' + "".join(f"\\x{v:02x}" for v in values) + f'"  # {remark}'


def _lines(family: Family) -> list[str]:
    """The source of one table."""
    models = ", ".join(str(model) for model in family.models)
    start, count = block(family)
    named = {number: name for name, number in reversed(KINDS.items())}
    lines = [f"# Model {models}", f"{family.name} = (",
             _literal(bytes((start, count)), f"block {start}..{start + count - 1}")]
    for row in family_rows(family):
        remark = "none"
        if row:
            scaled = f", {row.sf} {row.sf_offset}" if row.sf else ""
            remark = f"{row.name} {row.offset}{scaled}: {named[row.kind]}"
        lines.append(_literal(row_bytes(family, row), remark))
    return [*lines, ")"]


def _written_lines(written: Written) -> list[str]:
    made = _literal(offsets(written), "").split("#")[0].strip()
    return [f"# Model {written.model}: {', '.join(written.points)}"[:99],
            f"{written.name} = {made}"]


def render() -> str:
    """The whole file."""
    source = version("pysunspec2")
    head = f'''# generated by tools/points.py from the model files of pysunspec2 {source}
"""Where the points that we handle stand in their models; offsets count from the ID register.

A table of what is read: offset and count of the block, then three bytes a point: offset, offset
of its scale factor (0: none; of a string its number of registers), kind.  Kinds: {INT16} int16,
{UINT16} uint16, enum16 and bitfield16, {FLOAT32} float32, {STRING} string, {UINT32} uint32 and
bitfield32, {NONE} none; {APART} is added where the scale factor is static and outside the block.
A table of what is written: the offset of each register.  ONCE: hundreds and rest of a model's
number, offset and count of what is read once.
"""

from micropython import const
'''
    named = [f"{name} = const({single(name)})  # {' '.join(map(str, SINGLE[name]))}"
             for name in SINGLE]
    rows_once = ["ONCE = (", *(_literal(*row) for row in once()), ")"]
    tables = [named, rows_once]
    tables += [_lines(family) for family in FAMILIES] + [_written_lines(w) for w in WRITTEN]
    return head + "".join("\n" + "\n".join(lines) + "\n" for lines in tables)


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
