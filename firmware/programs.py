"""The DERPrograms that the server's FunctionSetAssignments lead to, in a table of fixed size.

Enters: program list items as they are read.  Leaves: which program stands at which index of the
schedule, its links, and which programs are no longer reachable.

    index = programs.seen(fsa, href, primacy, derc, dderc, mrid)
    for index in range(programs.size): ...
    programs.swept(fsa)                 # the list of that FSA was read to its end

A program that several FSAs lead to stays while one of them does (requirements B7).  One with
another mRID at a known href is another program (J34): the events of the old one go silently, its
default stays until the new one's is known.  A table that is full refuses the program that is less
important: the higher primacy number, then the later one.
"""

from array import array

NONE = -1


class Programs:
    """See the module's text; `schedule` is told of primacies and removals.

    mrid: a number made of each program's mRID, -1 where the server gives none.
    """

    def __init__(self, size, schedule):
        self.size = size
        self._schedule = schedule
        self.href = [None] * size
        self.derc = [None] * size
        self.dderc = [None] * size
        self.primacy = array("h", bytes(2 * size))
        self.mrid = array("i", bytes(4 * size))
        self._replaced = 0  # since the last sweep
        self._fsas = bytearray(size)  # bitmap of the FSAs that lead here
        self._seen = bytearray(size)
        self.complete = bytearray(size)  # its controls and default were read to their end
        self.refused = 0  # bitmap of the FSAs that named a program for which there is no room

    def find(self, href):
        """The index of a program, NONE when it is not in the table."""
        for i in range(self.size):
            if self.href[i] == href:
                return i
        return NONE

    def begin(self, fsa):
        """A read of that FSA's program list begins."""
        self.refused &= ~(1 << fsa)
        for i in range(self.size):
            self._seen[i] = 0

    def seen(self, fsa, href, primacy, derc, dderc, mrid=-1):
        """One item of the list. Returns its index, NONE when the table has no room for it."""
        i = self.find(href)
        if i == NONE:
            i = self._place(primacy)
            if i == NONE:
                self.refused |= 1 << fsa
                return NONE
            self.href[i] = href
        elif self.mrid[i] != mrid:
            self._schedule.drop_program(i, False)
            self.complete[i] = 0
            self._replaced += 1
        self.mrid[i] = mrid
        self.primacy[i] = primacy
        self._fsas[i] |= 1 << fsa
        self._seen[i] = 1
        self.derc[i] = derc
        # A default whose link is missing for a while stays known (requirements D6).
        self.dderc[i] = dderc
        self._schedule.set_program(i, primacy)
        return i

    def _place(self, primacy):
        worst = NONE
        for i in range(self.size):
            if self.href[i] is None:
                return i
            if worst == NONE or self.primacy[i] >= self.primacy[worst]:
                worst = i
        if self.primacy[worst] <= primacy:
            return NONE
        self.refused |= self._fsas[worst]
        self.drop(worst)
        return worst

    def swept(self, fsa):
        """The list was read to its end: what it no longer names is let go. Returns how many."""
        gone, self._replaced = self._replaced, 0
        for i in range(self.size):
            if self.href[i] is None or self._seen[i] or not self._fsas[i] & (1 << fsa):
                continue
            gone += self._leave(i, fsa)
        return gone

    def forget(self, fsa):
        """The FSA is gone: its programs go, silently (requirements B7). Returns how many."""
        gone = 0
        self.refused &= ~(1 << fsa)
        for i in range(self.size):
            if self.href[i] is not None and self._fsas[i] & (1 << fsa):
                gone += self._leave(i, fsa)
        return gone

    def _leave(self, i, fsa):
        self._fsas[i] &= ~(1 << fsa) & 0xFF
        if self._fsas[i]:
            return 0
        self.drop(i)
        return 1

    def drop(self, i):
        """Remove one program with its events, answers owed and default."""
        self._schedule.drop_program(i)
        self.href[i] = self.derc[i] = self.dderc[i] = None
        self._fsas[i] = 0
        self.complete[i] = 0

    def drop_all(self):
        """Remove every program: at a clean stop, nothing that a server said shall rule."""
        for i in range(self.size):
            if self.href[i] is not None:
                self.drop(i)

    def in_fsa(self, i, fsa):
        """True when that FSA leads to the program."""
        return self.href[i] is not None and bool(self._fsas[i] & (1 << fsa))

    def all_complete(self):
        """True when the controls and default of every program were read to their end."""
        for i in range(self.size):
            if self.href[i] is not None and not self.complete[i]:
                return False
        return True

    def count(self):
        """How many programs the table holds."""
        n = 0
        for href in self.href:
            n += href is not None
        return n
