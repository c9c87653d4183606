"""What the connection point really did: one row each 100 ms, in memory and in a CSV file.

Enters: the plant's true powers at each tick.  Leaves: rows, and the file that the verdict reads.

    rows = read_csv("site.csv")
    rows[0].site_w          # import positive, as everywhere
"""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import astuple, dataclass, fields
from pathlib import Path

MEMORY_ROWS = 10 * 3600 * 2
_FLUSH_ROWS = 10


@dataclass(frozen=True)
class Row:
    """One tick: Unix time in s; powers in W; the cap that the inverter then obeyed."""

    time: float
    pv_available_w: int
    pv_w: int
    load_w: int
    site_w: int
    cap_w: int


COLUMNS = tuple(f.name for f in fields(Row))


class Record:
    """Keeps the last two hours in memory and every row in the file, where one is named."""

    def __init__(self, path: str | Path | None = None):
        """Open `path` anew and write the head of the table."""
        self.rows: deque[Row] = deque(maxlen=MEMORY_ROWS)
        self._file = None
        self._unflushed = 0
        if path:
            self._file = Path(path).open("w", newline="", encoding="ascii")
            self._file.write(",".join(COLUMNS) + "\n")

    def add(self, row: Row) -> None:
        """Append one row; the file is at most a second behind."""
        self.rows.append(row)
        if not self._file:
            return
        self._file.write(",".join(str(v) for v in astuple(row)) + "\n")
        self._unflushed += 1
        if self._unflushed >= _FLUSH_ROWS:
            self._file.flush()
            self._unflushed = 0

    def since(self, time: float) -> list[Row]:
        """Rows later than `time`, oldest first."""
        found = []
        for row in reversed(self.rows):
            if row.time <= time:
                break
            found.append(row)
        return found[::-1]

    def close(self) -> None:
        """End the file; memory stays readable."""
        if self._file:
            self._file.close()
            self._file = None


def read_csv(path: str | Path) -> list[Row]:
    """The rows of a file that `Record` wrote; a last line cut short is left out."""
    text = Path(path).read_text(encoding="ascii")
    whole = text[:text.rfind("\n") + 1].splitlines()
    return [Row(float(line["time"]), *(int(line[c]) for c in COLUMNS[1:]))
            for line in csv.DictReader(whole)]
