"""Connects the parts: the only module that knows them all. What hangs on what is read off here.

Enters: a board (boards/*/board.py), its files and settings.  Leaves: a loop on which everything
hangs, ready to run.

    app = App(board, store, conf)
    app.run()                      # until Ctrl-C; then the limit is left at its floor

The order at boot is the promise: settings, the persisted default, the inverter's limit, and only
then the network.  Buffers are made here once, and lent.
"""

import gc

import log
import urequests
from answers import Answers
from clock import Clock
from control import Control
from der import Envelope, Ramp, Schedule
from devices import Devices
from discovery import Discovery, Me, Readers
from keep import Keep
from limits import Limits
from link import Identity, IdentityError, Link, reason
from loop import Loop
from micropython import const
from modbus import Tcp
from polls import Poll
from port import Bus, Op
from programs import Programs
from reading import Reading
from sep2 import (
    NAMESPACES,
    PROFILES,
    DefaultDERControl,
    DERControlList,
    DERProgramList,
    DeviceCapability,
    EndDeviceList,
    FunctionSetAssignmentsList,
    Registration,
    Time,
    lfdi,
)
from session import Session, SessionError
from sitecontrol import Controller
from xmlpull import Reader, Writer

VERSION = "0.1.0"

_EVALUATE_MS = const(1000)
_CONTROL_MS = const(200)
_PARK_MS = const(3000)
_BODY_MAX = const(512)  # bytes of the longest body that is sent


class App:
    """The whole firmware on one loop: `store` is a store.Store, `conf` a config.Config.

    `network`: what makes connections in place of link.Link, made as network(loop, identity), with
    `connect` (a urequests transport) and `open_socket` (a Modbus stream): for virtual time.
    """

    def __init__(self, board, store, conf, network=None):
        self.board = board
        self.clock = Clock(board.ticks)
        log.setup(self.clock)
        gc.collect()
        log.info("BOOT", "version", VERSION, "board", board.NAME, "free", gc.mem_free())
        self._store = store
        self._conf = conf
        self.loop = Loop(board.ticks, board.poller(), board.watchdog())
        self._written = self.loop.flag()
        self._network(network or Link)
        self._down()
        self._south()
        self._north()
        gc.collect()
        log.info("READY", "free", gc.mem_free(), "used", gc.mem_alloc())

    def _network(self, link_class):
        # The certificates are let go of once the link has them; what stays is who we are.
        self._me = None
        identity = None
        try:
            identity = Identity(self._store)
            self.link = link_class(self.loop, identity)
            self._me = Me(lfdi(identity.leaf))
            log.info("IDENTITY", "lfdi", self._me.lfdi, "sfdi", self._me.sfdi)
        except IdentityError as exc:
            # The site stands at its floor: without an identity nobody can be asked.
            log.error("NO_IDENTITY", "why", str(exc))
            self.link = link_class(self.loop, None)

    def _down(self):
        board, conf = self.board, self._conf
        self.schedule = Schedule(board.SLOTS, board.PROGRAMS)
        self.programs = Programs(board.PROGRAMS, self.schedule)
        envelope = Envelope(conf.site_exp_w, conf.site_imp_w,
                            conf.failsafe_exp_w, conf.failsafe_imp_w)
        ramps = (Ramp(0), Ramp(0), Ramp(0), Ramp(0))
        self.limits = Limits(self.loop, self.clock, self.schedule, envelope, ramps,
                             Keep(self._store))
        self.limits.restore()
        self.loop.every(_EVALUATE_MS, self.limits)
        self.loop.supervise("limits", self.limits.run)

    def _south(self):
        board, conf = self.board, self._conf
        first = self._bus(conf.inverter, "inverter")
        second = first
        if conf.meter[:2] != conf.inverter[:2]:
            second = self._bus(conf.meter, "meter")
        devices = Devices(self.loop, Op, board.MODELS)
        self.control = Control(self.loop, devices, Op, Controller, self.limits, (first, second),
                               conf, self._written)
        self.loop.every(_CONTROL_MS, self.control)
        self.loop.supervise("control", self.control.run)

    def _bus(self, device, name):
        host, port = device[0], device[1]
        bus = Bus(self.loop, Tcp(), lambda deadline: self.link.open_socket(host, port, deadline),
                  self._conf.modbus_timeout_ms, name)
        self.loop.supervise(name, bus.run)
        return bus

    def _north(self):
        board, conf, loop = self.board, self._conf, self.loop
        me = self._me
        if me is None:
            return
        profile = PROFILES[conf.profile]
        window = bytearray(board.XML_WINDOW)
        xml = Reader(window, NAMESPACES)
        http = urequests.Session(self.link, bytearray(board.HTTP_RX), bytearray(board.HTTP_TX),
                                agent="microsep2/" + VERSION)
        session = self.session = Session(loop, http, xml, window, profile.media_type, reason)
        body = bytearray(_BODY_MAX)
        answers = Answers(loop, self.schedule, session, Writer(body), body, self._resolve, me.lfdi,
                          board.REPLIES)
        reading = Reading(session, self.clock, self._resolve, self.programs, self.schedule,
                          self.limits, answers, DERProgramList(xml), DERControlList(xml),
                          DefaultDERControl(xml), board.FSAS, board.PAGE, SessionError)
        readers = Readers(DeviceCapability(xml), Time(xml), EndDeviceList(xml), Registration(xml),
                          FunctionSetAssignmentsList(xml))
        discovery = Discovery(loop, board.entropy, self.clock, session, readers, reading, answers,
                              conf, me, Poll, SessionError, self._written)
        loop.supervise("discovery", discovery.run)

    def _resolve(self, href):
        return urequests.resolve(self._conf.server, href)

    def run(self):
        """Run until Ctrl-C, then leave the floor in the inverter. True when it took it."""
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
        loop.spawn("park", control.park(loop.after(_PARK_MS)))
        while control.parked < 0:
            loop.turn()
        log.info("STOPPED", "floor", "written" if control.parked else "not written")
        return control.parked == 1
