"""The plan of a line over random operations: nobody starves, each keeps its grid."""

import sys
from array import array
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests" / "cpython")]

from modbus import Op, Plan

WRAP = 1 << 30
END_MS = 30000


class Clock:
    """Ticks that wrap, as MicroPython's do."""

    def __init__(self, start):
        self.now = start

    def add(self, instant, ms):
        return (instant + ms) % WRAP

    def diff(self, later, earlier):
        return (later - earlier + WRAP // 2) % WRAP - WRAP // 2


OPS = st.lists(st.tuples(st.sampled_from((100, 200, 400, 1000, 2000)),  # period
                         st.integers(0, 3),                             # rank
                         st.integers(1, 400)),                          # duration
               min_size=1, max_size=7)


def run(ops, write_ms, eager, start):
    """When each Op went out, in ms since the start; a write is always wanted where eager."""
    clock = Clock(start)
    plan = Plan(clock, 50)
    for period, rank, duration in ops:
        op = Op(rank, array("H", [0]), period_ms=period, rank=rank)
        op.due, op.duration, op.sent = start, duration, []
        plan.ops.append(op)
    write = Op(9, array("H", [0]))
    write.duration, write.sent = write_ms, []
    plan.ops.append(write)
    t = 0
    while t < END_MS:
        now = clock.add(start, t)
        write.wanted = write.wanted or eager
        op = plan.next(now)
        if op is None:
            wait = plan.wait(now)
            assert 0 < wait <= 50
            t += wait
            continue
        op.sent.append(t)
        t += op.duration
        now = clock.add(start, t)
        plan.answered(op, now, op.duration)
        if op is not write:
            plan.sampled(op, now)
    return plan.ops


@settings(max_examples=300, deadline=None)
@given(ops=OPS, write_ms=st.integers(1, 100), eager=st.booleans(),
       start=st.sampled_from((0, 12345, WRAP - 5000)))
def test_nobody_starves(ops, write_ms, eager, start):
    made = run(ops, write_ms, eager, start)
    each = sum(duration + write_ms * eager for _, _, duration in ops)
    for op in made[:-1]:
        gaps = [b - a for a, b in zip(op.sent, op.sent[1:])]
        # Two periods late, then the others that are later still, once each; then its next slot.
        most = 4 * op.period_ms + 2 * each + write_ms + op.duration
        assert op.sent and max(gaps, default=0) <= most, (op.period_ms, gaps, most)
        assert op.sent[-1] >= END_MS - most


@settings(max_examples=200, deadline=None)
@given(ops=OPS, start=st.sampled_from((0, WRAP - 5000)))
def test_a_line_with_room_gives_everyone_the_period_that_was_asked_for(ops, start):
    light = [(period, rank, 1 + duration % 9) for period, rank, duration in ops]
    made = run(light, 1, False, start)
    busy = sum(duration for _, _, duration in light)
    for op in made[:-1]:
        assert abs(len(op.sent) - END_MS // op.period_ms) <= 1 + END_MS // op.period_ms // 50
        assert abs(op.real_ms - op.period_ms) <= busy
        assert max(sent % op.period_ms for sent in op.sent) <= busy  # never off its grid


@settings(max_examples=200, deadline=None)
@given(slow=st.integers(60, 180), others=st.integers(20, 60), rank=st.integers(1, 7))
def test_a_slow_block_takes_the_meter_off_its_tick_at_most_once_in_two_of_its_periods(
        slow, others, rank):
    made = run([(200, 0, 200 - slow), (1000, rank, slow + others)], 1, False, 0)
    meter, block = made[0], made[1]
    late = [sent for sent in meter.sent if sent % 200]
    assert len(late) <= 2 * len(block.sent)
    assert END_MS // 2000 <= len(block.sent) <= END_MS // 1000 + 1
