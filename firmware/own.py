"""Our own EndDevice: found on the server or made there, its PIN compared, its point named.

Enters: the hrefs of EndDeviceList, Registration and ConnectionPoint.  Leaves: whether the server
knows us, and the links of our EndDevice.

    own = Own(session, reading, xml, body, clock, conf, me, failure)
    await own.find(href)                     # own.registered, own.fsa, own.der ...
    if not await own.check_pin(href): ...    # a wrong PIN: all talk ends
    await own.name_point(href)

A device that the list lacks is registered by POST where `register` says so (requirements B4); a
server that refuses it is asked no more often than the list is read.  The ConnectionPoint is put
only where it differs (B6).  Limit: one EndDevice, our own.
"""

import log
from micropython import const
from sep2 import ConnectionPoint, EndDeviceList, Registration, fields, sfdi

# Kinds of SessionError (session.py).
_OUTAGE = const(1)
_BUSY = const(2)
_GONE = const(3)

_PV = const(0x00200000)  # deviceCategory, bits 21, 23 and 25
_PV_STORAGE = const(0x00800000)
_STORAGE = const(0x02000000)


class Me:
    """Who we are on the wire: LFDI (40 upper-case digits) and SFDI (decimal digits), as bytes.

    `category`: deviceCategory, of what the settings say is fitted: what we register as, and which
    events are for us (requirements D3).
    """

    def __init__(self, lfdi, conf):
        self.category = _PV if not conf.battery else _PV_STORAGE if conf.inverter else _STORAGE
        self.lfdi = lfdi
        self.sfdi = str(sfdi(lfdi)).encode()


class Own:
    """See the module's text. `body` is session.Body, `failure` session.SessionError.

    `registered`: -1 until the list was read, then 0 or 1.  `pin_read`: the PIN was compared, or
    there is none to compare.  `rg`, `fsa`, `der`, `log`, `cp`: hrefs, None where there is no link.
    """

    def __init__(self, session, reading, xml, body, clock, conf, me, failure):
        self._session = session
        self._reading = reading
        self._xml = xml
        self._body = body
        self._clock = clock
        self._conf = conf
        self._me = me
        self._failure = failure
        self.registered = -1
        self.pin_read = False
        self._listed = False  # an entry is ours, be it one that is not enabled
        self.href = self.rg = self.fsa = self.der = self.log = self.cp = None
        self.post_rate = self._pin_rate = -1

    async def find(self, href):
        """Read the EndDeviceList, and register where that is wanted. Returns its pollRate."""
        rate = await self._look(href)
        if not self._listed and self._conf.register and await self._register(href):
            rate = await self._look(href)
        was, self.registered = self.registered, int(self.href is not None)
        if self.registered != was:
            if self.registered:
                log.info("REGISTERED", "href", self.href)
            else:
                self.pin_read = False
                log.error("NOT_REGISTERED", "lfdi", self._me.lfdi, "sfdi", self._me.sfdi)
        if self.registered and self.rg is None:
            self.pin_read = True  # nothing to compare (B5)
        return rate

    async def _look(self, href):
        self._begin()
        devices = EndDeviceList(self._xml)
        await self._reading.pages(href, devices, self._take, self._begin)
        return devices.poll_rate

    def _begin(self):
        self.href = None
        self._listed = False

    def _take(self, reader):
        me = self._me
        mine = reader.lfdi == me.lfdi if reader.lfdi else reader.sfdi == me.sfdi
        self._listed = self._listed or mine
        if mine and reader.enabled != 0:
            self.href = reader.href
            self.rg = reader.registration_href
            self.fsa = reader.fsa_href
            self.der = reader.der_href
            self.log = reader.log_href
            self.cp = reader.cp_href
            self.post_rate = reader.post_rate

    async def _register(self, href):
        # True when the list is worth another look: it was taken, or was there already (409).
        body = self._body.one(fields.END_DEVICE, {
            fields.CATEGORY: self._me.category, fields.LFDI: self._me.lfdi,
            fields.SFDI: self._me.sfdi, fields.AT: self._clock.now()})
        try:
            await self._session.send("POST", self._reading.url(href), body)
        except self._failure as exc:
            if exc.kind <= _BUSY:
                raise
            if exc.reason != "HTTP_409":
                log.error("REGISTRATION_REFUSED", "why", exc.reason)
                return False
        log.info("REGISTRATION_SENT", "lfdi", self._me.lfdi)
        return True

    async def check_pin(self, href):
        """Compare the PIN of the Registration; False when it is a wrong one (B5)."""
        registration = Registration(self._xml)
        await self._session.read(self._reading.url(href), registration, None)
        self._pin_rate = registration.poll_rate
        if self._conf.pin >= 0 and registration.pin != self._conf.pin:
            self.pin_read = False
            return False
        if not self.pin_read:
            self.pin_read = True
            log.info("PIN", "checked", "yes" if self._conf.pin >= 0 else "none is set")
        return True

    def pin_rate(self):
        """pollRate of the Registration."""
        return self._pin_rate

    async def name_point(self, href):
        """PUT our NMI unless the ConnectionPoint has it already (requirements B6)."""
        url, nmi = self._reading.url(href), self._conf.nmi
        try:
            point = ConnectionPoint(self._xml)
            await self._session.read(url, point, None)
            if point.cp_id == nmi.encode():
                return
        except self._failure as exc:
            if exc.kind <= _BUSY:
                raise  # else it has none yet
        try:
            body = self._body.one(fields.CONNECTION_POINT, {fields.CP_ID: nmi})
            await self._session.send("PUT", url, body)
        except self._failure as exc:
            if exc.kind <= _BUSY:
                raise
            log.error("NMI_REFUSED", "nmi", nmi, "why", exc.reason)
            return
        log.info("NMI_SENT", "nmi", nmi)
