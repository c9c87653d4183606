"""MUL-01 to MUL-03: two inverters of different make that the utility sees as one DER."""

import pytest
from house import living
from procedure import (
    DER,
    W,
    counted,
    followed,
    readings,
    settled,
    sound,
    told,
    told_bits,
    true_readings,
)
from tools.site import InverterSettings, Settings

WMAX_W = 10000
SECOND = "site.test:502/2"


def two(first="1xx", second="7xx"):
    """What `living` takes for two inverters, 6 and 4 kW."""
    inverters = (InverterSettings(1, first, 6000, serial="A"),
                 InverterSettings(2, second, 4000, serial="B"))
    return {"settings": Settings(inverters=inverters),
            "config": {"inverter2": SECOND, "site_exp_w": WMAX_W}}


@pytest.mark.parametrize("families", [("1xx", "7xx"), ("1xx", "1xx"), ("float", "both")])
def test_mul_01_status_of_several_der(tmp_path, families):
    with living(tmp_path, pv=9000, load=500, **two(*families)) as house:
        event = house.publish(10, 900, exp_w=2 * WMAX_W)
        house.boot()
        house.run_to(60)
        assert told_bits(house)[-1] == 7
        house.site.fault(unit=2, off=True)
        house.run_to(130)
        for one in told(house, "ders", 60):  # one of them runs: the DER does
            assert one.hex("genConnectStatus") == 7 and one["operationalModeStatus"] == 2
        assert told(house, "ders", 60)
        house.site.fault(unit=1, off=True)
        house.run_until(lambda: told_bits(house)[-1] == 0, 30)
        assert told(house, "ders")[-1]["operationalModeStatus"] == 1
        house.site.fault(unit=2, off=False)
        house.run_until(lambda: told_bits(house)[-1] == 7, 80)
        house.run(10)
        assert told(house, "ders")[-1]["operationalModeStatus"] == 2
        assert house.statuses(event) == [1, 2]
        sound(house)


def test_mul_02_aggregated_telemetry(tmp_path):
    with living(tmp_path, pv=9500, load=WMAX_W // 10, **two()) as house:
        house.boot()
        house.run_to(50)
        wide = house.publish(60, 120, exp_w=2 * WMAX_W)
        zero = house.publish(180, 120, exp_w=0)
        house.run_to(375)
        counted(house, 3)
        made = true_readings(house, DER, "pv_w")
        true_readings(house)
        assert made[120] > 9000 and abs(made[240] - 1000) < 120
        for start in (120, 240):
            parts = [house.site.mean(f"inverter{n}_w", start, start + 60) for n in (1, 2)]
            assert min(parts) > 100 and abs(sum(parts) - made[start]) < 60, parts
        settled(house, 180, 300, 0)
        assert house.statuses(wide) == [1, 2, 3] and house.statuses(zero) == [1, 2, 3]
        assert len(readings(house, DER, W)) >= 4
        sound(house)


def test_mul_03_capability_and_settings_of_several_der(tmp_path):
    with living(tmp_path, pv=12000, load=0, **two()) as house:
        house.boot()
        house.run_to(90)
        can, is_set = told(house, "dercap")[-1], told(house, "derg")[-1]
        assert can["rtgMaxW"] == is_set["setMaxW"] == WMAX_W
        assert can["rtgMaxVA"] == is_set["setMaxVA"] == WMAX_W
        assert is_set["setGradW"] == 27
        house.default(grad=100)
        house.run_until(lambda: told(house, "derg")[-1]["setGradW"] == 100, 75)
        assert told(house, "derg")[-1]["setMaxW"] == WMAX_W
        # Its ramp is a share of all of them.
        start = round(house.now) + 65
        house.publish(start, 200, exp_w=5000)
        house.run_to(start + 70)
        followed(house, [(start + 2, WMAX_W), (start + 52, 5000), (start + 70, 5000)],
                 room_w=150, behind_w=600)
        sound(house)


def test_mul_03_changed_settings_of_one_der(tmp_path):
    with living(tmp_path, pv=12000, load=0, **two()) as house:
        house.default(grad=100)
        house.boot()
        house.run_to(90)
        second = house.site.inverters[1]
        second.wmax_w = 3000  # set lower at the device itself, which keeps its rating
        second.machine.order(3000.0)
        house.site.fault()
        house.run(130)
        can, is_set = told(house, "dercap")[-1], told(house, "derg")[-1]
        assert is_set["setMaxW"] == 9000 and is_set["setGradW"] == 100
        assert set(house.utility.site().documents) == {"dercap", "derg", "ders"}
        assert can["rtgMaxW"] in (9000, WMAX_W)
        sound(house)


def test_limits_hold_while_one_of_two_inverters_dies(tmp_path):
    with living(tmp_path, pv=9500, load=500, **two()) as house:
        house.default(exp_w=4000)
        house.boot()
        house.run_to(60)
        house.site.fault(unit=1, silent=True)  # nobody hears it any more: it stays at its cap
        house.run_to(180)
        house.site.fault(unit=1, silent=False)
        house.run_to(240)
        settled(house, 5, 240, 4000)
        assert -house.rows(238, 240)[-1].site_w > 3500
        assert house.said("DEVICE_SILENT", unit=1) and house.said("DEVICE_WELL", unit=1)
        sound(house)
