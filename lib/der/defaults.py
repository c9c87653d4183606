"""DefaultDERControls of all programs merged into one, mode by mode (requirements D6).

Enters: one record a program, and the one that was persisted.  Leaves: `values`, `grad`.

A mode's value comes from the default of the program with the lowest primacy that contains the
mode; of equal ones the more restrictive.  The persisted default stands below all programs until
the default of every program is known.  It names the programs that it was made of: one of them
whose link is missing at the next boot has a default that is not known, rather than none (D6).
Limit: sizes are fixed; eight programs are named, more count as all; nothing here knows the time.
"""

from array import array

from micropython import const

from .record import (
    ABSENT, FIXED_W, GRAD, MODES, MODES_N, RAMP, REC_SIZE, STORAGE_TARGET_W, TARGET_W, VALUE,
)


_NAMES = const(8)  # of the persisted record: CREATED .. CATEGORY, which a default has not


def tighter(mode, a, b):
    """The more restrictive of two values of a mode: off, the lower limit, the smaller target."""
    if mode == FIXED_W or mode == TARGET_W or mode == STORAGE_TARGET_W:  # noqa: PLR1714
        return a if abs(a) < abs(b) else b
    return a if a < b else b


def slower(a, b):
    """The more restrictive of two setGradW; 0 is no limit."""
    if a == 0 or b == 0:
        return a + b
    return a if a < b else b


class Defaults:
    """Defaults of `programs` programs; allocated once.

    values: per mode, ABSENT where no default contains it.  grad: setGradW, -1 when none has it.
    from_persisted: bitmap of the modes whose value the persisted default supplies.
    settled: the persisted default is no longer used.  persisted: its record, MODES 0 when none.
    """

    def __init__(self, programs):
        self._n = programs
        self._present = bytearray(programs)
        self._known = bytearray(programs)
        self._name = array("i", bytes(4 * programs))
        self._primacy = array("h", bytes(2 * programs))
        self._modes = array("h", bytes(2 * programs))
        self._grad = array("i", bytes(4 * programs))
        self._value = array("i", bytes(4 * MODES_N * programs))
        self._rank = array("h", bytes(2 * MODES_N))
        self.values = array("i", bytes(4 * MODES_N))
        self.persisted = array("i", bytes(4 * REC_SIZE))
        self.persisted[GRAD] = -1
        self.settled = False
        self.from_persisted = 0
        self.grad = -1
        self._stale = True
        self.merge()

    def place(self, program, primacy):
        """A program stands at this index, with this primacy."""
        self._present[program] = 1
        self._primacy[program] = primacy
        self._stale = True

    def remove(self, program):
        """The program has gone, and its default with it."""
        self._present[program] = self._known[program] = 0
        self._modes[program] = 0
        self._grad[program] = -1
        self._stale = True

    def put(self, program, rec, name=0):
        """The default of a program; None: it is known to have none.

        name: a number above 0 that the program has after a restart too, else it has none.
        """
        if rec is None and not self.settled and self._had_one(name):
            return
        self._known[program] = 1
        self._name[program] = name
        self._modes[program] = rec[MODES] if rec is not None else 0
        self._grad[program] = rec[GRAD] if rec is not None else -1
        if rec is not None:
            for m in range(MODES_N):
                self._value[program * MODES_N + m] = rec[VALUE + m]
        self._stale = True

    def persist(self, rec):
        """The merged default of an earlier boot; None: use it no more."""
        if rec is None:
            self.settled = True
        else:
            for i in range(REC_SIZE):
                self.persisted[i] = rec[i]
        self._stale = True

    def merge(self):
        """Bring values, grad and from_persisted up to date. Does not allocate."""
        if not self._stale:
            return
        self._stale = False
        self._settle()
        self.grad = -1
        for m in range(MODES_N):
            self.values[m] = ABSENT
        best = 0x7FFF
        for p in range(self._n):
            if self._present[p] and self._known[p]:
                self._take(p)
                if self._grad[p] >= 0 and self._primacy[p] <= best:
                    same = self._primacy[p] == best
                    self.grad = slower(self.grad, self._grad[p]) if same else self._grad[p]
                    best = self._primacy[p]
        self._last_resort()

    def merged(self, rec):
        """Fill `rec` (REC_SIZE) with the merged default. Returns True once programs made it."""
        self.merge()
        for i in range(REC_SIZE):
            rec[i] = 0
        rec[GRAD] = self.grad
        rec[RAMP] = -1
        for m in range(MODES_N):
            rec[VALUE + m] = self.values[m]
            if self.values[m] != ABSENT:
                rec[MODES] |= 1 << m
        n = 0
        for p in range(self._n):
            if self._present[p] and self._known[p] and (self._modes[p] or self._grad[p] >= 0):
                rec[min(n, _NAMES - 1)] = self._name[p] if n < _NAMES else -1
                n += 1
        return self.settled

    # True when the persisted default was made of that program's too, or may have been.
    def _had_one(self, name):
        if not self.persisted[MODES] and self.persisted[GRAD] < 0:
            return False
        if name <= 0 or self.persisted[_NAMES - 1] < 0:  # of more than it can name
            return True
        for i in range(_NAMES):
            if self.persisted[i] == name:
                return True
        return False

    # Every program's default is known: the persisted one has done its work (J46, D6).
    def _settle(self):
        count = 0
        for p in range(self._n):
            if self._present[p]:
                count += 1
                if not self._known[p]:
                    return
        if count:
            self.settled = True

    def _take(self, p):
        for m in range(MODES_N):
            if not self._modes[p] >> m & 1:
                continue
            v = self._value[p * MODES_N + m]
            if self.values[m] == ABSENT or self._primacy[p] < self._rank[m]:
                self.values[m] = v
                self._rank[m] = self._primacy[p]
            elif self._primacy[p] == self._rank[m]:
                self.values[m] = tighter(m, self.values[m], v)

    def _last_resort(self):
        self.from_persisted = 0
        if self.settled:
            return
        if self.grad < 0:
            self.grad = self.persisted[GRAD]
        for m in range(MODES_N):
            if self.values[m] == ABSENT and self.persisted[MODES] >> m & 1:
                self.values[m] = self.persisted[VALUE + m]
                self.from_persisted |= 1 << m
