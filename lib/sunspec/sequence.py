"""A sequence: a conversation with a device, one register operation after the other.

Enters: the outcome of each operation.  Leaves: the next one, and `result` at the end.

    while seq.next(regs):                    # regs: array('H') of 64 or more
        outcome = run(seq.kind, seq.addr, seq.count, regs)
        seq.took(outcome, regs)              # 0 done, 1..11 exception code, negative: no answer

next() fills `regs` for a write and may be called again before took(): it repeats the operation.
Limit: a sequence knows no time; the caller decides when to ask again.
"""

from micropython import const

# Function codes, in `kind`.
READ = const(3)
WRITE_ONE = const(6)
WRITE = const(16)

# What a sequence ends with.
PENDING = const(-1)  # it has not ended
OK = const(0)
SILENT = const(1)  # no answer
NO_UNIT = const(2)  # a gateway says that nobody has this unit id (exceptions 0x0A and 0x0B)
NO_SUNS = const(3)  # it answers, and has no SunSpec map
FULL = const(4)  # the table is full; what it holds is good
REFUSED = const(5)  # the device answered with an exception
DIFFERS = const(6)  # read back, and it is not what was written
UNREAD = const(7)  # taken, and the device refuses to be read back
MOVED = const(8)  # another model stands there now: walk again

_TRIES = const(2)
_NEVER = const(4)  # exceptions 1..4 will not be others in a moment; 5, 6, 10 and 11 may


class Sequence:
    """What all sequences have: the operation (`kind`, `addr`, `count`) and `result`."""

    def __init__(self):
        self.kind = READ
        self.addr = 0
        self.count = 0
        self.result = PENDING

    def _ask(self, kind, addr, count):
        # Sets the operation; True, as next() says.
        self.kind = kind
        self.addr = addr
        self.count = count
        return True


class Reads(Sequence):
    """A row of reads, each asked twice when the line stays silent or the device is busy.

    A subclass gives `place(step)` (sets the operation, or False to leave the step out) and
    `answer(step, outcome, regs)`.  It ends SILENT when a step got no answer or a busy one,
    REFUSED when every step was refused, else OK. next() and took() allocate nothing of their own.
    """

    def __init__(self, steps):
        super().__init__()
        self._steps = steps
        self.begin()

    def begin(self):
        """Start over from the first read."""
        self.result = PENDING
        self._step = 0
        self._tries = 0
        self._silent = False
        self._good = False

    def next(self, regs):
        """True when the read of `kind`, `addr`, `count` is to be run; False at the end."""
        while self._step < self._steps:
            if self.place(self._step):
                return True
            self._step += 1
        if self.result == PENDING:
            self.result = SILENT if self._silent else OK if self._good else REFUSED
        return False

    def took(self, outcome, regs):
        """The read ended: 0 with the registers in `regs`, an exception code, or negative."""
        if self._step >= self._steps:
            return
        self._tries += 1
        unknown = outcome < 0 or outcome > _NEVER  # nothing was said of what is there
        if unknown and self._tries < _TRIES:
            return
        if outcome == 0:
            self._good = True
        elif unknown:
            self._silent = True
        step = self._step
        self._step += 1
        self._tries = 0
        self.answer(step, outcome, regs)
