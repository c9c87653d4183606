"""SunSpec models as registers: where a point stands and how its value is written.

Enters: a model id and raw values by point name (scale factor already applied).  Leaves: the
model's registers, with the type's sentinel wherever no value was given.

    Layout(103).registers({"W": 2500, "W_SF": 0})

Point tables come from the model files that pysunspec2 ships.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sunspec2

_MODELS = Path(sunspec2.__file__).parent / "models" / "json"
_LOW_ZERO = ("acc16", "acc32", "acc64", "string")
_HIGH_BIT = ("int16", "int32", "int64", "sunssf", "pad")


@dataclass(frozen=True)
class Point:
    """A point of a model: offset from the ID register, registers that it takes, SunSpec type."""

    name: str
    offset: int
    size: int
    type: str


class Layout:
    """The fixed part of one model."""

    def __init__(self, model: int):
        """Read the model's file; FileNotFoundError when there is none."""
        group = json.loads((_MODELS / f"model_{model}.json").read_text())["group"]
        self.model = model
        self.points: dict[str, Point] = {}
        offset = 0
        for row in group["points"]:
            point = Point(row["name"], offset, row["size"], row["type"])
            self.points[point.name] = point
            offset += point.size
        self.size = offset
        self._blank = [w for point in self.points.values() for w in _sentinel(point)]
        self._fixed = {"ID": model, "L": offset - 2}

    def registers(self, values: dict[str, object]) -> list[int]:
        """All registers from ID on; a name that the model lacks is a KeyError."""
        given = {**self._fixed, **values}
        unknown = given.keys() - self.points.keys()
        if unknown:
            raise KeyError(f"model {self.model} has no {', '.join(sorted(unknown))}")
        words = self._blank.copy()
        for name, value in given.items():
            point = self.points[name]
            words[point.offset:point.offset + point.size] = encode(point, value)
        return words

    def at(self, offset: int) -> Point | None:
        """The point of one register whose first register stands at `offset`."""
        for point in self.points.values():
            if point.offset == offset:
                return point
        return None


@cache
def layout(model: int) -> Layout:
    """The layout of a model, read once."""
    return Layout(model)


def encode(point: Point, value) -> list[int]:
    """Registers of one value, big-endian; None gives the sentinel of the type."""
    if value is None:
        return _sentinel(point)
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


def _sentinel(point: Point) -> list[int]:
    """What an unimplemented point reads, by type."""
    if point.type in _LOW_ZERO:
        return [0] * point.size
    if point.type in _HIGH_BIT:
        return [0x8000] + [0] * (point.size - 1)
    return [0xFFFF] * point.size
