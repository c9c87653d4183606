"""Devices that are slow, say "off" while they run, or lose their readings for a moment."""

import pytest
from house import living, tolerance_w
from tools.site import InverterSettings, MeterSettings, Settings

TOL_W = tolerance_w(10000)
WIDE = {"site_exp_w": 20000}


def modbus_writes(house, since):
    """How many requests have written to a device since then."""
    return sum(1 for at, kind, _ in house.story if kind == "write" and at > since)


@pytest.mark.parametrize("maker, most", [("SMA", 30), ("Acme", 130)])
def test_inverter_that_says_it_is_off_while_it_makes_power(tmp_path, maker, most):
    # SMA's firmware 4 reads Conn = 0 throughout; its limits go to flash.
    settings = Settings(inverters=(InverterSettings(1, maker=maker, model="SB3.6"),),
                        meter=MeterSettings(200))
    with living(tmp_path, settings=settings, pv=9000, config=WIDE) as house:
        house.site.fault(conn_zero=True)
        house.default(exp_w=4000)
        event = house.publish(60, 100, exp_w=1500)
        house.boot()
        house.run_to(200)
        assert house.judge((30, 60, 4000), (60, 160, 1500), (160, 200, 4000)).longest_s <= 12
        assert house.worst_export(75, 160) <= 1500 + TOL_W
        assert house.statuses(event) == [1, 2, 3]
        assert modbus_writes(house, 0) <= most, modbus_writes(house, 0)


def test_a_switch_that_is_refused_for_ever_is_tried_seldom_in_the_end(tmp_path):
    with living(tmp_path, profile="v1.3b-sto", pv=0) as house:
        house.default(exp_w=4000)
        house.boot()
        house.run_to(30)
        house.site.fault(inverter_conn_zero=True)
        house.publish(60, 20, connect=0)
        house.run_to(150)  # on again, as it reads, it never is: no sun shows that it is
        since = modbus_writes(house, 0)
        house.run_to(390)
        assert modbus_writes(house, 0) - since <= 16


@pytest.mark.parametrize("delay_ms, own_line", [(300, False), (600, False), (600, True),
                                                (1000, True)])
def test_slow_answers_make_no_limit_cycle(tmp_path, delay_ms, own_line):
    meter = "meter.test:502/200" if own_line else "site.test:502/200"
    with living(tmp_path, pv=9000, load=[[0, 3000], [250, 500]],
                config={**WIDE, "meter": meter, "modbus_timeout_ms": 2000}) as house:
        house.site.fault(inverter_delay_ms=delay_ms)
        house.default(exp_w=1500)
        house.boot()
        house.run_to(250)
        out = [-row.site_w for row in house.rows(190, 250)]
        assert min(out) >= 900 and max(out) <= 1500 + TOL_W, (min(out), max(out))
        assert not house.said("DEVICE_SILENT", since=60) and not house.said("BLIND", since=60)
        assert modbus_writes(house, 120) <= 40
        house.run_to(300)
        assert house.judge((250, 300, 1500)).longest_s <= 15


def test_sentinels_for_a_moment_are_no_night(tmp_path):
    with living(tmp_path, load=3000, pv=9000, config={**WIDE, "site_imp_w": 1500}) as house:
        house.default(exp_w=4000, imp_w=1500)
        house.boot()
        house.run_to(60)
        house.site.fault(unit=1, sentinels=True)
        house.run(0.8)
        house.site.fault(unit=1, sentinels=False)
        house.run_to(90)
        assert min(row.pv_w for row in house.rows(58, 90)) >= 6500
        assert not house.said("DEVICE_SILENT")
        house.site.fault(unit=1, asleep=True)
        house.run_to(130)
        assert not house.said("DEVICE_SILENT", since=101) and house.said("DEVICE_WELL", since=90)


@pytest.mark.parametrize("mode", ["gen_w", "energize", "connect", "target_w", "fixed_pct100"])
def test_an_inverter_that_says_nothing_and_obeys_nothing_is_never_started(tmp_path, mode):
    value = {"gen_w": 2000, "target_w": 2000, "fixed_pct100": 2000}.get(mode, 0)
    with living(tmp_path, load=0, pv=9000, profile="v1.3b-sto", config=WIDE) as house:
        house.default(exp_w=20000)
        event = house.publish(60, 60, **{mode: value})
        house.boot()
        house.run_to(40)
        house.site.fault(unit=1, sentinels=True, writes_ignored=True)
        house.run_to(140)
        assert min(row.pv_w for row in house.rows(80, 115)) > 5000  # it really disobeyed
        assert 2 not in house.statuses(event) and 1 in house.statuses(event)


def test_a_rating_that_grew_at_the_device_is_seen_as_soon_as_it_disobeys(tmp_path):
    settings = Settings(inverters=(InverterSettings(1, wmax_w=5000, wrtg_w=10000),),
                        meter=MeterSettings(200))
    with living(tmp_path, settings=settings, load=0, pv=9000, config=WIDE) as house:
        house.default(exp_w=20000, gen_w=2000)
        house.boot()
        house.run_to(65)
        inverter = house.site.inverter
        inverter.wmax_w = inverter.machine.wmax_w = 10000
        inverter._kept.clear()
        inverter.points.version += 1
        house.run_to(120)
        above = [row.time for row in house.rows(65, 120) if row.pv_w > 2000 + TOL_W]
        assert house.said("INVERTER_RATED") and above, house.tail()
        assert max(above) - min(above) <= 15


def test_a_scale_factor_of_the_limit_that_moved_is_seen_as_soon_as_it_disobeys(tmp_path):
    with living(tmp_path, load=0, pv=9000, config=WIDE) as house:
        house.default(exp_w=800)
        house.boot()
        house.run_to(65)
        house.site.fault(pct_tenths=True)  # 8 % is written again, and means 80 %
        house.run_to(120)
        above = [row.time for row in house.rows(65, 120) if -row.site_w > 800 + TOL_W]
        assert house.said("INVERTER_RATED") and above, house.tail()
        assert max(above) - min(above) <= 15, (min(above), max(above))
