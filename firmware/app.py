"""Connects the parts: the only module that knows them all. What hangs on what is read off here.

Enters: a board (boards/*/board.py), its files and settings.  Leaves: a loop on which everything
hangs, ready to run.

    app = App(board, store, conf)
    app.run()                      # until Ctrl-C; then the limit is left at its floor

The order at boot is the promise: settings, the persisted default, the inverter's limit, and only
then the network.  Buffers are made here once, and lent.
"""

import gc
import sys

import log
import urequests
from answers import Answers
from clock import GUESS, NEVER, NONE, TIME, Clock, kept
from control import Control
from der import Envelope, Ramp, Schedule
from der.defaults import Defaults
from devices import Devices
from discovery import Discovery, Parts
from http1 import Reader as Response
from inflate import Inflate
from keep import Keep
from limits import Limits
from link import Link, reason
from loop import Loop
from micropython import const
from modbus import Plan, Tcp
from own import Me, Own
from point import Point
from polls import Polls
from port import Bus, Op
from programs import Programs
from reading import Reading
from resources import Resources
from sep2 import (
    NAMESPACES,
    PROFILES,
    DefaultDERControl,
    DERControlList,
    DERProgramList,
    lfdi,
    write,
)
from session import Body, Session, SessionError
from sitecontrol import BATTERY, LOAD, PV, Site
from spill import Spill
from steered import Steered
from telemetry import Telemetry
from truth import Truth
from xmlpull import Reader, Writer
from xmlpull.attributes import Attributes
from xmlpull.names import Bindings

VERSION = "0.1.0"

_EVALUATE_MS = const(1000)
_PARK_MS = const(3000)
_PARK_MORE_MS = const(25000)
_NETWORK_MS = const(5000)
_HOUR_S = const(3600)
_WARN_DAYS = const(90)  # from then on a certificate's end is worth a warning each day
_BODY_PIECE = const(384)  # bytes of a body that are made at once; an answer is whole


class App:
    """The whole firmware on one loop: `store` is a store.Store, `conf` a config.Config.

    `network`: what makes connections in place of link.Link, made as network(loop, identity), with
    `connect` (a urequests transport) and `open_socket` (a Modbus stream): for virtual time.
    """

    def __init__(self, board, store, conf, network=None):
        self.board = board
        self._store = store
        floor_s, guessed = kept(store)
        self.clock = Clock(board.ticks, NEVER if guessed else floor_s)
        log.setup(self.clock)
        gc.collect()
        log.info("BOOT", "version", VERSION, "board", board.NAME, "free", gc.mem_free())
        self._offline = None
        self._conf = conf
        self.loop = Loop(board.ticks, board.poller(), board.watchdog())
        self._written = self.loop.flag()
        self._network(network or Link, floor_s, guessed)
        self._down()
        self._south()
        self._north()
        self.loop.every(_NETWORK_MS, self)
        # Nobody makes another one of these: how it is done, 6 KB of a bundle, leaves the heap.
        for made in (Answers, App, Attributes, Bindings, Body, Bus, Clock, Control, Defaults,
                     Devices, Discovery, Envelope, Keep, Limits, Loop,
                     Me, Own, Parts, Plan, Programs, Ramp, Reader, Reading, Resources, Response,
                     Schedule, Session, Site, Steered, Tcp, Telemetry, Truth, Writer,
                     urequests.Session):
            _forget_how(made)
        try:
            Limits.restore = Keep.load = None  # likewise: what was kept has been read
        except AttributeError:
            pass  # an image

    def step(self, _now):
        """Keep the board's network up; what it lacks is said, once. Each hour keep the time."""
        try:
            self.board.online()
            self._offline = None
        except OSError as exc:
            if self._offline != str(exc):
                self._offline = str(exc)
                log.error("NO_NETWORK", "error", repr(exc))
        hour = self.clock.best() // _HOUR_S
        if hour != self._hour:
            days = (self._ends_s // _HOUR_S - hour) // 24
            if days < _WARN_DAYS and (self._hour < 0 or hour % 24 == 0):
                log.warn("CERT_ENDS", "days", days)
            self._hour = hour
            self._keep_time()
            self._keep_counts()

    def _keep_time(self):
        # The server's alone, which is never later than the truth.
        seconds = self.clock.now()
        if seconds >= 0:
            self._set_clock(seconds, b"")

    def _set_clock(self, seconds, mark):
        self.board.set_clock(seconds)
        try:
            self._store.write(TIME, str(seconds).encode() + mark)
        except OSError as exc:
            log.error("FLASH_FAILED", "error", repr(exc))

    def _keep_counts(self):
        from wear import keep
        try:
            keep(self._store, self.control.fleet)
        except OSError as exc:
            log.error("FLASH_FAILED", "error", repr(exc))

    def _network(self, link_class, floor_s, guessed):
        # The certificates are let go of once the link has them; what stays is who we are.
        from identity import JOURNAL, Identity, IdentityError, finish
        self._me = None
        identity = None
        self._hour = -1
        self._ends_s = NEVER
        try:
            if self._store.size(JOURNAL) >= 0:
                finish(self._store)
                log.info("IDENTITY_FINISHED")
            identity = Identity(self._store)
            floor_s = max(floor_s, identity.begins)
            self._ends_s = identity.ends
            self.link = link_class(self.loop, identity)
            self._me = Me(lfdi(identity.leaf), self._conf)
            log.info("IDENTITY", "lfdi", self._me.lfdi, "sfdi", self._me.sfdi)
        except (IdentityError, IndexError, OSError, ValueError) as exc:
            # The site stands at its floor: without an identity nobody can be asked.
            log.error("NO_IDENTITY", "why", str(exc))
            self.link = link_class(self.loop, None)
        sys.modules.pop("identity", None)
        if self.clock.source == NONE:
            # TLS judges certificates by the port's clock, wherever that was left.
            log.warn("CLOCK_NOT_SET", "s2020", floor_s)
            if guessed:  # the file says so: a board that restarts for ever does not write it again
                self.board.set_clock(floor_s)
            else:
                self._set_clock(floor_s, GUESS)

    def _down(self):
        board, conf = self.board, self._conf
        self.schedule = Schedule(board.SLOTS, board.PROGRAMS)
        self.programs = Programs(board.PROGRAMS, self.schedule)
        envelope = Envelope(conf.site_exp_w, conf.site_imp_w,
                            conf.failsafe_exp_w, conf.failsafe_imp_w)
        ramps = (Ramp(0), Ramp(0), Ramp(0), Ramp(0))
        self.limits = Limits(self.loop, self.clock, self.schedule, envelope, ramps,
                             Keep(self._store, self._me and self._me.lfdi))
        self.limits.restore()
        self.loop.every(_EVALUATE_MS, self.limits)
        self.loop.supervise("limits", self.limits.run)

    def _south(self):
        board, conf, loop = self.board, self._conf, self.loop
        self._buses = {}
        fleet = []
        for device, kind in ((conf.inverter, PV), (conf.inverter2, PV), (conf.inverter3, PV),
                             (conf.battery, BATTERY), (conf.load, LOAD)):
            if device is not None:
                fleet.append(Steered(loop, Op, kind, self._bus(device), device[2]))
        devices = Devices(loop, Op, board.MODELS, 0, self._store)
        self.truth = Truth()
        # No meter says more than 3/2 of its fuse, or four times what its contract allows.
        most_w = 3 * conf.fuse_w // 2 or 4 * max(conf.site_exp_w, conf.site_imp_w, 1)
        site = Site(len(fleet), conf.uncontrolled_gen_w, most_w)
        self.control = Control(loop, devices, Op, site, self.limits, self.truth, fleet,
                               self._bus(conf.meter), conf, self._written)
        loop.every(conf.sample_ms, self.control)
        loop.supervise("control", self.control.run)

    def _bus(self, device):
        # One for each line: the units on it share it.
        host, line = device[0], device[1]
        if (host, line) in self._buses:
            return self._buses[host, line]
        name = host + ":" + str(line) if isinstance(line, int) else host
        timeout_ms = self._conf.modbus_timeout_ms
        if isinstance(line, int):
            bus = Bus(self.loop, Tcp(), lambda deadline: self.link.open_socket(
                host, line, deadline), timeout_ms, name)
        else:
            from rtu import codec
            bus = Bus(self.loop, codec(), lambda deadline: self._serial(host, line), timeout_ms,
                      name, line)
        self._buses[host, line] = bus
        self.loop.supervise(name, bus.run)
        return bus

    async def _serial(self, name, line):
        return self.board.serial(name, *line)

    def _north(self):
        board, conf, loop = self.board, self._conf, self.loop
        me = self._me
        if me is None:
            return
        self.schedule.category = me.category
        profile = PROFILES[conf.profile]
        window = bytearray(board.XML_WINDOW)
        xml = Reader(window, NAMESPACES)
        inflate = Inflate(board.GZIP) if board.GZIP else None
        codings = ("gzip",) if inflate else ()
        http = urequests.Session(self.link, bytearray(board.HTTP_RX), bytearray(board.HTTP_TX),
                                agent="microsep2/" + VERSION, codings=codings)
        session = self.session = Session(loop, http, xml, window, profile.media_type, reason,
                                         inflate)
        buf = bytearray(_BODY_PIECE)
        writer = Writer(buf)
        body = Body(write, writer, buf, profile)
        answers = Answers(loop, self.schedule, session, writer, buf, self._resolve, me.lfdi,
                          board.REPLIES)
        reading = Reading(session, self.clock, self._resolve, self.programs, self.schedule,
                          self.limits, answers, DERProgramList(xml), DERControlList(xml),
                          DefaultDERControl(xml), board.FSAS, board.PAGE, SessionError,
                          conf.drop_unlisted)
        own = Own(session, reading, xml, body, self.clock, conf, me, SessionError)
        resources = Resources(loop, session, reading, xml, body, self.clock, self.schedule, own,
                              self.truth)
        telemetry = Telemetry(loop, session, reading, xml, body, self.clock, conf, own, me,
                              profile, self._store, Point, Spill)
        self.control.sampler = telemetry
        loop.every(_EVALUATE_MS, telemetry)
        loop.every(_EVALUATE_MS, resources)
        loop.supervise("telemetry", telemetry.run)
        parts = Parts(reading, own, resources, telemetry, answers, self.control)
        spread_s = conf.spread_s if self.limits.restored else 0
        discovery = Discovery(loop, board.entropy, self.clock, session, xml, parts, conf, profile,
                              Polls, SessionError, self._written, spread_s)
        loop.supervise("discovery", discovery.run)

    def _resolve(self, href):
        return urequests.resolve(self._conf.server, href)

    def run(self):
        """Run until Ctrl-C, then leave the floor in the inverter. True when it took it."""
        gc.collect()
        log.info("READY", "free", gc.mem_free(), "used", gc.mem_alloc())
        try:
            self.loop.run()
        except KeyboardInterrupt:
            log.info("STOPPING")
        return self._park()

    def _park(self):
        loop, control = self.loop, self.control
        loop.cancel_named("discovery")
        self.programs.drop_all()
        self.limits.complete = False
        self.limits.step(0)
        # A write and its proof, with reads between them.
        wait = max([bus.slowest_ms for bus in self._buses.values()])
        loop.spawn("park", control.park(loop.after(_PARK_MS + min(8 * wait, _PARK_MORE_MS))))
        while control.parked < 0:
            loop.turn()
        self._keep_time()
        self._keep_counts()
        log.info("STOPPED", "floor", "written" if control.parked else "not written")
        return control.parked == 1


def _forget_how(made):
    """Let go of the constructors of a class and of those that it inherits from.

    None, since `del` would leave the function in its dict, where the collector still finds it.
    """
    while made is not object:
        if "__init__" in made.__dict__:
            try:
                made.__init__ = None
            except AttributeError:
                return  # an image: its classes are in flash and cost nothing
        made = made.__bases__[0]
