# heap: 1232k
"""Several devices behind one meter: who may make how much, who is in the way, what was obeyed."""

import check
import registers
from der import (
    CONNECT,
    ENERGIZE,
    EXP_LIM_W,
    FIXED_W,
    GEN_LIM_W,
    IMP_LIM_W,
    LOAD_LIM_W,
    STORAGE_TARGET_W,
    TARGET_W,
)
from plant import Unit
from sitecontrol import BATTERY, PV, STALE, TRACKING
from south import FLOOR, INVERTER, South, battery_unit, inverter_unit
from told import Told

_LATE = 60  # ms from the step that decides to the write on the line


class Two(South):
    """Two inverters of 10 kW; `makes` sets their power and the load of the house."""

    def __init__(self, **kw):
        self.other = inverter_unit()
        super().__init__(more=((PV, 2, self.other),), **kw)
        self.makes(0, 0, 0)

    def makes(self, first_w, second_w, load_w):
        self.other.put(self.other.at(103, 14), second_w)
        self.inverter.put(self.inverter.at(103, 14), first_w)
        self.meter.put(self.meter.at(203, 18), load_w - first_w - second_w)

    def caps(self):
        return [u.get(u.at(123, 5)) for u in (self.inverter, self.other)]


class House(South):
    """An inverter and a battery of 5 kW; powers at the meter follow from what is set."""

    def __init__(self, **kw):
        self.battery = battery_unit(registers.lithium())
        super().__init__(more=((BATTERY, 2, self.battery),), **kw)

    def flows(self, pv_w, battery_w, load_w):
        self.inverter.put(self.inverter.at(103, 14), pv_w)
        self.battery.put(self.battery.at(103, 14), battery_w)
        self.meter.put(self.meter.at(203, 18), load_w - pv_w - battery_w)

    def band(self):
        unit = self.battery
        out, into = [(v - 65536 if v > 32767 else v) // 2 for v in (
            unit.get(unit.at(124, 12)), unit.get(unit.at(124, 13)))]
        return -into, out


# -- shares ----------------------------------------------------------------


def test_blind_the_floor_is_shared_by_rating():
    rig = Two(meter=False).run(5000)
    assert sum(rig.caps()) == FLOOR == rig.control.cap_w and min(rig.caps()) >= FLOOR // 3
    assert rig.gate.up and rig.limits.wmax_w == 20000 and rig.site.state == STALE


def test_while_one_was_never_found_nothing_is_given_away_blind():
    rig = Two(meter=False)
    rig.other.silent = True
    rig.run(20000)
    assert rig.caps()[0] == 0 and not rig.gate.up
    rig.other.silent = False
    rig.run(70000)
    assert FLOOR - 20 <= sum(rig.caps()) <= FLOOR and rig.gate.up


def test_while_one_was_never_found_an_absurd_meter_gives_nothing_away_either():
    rig = Two()
    rig.other.silent = True
    rig.prove().run(3000)
    rig.allow(5000)
    rig.makes(5000, 0, 3000)
    rig.run(17000)
    assert rig.caps()[0] > 5000
    rig.meter.put(rig.meter.at(203, 22), 2)  # its scale factor: it takes 3 MW
    rig.meter.put(rig.meter.at(203, 18), 30000)
    rig.run(1000)
    assert rig.site.state == STALE and rig.caps()[0] == 0


def test_while_one_was_never_found_no_limit_of_generation_or_load_is_given_to_others():
    rig = Two()
    rig.other.silent = True
    rig.run(3000)
    rig.allow(5000, gen_w=3000)
    rig.makes(1000, 0, 1500)
    rig.run(8000)
    assert rig.site.state == TRACKING and rig.caps()[0] == 0 and not rig.obeyed(GEN_LIM_W)
    rig.other.silent = False
    rig.run(70000)
    assert sum(rig.caps()) > 2900
    silent = battery_unit(registers.lithium(), serial="B-2")
    silent.silent = True
    battery = battery_unit(registers.lithium())
    rig = South(more=((BATTERY, 2, battery), (BATTERY, 3, silent))).run(3000)
    rig.allow(5000, m8=2000)
    rig.run(8000)
    assert rig.site.low_w[1] == 0 and battery.get(battery.at(124, 13)) == 0
    silent.silent = False
    rig.run(70000)
    assert -2000 <= rig.site.low_w[1] + rig.site.low_w[2] < -1800, list(rig.site.low_w)


def test_sighted_the_caps_follow_the_load_and_who_has_the_sun():
    rig = Two().prove()
    rig.allow(5000)
    rig.makes(4000, 1000, 3000)
    rig.run(20000)
    assert rig.site.state == TRACKING
    first, second = rig.caps()
    assert 7000 <= first + second <= 8000 and second >= 1000 and first >= 5000, (first, second)
    rig.makes(4000, 1000, 0)
    begun = rig.world.t
    rig.run(1000)
    assert sum(rig.caps()) <= 5000
    last = max([t for u in (rig.inverter, rig.other) for t, _, _ in u.written()])
    assert last - begun <= 800 + _LATE


# -- one that is in the way ------------------------------------------------


def test_a_silent_inverter_is_taken_at_its_rating_and_said():
    rig = Two()
    rig.allow(5000)
    rig.makes(2000, 2000, 3000)
    rig.run(10000)
    rig.other.silent = True
    rig.run(4000)
    assert rig.site.fault[1] == 1 and rig.caps()[0] == 0
    assert rig.said.count("DEVICE_SILENT", "unit=2", "bus=line") == 1
    assert not rig.obeyed()
    rig.other.silent = False
    rig.run(15000)
    assert rig.said.count("DEVICE_WELL", "unit=2") == 1
    assert sum(rig.caps()) >= 5000 and rig.fleet[1].stands


def test_an_inverter_that_falls_silent_at_night_lets_no_battery_draw_from_the_grid():
    rig = House()
    rig.flows(0, 0, 500)
    rig.run(8000)
    rig.allow(1500)
    rig.run(15000)
    rig.inverter.silent = True
    rig.run(60000)
    assert rig.site.fault[0] == 1 and rig.band() == (-5000, 0), rig.band()
    rig.meter.put(rig.meter.at(203, 18), 500 - 6000)  # it makes what nobody hears of
    rig.run(1000)
    assert -4500 < rig.band()[1] < -4000, rig.band()
    rig.meter.put(rig.meter.at(203, 18), 500)
    rig.inverter.silent = False
    rig.run(20000)
    assert rig.site.fault[0] == 0 and rig.band()[1] > 1000, rig.band()


def test_an_inverter_that_does_not_obey_is_said_and_the_other_makes_up_for_it():
    rig = Two()
    rig.allow(5000)
    rig.makes(3000, 3000, 2000)
    rig.run(10000)
    rig.other.forgets = False
    rig.allow(2000)
    for _ in range(20):
        rig.makes(min(3000, rig.caps()[0]), 3000, 2000)  # the other one stays where it is
        rig.run(1000)
    assert rig.site.fault[1] == 2
    assert rig.said.count("DEVICE_DISOBEYS", "unit=2", "w=3000") == 1
    assert rig.caps()[0] <= 1000
    rig.makes(500, min(1500, rig.caps()[1]), 2000)
    rig.run(5000)
    assert rig.said.count("DEVICE_WELL", "unit=2") == 1


def test_a_limit_that_one_does_not_take_is_said_of_that_one():
    rig = Two(meter=False)
    rig.other.forgets = True
    rig.run(8000)
    assert rig.said.count("LIMIT_NOT_TAKEN", "unit=2") == 1
    assert rig.said.count("LIMIT_TAKEN", "unit=1") == 1 and not rig.gate.up
    rig.other.forgets = False
    rig.run(8000)
    assert rig.said.count("LIMIT_TAKEN", "unit=2") == 1 and rig.gate.up


def test_devices_beyond_what_the_law_can_steer_are_said_and_left_out():
    big = Unit(registers.chain_of(
        registers.common(), registers.inverter(w=0, w_sf=2), registers.nameplate(9950, 2),
        registers.settings(9950, 2), registers.controls()))
    big.wiggle = big.at(103, 16)
    third = inverter_unit()
    rig = South(more=((PV, 2, big), (PV, 3, third))).run(20000)
    assert rig.said.count("INVERTER_UNFIT", "unit=2", "1000000") >= 1
    assert not rig.said.count("TASK_FAILED") and third.writes and not big.writes


def test_a_sleeping_inverter_leaves_its_share_to_the_other():
    rig = Two().prove()
    rig.allow(5000)
    rig.makes(4000, 0, 1000)
    other = rig.other
    for i in range(2, 41):
        other.put(other.at(103, i), 0x8000 if i in (14, 20, 24, 36) else 0xFFFF)
    other.wiggle = None
    rig.run(20000)
    assert rig.control.pv_w == 4000 and rig.site.fault[1] == 0
    assert rig.caps()[0] >= 4800 and rig.obeyed()


# -- obeyed, mode by mode --------------------------------------------------


def obeyed(rig):
    """Which of the modes were seen obeyed."""
    return [m for m in (CONNECT, ENERGIZE, FIXED_W, TARGET_W, EXP_LIM_W, IMP_LIM_W, GEN_LIM_W,
                        LOAD_LIM_W, STORAGE_TARGET_W) if rig.obeyed(m)]


_EACH = [CONNECT, ENERGIZE, FIXED_W, TARGET_W, EXP_LIM_W, IMP_LIM_W, GEN_LIM_W, LOAD_LIM_W,
         STORAGE_TARGET_W]


def test_each_mode_is_judged_by_its_own_power():
    for settings, flows, broken in (
            ({}, (1000, 0, 500), []),
            ({}, (1900, 0, 500), [EXP_LIM_W]),
            ({"m6": 700}, (0, 0, 900), [IMP_LIM_W]),
            ({"gen_w": 1000}, (800, 400, 1200), [GEN_LIM_W]),
            ({"m8": 1000}, (0, -1200, 0), [LOAD_LIM_W]),
            ({"m9": 1000}, (0, 1200, 300), [STORAGE_TARGET_W]),
            ({"m9": 1000}, (0, 950, 300), []),
            ({"m9": 1000}, (0, -950, 300), [STORAGE_TARGET_W]),
            ({"m9": -1000}, (0, -1200, 300), [STORAGE_TARGET_W]),
            ({"m9": -1000}, (0, -400, 300), []),
            ({"m9": -1000}, (0, 0, 300), [STORAGE_TARGET_W]),
            ({"m9": 1000}, (0, -20, 300), [STORAGE_TARGET_W]),
            ({"m4": 800}, (700, 300, 200), [FIXED_W, TARGET_W])):
        rig = House().run(6000)
        rig.allow(1200, **settings)
        rig.flows(*flows)
        rig.run(6000)
        seen = obeyed(rig)
        assert not [m for m in broken if m in seen], (settings, flows, seen)
        assert broken or seen == _EACH, (settings, flows, seen)


def test_a_set_point_is_obeyed_by_what_is_not_beyond_it():
    for settings, pv_w, kept in (({"m4": 800}, 780, True), ({"m4": 800}, 100, True),
                                 ({"m4": 800}, 1000, False), ({"m2": 500}, 480, True),
                                 ({"m2": 500}, 700, False)):
        rig = South().run(6000)
        rig.allow(1500, **settings)
        rig.set(pv_w, 200)
        rig.run(6000)
        seen = set()
        for _ in range(40):
            seen.update(obeyed(rig))
            rig.run(250)
        assert (TARGET_W in seen) == (FIXED_W in seen) == kept, (settings, pv_w, seen)
        assert EXP_LIM_W in seen


def test_off_is_obeyed_once_the_switches_and_the_powers_say_so():
    rig = House().run(6000)
    rig.flows(800, 400, 600)
    rig.run(1000)
    rig.battery.forgets = True
    rig.allow(1200, m0=0)
    rig.run(4000)
    assert not rig.site.on and obeyed(rig) == []  # the battery's band does not stand
    rig.battery.forgets = False
    rig.run(4000)
    assert CONNECT not in obeyed(rig)  # they still make power
    rig.flows(0, 0, 600)
    rig.run(3000)
    assert CONNECT in obeyed(rig) and rig.fleet[0].on == rig.fleet[1].on == 0
    rig.inverter.forgets = True
    rig.allow(1200, m0=1)
    rig.run(3000)
    assert CONNECT not in obeyed(rig)
    rig.inverter.forgets = False
    rig.run(4000)
    assert CONNECT in obeyed(rig)


def test_at_night_off_is_obeyed_no_sooner_than_the_switch_is_taken():
    rig = South()
    rig.allow(0)
    rig.run(6000)
    assert CONNECT in obeyed(rig)
    rig.inverter.forgets = True
    rig.allow(0, m0=0)
    rig.run(5000)
    assert CONNECT not in obeyed(rig) and EXP_LIM_W in obeyed(rig)
    rig.inverter.forgets = False
    rig.run(3000)
    assert CONNECT in obeyed(rig)


def test_a_cut_is_obeyed_a_second_after_it_was_decided_and_not_while_it_is_not_taken():
    rig = South(meter=False).run(6000)
    rig.allow(5000)
    rig.run(6000)
    for w in (3000, 2000, 1000):
        rig.allow(w)
        while rig.steered.high_w != w:
            rig.run(10)
        at = rig.world.t
        while not rig.obeyed():
            rig.run(10)
        assert 780 <= rig.world.t - at <= 1300, rig.world.t - at
        assert rig.written()[-1][1] == w == rig.steered.held_high
        rig.run(1000)
    rig.inverter.deaf = (rig.inverter.at(123, 5),)
    rig.allow(500)
    for _ in range(30):
        rig.run(100)
        assert not rig.obeyed()


def test_a_limit_that_rises_each_second_is_obeyed_all_the_while():
    rig = South()
    rig.limits.complete = True
    rig.allow(0)
    rig.set(0, 0)
    rig.run(6000)
    seen = 0
    for _ in range(20):
        rig.set(rig.held_w(), 0)
        rig.allow(rig.limits.w[0] + 250)
        writes = rig.inverter.writes
        rig.run(1400)
        seen += rig.obeyed() and rig.inverter.writes > writes
    assert seen >= 10, seen


# -- the grid is gone ------------------------------------------------------


def volts(unit, model, offset, dv):
    for i in range(3):
        unit.put(unit.at(model, offset + i), dv)


def test_dark_is_three_seconds_without_a_voltage_at_meter_and_devices():
    rig = Two().run(8000)
    assert not rig.control.dark
    volts(rig.meter, 203, 8, 0)
    rig.run(10000)
    assert not rig.control.dark  # the inverters still measure it
    volts(rig.inverter, 103, 10, 0)
    rig.run(5000)
    assert not rig.control.dark
    volts(rig.other, 103, 10, 450)
    begun = rig.world.t
    while not rig.control.dark:
        rig.run(100)
        assert rig.world.t - begun < 6000
    assert rig.world.t - begun >= 2500, rig.world.t - begun
    volts(rig.other, 103, 10, 470)
    rig.run(1500)
    assert not rig.control.dark


def test_a_blink_is_not_dark():
    rig = South().run(8000)
    for _ in range(5):
        volts(rig.meter, 203, 8, 0)
        volts(rig.inverter, 103, 10, 0)
        rig.run(1500)
        assert not rig.control.dark
        volts(rig.meter, 203, 8, 2300)
        rig.run(1500)
    assert not rig.control.dark


def test_silence_is_no_darkness_and_ends_none():
    rig = South().run(8000)
    rig.meter.silent = rig.inverter.silent = True
    rig.run(20000)
    assert not rig.control.dark
    volts(rig.meter, 203, 8, 0)
    rig.meter.silent = False
    begun = rig.world.t
    while not rig.control.dark:
        rig.run(100)
        assert rig.world.t - begun < 12000
    assert rig.world.t - begun >= 2500
    rig.meter.silent = True
    rig.run(20000)
    assert rig.control.dark
    volts(rig.meter, 203, 8, 2300)
    rig.meter.silent = False
    rig.run(70000)  # the line is opened again in its turn
    assert not rig.control.dark


def test_an_inverter_at_night_that_has_let_go_of_the_grid_is_no_darkness():
    rig = South(meter=False).run(8000)
    rig.inverter.put(rig.inverter.at(103, 38), 2)
    rig.run(3000)
    volts(rig.inverter, 103, 10, 0)
    rig.run(20000)
    assert not rig.control.dark


def test_darkness_is_seen_in_time_while_a_device_is_missing():
    rig = Two()
    rig.other.silent = True
    rig.run(30000)
    volts(rig.meter, 203, 8, 0)
    volts(rig.inverter, 103, 10, 0)
    begun = rig.world.t
    while not rig.control.dark:
        rig.run(200)
        assert rig.world.t - begun < 25000
    assert rig.world.t - begun >= 2800


# -- the end ---------------------------------------------------------------


def park(rig, ms=3000):
    rig.limits.complete = False
    rig.schedule.drop_program(0)
    rig.limits.step(rig.world.t)
    rig.loop.spawn("park", rig.control.park(rig.loop.after(ms)))
    begun = rig.world.t
    while rig.control.parked < 0:
        rig.loop.turn()
        assert rig.world.t - begun <= ms + 2000
    return rig.control.parked


def test_parking_leaves_the_floor_in_both():
    rig = Two()
    rig.allow(5000)
    rig.makes(4000, 3000, 3500)
    rig.run(9000)
    assert park(rig) == 1
    for _ in range(3):
        assert sum(rig.caps()) <= FLOOR, rig.caps()
        rig.run(1000)


def test_parking_needs_both():
    rig = Two()
    rig.allow(5000)
    rig.run(9000)
    rig.other.silent = True
    assert park(rig) == 0


def test_parking_holds_a_battery_too():
    rig = House()
    rig.allow(5000)
    rig.flows(4000, 1000, 2000)
    rig.run(9000)
    assert park(rig) == 1
    assert rig.held_w() + max(0, rig.band()[1]) <= FLOOR


# -- memory ----------------------------------------------------------------


def test_the_200_ms_path_does_not_allocate_with_battery_and_telemetry():
    rig = House()
    rig.flows(1500, 500, 3000)
    told = Told(rig)
    rig.run(9000)
    rig.allow(4000)
    rig.run(3000)
    rig.event(500, 3, 4)
    rig.event(2500, 12, 4)
    writes = [rig.inverter.writes, rig.battery.writes]
    telemetry = told.telemetry
    assert telemetry.site is not None and telemetry.der is not None
    rig.world.t -= rig.world.t % 10
    swings = (1500, 500, 2900, 3800, 300, 0)

    def drive():  # of five names from outside at most: a call with more allocates
        world, n = rig.world, 0
        end = world.t + 320000
        while world.t < end:
            world.t += 10
            rig.bus.step(world.t)
            if world.t % 200 == 0:
                rig.control.step(world.t)
            if world.t % 1000 == 0:
                rig.limits.step(world.t)
                telemetry.step(world.t)
            if world.t % 10000 == 0:
                n = (n + 1) % 6
                rig.flows(swings[n], 500 - swings[n] // 4, 3000 - swings[n] // 2)

    check.locked(drive)
    assert rig.inverter.writes > writes[0] + 5 and rig.battery.writes > writes[1] + 3
    assert telemetry.site.window.partial >= 1
    assert rig.site.state == TRACKING and INVERTER in rig.line.units


def test_the_path_does_not_allocate_while_a_battery_is_switched_off_and_on_again():
    rig = House().run(9000)
    rig.flows(0, 0, 500)
    world, bus, control = rig.world, rig.bus, rig.control

    def drive():
        end = world.t + 8000
        while world.t < end:
            world.t += 10
            bus.step(world.t)
            if world.t % 200 == 0:
                control.step(world.t)

    for on in (0, 1):
        rig.allow(2000, m1=on)
        world.t -= world.t % 10
        check.locked(drive)
        assert [device.on for device in rig.fleet] == [on] * 2
    rig.battery.silent = rig.meter.silent = True
    check.locked(drive)
    assert rig.fleet[1].lost and rig.site.state == STALE


check.run(globals())
