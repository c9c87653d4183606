"""The window against exact rational arithmetic: samples, gaps, steps of the clock, new periods.

The model keeps every sample with its second, knows for each second since when all of it was seen,
and works each interval out anew with fractions.  It shares no code with lib/metering.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from math import isqrt
from pathlib import Path

from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests" / "cpython")]

import metering.window
from metering import ABSENT, LAST, MAX, MEAN, MIN, QUESTIONABLE, RMS, SPAN, START, VALUES, Window

SMALL = 1 << 30
KINDS = bytes((MEAN, MEAN, RMS, MIN, MAX, LAST))
RANGES = {MEAN: (-2_000_000, 2_000_000), RMS: (0, 32767), MIN: (40_000, 60_000),
          MAX: (40_000, 60_000), LAST: (0, SMALL - 1)}
T0 = 200_000_100


def nearest(x: Fraction) -> int:
    """To nearest, halves away from zero."""
    up = int(abs(x) + Fraction(1, 2))
    return up if x >= 0 else -up


def nearest_root(x: Fraction) -> int:
    """To nearest of the root: the greatest r with (r - 1/2)**2 <= x."""
    r = isqrt(int(x)) + 1
    while r > 0 and (r - Fraction(1, 2)) ** 2 > x:
        r -= 1
    return r


def average(kind: int, values: list[int]) -> int:
    if not values:
        return ABSENT
    if kind == MEAN:
        return nearest(Fraction(sum(values), len(values)))
    if kind == RMS:
        return nearest_root(Fraction(sum(v * v for v in values), len(values)))
    return {MIN: min, MAX: max, LAST: lambda v: v[-1]}[kind](values)


class Model:
    """Every sample since the last step, and since when all seconds were watched."""

    def __init__(self, period: int, sample_ms: int) -> None:
        self.period = period
        self.sample_ms = sample_ms
        self.now: int | None = None
        self.since = 0              # the first second that was watched from its start on
        self.kept = 0               # samples before it are gone, save those of the minute then
        self.start = 0              # of the interval under way
        self.samples: list[tuple[int, list[int]]] = []

    def aligned(self, s: int) -> int:
        return s - s % self.period

    def step(self) -> None:
        self.now = None
        self.samples = []

    def time(self, s: int) -> list | None:
        """What the interval that ended before s amounts to, None while none has."""
        if s < 0 or (self.now is not None and (s < self.now - 1 or s > self.now + 60)):
            self.step()
        if s < 0 or (self.now is not None and s <= self.now):
            return None
        if self.now is None:
            self.now, self.since, self.start, self.kept = s, s + 1, self.aligned(s), s + 1
            return None
        self.now = s
        if s < self.start + self.period:
            return None
        start, self.start = self.start, self.aligned(s)
        row = self.row(start) if start >= self.since and start >= self.kept else None
        self.kept = self.start
        return row

    def row(self, start: int) -> list:
        due = self.period * 1000 // self.sample_ms
        values, bits = [], 0
        for i, kind in enumerate(KINDS):
            low, high = RANGES[kind]
            seen = [v[i] for s, v in self.samples
                    if start <= s < start + self.period and low <= v[i] <= high]
            values.append(average(kind, seen))
            if seen and Fraction(len(seen), due) < Fraction(9, 10) and kind != LAST:
                bits |= 1 << i
        return [start, self.period, bits, *values]

    def put(self, values: list[int], s: int) -> list | None:
        row = self.time(s)
        if self.now is not None:
            self.samples.append((max(s, self.now), values))
        return row

    def change(self, period: int) -> None:
        if period == self.period:
            return
        self.period = period
        if self.now is None:
            return
        start = self.aligned(self.now)
        if start != self.start:
            # Only what came since this minute began is kept apart from the old interval.
            self.kept = self.now - self.now % 60
            self.start = start


def value(kind: int) -> st.SearchStrategy[int]:
    low, high = RANGES[kind]
    near = st.integers(low, high)
    odd = (low, high, low - 1, min(high + 1, SMALL - 1), ABSENT, 0)
    return near | near | near | st.sampled_from(odd)


SAMPLE = st.tuples(*[value(kind) for kind in KINDS]).map(list)
SCRIPT = st.lists(st.one_of(
    st.tuples(st.just("run"), st.integers(1, 400), st.lists(SAMPLE, min_size=1, max_size=7)),
    st.tuples(st.just("gap"), st.integers(1, 200), st.none()),
    st.tuples(st.just("step"), st.sampled_from((1, -1, 2, -2, 3, -90, 90, 86400, -86400))
              | st.integers(-4000, 4000), st.booleans()),
    st.tuples(st.just("period"), st.sampled_from((60, 60, 120, 180, 300, 600)), st.none()),
    st.tuples(st.just("to"), st.integers(0, 2), st.none()),
), min_size=1, max_size=14)


class Side:
    """The window and the model side by side on one clock; their rows must be the same."""

    def __init__(self, period: int, sample_ms: int, phase: int) -> None:
        self.window = Window(KINDS, period, sample_ms)
        self.model = Model(period, sample_ms)
        self.s, self.ms = T0 + phase, 0
        self.rows: list[list] = []

    def forward(self, ms: int) -> None:
        self.ms += ms
        self.s += self.ms // 1000
        self.ms %= 1000

    def note(self, closed: bool, row: list | None) -> None:
        assert (list(self.window.row) if closed else None) == row, self.s
        if closed:
            self.rows.append(row)

    def run(self, seconds: int, frames: list[list[int]]) -> None:
        for k in range(seconds * 1000 // self.window.sample_ms):
            frame = frames[k % len(frames)]
            self.note(self.window.put(frame, self.s), self.model.put(frame, self.s))
            self.forward(self.window.sample_ms)

    def gap(self, seconds: int, _more: None) -> None:
        for _ in range(seconds):
            self.note(self.window.tick(self.s), self.model.time(self.s))
            self.forward(1000)

    def step(self, by_s: int, told: bool) -> None:
        self.s += by_s
        if told:
            self.window.stepped(by_s)
            if abs(by_s) > 1:
                self.model.step()

    def period(self, seconds: int, _more: None) -> None:
        self.window.set_period(seconds)
        self.model.change(seconds)

    def to(self, before: int, _more: None) -> None:
        """To a few seconds before a boundary, or onto it."""
        self.gap(-(self.s + before) % self.model.period, None)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(period=st.sampled_from((60, 120, 300)), sample_ms=st.sampled_from((200, 1000, 1000)),
       phase=st.integers(0, 700), script=SCRIPT)
@example(period=300, sample_ms=1000, phase=0, script=[
    ("run", 640, [[1, -1, 2300, 50000, 50000, 5]]), ("period", 60, None),
    ("run", 200, [[2, -3, 2310, 49000, 51000, 6]]), ("period", 300, None),
    ("run", 400, [[3, -3, 2310, 49000, 51000, 6]])])
def test_the_window_is_the_exact_mean_of_what_arrived_in_whole_intervals(period, sample_ms, phase,
                                                                         script):
    side = Side(period, sample_ms, phase)
    for what, n, more in script:
        getattr(side, what)(n, more)
    event(f"rows: {min(len(side.rows), 3)}")
    for row in side.rows:
        assert row[START] % row[SPAN] == 0 and row[SPAN] % 60 == 0


# -- every value is a small int of a 32-bit board ----------------------------------


class Small(int):
    """An int that checks each result of its arithmetic, and whose results do so too."""


def _checked(name):
    plain = getattr(int, name)

    def operator(self, *args):
        result = plain(self, *args)
        assert -SMALL <= result < SMALL, (name, int(self), args)
        return Small(result)

    return operator


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "neg", "rshift", "lshift", "and",
              "floordiv", "mod"):
    setattr(Small, f"__{_name}__", _checked(f"__{_name}__"))


class Column(list):
    """An array of ints whose elements check their arithmetic."""

    def __init__(self, _typecode, data):
        super().__init__([Small(0)] * (len(data) // 4))

    def __setitem__(self, i, v):
        assert -SMALL <= v < SMALL
        super().__setitem__(i, Small(v))


EDGE = st.sampled_from((-SMALL, SMALL - 1, -2_000_000, 2_000_000, -2_000_001, 2_000_001, 32767,
                        32768, 0, -1, 1, ABSENT)) | st.integers(-SMALL, SMALL - 1)


@settings(max_examples=5, deadline=None)
@given(frames=st.lists(st.lists(EDGE, min_size=6, max_size=6), min_size=1, max_size=5),
       step_ms=st.sampled_from((400, 1000)))
@example(frames=[[2_000_000, -2_000_000, 32767, 60_000, 40_000, SMALL - 1]], step_ms=90)
@example(frames=[[-2_000_000, 2_000_000, 32767, 60_000, 40_000, SMALL - 1]], step_ms=200)
def test_no_value_leaves_the_small_ints_in_an_hour(frames, step_ms):
    plain = metering.window.array
    metering.window.array = Column
    try:
        window = Window(KINDS, 3600, 200)
    finally:
        metering.window.array = plain
    at = T0 // 3600 * 3600
    window.tick(Small(at - 1))
    for k in range(3600 * 1000 // step_ms):
        frame = frames[k % len(frames)]
        window.put([Small(v) for v in frame], Small(at + k * step_ms // 1000))
    assert window.tick(Small(at + 3600))
    for i, kind in enumerate(KINDS):
        low, high = RANGES[kind]
        seen = [v[i] for v in frames if low <= v[i] <= high]
        if not seen:
            assert window.row[VALUES + i] == ABSENT
        elif len(frames) == 1:
            assert window.row[VALUES + i] == seen[0]
        else:
            assert min(seen) <= window.row[VALUES + i] <= max(seen)
    assert window.row[QUESTIONABLE] >= 0
