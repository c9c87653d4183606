# heap: 512k
"""Limits of each phase: all three count as the one that stands worst."""

import check
import registers
from der.record import ABSENT, EXP_LIM_W
from plant import Unit
from sitecontrol import STALE, TRACKING
from south import METER, South


def rig_of(*watts, limit=3000):
    """A three-phase inverter at 5 kW; what each phase of the meter imports."""
    rig = South()
    rig.conf.per_phase = 1
    rig.meter.put(rig.meter.at(203, 18), sum(watts))
    for i in range(3):
        rig.meter.put(rig.meter.at(203, 19 + i), watts[i])
    rig.inverter.put(rig.inverter.at(103, 14), 5000)
    rig.allow(limit)
    return rig.run(6000)


def test_the_worst_phase_is_taken_three_times_each_way():
    rig = rig_of(-500, 200, 900)
    assert (rig.site.export_w, rig.site.import_w) == (1500, 2700)
    rig = rig_of(100, 200, 300)
    assert (rig.site.export_w, rig.site.import_w) == (-300, 900)


def test_a_phase_above_its_third_is_cut_though_the_sum_is_below():
    rig = rig_of(-1200, 600, 600)
    assert rig.control.site_w == 0 and rig.held_w() < 4500 and not rig.obeyed(EXP_LIM_W)
    rig = rig_of(-900, 600, 600)
    rig.run(4000)
    assert rig.site.state == TRACKING and rig.obeyed(EXP_LIM_W)


def test_a_phase_that_is_not_measured_leaves_the_site_blind():
    rig = rig_of(-100, 200, 300)
    assert rig.site.state == TRACKING
    rig.meter.put(rig.meter.at(203, 20), -0x8000)
    rig.run(6000)
    assert rig.site.export_w == ABSENT and rig.site.state == STALE
    assert 0 <= rig.held_w() <= 3000


def test_devices_and_meters_of_one_phase_are_refused():
    rig = South(inverter=Unit(registers.chain_of(
        registers.common(), registers.model(101, 50, {16: 500, 17: 0}), registers.nameplate(),
        registers.settings(), registers.controls())))
    rig.conf.per_phase = 1
    rig.run(3000)
    assert rig.control.fleet[0].control is None
    rig = South()
    rig.line.units[METER] = Unit(registers.chain_of(registers.common(), registers.meter(201)))
    rig.conf.per_phase = 1
    rig.run(3000)
    assert rig.control.meter is None and rig.site.state == STALE


def test_the_path_does_not_allocate():
    rig = rig_of(-1200, 600, 600)

    def drive():
        for _ in range(400):
            rig.world.t += 10
            rig.bus.step(rig.world.t)
            rig.control.step(rig.world.t)

    check.locked(drive)


check.run(globals())
