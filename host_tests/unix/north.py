"""The firmware's way from the server to the schedule, put together as app.py does.

Enters: a Server's routes.  Leaves: the parts, as attributes, with the clock already set.

    north = North()
    north.server.routes["/fsa/1/derp"] = paged("DERProgramList", [program("/p/1", 1)])
    north.cycle()
"""

import sep2
import urequests
import xmlpull
from answers import Answers
from clock import Clock
from der import Envelope, Ramp, Schedule
from edges import NOW, Flash, Said, World, run
from keep import Keep
from limits import Limits
from link import reason
from loop import Loop
from programs import Programs
from reading import Reading
from server import Server
from session import Session, SessionError
from store import Store

BASE = "http://server.example"
LFDI = b"3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
DERP = "/fsa/1/derp"


class North:
    """`slots`, `programs`, `fsas`, `replies`, `page`: the board's sizes.

    `south`: a South that it stands on, with its time, schedule and limits.
    """

    def __init__(self, slots=12, programs=4, fsas=2, replies=3, page=5, set_clock=True,
                 south=None):
        self.world = south.world if south else World()
        self.clock = south.clock if south else Clock(self.world)
        if set_clock and not south:
            self.clock.set_server(NOW, 0)
        self.said = south.said if south else Said()
        self.loop = south.loop if south else Loop(self.world, self.world)
        self.server = Server(self.loop)
        self.window = bytearray(1024)
        self.xml = xml = xmlpull.Reader(self.window, sep2.NAMESPACES)
        http = urequests.Session(self.server, bytearray(512), bytearray(1024))
        self.session = Session(self.loop, http, xml, self.window, "application/sep+xml", reason)
        self.schedule = south.schedule if south else Schedule(slots, programs)
        self.programs = Programs(self.schedule.programs, self.schedule)
        self.flash = south.flash if south else Flash(16)
        self.limits = south.limits if south else Limits(
            self.loop, self.clock, self.schedule, Envelope(5000, 10000, 1500, 1500),
            [Ramp(0) for _ in range(4)], Keep(Store(self.flash.folder), b"A" * 40))
        body = bytearray(512)
        self.answers = Answers(self.loop, self.schedule, self.session, xmlpull.Writer(body), body,
                               self.resolve, LFDI, replies)
        self.derp = sep2.DERProgramList(xml)
        self.reading = Reading(self.session, self.clock, self.resolve, self.programs,
                               self.schedule, self.limits, self.answers, self.derp,
                               sep2.DERControlList(xml), sep2.DefaultDERControl(xml), fsas, page,
                               SessionError)

    def resolve(self, href):
        return urequests.resolve(BASE + "/dcap", href)

    def run(self, coro):
        return run(self.world, self.loop, coro)

    def cycle(self, fsa=0, href=DERP):
        """One cycle of a program list; returns its rate."""
        return self.run(self.reading.cycle(fsa, href, lambda: 0))

    def pages(self, href=DERP):
        """Read a program list's pages: [hrefs handed over, how often it was begun anew]."""
        seen, again = [], []

        def anew():
            again.append(1)
            seen.clear()

        def take(reader):
            seen.append(reader.href)

        self.run(self.reading.pages(href, self.derp, take, anew))
        return [seen, len(again)]

    def pass_s(self, seconds):
        """Time passes, and the one-second step with it."""
        for _ in range(seconds):
            self.world.t += 1000
            self.limits.step(self.world.t)

    def row(self, digits):
        """The schedule's row of an mRID given as text, -1 when it is unknown."""
        key = bytearray(sep2.KEY_SIZE)
        data = digits.encode()
        sep2.pack_mrid(key, data, 0, len(data))
        return self.schedule.find(key)
