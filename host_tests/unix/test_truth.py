# heap: 768k
"""What the devices are said to be: connected, available, operating; their modes and ratings."""

from array import array

import check
import registers
from der import ABSENT
from plant import Unit
from sitecontrol import BATTERY, PV
from south import South, battery_unit, inverter_unit

_LITHIUM = registers.lithium(_16=6)  # HOLDING

_DOE = 0xE0 | 0x100  # EXP, IMP, GEN, LOAD limits
_PV_MODES = 0xA8 | 0x14 | 3  # EXP, GEN, MAX limits, FIXED_W, TARGET_W, CONNECT, ENERGIZE
_BATTERY_MODES = _PV_MODES | 0x140 | 0x200


def der_unit(switch=True):
    """An inverter of the 7xx family, with model 703 or without."""
    models = [registers.common(), registers.der(), registers.der_ratings()]
    if switch:
        models.append(registers.enter())
    unit = Unit(registers.chain_of(*(models + [registers.der_controls()])))
    unit.wiggle = unit.at(701, 18)
    return unit


def state(rig, number, unit=None):
    """The inverter's operating state is that, and was seen."""
    unit = unit or rig.inverter
    unit.put(unit.at(103, 38), number)
    rig.run(5000)
    return said(rig)


def said(rig):
    """genConnectStatus, operationalModeStatus, inverterStatus."""
    truth = rig.truth
    return truth.gen_conn, truth.operating, truth.st


# -- one inverter ------------------------------------------------------------------


def test_an_inverter_that_runs_is_connected_available_and_operating():
    rig = South().run(4000)
    assert said(rig) == (7, 2, 4)
    assert state(rig, 3) == (7, 2, 3) and state(rig, 5) == (7, 2, 5)
    assert rig.truth.stor_conn == rig.truth.soc_pct100 == rig.truth.storage_mode == ABSENT


def test_without_its_source_it_is_off_and_with_it_on_again():
    rig = South().run(4000)
    for number in (8, 2, 1, 6):
        assert state(rig, number) == (3, 1, number), number
    assert state(rig, 4) == (7, 2, 4)


def test_curtailed_to_nothing_it_operates_whatever_its_power():
    rig = South()
    rig.set(4000, 0)
    rig.run(6000)
    rig.allow(0)
    rig.set(0, 0)
    rig.run(4000)
    assert rig.held_w() == 0
    assert state(rig, 5) == (7, 2, 5) and state(rig, 8) == (7, 2, 8)
    rig.allow(3000)
    rig.run(5000)
    assert rig.held_w() > 2000 and said(rig) == (3, 1, 8)  # now it lacks the sun


def test_a_fault_is_said_beside_what_is_connected():
    rig = South().run(4000)
    assert state(rig, 7) == (0x13, 1, 7)
    rig.inverter.put(rig.inverter.at(103, 40), 0)
    rig.inverter.put(rig.inverter.at(103, 41), 1 << 11)
    rig.run(3000)
    assert rig.truth.alarms == 4


def test_a_silent_inverter_is_nothing_until_it_answers():
    rig = South().run(4000)
    mark = rig.truth.mark
    rig.inverter.silent = True
    rig.run(9000)
    assert said(rig)[:2] == (0, 0) and rig.truth.mark != mark
    rig.inverter.silent = False
    rig.run(9000)
    assert said(rig) == (7, 2, 4) and rig.truth.mark == mark


def test_what_the_device_says_of_its_connection_counts():
    unit = Unit(registers.plant()[:-2] + registers.state(pv=7) + registers.END)
    unit.wiggle = unit.at(103, 16)
    rig = South(inverter=unit).run(6000)
    assert said(rig) == (7, 2, 4)
    for pv, gen, operating in ((2, 2, 1), (0, 0, 1), (3, 7, 2), (1, 5, 2)):
        unit.put(unit.at(122, 2), pv)
        rig.run(5000)
        assert said(rig) == (gen, operating, 4), pv


# -- off and on by order -------------------------------------------------------------


def test_off_counts_once_the_inverter_has_taken_it_and_not_before():
    for mode in ("m0", "m1"):
        rig = South()
        rig.set(3000, 0)
        rig.run(5000)
        rig.inverter.forgets = True
        rig.allow(5000, **{mode: 0})
        rig.run(5000)
        assert not rig.site.on and said(rig) == (7, 2, 4)
        rig.inverter.forgets = False
        rig.run(4000)
        assert rig.inverter.get(rig.inverter.at(123, 4)) == 0
        rig.set(0, 0)
        assert said(rig) == (2, 1, 4), mode
        rig.inverter.forgets = True
        rig.allow(0, **{mode: 1})
        rig.run(4000)
        assert rig.site.on and said(rig) == (2, 1, 4)
        rig.inverter.forgets = False
        rig.run(4000)
        assert rig.inverter.get(rig.inverter.at(123, 4)) == 1
        assert said(rig) == (7, 2, 4)  # though the limit is 0 W


def test_without_a_switch_off_is_a_band_of_nothing():
    unit = der_unit(switch=False)
    rig = South(inverter=unit).run(6000)
    assert said(rig)[:2] == (7, 2)
    rig.allow(5000, m1=0)
    unit.put(unit.at(701, 10), 0)
    rig.run(4000)
    assert unit.get(unit.at(704, 15)) == 0
    assert said(rig)[:2] == (3, 1)
    rig.allow(5000, m1=1)
    rig.run(4000)
    assert said(rig)[:2] == (7, 2)


# -- several devices -------------------------------------------------------------------


def two():
    other = inverter_unit()
    return other, South(more=((PV, 2, other),)).run(6000)


def test_two_inverters_are_what_any_of_them_is():
    other, rig = two()
    assert said(rig) == (7, 2, 4)
    state(rig, 2)
    assert state(rig, 8, other) == (3, 1, 8)
    assert state(rig, 4, other) == (7, 2, 4)
    for first, second, sum_of in ((4, 5, 5), (5, 4, 5), (7, 4, 4), (4, 7, 4), (2, 7, 7), (7, 2, 7),
                                  (1, 2, 2), (2, 1, 2), (3, 8, 3), (8, 3, 3)):
        state(rig, first)
        gen, operating, st = state(rig, second, other)
        assert st == sum_of, (first, second, st)
        assert operating == (2 if 3 <= st <= 5 else 1)
        assert gen == (3 | (4 if 3 <= st <= 5 else 0) | (16 if 7 in (first, second) else 0))


def test_one_silent_inverter_of_two_takes_nothing_from_the_other():
    other, rig = two()
    other.silent = True
    rig.run(9000)
    assert said(rig) == (7, 2, 4)
    rig.inverter.silent = True
    rig.run(9000)
    assert said(rig)[:2] == (0, 0)


def test_a_battery_is_said_apart_from_the_generators():
    unit = battery_unit(_LITHIUM)
    rig = South(more=((BATTERY, 2, unit),)).run(9000)
    truth = rig.truth
    assert said(rig)[:2] == (7, 2) and truth.stor_conn == 7 and truth.storage
    assert truth.soc_pct100 == 4320 and truth.wh == 4320 and truth.storage_mode == 2
    for w, mode in ((1500, 1), (-1500, 0), (-49, 2), (49, 2), (50, 1), (-50, 0)):
        unit.put(unit.at(103, 14), w)
        rig.run(2000)
        assert truth.storage_mode == mode, w
    state(rig, 2)
    state(rig, 2, unit)
    assert said(rig) == (3, 1, 2) and truth.stor_conn == 3
    state(rig, 4, unit)
    assert said(rig) == (3, 2, 4) and truth.stor_conn == 7
    unit.silent = True
    rig.run(9000)
    assert truth.stor_conn == 0 and truth.gen_conn == 3


def test_the_batterys_own_word_on_its_charge_goes_before_its_power():
    unit = battery_unit(_LITHIUM)
    rig = South(more=((BATTERY, 2, unit),)).run(9000)
    for state, w, mode in ((4, 2000, 0), (3, -2000, 1), (6, -2000, 0), (5, 0, 2),
                           (0xFFFF, 900, 1)):
        unit.put(unit.at(802, 16), state)
        unit.put(unit.at(103, 14), w)
        rig.run(5000)
        assert rig.truth.storage_mode == mode, (state, w)


def test_a_battery_that_begins_to_discharge_has_another_mark():
    unit = battery_unit(_LITHIUM)
    unit.put(unit.at(103, 14), 0x8000)
    rig = South(more=((BATTERY, 2, unit),)).run(9000)
    assert rig.truth.storage_mode == ABSENT
    marks = {rig.truth.mark}
    for w in (2000, -2000, 0):
        unit.put(unit.at(103, 14), w)
        rig.run(2000)
        marks.add(rig.truth.mark)
    assert len(marks) == 4


# -- modes and ratings -----------------------------------------------------------------------


def test_modes_are_those_that_the_fitted_devices_can_carry_out():
    rig = South().run(3000)
    assert rig.truth.modes == _PV_MODES == rig.schedule.supported
    rig = South(inverter=der_unit(switch=False)).run(3000)
    assert rig.truth.modes == _PV_MODES & ~3
    rig = South(inverter=der_unit()).run(3000)
    assert rig.truth.modes == _PV_MODES
    rig = South(more=((BATTERY, 2, battery_unit(_LITHIUM)),)).run(9000)
    assert rig.truth.modes == _BATTERY_MODES == rig.schedule.supported
    assert _BATTERY_MODES & _DOE == _DOE


def test_what_binds_all_generation_is_claimed_where_each_generator_can():
    rig = South(more=((BATTERY, 2, battery_unit(_LITHIUM)),))
    rig.conf.inverter_map, rig.conf.inverter_w = "goodwe", 10000  # the site's limit, nothing else
    unit = rig.inverter
    unit.regs = array("H", list(unit.regs) + [0] * (47520 - unit.base - len(unit.regs)))
    rig.run(9000)
    assert [d.of_site for d in rig.fleet] == [True, False]
    some = 3 | 0x20 | 0x140 | 0x200  # CONNECT, ENERGIZE, EXP, IMP, LOAD, STORAGE_TARGET_W
    assert rig.truth.modes == some == rig.schedule.supported, hex(rig.truth.modes)
    rig = South(inverter=der_unit(switch=False), more=((BATTERY, 2, battery_unit(_LITHIUM)),))
    rig.run(9000)
    assert rig.truth.modes == _BATTERY_MODES & ~3, hex(rig.truth.modes)  # who disconnects the PV?


def test_a_device_that_was_never_found_is_not_claimed():
    unit = battery_unit(_LITHIUM)
    unit.silent = True
    rig = South(more=((BATTERY, 2, unit),)).run(20000)
    truth = rig.truth
    assert truth.modes == _PV_MODES and truth.rated == 1
    assert truth.rtg[0] == 10000 and truth.set[0] == 10000 and truth.rtg[4] == ABSENT
    unit.silent = False
    rig.run(70000)
    assert truth.modes == _BATTERY_MODES and truth.rated > 1
    assert truth.set[0] == 15000 and truth.rtg[4] == truth.rtg[5] == 5000
    rig = South(meter=False)
    rig.inverter.silent = True
    rig.run(10000)
    assert rig.truth.rated == 0 and rig.truth.modes == 0


def test_a_device_that_was_lost_keeps_its_place_in_the_ratings():
    rig = two()[1]
    rated = rig.truth.rated
    rig.inverter.silent = True
    rig.run(30000)
    assert rig.truth.rated == rated and rig.truth.rtg[0] == 20000


def test_a_look_at_devices_that_are_the_same_changes_nothing():
    rig = two()[1]
    assert not rig.truth.look(rig.fleet, 1)
    rated, mark = rig.truth.rated, rig.truth.mark
    rig.set(3000, 200)
    rig.run(20000)
    assert (rig.truth.rated, rig.truth.mark) == (rated, mark)


check.run(globals())
