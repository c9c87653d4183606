"""DERControls and the DefaultDERControl, as records of plain ints (docs/DESIGN.md).

Enters: documents fed to an xmlpull.Reader.  Leaves: at each ITEM `key`, `rec`, `reply_to`, `bad`.

    controls = DERControlList(xml)
    controls.begin()
    while controls.next_record() == ITEM:
        if controls.bad is None: schedule.put(controls.key, controls.rec)

A mode that cannot be read, or stands in a foreign namespace alone, makes the whole control bad:
it is never left out, for then a default would stand in its place.  Limit: the modes of
requirements D7; curves, power factor, var and setES* are passed over.
"""

from array import array

from micropython import const

from .elements import (
    DEST,
    IN_BASE,
    KIND,
    LIMIT,
    MRID,
    MULTIPLIER,
    POWER_VALUE,
    SWITCH,
    TIME,
)
from .record import (
    ABSENT,
    CATEGORY,
    CREATED,
    DURATION,
    KEY_SIZE,
    MODES,
    RAND_START,
    REC_SIZE,
    RESPONSE,
    START,
    STATUS,
    VALUE,
    pack_mrid,
    watts,
)
from .resource import Resource

_KEY_DIGITS = const(16)


class _Control(Resource):
    """What a control and a default have in common: `rec`, `key`, and the modes of the base."""

    def __init__(self, xml):
        self.rec = array("i", bytes(4 * REC_SIZE))
        self.key = bytearray(KEY_SIZE)
        self._power = self._value = self._multiplier = None
        super().__init__(xml)

    def clear(self):
        """Forget the control before."""
        rec = self.rec
        for i in range(REC_SIZE):
            rec[i] = ABSENT
        rec[MODES] = 0
        self.key[_KEY_DIGITS] = 0

    def value(self, row):
        """Take the text of a leaf. XMLError when it should be a number and is none."""
        kind = KIND[row]
        if kind < SWITCH:
            if self.rec[DEST[row]] != ABSENT:
                self.wrong(row, "twice")
            value = self.seconds() if kind == TIME else self.number(row)
            if value is not None:
                self.rec[DEST[row]] = value
        elif kind == POWER_VALUE:
            if self._value is not None:
                self.wrong(row, "twice")
            self._value = self._xml.to_int()
        elif kind == MULTIPLIER:
            if self._multiplier is not None:
                self.wrong(row, "twice")
            self._multiplier = self._xml.to_int()
        elif kind == MRID:
            self._mrid(row)
        elif kind >= LIMIT:
            self.begin_power(row)
            self._value = self._xml.to_int()
            self._multiplier = 0
            self.end_power()
        else:
            self._take_mode(row, self.number(row))

    def begin_power(self, row):
        """A mode of an ActivePower begins."""
        self._power = row
        self._value = self._multiplier = None

    def end_power(self):
        """The mode is whole: whole W, exactly, or the control is bad."""
        row, value, multiplier = self._power, self._value, self._multiplier
        if value is None or multiplier is None:
            self.wrong(row, "incomplete")
        elif not -9 <= multiplier <= 9 or (value < 0 and KIND[row] == LIMIT):
            self.wrong(row, "out of range")
        else:
            self._take_mode(row, watts(value, multiplier))

    def finish(self):
        """What every control must have, and the defaults of what it may leave out."""
        rec = self.rec
        if not self._groups & 1 << IN_BASE:
            self.wrong("DERControlBase", "missing")
        if self._groups >> 8 & ~rec[MODES]:  # unless it is said in a namespace of ours as well
            self.wrong("DERControlBase", "namespace")
        for i in range(RAND_START, MODES):
            if rec[i] == ABSENT:
                rec[i] = -1 if i >= CATEGORY else 0

    def _take_mode(self, row, value):
        rec, mode = self.rec, DEST[row]
        bit = 1 << mode
        if rec[MODES] & bit:
            self.wrong(row, "twice")
        elif value is not None:
            rec[MODES] |= bit
            rec[VALUE + mode] = value

    def _mrid(self, row):
        key = self.key
        if key[_KEY_DIGITS]:
            self.wrong(row, "twice")
            return
        start = self.trim()
        if not pack_mrid(key, self._window, start, self._xml.value_end):
            key[_KEY_DIGITS] = 0
            self.wrong(row, "unreadable")


class DefaultDERControl(_Control):
    """rec (CREATED to CATEGORY unused), key (its byte 16 is 0 when there is no mRID), bad.

    `bad` at DONE: a part that matters cannot be read and `rec` is worthless; what was known
    before should stay in force.
    """

    content = item = 7

    def begin(self):
        """Begin a new document, with the XML reader. Does not allocate."""
        Resource.begin(self)
        self._in_item = True  # what is wrong is told by `bad`, as of an item


class DERControlList(_Control):
    """Items: key, rec, reply_to (str or None), bad; href() of the item.

    An item with `bad` has worthless values, but its `key`, unless key[16] is 0.  deviceCategory
    keeps its low 30 bits (the standard names 26), so that it is a small int on every board.
    href_max: 0 .. HREF_MAX, the longest href that is kept for href(); 0 keeps none.
    """

    content = 3
    item = 4

    def __init__(self, xml, href_max=0):
        self.reply_to = None
        self._reply_bytes = b""
        self._reply_text = None
        self._href = bytearray(href_max)
        self._href_n = 0
        super().__init__(xml)

    def item_attributes(self, row):
        """replyTo, responseRequired and the place of the href."""
        xml = self._xml
        if xml.attribute(b"responseRequired"):
            value = self.digits(16, 2)
            if value < 0:
                self.wrong("responseRequired", "unreadable")
            self.rec[RESPONSE] = value
        self.reply_to = None
        if xml.attribute(b"replyTo"):
            if not xml.equals(self._reply_bytes):
                # One for all controls of a list, as a rule: made once.
                self._reply_text = text = self.uri("replyTo")
                start, end = xml.value_start, xml.value_end
                self._reply_bytes = bytes(self._window[start:end]) if text else b""
            self.reply_to = self._reply_text
        self._href_n = 0
        if self._href and xml.attribute(b"href"):
            self._keep_href(xml.value_start, xml.value_end)

    def finish(self):
        """A control without name, times or status cannot be carried out."""
        rec = self.rec
        if not self.key[_KEY_DIGITS]:
            self.wrong("mRID", "missing")
        if rec[CREATED] == ABSENT:
            self.wrong("creationTime", "missing")
        if rec[STATUS] == ABSENT:
            self.wrong("currentStatus", "missing")
        if rec[START] == ABSENT or rec[DURATION] == ABSENT:
            self.wrong("interval", "missing")
        super().finish()

    def href(self):
        """The href of the item as str, None when it has none or a wrong one. Allocates.

        Only until the next call of next_record().
        """
        n = self._href_n
        for i in range(n):
            if not 32 < self._href[i] < 127:
                return None
        return str(bytes(self._href[:n]), "ascii") if n else None

    def _keep_href(self, start, end):
        n = end - start
        window, kept = self._window, self._href
        if n > len(kept):
            return
        for i in range(n):
            kept[i] = window[start + i]
        self._href_n = n
