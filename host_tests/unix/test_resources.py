# heap: 1120k
"""What is told of the devices: in which order, with which values, when again, and when not."""

from array import array

import check
import registers
from der import REC_SIZE
from der.record import GRAD, MODES, RAMP
from edges import NOW
from server import ok, resource, status
from session import OUTAGE, SessionError
from sitecontrol import BATTERY, PV
from south import South, battery_unit, inverter_unit
from told import Told
from truth import Truth

_LINKS = (("DERAvailability", "/dera"), ("DERCapability", "/dercap"), ("DERSettings", "/derg"),
          ("DERStatus", "/ders"))
_THREE = ["PUT /dercap", "PUT /derg", "PUT /ders"]
_LITHIUM = registers.lithium(_16=6)  # HOLDING


def der(*left_out, programs=False, first="/der/1"):
    """A DER with its links, but for some of them."""
    text = '<DER href="%s">' % first
    if programs:
        text += '<AssociatedDERProgramListLink href="/der/1/derp" all="0"/>'
    for name, href in _LINKS:
        if name not in left_out:
            text += '<%sLink href="%s"/>' % (name, href)
    return text + "</DER>"


def ders(*items):
    """A DERList of those items."""
    return ok(resource("DERList", "".join(items), 'all="%d" results="%d" pollRate="90"'
                       % (len(items), len(items))))


class Rig(Told):
    """A Told whose list was read and whose devices were found."""

    def __init__(self, south=None, listed=None, links=True, profile="eql", ms=5000, **settings):
        super().__init__((south or South()).run(ms), profile, **settings)
        routes = self.server.routes
        for _name, href in _LINKS:
            routes[href] = status(204)
        routes["/lel"] = status(201, "Location: /lel/1")
        routes["/der"] = listed or ders(der())
        self.own.log = "/lel"
        if links:
            self.read()

    def read(self):
        return self.run(self.resources.read_list("/der"))

    def told(self):
        """What goes out now."""
        since = len(self.server.requests)
        self.flush(self.resources)
        return self.asked(since)

    def last(self, path):
        return self.sent("PUT", path)[-1]

    def unit(self, **places):
        """Set registers of the inverter's model 103, by offset, and let them be seen."""
        unit = self.south.inverter
        for place, value in places.items():
            unit.put(unit.at(103, int(place[1:])), value)
        self.live(5)


def with_battery(profile="v1.3b-sto", *more, **kw):
    unit = battery_unit(*(more or (_LITHIUM,)), **kw)
    south = South(more=((BATTERY, 2, unit),))
    return Rig(south, profile=profile, ms=9000, battery=("h", 502, 2))


# -- order and content -----------------------------------------------------------


def test_capability_settings_and_status_go_out_in_this_order_and_once():
    rig = Rig()
    assert rig.told() == _THREE and rig.told() == []
    assert [rig.said.count("TOLD", "what=%d" % i) for i in range(4)] == [1, 1, 1, 0]
    rig.live(60)
    assert rig.told() == []


def test_a_pv_inverter_is_described_by_what_it_says_of_itself():
    rig = Rig()
    rig.told()
    can = rig.last("/dercap")
    assert can.names() == ["modesSupported", "rtgMaxVA", "rtgMaxVar", "rtgMaxVarNeg", "rtgMaxW",
                           "type", "c:doeModesSupported"], can.names()
    assert can.leaf("modesSupported") == "0050008C" and can.leaf("c:doeModesSupported") == "05"
    assert (can.scaled("rtgMaxW"), can.scaled("rtgMaxVA"), can.scaled("rtgMaxVar"),
            can.scaled("rtgMaxVarNeg"), can.leaf("type")) == (10000, 11000, 4400, -4400, "4")
    is_set = rig.last("/derg")
    assert is_set.names() == ["modesEnabled", "setGradW", "setMaxVA", "setMaxVar", "setMaxVarNeg",
                              "setMaxW", "updatedTime", "c:doeModesEnabled"], is_set.names()
    assert (is_set.scaled("setMaxW"), is_set.scaled("setMaxVA"), is_set.scaled("setMaxVar"),
            is_set.scaled("setMaxVarNeg")) == (10000, 10500, 4000, -4000)
    assert is_set.leaf("setGradW") == "27" and is_set.leaf("modesEnabled") == "0050008C"
    status_doc = rig.last("/ders")
    assert status_doc.names() == ["alarmStatus", "genConnectStatus", "inverterStatus",
                                  "localControlModeStatus", "operationalModeStatus", "readingTime"]
    assert [status_doc.pair(name)[1] for name in status_doc.names()[1:5]] == ["07", "4", "1", "2"]
    assert status_doc.leaf("alarmStatus") == "00000000"
    assert [doc.text.find(' xmlns:c="https://csipaus.org/ns"') > 0
            for doc in (can, is_set, status_doc)] == [True, True, False]


def test_a_battery_adds_what_storage_has_to_tell():
    rig = with_battery()
    assert rig.told() == _THREE + ["PUT /dera"]
    can, is_set, said = rig.last("/dercap"), rig.last("/derg"), rig.last("/ders")
    for doc, pre in ((can, "rtg"), (is_set, "set")):
        for name in ("MaxChargeRateW", "MaxDischargeRateW", "MaxVA", "MaxVar", "MaxVarNeg",
                     "MaxW", "MaxWh", "MinPFOverExcited", "MinPFUnderExcited"):
            assert pre + name in doc.names(), (pre + name, doc.names())
        assert doc.scaled(pre + "MaxChargeRateW") == 5000
        assert doc.scaled(pre + "MaxDischargeRateW") == 5000
        assert doc.scaled(pre + "MaxWh") == 10000
    assert can.leaf("type") == "83" and can.leaf("c:doeModesSupported") == "0F"
    assert can.leaf("c:vppModesSupported") == is_set.leaf("c:vppModesEnabled") == "01"
    assert is_set.leaf("c:setMinWh") is not None
    assert can.scaled("rtgMinPFOverExcited") == (92, -2)  # 8.8 kvar of 22 kVA
    assert can.scaled("rtgMaxW") == 20000 and is_set.scaled("setMaxW") == 15000
    assert can.text.find('xmlns:c="https://csipaus.org/ns/v1.3-beta/storage"') > 0
    assert said.pair("storConnectStatus")[1] == "07" and said.pair("storageModeStatus")[1] == "2"
    assert said.pair("stateOfChargeStatus")[1] == "4320"
    left = rig.last("/dera")
    assert left.names() == ["availabilityDuration", "maxChargeDuration", "readingTime"]
    assert left.leaf("availabilityDuration") == "3110"  # 4,320 Wh at 5 kW
    assert left.leaf("maxChargeDuration") == "4080"


def test_a_profile_without_storage_is_not_told_of_vpp_modes():
    rig = with_battery("eql")
    rig.told()
    assert rig.last("/dercap").text.find("vpp") < 0 and rig.last("/derg").text.find("MinWh") < 0
    assert rig.last("/dercap").leaf("type") == "83"


def test_several_devices_are_summed_to_one():
    more = ((PV, 2, inverter_unit()), (PV, 3, inverter_unit()))
    rig = Rig(South(more=more), ms=9000)
    rig.told()
    can, is_set = rig.last("/dercap"), rig.last("/derg")
    assert (can.scaled("rtgMaxW"), can.scaled("rtgMaxVA"), can.scaled("rtgMaxVar"),
            can.scaled("rtgMaxVarNeg")) == (30000, 33000, 13200, -13200)
    assert is_set.scaled("setMaxW") == 30000 and is_set.scaled("setMaxVA") == 31500


def test_the_gradient_is_that_of_the_default_once_there_is_one():
    rig = Rig()
    rig.told()
    assert rig.last("/derg").leaf("setGradW") == "27"
    before = int(rig.last("/derg").leaf("updatedTime"))
    rec = array("i", bytes(4 * REC_SIZE))
    rec[RAMP], rec[MODES] = -1, 0
    for grad in (600, 50, 0):
        rec[GRAD] = grad
        rig.schedule.set_default(0, rec)
        rig.live(10)
        assert rig.told() == ["PUT /derg"], grad
        assert rig.last("/derg").leaf("setGradW") == str(grad)
        assert int(rig.last("/derg").leaf("updatedTime")) >= before + 9
        before = int(rig.last("/derg").leaf("updatedTime"))


# -- when -------------------------------------------------------------------------


def test_everything_goes_out_anew_after_each_read_of_the_list():
    rig = Rig()
    for _ in range(3):
        assert rig.told() == _THREE
        rig.live(90)
        assert rig.read() == 90


def test_nothing_is_told_before_a_device_is_known_nor_before_the_time_is():
    south = South()
    south.inverter.silent = True
    rig = Rig(south)
    assert rig.told() == [] and not rig.truth.rated
    south.inverter.silent = False
    rig.live(70)
    assert rig.told() == _THREE
    assert not rig.said.count("NOT_TELLABLE")
    rig = Rig(South(set_clock=False))
    assert rig.truth.rated and rig.told() == []
    rig.clock.set_server(NOW, rig.world.t)
    assert rig.told() == _THREE


def test_a_change_of_status_is_told_at_once_and_dated():
    rig = Rig()
    rig.told()
    for state, connect, operating in ((8, "03", "1"), (4, "07", "2"), (2, "03", "1"),
                                      (7, "13", "1"), (5, "07", "2")):
        rig.unit(o38=state)
        now = rig.clock.now()
        assert rig.told() == ["PUT /ders"], state
        said = rig.last("/ders")
        assert said.pair("inverterStatus")[1] == str(state)
        assert said.pair("genConnectStatus")[1] == connect, state
        assert said.pair("operationalModeStatus")[1] == operating, state
        assert now <= said.pair("genConnectStatus")[0] <= now + 1
        rig.live(30)
        assert rig.told() == []


def test_power_and_charge_alone_are_no_change_of_status():
    rig = with_battery()
    rig.told()
    rig.south.set(3000, 500)
    rig.south.line.units[2].put(rig.south.line.units[2].at(802, 11), 500)
    rig.live(8)
    assert rig.told() == []
    rig.live(80)
    rig.read()
    rig.told()
    assert rig.last("/ders").pair("stateOfChargeStatus")[1] == "5000"


def test_an_outage_is_retried_ever_more_seldom_and_loses_nothing():
    rig = Rig()
    rig.server.routes["/dercap"] = status(503, body=b"COMMS DISABLED")
    at = []
    while len(at) < 9:
        if rig.step(rig.resources):
            at.append(rig.world.t)
        rig.live(1)
    gaps = [(b - a + 500) // 1000 for a, b in zip(at, at[1:])]
    for gap, due in zip(gaps, (2, 4, 8, 16, 32, 60, 60, 60)):
        assert due <= gap <= due + 1, gaps
    rig.server.routes["/dercap"] = status(204)
    rig.live(61)
    assert rig.told() == _THREE
    rig.server.routes["/ders"] = status(429, "Retry-After: 300")
    rig.unit(o38=8)
    assert rig.told() == ["PUT /ders"]
    rig.live(290)
    assert rig.told() == []
    rig.server.routes["/ders"] = status(204)
    rig.live(12)
    assert rig.told() == ["PUT /ders"]  # the first failure after a success


def test_what_is_refused_waits_for_the_next_read_of_the_list():
    for code in (400, 404, 403, 405, 413):
        rig = Rig()
        rig.server.routes["/derg"] = status(code)
        assert rig.told() == _THREE
        assert rig.said.count("NOT_TOLD", "what=1", "why=HTTP_%d" % code) == 1
        rig.live(80)
        assert rig.told() == []
        rig.read()
        assert rig.told() == _THREE
        assert rig.said.count("NOT_TOLD") == 2


def test_a_link_that_is_missing_is_passed_over():
    for left_out, order in ((("DERSettings",), ["PUT /dercap", "PUT /ders"]),
                            (("DERCapability",), ["PUT /derg", "PUT /ders"]),
                            (("DERStatus", "DERSettings"), ["PUT /dercap"])):
        rig = Rig(listed=ders(der(*left_out)))
        told = rig.told()
        assert told == order, (left_out, told)
    rig = Rig(links=False)
    assert rig.told() == []
    rig = Rig(listed=ders())
    assert rig.told() == []


def test_of_several_ders_the_first_is_ours():
    second = der(first="/der/2").replace('"/der', '"/second/der')
    rig = Rig(listed=ders(der(programs=True), second))
    assert rig.told() == _THREE and rig.resources.programs_href() == "/der/1/derp"
    rig.server.routes["/der"] = ders(der())
    rig.read()
    assert rig.resources.programs_href() is None


def test_a_list_that_cannot_be_read_is_an_outage_and_read_anew():
    rig = Rig()
    rig.told()
    rig.server.routes["/der"] = status(503)
    assert check.raises(SessionError, rig.read).kind == OUTAGE
    rig.unit(o38=8)
    assert rig.told() == []
    rig.server.routes["/der"] = ders(der())
    rig.read()
    assert rig.told() == _THREE and rig.last("/ders").pair("inverterStatus")[1] == "8"


# -- alarms --------------------------------------------------------------------------


def test_an_alarm_is_logged_when_it_comes_and_when_it_goes():
    rig = Rig()
    rig.told()
    rig.unit(o40=0, o41=1 << 10)  # AC_OVER_VOLT
    now = rig.clock.now()
    assert rig.told() == ["PUT /ders", "POST /lel"]
    assert rig.last("/ders").leaf("alarmStatus") == "00000002"
    said = rig.sent("POST", "/lel")[0]
    assert said.names() == ["createdDateTime", "functionSet", "logEventCode", "logEventID",
                            "logEventPEN", "profileID"]
    assert [said.leaf(n) for n in said.names()[1:]] == ["11", "2", "1", "40732", "2"]
    assert abs(int(said.leaf("createdDateTime")) - 1577836800 - now) <= 6
    assert rig.said.count("LOG_EVENT", "alarm=1", "is=on") == 1
    rig.unit(o41=1 << 8 | 1 << 11)  # over frequency, under voltage, and no more over voltage
    assert rig.told() == ["PUT /ders"] + ["POST /lel"] * 3
    assert [doc.leaf("logEventCode") for doc in rig.sent("POST", "/lel")[1:]] == ["3", "4", "6"]
    rig.unit(o41=0)
    assert rig.told() == ["PUT /ders"] + ["POST /lel"] * 2
    assert [doc.leaf("logEventCode") for doc in rig.sent("POST", "/lel")[4:]] == ["5", "7"]
    assert [doc.leaf("logEventID") for doc in rig.sent("POST", "/lel")] == list("123456")
    rig.read()
    assert rig.told() == _THREE


def log_events(rig):
    """[logEventID, logEventCode, createdDateTime in s since EPOCH] of those that were sent."""
    return [[int(doc.leaf("logEventID")), int(doc.leaf("logEventCode")),
             int(doc.leaf("createdDateTime")) - 1577836800] for doc in rig.sent("POST", "/lel")]


def test_an_alarm_keeps_its_time_whatever_happens_before_it_can_be_told():
    rig = Rig()
    rig.told()
    rig.server.down = OSError(111)
    rig.loop.every(1000, rig.resources)
    came = rig.clock.now()
    rig.unit(o40=0, o41=1 << 10)
    rig.live(60)
    assert rig.step(rig.resources)  # fails
    rig.unit(o38=8)  # a change of status
    rig.live(60)
    went = rig.clock.now()
    rig.unit(o41=0)  # and the alarm goes again
    rig.live(600)
    rig.server.down = None
    since = len(rig.sent("POST", "/lel"))
    assert since == 0 and rig.told() == ["PUT /ders", "POST /lel", "POST /lel"]
    assert rig.last("/ders").leaf("alarmStatus") == "00000000"
    told = log_events(rig)
    assert [t[:2] for t in told] == [[1, 2], [2, 3]]
    assert 0 <= told[0][2] - came <= 6 and 0 <= told[1][2] - went <= 6, (told, came, went)
    rig.live(90)
    rig.read()
    assert rig.told() == _THREE


def still(rig):
    """A Truth that no device moves, alike so far."""
    truth = rig.resources._truth = Truth()
    truth.rated, truth.mark = rig.truth.rated, rig.truth.mark
    return truth


def test_of_many_alarms_in_an_outage_the_newest_are_told_and_a_gap_shows_the_rest():
    rig = Rig()
    rig.told()
    rig.server.down = OSError(111)
    truth = still(rig)
    for i in range(30):
        truth.alarms = i + 1 & 1
        assert check.locked(rig.resources.step, rig.loop.now()) is None
    rig.server.down = None
    assert rig.told() == ["POST /lel"] * 16
    assert [t[0] for t in log_events(rig)] == list(range(15, 31))
    assert [t[1] for t in log_events(rig)] == [0, 1] * 8
    assert not check.locked(rig.resources.is_due, rig.loop.now())


def test_alarms_that_come_while_one_is_on_its_way_lose_none():
    rig = Rig()
    rig.told()
    truth = still(rig)

    def more(_target, _body):
        if len(rig.sent("POST", "/lel")) == 1:
            for _ in range(15):
                truth.alarms ^= 4
                rig.resources.step(0)
        return status(201)

    rig.server.routes["/lel"] = more
    for bits in (1, 3):
        truth.alarms = bits
        rig.resources.step(0)
    told = rig.told()
    assert told == ["POST /lel"] * 17, (told, log_events(rig))
    assert [t[0] for t in log_events(rig)] == list(range(1, 18))


def test_no_alarm_is_noted_before_there_is_a_time():
    rig = Rig(South(set_clock=False))
    truth = still(rig)
    truth.alarms = 2
    assert rig.clock.best() < 0
    rig.resources.step(0)
    rig.world.t += 5000
    rig.clock.set_server(NOW, rig.world.t)
    rig.flush(rig.resources)
    assert [t[1] for t in log_events(rig)] == [2] and log_events(rig)[0][2] >= NOW, log_events(rig)


def test_a_log_that_is_not_there_or_refuses_stops_nothing():
    rig = Rig()
    rig.own.log = None
    rig.told()
    rig.unit(o40=0, o41=1 << 10)
    assert rig.told() == ["PUT /ders"]
    for code in (400, 404, 503):
        rig = Rig()
        rig.told()
        rig.server.routes["/lel"] = status(code)
        rig.unit(o40=0, o41=1 << 10)
        assert rig.told() == ["PUT /ders", "POST /lel"], code
        rig.server.routes["/lel"] = status(201)
        rig.live(5)
        assert rig.told() == (["POST /lel"] if code == 503 else [])


check.run(globals())
