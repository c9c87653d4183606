"""What we tell of ourselves: DERCapability, DERSettings, DERStatus, DERAvailability, LogEvents.

Enters: the DERList of our EndDevice, what the devices are and do (truth.py).  Leaves: PUTs, and a
LogEvent for each alarm that comes or goes.

    loop.every(1000, resources)                 # step(now): when an alarm came and went
    rate_s = await resources.read_list(href)
    if resources.is_due(now): await resources.send(failure)

All of them go out after each read of the list, and what has changed at once (requirements F1): a
server that lost its state has ours again within one pollRate.  Limit: one DER of the list, the
first; until the inverter told its rating nothing is sent, for nothing is known.  Of alarms that
cannot be told the last sixteen changes are kept; a gap in logEventID shows where others were.
"""

from array import array

import log
from der.record import (
    ABSENT,
    CONNECT,
    ENERGIZE,
    EXP_LIM_W,
    FIXED_W,
    GEN_LIM_W,
    IMP_LIM_W,
    LOAD_LIM_W,
    MAX_LIM_W,
    STORAGE_TARGET_W,
    TARGET_W,
)
from micropython import const
from sep2 import DERList, Sep2Error, fields

# What is owed, in the order in which it goes out.
_CAPABILITY = const(1)
_SETTINGS = const(2)
_STATUS = const(4)
_AVAILABILITY = const(8)
_ALL = const(15)

_GRAD_W = const(27)  # setGradW until a default says another (requirements J45)
_REMOTE = const(1)

# DERType: PV, PV with storage, other storage.
_PV = const(4)
_STORAGE = const(80)
_PV_STORAGE = const(83)

_RETRY_MAX_S = const(60)
_GONE = const(3)  # kinds of SessionError (session.py): from here on, the same will not do better
_EVENTS = const(16)  # changes of alarms that are kept until they are told

# Numbers of fields.py of the eight values of truth.rtg and truth.set.
_VALUES = (fields.MAX_W, fields.MAX_VA, fields.MAX_VAR, fields.MAX_VAR_NEG, fields.MAX_CHARGE_W,
           fields.MAX_DISCHARGE_W, fields.MAX_WH, fields.V_NOM)

# Bits of modesSupported (F4) by our modes, and of doeModesSupported.
_MODES = ((CONNECT, 2), (ENERGIZE, 3), (FIXED_W, 7), (MAX_LIM_W, 20), (TARGET_W, 22))
_DOE_MODES = ((EXP_LIM_W, 0), (IMP_LIM_W, 1), (GEN_LIM_W, 2), (LOAD_LIM_W, 3))


def _bits(modes, table):
    bits = 0
    for mode, bit in table:
        bits |= (modes >> mode & 1) << bit
    return bits


class Resources:
    """See the module's text. `truth` is truth.Truth, `body` session.Body."""

    def __init__(self, loop, session, reading, xml, body, clock, schedule, own, truth):
        self._loop = loop
        self._session = session
        self._reading = reading
        self._xml = xml
        self._body = body
        self._clock = clock
        self._schedule = schedule
        self._own = own
        self._truth = truth
        self._links = [None] * 4  # by the bits of what is owed
        self._programs = None
        self._owed = 0
        self._rated = self._mark = -1
        self._grad = self._updated = -1
        self._alarms = 0  # those whose coming stands in the ring, or was told
        self._at = array("i", bytes(4 * _EVENTS))  # a ring: when,
        self._codes = bytearray(_EVENTS)  # and logEventCode
        self._number = 0  # changes since boot, of which
        self._waiting = 0  # the last so many are not told
        self._since = 0
        self._fails = 0
        self._due = loop.now()

    async def read_list(self, href):
        """Read the DERList; everything is then owed. Returns its pollRate."""
        links = self._links
        for i in range(len(links)):
            links[i] = None
        self._programs = None
        devices = DERList(self._xml)
        await self._reading.pages(href, devices, self._take, self._nothing)
        self._owed = _ALL if self._truth.storage else _ALL & ~_AVAILABILITY
        return devices.poll_rate

    def programs_href(self):
        """The DERProgramList of our DER, where no assignment leads to one; or None (P-03)."""
        return self._programs

    def _nothing(self):
        pass

    def _take(self, reader):
        links = self._links
        if links[0] is None and links[2] is None:
            links[0] = reader.dercap_href
            links[1] = reader.derg_href
            links[2] = reader.ders_href
            links[3] = reader.dera_href
            self._programs = reader.derp_href

    def step(self, _now):
        """Each second: note each alarm that came or went, once there is a time. No allocation."""
        alarms, at = self._truth.alarms, self._clock.best()
        differs = alarms ^ self._alarms
        if not differs or at < 0:
            return
        self._alarms = alarms
        code = 0  # logEventCodes come in pairs (B12): an alarm, its return to normal
        while differs:
            if differs & 1:
                i = self._number % _EVENTS
                self._at[i] = at
                self._codes[i] = code + 1 - (alarms & 1)
                self._number += 1
                self._waiting = min(self._waiting + 1, _EVENTS)
            code += 2
            differs >>= 1
            alarms >>= 1

    def is_due(self, now):
        """True when something is to be sent, and the last failure is long enough ago."""
        truth = self._truth
        if not truth.rated or self._clock.now() < 0 or self._loop.diff(now, self._due) < 0:
            return False
        self._due = now  # so that it grows no older than the ticks can tell
        if truth.rated != self._rated:
            self._rated = truth.rated
            self._updated = self._clock.now()
            self._owed |= _CAPABILITY | _SETTINGS
        grad = self._schedule.grad
        if grad != self._grad:
            self._grad = grad
            self._updated = self._clock.now()
            self._owed |= _SETTINGS
        if truth.mark != self._mark:
            self._mark = truth.mark
            self._since = self._clock.now()
            self._owed |= _STATUS
        for i in range(len(self._links)):
            if self._owed & 1 << i and self._links[i] is None:
                self._owed &= ~(1 << i)
        return self._owed != 0 or (self._waiting > 0 and self._own.log is not None)

    async def send(self, failure):
        """Send one of them; `failure` is the session's exception class."""
        i = 0
        while i < 4 and not self._owed & 1 << i:
            i += 1
        number = self._number - self._waiting
        try:
            if i < 4:
                await self._put(i)
            else:
                await self._log_event(number)
            self._fails = 0
        except Sep2Error as exc:  # a device says what no schema allows
            log.error("NOT_TELLABLE", "what", i, "why", str(exc))
            self._owed &= ~(1 << i)
        except failure as exc:
            log.warn("NOT_TOLD", "what", i, "why", exc.reason)
            if exc.kind < _GONE:
                self._fails += 1
                wait_s = max(min(2 << min(self._fails - 1, 5), _RETRY_MAX_S), exc.wait_s)
                self._due = self._loop.after(wait_s * 1000)
                return
            # The same would be refused again; after the next read of the list it is owed anew.
            self._owed &= ~(1 << i)
        if i == 4:  # newer changes may have taken its place in the ring meanwhile
            self._waiting = min(self._waiting, self._number - number - 1)

    async def _put(self, i):
        truth = self._truth
        if i == 0:
            body = self._body.one(fields.DER_CAPABILITY, self._capability(truth.rtg))
        elif i == 1:
            body = self._body.one(fields.DER_SETTINGS, self._settings())
        elif i == 2:
            body = self._body.one(fields.DER_STATUS, self._status())
        else:
            body = self._body.one(fields.DER_AVAILABILITY, self._availability())
        await self._session.send("PUT", self._reading.url(self._links[i]), body)
        self._owed &= ~(1 << i)
        log.info("TOLD", "what", i)

    def _capability(self, ratings):
        # DERCapability or, with the settings, DERSettings: the same numbers (F2, F5, F8).
        truth = self._truth
        values = {}
        for i in range(len(_VALUES)):
            values[_VALUES[i]] = ratings[i]
        if truth.storage:
            values[fields.MIN_PF_OVER] = values[fields.MIN_PF_UNDER] = _power_factor(
                ratings[1], ratings[2])
        else:
            values[fields.MAX_CHARGE_W] = values[fields.MAX_DISCHARGE_W] = None
            values[fields.MAX_WH] = None
        values[fields.TYPE] = _PV if not truth.storage else _PV_STORAGE if truth.pv else _STORAGE
        values[fields.MODES] = _bits(truth.modes, _MODES)
        values[fields.DOE_MODES] = _bits(truth.modes, _DOE_MODES)
        values[fields.VPP_MODES] = truth.modes >> STORAGE_TARGET_W & 1
        return values

    def _settings(self):
        values = self._capability(self._truth.set)
        values[fields.GRAD_W] = _GRAD_W if self._grad < 0 else self._grad
        values[fields.AT] = self._updated
        if self._truth.storage:
            values[fields.MIN_WH] = 0
        return values

    def _status(self):
        truth, since = self._truth, self._since
        values = {fields.AT: self._clock.now(), fields.ALARM: truth.alarms,
                  fields.INVERTER: (since, truth.st), fields.LOCAL_CONTROL: (since, _REMOTE),
                  fields.OPERATIONAL: (since, truth.operating)}
        if truth.gen_conn != ABSENT:
            values[fields.GEN_CONNECT] = (since, truth.gen_conn)
        if truth.stor_conn != ABSENT:
            values[fields.STOR_CONNECT] = (since, truth.stor_conn)
            if truth.gen_conn == ABSENT:
                values[fields.GEN_CONNECT] = (since, truth.stor_conn)
        if truth.storage_mode != ABSENT:
            values[fields.STORAGE_MODE] = (since, truth.storage_mode)
        if truth.soc_pct100 != ABSENT:
            values[fields.SOC] = (values[fields.AT], truth.soc_pct100)
        return values

    def _availability(self):
        # How long the battery could go on at its full rates.
        truth = self._truth
        values = {fields.AT: self._clock.now()}
        full, charge, discharge = truth.set[6], truth.set[4], truth.set[5]
        if truth.wh != ABSENT and discharge > 0:
            values[fields.AVAILABLE_S] = _duration_s(truth.wh, discharge)
            if full != ABSENT and charge > 0:
                values[fields.MAX_CHARGE_S] = _duration_s(max(0, full - truth.wh), charge)
        return values

    async def _log_event(self, number):
        i = number % _EVENTS
        code = self._codes[i]
        body = self._body.one(fields.LOG_EVENT, {
            fields.AT: self._at[i], fields.CODE: code, fields.LOG_ID: number + 1 & 0xFFFF})
        await self._session.send("POST", self._reading.url(self._own.log), body)
        log.info("LOG_EVENT", "alarm", code >> 1, "is", "off" if code & 1 else "on")


def _power_factor(va, var):
    # The least power factor in hundredths, rounded up, from what the device says it can do.
    if va <= 0 or var < 0:  # or ABSENT
        return ABSENT
    n = 0
    while n < 100 and n * n < 10000 - (100 * var // va) ** 2:
        n += 1
    return n


def _duration_s(wh, w):
    # Wh times 3600 leaves the small ints of a 32-bit board: by the hour, then the rest.
    return wh // w * 3600 + wh % w * 360 // w * 10
