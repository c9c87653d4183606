"""Known waveforms: their closed forms, and what the site's meter and record make of them."""

import pytest
from site_points import point

from tools.site import (
    BatterySettings,
    Constant,
    InverterSettings,
    MeterSettings,
    Profile,
    Ramp,
    Settings,
    Sine,
    Site,
    Square,
    Waves,
    random_profile,
    waves_from,
)

WAVES = [Constant(-7.5), Ramp(100, 0.25), Sine(2000, 500, 60), Sine(50, 0.05, 37, 1.0),
         Square(200, 3000, 45), Square(5, -5, 20, 0.25)]
QUICK = (InverterSettings(1, dead_ms=0, tau_ms=0),)


@pytest.mark.parametrize("wave", WAVES)
@pytest.mark.parametrize("span", [(0, 300), (300, 600), (17, 41.5)])
def test_closed_forms_agree_with_sums(wave, span):
    t0, t1 = span
    n = 20000
    step = (t1 - t0) / n
    values = [wave.at(t0 + (i + 0.5) * step) for i in range(n)]
    mean = (wave.integral(t1) - wave.integral(t0)) / (t1 - t0)
    square = (wave.integral(t1, 2) - wave.integral(t0, 2)) / (t1 - t0)
    size = max(abs(v) for v in values)
    assert mean == pytest.approx(sum(values) / n, abs=1e-3 * size)
    assert square == pytest.approx(sum(v * v for v in values) / n, abs=2e-3 * size * size)
    found = wave.extremes(t0, t1)
    assert min(found) == pytest.approx(min(values), abs=1e-3 * size)
    assert max(found) == pytest.approx(max(values), abs=1e-3 * size)


def known():
    return Waves(load_w=(Sine(2000, 500, 60), Constant(300), Ramp(0, 1)),
                 pv_w=Square(3000, 6000, 100), load_var=(Constant(90), Sine(0, 40, 30), 15),
                 pv_var=30, volts=(Sine(231, 4, 50), 229.5, Ramp(228, 0.01)),
                 hertz=Sine(50, 0.06, 40))


@pytest.mark.parametrize("name", ["site_w", "site_w_a", "site_w_b", "site_w_c", "site_var",
                                  "site_var_a", "site_var_b", "site_var_c"])
def test_the_record_has_the_closed_forms(name):
    s = Site(Settings(inverters=QUICK), known(), start=6000.0)
    s.advance(6000.0 + 900)
    for t0 in (0, 300, 600):
        truth = s.profile.mean(name, t0, t0 + 300)
        assert s.mean(name, 6000 + t0, 6300 + t0) == pytest.approx(truth, abs=0.2)


def test_the_meter_shows_the_waves():
    s = Site(Settings(inverters=QUICK, meter=MeterSettings(kind="213", age_ms=0)), known(), 0.0)
    wave = s.profile
    for t in (1.0, 33.4, 250.0):
        s.advance(t)
        assert point(s, 200, 213, "WphA") == pytest.approx(
            wave.load_phases(t)[0] - wave.pv_w(t) / 3, abs=0.01)
        assert point(s, 200, 213, "VARphB") == pytest.approx(wave.load_vars(t)[1] - 10, abs=0.01)
        assert point(s, 200, 213, "PhVphC") == pytest.approx(wave.volts(t)[2], abs=0.01)
        assert point(s, 200, 213, "Hz") == pytest.approx(wave.hertz(t), abs=0.001)


def test_rms_and_range_are_those_of_the_wave():
    waves = Waves(volts=(Sine(230, 5, 10), 231, Square(220, 240, 20)), hertz=Sine(50, 0.1, 7))
    assert waves.rms("v_a", 0, 300) == pytest.approx((230 ** 2 + 12.5) ** 0.5)
    assert waves.rms("v_b", 0, 300) == 231
    assert waves.rms("v_c", 0, 300) == pytest.approx(((220 ** 2 + 240 ** 2) / 2) ** 0.5)
    assert waves.range("hz", 0, 60) == pytest.approx((49.9, 50.1))
    assert waves.range("v_c", 1, 5) == (240, 240)
    assert waves.mean("v_a", 0, 10) == pytest.approx(230) and waves.mean("hz", 0, 7) == \
        pytest.approx(50)


def test_one_wave_is_split_over_the_phases_and_three_are_kept():
    waves = Waves(load_w=1000, pv_w=300)
    assert waves.load_phases(0) == pytest.approx([500, 300, 200])
    assert [waves.mean("site_w_" + p, 0, 1) for p in "abc"] == pytest.approx([400, 200, 100])
    with pytest.raises(ValueError):
        Waves(volts=(1, 2))


def test_waves_come_from_json():
    waves = waves_from({"load_w": [{"sine": [2000, 500, 60]}, 300, {"ramp": [0, 1]}],
                        "volts": {"square": [220, 240, 20]}, "hertz": 50})
    assert waves.mean("load_w", 0, 60) == pytest.approx(2000 + 300 + 30)
    assert waves.volts(1) == (240, 240, 240)


def test_a_script_of_points_has_means_too():
    p = Profile([[0, 0], [10, 100], [20, 100]], [[0, 50], [5, 70]], repeat_s=20)
    assert p.mean("pv_w", 0, 20) == pytest.approx(75)
    assert p.mean("load_w", 0, 10) == pytest.approx(60)
    assert p.mean("site_w", 0, 20) == pytest.approx(65 - 75)
    assert p.mean("pv_w", 10, 70) == pytest.approx((100 * 10 + 75 * 40 + 50 * 10) / 60)


def test_the_record_keeps_whole_minutes_of_what_has_left_memory():
    s = Site(Settings(seed=3, keep_s=300, battery=BatterySettings(10)), random_profile(3, 10000),
             600.0)
    whole = Site(Settings(seed=3, battery=BatterySettings(10)), random_profile(3, 10000), 600.0)
    for site in (s, whole):
        site.advance(600.0 + 1800)
    for name in ("site_w", "v_b", "hz", "battery_w", "inverter1_w"):
        assert s.mean(name, 660, 1260) == pytest.approx(whole.mean(name, 660, 1260))
        assert s.mean(name, 2310.5, 2399) == pytest.approx(whole.mean(name, 2310.5, 2399))
    with pytest.raises(ValueError):
        s.mean("site_w", 661, 1260)
    with pytest.raises(ValueError):
        s.mean("site_w", 9000, 9060)
    rows = [r for r in whole.record.rows if 660 < r.time <= 1260]
    assert sum(r.site_w for r in rows) / len(rows) == pytest.approx(
        whole.mean("site_w", 660, 1260), abs=1)
