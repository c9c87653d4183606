"""One line of the firmware's log, taken apart: `TIME LEVEL CODE key=value ...`.

Enters: a line of its standard output.  Leaves: a LogLine; whatever has another shape (a trace, a
line cut short) is kept as plain text.

    line = parse('2026-11-24T16:20:01Z I LIMIT exp_w=1500 src=event why="primacy 1 before 5"')
    line.code, line.pairs["why"]          # "LIMIT", "primacy 1 before 5"

Limit: values come without their quotes, always as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HEAD = re.compile(r"(-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ([IWE]) ([A-Z][A-Z0-9_]*)(?= |$)")
_PAIR = re.compile(r'([A-Za-z_]\w*)=("[^"]*"|\S*)')


@dataclass(frozen=True)
class LogLine:
    """`time` is hh:mm:ss or empty, `level` I, W, E or empty, `code` empty for plain text."""

    time: str
    level: str
    code: str
    pairs: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def said(self) -> str:
        """The line without its time: what a screen shows."""
        return f"{self.code} {self.text}".strip()


def parse(raw: str) -> LogLine:
    """Take a line apart; never raises. Control characters become dots."""
    raw = "".join(c if c.isprintable() else "." for c in raw.rstrip())
    head = _HEAD.match(raw)
    if not head:
        return LogLine("", "", "", {}, raw)
    time, level, code = head.groups()
    rest = raw[head.end():].strip()
    pairs = {k: v.strip('"') for k, v in _PAIR.findall(rest)}
    return LogLine(time[11:19], level, code, pairs, rest)
