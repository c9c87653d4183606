"""What the connection point really did: one row each 100 ms, in memory and in a CSV file.

Enters: the plant's true powers at each tick.  Leaves: rows, the file that the verdict reads, and
means of anything true.

    rows = read_csv("site.csv")
    rows[0].site_w          # import positive, as everywhere
    record.mean("site_w_a", t0, t1)     # also of what left memory, then in whole minutes

Limit: rows stay in memory for `keep_s`, means of whole minutes for ever.
"""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import astuple, dataclass, fields
from operator import add
from pathlib import Path

from tools.site.plant import Instant

KEEP_S = 7200
_ROWS_S = 10
_FLUSH_ROWS = 10
_MINUTE_MS = 60_000
_TRUE = ("site_w", "site_var", "hz", "site_w_a", "site_w_b", "site_w_c", "site_var_a",
         "site_var_b", "site_var_c", "v_a", "v_b", "v_c", "pv_w", "load_w", "battery_w", "flex_w")


@dataclass(slots=True)
class Row:
    """One tick: Unix time in s; powers in W; the cap that the inverters then obeyed.

    battery_w: discharge positive; flex_w: of the controllable load; soc_pct100: 1/100 %.
    """

    time: float
    pv_available_w: int
    pv_w: int
    load_w: int
    site_w: int
    cap_w: int
    battery_w: int = 0
    flex_w: int = 0
    soc_pct100: int = 0


COLUMNS = tuple(f.name for f in fields(Row))


class Record:
    """Keeps the last `keep_s` in memory and every row in the file, where one is named."""

    def __init__(self, path: str | Path | None = None, names: tuple[str, ...] = (),
                 keep_s: float = KEEP_S):
        """Open `path` anew and write the head of the table; `names` of the devices."""
        keep = int(keep_s * _ROWS_S)
        self.rows: deque[Row] = deque(maxlen=keep)
        self.truth: deque[tuple] = deque(maxlen=keep)
        self.names = _TRUE + tuple(f"{name}_w" for name in names)
        self._minutes: dict[int, tuple[int, list[float]]] = {}
        self._minute, self._n, self._sums = 0, 0, [0.0] * len(self.names)
        self._file = None
        self._unflushed = 0
        if path:
            self._file = Path(path).open("w", newline="", encoding="ascii")
            self._file.write(",".join(COLUMNS) + "\n")

    def add(self, row: Row, site: Instant | None = None, watts: tuple[float, ...] = ()) -> None:
        """Append a row, and what is true: the site, then W of sun, load, battery, flex, devices.

        The file is at most a second behind.
        """
        self.rows.append(row)
        if site:
            self._true(row.time, (site.watts, site.vars, site.hertz, *site.phases_w,
                                  *site.phases_var, *site.volts, *watts))
        if not self._file:
            return
        self._file.write(",".join(str(v) for v in astuple(row)) + "\n")
        self._unflushed += 1
        if self._unflushed >= _FLUSH_ROWS:
            self._file.flush()
            self._unflushed = 0

    def _true(self, time: float, values: tuple[float, ...]) -> None:
        """Keep them, and add them to their minute: a row ends the 100 ms that it tells of."""
        self.truth.append((time, values))
        minute = (round(time * 1000) - 1) // _MINUTE_MS
        if minute != self._minute:
            if self._n:
                self._minutes[self._minute] = self._n, self._sums
            self._minute, self._n, self._sums = minute, 0, [0.0] * len(values)
        self._n += 1
        self._sums = list(map(add, self._sums, values))

    def mean(self, name: str, t0: float, t1: float) -> float:
        """Mean of a name of `names` over the rows later than t0, up to t1.

        ValueError when there are none: outside memory whole minutes are needed.
        """
        at = self.names.index(name)
        if self.truth and self.truth[0][0] - 1 / _ROWS_S <= t0 + 1e-6:
            found = [values[at] for time, values in self.truth if t0 + 1e-6 < time <= t1 + 1e-6]
            n, total = len(found), sum(found)
        else:
            n, total = self._whole(at, t0, t1)
        if not n:
            raise ValueError(f"no rows of {name} from {t0} to {t1}")
        return total / n

    def _whole(self, at: int, t0: float, t1: float) -> tuple[int, float]:
        first, last = round(t0 * 1000), round(t1 * 1000)
        if first % _MINUTE_MS or last % _MINUTE_MS:
            raise ValueError(f"{t0} to {t1}: only whole minutes are kept of that time")
        minutes = {**self._minutes, self._minute: (self._n, self._sums)}
        found = [minutes[m] for m in range(first // _MINUTE_MS, last // _MINUTE_MS)
                 if m in minutes]
        return sum(n for n, _ in found), sum(sums[at] for _, sums in found)

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
