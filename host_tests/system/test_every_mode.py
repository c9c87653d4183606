"""Every control mode, on the 1xx and the 7xx family, over TCP and over a line of 19200 baud.

Sun, house, inverter, battery, a load that can be limited and the meter on one line.  In each case
the true power of the connection point (or of the devices) stays inside the limit, and the event
is answered received, started, completed; where a device takes no writes it is never "started".
"""

import pytest
from house import living
from procedure import SETTLE_S, TOL_W, sound
from tools.site import BatterySettings, InverterSettings, LoadSettings, MeterSettings, Settings

WMAX_W, RATE_W, RATED_W = 10000, 5000, 3000
SUN_W, HOUSE_W = 7000, 500
START, END = 30, 60
LINES = {"tcp": "site.test:502/", "rtu": "rtu:/dev/ttyUSB0@19200/"}


def exported(row):
    """W at the connection point, out."""
    return -row.site_w


def imported(row):
    """The same, in."""
    return row.site_w


def made(row):
    """What the devices generate."""
    return row.pv_w + row.battery_w


def taken(row):
    """What the devices consume."""
    return row.flex_w + max(0, -row.battery_w)


def stored(row):
    """What the battery gives."""
    return row.battery_w


# What the event says, what it bounds, its least and most W, and the sun.
CASES = {
    "exp": ({"exp_w": 1500}, exported, 700, 1500, SUN_W),
    "imp": ({"imp_w": 1200}, imported, 700, 1200, 0),
    "gen": ({"gen_w": 2000}, made, 1400, 2000, SUN_W),
    "load": ({"load_w": 1000}, taken, 600, 1000, 0),
    "max": ({"max_pct100": 2000}, made, 2400, 3000, SUN_W),
    "fixed": ({"fixed_pct100": 2000}, made, 2400, 3000, SUN_W),
    "target": ({"target_w": 2500}, made, 2000, 2500, SUN_W),
    "storage": ({"storage_w": -2000}, stored, -2100, -1900, SUN_W),
    "energize": ({"energize": 0}, made, -20, 0, SUN_W),
    "connect": ({"connect": 0}, made, -20, 0, SUN_W),
}


def house_of(tmp_path, sun_w, family, line):
    """A house with every kind of device on that line."""
    settings = Settings(inverters=(InverterSettings(1, family, WMAX_W),),
                        battery=BatterySettings(10, family, control="idle"),
                        load=LoadSettings(20, RATED_W), meter=MeterSettings(200))
    at = LINES[line]
    config = {"inverter": at + "1", "battery": at + "10", "load": at + "20", "meter": at + "200",
              "site_exp_w": 20000, "site_imp_w": 20000}
    return living(tmp_path, settings=settings, config=config, profile="v1.3b-sto", pv=sun_w,
                  load=HOUSE_W)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("family", ["1xx", "7xx"])
@pytest.mark.parametrize("mode", CASES)
def test_the_mode_is_obeyed_and_answered(tmp_path, mode, family, line):
    modes, power, low, high, sun_w = CASES[mode]
    with house_of(tmp_path, sun_w, family, line) as house:
        event = house.publish(START, END - START, **modes)
        house.boot()
        house.run_to(END + 10)
        before = [power(row) for row in house.rows(START - 5, START)]
        assert max(before) > high + TOL_W or min(before) < low - TOL_W, before
        seen = [power(row) for row in house.rows(START + SETTLE_S, END)]
        assert low <= min(seen) and max(seen) <= high + TOL_W, (min(seen), max(seen))
        assert house.statuses(event) == [1, 2, 3]
        sound(house)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("family", ["1xx", "7xx"])
@pytest.mark.parametrize("mode", CASES)
def test_it_is_never_started_where_devices_ignore_what_they_are_told(tmp_path, mode, family, line):
    modes, *_, sun_w = CASES[mode]
    with house_of(tmp_path, sun_w, family, line) as house:
        event = house.publish(START, 20, **modes)
        house.at(START - 5, lambda: house.site.fault(writes_ignored=True))
        house.boot()
        house.run_to(START + 30)
        assert house.statuses(event)[0] == 1 and 2 not in house.statuses(event)
        assert house.said("LIMIT_NOT_TAKEN") or house.said("DEVICE_DISOBEYS")
        sound(house)
