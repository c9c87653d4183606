"""A figure of the bench: what it is, what it should be, what it is measured against.

Enters: Rows with their aims, Readings of what was measured.  Leaves: verdicts.

    row = Row("list.time", "list to table", "ms", Aim("<", "against"), "py20305", ...)
    row.take(Reading(9.1, against=12.0))
    row.verdict                         # "met"

Limit: a row has one number; what else was counted goes into `detail`.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field

MET, NOT_MET, UNMEASURED = "met", "not met", "not yet measured"

_COMPARE = {"<": operator.lt, "<=": operator.le}


class BenchError(Exception):
    """A family could not be measured; the text says why, in a sentence."""


@dataclass(frozen=True)
class Aim:
    """`compare` is "<" or "<="; `bound` a number, or None for what the row is measured against."""

    compare: str
    bound: float | None = None
    said: str = ""                      # the aim in words, where it says more than the number

    def met(self, value: float, against: float | None) -> bool | None:
        """Whether a value meets it, None when that cannot be said."""
        bound = against if self.bound is None else self.bound
        return None if bound is None else _COMPARE[self.compare](value, bound)

    def text(self, unit: str) -> str:
        """The aim as it stands in the table."""
        if self.said:
            return self.said
        if self.bound is None:
            return f"{self.compare} what it is measured against"
        return f"{self.compare} {number(self.bound)} {unit}"


@dataclass
class Reading:
    """What was measured; `against` replaces a recorded figure by one of the same run."""

    value: float
    against: float | None = None
    note: str = ""
    detail: dict = field(default_factory=dict)


@dataclass
class Row:
    """One line of the table. `source`: where the aim and a recorded figure are written down."""

    key: str
    name: str
    unit: str
    aim: Aim
    against: str
    source: str
    against_value: float | None = None  # recorded, until the run measures it
    note: str = ""
    value: float | None = None
    same_run: bool = False
    detail: dict = field(default_factory=dict)

    def take(self, reading: Reading) -> None:
        """Fill in what was measured."""
        self.value = reading.value
        if reading.against is not None:
            self.against_value, self.same_run = reading.against, True
        self.note = reading.note or self.note
        self.detail = reading.detail

    @property
    def verdict(self) -> str:
        """MET, NOT_MET or UNMEASURED."""
        met = None if self.value is None else self.aim.met(self.value, self.against_value)
        return UNMEASURED if met is None else MET if met else NOT_MET

    @property
    def ratio(self) -> float | None:
        """Value over what it is measured against, None where one of them is missing or 0."""
        if self.value is None or not self.against_value:
            return None
        return self.value / self.against_value

    def as_json(self) -> dict:
        """The row as plain values."""
        return {"key": self.key, "name": self.name, "value": self.value, "unit": self.unit,
                "aim": self.aim.text(self.unit), "against": self.against,
                "against_value": self.against_value, "against_same_run": self.same_run,
                "ratio": self.ratio, "verdict": self.verdict, "source": self.source,
                "note": self.note, "detail": self.detail}


def number(value: float | None) -> str:
    """A figure with as many digits as it is worth."""
    if value is None:
        return "-"
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1:
        return f"{value:.2g}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(rows: list[Row]) -> str:
    """All rows in columns, and below them the notes."""
    lines = [("figure", "value", "aim", "measured against", "its value", "ratio", "verdict")]
    for row in rows:
        value = "-" if row.value is None else f"{number(row.value)} {row.unit}"
        run = "" if row.same_run or row.against_value is None else " (recorded)"
        lines.append((row.name, value, row.aim.text(row.unit), row.against,
                      number(row.against_value) + run,
                      number(row.ratio), row.verdict))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    out = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in lines]
    out.insert(1, "  ".join("-" * w for w in widths))
    out += [""] + [f"{row.name}: {row.note}" for row in rows if row.note]
    return "\n".join(out)
