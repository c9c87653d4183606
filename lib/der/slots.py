"""The fixed table of controls: live slots, spare rows, and the effective times of each event.

Enters: records.  Leaves: slots with effective start and end, in which only unfinished events
stand.  Used through `Schedule` alone.

    rows:  0 .. slots-1         events that are not over: all their columns
           slots .. +spare-1    finished or left-out events: mRID, answers owed, times of those
           the last             a newcomer, until its place is known

A live table that is full lets go the event with the farthest start, one that the server no longer
lists before any other, never one that has begun; the newcomer itself when it is the farthest.
What is let go keeps a spare row while it is listed: it is taken up again when a later poll finds
room, and is not answered twice.  Spare rows that are full forget one that owes nothing, else the
oldest, whose answers are counted in owed_dropped.

An event has room for four numbers (percents and watts, in the order of their modes), and eight
events at a time for more.  A further one with more than four waits as if the table were full.
"""

from array import array

from micropython import const

from .owed import (
    ACTIVE, CANCELLED, CANCELLING, COMPLETED, CONFIRMED, FINAL, FREE, LEFT_OUT, LISTED,
    PASSED, RAMPED, Owed,
)
from .record import (
    CREATED, DURATION, FIXED_W, KEY_SIZE, MODES, MODES_N, RAMP, RAND_DURATION, RAND_START, START,
    VALUE,
)

_FREE_BYTE = b"\x00"  # FREE in the column of states

NONE = const(-2)  # a mode that nobody supplies
_FAR = const(0x3FF00000)  # the latest second that is worked with, in 2054

_ROW = const(4)  # numbers in a row
_MORE = const(8)  # rows for a fifth to an eighth number
_TMS_MAX = const(0xFFFF)


def drawn(bound, rand):
    """An integer in [0, bound] or, below zero, [bound, 0]: `rand` 0..65535 picks it (D2)."""
    if bound < 0:
        return -(rand * (1 - bound) >> 16)
    return rand * (bound + 1) >> 16


def wide(modes):
    """True when that bitmap of modes has more than four numbers. Does not allocate."""
    n = 0
    modes >>= FIXED_W
    while modes:
        n += modes & 1
        modes >>= 1
    return n > _ROW


class Slots(Owed):
    """`slots` live events and `spare` remembered ones; about 84 and 38 bytes each."""

    def __init__(self, slots, spare):
        super().__init__(slots + spare + 1)
        self.slots = slots
        self._top = 0  # slots from here on were never used, spare rows from _high on
        self._high = slots
        self._newcomer = slots + spare
        self._ring = slots
        self.now = 0  # of the last evaluate()
        self._created = array("i", bytes(4 * slots))
        self._from = array("i", bytes(4 * slots))  # interval.start
        self._until = array("i", bytes(4 * slots))  # interval.start + duration
        self._start = array("i", bytes(4 * slots))  # effective
        self._ramp = array("H", bytes(2 * slots))
        self._r1 = array("h", bytes(2 * slots))
        self._r2 = array("h", bytes(2 * slots))
        self._rand_start = array("h", bytes(2 * slots))
        self._rand_duration = array("h", bytes(2 * slots))
        self._next = array("h", bytes(2 * slots))  # the event that follows directly, -1
        self._modes = array("h", bytes(2 * slots))
        self._switches = bytearray(slots)  # four bits each: CONNECT, ENERGIZE
        # A row for each slot, then those of `_more`, which has the slot that each belongs to.
        self._numbers = array("i", bytes(4 * _ROW * (slots + _MORE)))
        self._more = array("h", (-1 for _ in range(_MORE)))
        self._primacy = array("h")
        self.winner = array("h", (NONE for _ in range(MODES_N)))

    def find(self, key):
        """The row of an mRID (bytearray or bytes of KEY_SIZE), -1 when unknown. No allocation."""
        row = self._seek(key, 0, self._top)
        return row if row >= 0 else self._seek(key, self.slots, self._high)

    def start(self, slot):
        """Effective start of a live slot, s since EPOCH."""
        return self._start[slot]

    def end_at(self, slot):
        """Effective end of a live slot, s since EPOCH."""
        return self._end[slot]

    def primacy(self, row):
        """Primacy of the program that a row's event belongs to."""
        return self._primacy[self._program[row]]

    def confirmed(self, slot):
        """True when the event's target was seen obeyed: its answer 2 was or is owed."""
        return bool(self._flags[slot] & CONFIRMED)

    def unlisted(self, slot):
        """True for an event that is not over and that the last complete read no longer had."""
        return FREE < self._state[slot] <= ACTIVE and not self._flags[slot] & LISTED

    def drop(self, slot):
        """End one live event without an answer (its href gave 404, option drop_on_404: D3)."""
        self._finish(slot, PASSED, 0, self.now)

    # True when event a goes before event b (requirements D4).
    def _beats(self, a, b):
        pa = self._primacy[self._program[a]]
        pb = self._primacy[self._program[b]]
        if pa != pb:
            return pa < pb
        if self._created[a] != self._created[b]:
            return self._created[a] > self._created[b]
        return self._greater(a, b)

    # mRIDs compared as numbers, digit by digit from the highest place.
    def _greater(self, a, b):
        for place in range(31, -1, -1):
            x = self._digit(a, place)
            y = self._digit(b, place)
            if x != y:
                return x > y
        return a < b

    def _digit(self, row, place):
        at = row * KEY_SIZE
        i = self._keys[at + 16] - 1 - place
        if i < 0:
            return 0
        return self._keys[at + (i >> 1)] >> (0 if i & 1 else 4) & 15

    # A live slot for an event that starts at `start`, -1 when the newcomer has to wait.
    def _place(self, start, now):
        victim = self._state.find(_FREE_BYTE, 0, self.slots)
        if victim >= 0:
            self._top = max(self._top, victim + 1)
            return victim
        for s in range(self.slots):
            if self._state[s] == ACTIVE or self._start[s] <= now:
                continue
            if victim < 0 or self._farther(s, victim):
                victim = s
        if victim < 0 or (self._flags[victim] & LISTED and self._from[victim] <= start):
            return -1
        self._leave_out(victim, now)
        return victim

    def _farther(self, a, b):
        la = self._flags[a] & LISTED
        lb = self._flags[b] & LISTED
        if la != lb:
            return la == 0
        return self._from[a] > self._from[b]

    # A spare row, emptied if need be. The ring makes the one that is forgotten the oldest.
    def _spare(self):
        first, n = self.slots, self._newcomer - self.slots
        idle = -1
        row = self._ring
        for _ in range(n):
            if self._state[row] == FREE:
                break
            if idle < 0 and not self._owed[row]:
                idle = row
            row = row + 1 if row + 1 < first + n else first
        else:
            row = idle if idle >= 0 else self._ring
            self.owed_dropped += self._free(row)
        self._ring = row + 1 if row + 1 < first + n else first
        self._high = max(self._high, row + 1)
        return row

    # Event over: its final answer becomes owed and its slot is free at once.
    def _finish(self, slot, state, t, now):
        self._unlink(slot, now)
        if state == COMPLETED and not self._flags[slot] & CONFIRMED:
            state = PASSED  # what was never seen to start does not report its end
        self._state[slot] = state
        if state == COMPLETED or state >= CANCELLED:
            self._owe(slot, FINAL, t)
        self._retire(slot)

    def _leave_out(self, slot, now):
        self._unlink(slot, now)
        self._state[slot] = LEFT_OUT
        self._retire(slot)

    # From a slot (or the newcomer's row) to a spare row, if there is something to remember.
    def _retire(self, row):
        self._let_winner_go(row)
        if self._owed[row] or self._flags[row] & LISTED:
            self._move(row, self._spare())
        else:
            self._free(row)

    # A winner that leaves is noticed by evaluate() even when its slot is taken by another event.
    def _let_winner_go(self, row):
        for m in range(MODES_N):
            if self.winner[m] == row:
                self.winner[m] = NONE

    # Take an event's numbers into a slot, with its random offsets drawn (D2).
    def _load(self, slot, rec, rand_start, rand_duration):
        self._created[slot] = rec[CREATED]
        self._rand_start[slot] = rec[RAND_START]
        self._rand_duration[slot] = rec[RAND_DURATION]
        self._r1[slot] = drawn(rec[RAND_START], rand_start)
        self._r2[slot] = drawn(rec[RAND_DURATION], rand_duration)
        self._next[slot] = -1
        self._load_base(slot, rec)
        self._load_times(slot, rec)
        self._start[slot] = self._from[slot] + self._r1[slot]
        self._end[slot] = self._own_end(slot)

    def _load_base(self, slot, rec):
        self._modes[slot] = rec[MODES]
        self._ramp[slot] = max(0, min(rec[RAMP], _TMS_MAX))
        self._flags[slot] &= ~RAMPED
        if rec[RAMP] >= 0:
            self._flags[slot] |= RAMPED
        self._switches[slot] = rec[VALUE] & 15 | (rec[VALUE + 1] & 15) << 4
        self._numbers_differ(slot, rec, True)

    # Whether the event's numbers are not those of the record; with `take` they are afterwards.
    def _numbers_differ(self, slot, rec, take):
        numbers, modes = self._numbers, rec[MODES] >> FIXED_W
        at = _ROW * slot
        left = _ROW
        m = VALUE + FIXED_W
        while modes:
            if modes & 1:
                if not left:
                    at = _ROW * (self.slots + self._more_of(slot))
                    left = _ROW
                if take:
                    numbers[at] = rec[m]
                elif numbers[at] != rec[m]:
                    return True
                at += 1
                left -= 1
            modes >>= 1
            m += 1
        return False

    # The row for what a slot's four do not hold: its own, else a free one, which is its own from
    # now on; -1 when there is none.  A row whose event has gone, or has few numbers, is free.
    def _more_of(self, slot):
        free = -1
        for k in range(_MORE):
            owner = self._more[k]
            if owner == slot:
                return k
            if owner < 0 or self._state[owner] == FREE or not wide(self._modes[owner]):
                free = k
        if free >= 0:
            self._more[free] = slot
        return free

    # The value of a mode that the event has.
    def _value(self, slot, m):
        if m < FIXED_W:
            return self._switches[slot] >> 4 * m & 15
        below = (self._modes[slot] & (1 << m) - 1) >> FIXED_W
        rank = 0
        while below:
            rank += below & 1
            below >>= 1
        if rank >= _ROW:
            slot = self.slots - 1 + self._more_of(slot)
        return self._numbers[_ROW * slot + rank]

    def _ramp_of(self, slot):
        return self._ramp[slot] if self._flags[slot] & RAMPED else -1

    # Saturated, so that no sum of times leaves the small ints.
    def _load_times(self, slot, rec):
        self._from[slot] = start = max(0, min(_FAR, rec[START]))
        self._until[slot] = start + min(rec[DURATION], _FAR - start)

    def _own_end(self, slot):
        return self._until[slot] + self._r1[slot] + self._r2[slot]

    # True when the interval or the base differ from what is known; creationTime is no edit (D3).
    def _differs(self, slot, rec):
        start = max(0, min(_FAR, rec[START]))
        if (self._from[slot] != start
                or self._until[slot] != start + min(rec[DURATION], _FAR - start)
                or self._rand_start[slot] != rec[RAND_START]
                or self._rand_duration[slot] != rec[RAND_DURATION]
                or self._modes[slot] != rec[MODES]
                or self._ramp_of(slot) != min(rec[RAMP], _TMS_MAX)):
            return True
        for m in range(FIXED_W):
            if rec[MODES] >> m & 1 and self._value(slot, m) != rec[VALUE + m]:
                return True
        return self._numbers_differ(slot, rec, False)

    # An edit: all of it before the start, the base and the end once it runs (D3).
    def _change(self, slot, rec, now, rand_start, rand_duration):
        self._unlink(slot, now)
        if self._state[slot] == ACTIVE:
            self._load_base(slot, rec)
            self._load_times(slot, rec)
            self._end[slot] = self._own_end(slot)
        else:
            # Offsets already drawn stay, unless their range is another one.
            r1, r2 = self._r1[slot], self._r2[slot]
            same1 = self._rand_start[slot] == rec[RAND_START]
            same2 = self._rand_duration[slot] == rec[RAND_DURATION]
            created = self._created[slot]
            self._load(slot, rec, rand_start, rand_duration)
            self._created[slot] = created
            if same1:
                self._r1[slot] = r1
            if same2:
                self._r2[slot] = r2
            self._start[slot] = self._from[slot] + self._r1[slot]
            self._end[slot] = self._own_end(slot)
            self._began[slot] = max(self._start[slot], now)
        self._link(slot, now)

    # Two events of one program follow directly when one ends where the other starts and they share
    # a mode: the first then lasts to the effective start of the second (D2).
    def _link(self, slot, now):
        self._next[slot] = -1
        begins, ends = self._from, self._until
        begin = begins[slot]
        end = ends[slot]
        for s in range(self._top):
            if s == slot or (ends[s] != begin and begins[s] != end):
                continue
            if not self._related(s, slot):
                continue
            if ends[s] == begin:
                self._follow(s, slot, now)
            if begins[s] == end:
                self._follow(slot, s, now)

    def _related(self, a, b):
        return (self._state[a] != FREE and self._program[a] == self._program[b]
                and self._modes[a] & self._modes[b])

    def _follow(self, a, b, now):
        if self._flags[a] & CANCELLING:
            return
        known = self._next[a]
        if known < 0 or known == b or self._beats(b, known):
            self._next[a] = b
            self._set_end(a, self._start[b], now)

    # An end that moves into the past is now, once the event runs.
    def _set_end(self, slot, end, now):
        if self._state[slot] == ACTIVE and end < now < self._end[slot]:
            end = now
        self._end[slot] = end

    # An event leaves: one that would have lasted to its start gets its own end back.
    def _unlink(self, slot, now):
        for s in range(self.slots):
            if self._state[s] == FREE or self._next[s] != slot:
                continue
            self._next[s] = -1
            if now >= self._start[slot]:
                continue
            self._set_end(s, self._own_end(s), now)
            for b in range(self.slots):
                if b == s or b == slot or self._until[s] != self._from[b]:  # noqa: PLR1714
                    continue
                if self._related(b, s):
                    self._follow(s, b, now)
