"""What was reported against what truly was: five-minute averages through the whole firmware."""

import pytest
from house import START, living
from tools.site import Constant, InverterSettings, MeterSettings, Settings, Sine, Waves

W, VAR, V = 38, 63, 29
PHASES = {128: "a", 64: "b", 32: "c"}


def readings(house, role):
    """{(uom, phase, second of the house): reading} of a usage point, values in W, var or V."""
    found = {}
    for point in house.utility.site().usage_points.values():
        if int(point.role, 16) != int(role, 16):
            continue
        for (mrid, start), reading in point.readings.items():
            kind = point.types[mrid]
            scale = 10 ** (kind.get("powerOfTenMultiplier") or 0)
            key = (kind["uom"], kind.get("phase") or 0, start - START)
            assert key not in found
            found[key] = {**reading, "value": reading["value"] * scale, "kind": kind}
    return found


def starts(found, uom=W):
    return sorted({start for unit, _, start in found if unit == uom})


def waves():
    return Waves(load_w=(Sine(2000, 700, 60), Sine(900, 300, 20), Constant(400)),
                 load_var=(Constant(310), Sine(100, 50, 30), Constant(-40)),
                 pv_w=Constant(3000), volts=(Sine(231, 4, 50), Constant(229.5), Constant(240)),
                 hertz=Constant(50))


def exact_site():
    return Settings(inverters=(InverterSettings(1, "1xx", 10000, dead_ms=0, tau_ms=0, noise_w=0),),
                    meter=MeterSettings(age_ms=0))


def test_known_waveforms_are_reported_to_the_unit(tmp_path):
    profile = waves()
    with living(tmp_path, settings=exact_site(), waves=profile) as house:
        house.boot()
        house.run_to(430)
        found = readings(house, "03")
        assert starts(found) == [60, 120, 180, 240, 300, 360]  # the first minute was not whole
        for start in starts(found)[1:]:
            for phase, name in PHASES.items():
                end = start + 60
                for uom, what, room in ((W, "site_w_", 1), (VAR, "site_var_", 1)):
                    said = found[uom, phase, start]["value"]
                    assert abs(said - profile.mean(what + name, start, end)) <= room, (
                        uom, phase, start, said, profile.mean(what + name, start, end))
                said = found[V, phase, start]["value"]
                assert abs(said - profile.rms("v_" + name, start, end)) <= 0.1001
        assert {r["duration"] for r in found.values()} == {60}
        made = readings(house, "49")
        assert {start: round(made[W, 0, start]["value"]) for start in (120, 180)} == {
            120: 3000, 180: 3000}
        assert {e["verdict"] for e in house.requests()} == {"ok"}


def test_readings_come_right_after_their_minute_with_time_tag_and_mrid(tmp_path):
    with living(tmp_path) as house:
        house.boot()
        house.run_to(190)
        posts = [e["at"] for e in house.requests("mup", "POST")]
        assert len(posts) >= 4 and all(0 <= (at + 1) % 60 <= 11 for at in posts), posts
        for point in house.utility.site().usage_points.values():
            for mrid in [point.mrid, *point.types]:
                assert len(mrid) == 32 and mrid == mrid.upper() and mrid.endswith("00032473")
        roles = {point.role.lstrip("0") for point in house.utility.site().usage_points.values()}
        assert roles == {"3", "49"}


def test_an_outage_with_power_cuts_loses_no_whole_interval_and_invents_none(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(130)
        house.server_up(False)
        for cut in (395, 640):
            house.run_to(cut)
            house.power_cut()
            house.run_to(cut + 7)
            house.boot()
        house.run_to(800)
        house.server_up(True)
        house.run_to(1000)
        found = readings(house, "03")
        whole = [s for s in range(60, 960, 60) if not any(
            s <= cut + 7 + 8 and s + 75 > cut for cut in (395, 640))]
        assert set(whole) <= set(starts(found)), (whole, starts(found))
        assert all(start % 60 == 0 and r["duration"] == 60 for (_, _, start), r in found.items())
        for start in whole:
            for phase, name in PHASES.items():
                truth = house.site.mean("site_w_" + name, start, start + 60)
                assert abs(found[W, phase, start]["value"] - truth) <= 60
        assert not [s for s in starts(found) if s > house.now]


@pytest.mark.parametrize("status", [404, 400])
def test_a_server_that_lost_the_usage_points_gets_them_again(tmp_path, status):
    with living(tmp_path) as house:
        house.boot()
        house.run_to(130)
        site = house.utility.site()
        before = sorted(site.usage_points)
        for point in list(site.usage_points.values()):
            if status == 404:
                site._hrefs.drop(point.href)
                del site.usage_points[point.mrid]
            else:
                point.types.clear()  # it knows the point and has forgotten what it measures
        house.run_to(330)
        assert sorted(site.usage_points) == before
        found = readings(house, "03")
        assert starts(found)[-1] >= 240
        assert house.said("USAGE_POINT", since=130)
