"""Each make as it is met, and each fault of a line: through the firmware, with the limit kept.

Three inverters at a time, each with the manners of its make.  A line that spoils its answers is
spoilt in one way after the other while the firmware runs.  What is not read is absent: a frame of
zeros that were believed would be seen in what the site exports, or in the means of its voltage.
"""

import pytest
from house import living, tolerance_w
from procedure import SITE, V, readings
from tools.site import MAKES, InverterSettings, MeterSettings, Settings

TOL_W = tolerance_w(12000)
LIMIT_W = 3000
WIDE = {"site_exp_w": 20000}
SPOILT_S, STAGE_S = 12, 42


def make_of(name, unit, wmax_w=4000, **more):
    """Settings of that make at another unit."""
    return InverterSettings(**{**MAKES[name], "unit": unit, "wmax_w": wmax_w, **more})


def failures(house):
    """What a task of the firmware failed with."""
    return [line.text for line in house.said("TASK_FAILED")]


@pytest.mark.parametrize("names", [
    ("fronius", "sma", "kostal"), ("apsystems", "huawei", "enphase"),
    ("sma_x", "power_one", "fimer")])
def test_each_make_is_met_told_and_held(tmp_path, names):
    inverters = tuple(make_of(name, unit) for unit, name in enumerate(names, 1))
    config = {**WIDE, "inverter2": "meter.test:502/2", "inverter3": "site.test:502/3",
              "modbus_timeout_ms": 2000}  # a Huawei's answer takes a second here
    with living(tmp_path, settings=Settings(inverters=inverters, meter=MeterSettings()), load=500,
                pv=11000, config=config) as house:
        house.default(exp_w=LIMIT_W)
        event = house.publish(80, 40, exp_w=1500)
        house.boot()
        house.run_to(135)
        for unit, inverter in enumerate(inverters, 1):
            assert house.said("INVERTER", maker=inverter.maker), house.tail()
            assert house.said("INVERTER_READY", unit=unit, wmax_w=4000), house.tail()
            assert house.said("LIMIT_TAKEN", unit=unit), house.tail()
        assert house.worst_export(30, 80) <= LIMIT_W + TOL_W
        assert house.worst_export(95, 120) <= 1500 + TOL_W
        assert -house.site.mean("site_w", 60, 80) > LIMIT_W - 500  # and gives what it may
        assert house.statuses(event) == [1, 2, 3] and not failures(house)


def stages(house, begins, faults):
    """Each of the faults for `SPOILT_S` of `STAGE_S`; (its name, from, to) of each."""
    made = []
    for fault in faults:
        house.site.fault(**fault)
        house.run_to(begins + SPOILT_S)
        house.site.fault(**dict.fromkeys(fault, False))
        house.run_to(begins + STAGE_S)
        made.append((str(fault), begins, begins + STAGE_S))
        begins += STAGE_S
    return made


def kept(house, made):
    """Nothing of it passed for a reading: no more export, the limit used again, no 0 V."""
    for fault, start, end in made:
        assert house.worst_export(start, end) <= LIMIT_W + TOL_W, fault
        assert -house.site.mean("site_w", end - 4, end) > LIMIT_W - 400, fault
    assert not failures(house), failures(house)
    volts = readings(house, SITE, V).values()  # what was not measured counts as no 0
    assert volts and min(volts) > 225, volts


REFUSALS = [{"exception": code} for code in (1, 2, 3, 4, 6, 11)]
TCP = [{"reset": 5}, {"split": True}, {"joined": 2}, {"truncated": 4}, {"wrong_unit": 4},
       {"wrong_function": 4}, {"wrong_transaction": 4}, {"half_open": True},
       {"reset": 3, "connect_wait_ms": 1500}, {"drop": 3}, {"late": 4}, {"busy": 3}]
RTU = [{"bad_crc": 3}, {"truncated": 4}, {"wrong_unit": 4}, {"wrong_function": 4},
       {"garbage": 2}, {"late": 4, "late_ms": 1500}, {"silent": 3}]


@pytest.mark.parametrize("family", ["1xx", "7xx"])
@pytest.mark.parametrize(("line", "faults"), [
    ("site.test:502/", TCP), ("site.test:502/", REFUSALS), ("rtu:/dev/ttyUSB0@19200/", RTU)])
def test_a_line_that_spoils_its_answers_raises_no_limit(tmp_path, family, line, faults):
    settings = Settings(inverters=(InverterSettings(1, family, 12000),), meter=MeterSettings())
    config = {**WIDE, "inverter": line + "1", "meter": line + "200"}
    with living(tmp_path, settings=settings, load=2000, pv=11000, config=config) as house:
        house.default(exp_w=LIMIT_W)
        house.boot()
        house.run_to(40)
        kept(house, stages(house, 40, faults))


VALUES = [{"inverter_st_zero": True}, {"null_frames": True}, {"sentinels": True},
          {"sf_moves": True}, {"meter_frozen": True}, {"meter_sentinels": True},
          {"meter_null_frames": True}]


@pytest.mark.parametrize("family", ["1xx", "7xx", "float"])
def test_values_that_are_none_raise_no_limit(tmp_path, family):
    settings = Settings(inverters=(InverterSettings(1, family, 12000),), meter=MeterSettings())
    with living(tmp_path, settings=settings, load=2000, pv=11000, config=WIDE) as house:
        house.default(exp_w=LIMIT_W)
        house.boot()
        house.run_to(40)
        kept(house, stages(house, 40, VALUES))
        # Many devices take one client: inverter and meter share a connection, and keep it.
        assert [what for _, _, what in house.story if what == "site.test"] == ["site.test"]


@pytest.mark.parametrize(("inverter", "config"), [
    (InverterSettings(faults={"coarse": 100}), {}),
    (make_of("sungrow_string", 1, 10000), {}),
    (InverterSettings(faults={"write_gap_ms": 900}), {}),
    (InverterSettings(faults={"needs_toggle": True}), {"inverter_map": "toggle"}),
    (InverterSettings(faults={"fc6_refused": True, "strangers": True}), {}),
    (InverterSettings(faults={"controls_single": True, "end_zero": True}), {})])
def test_a_limit_reaches_an_inverter_that_takes_it_in_its_own_way(tmp_path, inverter, config):
    with living(tmp_path, settings=Settings(inverters=(inverter,), meter=MeterSettings()),
                load=[[0, 500], [75, 250]], pv=9000, config={**WIDE, **config}) as house:
        house.default(exp_w=LIMIT_W)
        event = house.publish(50, 50, exp_w=1550)
        house.boot()
        house.run_to(115)
        verdict = house.judge((20, 50, LIMIT_W), (50, 100, 1550), (100, 115, LIMIT_W))
        assert verdict.longest_s <= 15 and house.worst_export(78, 100) <= 1550 + TOL_W
        assert -house.site.mean("site_w", 85, 100) > 1250  # as much as a step of 1 % allows
        assert house.statuses(event) == [1, 2, 3] and not failures(house)


@pytest.mark.parametrize(("faults", "family"), [
    ({"writes_refused": 1}, "1xx"), ({"writes_refused": 2}, "7xx"),
    ({"writes_refused": 4}, "1xx"), ({"needs_toggle": True}, "1xx")])
def test_what_an_inverter_does_not_do_is_never_started(tmp_path, faults, family):
    settings = Settings(inverters=(InverterSettings(1, family, start_ena=1),),
                        meter=MeterSettings())
    with living(tmp_path, settings=settings, load=500, pv=9000, config=WIDE) as house:
        house.default(exp_w=20000)
        event = house.publish(40, 40, exp_w=1500)
        house.site.fault(**{f"inverter_{name}": value for name, value in faults.items()})
        house.boot()
        house.run_to(100)
        assert house.worst_export(55, 80) > 5000  # it really disobeyed
        assert house.said("LIMIT_NOT_TAKEN") or house.said("DEVICE_DISOBEYS"), house.tail()
        assert 2 not in house.statuses(event) and not failures(house)


def test_a_714_that_grows_by_day_takes_no_limit_away(tmp_path):
    # 123 stands behind it: what is written there then is no limit.
    with living(tmp_path, settings=Settings(inverters=(make_of("sma_x", 1, 10000),),
                                            meter=MeterSettings()),
                load=[[0, 3000], [62, 500]], pv=9000, config=WIDE) as house:
        house.default(exp_w=LIMIT_W)
        house.boot()
        for begins, grown in ((60, True), (120, False)):
            house.run_to(begins)
            house.site.fault(inverter_der_714_grows=grown)
            house.run_to(begins + 60)
            assert house.said("INVERTER_MOVED", since=begins, unit=1), house.tail()
            assert house.said("INVERTER_READY", since=begins, unit=1), house.tail()
            assert house.worst_export(begins + 15, begins + 60) <= LIMIT_W + TOL_W
        assert not failures(house)


def test_an_inverter_that_acts_after_25_s_stays_below_in_the_end(tmp_path):
    # Below 2 % it would go to standby: there it is told 0.
    inverter = make_of("hoymiles", 1, 10000)
    with living(tmp_path, settings=Settings(inverters=(inverter,), meter=MeterSettings()),
                load=500, pv=9000, config=WIDE) as house:
        house.default(exp_w=LIMIT_W)
        house.boot()
        house.run_to(240)
        assert house.worst_export(60, 240) <= LIMIT_W + TOL_W and not failures(house)
        assert -house.site.mean("site_w", 150, 240) > LIMIT_W - 1000


def test_a_meter_that_is_renewed_once_a_second_is_not_frozen(tmp_path):
    settings = Settings(meter=MeterSettings(period_ms=1000, age_ms=1000))
    load = [[0, 3000], [40, 500], [60, 3000]]
    with living(tmp_path, settings=settings, load=load, pv=9000, config=WIDE) as house:
        house.default(exp_w=LIMIT_W)
        house.boot()
        house.run_to(90)
        assert not house.said("BLIND", since=15), house.tail()
        assert house.judge((20, 90, LIMIT_W)).longest_s <= 15
        assert -house.site.mean("site_w", 75, 90) > LIMIT_W - 400
