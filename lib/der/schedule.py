"""Which event or default rules each mode now, and which answers that makes due.

Enters: control records as the lists are read, and `now` each second.  Leaves: `values`, `winner`,
`ramp`, `grad`, and the answers owed (owed.py).

    schedule = Schedule(132, 16)
    schedule.set_program(0, primacy)
    schedule.begin(0)
    schedule.put(0, key, rec, reply, now, rand_start, rand_duration)    # for each item
    schedule.end(0, now)
    if schedule.evaluate(now):
        limit_w = schedule.values[EXP_LIM_W]

An event lives like this; every arrow but the first is taken once (requirements D5, E3):

    new --> WAITING --start reached, wins a mode--> ACTIVE --end reached--> COMPLETED or PASSED
              |  \\--no room, or over unseen--> LEFT_OUT --listed again--> WAITING
              +--cancelled by the server--> CANCELLED <--at once or after a delay--+ (from ACTIVE)
              +--by the server, or due and wins nothing--> SUPERSEDED <-----------+ (from ACTIVE)

All times are seconds since 2020-01-01T00:00:00Z on the server's clock.  Limit: a table's size is
fixed (slots.py says what gives way); an event that had no known mode is kept, but never starts.
"""

from array import array

from micropython import const

from .defaults import Defaults
from .owed import (
    ACTIVE, BEGAN, CANCELLED, CANCELLING, COMPLETED, CONFIRMED, FINAL, FREE, LEFT_OUT, LISTED,
    RECEIVED, SEEN, SUPERSEDED, WAITING, WANTS_RECEIVED, WANTS_SPECIFIC,
)
from .record import (
    ABSENT, CATEGORY, DURATION, KEY_SIZE, MODES, MODES_N, RAND_DURATION, RAND_START, RESPONSE,
    START, STATUS,
)
from .slots import NONE, Slots, drawn, wide

# What put() did.
NEW = const(0)
KNOWN = const(1)
CHANGED = const(2)
IGNORED = const(3)
REFUSED = const(4)

DEFAULT = const(-1)  # a winner that is no event

_ALL_MODES = const(0x3FF)


class DERError(Exception):
    """A size or a program index that the schedule cannot work with."""


class Schedule(Slots):
    """`slots` live events (1 .. 1000) of `programs` programs (1 .. 255); allocates once.

    spare: rows for events that are over but listed or owe answers, `slots` when not given.
    values[mode]: in force, ABSENT when nothing is.  winner[mode]: slot, DEFAULT or NONE.
    ramp[mode]: rampTms of the winning event, else -1.  grad: setGradW of the merged default or -1.
    supported: bitmap of the modes that the devices can obey.  category: own deviceCategory bits.
    refused_events: newcomers that found no room.  defaults: see Defaults.
    """

    def __init__(self, slots, programs, spare=0):
        if not 1 <= slots <= 1000 or not 1 <= programs <= 255 or not 0 <= spare <= 1000:
            raise DERError("size")
        super().__init__(slots, spare or slots)
        self.programs = programs
        self._primacy = array("h", (255 for _ in range(programs)))
        self._handed = array("h", bytes(2 * programs))  # modes left by a superseded active event
        self._handed_at = array("i", bytes(4 * programs))
        self._best = array("h", bytes(2 * MODES_N))
        self.values = array("i", (ABSENT for _ in range(MODES_N)))
        self.ramp = array("i", (-1 for _ in range(MODES_N)))
        self.grad = -1
        self.supported = _ALL_MODES
        self.category = -1
        self.refused_events = 0
        self.defaults = Defaults(programs)

    # Programs and their defaults.

    def set_program(self, program, primacy):
        """The program at this index has this primacy (0 .. 255, lower goes first)."""
        if not 0 <= program < self.programs:
            raise DERError("program")
        self._primacy[program] = primacy
        self.defaults.place(program, primacy)

    def drop_program(self, program, default=True):
        """The program is out of reach: events, answers and default vanish silently (B7, E7).

        The answers are counted in owed_removed.
        default False: its default stays until another one is put.
        """
        for row in range(self._rows):
            if self._state[row] != FREE and self._program[row] == program:
                if row < self.slots:
                    self._let_winner_go(row)
                self.owed_removed += self._free(row)
        self._handed[program] = 0
        self._primacy[program] = 255
        if default:
            self.defaults.remove(program)

    def set_default(self, program, rec, name=0):
        """The DefaultDERControl of a program was read (D6). `name`: see Defaults.put()."""
        self.defaults.put(program, rec, name)

    def drop_default(self, program, name=0):
        """The program has no default. One that the persisted default was made of stays unknown.

        Not for one that is only out of reach (D6).
        """
        self.defaults.put(program, None, name)

    def set_persisted(self, rec):
        """A default of last resort, until all programs' defaults are known; None ends its use."""
        self.defaults.persist(rec)

    def merged_default(self, rec):
        """Fill `rec` with the merged default; True when programs made it: then persist it."""
        return self.defaults.merged(rec)

    # Reading a list.

    def begin(self, program):
        """A read of the program's DERControlList begins. An aborted one changes no listing."""
        self._handed[program] = 0
        for row in range(self._rows):
            if self._program[row] == program:
                self._flags[row] &= ~SEEN

    def put(self, program, key, rec, reply, now, rand_start, rand_duration):
        """One DERControl of the list. Returns NEW, KNOWN, CHANGED, IGNORED or REFUSED.

        key: mRID, KEY_SIZE bytes.  reply: handle of its replyTo 1..255, 0 when it has none.
        rand_start, rand_duration: 0..65535, used when the event is new.  IGNORED: over already
        (it is acknowledged, D2) or not for our deviceCategory.  REFUSED: no room now; the mRID is
        remembered and answered, and taken up by a later read.  Does not allocate.
        """
        row = self.find(key)
        if row < 0:
            return self._first(program, key, rec, reply, now, rand_start, rand_duration)
        self._program[row] = program
        self._flags[row] |= LISTED | SEEN
        if reply and self._reply[row]:
            self._reply[row] = reply  # replyTo found anew (E6)
        if row < self.slots:
            return self._again(row, rec, now, rand_start, rand_duration)
        if self._state[row] != LEFT_OUT:
            return KNOWN
        self._move(row, self._newcomer)
        code = self._take_up(rec, now, rand_start, rand_duration)
        return KNOWN if code == IGNORED else code

    def end(self, program, now):
        """The list was read to its end. Returns how many unfinished events it lacks (D3)."""
        lacking = 0
        for row in range(self._rows):
            if self._state[row] == FREE or self._program[row] != program:
                continue
            if self._flags[row] & SEEN:
                continue
            self._flags[row] &= ~LISTED
            if row < self.slots:
                lacking += 1
            else:
                self._let_go(row)
        return lacking

    # An mRID met for the first time: it is acknowledged whatever its status is (E3, E5).
    def _first(self, program, key, rec, reply, now, rand_start, rand_duration):
        # Envoy writes a bare 0 where no category is meant, so only bits can exclude us (D3).
        if rec[CATEGORY] > 0 and not rec[CATEGORY] & self.category:
            return IGNORED
        row = self._newcomer
        for i in range(KEY_SIZE):  # a slice is an object on some interpreters
            self._keys[row * KEY_SIZE + i] = key[i]
        self._program[row] = program
        self._reply[row] = reply
        flags = LISTED | SEEN
        if reply:
            flags |= WANTS_RECEIVED if rec[RESPONSE] & 1 else 0
            flags |= WANTS_SPECIFIC if rec[RESPONSE] & 2 else 0
        self._flags[row] = flags
        self._state[row] = LEFT_OUT
        self._owe(row, RECEIVED, now)
        return self._take_up(rec, now, rand_start, rand_duration)

    # From the newcomer's row into a slot, or to a spare row when it is over, finished or too many.
    def _take_up(self, rec, now, rand_start, rand_duration):
        row = self._newcomer
        # A specified end in the past: randomisation does not count (D2).
        if rec[START] + min(rec[DURATION], 0x3FFFFFFF - rec[START]) <= now:
            self._retire(row)
            return IGNORED
        if rec[STATUS] >= 2:
            self._state[row] = SUPERSEDED if rec[STATUS] == 4 else CANCELLED
            self._owe(row, FINAL, now)
            self._retire(row)
            return NEW
        slot = -1
        if not wide(rec[MODES]) or self._more_of(-1) >= 0:
            slot = self._place(rec[START], now)
        if slot < 0:
            self.refused_events += 1
            self._retire(row)
            return REFUSED
        self._move(row, slot)
        self._state[slot] = WAITING
        self._load(slot, rec, rand_start, rand_duration)
        # First seen while it should run: it starts now and keeps its end (D2).
        self._began[slot] = max(self._start[slot], now)
        self._link(slot, now)
        return NEW

    # A live event is listed again: its status and, against the rule, its data may differ (D3).
    def _again(self, slot, rec, now, rand_start, rand_duration):
        status = rec[STATUS]
        if status == 3 and self._due(slot, now) and self._state[slot] == ACTIVE:
            if self._flags[slot] & CANCELLING:
                return KNOWN
            # CancelledWithRandomization: up to the larger of the two ranges from now (D1).
            most = max(abs(rec[RAND_START]), abs(rec[RAND_DURATION]))
            self._flags[slot] |= CANCELLING
            self._next[slot] = -1
            self._end[slot] = min(self._end[slot], now + drawn(most, rand_duration))
            return CHANGED
        if status == 4:
            self._hand_on(slot, rec, now)
        if status >= 2:
            cancelled = status != 4 or self._flags[slot] & CANCELLING
            self._finish(slot, CANCELLED if cancelled else SUPERSEDED, now, now)
            return CHANGED
        if self._flags[slot] & CANCELLING or not self._differs(slot, rec):
            return KNOWN
        if wide(rec[MODES]) and self._more_of(slot) < 0:
            self.refused_events += 1  # it goes on as it is
            return REFUSED
        self._change(slot, rec, now, rand_start, rand_duration)
        return CHANGED

    def _due(self, slot, now):
        return self._start[slot] <= now < self._end[slot]

    # The event that supersedes an active one starts at once, unless the superseded one was still
    # within its own random start (D1, status 4).
    def _hand_on(self, slot, rec, now):
        if self._state[slot] != ACTIVE or not self._due(slot, now):
            return
        if self._from[slot] <= now < self._from[slot] + rec[RAND_START]:
            return
        self._handed[self._program[slot]] = self._modes[slot]
        self._handed_at[self._program[slot]] = now

    # Each second.

    def evaluate(self, now):
        """Steps 2 to 6 of requirements D10 at `now`, s since EPOCH. Does not allocate.

        Returns True when the winner, value or ramp of a mode changed, or the merged setGradW.
        Steps of the clock in either direction neither repeat an answer nor lose an event (C5).
        """
        self.now = now
        for p in range(self.programs):
            if self._handed[p]:
                self._start_handed(p, now)
        self._contend(now)
        for slot in range(self.slots):
            if self._state[slot] != FREE:
                self._step(slot, now)
        return self._publish()

    def confirm(self, slot, obeyed=_ALL_MODES):
        """Control saw targets written, read back and obeyed: the event may say "started" (2).

        obeyed: bitmap of the modes.  Returns True the first time, for an event that runs, wins a
        mode that is supported, and all of those it wins are obeyed.
        """
        if not self.active(slot) or self._flags[slot] & CONFIRMED:
            return False
        wins = 0
        for m in range(MODES_N):
            if self.winner[m] == slot:
                wins |= 1 << m
        wins &= self.supported
        if not wins or wins & ~obeyed:
            return False
        self._flags[slot] |= CONFIRMED
        self._owe(slot, BEGAN, self._began[slot])
        return True

    def active(self, slot):
        """True for an event that ran at the last evaluate()."""
        return (0 <= slot < self.slots and self._state[slot] == ACTIVE
                and self._due(slot, self.now))

    def _start_handed(self, program, now):
        for s in range(self.slots):
            if (self._state[s] == WAITING and self._program[s] == program
                    and self._modes[s] & self._handed[program]
                    and self._from[s] <= self._handed_at[program] and self._start[s] > now):
                self._start[s] = now
                self._began[s] = now
                self._link(s, now)

    # The winner of each mode among the events that are due (D4, D10 step 4).
    def _contend(self, now):
        best, state = self._best, self._state
        start, end = self._start, self._end
        for m in range(MODES_N):
            best[m] = NONE
        for slot in range(self.slots):
            if state[slot] == FREE or start[slot] > now or now >= end[slot]:
                continue
            modes = self._modes[slot]
            m = 0
            while modes:
                if modes & 1 and (best[m] < 0 or self._beats(slot, best[m])):
                    best[m] = slot
                modes >>= 1
                m += 1

    # What that makes of one event (D10 steps 5 and 6).
    def _step(self, slot, now):
        if now >= self._end[slot]:
            self._over(slot, now)
        elif self._start[slot] <= now and self._modes[slot]:
            if not self._wins(slot):
                cancelled = self._flags[slot] & CANCELLING
                self._finish(slot, CANCELLED if cancelled else SUPERSEDED, now, now)
            elif self._state[slot] == WAITING:
                self._state[slot] = ACTIVE

    def _over(self, slot, now):
        if self._flags[slot] & CANCELLING:
            self._finish(slot, CANCELLED, self._end[slot], now)
        elif self._state[slot] == ACTIVE:
            self._finish(slot, COMPLETED, self._end[slot], now)
        else:
            # Never due: dropped silently, and taken up again should the clock step back.
            self._leave_out(slot, now)

    def _wins(self, slot):
        best = self._best
        for m in range(MODES_N):
            if best[m] == slot:
                return True
        return False

    # Winners to the outside; True when something changed.
    def _publish(self):
        defaults = self.defaults
        defaults.merge()
        changed = self.grad != defaults.grad
        self.grad = defaults.grad
        for m in range(MODES_N):
            slot = self._best[m]
            ramp = -1
            if slot >= 0:
                value = self._value(slot, m)
                ramp = self._ramp_of(slot)
            else:
                value = defaults.values[m]
                slot = NONE if value == ABSENT else DEFAULT
            if self.winner[m] != slot or self.values[m] != value or self.ramp[m] != ramp:
                changed = True
                self.winner[m] = slot
                self.values[m] = value
                self.ramp[m] = ramp
        return changed
