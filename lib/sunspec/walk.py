"""Finds a device's SunSpec map, lists its models, and asks who it is (model 1).

Enters: the outcome of each read.  Leaves: columns `ids`, `addrs`, `lengths`, `devices` of `n`
models, in the order of the chain; the maker's row of quirks (quirks.py says what it means).

    walk = Walk(64)
    ...                                       # run it as sequence.py shows
    inverter = walk.find(0, 101, 103)         # an index, -1 when there is none
    who = Common(walk, 0)                     # the same way: who.manufacturer, who.serial

    BASE --SunS--> PAIR --ID and L--> PAIR ... --end model--> DONE
                   PAIR --no answer--> ID --an ID--> LENGTH --L--> PAIR
    BASE --no SunS at the last base--> DONE

Real chains end in many ways: by the end model, by an ID of 0, by an exception or by silence; any
of them ends the walk once there was a model; "not now" (exceptions 5 and 6) leaves it unknown: the
caller asks again, and else it is SILENT.  A device may hold a model several times, and a
second model 1 begins the next device behind the same unit id.  Limit: 255 models; ASCII, any other
byte becomes "?".
"""

from array import array

from micropython import const

from .chain import Chain
from .points import COMMON
from .sequence import FULL, NO_SUNS, NO_UNIT, OK, PENDING, READ, SILENT, Reads
from .values import SunspecError

_STRINGS = const(4)  # of model 1

_BASE = const(0)
_PAIR = const(1)
_ID = const(2)
_LENGTH = const(3)
_DONE = const(4)

_BASES = (40000, 50000, 0)  # SunSpec information model, 6.2; the usual one first
_SU = const(0x5375)
_NS = const(0x6E53)
_END = const(0xFFFF)
_ACKNOWLEDGE = const(5)  # Modbus: it works on something, ask later
_BUSY = const(6)
_NO_PATH = const(10)  # Modbus: gateway path unavailable
_NO_TARGET = const(11)  # Modbus: gateway target device failed to respond

_N = const(7)  # bytes of a quirk

# flags, grain, floor, every, connect, gap, timeout, then "maker|model|version".
_ROWS = (
    b"\x20\x00\x00\x0a\x00\x00\x28SolarEdge||\n"  # answers after 3 s at some sites
    b"\x19\x00\x00\x64\x00\x00\x00SMA||\n"  # only the percentage, seldom: flash
    b"\x01\x00\x00\x0a\x00\x00\x00KOSTAL||\n"
    b"\x02\x00\x00\x0a\x00\x00\x14APsystems||\n"
    b"\x00\x00\x00\x0a\x14\x05\x50Huawei||\n"  # 1-2 s after connecting, 1-8 s to answer
    b"\x00\x00\x00\x0a\x14\x05\x50HUAWEI||\n"
    b"\x00\x00\x00\x64\x00\x00\x14GoodWe||\n"  # flash: it outlives a restart
    b"\x00\x00\x00\x64\x00\x00\x14Growatt||\n"  # flash, on some
    b"\x00\x01\x00\x0a\x00\x00\x14Sungrow||\n"  # needs a step to take a new value
    b"\x00\x00\x02\x64\x00\x00\x14Hoymiles||\n"  # drops out below 2 %
    b"\x00\x00\x02\x64\x00\x00\x14OpenDTU||\n"
    b"\x00\x00\x00\x0a\x00\x00\x00||\n"  # Fronius, FIMER, Enphase, and whom nobody knows
)


class Walk(Chain):
    """A walk along the chain with room for `models` models (1 .. 255). Allocates its columns once.

    `marked` tells a chain that ended by an end model from one that just stopped answering.
    `result`: OK, FULL, NO_SUNS, NO_UNIT or SILENT. SunspecError for a wrong number of models.
    """

    def __init__(self, models):
        if not 1 <= models <= 255:
            raise SunspecError("models")
        super().__init__(array("H", bytes(2 * models)), array("H", bytes(2 * models)),
                         array("H", bytes(2 * models)), bytearray(models), 0)
        self.begin()

    def begin(self):
        """Forget the chain and start over."""
        self.result = PENDING
        self.n = 0
        self.devices_n = 0
        self.marked = False
        self._state = _BASE
        self._base = 0
        self._at = 0
        self._id = 0
        self._has_common = False
        self._answered = False
        self._no_unit = False

    def next(self, regs):
        """True when the read of `kind`, `addr`, `count` is to be run. Does not allocate."""
        state = self._state
        if state == _DONE:
            return False
        if state == _BASE:
            return self._ask(READ, _BASES[self._base], 2)
        if state == _PAIR:
            return self._ask(READ, self._at, 2)
        return self._ask(READ, self._at + (1 if state == _LENGTH else 0), 1)

    def took(self, outcome, regs):
        """The read ended: 0 with the registers in `regs`, an exception code, or negative."""
        state = self._state
        if _ACKNOWLEDGE <= outcome <= _BUSY:  # it says nothing of what is there
            self._state = _DONE
            self.result = SILENT
        elif state == _BASE:
            self._took_base(outcome, regs)
        elif state == _PAIR:
            if outcome == 0:
                self._header(regs[0], regs[1])
            else:
                # Kostal refuses two registers at the end and shows 0 when asked for one; a
                # lost answer gets its second try the same way.
                self._state = _ID
        elif state == _ID:
            self._took_id(outcome, regs)
        elif state == _LENGTH:
            if outcome == 0:
                self._header(self._id, regs[0])
            else:
                self._end()

    def _took_base(self, outcome, regs):
        if outcome == 0 and regs[0] == _SU and regs[1] == _NS:
            self._at = _BASES[self._base] + 2
            self._state = _PAIR
            self._answered = True
            return
        if outcome in (_NO_PATH, _NO_TARGET):
            self._no_unit = True
        elif outcome >= 0:
            self._answered = True
        self._next_base()

    def _next_base(self):
        self._base += 1
        self._state = _BASE
        if self._base == len(_BASES):
            self._state = _DONE
            self.result = NO_SUNS if self._answered else NO_UNIT if self._no_unit else SILENT

    def _took_id(self, outcome, regs):
        if outcome != 0:
            self._end()
        elif regs[0] in (0, _END):
            self._header(regs[0], 0)
        else:
            self._id = regs[0]
            self._state = _LENGTH

    def _header(self, model, length):
        if model in (0, _END):
            self.marked = True
            self._end()
            return
        follows = self._at + 2 + length
        if follows > 0x10000:
            self._end()  # it would reach beyond the last register there is
        elif self.n == len(self.ids):
            self._state = _DONE
            self.result = FULL
        else:
            self._add(model, length)
            self._at = follows
            self._state = _PAIR
            if follows > 0xFFFE:
                self._end()

    def _add(self, model, length):
        if model == 1:
            if self._has_common:
                self.devices_n += 1
            self._has_common = True
        if self.devices_n == 0:
            self.devices_n = 1
        i = self.n
        self.ids[i] = model
        self.addrs[i] = self._at
        self.lengths[i] = length
        self.devices[i] = self.devices_n - 1
        self.n += 1

    def _end(self):
        # The end of a chain with no model in it is no map: the next base may have one.
        if self.n == 0:
            self.marked = False
            self._next_base()
            return
        self._state = _DONE
        self.result = OK


class Common(Reads):
    """Model 1 of a device of the walk; "" for a string that is absent or refused.

    A length of 65 or 66 makes no difference, a string beyond a shorter model is left out.
    SunspecError when the device has no model 1. The strings allocate.
    """

    def __init__(self, walk, device):
        super().__init__(_STRINGS)
        i = walk.find(device, 1, 1)
        if i < 0:
            raise SunspecError("no model 1")
        self._at = walk.addrs[i]
        self._end = walk.lengths[i] + 2
        self.manufacturer = self.model = self.version = self.serial = ""

    def place(self, step):
        offset = COMMON[2 + 3 * step]
        size = COMMON[3 + 3 * step]
        return offset + size <= self._end and self._ask(READ, self._at + offset, size)

    def answer(self, step, outcome, regs):
        text = _text(regs, self.count) if outcome == 0 else ""
        if step == 0:
            self.manufacturer = text
        elif step == 1:
            self.model = text
        elif step == 2:
            self.version = text
        else:
            self.serial = text


def _text(regs, count):
    # Up to the first NUL, without blanks at either end.
    chars = bytearray(2 * count)
    n = 0
    while n < 2 * count:
        char = regs[n >> 1] & 0xFF if n & 1 else regs[n >> 1] >> 8
        if char == 0:
            break
        chars[n] = char if 32 <= char < 127 else 63
        n += 1
    return chars[:n].decode().strip()


def quirks(common):
    """The row of a device that `common` knows, or of an unknown one. Allocates."""
    said = (common.manufacturer, common.model, common.version)
    at = 0
    while True:
        end = _ROWS.find(b"\n", at + _N)
        begins = _ROWS[at + _N:end].decode().split("|")
        if all([said[i].startswith(begins[i]) for i in range(3)]):
            return _ROWS[at:at + _N]
        at = end + 1
