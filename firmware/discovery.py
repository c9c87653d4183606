"""The walk through the server's resources: each read at its own rate, on one connection.

Enters: the session, the parts that read one kind of resource each.  Leaves: the clock set, our
EndDevice found, what we are told to it, programs, controls and defaults in the schedule, answers
and readings sent.

    discovery = Discovery(loop, board.entropy, clock, session, xml, parts, conf, profile, Polls,
                          failure, gate, spread_s)
    loop.supervise("discovery", discovery.run)

    versions -> dcap -> tm
                     -> edev (or registered) -> rg (PIN) -> cp, der, fsa
                                             -> fsa -> derp of each FSA -> controls and defaults
                     -> mup

Nothing is known about hrefs but what was read (requirements A1).  What is gone is read anew from
its parent; what cannot be reached now is tried again, and all that is known stays (handbook 7.7).
A wrong PIN ends all talk (B5).  Limit: requests never overlap.
"""

import log
from micropython import const
from sep2 import DeviceCapability, FunctionSetAssignmentsList, Sep2Error, Time

_IDLE_MS = const(1000)
_SILENCE_MS = const(3600000)  # after a wrong PIN: one look an hour
_GATE_MS = const(60000)  # the inverter's first limit is waited for so long

# Defaults of handbook table 2 (requirements B0).
_RATE_S = const(300)
_DAY_S = const(86400)

_WELL_KNOWN = "/.well-known/csipaus"

# Kinds of SessionError (session.py).
_GONE = const(3)
_UNREADABLE = const(5)

# What is polled, in the order of the walk: of those that are due, the first goes first.  Behind
# _DERP, the list of the first assignment, come those of the others and, last of all, "mup".
_VERSIONS = const(0)
_DCAP = const(1)
_TM = const(2)
_EDEV = const(3)
_RG = const(4)
_CP = const(5)  # from here on for a device whose PIN was compared
_DER = const(6)
_FSA = const(7)
_DERP = const(8)
_NAMES = ("versions", "dcap", "tm", "edev", "rg", "cp", "der", "fsa", "derp")
_PARENTS = b"\x00\x00\x01\x01\x03\x03\x03\x03\x07"  # 0: none, or "versions"


class Parts:
    """What the walk reads with and sends through; made by app."""

    def __init__(self, reading, own, resources, telemetry, answers, site):
        self.reading = reading
        self.own = own
        self.resources = resources
        self.telemetry = telemetry
        self.answers = answers
        self.site = site  # control.Control: `dark` while the connection point has no voltage


class Discovery:
    """See the module's text. `polls_class` is polls.Polls, `failure` session.SessionError.

    `gate` is raised once the first limit stands in the inverter.  `spread_s`: after a power cut
    the first contact comes at random within it, for all boards of a street come back together.
    The setting of that name holds for boards that their own batteries kept up.
    """

    def __init__(self, loop, entropy, clock, session, xml, parts, conf, profile, polls_class,
                 failure, gate, spread_s):
        self._loop = loop
        self._entropy = entropy
        self._clock = clock
        self._session = session
        self._parts = parts
        self._conf = conf
        self._profile = profile
        self._failure = failure
        self._gate = gate
        self._spread_s = spread_s
        self._xml = xml
        self._dark = False
        path = conf.server.find("/", 8)  # after https://
        self._learnt = profile.well_known and (path < 0 or path == len(conf.server) - 1)
        self._mup = _DERP + parts.reading.fsas
        rates_s = [_RATE_S] * (self._mup + 1)
        rates_s[_VERSIONS] = rates_s[_CP] = _DAY_S
        self._polls = polls = polls_class(loop, tuple(rates_s))
        if self._learnt:
            polls.want(_VERSIONS, _WELL_KNOWN)
        else:
            polls.want(_DCAP, conf.server)

    def random16(self):
        """0 .. 65535 from the board's entropy. Allocates."""
        two = self._entropy(2)
        return two[0] << 8 | two[1]

    async def run(self):
        """Poll and answer for ever."""
        loop, parts = self._loop, self._parts
        if self._gate is not None:  # at boot only
            try:
                await loop.wait(self._gate, loop.after(_GATE_MS))
            except OSError:
                log.warn("NO_LIMIT_WRITTEN", "after_s", _GATE_MS // 1000)
            self._gate = None
            await self._spread()
        while True:
            now = loop.now()
            if parts.site.dark != self._dark:
                self._power()
            sent = await self._send(now)
            i = self._next(now)
            if i >= 0:
                if not await self._read(i):
                    await self._silent(i)
            elif not sent:
                await loop.sleep_ms(_IDLE_MS)

    async def _send(self, now):
        # One of what is owed, the most urgent first; False when nothing is.
        parts = self._parts
        if parts.telemetry.relist:  # a usage point was made: its list is read anew (G10)
            parts.telemetry.relist = False
            self._polls.due[self._mup] = now
        if parts.answers.is_due(now):
            await parts.answers.send(self._failure)
        elif parts.own.pin_read and parts.resources.is_due(now):
            await parts.resources.send(self._failure)
        elif parts.own.pin_read and parts.telemetry.is_due(now):
            await parts.telemetry.send(self._failure)
        else:
            return False
        return True

    async def _spread(self):
        first = _VERSIONS if self._learnt else _DCAP
        rest_ms = self._polls.put_off(first, self._spread_s, self.random16())
        if rest_ms:
            log.info("SPREAD", "first_contact_in_s", rest_ms // 1000)
            await self._loop.sleep_ms(rest_ms)

    def _next(self, now):
        # While the connection point is dark its programs are not read: the default rules.
        n = self._mup + 1 if self._parts.own.pin_read else _CP
        for i in range(n):
            if self._polls.is_due(i, now) and not (self._dark and _FSA <= i < self._mup):
                return i
        return -1

    def _what(self, i):
        return "mup" if i == self._mup else _NAMES[min(i, _DERP)]

    async def _read(self, i):
        # False when the server holds a wrong PIN for us.
        polls, begun = self._polls, self._loop.now()
        log.info("POLL", "what", self._what(i))
        try:
            good = await self._dispatch(i, polls.href[i])
        except self._failure as exc:
            self._failed(i, exc)
            return True
        polls.succeeded(i, begun, self.random16())
        own = self._parts.own
        # Where no assignment leads to a program, those of our DER count, so they must be known.
        known = (polls.href[_DERP] is not None or polls.href[_DER] is None
                 or polls.was_read[_DER])
        found = polls.was_read[_FSA] and own.registered == 1 and known and not self._dark
        self._parts.reading.settle(found, polls, _DERP)
        return good

    def _failed(self, i, exc):
        log.warn("READ_FAILED", "what", self._what(i), "why", exc.reason)
        polls = self._polls
        polls.failed(i, exc.wait_s, self.random16())
        if i <= _DCAP and not (self._learnt and i):
            return  # it has no parent
        if exc.kind == _GONE:
            parent = _DCAP if i == self._mup else _PARENTS[min(i, _DERP)]
            if self._loop.diff(polls.due[parent], polls.due[i]) > 0:
                polls.due[parent] = polls.due[i]  # in its turn: the link may be as dead as before
            polls.want(i, None)
            if i == _EDEV:
                self._parts.own.registered = 0

    async def _dispatch(self, i, href):
        parts, rate = self._parts, -1
        if i == _TM:
            rate = await self._read_time(href)
        elif i == _EDEV:
            rate = await self._read_devices(href)
        elif i == _RG:
            if not await parts.own.check_pin(href):
                return False
            rate = parts.own.pin_rate()
        elif i == _CP:
            await parts.own.name_point(href)
        elif i == _DER:
            rate = await parts.resources.read_list(href)
        elif i == _FSA:
            rate = await self._read_fsas(href)
        elif i == self._mup:
            rate = await parts.telemetry.read_list(href)
        elif i == _DCAP:
            rate = await self._read_dcap(href)
        elif i == _VERSIONS:
            await self._read_versions()
        else:
            rate = await parts.reading.cycle(i - _DERP, href, self.random16)
        self._polls.set_rate(i, rate)
        return True

    async def _read_versions(self):
        # CSIP-AUS v1.3: where the DeviceCapability of our version stands (SDVN-01).
        data = await self._session.text(self._parts.reading.url(_WELL_KNOWN))
        from versions import path_in
        try:
            path = path_in(data, self._profile.csipaus_ns)
        except Sep2Error as exc:
            log.error("NO_COMMON_VERSION", "why", str(exc))
            raise self._failure(_UNREADABLE, str(exc))
        self._polls.want(_DCAP, path)

    async def _read_dcap(self, href):
        reader, polls = DeviceCapability(self._xml), self._polls
        await self._session.read(self._parts.reading.url(href), reader, None)
        polls.want(_TM, reader.time_href)
        polls.want(_EDEV, reader.edev_href)
        polls.want(self._mup, reader.mup_href)
        if reader.edev_href is None:
            log.warn("NO_END_DEVICE_LIST")
        return reader.poll_rate

    async def _read_time(self, href):
        reader = Time(self._xml)
        middle = await self._session.read(self._parts.reading.url(href), reader, None)
        before, first = self._clock.best(), self._clock.now() < 0
        step = self._clock.set_server(reader.current, middle)
        if first or step:
            log.info("TIME", "quality", reader.quality, "step_s", step)
        if before >= 0:  # the board's own clock may have dated readings until now
            self._parts.telemetry.stepped(self._clock.best() - before)
        return reader.poll_rate

    async def _read_devices(self, href):
        own, polls = self._parts.own, self._polls
        rate = await own.find(href)
        if own.registered == 1:
            polls.want(_RG, own.rg)
            polls.want(_CP, own.cp if self._conf.nmi else None)
            polls.want(_DER, own.der)
            polls.want(_FSA, own.fsa)
        else:  # nothing of it is ours to read or to write; what is known runs out (B3)
            for i in range(_RG, self._mup):
                polls.want(i, None)
        return rate

    async def _read_fsas(self, href):
        reader, reading = FunctionSetAssignmentsList(self._xml), self._parts.reading
        reading.begin_fsas()
        await reading.pages(href, reader, reading.take_fsa, reading.begin_fsas)
        reading.end_fsas()
        none = True
        for i in range(reading.fsas):
            none = none and reading.derp_href(i) is None
        for i in range(reading.fsas):
            href = reading.derp_href(i)
            if none and i == 0:  # no assignment leads to a program: those of our DER, if any
                href = self._parts.resources.programs_href()
            self._polls.want(_DERP + i, href)
        return reader.poll_rate

    async def _silent(self, i):
        # Fail-closed: no talk, no controls, limits at the floor (requirements B5).
        log.error("PIN_WRONG")
        self._session.drop()
        self._forget()
        rest = self._loop.after(_SILENCE_MS)
        while self._loop.left(rest) > 0:
            await self._loop.sleep_until(rest)
        self._polls.due[i] = self._loop.now()

    def _power(self):
        # The connection point lost its voltage, or has it again: every control is forgotten, the
        # default rules, and all programs are read again (7.7.2), by each board in its turn.
        self._dark = self._parts.site.dark
        if self._dark:
            log.warn("POWER_LOST")
            spread_s = 0
        else:
            log.info("POWER_BACK")
            spread_s = self._conf.spread_s
        self._forget()
        rest_ms = self._polls.put_off(_FSA, spread_s, self.random16())
        if rest_ms:
            log.info("SPREAD", "first_contact_in_s", rest_ms // 1000)

    def _forget(self):
        self._parts.reading.forget()
        polls = self._polls
        href = polls.href[_FSA]
        for i in range(_FSA, self._mup):
            polls.want(i, None)
        if self._parts.own.pin_read:
            polls.want(_FSA, href)
