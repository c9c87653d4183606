"""What holds without us, and without a meter that can be believed."""

import pytest
from house import living, tolerance_w
from tools.site import InverterSettings, MeterSettings, Settings

FAILSAFE_W = 1000
TOL_W = tolerance_w(10000)


def test_a_board_that_dies_leaves_three_inverters_at_the_failsafe_together(tmp_path):
    settings = Settings(meter=MeterSettings(), inverters=tuple(
        InverterSettings(unit=unit, family="7xx") for unit in (1, 2, 3)))
    config = {"inverter2": "site.test:502/2", "inverter3": "site.test:502/3"}
    with living(tmp_path, settings=settings, config=config, load=0, pv=9000) as house:
        house.default(exp_w=4000)
        house.boot()
        house.run_to(90)
        assert max(-row.site_w for row in house.rows(60, 90)) > 3500
        house.power_cut()
        house.run(240)  # each of them waits for 120 s
        assert house.worst_export(house.now - 100, house.now) <= FAILSAFE_W + TOL_W


@pytest.mark.parametrize("how", ["power_cut", "stop"])
@pytest.mark.parametrize("family", ["7xx", "solaredge"])
@pytest.mark.parametrize("failsafe_w, default_w", [(5000, 1500), (1000, 0)])
def test_a_default_below_the_failsafe_is_what_devices_fall_back_to(tmp_path, how, family,
                                                                   failsafe_w, default_w):
    settings = Settings(inverters=(InverterSettings(1, family, 10000),), meter=MeterSettings(200))
    config = {"failsafe_exp_w": failsafe_w, "site_exp_w": 10000}
    if family == "solaredge":
        config.update(inverter_map="solaredge", inverter_w=10000)
    with living(tmp_path, settings=settings, config=config, load=0, pv=9000) as house:
        house.default(exp_w=4000)
        house.boot()
        house.run_to(60)
        house.default(exp_w=default_w)
        house.run_to(180)
        getattr(house, how)()
        house.run(240)  # it waits for 120 s
        assert house.worst_export(house.now - 100, house.now) <= default_w + TOL_W


def test_a_stop_waits_as_long_as_the_inverters_answers_take(tmp_path):
    config = {"site_exp_w": 20000, "modbus_timeout_ms": 4000, "meter": "meter.test:502/200"}
    with living(tmp_path, config=config, load=3000, pv=9000) as house:
        house.site.fault(inverter_delay_ms=2500)
        house.default(exp_w=1500)
        house.publish(10, 600, exp_w=5000)
        house.boot()
        house.run_to(200)
        house.stop(30)
        assert house.said("STOPPED", floor="written")
        house.run(30)
        assert house.worst_export(house.now - 10, house.now) <= 1500 + TOL_W


def test_a_meter_that_shows_what_no_site_takes_steers_nothing(tmp_path):
    with living(tmp_path, load=3000) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(60)
        house.site.fault(unit=200, absurd=True)  # it takes 90 kW, it says; 60 kW is the bound
        house.run(120)
        assert house.said("BLIND", since=60), house.tail()
        # Cut back, it shows what is credible: believed after five seconds, and after a minute
        # when it was absurd again.
        assert len(house.said("SIGHTED", since=60)) == 2
        seen = house.judge((60, 180, 1500))
        assert seen.longest_s < 1 and seen.above_s < 2.5, seen
        house.site.fault(unit=200, absurd=False)
        house.run(90)
        assert len(house.said("SIGHTED", since=180)) == 1
        assert not house.said("BLIND", since=180), house.tail()
        assert house.worst_export(house.now - 20, house.now) > 1200


def test_a_meter_that_shows_more_than_the_main_fuse_carries_steers_nothing(tmp_path):
    # 63 A on one phase.  The house takes 25 kW, it says: less than four times the contract.
    with living(tmp_path, config={"fuse_w": 15000}, load=500) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(60)
        house.site.fault(unit=200, offset_w=25000)
        house.run(60)
        assert house.said("BLIND", since=60), house.tail()
        assert house.worst_export(60, 120) <= 1500 + TOL_W
        house.site.fault(unit=200, offset_w=0)
        house.run(90)
        assert house.said("SIGHTED", since=120), house.tail()
        assert house.worst_export(60, house.now) <= 1500 + TOL_W


@pytest.mark.parametrize("pace_ms", [200, 1000])
def test_a_meter_that_stands_still_is_found_after_five_seconds_at_any_pace(tmp_path, pace_ms):
    with living(tmp_path, config={"sample_ms": pace_ms}, load=3000) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(60)
        house.site.fault(unit=200, frozen=True)
        house.run(20)
        line, = house.said("BLIND", since=60)
        assert 63 < line.at < 60 + 5 + 3 * pace_ms / 1000, line
