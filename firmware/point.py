"""One usage point as the utility has it: its channels, their averages, the bodies made of them.

Enters: samples by channel.  Leaves: closed intervals in a ring, and the parts of
its readings (requirements G), for session.Body.

    point = Point(b"03", [(W, 128), (VAR, 128), (V, 128)], kinds, ten, backlog)
    point.values[0] = meter.w
    point.sample(clock.best(), sure)                  # allocates nothing
    body.many(point.readings_of(me, pen, profile))    # mirror.py has the point's own

Limit: values of 16 bits on the wire (G8), so the multiplier is fixed for good.
"""

from array import array

from der.record import ABSENT
from metering import QUESTIONABLE, VALUES, Ring, Window
from micropython import const
from sep2 import fields, mmr_mrid

_ROWS = const(6)
_SAMPLE_MS = const(200)
_SAMPLE_MAX_MS = const(1000)
_ALL = const(0xFFFF)  # every channel

# How its readings go out.
_LIST = const(0)
_SINGLES = const(1)

_QUESTIONABLE = const(0x10)  # qualityFlags bit 4
_VALID = const(1)

# Units of measure and how a value becomes what is posted (G5).
_W = const(38)
_VAR = const(63)
_V = const(29)
_WH = const(72)
_NAMES = {_W: "W", _VAR: "var", _V: "V", _WH: "Wh"}
_MOST = const(32767)


class Point:
    """One MirrorUsagePoint: its channels, window, ring, and what the server knows of it.

    `role` b"03" (site) or b"49" (DER); `types` one (uom, phase) a channel, in the order of the
    window's kinds.  `ten`, `wh_ten`: powerOfTenMultiplier of its powers, of its Wh.  `backlog`:
    backlog.Backlog.
    `href` None until it is known; `owed`: it is to be posted.  `fails`: since a reading was
    delivered; `due`: ticks before which it is not tried again.
    """

    def __init__(self, role, types, kinds, ten, backlog):
        self.role = role
        self.types = types
        self.phases = len([1 for uom, _phase in types if uom == _W])
        self.values = array("i", (ABSENT for _ in types))
        self.window = Window(kinds)
        self.ring = Ring(len(types), _ROWS)
        self.backlog = backlog
        self.href = None
        self.listed = False
        self.owed = True
        self.lost = False  # the list lacks it although it was posted
        self.repaired = False  # posted anew since a reading was refused
        self.form = _LIST
        self.fails = self.due = 0
        self.ten = ten
        self.wh_ten = 1
        self.gone = 0, 0, 0  # readings lost since boot, as last said: of RAM, of flash, torn
        self.rows = None  # what is being posted
        self.single = -1

    def add(self, driver):
        """A device's powers go into `values`; a sum is unknown where one is. Does not allocate."""
        v, n = self.values, self.phases
        _add(v, 0, driver.w if n == 1 else driver.w_a)
        _add(v, n, driver.var if n == 1 else driver.var_a)
        if n > 1:
            _add(v, 1, driver.w_b)
            _add(v, 2, driver.w_c)
            _add(v, 4, driver.var_b)
            _add(v, 5, driver.var_c)

    def drift(self, real_ms):
        """Samples come each `real_ms` by now, ms: as slow as a line is, up to 1 s (HB 7.8.1).

        To be told each second: so slowly that a gap does not hide itself.
        """
        ms = self.window.sample_ms
        self.window.sample_ms = max(_SAMPLE_MS, min(_SAMPLE_MAX_MS,
                                                    ms + (real_ms > ms) - (real_ms < ms)))

    def fit(self, w, wh):
        """Raise the multipliers so that half as much again as these ratings fits (G8)."""
        while w * 3 // 2 > _MOST * 10 ** self.ten:
            self.ten += 1
        while wh * 3 // 2 > _MOST * 10 ** self.wh_ten:
            self.wh_ten += 1

    def sample(self, s, sure):
        """The values of `values` are a sample of that second; `sure`: by the server's clock.

        Does not allocate.
        """
        self.close(self.window.put(self.values, s), sure)

    def close(self, closed, sure):
        """An interval may have closed: it waits to be posted. Does not allocate."""
        if closed:
            if not sure:  # the board's clock dated it
                self.window.row[QUESTIONABLE] = _ALL
            self.ring.put(self.window.row)

    def what(self, i):
        """What a channel is, as its description says."""
        uom, phase = self.types[i]
        return _NAMES[uom] + " " + str(phase) + (" site" if self.role == b"03" else " DER")

    def mrid(self, i, me, pen):
        """The mRID of a channel's MirrorMeterReading."""
        return mmr_mrid(me.lfdi, self.what(i).encode(), self.role, pen)

    def readings_of(self, me, pen, profile):
        """The parts of the readings of `rows`, or the one that is `single` (G7)."""
        dated = not profile.storage
        if self.form == _SINGLES:
            yield fields.READING, self._reading(self.single, me, pen, dated), profile
            return
        yield fields.READINGS_HEAD, {fields.COUNT: self.count()}, profile
        for n in range(self.count()):
            yield fields.READING, self._reading(n, me, pen, dated), None
        yield fields.READINGS_TAIL, None, None

    def count(self):
        """How many readings `rows` has."""
        n = 0
        for i in range(len(self.rows)):
            n += i % self.ring.stride >= VALUES and self.rows[i] != ABSENT
        return n

    def _reading(self, n, me, pen, dated):
        rows, stride = self.rows, self.ring.stride
        i = -1
        while n >= 0:
            i += 1
            n -= i % stride >= VALUES and rows[i] != ABSENT
        row, channel = i // stride * stride, i % stride - VALUES
        start, span = rows[row], rows[row + 1]
        bad = rows[row + 2] >> channel & 1
        value = self._scaled(rows[i], self.types[channel][0])
        if abs(value) > _MOST:  # it cannot be said: the nearest that can, and not as sound
            value, bad = min(_MOST, max(-_MOST, value)), 1
        values = {fields.MRID: self.mrid(channel, me, pen), fields.DURATION: span,
                  fields.START: start, fields.VALUE: value}
        if dated:
            values[fields.AT] = start + span  # the handbook's time tag is the end
        if bad:
            values[fields.QUALITY] = _QUESTIONABLE
        elif not dated:
            values[fields.QUALITY] = _VALID
        return values

    def _scaled(self, value, uom):
        # As it goes on the wire, rounded to nearest, halves away from zero.
        scale = 1 if uom == _V else 10 ** (self.wh_ten if uom == _WH else self.ten)
        near = (abs(value) + scale // 2) // scale
        return near if value >= 0 else -near


def _add(values, i, value):
    if value == ABSENT or values[i] == ABSENT:
        values[i] = ABSENT
    else:
        values[i] += value
