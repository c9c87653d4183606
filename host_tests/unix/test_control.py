# heap: 656k
"""The limit in the inverter, on a line in memory: when it is written, held and obeyed."""

import check
from der import GEN_LIM_W
from sitecontrol import STALE, TRACKING
from south import FLOOR, South

_LATE = 60  # ms from the step that decides to the write on the line


# -- what is written, and when ------------------------------------------------


def test_the_limit_is_first_written_blind_at_the_floor():
    rig = South(meter=False).run(3000)
    assert rig.inverter.written() == [[rig.written()[0][0], rig.inverter.at(123, 5), FLOOR]]
    assert rig.written()[0][0] < 1500
    block = [rig.inverter.get(rig.inverter.at(123, i)) for i in range(5, 10)]
    assert block == [FLOOR, 0, 0, 0, 1]  # no window, no reversion, no ramp, enabled
    assert rig.gate.up and rig.control.cap_w == FLOOR and rig.limits.wmax_w == 10000
    assert rig.site.state == STALE
    rig.run(3000)
    assert rig.said.count("LIMIT_TAKEN", "cap_w=1500") == 1 and rig.said.count("BLIND") == 1


def test_generation_that_nobody_steers_comes_off_the_blind_limit():
    rig = South(meter=False, others_w=600).run(3000)
    assert rig.held_w() == 900


def test_the_gate_stays_down_while_no_limit_stands():
    rig = South(meter=False)
    rig.inverter.forgets = True
    rig.run(5000)
    assert rig.inverter.writes and not rig.gate.up


def test_a_cut_is_written_at_once_and_a_raise_takes_its_time():
    rig = South(meter=False).run(3000)
    rig.allow(5000)
    rig.run(6000)
    assert rig.held_w() == 5000
    rig.allow(7000)
    rig.run(6000)
    assert rig.held_w() == 7000
    at = [t for t, w in rig.written() if w > FLOOR]
    assert min([b - a for a, b in zip(at, at[1:])] or [1000]) >= 600, at
    for w in (2000, 1800):
        rig.allow(w)
        begun = rig.world.t
        rig.run(1000)
        at, held = rig.written()[-1]
        assert held == w and at - begun <= 200 + _LATE, (at, begun)


def test_a_limit_that_stands_is_written_again_each_minute():
    rig = South(meter=False).run(3000)
    assert rig.inverter.writes == 1 and rig.steered.heartbeats == 0
    rig.run(200000)
    at = [t for t, _ in rig.written()]
    assert [w for _, w in rig.written()] == [FLOOR] * 4, rig.written()
    assert rig.steered.heartbeats == 3
    for a, b in zip(at, at[1:]):
        assert 60000 <= b - a <= 60500, at


# -- sight ----------------------------------------------------------------------


def test_with_a_meter_the_load_of_the_house_adds_to_the_limit():
    rig = South().prove()
    rig.set(1500, 3000)
    rig.run(8000)
    assert rig.site.state == TRACKING and rig.said.count("SIGHTED") == 1
    assert rig.control.site_w == 1500 and rig.control.pv_w == 1500
    assert 4300 <= rig.control.cap_w <= 4500 and rig.held_w() == rig.control.cap_w
    rig.set(4400, 0)
    begun = rig.world.t
    rig.run(1000)
    assert rig.held_w() <= FLOOR
    first = min([t for t, w in rig.written() if t > begun and w <= FLOOR])
    assert first - begun <= 400 + _LATE, first - begun


def test_a_frozen_meter_is_no_sight():
    rig = South().prove()
    rig.set(1500, 3000)
    rig.run(8000)
    assert rig.held_w() > 4000
    rig.meter.wiggle = None
    begun = rig.world.t
    while rig.site.state == TRACKING:
        rig.run(200)
        assert rig.world.t - begun < 7000
    assert rig.world.t - begun >= 4800
    rig.run(2000)
    assert rig.held_w() == FLOOR and rig.said.count("BLIND", "cap_w=1500") >= 1
    rig.meter.wiggle = rig.meter.at(203, 16)
    rig.run(3000)
    assert rig.site.state == TRACKING


def test_a_meter_that_goes_silent_is_no_sight_after_two_seconds():
    rig = South()
    rig.set(1500, 3000)
    rig.run(8000)
    rig.meter.silent = True
    begun = rig.world.t
    while rig.site.state == TRACKING:
        rig.run(100)
    assert 1900 <= rig.world.t - begun <= 2700
    rig.run(10000)
    assert rig.held_w() == FLOOR


# -- obeyed -----------------------------------------------------------------------


def test_obeyed_is_said_after_five_good_runs_with_the_limit_standing():
    rig = South().run(6000)
    assert rig.obeyed()
    rig.set(1000, 0)
    rig.run(1000)
    rig.allow(2000)
    begun = rig.world.t
    while not rig.obeyed():
        rig.run(20)
        assert rig.world.t - begun < 3000
    assert 800 <= rig.world.t - begun <= 1500


def test_power_above_the_limit_is_not_obeyed():
    for meter in (True, False):
        rig = South(meter=meter).run(6000)
        rig.set(1800, 0)
        rig.run(1000)
        rig.allow(1200)
        for _ in range(60):
            rig.run(1000)
            assert not rig.obeyed(), meter
        rig.set(1150, 0)
        rig.run(2000)
        assert rig.obeyed(), meter


def test_a_limit_that_does_not_stand_is_not_obeyed():
    rig = South().run(6000)
    rig.inverter.forgets = True
    rig.allow(1000)
    rig.run(8000)
    assert not rig.obeyed()  # the house makes nothing, and yet
    rig.inverter.forgets = False
    rig.run(3000)
    assert rig.obeyed()


def test_power_that_is_not_known_is_not_obeyed():
    rig = South(meter=False)
    rig.inverter.put(rig.inverter.at(103, 14), 0x8000)
    rig.run(8000)
    assert rig.held_w() == FLOOR and not rig.obeyed()


def test_a_generation_limit_is_held_and_judged_too():
    rig = South()
    rig.set(3000, 8000)
    rig.run(6000)
    rig.allow(5000, 2000)
    rig.run(3000)
    assert rig.held_w() <= 2000 and not rig.obeyed(GEN_LIM_W) and rig.obeyed()
    rig.set(2000, 8000)
    rig.run(2000)
    assert rig.obeyed(GEN_LIM_W)


# -- memory ---------------------------------------------------------------------------


def test_the_200_ms_path_does_not_allocate():
    rig = South()
    rig.set(1500, 3000)
    rig.run(8000)
    rig.allow(4000)
    rig.run(3000)
    rig.event(500, 3, 4)
    rig.event(2500, 12, 4)
    writes, beats = rig.inverter.writes, rig.steered.heartbeats
    world, bus, control, limits = rig.world, rig.bus, rig.control, rig.limits
    world.t -= world.t % 10

    def drive():
        end = world.t + 100000
        while world.t < end:
            world.t += 10
            bus.step(world.t)
            if world.t % 200 == 0:
                control.step(world.t)
            if world.t % 1000 == 0:
                limits.step(world.t)

    check.locked(drive)
    assert rig.inverter.writes >= writes + 4 and rig.steered.heartbeats > beats
    assert min(w for _, w in rig.written()) < 3600 and rig.obeyed()
    assert rig.site.state == TRACKING


def test_the_path_does_not_allocate_when_nothing_answers():
    rig = South().run(6000)
    world, bus, control = rig.world, rig.bus, rig.control
    rig.inverter.forgets = True
    rig.allow(200)

    def drive():
        end = world.t + 4000
        while world.t < end:
            world.t += 10
            bus.step(world.t)
            if world.t % 200 == 0:
                control.step(world.t)

    check.locked(drive)
    rig.inverter.silent = rig.meter.silent = True
    check.locked(drive)
    assert rig.site.state == STALE and not rig.steered.stands


check.run(globals())
