# heap: 1152k
"""The whole walk on devices that answer: what is told when, the dark, the EndDevice that goes."""

import check
from discovery import Discovery, Parts
from edges import NOW
from north import DERP, LFDI
from polls import Polls
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
from session import SessionError
from south import South
from told import Doc, Told

_EDEV = ('<EndDevice href="/edev/1"><DERListLink href="/der"/><lFDI>%s</lFDI><LogEventListLink '
         'href="/lel"/><sFDI>1</sFDI><FunctionSetAssignmentsListLink href="/fsa"/><postRate>60'
         '</postRate><RegistrationLink href="/rg"/><c:ConnectionPointLink href="/cp"/>'
         "</EndDevice>") % str(LFDI, "ascii")
_DER = ('<DER href="/der/1"><DERCapabilityLink href="/dercap"/><DERSettingsLink href="/derg"/>'
        '<DERStatusLink href="/ders"/></DER>')


class Rig(Told):
    """A server that knows us, at 60 s, and the walk."""

    def __init__(self, pin=111115, server="http://server.example/dcap", profile="eql", known=True,
                 **settings):
        super().__init__(South(), profile, pin=111115, server=server, nmi="QB1", **settings)
        routes = self.server.routes
        self.points = {}
        self.devices = [_EDEV] if known else []
        routes["/dcap"] = ok(resource(
            "DeviceCapability", '<TimeLink href="/tm"/><EndDeviceListLink href="/edev"/>'
            '<MirrorUsagePointListLink href="/mup"/>', 'pollRate="60"'))
        routes["/tm"] = self._time
        routes["/edev"] = self._edev
        routes["/rg"] = ok(resource("Registration", "<pIN>%d</pIN>" % pin, 'pollRate="60"'))
        routes["/cp"] = lambda _target, body: status(201) if body else status(404)
        routes["/der"] = paged("DERList", [_DER], rate=60)
        routes["/fsa"] = paged("FunctionSetAssignmentsList", [assignments("/fsa/1", DERP)],
                               rate=60)
        routes[DERP] = paged("DERProgramList", [program("/p/1", 1)], rate=60)
        routes["/p/1/derc"] = paged("DERControlList", [event("A1", NOW - 10, 100000)])
        routes["/p/1/dderc"] = ok(default(limit("opModExpLimW", 4000)))
        routes["/mup"] = self._mup
        for path, code in (("/rsp", 201), ("/dercap", 204), ("/derg", 204), ("/ders", 204),
                           ("/lel", 201), ("/mup/03", 201), ("/mup/49", 201)):
            routes[path] = status(code)
        parts = Parts(self.reading, self.own, self.resources, self.telemetry, self.answers,
                      self.south.control)
        discovery = Discovery(self.loop, bytes, self.clock, self.session, self.xml, parts,
                              self.conf, self.profile, Polls, SessionError, self.south.gate, 0)
        self.loop.supervise("discovery", discovery.run)

    def _time(self, _target, _body):
        return ok(resource("Time", "<currentTime>%d</currentTime>" % (
            NOW + EPOCH + self.world.t // 1000), 'pollRate="60"'))

    def _edev(self, target, body):
        if body:
            self.devices.append(_EDEV)
            return status(201, "Location: /edev/1")
        return paged("EndDeviceList", self.devices, rate=60)(target, body)

    def _mup(self, target, body):
        if body:
            role = Doc(body).leaf("roleFlags")
            self.points[role] = Doc(body).leaf("mRID")
            return status(201, "Location: /mup/" + role)
        items = ['<MirrorUsagePoint href="/mup/%s"><mRID>%s</mRID><postRate>60</postRate>'
                 "</MirrorUsagePoint>" % (role, self.points[role]) for role in sorted(self.points)]
        return paged("MirrorUsagePointList", items, rate=60)(target, body)

    def live(self, seconds):
        super().live(seconds)
        return self

    def count(self, what, since=0):
        return self.asked(since).count(what)


def before(asked, *names):
    """True when the first of each comes in that order."""
    at = [asked.index(name) for name in names]
    return at == sorted(at)


def test_the_walk_tells_who_and_what_we_are_in_the_order_of_the_procedures():
    rig = Rig().live(20)
    asked = rig.asked()
    assert before(asked, "GET /dcap", "GET /tm", "GET /edev", "GET /rg", "GET /cp", "PUT /cp",
                  "GET /der"), asked
    assert before(asked, "GET /der", "PUT /dercap", "PUT /derg", "PUT /ders"), asked
    assert before(asked, "GET /fsa", "GET " + DERP, "GET /p/1/derc", "GET /p/1/dderc"), asked
    i = asked.index("POST /mup")
    assert "GET /mup" in asked[:i] and asked.count("POST /mup") == 2
    assert "GET /mup" in asked[i:]
    assert [asked.count("PUT " + path) for path in ("/cp", "/dercap", "/derg")] == [1, 1, 1], asked
    assert rig.limits.complete and rig.limits.envelope.exp_w == 2000
    rig.live(150)
    assert rig.count("PUT /dercap") >= 3 and rig.count("PUT /cp") == 1
    assert rig.count("POST /mup/03") >= 1 and rig.count("POST /mup/49") >= 1


def test_nothing_is_told_before_the_pin_was_compared_nor_when_it_is_wrong():
    rig = Rig(pin=5).live(200)
    assert rig.asked() == ["GET /dcap", "GET /tm", "GET /edev", "GET /rg"]
    rig = Rig()
    rig.server.routes["/rg"] = status(503)
    rig.live(200)
    assert {a for a in rig.asked() if a[:3] != "GET"} == set()
    assert not rig.count("GET /fsa") and not rig.count("GET /mup")


def test_a_device_that_is_made_on_the_server_walks_on_at_once():
    rig = Rig(known=False, register=1).live(20)
    assert before(rig.asked(), "GET /edev", "POST /edev", "GET /rg", "GET /der", "GET /fsa")
    assert rig.limits.complete and rig.count("POST /edev") == 1
    rig = Rig(known=False, register=0).live(130)
    assert set(rig.asked()) == {"GET /dcap", "GET /tm", "GET /edev"}
    assert 2 <= rig.count("GET /edev") <= 3 and not rig.limits.complete
    rig.devices.append(_EDEV)
    rig.live(70)
    assert rig.limits.complete


def test_an_end_device_that_disappears_leaves_what_is_known_and_is_found_again():
    rig = Rig().live(30)
    rig.devices.clear()
    for path in ("/rg", "/cp", "/der", "/fsa", DERP, "/p/1/derc", "/p/1/dderc", "/mup/03",
                 "/mup/49"):
        rig.server.routes["kept" + path] = rig.server.routes[path]
        rig.server.routes[path] = status(404)
    since = len(rig.asked())
    rig.live(300)
    asked = rig.asked(since)
    assert len(asked) < 150 and 4 <= asked.count("GET /edev") <= 20, (len(asked), asked)
    assert rig.own.registered == 0 and rig.limits.envelope.exp_w == 2000
    assert not asked.count("POST /edev")
    rig.devices.append(_EDEV)
    for path in ("/rg", "/cp", "/der", "/fsa", DERP, "/p/1/derc", "/p/1/dderc", "/mup/03",
                 "/mup/49"):
        rig.server.routes[path] = rig.server.routes["kept" + path]
    since = len(rig.asked())
    rig.live(130)
    asked = rig.asked(since)
    assert rig.own.registered == 1
    for name in ("GET /rg", "PUT /dercap", "GET " + DERP, "GET /p/1/derc"):
        assert name in asked, (name, asked)


def test_in_the_dark_every_control_is_forgotten_and_the_default_rules():
    rig = Rig().live(30)
    assert rig.limits.envelope.exp_w == 2000
    south = rig.south
    for unit, model, offset in ((south.meter, 203, 8), (south.inverter, 103, 10)):
        for i in range(3):
            unit.put(unit.at(model, offset + i), 0)
    rig.live(8)
    assert rig.said.count("POWER_LOST") == 1 and rig.limits.envelope.exp_w <= 4000
    assert rig.row("A1") < 0 and rig.limits.envelope.exp_w != 2000
    since = len(rig.asked())
    rig.live(150)
    asked = rig.asked(since)
    assert not asked.count("GET " + DERP) and not asked.count("GET /fsa")
    assert asked.count("GET /edev") >= 2 and asked.count("GET /tm") >= 2
    for unit, model, offset in ((south.meter, 203, 8), (south.inverter, 103, 10)):
        for i in range(3):
            unit.put(unit.at(model, offset + i), 2300)
    since = len(rig.asked())
    rig.live(10)
    assert rig.said.count("POWER_BACK") == 1
    assert before(rig.asked(since), "GET /fsa", "GET " + DERP, "GET /p/1/derc")
    assert rig.row("A1") >= 0 and rig.limits.envelope.exp_w == 2000


def test_a_server_that_tells_its_start_is_asked_for_it():
    versions = ('{"supportedSchemaVersions": {"https://csipaus.org/ns": {"dcap": ["/old"]}, '
                '"https://csipaus.org/ns/v1.3": {"dcap": ["/dcap"]}}}')
    rig = Rig(server="http://server.example", profile="v1.3")
    rig.server.routes["/.well-known/csipaus"] = [status(503), ok("{}"), ok(versions)]
    rig.live(60)
    assert rig.asked()[:4] == ["GET /.well-known/csipaus"] * 3 + ["GET /dcap"]
    assert rig.limits.complete and not rig.count("GET /old")
    assert rig.said.count("NO_COMMON_VERSION") == 1
    rig = Rig(server="http://server.example/dcap", profile="v1.3").live(10)
    assert rig.asked()[0] == "GET /dcap"  # the installer knows better


check.run(globals())
