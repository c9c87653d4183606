"""Was the limit kept? Judged from the site's own record and the published timeline, nothing else.

Enters: rows of the record, segments of the limit (Unix times).  Leaves: a Verdict.

    verdict = judge(rows, segments, wmax_w=10000)
    verdict.passed, verdict.line()

Above means: export over the limit by more than the tolerance, min(4 % of WMax, 100 W) (the
national test procedures').  Physics takes a moment (AS/NZS 4777.2 grants 15 s), so time above is
excused within 15 s of a change: of the limit, or of sun or load by more than the tolerance in a
second.  PASS needs: no second above that is not excused; no run above longer than 15 s, excused or
not; each limit of 15 s or more kept for over half of its time, since in a short story a change is
never far; a record without gaps; and at least half of the lawful energy made, since a dead
inverter keeps every limit.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from tools.demo.story import Segment
from tools.site.record import Row

GRACE_S = 15.0
TICK_S = 0.1
USED_MIN = 0.5
KEPT_MIN = 0.5
_COVER_MIN = 0.99
_GAP_S = 0.5


def tolerance_w(wmax_w: int) -> int:
    """Measurement tolerance of the test procedures: the lower of 4 % of rated or 100 W."""
    return min(wmax_w * 4 // 100, 100)


@dataclass
class Verdict:
    """Seconds and Wh above the limit, and why it is PASS or FAIL."""

    seconds: float = 0.0
    above_s: float = 0.0
    beyond_s: float = 0.0
    longest_s: float = 0.0
    worst_w: int = 0
    above_wh: float = 0.0
    beyond_wh: float = 0.0
    curtailed_wh: float = 0.0
    made_wh: float = 0.0
    lawful_wh: float = 0.0
    least_kept: float = 1.0         # share of its time, of the limit that was kept least
    least_kept_w: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def used(self) -> float:
        """Share of the lawful energy that was made, 0 to 1."""
        return self.made_wh / self.lawful_wh if self.lawful_wh else 1.0

    def line(self) -> str:
        """The verdict as one line; above and not excused as the module's text has it."""
        word = "PASS" if self.passed else "FAIL"
        text = (f"{word}: above the limit for {self.above_s:.1f} of {self.seconds:.0f} s, "
                f"longest run {self.longest_s:.1f} s, not excused {self.beyond_s:.1f} s")
        return text if self.passed else text + " (" + "; ".join(self.reasons) + ")"

    def figures(self) -> list[tuple[str, str]]:
        """Names and values for a table."""
        return [
            ("judged", f"{self.seconds:.0f} s of the site's own record, every 100 ms"),
            ("above the limit", f"{self.above_s:.1f} s, {self.above_wh:.2f} Wh in all"),
            (f"  beyond {GRACE_S:.0f} s of a change", f"{self.beyond_s:.1f} s, "
             f"{self.beyond_wh:.2f} Wh (must be 0)"),
            ("  longest run", f"{self.longest_s:.1f} s (at most {GRACE_S:.0f})"),
            ("  worst instant", f"{self.worst_w} W above"),
            ("  limit kept least", f"{self.least_kept_w} W, for {100 * self.least_kept:.0f} % of "
             f"its time (over {100 * KEPT_MIN:.0f})"),
            ("curtailed needlessly", f"{self.curtailed_wh:.1f} Wh"),
            ("lawful energy made", f"{self.made_wh:.1f} of {self.lawful_wh:.1f} Wh "
             f"({100 * self.used:.0f} %)"),
        ]


def limit_at(segments: list[Segment], time: float) -> Segment | None:
    """The segment that holds `time`, or None outside the timeline."""
    i = bisect_right([s.start for s in segments], time) - 1
    if i < 0 or time >= segments[i].end:
        return None
    return segments[i]


def changes(rows: list[Row], segments: list[Segment], tol_w: int) -> list[float]:
    """Times of all changes that excuse: of the limit, of sun or load by `tol_w` in a second."""
    found = [s.start for i, s in enumerate(segments)
             if i == 0 or s.limit_w != segments[i - 1].limit_w]
    span = round(1 / TICK_S)
    for old, new in zip(rows, rows[span:]):
        if (abs(new.load_w - old.load_w) > tol_w
                or abs(new.pv_available_w - old.pv_available_w) > tol_w):
            found.append(new.time)
    return sorted(found)


def judge(rows: list[Row], segments: list[Segment], wmax_w: int) -> Verdict:
    """The verdict over the time that the segments span."""
    tol_w = tolerance_w(wmax_w)
    rows = [r for r in rows if segments[0].start <= r.time < segments[-1].end]
    excuses = changes(rows, segments, tol_w)
    starts = [s.start for s in segments]
    v, run, hours = Verdict(), 0.0, TICK_S / 3600
    above_s = [0.0] * len(segments)
    for row in rows:
        segment = bisect_right(starts, row.time) - 1
        limit_w = segments[segment].limit_w
        excess = -row.site_w - limit_w
        lawful_w = min(row.pv_available_w, max(row.load_w + limit_w, 0))
        v.seconds += TICK_S
        v.made_wh += min(row.pv_w, lawful_w) * hours
        v.lawful_wh += lawful_w * hours
        v.curtailed_wh += max(lawful_w - row.pv_w, 0) * hours
        run = run + TICK_S if excess > tol_w else 0.0
        v.longest_s = max(v.longest_s, run)
        if excess <= tol_w:
            continue
        v.worst_w = max(v.worst_w, excess)
        v.above_s += TICK_S
        above_s[segment] += TICK_S
        v.above_wh += excess * hours
        i = bisect_right(excuses, row.time) - 1
        if i < 0 or row.time - excuses[i] > GRACE_S:
            v.beyond_s += TICK_S
            v.beyond_wh += excess * hours
    for segment, above in zip(segments, above_s):
        span = segment.end - segment.start
        kept = max(1 - above / span, 0.0)
        if span >= GRACE_S and kept < v.least_kept:
            v.least_kept, v.least_kept_w = kept, segment.limit_w
    v.reasons = _reasons(v, rows, segments)
    return v


def _reasons(v: Verdict, rows: list[Row], segments: list[Segment]) -> list[str]:
    """What speaks against PASS."""
    span = segments[-1].end - segments[0].start
    steps = [b.time - a.time for a, b in zip(rows, rows[1:])]
    reasons = []
    if v.beyond_s > 0:
        reasons.append(f"above the limit beyond {GRACE_S:.0f} s of a change")
    if v.longest_s > GRACE_S + TICK_S / 2:
        reasons.append(f"one run above the limit lasted {v.longest_s:.1f} s")
    if v.least_kept <= KEPT_MIN:
        reasons.append(f"the limit of {v.least_kept_w} W was kept for only "
                       f"{100 * v.least_kept:.0f} % of its time")
    if v.seconds < _COVER_MIN * span or max(steps, default=span) > _GAP_S:
        reasons.append(f"the record covers {v.seconds:.0f} of {span:.0f} s")
    if v.used < USED_MIN:
        reasons.append(f"only {100 * v.used:.0f} % of the lawful energy was made")
    return reasons
