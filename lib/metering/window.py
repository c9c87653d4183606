"""Averages of 200 ms samples over intervals that are aligned to the server's clock.

Enters: samples as they arrive, with the server's time.  Leaves: one row for each whole interval.

    window = Window(bytes((MEAN, MEAN, RMS)), period=300)
    if window.put(values, s):            # values: W, var, 0.1 V; s: clock.now() at the arrival
        ring.put(window.row)             # the interval that has just ended

    OPEN PARTLY --boundary: counted, thrown away--> OPEN WHOLE --boundary: a row--> OPEN WHOLE
    either --step of the clock, change of period--> OPEN PARTLY

The row of [T - period, T) holds the exact mean of what arrived in it, the root of the mean square
for RMS, rounded to nearest (AS/NZS 61000.4.30 by CSIP-AUS Annex A; CSIP-AUS handbook 7.8).  A
sample belongs to the interval in which its answer arrived.  An interval that was not open from its
first second on is never handed out (J32).

Sums are kept for the minute under way and for the interval before it.  That keeps every value a
small int of a 32-bit board, and lets a shorter period begin with this minute.  A sum is two ints:
`high << 15 | low`.  Limit: values within 2 MW and 3276.7 V, periods of 60 to 3600 s, which are
aligned to multiples since 2020-01-01; to those of Unix time too where they divide a day.
"""

from array import array

from micropython import const

from .ring import QUESTIONABLE, SPAN, START, VALUES

# Kinds of a channel, with the unit of its samples and of its row.
MEAN = const(0)  # W or var: arithmetic mean
RMS = const(1)  # 0.1 V: root of the mean square
MIN = const(2)  # mHz
MAX = const(3)  # mHz
LAST = const(4)  # Wh: as it was last

ABSENT = const(-0x3FFFFFFF)  # nothing was seen: never zero

_CHANNELS_MAX = const(16)
_MINUTE = const(60)
_HOUR = const(3600)
_POWER_MAX = const(2000000)  # no site beyond it is real
_DV_MAX = const(32767)  # its square is a small int
_MHZ_MIN = const(40000)  # beyond these a meter has no line
_MHZ_MAX = const(60000)
_BLOCK = const(512)  # samples of _POWER_MAX that a small int can sum
_COUNT_MAX = const(32767)  # samples of an interval: more than nine a second for an hour
_BITS = const(15)
_LOW = const(0x7FFF)
_JUMP = const(60)  # s between two calls that only a step of the clock explains
_PAUSE = const(2)  # s between two samples that are no pause
_WHOLE = const(90)  # % of the samples due


class MeteringError(Exception):
    """Channels that a window cannot have."""


class Window:
    """One usage point: `kinds` has a byte for each channel, ascending; MeteringError otherwise.

    `period` in s is that of the posts, see set_period().  `sample_ms` is the time from one reading
    of the meter to the next, and may be set: a meter that updates once a second has 1000, and only
    its own readings are put.  Of the interval closed last: `row` (see ring.py), `due` samples,
    `seen` ones by channel, `gaps` of more than 2 s (or two readings), `gap_s` the longest of them.
    A channel is questionable with less than 90 % of its samples, LAST never.  `partial` counts the
    pieces that were thrown away.  Allocates its columns once, nothing later.
    """

    def __init__(self, kinds, period=300, sample_ms=200):
        n = len(kinds)
        if not 1 <= n <= _CHANNELS_MAX:
            raise MeteringError("channels: 1 to 16")
        before = MEAN
        for kind in kinds:
            if not before <= kind <= LAST:
                raise MeteringError("kinds: ascending, 0 to 4")
            before = kind
        self._kinds = bytes(kinds)
        self._n = n
        self._means = self._kinds.count(bytes((MEAN,)))
        self._roots = self._means + self._kinds.count(bytes((RMS,)))
        self.row = array("i", bytes(4 * (VALUES + n)))
        self.seen = array("i", bytes(4 * n))
        self.sample_ms = sample_ms
        self.due = self.gaps = self.gap_s = self.partial = 0
        # This minute: samples and their sum (the value itself for MIN, MAX and LAST).
        self._count = array("i", bytes(4 * n))
        self._high = array("i", bytes(4 * n))
        self._low = array("i", bytes(4 * n))
        # The interval before this minute.
        self._counts = array("i", bytes(4 * n))
        self._highs = array("i", bytes(4 * n))
        self._lows = array("i", bytes(4 * n))
        self._room = _BLOCK  # samples that this minute may still take
        self._pauses = self._pause_s = 0
        self._now = -1  # the server's time at the last call, -1: not known, nothing is open
        self._sampled = 0  # and at the last sample
        self._start = self._fold_at = 0
        self._whole = self._minute_whole = False  # seen from its start on
        self.period = 0
        self.set_period(period)

    # -- the 200 ms path -------------------------------------------------------

    def put(self, values, s):
        """A sample has arrived at `s`; True when that closed an interval. Does not allocate.

        values: an int for each channel, ABSENT (or out of its range) where there is none.
        s: seconds since 2020-01-01T00:00:00Z on the server's clock, -1 while it is not known.
        """
        closed = s != self._now and self.tick(s)
        if self._now < 0:
            return False
        if s - self._sampled > _PAUSE:
            self._note_pause(s)
        self._sampled = s
        count, high, low = self._count, self._high, self._low
        for i in range(self._means):
            v = values[i]
            if -_POWER_MAX <= v <= _POWER_MAX:
                count[i] += 1
                low[i] += v
        for i in range(self._means, self._roots):
            v = values[i]
            if 0 <= v <= _DV_MAX:
                v *= v
                count[i] += 1
                high[i] += v >> _BITS
                low[i] += v & _LOW
        if self._roots < self._n:
            self._put_others(values)
        self._room -= 1
        if not self._room:
            self._fold()
            self._minute_whole = False
        return closed

    def tick(self, s):
        """The server's time is `s`; True when an interval was closed. Does not allocate.

        Once a second at least, so that an interval closes that has no samples.  Time that runs
        back by more than 1 s or jumps by more than a minute counts as a step.
        """
        ahead = s - self._now
        if ahead == 0 or (ahead == -1 and s >= 0):  # one second back: time stands still
            return False
        if self._now >= 0 and not 0 < ahead <= _JUMP:
            self._cut()
        if self._now < 0:
            if s >= 0:
                self._open(s)
            return False
        self._now = s
        return s >= self._fold_at and self._turn(s)

    def stepped(self, by_s):
        """The clock was stepped by `by_s` s: beyond one the open interval is partial."""
        if not -1 <= by_s <= 1 and self._now >= 0:
            self._cut()

    def set_period(self, period):
        """Intervals of `period` s from now on, rounded up to whole minutes, 60 .. 3600.

        The one under way goes on where all of it was kept: it began with this minute, or when the
        old one did.  Else it is partial.  Nothing happens when the period is the same.
        """
        period = max(_MINUTE, min(_HOUR, -(-period // _MINUTE) * _MINUTE))
        if period == self.period:
            return
        self.period = period
        if self._now < 0:
            return
        start = self._now - self._now % period
        if start != self._start:
            self._start = start
            self.partial += 1
            self._clear()
            self._whole = self._minute_whole and start == self._fold_at - _MINUTE

    # -- what it is made of ----------------------------------------------------

    def _put_others(self, values):
        count, low = self._count, self._low
        for i in range(self._roots, self._n):
            v = values[i]
            kind = self._kinds[i]
            if kind == LAST:
                if v >= 0:
                    count[i] += 1
                    low[i] = v
            elif _MHZ_MIN <= v <= _MHZ_MAX:
                if count[i] == 0 or (v < low[i] if kind == MIN else v > low[i]):
                    low[i] = v
                count[i] += 1

    def _note_pause(self, s):
        pause = s - self._sampled
        if pause > _PAUSE and pause * 1000 > 2 * self.sample_ms:
            self._pauses += 1
            self._pause_s = max(self._pause_s, pause)

    def _open(self, s):
        # The interval and the minute that contain s, neither seen from its start on.
        self._now = self._sampled = s
        self._start = s - s % self.period
        self._fold_at = s - s % _MINUTE + _MINUTE
        self._whole = self._minute_whole = False

    def _cut(self):
        # What was summed up goes into the interval that is open next, which is thrown away too.
        self._now = -1
        self.partial += 1

    def _clear(self):
        counts, highs, lows = self._counts, self._highs, self._lows
        for i in range(self._n):
            counts[i] = highs[i] = lows[i] = 0
        self._pauses = self._pause_s = 0

    def _turn(self, s):
        # A minute has ended, and maybe its interval.
        self._fold()
        self._minute_whole = True
        self._fold_at = s - s % _MINUTE + _MINUTE
        end = self._start + self.period
        if s < end:
            return False
        self._note_pause(end)
        self._sampled = end
        closed = self._whole
        if closed:
            self._close()
        else:
            self.partial += 1
        self._clear()
        self._start = end
        self._whole = True
        return closed

    def _fold(self):
        # This minute into its interval; low stays below 2**15 so that the division is exact.
        count, high, low = self._count, self._high, self._low
        counts, highs, lows = self._counts, self._highs, self._lows
        for i in range(self._n):
            n = count[i]
            if n and counts[i] + n <= _COUNT_MAX:
                v = low[i]
                kind = self._kinds[i]
                if kind <= RMS:
                    v += lows[i]
                    highs[i] += high[i] + (v >> _BITS)
                    v &= _LOW
                elif counts[i] and kind == MIN:
                    v = min(v, lows[i])
                elif kind == MAX:
                    v = max(v, lows[i])
                lows[i] = v
                counts[i] += n
            count[i] = high[i] = low[i] = 0
        self._room = _BLOCK

    def _close(self):
        # The interval's row: (high << 15 | low) / n by long division, no step above 2**30.
        row, kinds = self.row, self._kinds
        row[START] = self._start
        row[SPAN] = self.period
        self.due = due = max(1, self.period * 1000 // self.sample_ms)
        questionable = 0
        for i in range(self._n):
            n = self.seen[i] = self._counts[i]
            value = ABSENT
            if n:
                value = self._lows[i]
                if kinds[i] <= RMS:
                    high = self._highs[i]
                    value = _quotient(high, value, n, kinds[i])
                if n * 100 < due * _WHOLE and kinds[i] != LAST:
                    questionable |= 1 << i
            row[VALUES + i] = value
        row[QUESTIONABLE] = questionable
        self.gaps = self._pauses
        self.gap_s = self._pause_s


def _quotient(high, low, n, kind):
    # MEAN: rounded to nearest, halves away from zero.  RMS: the root, rounded to nearest.
    whole = high // n
    rest = ((high - whole * n) << _BITS) + low
    part = rest // n
    rest -= part * n
    value = (whole << _BITS) + part
    if kind == MEAN:
        return value + 1 if 2 * rest > n or (2 * rest == n and value >= 0) else value
    root = 0
    bit = 1 << 14
    while bit:
        if (root + bit) * (root + bit) <= value:
            root += bit
        bit >>= 1
    # Up from root + 1/2 on, whose square is root * root + root + 1/4.
    above = value - root * root - root
    return root + 1 if above > 0 or (above == 0 and 4 * rest >= n) else root
