"""DERControls and the DefaultDERControl, as records of plain ints (docs/DESIGN.md).

Enters: documents fed to an xmlpull.Reader.  Leaves: at each ITEM `key`, `rec`, `reply_to`, `bad`.

    controls = DERControlList(xml)
    controls.begin()
    while controls.next_record() == ITEM:
        if controls.bad is None: schedule.put(controls.key, controls.rec)

A mode that cannot be read makes the whole control bad: it is never left out, for then a default
would stand in its place.  Limit: the modes of requirements D7; curves, power factor, var and
setES* are passed over.
"""

from array import array

from micropython import const

from .record import (
    ABSENT,
    CONNECT,
    DURATION_MAX,
    ENERGIZE,
    EXP_LIM_W,
    FIXED_W,
    GEN_LIM_W,
    GRAD,
    IMP_LIM_W,
    KEY_SIZE,
    LOAD_LIM_W,
    MAX_LIM_W,
    REC_SIZE,
    STORAGE_TARGET_W,
    TARGET_W,
    pack_mrid,
    watts,
)
from .record import CATEGORY as CATEGORY_AT
from .record import CREATED as CREATED_AT
from .record import DURATION as DURATION_AT
from .record import RAMP as RAMP_AT
from .record import RAND_DURATION as RAND_DURATION_AT
from .record import RAND_START as RAND_START_AT
from .record import START as START_AT
from .record import STATUS as STATUS_AT
from .resource import ACTIVE_POWER, GROUP, HREF_MAX, INT, SATURATED, TIME, Resource, table
from .resources import items, root

# Kinds of fields beside those of Resource.
_VALUE = const(16)  # of an ActivePower
_MULTIPLIER = const(17)
_MRID = const(18)
_CATEGORY = const(19)
_SWITCH = const(20)  # mode of a boolean
_PERCENT = const(21)  # mode of hundredths of a percent

# Indexes of a record that this file's methods use (record.py says all).
_RESPONSE = const(6)
_MODES = const(10)
_VALUE_AT = const(11)
_KEY_DIGITS = const(16)

# Bits of the groups that were seen.
_STATUS_BIT = const(1)
_INTERVAL_BIT = const(2)
_BASE_BIT = const(4)

_SHORT_MAX = const(65535)
_RANDOM_MAX = const(3600)

_POWER = table(
    (b"multiplier", _MULTIPLIER, 0, -9, 9),
    (b"value", _VALUE, 0, 0, 0),
)

# An ActivePower's lowest value in `low`: no limit is below zero.
_BASE = table(
    (b"opModExpLimW", ACTIVE_POWER, _POWER, EXP_LIM_W, 0),
    (b"opModImpLimW", ACTIVE_POWER, _POWER, IMP_LIM_W, 0),
    (b"opModGenLimW", ACTIVE_POWER, _POWER, GEN_LIM_W, 0),
    (b"opModLoadLimW", ACTIVE_POWER, _POWER, LOAD_LIM_W, 0),
    (b"opModTargetW", ACTIVE_POWER, _POWER, TARGET_W, 1),
    (b"opModStorageTargetW", ACTIVE_POWER, _POWER, STORAGE_TARGET_W, 1),
    (b"opModConnect", _SWITCH, CONNECT, 0, 1),
    (b"opModEnergize", _SWITCH, ENERGIZE, 0, 1),
    (b"opModFixedW", _PERCENT, FIXED_W, -10000, 10000),
    (b"opModMaxLimW", _PERCENT, MAX_LIM_W, 0, 10000),
    (b"rampTms", INT, RAMP_AT, 0, _SHORT_MAX),
)

_EVENT_STATUS = table((b"currentStatus", INT, STATUS_AT, 0, 4))

_INTERVAL = table(
    (b"duration", SATURATED, DURATION_AT, 0, DURATION_MAX),
    (b"start", TIME, START_AT, 0, 0),
)


class _Control(Resource):
    """What a control and a default have in common: `rec`, `key`, and the modes of the base."""

    def __init__(self, xml):
        self.rec = array("i", bytes(4 * REC_SIZE))
        self.key = bytearray(KEY_SIZE)
        self._mode = self._signed = 0
        self._value = self._multiplier = None
        Resource.__init__(self, xml)

    def clear(self):
        """Forget the control before."""
        rec = self.rec
        for i in range(REC_SIZE):
            rec[i] = ABSENT
        rec[_MODES] = 0
        self.key[_KEY_DIGITS] = 0

    def value(self, field):
        """Take the text of a leaf. XMLError when it should be a number and is none."""
        name, kind, dest, low, high, _other = field
        xml = self._xml
        if kind == _VALUE:
            if self._value is not None:
                self.wrong(name, "twice")
            self._value = xml.to_int()
        elif kind == _MULTIPLIER:
            if self._multiplier is not None:
                self.wrong(name, "twice")
            self._multiplier = value = xml.to_int()
            if not low <= value <= high:
                self.wrong(name, "out of range")
        elif kind == _MRID:
            self._mrid(name)
        elif kind < _VALUE:
            self._number(name, kind, dest, low, high)
        elif kind == ACTIVE_POWER:
            self.begin_power(field)
            self._value = xml.to_int()
            self._multiplier = 0
            self.end_power()
        elif kind == _CATEGORY:
            self._category(name)
        else:
            value = self.flag() if kind == _SWITCH else xml.to_int()
            self._take_mode(name, dest, value, low <= value <= high)

    def begin_power(self, field):
        """A mode of an ActivePower begins."""
        self._power = field
        self._value = self._multiplier = None

    def end_power(self):
        """The mode is whole: whole W, exactly, or the control is bad."""
        name, _kind, _dest, mode, signed, _other = self._power
        value, multiplier = self._value, self._multiplier
        if value is None or multiplier is None:
            self.wrong(name, "incomplete")
        elif -9 <= multiplier <= 9:
            self._take_mode(name, mode, watts(value, multiplier), signed or value >= 0)

    def finish(self):
        """What every control must have, and the defaults of what it may leave out."""
        if not self._groups & _BASE_BIT:
            self.lack(b"DERControlBase")
        self._default(RAND_START_AT, 0)
        self._default(RAND_DURATION_AT, 0)
        self._default(_RESPONSE, 0)
        self._default(CATEGORY_AT, -1)
        self._default(RAMP_AT, -1)
        self._default(GRAD, -1)

    def _default(self, at, value):
        if self.rec[at] == ABSENT:
            self.rec[at] = value

    def _number(self, name, kind, dest, low, high):
        if self.rec[dest] != ABSENT:
            self.wrong(name, "twice")
        if kind == TIME:
            self.rec[dest] = self.seconds()
            return
        value = self._xml.to_int()
        if kind == SATURATED and value > high:
            value = high
        if low <= value <= high:
            self.rec[dest] = value
        else:
            self.wrong(name, "out of range")

    def _take_mode(self, name, mode, value, sound):
        rec = self.rec
        bit = 1 << mode
        if rec[_MODES] & bit:
            self.wrong(name, "twice")
        elif sound:
            rec[_MODES] |= bit
            rec[_VALUE_AT + mode] = value
        else:
            self.wrong(name, "out of range")

    def _mrid(self, name):
        key = self.key
        if key[_KEY_DIGITS]:
            self.wrong(name, "twice")
            return
        start = self.trim()
        if not pack_mrid(key, self._window, start, self._xml.value_end):
            key[_KEY_DIGITS] = 0
            self.wrong(name, "unreadable")

    def _category(self, name):
        if self.rec[CATEGORY_AT] != ABSENT:
            self.wrong(name, "twice")
        value = self.hex(8)
        if value < 0:
            self.wrong(name, "unreadable")
        self.rec[CATEGORY_AT] = value


class DefaultDERControl(_Control):
    """rec (CREATED to CATEGORY unused), key (its byte 16 is 0 when there is no mRID), bad.

    `bad` at DONE: a part that matters cannot be read and `rec` is worthless; what was known
    before should stay in force.
    """

    ROOTS = root(b"DefaultDERControl", table(
        (b"mRID", _MRID, 0, 0, 0),
        (b"DERControlBase", GROUP, _BASE, _BASE_BIT, 0),
        (b"setGradW", INT, GRAD, 0, _SHORT_MAX),
    ))

    def begin(self):
        """Begin a new document, with the XML reader. Does not allocate."""
        _Control.begin(self)
        self._in_item = True  # what is wrong is told by `bad`, as of an item


class DERControlList(_Control):
    """Items: key, rec, reply_to (str or None), bad; href() of the item.

    An item with `bad` has worthless values, but its `key`, unless key[16] is 0.  deviceCategory
    keeps its low 30 bits (the standard names 26), so that it is a small int on every board.
    """

    LIST = True
    ROOTS = root(b"DERControlList", items(b"DERControl", table(
        (b"mRID", _MRID, 0, 0, 0),
        (b"creationTime", TIME, CREATED_AT, 0, 0),
        (b"EventStatus", GROUP, _EVENT_STATUS, _STATUS_BIT, 0),
        (b"interval", GROUP, _INTERVAL, _INTERVAL_BIT, 0),
        (b"randomizeDuration", INT, RAND_DURATION_AT, -_RANDOM_MAX, _RANDOM_MAX),
        (b"randomizeStart", INT, RAND_START_AT, -_RANDOM_MAX, _RANDOM_MAX),
        (b"DERControlBase", GROUP, _BASE, _BASE_BIT, 0),
        (b"deviceCategory", _CATEGORY, 0, 0, 0),
    )))

    def __init__(self, xml):
        self.reply_to = None
        self._reply_bytes = b""
        self._reply_text = None
        self._href = bytearray(HREF_MAX)
        self._href_n = 0
        _Control.__init__(self, xml)

    def item_attributes(self):
        """replyTo, responseRequired and the place of the href."""
        xml = self._xml
        if xml.attribute(b"responseRequired"):
            value = self.hex(2)
            if value < 0:
                self.wrong(b"responseRequired", "unreadable")
            self.rec[_RESPONSE] = value
        self._take_reply()
        self._href_n = 0
        if xml.attribute(b"href"):
            self._keep_href(xml.value_start, xml.value_end)

    def finish(self):
        """A control without name, times or status cannot be carried out."""
        rec = self.rec
        if not self.key[_KEY_DIGITS]:
            self.lack(b"mRID")
        if rec[CREATED_AT] == ABSENT:
            self.lack(b"creationTime")
        if rec[STATUS_AT] == ABSENT:
            self.lack(b"currentStatus")
        if rec[START_AT] == ABSENT or rec[DURATION_AT] == ABSENT:
            self.lack(b"interval")
        _Control.finish(self)

    def href(self):
        """The href of the item as str, None when it has none or a wrong one. Allocates.

        Only until the next call of next_record().
        """
        n = self._href_n
        for i in range(n):
            if not 32 < self._href[i] < 127:
                return None
        return str(bytes(self._href[:n]), "ascii") if n else None

    def _take_reply(self):
        xml = self._xml
        if not xml.attribute(b"replyTo"):
            self.reply_to = None
            return
        if not xml.equals(self._reply_bytes):
            # One for all controls of a list, as a rule: made once.
            self._reply_text = text = self.uri(b"replyTo")
            start, end = xml.value_start, xml.value_end
            self._reply_bytes = bytes(self._window[start:end]) if text else b""
        self.reply_to = self._reply_text

    def _keep_href(self, start, end):
        n = end - start
        if n > HREF_MAX:
            return
        window, kept = self._window, self._href
        for i in range(n):
            kept[i] = window[start + i]
        self._href_n = n
