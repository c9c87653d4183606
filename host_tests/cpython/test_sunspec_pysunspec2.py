"""The room against two others that know SunSpec: pysunspec2's decoder and the simulated site."""

import struct
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sunspec import (
    ABSENT,
    DIFFERS,
    NULL_FRAME,
    OK,
    RTG_DV,
    RTG_VA,
    RTG_VAR,
    RTG_VAR_NEG,
    RTG_W,
    SILENT,
    Battery,
    Common,
    Inverter,
    Limit,
    Meter,
    Ratings,
    Storage,
    Walk,
)
from sunspec2 import device

from tools.site import Profile, Refused, Settings, Site

PLACES = {"w": 0, "var": 0, "va": 0, "mhz": 3, "dv_a": 1, "dv_b": 1, "dv_c": 1,
          "w_a": 0, "w_b": 0, "w_c": 0, "var_a": 0, "var_b": 0, "var_c": 0}
VOLTS = {"mhz": "Hz", "dv_a": "PhVphA", "dv_b": "PhVphB", "dv_c": "PhVphC"}
OF_INVERTER = {**VOLTS, "w": "W", "var": "VAr", "va": "VA"}
OF_METER = {**VOLTS, "w": "W", "var": "VAR", "w_a": "WphA", "w_b": "WphB", "w_c": "WphC",
            "var_a": "VARphA", "var_b": "VARphB", "var_c": "VARphC"}
OF_DER = {"w": "W", "var": "Var", "va": "VA", "mhz": "Hz", "dv_a": "VL1", "dv_b": "VL2",
          "dv_c": "VL3", "w_a": "WL1", "w_b": "WL2", "w_c": "WL3", "var_a": "VarL1",
          "var_b": "VarL2", "var_c": "VarL3"}
MODELS = [(m, Inverter, OF_INVERTER) for m in (101, 102, 103, 111, 112, 113)]
MODELS += [(701, Inverter, OF_DER)]
MODELS += [(m, Meter, OF_METER) for m in (201, 202, 203, 204, 211, 212, 213, 214)]


def walked(model, words):
    """A walk that has found that one model at 40002."""
    walk = Walk(2)
    answers = [[0x5375, 0x6E53], words[:2], [0xFFFF, 0]]
    while walk.next(None):
        walk.took(0, answers.pop(0))
    assert walk.ids[0] == model
    return walk


def words_of(raw):
    return list(struct.unpack(f">{len(raw) // 2}H", raw))


def agrees(ours, theirs, places):
    """Whether our integer is their number cut toward zero; theirs has been through a float."""
    if theirs is None or abs(theirs) * 10**places >= 0x3FFFFFFF - 1000:
        return ours == ABSENT
    exact = theirs * 10**places
    slack = 1e-6 * max(1.0, abs(exact))
    return ours != ABSENT and -slack <= abs(exact) - abs(ours) < 1 + slack


RANGES = {"int16": (-32767, 32767), "uint16": (0, 65534), "uint32": (0, 2**32 - 2)}


def drawn(model, names, data, group=None):
    """A model of pysunspec2 with any values in those points and any scale factors."""
    theirs = device.Model(model_id=model, model_len=device.Model(model_id=model).len - 2)
    for name, point in theirs.points.items():
        kind = point.pdef["type"]
        if kind == "sunssf":
            point.value = data.draw(st.integers(-10, 10) | st.none(), name)
        elif kind == "float32" and name in names:
            point.value = data.draw(st.none() | st.floats(width=32, allow_nan=False,
                                                          allow_infinity=False), name)
        elif kind in RANGES and name in names:
            point.value = data.draw(st.integers(*RANGES[kind]) | st.none(), name)
    theirs.points["ID"].value, theirs.points["L"].value = model, theirs.len - 2
    return theirs


def value_of(theirs, name):
    """What pysunspec2 reads in a point of its own bytes, scaled; None when it is absent."""
    back = device.Model(model_id=theirs.model_id, model_len=theirs.len - 2, data=theirs.get_mb())
    point = back.points[name]
    sf = point.pdef.get("sf")
    if point.value is None or not sf:
        return point.value
    factor = back.points[sf].value
    return None if factor is None else point.value * 10.0**factor


@pytest.mark.parametrize(("model", "cls", "names"), MODELS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_frame_decodes_as_pysunspec2_decodes_it(model, cls, names, data):
    theirs = drawn(model, names.values(), data)
    words = words_of(theirs.get_mb())
    thing = cls(walked(model, words), 0)
    if model == 701:
        thing.take_factors(array("H", words[114:120]))
    first = thing.live_addr - 40002
    frame = array("H", words[first:first + thing.live_count])
    if thing.take(frame) == NULL_FRAME:
        assert not any(frame)
        return
    for ours, name in names.items():
        value = value_of(theirs, name)
        if ours == "mhz" and model == 701 and value is not None and (
                theirs.points[name].value >= 1 << 30):
            value = None  # no small int on a 32-bit board
        if value is None and ours in ("w_a", "var_a") and thing.phases == 1:
            continue  # with one phase it is the whole
        assert agrees(getattr(thing, ours), value, PLACES[ours]), (ours, value)


RATED = {RTG_W: ("WMaxRtg", "WMax"), RTG_VA: ("VAMaxRtg", "VAMax"),
         RTG_VAR: ("VarMaxInjRtg", "VarMaxInj"),
         RTG_VAR_NEG: ("VarMaxAbsRtg", "VarMaxAbs"), 4: ("WChaRteMaxRtg", "WChaRteMax"),
         5: ("WDisChaRteMaxRtg", "WDisChaRteMax"), RTG_DV: ("VNomRtg", "VNom")}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_ratings_of_702_are_those_that_pysunspec2_reads(data):
    theirs = drawn(702, [name for pair in RATED.values() for name in pair], data)
    words = words_of(theirs.get_mb())
    walk = Walk(3)
    answers = [[0x5375, 0x6E53], [103, 50], words[:2], [0xFFFF, 0]]
    while walk.next(None):
        walk.took(0, answers.pop(0))
    ratings = Ratings(Inverter(walk, 0))
    while ratings.next(None):
        at = ratings.addr - walk.addrs[1]
        ratings.took(0, array("H", words[at:at + ratings.count]))
    for place, names in RATED.items():
        for ours, name in zip((ratings.rtg, ratings.set), names):
            value = value_of(theirs, name)
            sign = -1 if place == RTG_VAR_NEG and ours[place] != ABSENT else 1
            assert agrees(sign * ours[place], value, 1 if place == RTG_DV else 0), name


BATTERIES = [(802, {"wh_rtg": "WHRtg", "w": "W"}), (713, {"wh_rtg": "WHRtg", "wh": "WHAvail"}),
             (124, {})]


@pytest.mark.parametrize(("model", "names"), BATTERIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_battery_holds_what_pysunspec2_says(model, names, data):
    soc = "ChaState" if model == 124 else "SoC"
    theirs = drawn(model, [*names.values(), soc], data)
    words = words_of(theirs.get_mb())
    thing = Battery(walked(model, words), 0)
    first = thing.live_addr - 40002
    frame = array("H", words[first:first + thing.live_count])
    if thing.take(frame) == NULL_FRAME:
        assert not any(frame)
        return
    for ours, name in names.items():
        if ours != "wh" or value_of(theirs, name) is not None:
            assert agrees(getattr(thing, ours), value_of(theirs, name), 0), name
    value = value_of(theirs, soc)
    if value is None or value > 100:
        assert thing.soc_pct100 == ABSENT or value < 100.01
    else:
        assert agrees(thing.soc_pct100, value, 2)


def commanded(control, model_id, model):
    """Run a control against the words of one model; what pysunspec2 then reads in it."""
    words = words_of(model.get_mb())
    base = control._at
    regs = array("H", bytes(64))
    while control.next(regs):
        at = control.addr - base
        if control.kind == 3:
            regs[:control.count] = array("H", words[at:at + control.count])
        else:
            words[at:at + control.count] = regs[:control.count]
        control.took(0, regs)
    assert control.result == OK
    return device.Model(model_id=model_id, model_len=model.len - 2,
                        data=struct.pack(f">{len(words)}H", *words))


def der_of(**values):
    """An inverter of 701, 702 and 704 whose ratings were read, and its model 704."""
    rated = device.Model(model_id=702, model_len=50)
    for name, value in {"WMax": 10000, "WChaRteMax": 5000, "WDisChaRteMax": 6000,
                        "W_SF": 0}.items():
        rated.points[name].value = value
    controls = device.Model(model_id=704, model_len=65)
    for name, value in values.items():
        controls.points[name].value = value
    walk = Walk(5)
    answers = [[0x5375, 0x6E53], [701, 153], [702, 50], [704, 65], [0xFFFF, 0]]
    while walk.next(None):
        walk.took(0, answers.pop(0))
    ratings = Ratings(Inverter(walk, 0))
    blocks = {702: words_of(rated.get_mb()), 704: words_of(controls.get_mb()), 701: [0xFFFF] * 155}
    while ratings.next(None):
        i = max(i for i in range(walk.n) if walk.addrs[i] <= ratings.addr)
        at = ratings.addr - walk.addrs[i]
        ratings.took(0, array("H", blocks[walk.ids[i]][at:at + ratings.count]))
    return ratings, controls


@settings(max_examples=100, deadline=None)
@given(cap_w=st.integers(-10, 12000), rvrt_w=st.integers(0, 10000), rvrt_s=st.integers(0, 65534),
       sf=st.integers(-2, 2))
def test_what_a_limit_writes_to_704_reads_as_meant(cap_w, rvrt_w, rvrt_s, sf):
    ratings, controls = der_of(WMaxLimPct_SF=sf, WMaxLimPctRvrt=0, WMaxLimPctEnaRvrt=0,
                               WMaxLimPctRvrtTms=7 << 16, WMaxLimPctEna=0, WMaxLimPct=1)
    limit = Limit(ratings._inverter, ratings, None, rvrt_w, rvrt_s)
    limit.begin(cap_w)
    points = commanded(limit, 704, controls).points
    for name, asked in (("WMaxLimPct", cap_w), ("WMaxLimPctRvrt", rvrt_w)):
        through = points[name].value * 10.0**sf * 100  # W of 10 kW
        rest_w = max(0, min(asked, 10000)) - through
        assert -1e-6 <= rest_w < 100 * 10.0**sf + 1e-6
    assert points["WMaxLimPctRvrtTms"].value == rvrt_s
    assert points["WMaxLimPctEnaRvrt"].value == (1 if rvrt_s else 0)
    assert points["WMaxLimPctEna"].value == 1


@settings(max_examples=100, deadline=None)
@given(w=st.integers(-7000, 7000), sf=st.integers(-2, 2))
def test_what_a_set_point_writes_to_704_reads_as_meant(w, sf):
    ratings, controls = der_of(WSet_SF=sf, WSetEna=0, WSet=0, WSetMod=0)
    storage = Storage(ratings._inverter, ratings)
    storage.begin(w, w)
    points = commanded(storage, 704, controls).points
    asked = max(-5000, min(w, 6000))
    meant = points["WSet"].value * 10.0**sf
    assert abs(meant) <= abs(asked) + 1e-6 and abs(asked - meant) < 10.0**sf + 1e-6
    assert (points["WSetMod"].value, points["WSetEna"].value) == (1, 1)


# The simulated site.


class Line:
    """Runs a sequence against a unit of the site."""

    def __init__(self, site, unit):
        self.site, self.unit, self.regs = site, unit, array("H", bytes(128))

    def run(self, seq):
        while seq.next(self.regs):
            seq.took(self.do(seq.kind, seq.addr, seq.count), self.regs)
        return seq.result

    def do(self, kind, addr, count):
        if self.site.silent(self.unit):
            return -2
        try:
            if kind == 3:
                for i, word in enumerate(self.site.read(self.unit, addr, count)):
                    self.regs[i] = word
            else:
                self.site.write(self.unit, addr, list(self.regs[:count]), kind)
        except Refused as refused:
            return refused.code
        return 0

    def live(self, thing):
        assert self.do(3, thing.live_addr, thing.live_count) == 0
        return thing.take(self.regs)


def site_of(pv=8000, load=500, **more):
    return Site(Settings(noise_w=0, **more), Profile([[0, pv]], [[0, load]]), start=0.0)


def connected(site):
    """A line to the inverter, the inverter, its ratings and its limit."""
    line, walk = Line(site, 1), Walk(16)
    assert line.run(walk) == OK and walk.marked
    unit = Inverter(walk, 0)
    ratings = Ratings(unit)
    assert line.run(ratings) == OK
    return line, unit, ratings, Limit(unit, ratings)


def test_the_site_is_found_and_says_who_it_is():
    line, unit, ratings, _ = connected(site_of())
    assert list(unit.walk.ids)[:6] == [1, 103, 120, 121, 122, 123]
    who = Common(unit.walk, 0)
    assert line.run(who) == OK
    assert (who.manufacturer, who.model, who.serial) == ("microsep2", "Simulated inverter",
                                                        "I-0001")
    assert (ratings.dertyp, ratings.rtg[RTG_W], ratings.wmax_w, ratings.pct_sf) == (
        4, 10000, 10000, -2)
    assert ratings.set[RTG_VA] == ABSENT


@pytest.mark.parametrize("sign", [1, -1])
def test_the_meter_of_the_site_reads_import_positive_with_moving_scale_factors(sign):
    site = site_of(meter_sign=sign)
    line, walk = Line(site, 200), Walk(8)
    assert line.run(walk) == OK
    meter = Meter(walk, 0, sign)
    for second in range(1, 8):
        site.fault(sf_moves=second % 2 == 1)
        site.advance(second + 0.1)
        assert line.live(meter) == OK
        assert abs(meter.w - site.plant.site_w) <= 10
        assert abs(meter.w_a + meter.w_b + meter.w_c - meter.w) <= 1
        assert 2200 < meter.dv_a < 2400 and abs(meter.mhz - 50000) < 200


@pytest.mark.parametrize("wmax_w", [4999, 10000, 65000, 100000, 600000])
def test_the_site_obeys_what_is_written_and_never_more(wmax_w):
    # The site's model 103 has no scale factor for more than 32 kW of power.
    site = site_of(pv=min(wmax_w, 30000), wmax_w=wmax_w)
    line, unit, ratings, limit = connected(site)
    assert ratings.wmax_w == wmax_w
    for n, cap_w in enumerate((0, 1, wmax_w // 3, wmax_w // 2 + 1, wmax_w, 5 * wmax_w)):
        limit.begin(cap_w)
        assert line.run(limit) == OK
        obeyed = site.inverter.cap_w
        assert obeyed <= min(cap_w, wmax_w) and min(cap_w, wmax_w) - obeyed <= wmax_w / 10000 + 1
        assert 0 <= limit.written_w - obeyed < 1
        assert (site.inverter.ena, site.inverter.rvrt_s) == (1, 0)
        site.advance(20.0 * (n + 1))
        assert line.live(unit) == OK and abs(unit.w - site.plant.pv_w) <= 10
        assert unit.w <= min(cap_w, wmax_w) + 1


@pytest.mark.parametrize("fault", ["fc16_refused", "fc6_refused"])
def test_the_limit_gets_through_with_one_function_alone(fault):
    site = site_of()
    line, _, _, limit = connected(site)
    site.fault(**{fault: True})
    for cap_w in (2500, 4000):
        limit.begin(cap_w)
        assert line.run(limit) == OK and site.inverter.cap_w == cap_w == limit.written_w
    assert site.write_log[-1]["refused"] == 0


def test_null_frames_and_silence_are_no_values():
    site = site_of()
    line, unit, _, limit = connected(site)
    site.fault(null_frames=True)
    assert line.live(unit) == NULL_FRAME and unit.w == unit.dv_a == ABSENT
    site.fault(null_frames=False, inverter_silent=True)
    limit.begin(1000)
    assert line.run(limit) == SILENT and limit.written_w == ABSENT


def test_a_reversion_timer_that_someone_else_set_is_stopped():
    site = site_of()
    line, _, _, limit = connected(site)
    site.write(1, site.inverter.controls + 5, [1000, 0, 60, 0, 1])
    limit.begin(2000)
    assert line.run(limit) == OK
    site.advance(200.0)
    assert site.inverter.cap_w == 2000
    site.inverter.ena = 0
    limit.recheck()
    assert line.run(limit) == DIFFERS
