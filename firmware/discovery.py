"""The walk through the server's resources: each read at its own rate, on one connection.

Enters: the session, the parts that read one kind of resource each.  Leaves: the clock set, our
EndDevice found, what we are told to it, programs, controls and defaults in the schedule, answers
and readings sent.

    discovery = Discovery(loop, board.entropy, clock, session, xml, parts, conf, profile, Poll,
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
from sep2 import DeviceCapability, FunctionSetAssignmentsList, Sep2Error, Time, dcap_path

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

# Places in the list of polls.
_BEHIND_PIN = const(5)  # from here on for a device whose PIN was compared
_FSA = const(7)


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
    """See the module's text. `poll_class` is polls.Poll, `failure` session.SessionError.

    `gate` is raised once the first limit stands in the inverter.  `spread_s`: after a power cut
    the first contact comes at random within it, for all boards of a street come back together.
    """

    def __init__(self, loop, entropy, clock, session, xml, parts, conf, profile, poll_class,
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
        now = loop.now()
        path = conf.server.find("/", 8)  # after https://
        learnt = profile.well_known and (path < 0 or path == len(conf.server) - 1)
        versions = poll_class("versions", _DAY_S)
        versions.want(_WELL_KNOWN if learnt else None, now)
        dcap = self._dcap = poll_class("dcap", _RATE_S, versions if learnt else None)
        dcap.want(None if learnt else conf.server, now)
        self._tm = poll_class("tm", _RATE_S, dcap)
        self._edev = edev = poll_class("edev", _RATE_S, dcap)
        self._rg = poll_class("rg", _RATE_S, edev)
        self._cp = poll_class("cp", _DAY_S, edev)
        self._der = poll_class("der", _RATE_S, edev)
        self._fsa = poll_class("fsa", _RATE_S, edev)
        self._derp = [poll_class("derp", _RATE_S, self._fsa) for _ in range(parts.reading.fsas)]
        self._mup = poll_class("mup", _RATE_S, dcap)
        # In the order of the walk: of those that are due, the first goes first.
        self._polls = [versions, dcap, self._tm, edev, self._rg, self._cp, self._der, self._fsa]
        self._polls += self._derp
        self._polls.append(self._mup)

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
            poll = self._next(now)
            if poll is not None:
                if not await self._read(poll):
                    await self._silent(poll)
            elif not sent:
                await loop.sleep_ms(_IDLE_MS)

    async def _send(self, now):
        # One of what is owed, the most urgent first; False when nothing is.
        parts = self._parts
        if parts.telemetry.relist:  # a usage point was made: its list is read anew (G10)
            parts.telemetry.relist = False
            self._mup.due = now
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
        rest_ms = self._spread_s * 1000 * self.random16() >> 16
        if rest_ms:
            log.info("SPREAD", "first_contact_in_s", rest_ms // 1000)
            await self._loop.sleep_ms(rest_ms)

    def _next(self, now):
        # While the connection point is dark its programs are not read: the default rules.
        polls = self._polls
        n = len(polls) if self._parts.own.pin_read else _BEHIND_PIN
        for i in range(n):
            if polls[i].is_due(self._loop, now) and not (self._dark and _FSA <= i < n - 1):
                return polls[i]
        return None

    async def _read(self, poll):
        # False when the server holds a wrong PIN for us.
        begun = self._loop.now()
        log.info("POLL", "what", poll.name)
        try:
            good = await self._dispatch(poll)
        except self._failure as exc:
            self._failed(poll, exc)
            return True
        poll.succeeded(self._loop, begun, self.random16())
        own = self._parts.own
        # Where no assignment leads to a program, those of our DER count, so they must be known.
        known = self._derp[0].href is not None or self._der.href is None or self._der.was_read
        found = self._fsa.was_read and own.registered == 1 and known and not self._dark
        self._parts.reading.settle(found, self._derp)
        return good

    def _failed(self, poll, exc):
        log.warn("READ_FAILED", "what", poll.name, "why", exc.reason)
        poll.failed(self._loop, exc.wait_s, self.random16())
        if exc.kind == _GONE and poll.parent is not None:
            if self._loop.diff(poll.parent.due, poll.due) > 0:
                poll.parent.due = poll.due  # in its turn: the link may be as dead as before
            poll.want(None, self._loop.now())
            if poll is self._edev:
                self._parts.own.registered = 0

    async def _dispatch(self, poll):
        parts, loop = self._parts, self._loop
        rate = -1
        if poll is self._tm:
            rate = await self._read_time()
        elif poll is self._edev:
            rate = await self._read_devices()
        elif poll is self._rg:
            if not await parts.own.check_pin(poll.href):
                return False
            rate = parts.own.pin_rate()
        elif poll is self._cp:
            await parts.own.name_point(poll.href)
        elif poll is self._der:
            rate = await parts.resources.read_list(poll.href)
        elif poll is self._fsa:
            rate = await self._read_fsas()
        elif poll is self._mup:
            rate = await parts.telemetry.read_list(poll.href)
        elif poll is self._dcap:
            rate = await self._read_dcap()
        elif poll is self._polls[0]:
            await self._read_versions()
        else:
            rate = await parts.reading.cycle(self._derp.index(poll), poll.href, self.random16)
        poll.set_rate(loop, rate)
        return True

    async def _read_versions(self):
        # CSIP-AUS v1.3: where the DeviceCapability of our version stands (SDVN-01).
        data = await self._session.text(self._parts.reading.url(_WELL_KNOWN))
        try:
            path = dcap_path(data, self._profile.csipaus_ns)
        except Sep2Error as exc:
            log.error("NO_COMMON_VERSION", "why", str(exc))
            raise self._failure(_UNREADABLE, str(exc))
        self._dcap.want(path, self._loop.now())

    async def _read_dcap(self):
        reader, url = DeviceCapability(self._xml), self._parts.reading.url
        await self._session.read(url(self._dcap.href), reader, None)
        now = self._loop.now()
        self._tm.want(reader.time_href, now)
        self._edev.want(reader.edev_href, now)
        self._mup.want(reader.mup_href, now)
        if reader.edev_href is None:
            log.warn("NO_END_DEVICE_LIST")
        return reader.poll_rate

    async def _read_time(self):
        reader = Time(self._xml)
        middle = await self._session.read(self._parts.reading.url(self._tm.href), reader, None)
        before, first = self._clock.best(), self._clock.now() < 0
        step = self._clock.set_server(reader.current, middle)
        if first or step:
            log.info("TIME", "quality", reader.quality, "step_s", step)
        if before >= 0:  # the board's own clock may have dated readings until now
            self._parts.telemetry.stepped(self._clock.best() - before)
        return reader.poll_rate

    async def _read_devices(self):
        own, now = self._parts.own, self._loop.now()
        rate = await own.find(self._edev.href)
        if own.registered == 1:
            self._rg.want(own.rg, now)
            self._cp.want(own.cp if self._conf.nmi else None, now)
            self._der.want(own.der, now)
            self._fsa.want(own.fsa, now)
        return rate

    async def _read_fsas(self):
        reader, reading = FunctionSetAssignmentsList(self._xml), self._parts.reading
        reading.begin_fsas()
        await reading.pages(self._fsa.href, reader, reading.take_fsa, reading.begin_fsas)
        reading.end_fsas()
        none = True
        for i in range(reading.fsas):
            none = none and reading.derp_href(i) is None
        for i in range(reading.fsas):
            href = reading.derp_href(i)
            if none and i == 0:  # no assignment leads to a program: those of our DER, if any
                href = self._parts.resources.programs_href()
            self._derp[i].want(href, self._loop.now())
        return reader.poll_rate

    async def _silent(self, poll):
        # Fail-closed: no talk, no controls, limits at the floor (requirements B5).
        log.error("PIN_WRONG")
        self._session.drop()
        self._forget()
        rest = self._loop.after(_SILENCE_MS)
        while self._loop.left(rest) > 0:
            await self._loop.sleep_until(rest)
        poll.due = self._loop.now()

    def _power(self):
        # The connection point lost its voltage, or has it again: every control is forgotten, the
        # default rules, and all programs are read again (handbook 7.7.2).
        self._dark = self._parts.site.dark
        if self._dark:
            log.warn("POWER_LOST")
        else:
            log.info("POWER_BACK")
        self._forget()
        self._fsa.due = self._loop.now()

    def _forget(self):
        self._parts.reading.forget()
        now = self._loop.now()
        href = self._fsa.href
        for poll in self._derp:
            poll.want(None, now)
        self._fsa.want(None, now)
        if self._parts.own.pin_read:
            self._fsa.want(href, now)
