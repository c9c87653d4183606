# heap: 1136k
"""Readings of several devices, and the period of them all."""

import check
from edges import NOW
from metered import FIRST, Rig, asleep, house, mrid


# -- several devices -------------------------------------------------------


def test_a_battery_adds_to_the_power_and_tells_its_energy():
    rig, unit = house()
    unit.put(unit.at(103, 14), -2000)
    unit.put(unit.at(802, 11), 500)
    rig.south.inverter.put(rig.south.inverter.at(103, 14), 3000)
    made = rig.sent("POST", "/mup")[1].parts("MirrorMeterReading")
    assert [(d.leaf("uom"), d.leaf("kind"), d.leaf("dataQualifier"),
             d.leaf("powerOfTenMultiplier")) for d in made] == [
        ("38", "37", "2", "0"), ("63", "37", "2", "0"), ("72", "12", "0", "1")]
    rig.until(FIRST + 65)
    assert rig.posts("49") == [[[mrid(38, 0, "49"), FIRST, 1000, None],
                                [mrid(63, 0, "49"), FIRST, -246, None],
                                [mrid(72, 0, "49"), FIRST, 500, None]]]


def test_an_inverter_that_sleeps_is_left_out_of_the_sum():
    rig, unit = house()
    asleep(rig.south.inverter)
    unit.put(unit.at(103, 14), 700)
    rig.until(FIRST + 65)
    assert rig.south.steered.p_w == 0 and rig.south.steered.w < -1000000
    assert [row[2] for row in rig.posts("49")[0]] == [700, -123, 432]
    asleep(unit)
    rig.until(FIRST + 185)
    assert [row[0] for row in rig.posts("49")[-1]] == [mrid(72, 0, "49")]


def test_the_sum_is_unknown_while_one_of_them_is():
    rig, unit = house()
    unit.silent = True  # the battery: what it stores is not known any more either
    rig.until(FIRST + 130)
    assert rig.posts("49")[1:] == []


def test_a_battery_is_told_of_while_the_panels_are_silent():
    rig, _ = house()
    rig.south.inverter.silent = True
    rig.until(FIRST + 130)
    assert rig.posts("49")[-1] == [[mrid(72, 0, "49"), FIRST + 60, 432, None]]


def test_a_frozen_meter_is_not_sampled():
    rig, _ = house()
    rig.until(FIRST + 65)
    rig.south.meter.wiggle = None
    rig.until(FIRST + 250)
    # Five seconds pass until it counts as frozen: too few samples to be sound.
    rows = [row for post in rig.posts("03")[1:] for row in post]
    assert {row[1] for row in rows} == {FIRST + 60} and {row[3] for row in rows} == {"0010"}, rows


# -- the period ------------------------------------------------------------


def test_a_shorter_period_begins_with_this_minute_and_a_longer_one_at_its_next_boundary():
    rig = Rig(rate=300).ready()
    first = NOW - NOW % 300 + 300
    rig.until(first + 70)
    rig.rate = 60
    rig.read()
    assert rig.said.count("POST_RATE", "period_s=60") == 1
    rig.until(first + 190)
    assert [post[0][1] - first for post in rig.posts("03")] == [60, 120]
    rig.rate = 300
    rig.read()
    rig.until(first + 910)
    assert [(post[0][1] - first) for post in rig.posts("03")] == [60, 120, 300, 600]
    assert rig.sent("POST", "/mup/03")[-1].leaf("duration") == "300"


def test_the_period_is_that_of_the_point_else_of_the_device_else_five_minutes():
    for rate, own, period in ((60, 600, 60), (0, 600, 600), (0, -1, 300), (90, -1, 120),
                              (7, -1, 60), (99999, -1, 3600)):
        rig = Rig(rate=rate)
        rig.own.post_rate = own
        rig.ready()
        for point in (rig.telemetry.site, rig.telemetry.der):
            assert point.window.period == period, (rate, own)


def test_a_step_of_the_clock_gives_the_open_interval_up():
    rig = Rig().ready()
    rig.until(FIRST + 90)
    assert rig.starts("03") == [[0]]
    step = rig.clock.set_server(rig.clock.now() + 40, rig.world.t)
    rig.telemetry.stepped(step)
    rig.until(FIRST + 310)
    assert rig.starts("03") == rig.starts("49") == [[0], [180], [240]], rig.starts("03")
    rig.telemetry.stepped(rig.clock.set_server(rig.clock.now() - 500, rig.world.t))
    rig.until(FIRST - 120 + 2)
    assert rig.starts("03")[3:] == [[-180]], rig.starts("03")


# -- memory ----------------------------------------------------------------


def test_samples_allocate_nothing_across_the_end_of_an_interval():
    rig, _unit = house()
    rig.until(FIRST + 55, sending=False)
    world, telemetry, control = rig.world, rig.telemetry, rig.south.control
    before = telemetry.site.ring.n

    def drive():
        end = world.t + 130000
        while world.t < end:
            world.t += 200
            telemetry.metered(control.meter)
            telemetry.generated(control.fleet)
            if world.t % 1000 < 200:
                telemetry.step(world.t)

    check.locked(drive)
    assert telemetry.site.ring.n == before + 3 and telemetry.der.ring.n == before + 3


check.run(globals())
