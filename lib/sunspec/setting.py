"""A few registers that belong to us: written as the device wants it, and read back.

Enters: words in `wanted`.  Leaves: a read of what stands there before the first write (`found`),
writes, a readback, and `result`.

    connect = Connect(inverter)
    connect.begin(0)
    ...                                       # run it as sequence.py shows
    if connect.result == OK: ...              # the inverter is told to disconnect

    begin -> PROBE -> WRITE --all taken--> READ -> DONE     (PROBE until it was answered once)
                      WRITE --exception 1..3--> WRITE in the next way, or DONE
             any --no answer or another exception--> DONE

There are three ways of writing: blocks by function 16, or register by register by function 6 or,
where that is refused, by 16; what worked is tried first the next time.  Registers that read as
unimplemented must not be written and are left out.  What the last reading showed to stand is not
written again, save the value itself and what goes in one block with it (flash).

A form says which registers: (offsets of the words, items as blocks, items one by one, bits of
the words that every device must have, word of "enable").  An item is a first word and a number of
words; an offset counts from the address that the form is used at.  Limit: 14 words.
"""

from array import array

from micropython import const

from .points import CONN, ENTER
from .quirks import F_FC6, F_FC16, F_NO_CYCLIC, F_NO_RVRT, F_TOGGLE, Q_FLAGS
from .sequence import (
    DIFFERS,
    OK,
    PENDING,
    READ,
    REFUSED,
    SILENT,
    UNREAD,
    WRITE,
    WRITE_ONE,
    Sequence,
)
from .values import SunspecError

CONTROL_MAX = const(16)  # registers that a control needs in `regs`

_PROBE = const(0)
_WRITE = const(1)
_READ = const(2)
_DONE = const(3)

# Ways of writing, in `mode`.
_BY_BLOCK = const(0)
_BY_ONE_6 = const(1)
_BY_ONE_16 = const(2)

# Of a form.
_OFFSETS = const(0)
_BLOCKS = const(1)
_ONES = const(2)
_MUST = const(3)
_ENABLE = const(4)
_ONE = (b"\x00", b"\x00\x01", b"\x00\x01", 1, 20)  # a single register, no "enable"

_NAN = const(0xFFFF)
_BUSY = const(4)  # 5, 6, 10, 11: it could be read, and not now
_FALL_BACK = const(3)  # exceptions 1..3: not this function, not this register, not this value


class Setting(Sequence):
    """What all controls have.  `at`: the address that the form's offsets count from; `quirk`: a
    row of quirks.py or None.

    `result`: OK, REFUSED, DIFFERS, SILENT, or UNREAD (taken, but its registers cannot be read).
    `wanted`: the words to be written.  `found`: the words that stood there at first, 0xFFFF where
    that cannot be read.  `toggles`: another value counts only after disabling and enabling; true
    for F_TOGGLE, and may be set before the first begin().  `writes`, `refusals`: operations taken
    and refused in the life of this object.
    """

    def __init__(self, at, form, quirk):
        super().__init__()
        n = len(form[_OFFSETS])
        self._at = at
        self._form = form
        self.wanted = array("H", bytes(2 * n))
        self.found = array("H", b"\xff" * (2 * n))
        self._seen = array("H", b"\xff" * (2 * n))
        flags = quirk[Q_FLAGS] if quirk else 0
        self.toggles = flags & F_TOGGLE
        self._all = (1 << n) - 1
        if flags & F_NO_RVRT:
            self._all = form[_MUST]
        self._ones = 0  # bits of the words that can be put right one by one
        for item in range(0, len(form[_ONES]), 2):
            self._ones |= (1 << form[_ONES][item + 1]) - 1 << form[_ONES][item]
        self._enable = 1 << form[_ENABLE]
        self._value = form[_MUST] & ~self._enable
        self._present = self._all
        self._read_by = _BLOCKS
        self._start = _BY_BLOCK
        if flags & (F_FC6 | F_NO_CYCLIC) or form[_BLOCKS] == form[_ONES]:
            self._start = _BY_ONE_16 if flags & F_FC16 else _BY_ONE_6
        self.mode = self._start
        self.writes = 0
        self.refusals = 0
        self._slack = 0  # by how much a value may read lower than it was written
        self._probed = False
        self._stands = 0  # bits of words that the last reading found as they should be
        self._readable = 0  # bits of words that could be read at some time
        self._state = _DONE
        self._after = _DONE  # of a probe
        self._try = _BY_BLOCK
        self._item = 0
        self._new = False  # another value than the last one
        self._off = False  # the first of the two rounds of a device that must be toggled
        self._refused = 0  # bits of words whose write was refused
        self._wrong = False

    def probe(self):
        """Only read what stands in the device, for `found`. Does not allocate."""
        self._probed = False
        self._begin_read(_PROBE)
        self._after = _DONE

    def restore(self):
        """Write what was found at first. SunspecError when that was never read."""
        if self._readable & self._form[_MUST] != self._form[_MUST]:
            raise SunspecError("restore")
        for i in range(len(self.found)):
            self.want(i, self.found[i])
        self.go()

    def recheck(self):
        """Only read back what was written: a device may show it up to a second late.

        SunspecError when nothing was. Does not allocate.
        """
        if not self.writes:
            raise SunspecError("recheck")
        self._begin_read(_READ)

    def want(self, i, word):
        """Word `i` is to stand as that. Does not allocate."""
        if self.wanted[i] != word:
            self.wanted[i] = word
            bit = 1 << i
            if bit & self._value:
                self._new = True
            elif self._readable & bit and self._seen[i] == word:
                self._stands |= bit
            else:
                self._stands &= ~bit

    def go(self):
        """Write what is wanted, after a probe if there was none yet. Does not allocate."""
        if self._probed:
            self._begin_write()
        else:
            self._begin_read(_PROBE)
            self._after = _WRITE

    def next(self, regs):
        """True when the operation is to be run, `regs` filled for a write. Does not allocate."""
        state = self._state
        if state == _DONE:
            return False
        form = self._form
        plan = form[self._read_by]
        if state == _WRITE:
            plan = form[_BLOCKS if self._try == _BY_BLOCK else _ONES]
        i = plan[self._item]
        n = plan[self._item + 1]
        kind = READ
        if state == _WRITE:
            kind = WRITE_ONE if n == 1 and self._try == _BY_ONE_6 else WRITE
            for k in range(n):
                off = self._off and 1 << i + k == self._enable
                regs[k] = 0 if off else self.wanted[i + k]
        return self._ask(kind, self._at + form[_OFFSETS][i], n)

    def took(self, outcome, regs):
        """The operation ended: 0, an exception code, or negative. Does not allocate."""
        state = self._state
        if state == _DONE:
            return
        if outcome < 0:
            self._finish(SILENT)
        elif state != _WRITE:
            self._took_read(outcome, regs)
        elif outcome == 0:
            self.writes += 1
            self._item += 2
            self._next_write()
        else:
            self.refusals += 1
            if outcome > _FALL_BACK:
                self._finish(REFUSED)
            else:
                self._fall_back()

    def _finish(self, result):
        self._state = _DONE
        self.result = result
        self._new = result != OK
        if result == UNREAD:
            self._probed = False  # perhaps it can be read the next time
        if self._new and result != DIFFERS:
            self._stands = 0

    # Writing.

    def _begin_write(self):
        self.result = PENDING
        self._state = _WRITE
        self._refused = 0
        self._try = self.mode
        if self._try == _BY_BLOCK and self._present & self._form[_MUST] != self._form[_MUST]:
            self._try = _BY_ONE_6
        self._item = 0
        self._off = bool(self.toggles and self._new)
        if self._off:
            self._stands &= ~self._enable
        self._next_write()

    def _next_write(self):
        # To the next item that is to be written; to the readback when there is none.
        while True:
            plan = self._form[_BLOCKS if self._try == _BY_BLOCK else _ONES]
            while self._item < len(plan):
                bits = (1 << plan[self._item + 1]) - 1 << plan[self._item]
                here = self._present & bits
                if here and here != bits and self._try == _BY_BLOCK:
                    self._try = _BY_ONE_6
                    self._item = 0
                    break
                if here and self._stands & here != here:
                    return
                self._item += 2
            else:
                if not self._off:
                    break
                self._off = False
                self._item = 0
        self.mode = self._try
        self._begin_read(_READ)

    def _fall_back(self):
        form = self._form
        if self._try == _BY_BLOCK:
            self._try = _BY_ONE_6
            self._item = 0
            self._next_write()
        elif self._item > 0:
            # The readback decides whether it stands as it should nevertheless.
            bits = (1 << form[_ONES][self._item + 1]) - 1 << form[_ONES][self._item]
            self._refused |= bits
            self._present &= ~bits | form[_MUST]
            self._item += 2
            self._next_write()
        elif self._try == _BY_ONE_6:
            self._try = _BY_ONE_16  # APsystems takes no function 6, Kostal no 16
        else:
            self.mode = self._start  # all of it is refused: switched off in the device, perhaps
            self._finish(REFUSED)

    # Reading.

    def _begin_read(self, state):
        self.result = PENDING
        self._state = state
        self._wrong = False
        self._item = 0
        if state == _PROBE:
            self._read_by = _BLOCKS
            self._readable = 0
        self._next_read()

    def _next_read(self):
        plan = self._form[self._read_by]
        while self._item < len(plan):
            bits = (1 << plan[self._item + 1]) - 1 << plan[self._item]
            if self._state == _PROBE or self._readable & bits:
                return
            self._item += 2
        if self._state == _READ:
            self._judge()
            return
        self._probed = True
        for i in range(len(self.found)):
            if self.found[i] == _NAN:
                self.found[i] = self._seen[i]
        if self._after == _WRITE:
            self._begin_write()
        else:
            self._state = _DONE
            self.result = OK if self._readable else UNREAD

    def _took_read(self, outcome, regs):
        plan = self._form[self._read_by]
        if outcome == 0:
            i = plan[self._item]
            for k in range(plan[self._item + 1]):
                self._check(i + k, regs[k])
        elif self._state == _READ or outcome > _BUSY:
            self._finish(UNREAD if self._state == _READ else REFUSED)
            return
        elif self._read_by == _BLOCKS:
            self._read_by = _ONES
            self._item = -2
        self._item += 2
        self._next_read()

    def _check(self, i, word):
        bit = 1 << i
        self._seen[i] = word
        self._readable |= bit
        wanted = self.wanted[i]
        if bit & self._value:
            # Many devices resolve a whole percent only: less than was written is as good.
            lower = wanted - self._slack < word < wanted
            self._wrong |= word != wanted and not lower
        elif word == wanted:
            self._stands |= bit
        else:
            self._stands &= ~bit
            if word == _NAN and not bit & self._form[_MUST]:
                self._present &= ~bit
            elif bit & self._all and (self._try == _BY_BLOCK or bit & self._ones):
                self._present |= bit
                # A time, or a value, to fall back to that is refused and reads 0 is safe; an
                # "enable" is not, whose 0 lifts the limit at that time.
                self._wrong |= word > 0 or wanted == 1 or not bit & self._refused

    def _judge(self):
        unseen = (self._refused & self._enable | self._value) & ~self._readable
        if self._wrong:
            self._finish(REFUSED if self._refused else DIFFERS)
        else:
            self._finish(UNREAD if unseen else OK)


class Connect(Setting):
    """Connects and disconnects an inverter: Conn of model 123, else ES of model 703.

    For opModConnect and opModEnergize only: reconnecting takes minutes, so an export limit of 0
    is a limit of 0.  What is read back is the order and no state: some inverters say 0 while they
    generate.  SunspecError when the device has neither model.
    """

    def __init__(self, inverter, quirk=None):
        walk = inverter.walk
        i = walk.find(inverter.device, 123, 123)
        offset = CONN
        if i < 0:
            i = walk.find(inverter.device, 703, 703)
            offset = ENTER
        if i < 0 or walk.lengths[i] + 2 <= offset:
            raise SunspecError("no model 123 or 703")
        super().__init__(walk.addrs[i] + offset, _ONE, quirk)

    def begin(self, connect):
        """Connect (1) or disconnect (0). Does not allocate."""
        self.want(0, 1 if connect else 0)
        self.go()
