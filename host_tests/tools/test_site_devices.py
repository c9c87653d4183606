"""The devices of the simulated site without sockets: families, battery, load, meters, makes."""

import struct

import pytest
from site_points import float_words, floats, made, place, point, put, steady

from tools.site import (
    MAKES,
    BatterySettings,
    InverterSettings,
    LoadSettings,
    MeterSettings,
    Profile,
    Refused,
    Settings,
    Site,
    settings_from,
)
from tools.site.settings import FAMILIES


def last(site):
    return site.record.rows[-1]


def test_inverters_have_ratings_delays_and_units_of_their_own():
    s = made(pv=9000, load=0, inverters=(
        InverterSettings(1, "1xx", 6000, dead_ms=0, tau_ms=0),
        InverterSettings(2, "7xx", 3000, dead_ms=1500, tau_ms=0)))
    s.advance(5)
    assert [round(d.watts) for d in s.inverters] == [6000, 3000]
    put(s, 1, 123, WMaxLimPct=5000, WMaxLim_Ena=1)
    put(s, 2, 704, WMaxLimPct=5000, WMaxLimPctEna=1)
    s.advance(5.3)
    assert [round(d.watts) for d in s.inverters] == [3000, 3000]
    s.advance(7)
    assert [round(d.watts) for d in s.inverters] == [3000, 1500]
    assert last(s).site_w == -4500 and last(s).cap_w == 4500
    assert point(s, 1, 103, "W") == 3000 and point(s, 2, 701, "W") == 1500
    assert point(s, 2, 702, "WMax") == 3000 and point(s, 2, 701, "InvSt") == 4


def test_slew_of_one_inverter_bounds_it():
    s = made(inverters=(InverterSettings(1, dead_ms=0, tau_ms=0, slew_w_s=1000),))
    put(s, 1, 123, WMaxLimPct=0, WMaxLim_Ena=1)
    s.advance(2)
    assert round(s.inverter.watts) == 6000


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("base", [0, 40000, 50000])
def test_each_family_has_its_chain_at_its_base(family, base):
    s = made(inverters=(InverterSettings(1, family, base=base),))
    s.advance(1)
    found, address = [], base + 2
    assert s.read(1, base, 2) == [0x5375, 0x6E53]
    while s.read(1, address, 2) != [0xFFFF, 0]:
        model, length = s.read(1, address, 2)
        found.append(model)
        address += 2 + length
    assert tuple(found) == FAMILIES[family]


def test_one_phase_inverters_have_the_one_phase_model():
    s = made(phases=1, inverters=(InverterSettings(1, "1xx", phases=1),
                                  InverterSettings(2, "float", phases=1)))
    s.advance(1)
    assert point(s, 1, 101, "W") == 4000 and point(s, 1, 101, "PhVphB") == 0xFFFF
    assert point(s, 2, 111, "W") == pytest.approx(4000, abs=1)
    assert point(s, 200, 201, "W") == -7500 and point(s, 200, 201, "WphA") == -7500
    assert point(s, 200, 201, "WphB") == -0x8000


def test_float_family_is_steered_by_model_123():
    s = made(inverters=(InverterSettings(1, "float"),))
    put(s, 1, 123, WMaxLimPct=2500, WMaxLim_Ena=1)
    s.advance(10)
    assert point(s, 1, 113, "W") == pytest.approx(2500, abs=2)
    assert point(s, 1, 113, "St") == 5
    assert point(s, 1, 113, "PhVphA") == pytest.approx(230, abs=5)


@pytest.mark.parametrize("wmax_w", [20_000, 65_000, 1_000_000])
def test_scale_factors_follow_the_size(wmax_w):
    s = made(pv=wmax_w, load=0, inverters=(InverterSettings(1, "both", wmax_w),))
    s.advance(5)
    w = point(s, 200, 203, "W") * 10 ** point(s, 200, 203, "W_SF")
    assert w == pytest.approx(-wmax_w, rel=0.01)
    w = point(s, 1, 701, "W") * 10 ** point(s, 1, 701, "W_SF")
    assert w == pytest.approx(wmax_w, rel=0.01)
    for model, name, sf in ((120, "WRtg", "WRtg_SF"), (121, "WMax", "WMax_SF"),
                            (702, "WMax", "W_SF")):
        assert point(s, 1, model, name) * 10 ** point(s, 1, model, sf) == wmax_w


# Model 704.


def test_704_reverts_to_the_value_that_was_set_for_it():
    s = made(inverters=(InverterSettings(1, "7xx"),))
    put(s, 1, 704, WMaxLimPctRvrt=1500, WMaxLimPctEnaRvrt=1, WMaxLimPctRvrtTms=20,
        WMaxLimPct=6000, WMaxLimPctEna=1)
    s.advance(15)
    assert s.inverter.cap_w == 6000 and point(s, 1, 704, "WMaxLimPctRvrtRem") == 5
    put(s, 1, 704, WMaxLimPct=5000)
    s.advance(33)
    assert s.inverter.cap_w == 5000
    s.advance(36)
    assert s.inverter.cap_w == 1500 and point(s, 1, 704, "WMaxLimPct") == 1500
    assert point(s, 1, 704, "WMaxLimPctRvrtRem") == 0


def test_704_without_a_value_to_revert_to_gives_full_power():
    s = made(inverters=(InverterSettings(1, "7xx"),))
    put(s, 1, 704, WMaxLimPctRvrtTms=20, WMaxLimPct=1000, WMaxLimPctEna=1)
    s.advance(25)
    assert s.inverter.ena == 0 and s.inverter.cap_w == 10000


def test_half_of_a_32_bit_point_is_refused():
    s = made(inverters=(InverterSettings(1, "7xx"),))
    for offset in (18, 19, 20):
        with pytest.raises(Refused) as refused:
            s.write(1, place(s, 1, 704) + offset, [1])
        assert refused.value.code == 2
    s.write(1, place(s, 1, 704) + 18, [0, 60])
    assert point(s, 1, 704, "WMaxLimPctRvrtTms") == 60


@pytest.mark.parametrize(("mode", "points"), [(1, {"WSet": 3000}), (0, {"WSetPct": 3000})])
def test_704_set_point_holds_the_panels_at_it(mode, points):
    s = made(inverters=(InverterSettings(1, "7xx"),))
    put(s, 1, 704, WSetMod=mode, **points, WSetEna=1)
    s.advance(10)
    assert s.inverter.watts == pytest.approx(3000, abs=2)
    put(s, 1, 704, WSetRvrtTms=10, WSetRvrt=-1, WSetEna=1)
    s.advance(30)
    assert s.inverter.watts == pytest.approx(8000, abs=2)


@pytest.mark.parametrize(("family", "model", "name"), [("1xx", 123, "Conn"), ("7xx", 703, "ES")])
def test_release_waits_a_minute_and_ramps_by_16_percent_a_minute(family, model, name):
    s = made(pv=10000, inverters=(InverterSettings(1, family, ramp_pct_min=16, dead_ms=0,
                                                   tau_ms=0),))
    put(s, 1, model, **{name: 0})
    s.advance(1)
    assert s.inverter.watts == 0 and s.inverter.state == 1
    put(s, 1, model, **{name: 1})
    s.advance(60)
    assert s.inverter.watts == 0 and s.inverter.state == 3
    s.advance(121.5)
    assert s.inverter.watts == pytest.approx(1600, abs=30)
    s.advance(61 + 380)
    assert s.inverter.watts == 10000


# Storage.


@pytest.mark.parametrize("family", ["1xx", "7xx"])
@pytest.mark.parametrize("unit", [1, 10])
def test_battery_follows_the_meter_by_itself(family, unit):
    battery = BatterySettings(unit, family, soc_pct=50)
    s = made(pv=3000, load=1000, inverters=(InverterSettings(1, family),), battery=battery)
    s.advance(30)
    assert last(s).battery_w == pytest.approx(-2000, abs=5) and abs(last(s).site_w) < 5
    assert last(s).soc_pct100 > 5000
    live = (103 if family == "1xx" else 701)
    shown = point(s, unit, live, "W")
    assert shown == pytest.approx(1000 if unit == 1 else -2000, abs=5)
    if family == "1xx":
        assert point(s, unit, 124, "ChaSt") == 4
    else:
        assert point(s, unit, 713, "SoC") == pytest.approx(last(s).soc_pct100, abs=1)


def test_model_124_bounds_and_forces_the_battery():
    s = made(pv=3000, load=1000, battery=BatterySettings(10, charge_w=5000))
    put(s, 10, 124, InWRte=1000, StorCtl_Mod=1)
    s.advance(20)
    assert last(s).battery_w == pytest.approx(-500, abs=2)
    put(s, 10, 124, InWRte=-2000)           # negative charge rate: discharge
    s.advance(40)
    assert last(s).battery_w == pytest.approx(1000, abs=2)
    put(s, 10, 124, StorCtl_Mod=2, OutWRte=-4000)
    s.advance(60)
    assert last(s).battery_w == pytest.approx(-2000, abs=2)
    put(s, 10, 124, InOutWRte_RvrtTms=10, StorCtl_Mod=3, InWRte=0, OutWRte=0)
    s.advance(65)
    assert last(s).battery_w == pytest.approx(0, abs=30)
    s.advance(90)
    assert last(s).battery_w == pytest.approx(-2000, abs=5) and \
        point(s, 10, 124, "StorCtl_Mod") == 0


def test_set_point_of_704_holds_the_battery_and_its_soc_ends_it():
    s = made(pv=0, load=1000, battery=BatterySettings(10, "7xx", capacity_wh=1000, soc_pct=50,
                                                      control="idle", efficiency=1.0))
    s.advance(10)
    assert last(s).battery_w == 0
    put(s, 10, 704, WSetMod=1, WSet=-4000, WSetEna=1)
    s.advance(100)
    assert last(s).battery_w == pytest.approx(-4000, abs=5)
    s.advance(700)
    assert last(s).battery_w == 0 and last(s).soc_pct100 == 10000
    put(s, 10, 704, WSet=4000)
    s.advance(1600)
    assert last(s).battery_w == 0 and last(s).soc_pct100 == pytest.approx(500, abs=2)


def test_energy_in_the_battery_is_the_integral_of_its_power():
    s = made(pv=4000, load=0, battery=BatterySettings(10, charge_w=2000, efficiency=0.9,
                                                      tau_ms=0, dead_ms=0))
    s.advance(1800)
    assert last(s).soc_pct100 == pytest.approx(5000 + 900, abs=2)       # 1000 Wh in, 900 kept


def test_a_hybrids_cap_holds_panels_and_battery_together():
    s = made(pv=4000, load=9000, inverters=(InverterSettings(1),), battery=BatterySettings(1))
    s.advance(30)
    assert s.inverter.watts == pytest.approx(9000, abs=10)
    put(s, 1, 123, WMaxLimPct=5000, WMaxLim_Ena=1)
    s.advance(60)
    assert s.inverter.watts == pytest.approx(5000, abs=10)
    assert point(s, 1, 120, "DERTyp") == 82 and point(s, 1, 122, "StorConn") == 7


# The load.


def loaded(**more):
    """A site with 1000 W of house and a controllable load."""
    return Site(Settings(noise_w=0, load=LoadSettings(**more)), steady(0, 1000), 0.0)


def test_modulating_load_takes_what_it_may():
    s = loaded(rated_w=3000)
    s.advance(10)
    assert last(s).flex_w == 3000 and last(s).site_w == 4000 and last(s).load_w == 1000
    assert s.read(20, 0, 4) == [0xFFFF, 0, 3000, 3000]
    s.write(20, 0, [1200], 6)
    s.advance(20)
    assert last(s).flex_w == 1200 and s.status()["load"]["w"] == 1200
    with pytest.raises(Refused) as refused:
        s.write(20, 2, [0])
    assert refused.value.code == 2


def test_relay_load_takes_all_or_nothing():
    s = loaded(rated_w=2000, kind="relay", want_w=1800)
    s.write(20, 0, [1799])
    s.advance(5)
    assert last(s).flex_w == 0
    s.write(20, 0, [1800])
    s.advance(10)
    assert last(s).flex_w == 1800


@pytest.mark.parametrize("late_w", [0, 3000])
def test_load_whose_watchdog_ran_out_takes_what_it_then_may(late_w):
    s = loaded(late_w=late_w)
    s.write(20, 0, [500, 30])
    s.advance(29)
    assert last(s).flex_w == 500
    s.write(20, 0, [600])
    s.advance(58)
    assert last(s).flex_w == 600
    s.advance(65)
    assert last(s).flex_w == pytest.approx(late_w, abs=1)
    s.write(20, 0, [700])
    s.advance(75)
    assert last(s).flex_w == 700


# Meters.


@pytest.mark.parametrize("kind", ["201", "202", "203", "204", "211", "212", "213", "214"])
def test_each_meter_model_shows_the_connection_point(kind):
    s = made(pv=1000, load=3000, meter=MeterSettings(kind=kind),
             phases=1 if kind in ("201", "211") else 3)
    s.advance(5)
    model = int(kind)
    scale = 1 if model > 210 else 10 ** point(s, 200, model, "W_SF")
    assert point(s, 200, model, "W") * scale == pytest.approx(2000, abs=1)
    volts = point(s, 200, model, "PhVphA") * (1 if model > 210 else 0.1)
    assert volts == pytest.approx(230, abs=5)


@pytest.mark.parametrize("kind", ["sdm120", "sdm630"])
def test_eastron_meters_answer_function_4_alone(kind):
    s = made(pv=1000, load=3000, meter=MeterSettings(kind=kind),
             phases=1 if kind == "sdm120" else 3)
    s.advance(3600)

    def value(address):
        return struct.unpack(">f", struct.pack(">2H", *s.read(200, address, 2, 4)))[0]

    total = 12 if kind == "sdm120" else 52
    assert value(total) == pytest.approx(2000, abs=1)
    assert value(0) == pytest.approx(230, abs=5) and value(70) == pytest.approx(50, abs=0.1)
    assert value(72) == pytest.approx(2.0, abs=0.01) and value(74) == 0
    if kind == "sdm630":
        assert sum(value(a) for a in (12, 14, 16)) == pytest.approx(2000, abs=1)
    assert len(s.read(200, 0, 72, 4)) == 72
    with pytest.raises(Refused) as refused:
        s.read(200, 0, 2, 3)
    assert refused.value.code == 1
    with pytest.raises(Refused):
        s.read(1, 40000, 2, 4)


def test_meter_in_an_inverters_chain_is_a_second_device():
    s = made(meter=MeterSettings(unit=1, sign=-1, maker="SolarEdge"))
    s.advance(5)
    assert point(s, 1, 203, "W") == 7500 and point(s, 1, 103, "W") == 8000
    first, second = place(s, 1, 1), place(s, 1, 1, nth=1)
    assert first < place(s, 1, 103) < second < place(s, 1, 203)
    assert bytes(s.read(1, second + 2, 1)[0].to_bytes(2, "big")) == b"So"


# Makers' own limits.


def test_solaredge_dynamic_limit_falls_back_when_nobody_writes():
    s = made(inverters=(InverterSettings(1, "solaredge"),))
    assert floats(s, 1, 0xF304, True) == 10000
    s.write(1, 0xF312, float_words(15.0, True))
    s.write(1, 0xF310, [30, 0])
    s.write(1, 0xF322, float_words(40.0, True))
    s.advance(5)
    assert s.inverter.watts == 8000
    s.write(1, 0xF300, [1])
    s.advance(15)
    assert s.inverter.watts == pytest.approx(4000, abs=2)
    s.write(1, 0xF322, float_words(50.0, True))
    s.advance(44)
    assert s.inverter.watts == pytest.approx(5000, abs=2)
    s.advance(60)
    assert s.inverter.watts == pytest.approx(1500, abs=2)
    for words, code in ((float_words(101.0, True), 3), (float_words(float("nan"), True), 3),
                        ([0], 2)):
        with pytest.raises(Refused) as refused:
            s.write(1, 0xF322, words)
        assert refused.value.code == code


def test_solaredge_static_limit_acts_when_it_is_committed():
    s = made(inverters=(InverterSettings(1, "solaredge"),))
    s.write(1, 0xF001, [30])
    s.advance(10)
    assert s.inverter.watts == 8000
    s.write(1, 0xF100, [1])
    s.advance(20)
    assert s.inverter.watts == pytest.approx(3000, abs=2) and s.read(1, 0xF100, 1) == [0]


@pytest.mark.parametrize(("family", "limit", "value", "enable", "on"), [
    ("sungrow", 13073, 2000, 13086, 0xAA), ("sungrow_permille", 13073, 200, 13086, 0xAA),
    ("goodwe", 47510, 2000, 47509, 1)])
def test_an_export_limit_is_kept_at_the_devices_own_meter(family, limit, value, enable, on):
    s = Site(Settings(noise_w=0, inverters=(InverterSettings(1, family),)),
             Profile([[0, 8000]], [[0, 500], [60, 3000]]), 0.0)
    s.write(1, limit, [value])
    s.advance(10)
    assert last(s).site_w == -7500
    s.write(1, enable, [on])
    s.advance(50)
    assert last(s).site_w == pytest.approx(-2000, abs=3)
    s.advance(90)
    assert last(s).site_w == pytest.approx(-2000, abs=3) and last(s).load_w == 3000


def test_sungrow_refuses_what_is_out_of_range_with_exception_4():
    s = made(inverters=(InverterSettings(1, "sungrow_permille"),))
    for address, value in ((13073, 1001), (13086, 1), (5007, 1001)):
        with pytest.raises(Refused) as refused:
            s.write(1, address, [value])
        assert refused.value.code == 4
    s.write(1, 5006, [0xAA])
    s.write(1, 5007, [250])
    s.advance(10)
    assert s.inverter.watts == pytest.approx(2500, abs=2)


@pytest.mark.parametrize("make", MAKES)
def test_each_make_says_who_it_is_and_gives_power(make):
    settings = InverterSettings(**MAKES[make])
    s = made(inverters=(settings,))
    s.advance(5)
    inverter = s.inverter
    start = place(s, inverter.unit, 1) + 2
    said = struct.pack(">16H", *s.read(inverter.unit, start, 16)).rstrip(b"\0").decode()
    assert said == settings.maker and inverter.watts == 8000


def test_settings_come_from_json_and_a_wrong_name_is_refused():
    s = settings_from({"inverters": [{"unit": 3, "family": "7xx", "models": [1, 701]}],
                       "battery": {"unit": 11}, "load": {}, "seed": 4,
                       "meter": {"kind": "sdm630"}})
    assert s.inverters[0].models == (1, 701) and s.battery.unit == 11 and s.seed == 4
    assert s.load.unit == 20 and s.the_meter().kind == "sdm630"
    for wrong in ({"sun": 1}, {"battery": {"volts": 3}}):
        with pytest.raises(KeyError):
            settings_from(wrong)
