"""The walk through the server's resources: each read at its own rate, on one connection.

Enters: the session, one reader for each resource.  Leaves: the clock set, our EndDevice found, its
programs in the table, their controls and defaults in the schedule (reading.py), answers sent.

    discovery = Discovery(loop, board.entropy, clock, session, readers, reading, answers, conf, me)
    loop.supervise("discovery", discovery.run)

    dcap -> tm
         -> edev -> rg (PIN)
                 -> fsa -> derp of each FSA -> controls and default of each program

Nothing is known about hrefs but what was read (requirements A1).  What is gone is read anew from
its parent; what cannot be reached now is tried again, and all that is known stays (handbook 7.7).
A wrong PIN ends all talk (B5).  Limit: requests never overlap.
"""

import log
from micropython import const
from sep2 import sfdi

_IDLE_MS = const(1000)
_SILENCE_MS = const(3600000)  # after a wrong PIN: one look an hour
_GATE_MS = const(60000)  # the inverter's first limit is waited for so long

# Defaults of handbook table 2 (requirements B0).
_RATE_S = const(300)

# Kinds of SessionError (session.py).
_GONE = const(3)


class Readers:
    """One reader of `sep2` for each resource; made by app, all over one xmlpull reader."""

    def __init__(self, dcap, tm, edev, rg, fsa):
        self.dcap = dcap
        self.tm = tm
        self.edev = edev
        self.rg = rg
        self.fsa = fsa


class Me:
    """Who we are on the wire: LFDI (40 upper-case digits) and SFDI (decimal digits), as bytes."""

    def __init__(self, lfdi):
        self.lfdi = lfdi
        self.sfdi = str(sfdi(lfdi)).encode()


class Discovery:
    """See the module's text. `poll_class` is polls.Poll, `failure` session.SessionError."""

    def __init__(self, loop, entropy, clock, session, readers, reading, answers, conf, me,
                 poll_class, failure, gate):
        self._loop = loop
        self._entropy = entropy
        self._clock = clock
        self._session = session
        self._readers = readers
        self._reading = reading
        self._answers = answers
        self._conf = conf
        self._me = me
        self._failure = failure
        self._gate = gate  # raised once the first limit stands in the inverter
        self._was_ours = -1
        self.registered = False
        self._pin_read = False
        self._own = {}
        dcap = poll_class("dcap", _RATE_S)
        dcap.want(conf.server, loop.now())
        self._tm = poll_class("tm", _RATE_S, dcap)
        self._edev = poll_class("edev", _RATE_S, dcap)
        self._rg = poll_class("rg", _RATE_S, self._edev)
        self._fsa = poll_class("fsa", _RATE_S, self._edev)
        self._derp = [poll_class("derp", _RATE_S, self._fsa) for _ in range(reading.fsas)]
        # In the order of the walk: of those that are due, the first goes first.
        self._polls = [dcap, self._tm, self._edev, self._rg, self._fsa] + self._derp

    def random16(self):
        """0 .. 65535 from the board's entropy. Allocates."""
        two = self._entropy(2)
        return two[0] << 8 | two[1]

    async def run(self):
        """Poll and answer for ever."""
        if self._gate is not None:  # at boot only
            try:
                await self._loop.wait(self._gate, self._loop.after(_GATE_MS))
            except OSError:
                log.warn("NO_LIMIT_WRITTEN", "after_s", _GATE_MS // 1000)
            self._gate = None
        while True:
            now = self._loop.now()
            if self._answers.is_due(now):
                await self._answers.send(self._failure)
            poll = self._next(now)
            if poll is None:
                if not self._answers.is_due(self._loop.now()):
                    await self._loop.sleep_ms(_IDLE_MS)
                continue
            if not await self._read(poll):
                await self._silent(poll)

    def _next(self, now):
        for poll in self._polls:
            if poll.is_due(self._loop, now):
                return poll
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
        self._reading.settle(self._fsa.was_read and self.registered, self._derp)
        return good

    def _failed(self, poll, exc):
        log.warn("READ_FAILED", "what", poll.name, "why", exc.reason)
        poll.failed(self._loop, exc.wait_s, self.random16())
        if exc.kind == _GONE and poll.parent is not None:
            if self._loop.diff(poll.parent.due, poll.due) > 0:
                poll.parent.due = poll.due  # in its turn: the link may be as dead as before
            poll.want(None, self._loop.now())
            if poll is self._edev:
                self.registered = False

    async def _dispatch(self, poll):
        if poll is self._tm:
            await self._read_time()
        elif poll is self._edev:
            await self._read_devices()
        elif poll is self._rg:
            return await self._read_pin()
        elif poll is self._fsa:
            await self._read_fsas()
        elif poll.name == "dcap":
            await self._read_dcap(poll)
        else:
            rate = await self._reading.cycle(self._derp.index(poll), poll.href, self.random16)
            poll.set_rate(self._loop, rate)
        return True

    async def _read_dcap(self, poll):
        reader = self._readers.dcap
        await self._session.read(self._reading.url(poll.href), reader, None)
        poll.set_rate(self._loop, reader.poll_rate)
        now = self._loop.now()
        self._tm.want(reader.time_href, now)
        self._edev.want(reader.edev_href, now)
        if reader.edev_href is None:
            log.warn("NO_END_DEVICE_LIST")

    async def _read_time(self):
        reader = self._readers.tm
        middle = await self._session.read(self._reading.url(self._tm.href), reader, None)
        first = self._clock.now() < 0
        step = self._clock.set_server(reader.current, middle)
        self._tm.set_rate(self._loop, reader.poll_rate)
        if first or step:
            log.info("TIME", "quality", reader.quality, "step_s", step)

    # -- our own EndDevice ----------------------------------------------------

    async def _read_devices(self):
        self._own.clear()
        reader = self._readers.edev
        await self._reading.pages(self._edev.href, reader, self._take_device, self._own.clear)
        self._edev.set_rate(self._loop, reader.poll_rate)
        own, now = self._own, self._loop.now()
        self.registered = bool(own)
        if self.registered != self._was_ours:
            self._was_ours = self.registered
            if self.registered:
                log.info("REGISTERED", "href", own["href"])
            else:
                log.error("NOT_REGISTERED", "lfdi", self._me.lfdi, "sfdi", self._me.sfdi)
        if not own:
            return
        self._rg.want(own["rg"], now)
        self._fsa.want(own["fsa"], now)
        if own["rg"] is None:
            self._pin_read = True  # nothing to compare (B5)

    def _take_device(self, reader):
        mine = reader.lfdi == self._me.lfdi if reader.lfdi else reader.sfdi == self._me.sfdi
        if mine and reader.enabled != 0:
            self._own["href"] = reader.href
            self._own["rg"] = reader.registration_href
            self._own["fsa"] = reader.fsa_href

    async def _read_pin(self):
        reader = self._readers.rg
        await self._session.read(self._reading.url(self._rg.href), reader, None)
        self._rg.set_rate(self._loop, reader.poll_rate)
        if self._conf.pin >= 0 and reader.pin != self._conf.pin:
            return False
        if not self._pin_read:
            self._pin_read = True
            log.info("PIN", "checked", "yes" if self._conf.pin >= 0 else "none is set")
        return True

    async def _silent(self, poll):
        # Fail-closed: no talk, no controls, limits at the floor (requirements B5).
        log.error("PIN_WRONG")
        self._reading.forget()
        self._session.drop()
        self._pin_read = False
        self._fsa.want(None, self._loop.now())
        for derp in self._derp:
            derp.want(None, self._loop.now())
        rest = self._loop.after(_SILENCE_MS)
        while self._loop.left(rest) > 0:
            await self._loop.sleep_until(rest)
        poll.due = self._loop.now()

    # -- what it is assigned to -----------------------------------------------

    async def _read_fsas(self):
        if not self._pin_read:
            raise self._failure(1, "the PIN was not read yet")
        reader = self._readers.fsa
        self._reading.begin_fsas()
        await self._reading.pages(self._fsa.href, reader, self._reading.take_fsa,
                                  self._reading.begin_fsas)
        self._fsa.set_rate(self._loop, reader.poll_rate)
        self._reading.end_fsas()
        for i in range(self._reading.fsas):
            self._derp[i].want(self._reading.derp_href(i), self._loop.now())
