"""The schedule and the envelope against a model that is written down as the rules read.

The model keeps events as plain objects, works every second out anew and shares no code with
lib/der.  Hypothesis makes programs, events, status changes, randomisation and poll times.
"""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from der import Envelope, Ramp, Schedule
from hypothesis import given, settings
from hypothesis import strategies as st

MODES = (0, 3, 5, 6, 7)  # connect, maximum, export, import, generation
ABSENT = -(1 << 30) + 1
HORIZON = 400


@dataclass
class Event:
    number: int
    program: int
    created: int
    start: int
    duration: int
    modes: dict[int, int]
    rand_start: int = 0
    rand_duration: int = 0
    draw: int = 0
    seen: int = 0  # when the first poll shows it
    flag: tuple[int, int] | None = None  # (time, status) from which the server shows it
    # The model's own memory.
    known: bool = False
    done: str = ""
    began: bool = False
    answers: list[int] = field(default_factory=list)

    def shift(self, bound: int) -> int:
        return (1 if bound >= 0 else -1) * (self.draw * (abs(bound) + 1) // 65536)

    @property
    def eff_start(self) -> int:
        return self.start + self.shift(self.rand_start)

    @property
    def own_end(self) -> int:
        return self.eff_start + self.duration + self.shift(self.rand_duration)

    def rank(self, primacies: list[int]) -> tuple[int, int, int]:
        return -primacies[self.program], self.created, self.number


class Model:
    """The rules D1 to D5 in the words of the requirements."""

    def __init__(self, primacies: list[int]) -> None:
        self.primacies = primacies
        self.events: list[Event] = []

    def poll(self, event: Event, status: int, now: int) -> None:
        if not event.known:
            event.known = True
            event.answers.append(1)
            self.events.append(event)
            if event.start + event.duration <= now:
                event.done = "ignored"
                return
        if event.done or status < 2:
            return
        event.done = "told"
        event.answers.append(7 if status == 4 else 6)

    def end(self, event: Event) -> int:
        after = [e for e in self.events
                 if not e.done and e is not event and e.program == event.program
                 and e.start == event.start + event.duration and set(e.modes) & set(event.modes)]
        if not after:
            return event.own_end
        return max(after, key=lambda e: e.rank(self.primacies)).eff_start

    def second(self, now: int) -> dict[int, Event]:
        live = [e for e in self.events if not e.done]
        ends = {e.number: self.end(e) for e in live}
        due = [e for e in live if e.eff_start <= now < ends[e.number]]
        winners = {}
        for mode in MODES:
            carrying = [e for e in due if mode in e.modes]
            if carrying:
                winners[mode] = max(carrying, key=lambda e: e.rank(self.primacies))
        for e in due:
            if e.modes and e not in winners.values():
                e.done = "superseded"
                e.answers.append(7)
            elif e.modes and not e.began:
                e.began = True
                e.answers.append(2)
        for e in live:
            if not e.done and now >= ends[e.number]:
                e.done = "over"
                if e.began:
                    e.answers.append(3)
        return winners


def record(event: Event, status: int) -> array:
    rec = array("i", bytes(84))
    rec[0], rec[1], rec[2], rec[3] = event.created, status, event.start, event.duration
    rec[4], rec[5], rec[6], rec[7], rec[8], rec[9] = (
        event.rand_start, event.rand_duration, 3, -1, event.number, -1)
    for mode, value in event.modes.items():
        rec[10] |= 1 << mode
        rec[11 + mode] = value
    return rec


def mrid(number: int) -> bytearray:
    return bytearray(number.to_bytes(16, "big") + bytes([32, 0, 0, 0, 0]))


def furnished(primacies, defaults, slots):
    """A schedule that knows its programs and their defaults."""
    schedule = Schedule(slots, len(primacies))
    for p, primacy in enumerate(primacies):
        schedule.set_program(p, primacy)
        rec = array("i", bytes(84))
        rec[9] = -1
        for mode, value in defaults[p].items():
            rec[10] |= 1 << mode
            rec[11 + mode] = value
        schedule.set_default(p, rec)
    return schedule


def read_all(schedule, model, events, now):
    """One poll of every program's list, for both."""
    for p in range(schedule.programs):
        schedule.begin(p)
        for e in events:
            if e.program == p and e.seen <= now:
                status = e.flag[1] if e.flag and e.flag[0] <= now else 0
                model.poll(e, status, now)
                schedule.put(p, mrid(e.number), record(e, status), 1, now, e.draw, e.draw)
        assert schedule.end(p, now) == 0


def compare(schedule, winners, primacies, defaults, now):
    """Winner, value and ramp of each mode at this second."""
    for mode in range(10):
        winner = winners.get(mode)
        if winner is None:
            having = [(primacies[p], d[mode]) for p, d in enumerate(defaults) if mode in d]
            value = min(having)[1] if having else ABSENT
            assert schedule.winner[mode] == (-1 if having else -2)
            assert schedule.ramp[mode] == -1
        else:
            value = winner.modes[mode]
            assert schedule.winner[mode] == schedule.find(mrid(winner.number)), (now, mode)
            assert schedule.ramp[mode] == winner.number
        assert schedule.values[mode] == value, (now, mode)


def play(primacies, defaults, events, polls):
    """Run both for HORIZON seconds and compare every second and, at the end, every answer."""
    schedule = furnished(primacies, defaults, len(events) + 1)
    model = Model(primacies)
    answers = defaultdict(list)
    before = None
    for now in range(HORIZON):
        if now in polls:
            read_all(schedule, model, events, now)
        winners = model.second(now)
        changed = schedule.evaluate(now)
        compare(schedule, winners, primacies, defaults, now)
        for slot in schedule.winner:
            if slot >= 0:
                schedule.confirm(slot)
        state = [list(schedule.values), {m: e.number for m, e in winners.items()}]
        if before is not None:
            assert changed == (state != before), now
        before = state
        while schedule.next_owed():
            answers[int.from_bytes(schedule.owed_key[:16], "big")].append(schedule.owed_status)
            schedule.answered()
    for e in events:
        assert answers[e.number] == (e.answers if e.known else []), e
    assert schedule.owed_count == 0


modes = st.dictionaries(st.sampled_from(MODES), st.integers(0, 9), max_size=3)
programs = st.lists(st.tuples(st.integers(0, 2), modes), min_size=1, max_size=3)
polled = st.sets(st.sampled_from(range(0, HORIZON, 20)), min_size=1, max_size=8)


@st.composite
def plain_events(draw, count):
    """Any overlaps and status changes, no randomisation."""
    out = []
    for number in range(1, draw(st.integers(1, 9)) + 1):
        flag = draw(st.none() | st.tuples(st.integers(0, HORIZON), st.sampled_from((2, 3, 4))))
        if flag and flag[1] == 3:
            flag = (flag[0], 2)  # a delayed end is tested by itself
        out.append(Event(number, draw(st.integers(0, count - 1)), draw(st.integers(0, 3)),
                         20 * draw(st.integers(0, 15)), 20 * draw(st.integers(1, 6)),
                         draw(modes), seen=draw(st.integers(0, 200)), flag=flag))
    return out


@st.composite
def random_events(draw, count):
    """Successive events with random offsets: two chains and something across."""
    out = []
    bound = st.integers(-20, 20)
    for number in range(1, draw(st.integers(1, 9)) + 1):
        out.append(Event(number, draw(st.integers(0, count - 1)), draw(st.integers(0, 3)),
                         60 * draw(st.integers(1, 4)), 60 * draw(st.integers(1, 2)),
                         draw(modes), draw(bound), draw(bound), draw(st.integers(0, 65535))))
    return out


@settings(max_examples=400, deadline=None)
@given(st.data(), programs, polled)
def test_winners_values_and_answers_agree_with_the_model(data, progs, polls):
    events = data.draw(plain_events(len(progs)))
    play([p for p, _ in progs], [d for _, d in progs], events, polls)


@settings(max_examples=400, deadline=None)
@given(st.data(), programs)
def test_randomised_successive_events_agree_with_the_model(data, progs):
    events = data.draw(random_events(len(progs)))
    play([p for p, _ in progs], [d for _, d in progs], events, {0})


watts = st.integers(0, 30000)
held = st.dictionaries(st.sampled_from((0, 1, 3, 5, 6, 7, 8)), watts, max_size=7)


def legal(values):
    return {m: v % 2 if m < 2 else v % 10001 if m == 3 else v for m, v in values.items()}


@settings(max_examples=600, deadline=None)
@given(held, held, held, st.booleans(), st.integers(0, 1000000), st.tuples(*[watts] * 4))
def test_no_limit_is_looser_than_the_rules_allow(event, default, persisted, complete, wmax, site):
    event, default, persisted = legal(event), legal(default), legal(persisted)
    s = Schedule(2, 1)
    rec = array("i", bytes(84))

    def fill(values):
        for i in range(21):
            rec[i] = 0
        rec[7] = rec[8] = rec[9] = -1
        rec[3] = 100
        for mode, value in values.items():
            rec[10] |= 1 << mode
            rec[11 + mode] = value
        return rec

    s.set_persisted(fill(persisted))
    s.set_program(0, 1)
    s.set_default(0, fill(default))
    s.put(0, mrid(1), fill(event), 0, 0, 0, 0)
    s.evaluate(0)
    e = Envelope(*site)
    e.update(s, complete, wmax)
    now = {**default, **event}

    def least(mode, percent):
        """The candidates that the tree and, before it was read, flash have for one limit."""
        sets = [now] if complete else [now, persisted]
        found = [v[mode] for v in sets if mode in v]
        if percent:
            found += [v[3] * wmax // 10000 for v in sets if 3 in v]
        return found, bool(sets[-1].keys() & ({mode, 3} if percent else {mode}))

    found, has = least(5, True)
    if not has:
        found.append(site[0] if complete else site[2])
    off = 0 in (now.get(0), now.get(1)) or (not complete and 0 in (persisted.get(0),
                                                                  persisted.get(1)))
    assert e.exp_w == (0 if off else min(found))
    found, has = least(6, False)
    if not has:
        found.append(site[1] if complete else site[3])
    assert e.imp_w == min(found)
    assert e.gen_w == (0 if off else min(least(7, True)[0], default=ABSENT))
    assert e.load_w == min(least(8, False)[0], default=ABSENT)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 1000000), st.data())
def test_a_ramp_is_never_above_its_line_whatever_the_steps(wmax, data):
    a, b = data.draw(st.integers(0, wmax)), data.draw(st.integers(0, wmax))
    tms = data.draw(st.just(-1) | st.integers(1, 65535))
    grad = data.draw(st.integers(1, 65535))
    ramp = Ramp(wmax, a)
    ramp.aim(b, tms, grad)
    t = 0
    for dt in data.draw(st.lists(st.integers(0, 5000), max_size=40)):
        t += dt
        up, down = (abs(b - a) * min(t, tms * 10), tms * 10) if tms > 0 else (
            grad * wmax * t, 10000000)
        if b > a:
            want = min(b, a + up // down)
        else:
            want = max(b, a - -(-up // down))
        assert ramp.step(dt) == want
