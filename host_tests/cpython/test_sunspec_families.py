"""One driver surface for every family of the simulated site: read, limited, connected, charged."""

from array import array

import pytest
from sunspec import (
    ABSENT,
    LIVE_MAX,
    OK,
    REFUSED,
    Battery,
    Connect,
    Inverter,
    Limit,
    MappedLimit,
    Meter,
    Ratings,
    Storage,
    Walk,
)

from tools.site import (
    BatterySettings,
    InverterSettings,
    MeterSettings,
    Profile,
    Refused,
    Settings,
    Site,
)

FAMILIES = ("1xx", "float", "7xx")


class Line:
    """Runs a sequence against a unit of the site."""

    def __init__(self, site, unit):
        self.site, self.unit, self.regs = site, unit, array("H", bytes(2 * LIVE_MAX))

    def do(self, kind, addr, count):
        """One operation: 0 or the exception's code."""
        try:
            if kind <= 4:
                words = self.site.read(self.unit, addr, count, kind)
                self.regs[:count] = array("H", words)
            else:
                self.site.write(self.unit, addr, list(self.regs[:count]), kind)
        except Refused as refused:
            return refused.code
        return 0

    def run(self, seq):
        while seq.next(self.regs):
            seq.took(self.do(seq.kind, seq.addr, seq.count), self.regs)
        return seq.result

    def live(self, thing):
        assert self.do(thing.live_kind, thing.live_addr, thing.live_count) == 0
        return thing.take(self.regs)

    def walked(self):
        walk = Walk(20)
        assert self.run(walk) == OK
        return walk

    def inverter(self):
        thing = Inverter(self.walked(), 0)
        ratings = Ratings(thing)
        assert self.run(ratings) == OK
        return thing, ratings


def site_of(family="1xx", **more):
    more.setdefault("inverters", (InverterSettings(unit=1, family=family),))
    return Site(Settings(**more), Profile([[0, 8000]], [[0, 500]]), start=0.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_read_limited_and_connected_alike(family):
    site = site_of(family)
    line = Line(site, 1)
    thing, ratings = line.inverter()
    assert ratings.wmax_w == ratings.rtg[0] == 10000
    site.advance(10.0)
    assert line.live(thing) == OK and abs(thing.w - site.plant.pv_w) <= 10
    assert 2200 < thing.dv_a < 2400 and abs(thing.mhz - 50000) < 200
    assert (thing.w_a == ABSENT) == (family != "7xx")
    assert line.do(3, thing.state_addr, thing.state_count) == 0
    assert thing.take_state(line.regs) == OK and thing.st == 4 and thing.alarms == 0
    limit = Limit(thing, ratings, None, 1500, 60 if family == "7xx" else 0)
    for n, cap_w in enumerate((2500, 0, 4999)):
        limit.begin(cap_w)
        assert line.run(limit) == OK and limit.written_w == cap_w
        site.advance(30.0 + 20.0 * n)
        assert line.live(thing) == OK and abs(thing.w - cap_w) <= 10
    connect = Connect(thing)
    connect.begin(0)
    assert line.run(connect) == OK
    site.advance(90.0)
    assert line.live(thing) == OK and thing.w == 0


def test_704_falls_back_to_what_was_written_and_a_heartbeat_keeps_it_from_that():
    site = site_of("7xx")
    line = Line(site, 1)
    thing, ratings = line.inverter()
    limit = Limit(thing, ratings, None, 1500, 60)
    limit.begin(5000)
    line.run(limit)
    for at in (20.0, 40.0, 60.0, 80.0):
        site.advance(at)
        line.live(thing)
        assert abs(thing.w - 5000) <= 10
        limit.begin(5000)
        assert line.run(limit) == OK
    site.advance(200.0)
    line.live(thing)
    assert abs(thing.w - 1500) <= 10


@pytest.mark.parametrize("family", ["1xx", "7xx"])
def test_a_battery_of_each_family_is_read_and_held(family):
    site = site_of(battery=BatterySettings(unit=10, family=family))
    line = Line(site, 10)
    thing, ratings = line.inverter()
    battery = Battery(thing.walk, 0, ratings)
    assert line.live(battery) == OK
    assert abs(battery.soc_pct100 - 5000) < 100 and battery.wh_rtg == 10000
    assert abs(battery.wh - 5000) < 100
    storage = Storage(thing, ratings)
    assert (storage.charge_w, storage.discharge_w) == (5000, 5000)
    for n, w in enumerate((-2000, 1500, 0)):
        storage.begin(w, w)
        assert line.run(storage) == OK and (storage.low_w, storage.high_w) == (w, w)
        site.advance(60.0 * (n + 1))
        assert line.live(thing) == OK and abs(thing.w - w) <= 10


@pytest.mark.parametrize("kind", ["sdm630", "sdm120", "201", "203", "204", "211", "213"])
def test_each_meter_reads_what_is_true(kind):
    site = site_of(meter=MeterSettings(unit=200, kind=kind))
    line = Line(site, 200)
    site.advance(5.0)
    meter = Meter(None, kind) if kind.startswith("sdm") else Meter(line.walked(), 0)
    assert line.live(meter) == OK and abs(meter.w - site.plant.site_w) <= 10
    assert 2200 < meter.dv_a < 2400 and abs(meter.mhz - 50000) < 200


@pytest.mark.parametrize(("family", "of_site"), [("solaredge", False), ("sungrow", True),
                                                 ("goodwe", True)])
def test_a_limit_without_sunspec_is_obeyed(family, of_site):
    site = site_of(family)
    line = Line(site, 1)
    thing = Inverter(line.walked(), 0)
    limit = MappedLimit(family, 10000, None, 1500, 60)
    assert limit.of_site == of_site
    limit.begin(2500)
    assert line.run(limit) == OK and limit.written_w == 2500
    site.advance(30.0)
    line.live(thing)
    kept_w = -site.plant.site_w if of_site else thing.w
    assert abs(kept_w - 2500) <= 20


def test_a_limit_of_another_make_is_refused():
    site = site_of("1xx")
    limit = MappedLimit("solaredge", 10000)
    limit.begin(2500)
    assert Line(site, 1).run(limit) == REFUSED and limit.written_w == ABSENT
