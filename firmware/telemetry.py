"""Readings of the site and of the DER: averaged, posted, kept while they cannot be.

Enters: samples in the 200 ms path, the MirrorUsagePointList.  Leaves: one MirrorMeterReadingList
for each usage point and period (handbook 7.8; requirements G).

    telemetry = Telemetry(loop, session, reading, xml, body, clock, conf, own, me, profile, store,
                          Point, Backlog)
    telemetry.metered(meter), telemetry.generated(fleet)         # allocate nothing
    if telemetry.is_due(now): await telemetry.send(failure)

A usage point is posted once after boot even where the list has it, and again when the server lost
it.  What could not be sent goes to flash (backlog.py) and is sent later in order, the current
interval first.  A point that fails waits by itself, longer each time until a reading is delivered,
and the other goes before it.  What the board's own clock dated, before the server's was known, is
questionable.
The period is kept on flash, so that a board that starts without a server goes on with it; it is
written once an hour at most, however often it changes; so are the DER's channels, for a boot at
which some of it is silent.  Limit: two usage points; channels are fixed when they are first known.
"""

import log
from der.record import ABSENT
from micropython import const
from sep2 import MirrorUsagePointList, mup_mrid

_PERIOD_S = const(300)
_PERIOD_FILE = "period"
_SHAPE_FILE = "channels"
_ROWS = const(6)  # of a point's ring
_BATCH = const(4)  # intervals in one request while the backlog is sent
_PAUSE_MS = const(500)
_RETRY_MAX_S = const(60)
_FRESH_MS = const(1000)
_KEEP_MS = const(5000)
_STUCK_MS = const(10000)
_PERIOD_KEEP_MS = const(3600000)  # between two writes of the period: what the flash may wear
_SERVER = const(2)  # of clock.source
_PATIENCE = const(2)  # tries before a usage point counts as lost

_BATTERY = const(1)

# Kinds of SessionError (session.py), and what else it says.
_BUSY = const(2)
_GONE = const(3)
_REFUSED = const(4)
_NOT_KNOWN = const(501)  # as a server may answer to a list of readings

# How a point's readings go out.
_LIST = const(0)
_SINGLES = const(1)


class Telemetry:
    """See the module's text. `body` is session.Body, `own` own.Own.

    For mirror.py: `site`, `der`: the usage points, None until they are made; `shape`: what an
    earlier boot kept of the DER's; `waits`; `ten`; `period_s`; `point_class`, `backlog_class`.
    """

    def __init__(self, loop, session, reading, xml, body, clock, conf, own, me, profile, store,
                 point_class, backlog_class):
        self._loop = loop
        self._session = session
        self._reading = reading
        self._xml = xml
        self._body = body
        self._clock = clock
        self._pen = conf.pen
        self._own = own
        self._me = me
        self._profile = profile
        self.store = store
        self.point_class = point_class
        self.backlog_class = backlog_class
        self.ten = 0
        most = max(conf.site_exp_w, conf.site_imp_w) * 3 // 2
        while most > 32767:
            most //= 10
            self.ten += 1
        self.site = self.der = self._href = None
        period_s = (self._kept(_PERIOD_FILE) + [0])[0]
        if not 60 <= period_s <= 3600 or period_s % 60:
            period_s = _PERIOD_S
        self._kept_s = self.period_s = period_s
        self.shape, self.waits = self._kept(_SHAPE_FILE), 0  # calls of fit() without a DER
        self._unkept_ms = 0  # until it may be written again
        self._rated = False  # a usage point of ours was listed: its rate stands while it is lost
        self.relist = False
        self._parts = None
        self._posting = None  # the point whose rows are on their way
        self._stuck_ms = 0
        self._due = loop.now()  # the pace of all; each point has a wait of its own too
        self.posted = self.dropped = 0  # intervals; single readings that were refused

    def __iter__(self):
        return self._parts()

    # -- the 200 ms path (allocates nothing but once) ---------------------------

    def metered(self, meter):
        """The meter gave a frame."""
        point = self.site
        if point is None:
            return
        v = point.values
        if point.phases == 1:
            v[0], v[1], v[2] = meter.w, meter.var, meter.dv_a
        else:
            v[0], v[1], v[2] = meter.w_a, meter.w_b, meter.w_c
            v[3], v[4], v[5] = meter.var_a, meter.var_b, meter.var_c
            v[6], v[7], v[8] = meter.dv_a, meter.dv_b, meter.dv_c
        point.sample(self._clock.best(), self._clock.source == _SERVER)

    def generated(self, fleet):
        """One of them gave a frame: the sum of all generators and batteries."""
        point = self.der
        if point is None:
            return
        v, now = point.values, self._loop.now()
        n, awake = point.phases, False
        for i in range(2 * n):
            v[i] = 0
        for device in fleet:
            if device.kind <= _BATTERY:
                seen = device.age_ms(now) < _FRESH_MS
                if seen and device.w == ABSENT and device.p_w == 0:
                    continue  # asleep: it makes nothing and measures nothing
                awake = seen
                if not seen:
                    break  # the sum is unknown
                point.add(device.driver)
        for i in range(2 * n):
            if not awake:
                v[i] = ABSENT
        if len(v) > 2 * n:
            v[2 * n] = _stored_wh(fleet)
        point.sample(self._clock.best(), self._clock.source == _SERVER)

    # -- what is fitted -----------------------------------------------------------

    def fit(self, meter, fleet, meter_ms):
        """Make the usage points of what has said a power by now. Allocates, once each.

        Called about each second; meter_ms: the period that the meter's samples keep.
        """
        known = [d for d in fleet if d.kind <= _BATTERY]
        if (known and self.der is None) or (
                self.site is None and meter is not None and meter.w != ABSENT):
            from mirror import fit
            fit(self, meter, known, self._loop.now())
        for point in self._points():
            awake = [d.read_op.real_ms for d in known if d.answers()] + [point.window.sample_ms]
            point.drift(meter_ms if point is self.site else awake[0])

    def _points(self):
        return [p for p in (self.site, self.der) if p is not None]

    def stepped(self, by_s):
        """The server's clock stepped: open intervals are given up (C5)."""
        for point in self._points():
            point.window.stepped(by_s)

    def step(self, now):
        """Each second: close the intervals whose time is over. Does not allocate."""
        s, sure = self._clock.best(), self._clock.source == _SERVER
        if self._loop.diff(now, self._due) > 0:
            self._due = now  # no wait grows older than the ticks can tell
        for i in range(2):
            point = self.der if i else self.site
            if point is not None:
                point.close(point.window.tick(s), sure)
                if self._loop.diff(now, point.due) > 0:
                    point.due = now

    async def run(self):
        """Bring to flash what has waited too long, for the power may go; say what was lost."""
        while True:
            await self._loop.sleep_ms(_KEEP_MS)
            self._keep_period()
            for point in self._points():
                lost = point.ring.dropped, point.backlog.dropped, point.backlog.torn
                if lost != point.gone:
                    point.gone = lost
                    log.warn("READINGS_LOST", "role", point.role, "ram", lost[0], "flash", lost[1],
                             "torn", lost[2])
            waiting = [p for p in self._points() if p.ring.n and p is not self._posting]
            self._stuck_ms = self._stuck_ms + _KEEP_MS if waiting else 0
            if self._stuck_ms >= _STUCK_MS:
                for point in waiting:
                    ring = point.ring
                    n = ring.batch(_ROWS)
                    kept = True
                    for k in range(ring.at, ring.at + n):
                        kept = kept and point.backlog.append(ring.rows, k * ring.stride)
                    if kept:
                        ring.done()
                    else:  # the flash refuses: what is twice there does no harm
                        ring.keep()

    # -- the usage points on the server -----------------------------------------

    async def read_list(self, href):
        """Read the MirrorUsagePointList; what it lacks of ours is owed. Returns its pollRate."""
        self._href = href
        listed = [p for p in self._points() if p.listed]
        self._begin()
        points = MirrorUsagePointList(self._xml)
        await self._reading.pages(href, points, self._take, self._begin)
        for point in self._points():
            if point.href is not None and not point.listed:
                log.warn("USAGE_POINT_LOST", "role", point.role)
                point.href = None
                point.owed = True
                point.lost = point not in listed
        if self._post_rate >= 0 or not self._rated:
            self._rated = self._post_rate >= 0
            self._set_period(self._post_rate)
        return points.poll_rate

    def _begin(self):
        self._post_rate = -1  # none of ours is listed; 0: none says its rate
        for point in self._points():
            point.listed = False

    def _take(self, reader):
        for point in self._points():
            if reader.mrid == mup_mrid(self._me.lfdi, point.role, self._pen):
                point.href = reader.href
                point.listed = True
                point.lost = False
                self._post_rate = reader.post_rate if reader.post_rate > 0 else max(
                    self._post_rate, 0)

    def _set_period(self, rate_s):
        # Of the usage point, else of our EndDevice, else the handbook's (G6).
        if rate_s <= 0:
            rate_s = self._own.post_rate if self._own.post_rate > 0 else _PERIOD_S
        period_s = max(60, min(3600, -(-rate_s // 60) * 60))
        if period_s != self.period_s:
            self.period_s = period_s
            log.info("POST_RATE", "period_s", period_s)
            for point in self._points():
                point.window.set_period(period_s)

    def _keep_period(self):
        self._unkept_ms = max(0, self._unkept_ms - _KEEP_MS)
        if self.period_s != self._kept_s and not self._unkept_ms:
            self._kept_s, self._unkept_ms = self.period_s, _PERIOD_KEEP_MS
            self.keep(_PERIOD_FILE, str(self.period_s))

    def keep(self, name, text):
        """Write a short file of ours; a flash that refuses is said. Allocates."""
        try:
            self.store.write(name, text)
        except OSError as exc:
            log.error("FLASH_FAILED", "error", repr(exc))

    def _kept(self, name):
        try:
            return [int(n) for n in (self.store.read(name, 48) or b"").split()]
        except (OSError, ValueError):
            return []

    # -- sending --------------------------------------------------------------------

    def is_due(self, now):
        """True when a usage point or readings are to be sent."""
        if self._href is None or self._loop.diff(now, self._due) < 0:
            return False
        return self._next(now) is not None

    def _next(self, now):
        # A point that has something to send: usage points, then what is current, then the backlog;
        # one that fails after all that the other has.
        best = least = None
        for point in self._points():
            if self._loop.diff(now, point.due) < 0:
                continue
            rank = 0 if point.owed else 3 if point.href is None else (
                1 if point.ring.n else 2 if point.backlog.waiting else 3)
            if rank < 3 and (best is None or rank + 3 * point.fails < least):
                best, least = point, rank + 3 * point.fails
        return best

    async def send(self, failure):
        """Send one request; `failure` is the session's exception class."""
        point, wait_s, both = self._next(self._loop.now()), 0, False
        try:
            if point.owed:
                await self._create(point)
                return
            if await self._post(point, failure):
                point.fails = 0
                return
        except failure as exc:
            log.warn("READINGS_FAILED", "role", point.role, "why", exc.reason)
            wait_s = exc.wait_s
            both = exc.status == 0 or exc.kind == _BUSY or wait_s > 0  # the server itself
        point.fails += 1
        wait_s = max(min(2 << min(point.fails - 1, 5), _RETRY_MAX_S), wait_s)
        point.due = self._loop.after(wait_s * 1000)
        if both:
            self._due = point.due

    async def _create(self, point):
        from mirror import types_of
        self._parts = lambda: types_of(point, self._me, self._pen, self.period_s, self._profile)
        url = self._reading.url(self._href)
        try:
            await self._session.send("POST", url, self._body.many(self))
        finally:
            self._parts = None
        point.owed = False
        if self._session.location:
            point.href = self._session.location
        # A server that does not list it although it took it is asked at the list's own rate.
        self.relist = not point.lost and not any([p.owed for p in self._points() if not p.fails])
        log.info("USAGE_POINT", "role", point.role, "href", point.href)

    async def _post(self, point, failure):
        # False when each of several readings was refused.
        ring = point.ring
        from_flash = ring.n == 0
        most = _BATCH if point.form == _LIST else 1  # a request for each reading: few at once
        if from_flash and not point.backlog.load(ring, most):
            point.due = self._loop.after(_KEEP_MS)  # none was sound, or the flash does not answer
            return True
        n = ring.batch(most)
        point.rows = ring.rows[ring.at * ring.stride:(ring.at + n) * ring.stride]
        self._parts = lambda: point.readings_of(self._me, self._pen, self._profile)
        self._posting = point
        try:
            refused = await self._deliver(point, failure)
        except failure as exc:
            self._undelivered(point, from_flash, n,
                              _REFUSED if exc.status == _NOT_KNOWN else exc.kind)
            raise
        finally:
            self._posting = None
        ring.done()
        if from_flash:
            point.backlog.done()
        point.repaired = False
        if refused:
            log.error("READINGS_DROPPED", "role", point.role, "from", point.rows[0], "readings",
                      refused)
            self.dropped += refused
            point.form = _LIST  # it may not have been the list that was refused
            if refused == point.count():
                return False
        self.posted += n
        log.info("READINGS", "role", point.role, "from", point.rows[0], "intervals", n)
        if ring.n or point.backlog.waiting:
            self._due = self._loop.after(_PAUSE_MS)
        return True

    async def _deliver(self, point, failure):
        # Returns how many readings were refused, one by one, by a server that knows their types.
        url, refused = self._reading.url(point.href), 0
        if point.form == _LIST:
            if point.count():
                await self._session.send("POST", url, self._body.many(self))
            return 0
        for n in range(point.count()):
            point.single = n
            try:
                await self._session.send("POST", url, self._body.many(self))
            except failure as exc:
                if exc.kind != _REFUSED or not point.repaired:
                    raise
                refused += 1
        return refused

    def _undelivered(self, point, from_flash, n, kind):
        # To flash at once, so that a power cut does not take it; then what mends the refusal (G9).
        ring, kept = point.ring, True
        if not from_flash:
            for k in range(n):
                kept = point.backlog.append(point.rows, k * ring.stride) and kept
        if kept:
            ring.done()
        else:
            ring.keep()
        if kind == _GONE:  # a new one may be hidden for seconds
            if point.fails % (_PATIENCE + 1) == _PATIENCE:
                point.href, point.owed = None, True
        elif kind == _REFUSED and not point.repaired:
            point.owed = point.repaired = True
        elif kind == _REFUSED:
            point.form = _SINGLES


def _stored_wh(fleet):
    # Of all batteries, ABSENT when one does not say, or was never found.
    total = 0
    for device in fleet:
        if device.store is not None or (device.kind == _BATTERY and device.driver is None):
            if device.wh == ABSENT or not device.answers():
                return ABSENT
            total += device.wh
    return total
