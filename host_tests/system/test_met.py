"""Devices with manners of their own: how they are met, and how a limit reaches them."""

import pytest
from house import living, tolerance_w
from tools.site import BatterySettings, InverterSettings, Settings

TOL_W = tolerance_w(10000)


def site_of(tmp_path, inverter, load=500, **config):
    """A house with that inverter and more sun than any limit here."""
    return living(tmp_path, settings=Settings(inverters=(inverter,)), load=load, pv=9000,
                  config={"site_exp_w": 20000, **config})


@pytest.mark.parametrize(("maker", "faults"), [
    ("Huawei", {"gap_ms": 50}), ("", {"gap_ms": 10}), ("", {"gap_ms": 50}), ("", {"busy": 2})])
def test_inverter_that_is_busy_just_after_an_answer_is_met_and_held(tmp_path, maker, faults):
    inverter = InverterSettings(1, maker=maker or "Acme", faults=faults)
    with site_of(tmp_path, inverter) as house:
        house.default(exp_w=3000)
        house.boot()
        house.run_to(60)
        assert house.said("INVERTER_READY")[0].at < 5 and not house.said("INVERTER_NO_SUNSPEC")
        assert house.worst_export(20, 60) <= 3000 + TOL_W
        assert -house.site.mean("site_w", 30, 60) > 2500


@pytest.mark.parametrize("family", ["1xx", "7xx"])
def test_inverter_that_refuses_what_is_below_1_percent_is_held_at_that(tmp_path, family):
    inverter = InverterSettings(1, family, 10000, faults={"floor_refused": 1})
    with site_of(tmp_path, inverter, load=150) as house:
        house.default(exp_w=2000)
        event = house.publish(40, 40, exp_w=0)
        house.boot()
        house.run_to(110)
        assert house.worst_export(50, 80) <= TOL_W
        assert 50 <= house.site.mean("pv_w", 55, 80) <= 150
        assert house.statuses(event) == [1, 2, 3]
        assert house.judge((20, 40, 2000), (40, 80, 0), (80, 110, 2000)).longest_s <= 15


def test_more_than_the_tolerance_that_a_device_insists_on_is_no_success(tmp_path):
    # A hundredth of 30 kW is 300 W.
    inverter = InverterSettings(1, "1xx", 30000, faults={"floor_refused": 1})
    with site_of(tmp_path, inverter, load=0) as house:
        house.default(exp_w=2000)
        event = house.publish(40, 40, exp_w=0)
        house.boot()
        house.run_to(90)
        assert house.worst_export(50, 80) <= 300
        assert 2 not in house.statuses(event)


def test_inverter_of_the_700_models_that_takes_function_6_only_is_obeyed(tmp_path):
    inverter = InverterSettings(1, "7xx", 10000, faults={"fc16_refused": True})
    with site_of(tmp_path, inverter) as house:
        house.default(exp_w=3000)
        event = house.publish(30, 40, exp_w=2000)
        house.boot()
        house.run_to(80)
        assert house.said("LIMIT_TAKEN") and not house.said("LIMIT_NOT_TAKEN", since=10)
        assert house.worst_export(35, 70) <= 2000 + TOL_W
        assert house.statuses(event) == [1, 2, 3]


def test_inverter_that_does_not_say_its_rating_takes_that_of_the_settings(tmp_path):
    inverter = InverterSettings(1, models=(1, 103, 123), wmax_w=10000)
    with site_of(tmp_path, inverter, inverter_w=10000) as house:
        house.default(exp_w=3000)
        house.boot()
        house.run_to(40)
        assert house.said("INVERTER_READY", wmax_w=10000)
        assert 2700 < -house.site.mean("site_w", 25, 40) <= 3000 + TOL_W


@pytest.mark.parametrize(("family", "most"), [("1xx", 10), ("7xx", 50)])
def test_inverter_behind_a_gateway_that_refuses_long_reads(tmp_path, family, most):
    inverter = InverterSettings(1, family, 10000, faults={"read_max": most})
    with site_of(tmp_path, inverter) as house:
        house.default(exp_w=3000)
        event = house.publish(25, 25, exp_w=2000)
        house.boot()
        house.run_to(60)
        assert house.said("INVERTER_READY", wmax_w=10000)[0].at < 5
        assert house.said("INVERTER")[0].pairs["maker"] == house.site.inverter.settings.maker
        assert house.worst_export(35, 50) <= 2000 + TOL_W
        assert house.statuses(event) == [1, 2, 3]


def hybrid(tmp_path, family, storage, config=None, **more):
    """A house with a hybrid as its battery."""
    settings = Settings(inverters=(InverterSettings(1, family, 10000),),
                        battery=BatterySettings(1, storage, soc_pct=50))
    return living(tmp_path, settings=settings, profile="v1.3b-sto", load=500,
                  config={"inverter": None, "battery": "site.test:502/1", "battery_pv": 1,
                          "site_exp_w": 20000, "site_imp_w": 20000, **(config or {})}, **more)


def test_set_point_of_a_hybrids_battery_leaves_its_sun_to_the_limits(tmp_path):
    with hybrid(tmp_path, "1xx", "1xx", pv=[[0, 8000], [78, 8000], [80, 0]]) as house:
        house.default(exp_w=2000)
        event = house.publish(30, 70, storage_w=-2000)
        house.boot()
        house.run_to(110)
        for start, end in ((50, 75), (88, 100)):  # at night the grid charges it
            assert abs(house.site.mean("battery_w", start, end) + 2000) <= TOL_W
        assert 4100 < house.site.mean("pv_w", 50, 75) < 4600
        assert -2000 - TOL_W <= house.site.mean("site_w", 50, 75) <= -1700
        assert house.judge((20, 110, 2000)).longest_s <= 6  # its sun follows its battery
        assert house.statuses(event) == [1, 2, 3]
        assert not house.said("DEVICE_DISOBEYS")


def test_hybrid_of_model_704_claims_no_set_point_of_its_battery(tmp_path):
    # Its set point is of sun and battery together: nobody knows the battery's share.
    with hybrid(tmp_path, "7xx", "7xx", pv=8000) as house:
        house.default(exp_w=2000)
        event = house.publish(30, 40, storage_w=-2000)
        house.boot()
        house.run_to(80)
        assert -2000 - TOL_W <= house.site.mean("site_w", 50, 70) <= -1700
        assert 2 not in house.statuses(event)
        assert not house.said("DEVICE_DISOBEYS")


def test_hybrid_that_goes_on_to_charge_never_started_to_cease(tmp_path):
    # What its sun gives hides what its battery takes, but whatever it draws is the battery's.
    with hybrid(tmp_path, "1xx", "1xx", pv=0) as house:
        house.publish(20, 40, storage_w=-2000)
        event = house.publish(60, 40, energize=0)
        house.at(52, lambda: house.site.faults.switch(writes_ignored=True))
        house.boot()
        house.run_to(90)
        assert house.site.mean("battery_w", 65, 90) < -1500  # it really went on
        assert 2 not in house.statuses(event)


@pytest.mark.parametrize("mapped", ["", "toggle"])
def test_hybrid_that_must_be_toggled_obeys_where_the_settings_say_so(tmp_path, mapped):
    with hybrid(tmp_path, "1xx", "1xx", pv=8000, config={"inverter_map": mapped}) as house:
        house.site.fault(needs_toggle=True)
        house.default(exp_w=5000)
        event = house.publish(50, 40, exp_w=1500)
        house.boot()
        house.run_to(95)
        # Else it keeps to the first limit that it was told.
        assert (house.worst_export(30, 50) > 2000) == bool(mapped)
        assert house.worst_export(60, 90) <= 1500 + TOL_W
        assert house.statuses(event) == [1, 2, 3]
