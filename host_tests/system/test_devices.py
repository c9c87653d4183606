"""Meter and inverter that die, lie or disobey: the limit holds and the answers stay true."""

import pytest
from house import living, tolerance_w
from procedure import readings
from tools.site import InverterSettings, MeterSettings, Settings

TOL_W = tolerance_w(10000)
W = 38


def test_dead_meter_leaves_the_inverter_under_the_limit_alone(tmp_path):
    with living(tmp_path, load=[[0, 3000], [150, 0]]) as house:
        house.default(exp_w=2000)
        house.boot()
        house.run_to(100)
        house.site.fault(meter_silent=True)
        house.run_to(300)
        assert house.said("BLIND")[-1].at < 112
        assert house.worst_export(115, 300) <= 2000 + TOL_W
        assert max(row.pv_w for row in house.rows(115, 300)) <= 2000 + TOL_W
        house.site.fault(meter_silent=False)
        house.run_to(345)
        assert house.said("SIGHTED")[-1].at > 300
        assert house.judge((300, 345, 2000)).longest_s < 15


def test_frozen_meter_is_not_believed(tmp_path):
    # The load vanishes behind a meter that repeats 3 kW of import for ever.
    with living(tmp_path, load=[[0, 8000], [120, 0]]) as house:
        house.default(exp_w=1000)
        house.boot()
        house.run_to(100)
        house.site.fault(meter_frozen=True)
        house.run_to(240)
        assert house.said("BLIND", since=100)
        assert house.worst_export(135, 240) <= 1000 + TOL_W


@pytest.mark.parametrize("family", ["1xx", "7xx"])
def test_frozen_inverter_counts_as_silent_and_holds_the_limit(tmp_path, family):
    # It goes on to show 5.5 kW while the load comes and goes.
    settings = Settings(inverters=(InverterSettings(1, family, 10000),), meter=MeterSettings(200))
    load = [[0, 4000], [90, 300], [150, 4000], [200, 300]]
    with living(tmp_path, settings=settings, load=load) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(60)
        house.site.fault(inverter_frozen=True)
        house.run_to(260)
        assert 69 < house.said("DEVICE_SILENT", unit=1)[0].at < 76
        assert house.worst_export(75, 260) <= 1500 + TOL_W
        house.site.fault(inverter_frozen=False)
        house.run_to(275)
        assert house.said("DEVICE_WELL", since=260, unit=1)
        house.run_to(320)
        assert house.judge((60, 320, 1500)).longest_s <= 2
        assert {120, 180} <= set(readings(house, 0x03, W))  # of the site, and none of 5.5 kW
        assert not {120, 180} & set(readings(house, 0x49, W))


@pytest.mark.parametrize("family", ["1xx", "7xx"])
def test_inverter_that_tells_nothing_but_a_frozen_power_holds_each_limit(tmp_path, family):
    # No voltage moves that would tell.  It goes on to show 5.5 kW when it was told 1.8.
    settings = Settings(inverters=(InverterSettings(1, family, 10000),), meter=MeterSettings(200))
    with living(tmp_path, settings=settings, load=[[0, 4000], [90, 300]]) as house:
        house.default(exp_w=1500)
        event = house.publish(120, 120, exp_w=500)
        house.site.fault(inverter_w_only=True)
        house.boot()
        house.run_to(60)
        house.site.fault(inverter_frozen=True)
        house.run_to(90)
        assert not house.said("DEVICE_SILENT") and not house.said("DEVICE_DISOBEYS")
        house.run_to(300)
        assert house.said("DEVICE_DISOBEYS", unit=1)[0].at < 105
        assert house.said("DEVICE_SILENT", unit=1)[0].at < 108
        judged = house.judge((60, 120, 1500), (120, 240, 500), (240, 300, 1500))
        assert judged.longest_s <= 5
        assert 2 not in house.statuses(event)
        house.site.fault(inverter_frozen=False)
        house.run_to(330)
        assert house.said("DEVICE_WELL", since=300, unit=1), house.tail()


def test_meter_that_is_dead_from_the_start(tmp_path):
    with living(tmp_path, load=0) as house:
        house.site.fault(meter_silent=True)
        house.default(exp_w=1500)
        event = house.publish(30, 60, exp_w=3000)
        house.boot()
        house.run_to(130)
        assert house.judge((3, 30, 1500), (30, 90, 3000), (90, 130, 1500)).longest_s <= 15
        assert house.worst_export(110, 130) <= 1500 + TOL_W
        assert house.statuses(event) == [1, 2, 3]


def test_inverter_that_ignores_writes_is_never_reported_as_started(tmp_path):
    with living(tmp_path) as house:
        house.site.fault(writes_ignored=True)
        house.default(exp_w=1500)
        event = house.publish(30, 60, exp_w=2500)
        house.boot()
        house.run_to(150)
        assert house.statuses(event)[0] == 1 and 2 not in house.statuses(event)
        assert house.worst_export(30, 90) > 5000  # it really disobeyed


def test_dead_inverter_is_said_and_nothing_is_reported_as_started(tmp_path):
    with living(tmp_path) as house:
        house.site.fault(inverter_silent=True)
        event = house.publish(30, 60, exp_w=2500)
        house.boot()
        house.run_to(59)
        assert house.first("connect", "utility.test") == len(house.story)
        assert house.said("INVERTER_SILENT")
        house.run_to(150)
        assert house.said("NO_LIMIT_WRITTEN") and house.requests("dcap")
        assert 2 not in house.statuses(event)


def test_inverter_that_dies_in_an_event_and_comes_back_gets_its_limit_again(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        house.publish(20, 900, exp_w=2500)
        house.boot()
        house.run_to(60)
        house.site.fault(inverter_silent=True)
        house.run_to(120)
        # It restarts unlimited, as a device that lost its volatile registers.
        house.site.inverter.ena, house.site.inverter.pct = 0, 10000
        house.site.fault(inverter_silent=False)
        house.run_to(200)
        assert house.site.inverter.ena == 1
        assert house.worst_export(140, 200) <= 2500 + TOL_W


@pytest.mark.parametrize("host", ["site.test", "meter.test"])
@pytest.mark.parametrize("how", ["refuse", "drop"])
def test_line_that_is_lost_for_a_while(tmp_path, host, how):
    with living(tmp_path, meter_line=True, load=[[0, 2000], [100, 0]]) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(60)
        house.network(host, how)
        house.run_to(160)
        house.network(host, "up")
        house.run_to(260)
        if host == "meter.test":
            assert house.worst_export(75, 260) <= 1500 + TOL_W
        assert house.worst_export(240, 260) <= 1500 + TOL_W
        if host == "meter.test":
            assert house.said("SIGHTED", since=160)
        else:  # the meter alone was sight enough
            assert house.said("DEVICE_SILENT", since=60) and house.said("DEVICE_WELL", since=160)


def test_null_frames_are_no_measurements(tmp_path):
    with living(tmp_path, load=500) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(60)
        house.site.fault(null_frames=True)
        house.run_to(200)
        assert house.worst_export(60, 200) <= 1500 + TOL_W
        house.site.fault(null_frames=False)
        house.run_to(260)
        assert house.judge((245, 260, 1500)).longest_s <= 1


@pytest.mark.parametrize("fault", ["fc16_refused", "sf_moves"])
def test_peculiar_inverter_is_held_all_the_same(tmp_path, fault):
    with living(tmp_path) as house:
        house.site.fault(**{fault: True})
        house.default(exp_w=1500)
        event = house.publish(30, 60, exp_w=2500)
        house.boot()
        house.run_to(130)
        verdict = house.judge((15, 30, 1500), (30, 90, 2500), (90, 130, 1500))
        assert verdict.longest_s <= 15 and house.statuses(event) == [1, 2, 3]


@pytest.mark.parametrize("family", ["1xx", "7xx"])
@pytest.mark.parametrize("kind, code, unit", [("inverter", "INVERTER_MOVED", 1),
                                              ("meter", "METER_MOVED", 200)])
@pytest.mark.parametrize("fault", ["chain_shift", "strangers"])
def test_chain_that_moves_while_it_is_read(tmp_path, family, kind, code, unit, fault):
    # As after an update of the device; and back again.
    settings = Settings(inverters=(InverterSettings(1, family, 10000),), meter=MeterSettings(200))
    with living(tmp_path, settings=settings, load=[[0, 3000], [62, 500]]) as house:
        house.default(exp_w=1500)
        house.boot()
        for begins, moved in ((60, True), (120, False)):
            house.run_to(begins)
            house.site.fault(**{f"{kind}_{fault}": moved})
            house.run_to(begins + 60)
            assert house.said(code, since=begins, unit=unit)[0].at <= begins + 13
            assert house.worst_export(begins + 15, begins + 60) <= 1500 + TOL_W
            good = "INVERTER_READY" if kind == "inverter" else "SIGHTED"
            assert house.said(good, since=begins), house.tail()
        assert house.judge((60, 180, 1500)).longest_s <= 15


def test_meter_that_counts_export_positive(tmp_path):
    with living(tmp_path, config={"meter_sign": -1}) as house:
        house.site.meter._sign = -1  # before the first read
        house.default(exp_w=1500)
        house.boot()
        house.run_to(60)
        assert house.judge((3, 60, 1500)).passed


def test_meter_that_counts_the_wrong_way_is_found_and_not_believed(tmp_path):
    clouds = [[0, 9000], [59.9, 9000], [60, 3000], [89.9, 3000], [90, 9000]]
    with living(tmp_path, pv=clouds, load=500, config={"site_exp_w": 20000}) as house:
        house.site.fault(sign_flip=True)
        house.default(exp_w=3000)
        event = house.publish(120, 60, exp_w=1500)
        house.boot()
        house.run_to(240)
        assert house.said("METER_SIGN"), house.tail()
        assert house.said("METER_SIGN")[0].at < 70 and not house.said("SIGHTED", since=75)
        assert house.worst_export(80, 240) <= 3000 + TOL_W
        assert house.worst_export(135, 180) <= 1500 + TOL_W
        assert house.statuses(event) == [1, 2, 3]  # blind, the inverter alone is below it
        assert not {start for start in readings(house, 0x03, W) if start >= 120}


@pytest.mark.parametrize("family", ["1xx", "7xx"])
@pytest.mark.parametrize("pv", [9000, [[0, 0], [240, 9000]]], ids=["noon", "dawn"])
def test_meter_that_counts_the_wrong_way_is_found_under_a_clear_sky(tmp_path, family, pv):
    settings = Settings(inverters=(InverterSettings(1, family, 10000),), meter=MeterSettings(200))
    with living(tmp_path, settings=settings, pv=pv, load=500) as house:
        house.site.fault(sign_flip=True)
        house.default(exp_w=1500)
        event = house.publish(120, 60, exp_w=3000)
        house.boot()
        house.run_to(240)
        assert house.said("METER_SIGN") and not house.said("METER_PROVEN"), house.tail()
        assert house.said("METER_SIGN")[0].at < (30 if pv == 9000 else 120)
        assert house.judge((10, 120, 1500), (120, 180, 3000), (180, 240, 1500)).longest_s <= 5
        assert house.statuses(event) == [1, 2, 3]


@pytest.mark.parametrize("family", ["1xx", "7xx"])
def test_meter_that_counts_right_is_proven_by_a_short_trial_and_then_followed(tmp_path, family):
    settings = Settings(inverters=(InverterSettings(1, family, 10000),), meter=MeterSettings(200))
    with living(tmp_path, settings=settings, pv=9000, load=1000) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(60)
        assert house.said("METER_PROVEN")[0].at < 25, house.tail()
        assert house.worst_export(15, 60) <= 1500 + TOL_W
        assert min(row.pv_w for row in house.rows(5, 20)) < 500
        assert min(row.pv_w for row in house.rows(35, 60)) > 2300
        # Another meter may stand there when its map has moved: it is tried again.
        house.site.fault(meter_chain_shift=True)
        house.run_to(140)
        assert len(house.said("METER_PROVEN")) == 2, house.tail()
        assert house.worst_export(60, 140) <= 1500 + TOL_W


def test_limit_is_not_written_more_often_than_the_day_allows(tmp_path):
    # Nothing changes: the heartbeats alone are left.
    with living(tmp_path, pv=8000, load=500) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(30)
        before = len(house.site.write_log)
        house.run_to(630)
        assert len(house.site.write_log) - before <= 2 * 60


def test_inverter_that_needs_eight_seconds_for_an_answer_gets_its_limit(tmp_path):
    with living(tmp_path, config={"modbus_timeout_ms": 10000, "meter": "meter.test:502/200"}) \
            as house:
        house.site.fault(inverter_delay_ms=8000)
        house.default(exp_w=1500)
        house.boot()
        house.run_until(lambda: house.said("LIMIT_TAKEN", unit=1), 900)
        house.run(300)
        assert house.worst_export(house.now - 200, house.now) <= 1500 + TOL_W
