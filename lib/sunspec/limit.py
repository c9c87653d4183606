"""Writes one power limit to model 123 and reads it back.

Enters: a cap in W.  Leaves: a write, a readback, and `result`.

    limit = Limit(inverter, ratings)
    limit.begin(cap_w)
    ...                                       # run it as sequence.py shows
    if limit.result == OK: ...                # limit.written_w now stands in the device

    begin -> BLOCK --taken--> READ_BLOCK or READ_ONES -> DONE
             BLOCK --exception 1..3--> ONES --all taken--> READ_BLOCK or READ_ONES -> DONE
             any --no answer or another exception--> DONE

One function 16 over five registers is atomic: percentage, no window, no reversion, no ramp,
enabled.  Devices that refuse it get register by register, by function 6 or, where that is refused,
by 16; what worked is tried first the next time.  RvrtTms is 0, since model 123 reverts to full
power.  Registers that read as unimplemented must not be written and are left out, and what the
last readback showed to stand already is not written again in that mode (flash).

Limit: the scale factor is the one that Ratings read; ratings up to 10 MW.
"""

from micropython import const

from .points import CONTROLS
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
from .values import ABSENT, SunspecError

_BLOCK = const(0)
_ONES = const(1)
_READ_BLOCK = const(2)
_READ_ONES = const(3)
_DONE = const(4)

# How a device wants to be written, in `mode`.
_BY_BLOCK = const(0)
_BY_ONE_6 = const(1)
_BY_ONE_16 = const(2)

# Registers of the block, by their place in it: WMaxLimPct, WinTms, RvrtTms, RmpTms, WMaxLim_Ena.
_PCT = const(0)
_RVRT = const(2)
_ENA = const(4)
_N = const(5)
_ALL = const(31)
_ORDER = b"\x00\x02\x04"  # one by one: the value first, enabled last
_NAN = const(0xFFFF)

_FULL = (10000, 1000, 100, 10, 1)  # what 100 % is at a scale factor of -2 .. 2
_WMAX_W = const(10000000)
_FALL_BACK = const(3)  # exceptions 1..3: not this function, not this register, not this value


class Limit(Sequence):
    """The power limit of an inverter.

    `ratings` must have been read.  `grain_pct100`: the device's resolution in 1/100 % where it is
    coarser than its scale factor (100 for whole percents), 1 .. 10000.  `result`: OK, REFUSED,
    DIFFERS, SILENT, or UNREAD (taken, but its registers cannot be read).  `written_w`: what stands
    in the device in W, ABSENT when that is not known.  `writes`, `refusals`: operations taken and
    refused in the life of this object.  SunspecError when the device has no model 123, no rating
    or a scale factor outside -2 .. 2.
    """

    def __init__(self, inverter, ratings, grain_pct100=1):
        super().__init__()
        walk = inverter.walk
        i = walk.find(inverter.device, 123, 123)
        if i < 0 or walk.lengths[i] + 2 < CONTROLS[0] + _N:
            raise SunspecError("no model 123")
        if not -2 <= ratings.pct_sf <= 2:
            raise SunspecError("no scale factor of WMaxLimPct")
        if not 1 <= ratings.wmax_w <= _WMAX_W:
            raise SunspecError("no WMax")
        self.index = i
        self.wmax_w = ratings.wmax_w
        self.mode = _BY_BLOCK
        self.writes = 0
        self.refusals = 0
        self.written_w = ABSENT
        self._at = walk.addrs[i] + CONTROLS[0]
        self._full = _FULL[ratings.pct_sf + 2]
        self._grain = max(1, self._full * grain_pct100 // 10000)
        self._present = ratings.implemented
        self._readable = ratings.readable
        self._read_block = ratings.block
        self._stands = 0  # registers that the last readback found as they should be
        self._state = _DONE
        self._try = _BY_BLOCK
        self._item = 0
        self._raw = -1
        self._read = -1
        self._refused = 0  # bits of registers whose write was refused
        self._wrong = False

    def raw_of(self, cap_w):
        """WMaxLimPct for that cap, rounded down: it never lets more through. Does not allocate.

        Below 0 (and ABSENT) counts as 0, above WMax as WMax.
        """
        wmax = self.wmax_w
        cap_w = max(0, min(cap_w, wmax))
        # cap * full / wmax in two divisions, each product at most 10**9 and so below 2**30.
        upper = min(self._full, 100)
        lower = self._full // upper
        part = cap_w * upper
        raw = part // wmax * lower + part % wmax * lower // wmax
        return raw - raw % self._grain

    def watts_of(self, raw):
        """What a raw WMaxLimPct lets through in W, rounded up. Does not allocate."""
        full = self._full
        return self.wmax_w // full * raw - -(self.wmax_w % full * raw) // full

    def begin(self, cap_w):
        """Write this cap, in W. Does not allocate."""
        self._raw = self.raw_of(cap_w)
        self.result = PENDING
        self.written_w = ABSENT
        self._refused = 0
        self._item = 0
        self._try = self.mode
        if self._present != _ALL and self._try == _BY_BLOCK:
            self._try = _BY_ONE_6
        self._state = _BLOCK if self._try == _BY_BLOCK else _ONES

    def recheck(self):
        """Only read back what begin() wrote: a device may show it up to a second late."""
        if self._raw < 0:
            raise SunspecError("recheck")
        self.result = PENDING
        self._begin_read()

    def next(self, regs):
        """True when the operation is to be run, `regs` filled for a write. Does not allocate."""
        state = self._state
        if state == _BLOCK:
            for i in range(_N):
                regs[i] = self._wanted(i)
            return self._ask(WRITE, self._at, _N)
        if state == _ONES:
            i = _ORDER[self._item]
            regs[0] = self._wanted(i)
            return self._ask(WRITE_ONE if self._try == _BY_ONE_6 else WRITE, self._at + i, 1)
        if state == _READ_BLOCK:
            return self._ask(READ, self._at, _N)
        if state == _READ_ONES:
            return self._ask(READ, self._at + _ORDER[self._item], 1)
        return False

    def took(self, outcome, regs):
        """The operation ended: 0, an exception code, or negative. Does not allocate."""
        state = self._state
        if state == _DONE:
            return
        if outcome < 0:
            self._finish(SILENT)
        elif state == _READ_BLOCK:
            self._took_block(outcome, regs)
        elif state == _READ_ONES:
            self._took_one(outcome, regs)
        elif outcome == 0:
            self.writes += 1
            self._wrote()
        else:
            self.refusals += 1
            if outcome > _FALL_BACK:
                self._finish(REFUSED)
            else:
                self._fall_back()

    def _wanted(self, i):
        return self._raw if i == _PCT else 1 if i == _ENA else 0

    def _finish(self, result):
        self._state = _DONE
        self.result = result
        if result != OK:
            self._stands = 0

    # Writing.

    def _wrote(self):
        if self._state == _ONES:
            # The next of the three that is implemented and does not stand already.
            while self._item + 1 < len(_ORDER):
                self._item += 1
                bit = 1 << _ORDER[self._item]
                if self._present & bit and not self._stands & bit:
                    return
        self.mode = self._try
        self._begin_read()

    def _fall_back(self):
        if self._state == _BLOCK:
            self._try = _BY_ONE_6
            self._state = _ONES
        elif self._item > 0:
            # The readback decides whether it stands as it should nevertheless.
            bit = 1 << _ORDER[self._item]
            self._refused |= bit
            if bit == 1 << _RVRT:
                self._present &= ~bit
            self._wrote()
        elif self._try == _BY_ONE_6:
            self._try = _BY_ONE_16  # APsystems takes no function 6, Kostal no 16
        else:
            self.mode = _BY_BLOCK  # all of it is refused: switched off in the device, perhaps
            self._finish(REFUSED)

    # Reading back.

    def _begin_read(self):
        self._wrong = False
        self._read = -1
        self._item = -1
        self._state = _READ_BLOCK
        if not self._read_block:
            self._state = _READ_ONES
            self._next_read()

    def _next_read(self):
        # The next of the three that can be read; the verdict when there is none.
        while self._item + 1 < len(_ORDER):
            self._item += 1
            if self._readable & 1 << _ORDER[self._item]:
                return
        self._judge()

    def _took_block(self, outcome, regs):
        if outcome != 0:
            self._finish(UNREAD)
            return
        for i in range(_N):
            self._check(i, regs[i])
        self._judge()

    def _took_one(self, outcome, regs):
        if outcome != 0:
            self._finish(UNREAD)
            return
        self._check(_ORDER[self._item], regs[0])
        self._next_read()

    def _check(self, i, value):
        bit = 1 << i
        wanted = self._wanted(i)
        if i == _PCT:
            # Many devices resolve a whole percent only: less than was written is as good.
            self._read = value
            lower = wanted - self._full // 100 < value < wanted
            self._wrong |= value != wanted and not lower
        elif value == wanted:
            self._stands |= bit
        elif value == _NAN and i != _ENA:
            self._present &= ~bit
        elif self._try == _BY_BLOCK or i in (_RVRT, _ENA):
            self._present |= bit
            self._wrong = True

    def _judge(self):
        if self._wrong:
            self._finish(REFUSED if self._refused else DIFFERS)
        elif self._read < 0 or self._refused & ~self._readable & 1 << _ENA:
            self._finish(UNREAD)
        else:
            self.written_w = self.watts_of(self._read)
            self._finish(OK)
