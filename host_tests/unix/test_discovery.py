# heap: 1024k
"""The walk through the server's resources: its order, its pace when something is gone, the PIN."""

import check
import sep2
from backlog import Backlog
from discovery import Discovery, Parts
from edges import NOW, live
from point import Point
from north import DERP, LFDI, North
from own import Me, Own
from polls import Polls
from resources import Resources
from server import (
    EPOCH,
    assignments,
    default,
    event,
    limit,
    ok,
    paged,
    program,
    resource,
    status,
)
from session import Body, SessionError
from store import Store
from telemetry import Telemetry
from truth import Truth
from xmlpull import Writer

_EDEV = ('<EndDevice href="/edev/1"><lFDI>%s</lFDI><sFDI>1</sFDI><FunctionSetAssignmentsListLink '
         'href="/edev/1/fsa"/><RegistrationLink href="/edev/1/rg"/></EndDevice>')


class Conf:
    server = "http://server.example/dcap"
    pin = 111115
    register = pen = spread_s = 0
    nmi = ""
    battery = None
    site_exp_w = site_imp_w = 10000


class Site:
    """What the walk asks of control: whether the connection point has voltage."""

    dark = False


class Rig:
    """A North with the walk on top, and a server that knows us."""

    def __init__(self, pin=111115):
        self.north = north = North(set_clock=False)
        self.routes = routes = north.server.routes
        routes["/dcap"] = ok(resource(
            "DeviceCapability", '<TimeLink href="/tm"/><EndDeviceListLink href="/edev"/>',
            'pollRate="60"'))
        routes["/tm"] = self.time
        routes["/edev"] = paged("EndDeviceList", [_EDEV % str(LFDI, "ascii")], rate=60)
        routes["/edev/1/rg"] = ok(resource("Registration", "<pIN>%d</pIN>" % pin, 'pollRate="60"'))
        routes["/edev/1/fsa"] = paged("FunctionSetAssignmentsList",
                                      [assignments("/edev/1/fsa/1", DERP)], rate=60)
        routes[DERP] = paged("DERProgramList", [program("/p/1", 1)], rate=60)
        routes["/p/1/derc"] = paged("DERControlList", [event("A1", NOW - 10, 100000)])
        routes["/p/1/dderc"] = ok(default(limit("opModExpLimW", 4000)))
        routes["/rsp"] = status(201)
        xml = north.xml
        buf = bytearray(300)
        writer = Writer(buf)
        profile = sep2.PROFILES["eql"]
        body = Body(sep2.write, writer, buf, profile)
        me = Me(LFDI, Conf)
        own = self.own = Own(north.session, north.reading, xml, body, north.clock, Conf, me,
                             SessionError)
        self.truth = Truth()
        resources = Resources(north.loop, north.session, north.reading, xml, body, north.clock,
                              north.schedule, own, self.truth)
        telemetry = Telemetry(north.loop, north.session, north.reading, xml, body, north.clock,
                              Conf, own, me, profile, Store(north.flash.folder), Point, Backlog)
        self.site = Site()
        self.gate = north.loop.flag()
        parts = Parts(north.reading, own, resources, telemetry, north.answers, self.site)
        self.discovery = Discovery(north.loop, bytes, north.clock, north.session, xml, parts, Conf,
                                   profile, Polls, SessionError, self.gate, 0)
        north.loop.every(1000, north.limits)
        self.task = north.loop.supervise("discovery", self.discovery.run)

    def time(self, _target, _body):
        seconds = NOW + EPOCH + self.north.world.t // 1000
        return ok(resource("Time", "<currentTime>%d</currentTime>" % seconds, 'pollRate="60"'))

    def run(self, seconds):
        live(self.north.world, self.north.loop, seconds * 1000)
        return self

    def asked(self, since=0):
        """The paths that were asked for, from the since-th request on."""
        return [r[2].split("?")[0] for r in self.north.server.requests[since:]]


def test_the_walk_goes_from_the_capability_down_to_the_default():
    rig = Rig()
    rig.gate.set()
    rig.run(8)
    assert rig.asked()[:10] == [
        "/dcap", "/tm", "/edev", "/edev/1/rg", "/edev/1/fsa", DERP, "/p/1/derc", "/p/1/dderc",
        "/rsp"][:10], rig.asked()
    assert rig.north.limits.complete and rig.north.limits.envelope.exp_w == 2000


def test_nothing_is_asked_before_a_limit_stands_but_for_a_minute_at_most():
    rig = Rig().run(55)
    assert rig.asked() == []
    rig.run(10)
    assert rig.north.said.count("NO_LIMIT_WRITTEN") == 1 and "/dcap" in rig.asked()


def test_a_walk_that_failed_is_taken_up_again_without_waiting_for_a_limit():
    rig = Rig()
    broken = []

    def breaks(_target, _body):
        broken.append(1)
        raise RuntimeError("a fault of ours")

    rig.routes["/dcap"] = [breaks, rig.routes["/dcap"]]
    rig.gate.set()
    rig.run(12)
    assert broken == [1] and rig.north.said.count("TASK_FAILED", "discovery") == 1
    assert DERP in rig.asked()


def test_each_resource_is_read_at_its_own_rate():
    rig = Rig()
    rig.gate.set()
    rig.run(10)
    since = len(rig.asked())
    rig.run(600)
    asked = rig.asked(since)
    for path in ("/dcap", "/tm", "/edev", "/edev/1/rg", "/edev/1/fsa", DERP, "/p/1/derc",
                 "/p/1/dderc"):
        assert 9 <= asked.count(path) <= 11, (path, asked.count(path))


def test_what_is_gone_for_good_is_asked_for_at_a_bounded_pace():
    for gone in (DERP, "/edev/1/fsa", "/edev/1/rg", "/edev", "/p/1/derc"):
        rig = Rig()
        rig.routes[gone] = status(404)
        rig.gate.set()
        rig.run(300)
        at = [r[0] for r in rig.north.server.requests if r[2].split("?")[0] == gone]
        assert 5 <= len(at) <= 15, (gone, at)
        assert min([b - a for a, b in zip(at, at[1:])]) >= 1900, (gone, at)
        assert len(rig.asked()) < 120, (gone, len(rig.asked()))
        assert not rig.north.limits.complete


def test_what_comes_back_is_found_again_within_a_minute_or_so():
    rig = Rig()
    rig.gate.set()
    rig.run(20)
    rig.routes[DERP] = status(404)
    rig.run(200)
    rig.routes["/edev/1/fsa"] = paged("FunctionSetAssignmentsList",
                                      [assignments("/edev/1/fsa/1", "/new")], rate=60)
    rig.routes["/new"] = paged("DERProgramList", [program("/p/1", 1)], rate=60)
    rig.run(75)
    assert "/new" in rig.asked()


def test_an_outage_is_retried_and_everything_known_stays():
    rig = Rig()
    rig.gate.set()
    rig.run(20)
    since = len(rig.asked())
    for path in ("/dcap", "/tm", "/edev", "/edev/1/rg", "/edev/1/fsa", DERP):
        rig.routes[path] = status(503, body=b"COMMS DISABLED")
    rig.run(600)
    assert rig.north.limits.complete and rig.north.limits.envelope.exp_w == 2000
    for path in ("/dcap", "/edev", DERP):
        assert 10 <= rig.asked(since).count(path) <= 16, rig.asked(since).count(path)


def test_a_wrong_pin_ends_all_talk_for_an_hour_and_leaves_the_floor():
    rig = Rig(pin=999999)
    rig.gate.set()
    rig.run(60)
    assert rig.asked() == ["/dcap", "/tm", "/edev", "/edev/1/rg"]
    assert rig.north.said.count("PIN_WRONG") == 1
    rig.run(3400)
    assert len(rig.asked()) == 4 and rig.north.limits.envelope.exp_w == 1500
    rig.routes["/edev/1/rg"] = ok(resource("Registration", "<pIN>111115</pIN>"))
    rig.run(300)
    assert rig.north.limits.complete


def test_a_pin_that_becomes_wrong_takes_back_what_was_learnt():
    rig = Rig()
    rig.gate.set()
    rig.run(20)
    assert rig.north.limits.envelope.exp_w == 2000
    rig.routes["/edev/1/rg"] = ok(resource("Registration", "<pIN>5</pIN>", 'pollRate="60"'))
    rig.run(70)
    since = len(rig.asked())
    assert rig.north.limits.envelope.exp_w == 1500 and rig.north.row("A1") < 0
    rig.run(600)
    assert len(rig.asked()) == since


check.run(globals())
