"""Readings around what goes wrong: the clock steps, the meter is gone, the inverter sleeps."""

import pytest
from house import START, living
from procedure import DER, SITE, W, readings, sound
from tools.site import InverterSettings, MeterSettings, Settings

QUESTIONABLE = 0x10
ROOM_W = 60
STEP_AT = 190


def flags(house, role):
    """{start: qualityFlags of its powers, together}."""
    found = {}
    for point in house.utility.site().usage_points.values():
        for (mrid, start), row in point.readings.items():
            if int(point.role, 16) == role and point.types[mrid]["uom"] == W:
                found[start - START] = found.get(start - START, 0) | int(row["quality"] or "0", 16)
    return found


@pytest.mark.parametrize("step", [1, -1, 90, -90, 86400, -86400])
def test_a_step_of_the_clock_costs_open_intervals_and_misdates_none(tmp_path, step):
    # Each minute has a load of its own, so that a mean of another minute shows.
    load = [point for i in range(20) for point in ([30 * i, 300 + 170 * (i % 9)],
                                                   [30 * i + 29, 300 + 170 * (i % 9)])]
    with living(tmp_path, load=load, pv=0, config={"spread_s": 0}) as house:
        house.boot()
        house.run_to(STEP_AT)
        before = readings(house, SITE, W)
        house.utility.clock_offset = step
        for point in house.utility.site().usage_points.values():
            point.visible_at += step  # it goes by the same clock
        house.run_to(570)
        got = readings(house, SITE, W)
        assert set(before) == {60, 120} & set(before) and before
        for start, watts in got.items():
            ways = [house.site.mean("site_w", at, at + 60)
                    for at in (start, start - step) if 0 <= at <= 510]
            # A step of a second moves the ends of an interval by as much.
            room = ROOM_W if abs(step) > 1 else ROOM_W + 1400 / 60
            assert any(abs(watts - truth) <= room for truth in ways), (start, watts, ways)
        starts = sorted(got)
        assert all(start % 60 == 0 for start in starts)
        if abs(step) == 1:
            assert starts[:7] == [60 * i for i in range(1, 8)]
        else:  # told with the Time that comes within a minute; the minute it leads to is not whole
            new = [s for s in starts if s not in before or got[s] != before[s]]
            assert len([s for s in new if s - step >= STEP_AT]) >= 3, starts
        sound(house)


def test_a_meter_that_dies_for_40_s_leaves_the_mean_of_what_was_seen_and_its_flag(tmp_path):
    load = [[0, 500], [100, 500], [400, 3500]]
    with living(tmp_path, load=load, meter_line=True) as house:
        house.default(exp_w=1500)
        house.boot()
        house.at(128, lambda: house.site.fault(meter_silent=True))
        house.at(168, lambda: house.site.fault(meter_silent=False))
        house.run_to(320)
        got, bad = readings(house, SITE, W), flags(house, SITE)
        assert [s for s in got if s >= 60] == [60, 120, 180, 240]
        assert {start: flag & QUESTIONABLE for start, flag in bad.items()} == {
            60: 0, 120: QUESTIONABLE, 180: 0, 240: 0}
        rows = {round(row.time * 10): row.site_w for row in house.rows(119, 181)}
        seen = [rows[round(ms / 100)] for ms in house.metered if 120_000 <= ms < 180_000]
        assert 50 < len(seen) < 150  # of 300
        assert abs(got[120] - sum(seen) / len(seen)) <= ROOM_W
        truth = house.site.mean("site_w", 180, 240)
        assert abs(got[180] - truth) <= ROOM_W
        assert {flag & QUESTIONABLE for flag in flags(house, DER).values()} == {0}
        sound(house)


@pytest.mark.parametrize("night", ["awake", "asleep", "silent"])
def test_at_night_an_inverter_is_left_out_unless_it_says_that_it_makes_nothing(tmp_path, night):
    settings = Settings(inverters=(InverterSettings(1, "1xx", 10000, night=night),),
                        meter=MeterSettings())
    sun = [[0, 8000], [150, 8000], [151, 0], [600, 0], [601, 8000]]
    with living(tmp_path, settings=settings, pv=sun, load=900) as house:
        house.default(exp_w=5000)
        house.boot()
        house.run_to(900)
        made = readings(house, DER, W)
        dark = [start for start in made if 240 <= start < 600]
        if night == "awake":
            assert dark == [240 + 60 * i for i in range(6)]
            assert {made[start] for start in dark} == {0}
        else:
            assert not dark, made
        assert made[60] > 1000 and made[780] > 1000  # it is back in the morning
        site = readings(house, SITE, W)
        rows = {round(row.time * 10): row.site_w for row in house.rows()}
        for start, watts in site.items():  # the meter goes on; what was not seen does not count
            seen = [rows[round(ms / 100)] for ms in house.metered
                    if start <= ms / 1000 < start + 60 and round(ms / 100) in rows]
            assert abs(watts - sum(seen) / len(seen)) <= ROOM_W, (start, watts, len(seen))
        assert [start for start in site if 60 <= start < 840] == [60 * i for i in range(1, 14)]
        sound(house)
