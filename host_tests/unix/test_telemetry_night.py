# heap: 1184k
"""Boots at which a part of the DER is silent or asleep: the rest is told, nothing is made up."""

import check
import registers
from metered import Rig, asleep, mrid
from sitecontrol import BATTERY
from south import South, battery_unit
from store import Store

_ENERGY = mrid(72, 0, "49")


def booted(how, channels=None, second=None):
    """A Rig of panels, a battery of its own inverter and maybe a second one; `how` it began."""
    more = [(BATTERY, 2, battery_unit(registers.lithium()))]
    if second:
        more.append(second)
    south = South(more=more)
    how(south)
    if channels:
        Store(south.flash.folder).write("channels", channels)
    rig = Rig(south, ms=30000)
    rig.live(150)
    return rig.ready()


def silent(south):
    south.inverter.silent = True


def sleeping(south):
    asleep(south.inverter)


def from_next_minute(rig, seconds):
    """What is posted of the DER in the whole minutes that follow."""
    since = len(rig.server.requests)
    start = rig.clock.best() // 60 * 60 + 60
    rig.until(start + seconds)
    return [row for post in rig.posts("49", since) for row in post if row[1] >= start]


def test_a_battery_is_told_of_when_the_panels_are_silent_from_the_boot_on():
    rig = booted(silent)
    rows = from_next_minute(rig, 130)
    assert rig.south.steered.driver is None  # never found: what it makes nobody knows
    assert [row[0] for row in rows] == [_ENERGY] * 2 and {row[2] for row in rows} == {432}, rows
    rig.south.inverter.silent = False
    rig.south.inverter.put(rig.south.inverter.at(103, 14), 3000)
    rig.live(60)
    rows = from_next_minute(rig, 65)
    assert [row[0] for row in rows] == [mrid(38, 0, "49"), mrid(63, 0, "49"), _ENERGY]
    assert rows[0][2] == 3000, rows


def test_panels_that_sleep_at_boot_add_nothing():
    rig = booted(sleeping)
    unit = rig.south.line.units[2]
    unit.put(unit.at(103, 14), 700)
    rig.live(2)
    rows = from_next_minute(rig, 65)
    assert [row[2] for row in rows] == [700, -123, 432], rows


def test_a_second_battery_that_is_not_found_leaves_the_energy_unknown():
    gone = battery_unit(registers.lithium(), serial="B-2")
    gone.silent = True
    rig = booted(lambda south: None, second=(BATTERY, 3, gone))
    assert "49" in rig.points
    assert from_next_minute(rig, 130) == []
    gone.silent = False
    rig.live(60)
    assert from_next_minute(rig, 65)[-1][::2] == [_ENERGY, 864]


def test_a_night_boot_has_the_channels_and_multipliers_of_the_day():
    rig = booted(silent, b"2 3 1 50000 500000")
    der = rig.telemetry.der
    assert der.types == [(38, 128), (38, 64), (38, 32), (63, 128), (63, 64), (63, 32), (72, 0)]
    made = next(d for d in rig.sent("POST", "/mup") if d.leaf("roleFlags") == "49")
    tens = [d.leaf("powerOfTenMultiplier") for d in made.parts("MirrorMeterReading")]
    assert tens == ["1"] * 6 + ["2"]
    assert [row[0] for row in from_next_minute(rig, 65)] == [_ENERGY]
    assert bytes(Store(rig.flash.folder).read("channels")) == b"2 3 1 50000 500000"


def test_channels_of_other_devices_or_no_channels_at_all_are_not_taken():
    for kept in (b"3 3 1 50000 500000", b"2 2 1 1 1", b"2 3 1 1", b"2 3 1 -1 0", b"x", b"",
                 b"2 3 9 1 1", b"2 3 1 1 99999999999", b"2 3 1 50000 500000 7"):
        rig = booted(silent, kept)
        assert rig.telemetry.der.types == [(38, 0), (63, 0), (72, 0)], kept


def test_channels_are_kept_when_all_have_said_theirs_and_written_once():
    writes = []
    write = Store.write
    Store.write = lambda self, name, data: writes.append(name) or write(self, name, data)
    try:
        rig = booted(lambda south: None)
        assert writes.count("channels") == 1
        kept = bytes(rig.telemetry.store.read("channels"))
        assert kept == b"2 0 1 15000 10000", kept
        del writes[:]
        booted(lambda south: None, kept)
        assert writes.count("channels") == 1  # by the test itself
    finally:
        Store.write = write


def test_a_flash_that_refuses_the_channels_hinders_nothing():
    south = South()
    south.flash.left = 0
    rig = Rig(south, ms=0)
    rig.live(30)
    assert rig.telemetry.der is not None and rig.said.count("FLASH_FAILED") == 1
    rig.flash.reboot()


def test_nothing_is_said_of_a_plant_that_nobody_has_seen():
    south = South()
    silent(south)
    rig = Rig(south, ms=30000)
    rig.live(300)
    assert rig.telemetry.der is None and rig.telemetry.site is not None


def test_the_rating_of_a_battery_is_waited_for_and_not_for_good():
    for late_s, tens in ((5, "2"), (60, "1")):
        unit = battery_unit(registers.lithium())
        at = unit.at(802, 3)
        unit.put(at, 0xFFFF)  # it does not say what it can hold
        south = South(more=((BATTERY, 2, unit),))
        rig = Rig(south, ms=8000)
        assert rig.telemetry.der is None and south.fleet[1].answers()
        rig.live(late_s)
        assert (rig.telemetry.der is not None) == (late_s > 20)
        unit.put(at, 60000)  # times ten
        rig.live(30)
        rig.ready()
        made = next(d for d in rig.sent("POST", "/mup") if d.leaf("roleFlags") == "49")
        energy = made.parts("MirrorMeterReading")[-1]
        assert energy.leaf("powerOfTenMultiplier") == tens, (late_s, energy.text)


check.run(globals())
