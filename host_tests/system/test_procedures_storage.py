"""STO-01 to STO-06: a battery that is told how much to store and to give, and says what it has."""

import pytest
from house import START, living
from procedure import (
    DER,
    W,
    WH,
    followed,
    readings,
    series,
    settled,
    sound,
    steps,
    told,
)
from tools.site import BatterySettings, InverterSettings, Settings

RATE_W, FULL_WH = 5000, 10000
BATTERY = "site.test:502/10"


def store(family="1xx", alone=True, **more):
    """What `living` takes for a battery, beside the inverter or alone (without sun, that is)."""
    settings = Settings(battery=BatterySettings(family=family, control="idle", **more))
    config = {"battery": BATTERY, "site_exp_w": 20000, "site_imp_w": 20000}
    if alone:
        config["inverter"] = None
    return {"settings": settings, "config": config, "profile": "v1.3b-sto",
            "pv": 0 if alone else 3000}


@pytest.mark.parametrize("family", ["1xx", "7xx"])
def test_sto_01_and_04_stored_energy_readings(tmp_path, family):
    with living(tmp_path, load=500, **store(family, alone=False)) as house:
        house.boot()
        house.run_to(20)
        steps(house, "GET mupl", "POST mupl", "GET mupl")
        house.publish(65, 200, storage_w=-3600)
        house.run_to(370)
        (stored,) = series(house, DER, WH).values()
        assert list(stored) == [60, 120, 180, 240, 300]
        # 3.6 kW for a minute are 60 Wh, less what the converter takes.
        assert 40 <= stored[120] - stored[60] <= 70 and 40 <= stored[180] - stored[120] <= 70
        assert abs(stored[300] - house.site.plant.cell.wh) <= 20
        for point in house.utility.site().usage_points.values():
            for mrid, kind in point.types.items():
                if kind["uom"] == WH:  # J30
                    assert kind["kind"] == 12 and (kind.get("dataQualifier") or 0) == 0
                    assert int(point.role, 16) == DER and int(mrid[-8:]) == 32473
        made = readings(house, DER, W)
        truth = house.site.mean("pv_w", 120, 180) + house.site.mean("battery_w", 120, 180)
        assert abs(made[120] - truth) <= 60  # charging is negative (G5)
        sound(house)


def rated(house, prefix, documents):
    """The values of STO-02 by their names without prefix, None where one is missing."""
    names = ("MaxVA", "MaxVar", "MaxVarNeg", "MinPFOverExcited", "MinPFUnderExcited",
             "MaxChargeRateW", "MaxDischargeRateW", "MaxWh")
    found = {}
    for name in names:
        full = prefix + name
        found[name] = documents.leaves.get(full + "/value") or documents.leaves.get(
            full + "/displacement")
        assert found[name] is not None, full
        if "PF" not in name:
            found[name] = documents[full]
    return found


@pytest.mark.parametrize("family", ["1xx", "7xx"])
@pytest.mark.parametrize("alone", [True, False])
def test_sto_02_and_05_capability_and_settings(tmp_path, family, alone):
    with living(tmp_path, **store(family, alone)) as house:
        house.boot()
        house.run_to(30)
        steps(house, "GET derl", "PUT dercap", "PUT derg")
        house.run_to(100)
        steps(house, "GET derl", ("PUT dercap", "PUT derg"), since=30)  # STO-05: after its start
        can, is_set = told(house, "dercap")[-1], told(house, "derg")[-1]
        rtg, of = rated(house, "rtg", can), rated(house, "set", is_set)
        for name in ("MaxVA", "MaxVar", "MaxChargeRateW", "MaxDischargeRateW", "MaxWh"):
            assert of[name] <= rtg[name]
        assert rtg["MaxChargeRateW"] == rtg["MaxDischargeRateW"] == RATE_W
        assert rtg["MaxWh"] == FULL_WH and rtg["MaxVarNeg"] <= 0
        assert int(of["MinPFOverExcited"]) >= int(rtg["MinPFOverExcited"])
        assert is_set["setMinWh"] >= 0
        assert can.hex("vppModesSupported") == is_set.hex("vppModesEnabled") == 1
        assert can.hex("doeModesSupported") == is_set.hex("doeModesEnabled") == 0x0F
        assert can["type"] == (80 if alone else 83)
        if alone:  # what STO-03 and STO-06 ask for
            assert rtg["MaxChargeRateW"] <= rtg["MaxVA"] >= rtg["MaxDischargeRateW"]
            assert of["MaxChargeRateW"] == of["MaxDischargeRateW"] == of["MaxVA"]
        sound(house)


def test_sto_status_tells_charge_and_mode(tmp_path):
    with living(tmp_path, **store()) as house:
        house.boot()
        house.run_to(40)
        one = told(house, "ders")[-1]
        assert abs(one["stateOfChargeStatus"] - 5000) <= 10
        assert one["storageModeStatus"] == 2  # holding (J7)
        assert one.hex("storConnectStatus") == 7
        for start, watts, mode in ((100, 2000, 1), (200, -2000, 0)):
            house.publish(start, 100, storage_w=watts)
            house.run_to(start + 75)
            assert told(house, "ders")[-1]["storageModeStatus"] == mode
        available = told(house, "dera")[-1]
        assert available["readingTime"] > START and available["availabilityDuration"] > 3000
        sound(house)


def test_sto_03_storage_target_with_an_export_limit(tmp_path):
    with living(tmp_path, load=500, **store()) as house:
        house.boot()
        house.run_to(130)
        assert series(house, DER, WH)
        event = house.publish(140, 480, storage_w=RATE_W, exp_w=2 * RATE_W)
        house.run_to(640)
        assert house.statuses(event) == [1, 2, 3]
        for row in house.rows(200, 619):
            assert abs(row.battery_w - RATE_W) <= 100
        assert all(abs(row.battery_w) <= 50 for row in house.rows(635, 640))
        made = readings(house, DER, W)
        assert abs(made[300] - RATE_W) <= 60  # generating +
        sound(house)


def test_sto_06_storage_target_sequence(tmp_path):
    plan = ((RATE_W, 2 * RATE_W), (RATE_W, RATE_W // 2), (-RATE_W, RATE_W // 2), (0, 0),
            (RATE_W * 3 // 10, RATE_W), (RATE_W, None))
    load_w = 400
    made = store(capacity_wh=20000)
    made["config"]["sample_ms"] = 1000  # for 92 minutes; it settles later then
    with living(tmp_path, load=load_w, **made) as house:
        house.boot()
        house.run_to(20)
        events = []
        for i, (target, limit) in enumerate(plan):
            modes = {"storage_w": target}
            if limit is not None:
                modes["exp_w"] = limit
            events.append(house.publish(60 + 900 * i, 900, **modes))
        house.run_to(60 + 900 * 6 + 60)
        for i, (target, limit) in enumerate(plan):
            end = 20000 if limit is None else limit
            wanted = min(target, end + load_w)
            for row in house.rows(60 + 900 * i + 90, 60 + 900 * i + 899):
                assert abs(row.battery_w - wanted) <= 130, (i, row, wanted)
                assert -row.site_w <= end + 100
            settled(house, 60 + 900 * i + 1, 60 + 900 * i + 899, end)
        assert all(house.statuses(event) == [1, 2, 3] for event in events)
        sound(house)


def test_storage_target_is_within_the_limits_of_generation_and_load(tmp_path):
    with living(tmp_path, load=400, **store()) as house:
        house.publish(60, 100, storage_w=RATE_W, gen_w=2000)
        house.publish(160, 100, storage_w=-RATE_W, load_w=1500)
        house.publish(260, 100, storage_w=-RATE_W, imp_w=3000)
        house.boot()
        house.run_to(380)
        followed(house, [(75, 2000), (158, 2000)], "gen", behind_w=200)
        assert all(-1550 <= row.battery_w <= -1300 for row in house.rows(180, 258))
        followed(house, [(275, 3000), (358, 3000)], "imp", behind_w=200)
        assert len(house.answers()) == 9
        sound(house)


@pytest.mark.parametrize("family, said", [("mppt", 0), ("7xx", 1), ("1xx", 0)])
@pytest.mark.parametrize("soc_pct", [50, 100])
def test_hybrid_is_one_device_and_holds_its_limit(tmp_path, family, said, soc_pct):
    # Panels and battery in one chain, named as the battery: its cap is for both, whether they are
    # known by model 160, by a setting, or not at all.
    settings = Settings(inverters=(InverterSettings(1, family, RATE_W),),
                        battery=BatterySettings(unit=1, soc_pct=soc_pct))
    config = {"inverter": None, "battery": "site.test:502/1", "site_exp_w": 10000,
              "battery_pv": said}
    with living(tmp_path, settings=settings, config=config, profile="v1.3b-sto", pv=4000,
                load=500) as house:
        house.default(exp_w=500)
        event = house.publish(100, 60, exp_w=0)
        house.boot()
        house.run_to(230)
        can = told(house, "dercap")[-1]
        assert can["rtgMaxW"] == can["rtgMaxVA"] == RATE_W and can["rtgMaxWh"] == FULL_WH
        assert can["type"] == (80 if family == "1xx" else 83)
        settled(house, 2, 100, 500)
        settled(house, 100, 160, 0)
        settled(house, 160, 230, 500)
        assert min(row.pv_w + row.battery_w for row in house.rows(30, 230)) > -200
        if soc_pct == 100:
            assert max(row.pv_w for row in house.rows(120, 160)) < 700
        assert house.statuses(event) == [1, 2, 3]
        # Model 713 has no word on it, and the power at its terminals is the sun's too.
        status = told(house, "ders")[-1]
        if family == "7xx":
            assert "storageModeStatus" not in status
        else:
            full = 1 if family == "1xx" else 2
            assert status["storageModeStatus"] == (0 if soc_pct < 100 else full)
        sound(house)


def test_hybrid_named_twice_is_refused(tmp_path):
    config = {"inverter": "site.test:502/1", "battery": "site.test:502/1"}
    with living(tmp_path, config=config) as house:
        house.boot(ends=True)
        house.run(1)
        assert house.ended.code == 2 and "CONFIG_WRONG" in house.ended.output
