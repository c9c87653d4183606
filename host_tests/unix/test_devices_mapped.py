# heap: 800k
"""Inverters without any SunSpec: found at their map, limited there, and never read as zero."""

import check
from commissioning import decommission, record
from config import Config
from devices import Devices
from edges import Said, World, live, run
from loop import Loop
from modbus import Tcp
from plant import Line, Unit
from port import Bus, Op
from sitecontrol import BATTERY, PV, TRACKING
from south import FLOOR, INVERTER, South, battery_unit
from store import Store
from sunspec import ABSENT

_VALUES = ("w", "var", "va", "mhz", "dv_a", "dv_b", "dv_c", "w_a", "w_b", "w_c", "var_a", "var_b",
           "var_c", "st", "alarms", "gen_conn", "stor_conn")


def goodwe():
    """Holding registers 47500 .. 47519 and nothing else: every other read is refused."""
    return Unit([0] * 20, 47500)


def sungrow():
    return Unit([0] * 40, 13060)


class House(South):
    """A South whose inverter has no model: it makes what the meter shows."""

    def __init__(self, unit, name, w=10000, **kw):
        super().__init__(inverter=unit, **kw)
        self.conf.inverter_map, self.conf.inverter_w = name, w

    def set(self, pv_w, load_w):
        self.meter.put(self.meter.at(203, 18), load_w - pv_w)


def found(unit, name, w=10000, per_phase=0, silent=False, code=0):
    """(what find() gives, bus, log) of that unit, alone on its line."""
    world, said = World(), Said()
    loop = Loop(world, world)
    unit.silent, unit.code = silent, code
    bus = Bus(loop, Tcp(), Line(world, {1: unit}).connect, 300, "roof")
    loop.supervise("roof", bus.run)
    live(world, loop, 100)
    conf = Config()
    conf.inverter_map, conf.inverter_w = name, w
    conf.battery_pv, conf.per_phase = 0, per_phase
    return run(world, loop, Devices(loop, Op, 20, 1500).find(PV, bus, 1, conf)), bus, said


def test_it_is_found_at_its_map_with_the_rating_of_the_settings():
    for unit, name, every_ms in ((goodwe(), "goodwe", 10000), (sungrow(), "sungrow", 1000),
                                 (sungrow(), "sungrow_permille", 1000)):
        got, bus, said = found(unit, name, 8000)
        driver, ratings, control, switch, store, every, most_w = got
        assert (control.wmax_w, control.of_site, every) == (8000, True, every_ms), name
        assert ratings is switch is store is None and most_w == 1 << 29
        assert bus.timeout_ms == 2000  # its maker's row holds
        assert said.count("INVERTER_READY", "wmax_w=8000") == 1
        assert said.count("INVERTER_NO_SUNSPEC") == said.count("INVERTER_SILENT") == 0
        for value in _VALUES:
            assert getattr(driver, value, ABSENT) == ABSENT, value
        for words in ([0] * 84, [1] * 84, [0xFFFF] * 84):
            assert driver.take(words) == 0 and driver.w == ABSENT


def test_what_does_not_fit_is_said_and_not_found():
    for kw, code, why in (
            ({"silent": True}, "INVERTER_SILENT", "bus=roof"),
            ({"code": 2}, "INVERTER_REFUSED", "bus=roof"),
            ({"code": 6}, "INVERTER_REFUSED", "bus=roof"),
            ({"w": 0}, "INVERTER_UNFIT", "no WMax"),
            ({"w": 70000}, "INVERTER_UNFIT", "register"),
            ({"per_phase": 1}, "INVERTER_UNFIT", "per_phase")):
        got, _bus, said = found(goodwe(), "goodwe", **kw)
        assert got is None and said.count(code, why) == 1, (kw, said.lines)
    got, _bus, said = found(sungrow(), "goodwe")  # another map than its own
    assert got is None and said.count("INVERTER_REFUSED") == 1


def test_it_is_told_the_sites_export_limit_and_no_power_is_made_up():
    for unit, name, enable, value, on in ((goodwe(), "goodwe", 47509, 47510, 1),
                                          (sungrow(), "sungrow", 13086, 13073, 0xAA)):
        rig = House(unit, name)
        rig.run(3000)
        assert rig.steered.stands and rig.gate.up
        assert (unit.get(enable), unit.get(value)) == (on, FLOOR)
        rig.allow(4000)
        rig.set(3000, 500)
        rig.run(12000)
        assert (unit.get(enable), unit.get(value)) == (on, 4000) and rig.site.state == TRACKING
        assert rig.steered.answers() and not rig.steered.lost and rig.obeyed()
        assert rig.said.count("DEVICE_SILENT") == 0
        assert rig.steered.w == rig.steered.p_w == rig.control.pv_w == ABSENT
        assert rig.truth.modes == rig.schedule.supported == 0x20  # EXP_LIM_W, and nothing else
        assert rig.truth.rtg[0] == rig.truth.set[0] == 10000 == rig.limits.wmax_w
        for i in range(1, 8):
            assert rig.truth.rtg[i] == ABSENT
        rig.allow(0)
        rig.run(12000)
        assert unit.get(value) == 0 and unit.get(enable) == on


def test_it_is_lost_and_comes_back_without_an_exception():
    unit = sungrow()
    rig = House(unit, "sungrow")
    rig.allow(4000)
    rig.run(6000)
    unit.silent = True
    rig.run(45000)  # five answers that did not come, each given 2 s, with rests between them
    assert not rig.steered.answers() and rig.steered.lost and not rig.steered.stands
    unit.silent = False
    unit.put(13073, 9999)  # restarted
    rig.run(20000)
    assert rig.steered.answers() and rig.steered.stands and unit.get(13073) == 4000
    unit.code = 6
    rig.run(4000)
    assert not rig.steered.answers()
    unit.code = 0
    rig.run(8000)
    assert rig.steered.answers()


def test_a_site_over_its_limit_is_not_obeyed():
    rig = House(sungrow(), "sungrow")
    rig.run(3000)
    rig.allow(2000)
    rig.set(3000, 500)
    rig.run(12000)
    assert rig.steered.holds() and not rig.obeyed()
    rig.set(2400, 500)
    rig.run(3000)
    assert rig.obeyed()
    rig.meter.silent = True  # and nobody sees it any more
    rig.run(6000)
    assert not rig.obeyed()


def test_a_battery_beside_it_is_steered_as_beside_a_silent_one():
    unit = goodwe()
    rig = House(unit, "goodwe", more=((BATTERY, 2, battery_unit()),))
    rig.run(9000)
    rig.allow(5000)
    rig.set(3000, 500)
    rig.run(12000)
    assert [d.control is not None for d in rig.fleet] == [True, True]
    assert rig.site.fault[0] == 1 and rig.fleet[1].stands  # SILENT: taken to be at its rating
    assert unit.get(47510) == 5000
    assert rig.fleet[1].high_w <= 0  # with the 10 kW that may be made beside it


def test_its_own_limit_is_kept_and_given_back():
    unit = sungrow()
    unit.put(13073, 7000)
    unit.put(13086, 0xAA)
    rig = House(unit, "sungrow")
    rig.control.devices.store = Store(rig.flash.folder)
    rig.run(6000)
    do = record(rig.loop, rig.control, rig.control.devices, 0)
    assert run(rig.world, rig.loop, do) == (7000, "OWN_LIMIT_KEPT"), rig.said.lines[-3:]
    rig.allow(9000)
    rig.run(15000)
    assert rig.steered.most_w == 7000 and unit.get(13073) <= 7000
    do = decommission(rig.loop, rig.control, rig.control.devices, 0)
    assert run(rig.world, rig.loop, do) == (1, "DECOMMISSIONED"), rig.said.lines[-3:]
    assert (unit.get(13073), unit.get(13086)) == (7000, 0xAA)


def test_the_steps_of_one_without_readings_allocate_nothing():
    rig = House(sungrow(), "sungrow")
    rig.allow(4000)
    rig.run(6000)
    device = rig.steered

    def steps():
        for k in range(40):
            device.took(device.read_op, rig.world.t)
            rig.control.step(rig.world.t + 400 * k)

    check.locked(steps)
    assert rig.line.units[INVERTER].writes > 0


check.run(globals())
