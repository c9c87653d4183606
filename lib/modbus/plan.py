"""Which register operation goes next on a line, and which sampling period comes of it.

Enters: Ops with a period and a rank, the time, and how long each transaction took.  Leaves: the Op
to send now, or how long nothing is to be sent.

    plan = Plan(clock, 10)                      # clock: ticks_add and ticks_diff as diff, add
    plan.ops.append(Op(200, regs, addr=40069, count=26, period_ms=200, rank=0))
    op = plan.next(now)                         # None: plan.wait(now) says for how many ms

What is asked for once goes first, then by rank, and of equals the most overdue.  A lower rank
waits when it would not be done before a higher one is due, for one period at most.  What is two
periods late goes before all, so that nobody starves: a slow block (rank 2 on) when it is three
periods later than a reading, and what is asked for after a reading or two that are so late.  What
failed once is asked for again before all: else, on a line that puts a question before it, the turn
that is late each time could be its own.  Each keeps its grid: a slow answer costs slots, never the
phase; a device that needs over three quarters of its period is read at the next multiple of it.

Limit: periods to a day.  Nothing allocates but the constructors.
"""

from micropython import const

from .pdu import READ

# An Op's claim is one of these, and within a rank its lateness.
_ASKED = const(1 << 29)
_OVERDUE = const(1 << 28)
_RANK = const(1 << 16)
_RANKS = const(8)
_READINGS = const(2)  # meter and inverter
_LATE_MAX_MS = const(60000)
_STARVED_MS = const(10000)


class Op:
    """A register operation: what is asked (unit, kind, addr, count) and what came of it.

    `regs` is an array('H') that a read fills from 0 and a write sends from `start`.  `period_ms`
    0 makes it a single one, sent when `wanted`.  `rank` 0 (the meter) .. 7 goes before the higher
    ones.  `sink.took(op, now)` is called at its end, in a step: it must not allocate.  `at` is
    when the last good answer arrived, `failures` how many ends in a row were none, `real_ms` the
    period that its good answers have kept (smoothed; 0 before the first).
    """

    def __init__(self, unit, regs, kind=READ, addr=0, count=0, period_ms=0, sink=None, rank=1):
        self.unit = unit
        self.regs = regs
        self.kind = kind
        self.addr = addr
        self.start = 0
        self.count = count
        self.period_ms = period_ms
        self.sink = sink
        self.rank = rank
        self.due = 0
        self.wanted = False
        self.result = -1  # of port.py: PENDING
        self.at = 0
        self.failures = 0
        self.real_ms = 0
        self.took_ms = 0  # its last transaction, and the silence after it
        self.slow = False  # as the log knows it
        self.flag = None


class Plan:
    """The Ops of one line, in `ops`. `clock` has add(instant, ms) and diff(later, earlier).

    `idle_ms` is the longest that wait() gives.
    """

    def __init__(self, clock, idle_ms):
        self._clock = clock
        self._idle_ms = idle_ms
        self._slow = False  # the last that was no reading was a slow block
        self._pushed = 0  # readings, where overdue, that go before what is asked for
        self.ops = []

    def next(self, now):
        """The Op to send, None when none may go out yet. It is due again at its next slot."""
        found, most = None, -1
        for op in self.ops:
            if self._wait(op, now) > 0:
                continue
            late = min(self._clock.diff(now, op.due), _LATE_MAX_MS)
            if op.wanted:
                claim = _OVERDUE if self._pushed and op.failures != 1 else _ASKED
            elif late >= 2 * op.period_ms:
                # A slow block after the readings, for as long as it can wait.
                claim = _OVERDUE + late - (3 * op.period_ms if op.rank > 1 else 0)
            else:
                claim = (_RANKS - op.rank) * _RANK + late
            if claim > most:
                found, most = op, claim
        if found is not None:
            if found.rank > 1 and self._slow:
                found = self._asked(now) or found  # not again before it
            if found.rank > 1 or not found.period_ms:
                self._pushed = _READINGS
                self._slow = found.period_ms > 0
                if not found.period_ms:
                    found.due = now
            elif self._pushed:
                self._pushed -= 1
            found.wanted = False  # asked for again while it is outstanding: sent again
            if found.period_ms:
                self.push(found, now, 0)
        return found

    def _asked(self, now):
        # Of the Ops that are asked for the one that was served longest ago, ten seconds at least.
        found, longest = None, _STARVED_MS
        for op in self.ops:
            late = self._clock.diff(now, op.due)
            if op.wanted and late > longest:
                found, longest = op, late
        return found

    def wait(self, now):
        """Milliseconds until an Op may go out, 0 .. idle_ms."""
        least = self._idle_ms
        for op in self.ops:
            least = min(least, self._wait(op, now))
        return max(least, 0)

    def push(self, op, now, wait):
        """Make a periodic Op due at the first slot of its grid later than `wait` ms from now."""
        least = self._clock.add(now, wait)
        late = self._clock.diff(least, op.due)
        op.due = self._clock.add(least, op.period_ms - late % op.period_ms)

    def rest(self, unit, now, wait):
        """Leave a silent unit alone for `wait` ms, so that the others have the line."""
        for op in self.ops:
            if op.unit != unit:
                break
        else:
            return
        for op in self.ops:
            if op.unit == unit and op.period_ms:
                self.push(op, now, wait)

    def answered(self, op, now, took_ms):
        """The device has answered the Op, took_ms after it was sent, silence after it included."""
        op.took_ms = took_ms
        if 4 * took_ms > 3 * op.period_ms > 0:
            self.push(op, now, op.period_ms >> 2)

    def sampled(self, op, at):
        """A good answer has arrived at `at`."""
        if op.real_ms:
            more = min(self._clock.diff(at, op.at), _LATE_MAX_MS) - op.real_ms
            op.real_ms += (more + 7 if more > 0 else more) >> 3
        else:
            op.real_ms = op.period_ms
        op.at = at

    def _wait(self, op, now):
        # Milliseconds until the Op may go out; 0 or less: now.
        if op.wanted:
            return 0
        if not op.period_ms:
            return self._idle_ms
        wait = self._clock.diff(op.due, now)
        if -op.period_ms < wait <= 0:
            for other in self.ops:
                if other.rank < op.rank and other.period_ms \
                        and 0 < self._clock.diff(other.due, now) < op.took_ms:
                    return wait + op.period_ms  # it would be in the way
        return wait
