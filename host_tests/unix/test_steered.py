# heap: 640k
"""One device that is steered: its band, its switch, its heartbeat, and what is read of it."""

import check
import registers
from der import ABSENT
from plant import Unit
from sitecontrol import BATTERY
from south import FLOOR, South, battery_unit

_LATE = 60  # ms from the step that decides to the write on the line


def chain(*models, maker="Acme"):
    unit = Unit(registers.chain_of(registers.common(maker=maker), *models))
    if models[0][0] == 103:
        unit.wiggle = unit.at(103, 16)
    else:
        unit.wiggle = unit.at(701, 18)
    return unit


def plant_unit(maker="Acme", conn=1):
    """An inverter of the 1xx family; nothing made."""
    unit = chain(registers.inverter(w=0), registers.nameplate(), registers.settings(),
                 registers.controls(), maker=maker)
    unit.put(unit.at(123, 4), conn)
    return unit


def der_unit(maker="Acme"):
    """An inverter of the 7xx family; nothing made."""
    return chain(registers.der(w=0), registers.der_ratings(), registers.enter(),
                 registers.der_controls(), maker=maker)


def only_battery(*more, **kw):
    """A site whose only device is a battery; returns its South and its Unit."""
    unit = battery_unit(*(more or (registers.lithium(),)), **kw)
    south = South(more=((BATTERY, 2, unit),))
    south.fleet.pop(0)
    south.control.fleet = south.fleet
    return south, unit


# -- PV by model 123 and 704 ------------------------------------------------------------


def test_a_limit_by_model_704_has_a_reversion_that_is_safe():
    unit = der_unit()
    rig = South(meter=False, inverter=unit).run(3000)
    block = [unit.get(unit.at(704, i)) for i in (14, 15, 16, 17, 18, 19)]
    assert block == [1, 150, 150, 1, 0, 120], block  # 15.0 %, and it falls back to the floor
    assert rig.steered.stands and rig.limits.wmax_w == 10000
    rig.allow(5000)
    rig.run(3000)
    assert unit.get(unit.at(704, 15)) == 500 and unit.get(unit.at(704, 16)) == 150


def test_a_limit_that_reverts_is_written_again_well_within_its_time():
    unit = der_unit()
    rig = South(meter=False, inverter=unit).run(3000)
    before = unit.writes
    rig.run(125000)
    assert rig.steered.heartbeats == 3
    at = [t for t, a, _ in unit.written()[before:] if a == unit.at(704, 14)]
    gaps = [b - a for a, b in zip(at, at[1:])]
    assert len(at) >= 3 and max(gaps) <= 41000, at


def test_power_of_model_701_is_seen():
    unit = der_unit()
    rig = South(inverter=unit).run(4000)
    unit.put(unit.at(701, 10), 1234)
    rig.run(1000)
    assert rig.steered.w == rig.steered.p_w == 1234 == rig.control.pv_w


# -- a battery by model 124 ---------------------------------------------------------------


def band(unit):
    """What stands in model 124, in W of 5 kW: (low, high), None where it is not in force."""
    if unit.get(unit.at(124, 5)) != 3:
        return None
    out, into = unit.get(unit.at(124, 12)), unit.get(unit.at(124, 13))
    high, low = [(v - 65536 if v > 32767 else v) // 2 for v in (out, into)]
    return -low, high


def test_a_battery_holds_the_band_that_the_limits_leave():
    rig, unit = only_battery()
    rig.run(6000)
    low, high = band(unit)
    assert -1500 <= low <= -1400 and 1400 <= high <= 1500, (low, high)  # the failsafe limits
    rig.allow(0)
    rig.run(3000)
    assert band(unit)[0] == -5000 and band(unit)[1] <= 0
    assert rig.limits.charge_w == 5000 and rig.limits.wmax_w == 5000


def test_a_set_point_is_one_number_and_the_limits_stay_above_it():
    rig, unit = only_battery()
    rig.run(6000)
    rig.allow(5000, m9=-2000)
    rig.run(3000)
    assert band(unit) == (-2000, -2000)
    rig.allow(1000, m9=3000)
    rig.run(3000)
    low, high = band(unit)
    assert low == high and 900 <= high <= 1000  # the export limit comes first
    rig.allow(5000, m9=0)
    rig.run(3000)
    assert band(unit) == (0, 0)


def test_a_load_limit_bounds_the_charge():
    rig, unit = only_battery()
    rig.run(6000)
    rig.allow(5000, m8=1200)
    rig.run(3000)
    low, _high = band(unit)
    assert -1200 <= low <= -1100


def test_a_full_battery_is_not_counted_on():
    rig, unit = only_battery(registers.lithium(_16=5))
    rig.run(6000)
    assert rig.fleet[0].cha_st == 5 and rig.site.charge_w[0] == 0 and rig.site.wmax_w[0] == 5000
    unit.put(unit.at(802, 16), 2)
    rig.run(4000)
    assert rig.site.charge_w[0] == 5000 and rig.site.wmax_w[0] == 0


def test_charge_and_energy_come_from_the_battery_model_that_is_there():
    for more, soc, wh, state in (
            ((registers.lithium(),), 4320, 4320, 3),
            ((registers.der_storage(),), 4320, 4320, ABSENT), ((), 6543, ABSENT, 4)):
        unit = battery_unit(*more)
        rig = South(more=((BATTERY, 2, unit),)).run(9000)
        device = rig.fleet[1]
        assert (device.soc_pct100, device.wh, device.cha_st) == (soc, wh, state), more


# -- the switch -----------------------------------------------------------------------------


def orders(unit, since=0):
    """["cap 1500", "conn 0" ...] of what was written to an inverter."""
    names = {unit.at(123, 4): "conn", unit.at(123, 5): "cap"}
    return [names[a] + " " + str(w) for _, a, w in unit.written()[since:]]


def test_at_boot_the_switch_is_asked_and_not_touched_when_it_stands_as_it_should():
    unit = plant_unit()
    rig = South(inverter=unit).run(20000)
    assert rig.steered.on == 1 and "conn 1" not in orders(unit) and "conn 0" not in orders(unit)


def test_a_device_that_was_found_off_is_switched_on_after_its_limit_stands():
    unit = plant_unit(conn=0)
    rig = South(meter=False, inverter=unit).run(5000)
    assert orders(unit)[:2] == ["cap 1500", "conn 1"] and rig.steered.on == 1
    assert unit.get(unit.at(123, 4)) == 1


def test_off_comes_after_its_band_and_on_before_it():
    for mode in ("m0", "m1"):
        unit = plant_unit()
        rig = South(meter=False, inverter=unit).run(5000)
        since = unit.writes
        rig.allow(5000, **{mode: 0})
        rig.run(4000)
        assert orders(unit, since) == ["cap 0", "conn 0"], orders(unit, since)
        assert rig.steered.on == 0
        since = unit.writes
        rig.allow(5000, **{mode: 1})
        rig.run(6000)
        after = orders(unit, since)
        assert after[0] == "conn 1" and after[-1] == "cap 5000", after
        assert after.count("conn 1") == 1 and rig.steered.on == 1


def test_a_floor_that_is_off_is_off_at_boot():
    unit = plant_unit()
    rig = South(meter=False, inverter=unit)
    rig.allow(5000, m1=0)
    rig.run(4000)
    assert orders(unit) == ["cap 0", "conn 0"]


def test_a_switch_that_is_not_taken_is_tried_each_second():
    unit = plant_unit()
    rig = South(meter=False, inverter=unit).run(5000)
    rig.allow(0)
    rig.run(2000)
    unit.forgets = True
    since = unit.writes
    rig.allow(0, m0=0)
    rig.run(6000)
    at = [t for t, a, _ in unit.written()[since:] if a == unit.at(123, 4)]
    assert 4 <= len(at) <= 7 and rig.steered.on == 1, at
    assert min([b - a for a, b in zip(at, at[1:])]) >= 950, at
    unit.forgets = False
    rig.run(2000)
    assert rig.steered.on == 0 and unit.get(unit.at(123, 4)) == 0


def test_a_device_that_restarted_while_it_was_away_is_told_again():
    for on in (0, 1):
        unit = plant_unit()
        rig = South(meter=False, inverter=unit).run(5000)
        rig.allow(5000, m0=on)
        rig.run(4000)
        assert rig.steered.on == on
        unit.silent = True
        rig.run(9000)
        assert rig.steered.lost
        unit.put(unit.at(123, 4), 1 - on)
        unit.put(unit.at(123, 9), 0)
        unit.silent = False
        rig.run(20000)
        assert unit.get(unit.at(123, 4)) == on == rig.steered.on
        assert rig.held_w() == (5000 if on else 0)


# -- a device with coarse steps -----------------------------------------------------------------


def test_a_device_of_whole_percents_is_written_to_when_the_percent_changes():
    unit = chain(registers.inverter(w=0), registers.nameplate(), registers.settings(),
                 registers.controls(sf=0))
    rig = South(meter=False, inverter=unit).run(3000)
    assert unit.get(unit.at(123, 5)) == 15 and unit.writes == 1
    rig.allow(5000)
    rig.run(3000)
    since = unit.writes
    for w in (5090, 5010, 5050, 5099, 5001, 5000):
        rig.allow(w)
        rig.run(1500)
        assert rig.steered.high_w == w and rig.steered.holds(), w
        assert rig.steered.held_high == w and rig.obeyed(), w
    assert unit.writes == since, unit.written()[since:]
    rig.allow(4999)
    rig.run(1500)
    assert unit.writes == since + 1 and unit.get(unit.at(123, 5)) == 49
    unit.forgets = True
    rig.allow(3099)
    rig.run(1500)
    rig.allow(3001)  # the same 30 %, which was not taken
    rig.run(5000)
    assert not rig.steered.holds() and not rig.obeyed()
    unit.forgets = False
    rig.run(2000)
    assert rig.steered.holds() and unit.get(unit.at(123, 5)) == 30


def test_a_band_is_moved_within_a_step_without_a_write_and_without_memory():
    unit = chain(registers.inverter(w=0), registers.nameplate(), registers.settings(),
                 registers.controls(sf=0))
    rig = South(meter=False, inverter=unit).run(3000)
    device, now, since = rig.steered, rig.world.t, unit.writes

    def move():
        for w in range(1500, 1600):
            device.hold(0, w, 1, now)

    check.locked(move)
    rig.bus.step(now)
    assert device.holds() and device.high_w == 1599 and unit.writes == since


def test_a_battery_of_whole_percents_is_written_to_when_a_percent_changes():
    rig, unit = only_battery(sf=0)
    rig.run(6000)
    rig.allow(5000, m9=-2000)
    rig.run(3000)
    assert unit.get(unit.at(124, 12)) == 0x10000 - 40
    since = unit.writes
    for w in (-2049, -2025, -2003):
        rig.allow(5000, m9=w)
        rig.run(1500)
        assert rig.fleet[0].high_w == w and rig.fleet[0].holds(), w
    assert unit.writes == since, unit.written()[since:]
    rig.allow(5000, m9=-2050)
    rig.run(1500)
    assert unit.get(unit.at(124, 12)) == 0x10000 - 41 and rig.fleet[0].holds()


# -- a device that keeps what it is told in flash ----------------------------------------------


def test_a_device_with_flash_is_never_written_to_more_often_than_it_bears():
    for forgets in (False, True):
        unit = plant_unit("GoodWe")
        rig = South(meter=False, inverter=unit)
        unit.forgets = forgets
        rig.run(3000)
        for w in (5000, 1000, 3000, 2000, 0, 4000, 2500, 900, 1100, 5000):
            rig.allow(w)
            rig.run(4700)
        at = [t for t, a, _ in unit.written() if a == unit.at(123, 5)]
        assert 3 <= len(at) <= 6, at
        assert min([b - a for a, b in zip(at, at[1:])]) >= 9800, (forgets, at)


def test_a_device_with_flash_gets_its_first_limit_at_once():
    unit = plant_unit("GoodWe")
    rig = South(meter=False, inverter=unit).run(1500)
    assert rig.held_w() == FLOOR and rig.steered.every_ms == 10000
    rig = South(meter=False).run(1500)
    assert rig.steered.every_ms <= 1000


# -- what is read ---------------------------------------------------------------------------------


def asleep(unit):
    at = unit.at(103, 0)
    for i in range(2, 41):
        unit.put(at + i, 0x8000 if i in (14, 20, 24, 36) else 0xFFFF)
    unit.wiggle = None


def test_a_device_that_sleeps_counts_as_nothing_and_has_measured_nothing():
    rig = South()
    rig.set(200, 300)
    rig.run(6000)
    assert rig.steered.w == rig.steered.p_w == 200
    asleep(rig.inverter)
    rig.run(1000)
    assert rig.steered.w == ABSENT and rig.steered.p_w == 0 == rig.control.pv_w
    assert rig.site.fault[0] == 0 and rig.steered.answers()
    rig.run(3000)
    assert rig.obeyed()  # it obeys an upper limit


def test_sentinels_in_bright_day_are_no_sleep_until_they_have_lasted():
    rig = South()
    rig.set(1000, 300)
    rig.run(6000)
    asleep(rig.inverter)
    rig.run(1500)
    assert rig.steered.p_w == 1000 and rig.steered.answers()
    rig.run(3000)
    assert rig.site.fault[0] == 1 and not rig.steered.answers()
    rig.run(7000)
    assert rig.steered.p_w == 0 and rig.site.fault[0] == 0 and rig.steered.answers()


def test_power_that_stands_still_for_ten_seconds_is_no_measurement():
    for model, row, make in ((103, 14, plant_unit), (701, 10, der_unit)):
        unit = make()
        rig = South(inverter=unit).run(3000)
        unit.put(unit.at(model, row), 1000)
        rig.run(3000)
        assert rig.steered.answers() and rig.site.fault[0] == 0
        wiggle, unit.wiggle = unit.wiggle, None
        rig.run(8000)
        assert rig.steered.answers() and rig.site.fault[0] == 0
        rig.run(6000)
        assert not rig.steered.answers() and rig.site.fault[0] == 1 and not rig.steered.lost
        assert rig.said.count("DEVICE_SILENT", "unit=1", "same=") == 1, rig.said.lines
        unit.wiggle = wiggle
        rig.run(2000)
        assert rig.steered.answers() and rig.site.fault[0] == 0
        assert rig.said.count("DEVICE_WELL", "unit=1") == 1


def test_power_may_stand_still_at_rest_and_where_no_voltage_tells():
    for w, volt in ((0, 2300), (1000, 0xFFFF)):
        rig = South()
        rig.set(w, 300)
        for i in (8, 9, 10):
            rig.inverter.put(rig.inverter.at(103, i), volt)
        rig.run(3000)
        rig.inverter.wiggle = None
        rig.run(20000)
        assert rig.steered.answers() and rig.site.fault[0] == 0, w
        assert rig.steered.driver.repeats > 50


def test_a_frame_of_zeros_is_no_power():
    rig = South()
    rig.set(1000, 300)
    rig.run(6000)
    unit = rig.inverter
    unit.wiggle = None
    for i in range(2, 52):
        unit.put(unit.at(103, i), 0)
    rig.run(3000)
    assert rig.site.fault[0] == 1 and rig.steered.age_ms(rig.world.t) > 2000
    assert not rig.obeyed()


def test_states_alarms_and_connection_are_read_each_few_seconds():
    unit = Unit(registers.plant()[:-2] + registers.state(pv=7) + registers.END)
    unit.wiggle = unit.at(103, 16)
    rig = South(inverter=unit).run(5000)
    assert (rig.steered.st, rig.steered.conn) == (4, 7)
    unit.put(unit.at(103, 38), 5)
    unit.put(unit.at(103, 40), 0)
    unit.put(unit.at(103, 41), 1 << 10)
    unit.put(unit.at(122, 2), 3)
    rig.run(3000)
    assert (rig.steered.st, rig.steered.alarms, rig.steered.conn) == (5, 2, 3)


def test_an_age_that_is_beyond_the_ticks_stays_so():
    rig = South().run(4000)
    assert rig.steered.age_ms(rig.world.t) < 400
    at = rig.world.t
    for hours in (1, 24, 200, 400):
        assert rig.steered.age_ms(rig.world.ticks_add(at, hours * 3600000 - 100)) >= 3590000, hours


check.run(globals())
