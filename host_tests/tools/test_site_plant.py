"""The plant and the site without sockets: dynamics, registers, refusals, faults, the record."""

import struct

import pytest

from tools.site import Plant, Profile, Refused, Settings, Site, answer, profile_from
from tools.site import random_profile, read_csv
from tools.site.layout import layout

PCT, ENA, CONN = 5, 9, 4


def steady(pv=8000, load=500):
    return Profile([[0, pv]], [[0, load]])


def site(pv=8000, load=500, **settings):
    return Site(Settings(noise_w=0, **settings), steady(pv, load), start=0.0)


def limit(s, pct, ena=1, rvrt=0):
    s.write(1, s.inverter.controls + PCT, [pct, 0, rvrt, 0, ena])


def point(s, unit, model, name):
    """Raw value of a point, found by walking the chain as a client does."""
    address = 40002
    while s.read(unit, address, 1)[0] != model:
        address += 2 + s.read(unit, address + 1, 1)[0]
    p = layout(model).points[name]
    words = s.read(unit, address + p.offset, p.size)
    return words[0] if p.size == 1 else words[0] << 16 | words[1]


def signed(word):
    return struct.unpack(">h", struct.pack(">H", word))[0]


def test_inverter_waits_its_dead_time_and_then_falls_by_its_lag():
    plant = Plant(steady(), dead_ms=400, tau_ms=800, noise_w=0)
    plant.cap(2000)
    for _ in range(4):
        plant.tick()
    assert plant.pv_w == 8000
    for _ in range(9):
        plant.tick()
    assert 2000 + 6000 * 0.30 < plant.pv_w < 2000 + 6000 * 0.40     # about 1/e after one tau
    for _ in range(60):
        plant.tick()
    assert abs(plant.pv_w - 2000) < 5


def test_slew_bounds_the_change_of_one_tick():
    plant = Plant(steady(), dead_ms=0, tau_ms=0, slew_w_s=1000, noise_w=0)
    plant.cap(0)
    plant.tick()
    assert plant.pv_w == 7900


def test_output_is_never_above_the_sun():
    plant = Plant(profile_from({"pv_w": [[0, 9000], [1, 9000], [1.1, 100]],
                                "load_w": [[0, 0]]}))
    for _ in range(30):
        plant.tick()
        assert plant.pv_w <= plant.pv_available_w


def test_disconnected_inverter_gives_nothing_and_returns_after_its_wait():
    plant = Plant(steady(), dead_ms=0, reconnect_s=5, noise_w=0)
    plant.cap(8000, connect=False)
    plant.tick()
    assert plant.pv_w == 0
    plant.cap(8000)
    for _ in range(48):
        plant.tick()
    assert plant.pv_w == 0
    for _ in range(60):
        plant.tick()
    assert plant.pv_w > 7500


def test_random_profile_is_the_same_for_the_same_seed_and_stays_in_bounds():
    one, two = random_profile(3, 10000), random_profile(3, 10000)
    times = [0, 5.5, 100, 3599, 80000]
    assert [one.pv_w(t) for t in times] == [two.pv_w(t) for t in reversed(times)][::-1]
    assert all(0 <= one.pv_w(t) <= 10000 and one.load_w(t) >= 0 for t in range(0, 4000, 7))
    other = random_profile(4, 10000)
    assert {one.load_w(t) for t in range(3600)} != {other.load_w(t) for t in range(3600)}


def test_profile_interpolates_sun_and_steps_load_and_repeats():
    p = profile_from({"pv_w": [[0, 100], [10, 200]], "load_w": [[0, 1], [5, 2]],
                      "repeat_s": 20})
    assert p.pv_w(5) == 150 and p.pv_w(19) == 200 and p.pv_w(25) == 150
    assert p.load_w(4.9) == 1 and p.load_w(5) == 2 and p.load_w(20) == 1


@pytest.mark.parametrize("script", [
    {"pv_w": [], "load_w": [[0, 1]]},
    {"pv_w": [[5, 1], [0, 1]], "load_w": [[0, 1]]},
    {"pv_w": [[0, -1]], "load_w": [[0, 1]]},
    {"pv_w": [[0, 1]], "load_w": [[0, 1]], "sun": 1},
])
def test_script_that_makes_no_sense_is_refused(script):
    with pytest.raises(ValueError):
        profile_from(script)


def test_limit_written_to_model_123_is_a_percentage_of_wmax():
    s = site()
    limit(s, 2500)
    s.advance(10)
    assert abs(s.record.rows[-1].pv_w - 2500) <= 1
    assert s.record.rows[-1].site_w == 500 - s.record.rows[-1].pv_w
    limit(s, 2500, ena=0)
    s.advance(20)
    assert s.record.rows[-1].pv_w > 7990


def test_reversion_timer_ends_the_limit_and_zero_latches_it():
    s = site()
    limit(s, 1000, rvrt=20)
    s.advance(19)
    assert s.record.rows[-1].pv_w < 1010
    s.advance(30)
    assert s.inverter.ena == 0 and s.record.rows[-1].pv_w > 7900
    limit(s, 1000, rvrt=0)
    s.advance(600)
    assert s.record.rows[-1].pv_w < 1010


def test_rewriting_the_limit_starts_the_reversion_timer_anew():
    s = site()
    for t in range(0, 60, 10):
        s.advance(t)
        limit(s, 1000, rvrt=15)
    assert s.inverter.ena == 1


@pytest.mark.parametrize(("offset", "values", "code"), [
    (PCT, [10001, 0, 0, 0, 1], 3),      # above 100 %
    (PCT, [5000, 1, 0, 0, 1], 3),       # a window that this device has not
    (PCT, [5000, 0, 0, 0, 2], 3),
    (0, [123, 24], 2),                  # ID and L
    (2, [0], 2),                        # Conn_WinTms reads 0xFFFF: not implemented
    (ENA, [1, 9000], 2),                # runs into OutPFSet
    (23, [0], 2),                       # a scale factor
])
def test_write_that_is_not_allowed_is_refused_whole(offset, values, code):
    s = site()
    limit(s, 4000)
    with pytest.raises(Refused) as refused:
        s.write(1, s.inverter.controls + offset, values)
    assert refused.value.code == code
    assert (s.inverter.pct, s.inverter.ena) == (4000, 1)


def test_meter_and_measured_points_refuse_every_write():
    s = site()
    for unit, address in ((200, 40090), (1, 40072 + 14), (1, 40002)):
        with pytest.raises(Refused) as refused:
            s.write(unit, address, [1])
        assert refused.value.code == 2


def test_conn_zero_opens_the_contactor():
    s = site()
    s.write(1, s.inverter.controls + CONN, [0], 6)
    s.advance(1)
    assert s.record.rows[-1].pv_w == 0 and point(s, 1, 103, "St") == 1


def test_unimplemented_points_read_the_sentinel_of_their_type():
    s = site()
    assert point(s, 1, 103, "PPVphAB") == 0xFFFF
    assert point(s, 1, 103, "TmpSnk") == 0x8000
    assert point(s, 1, 103, "Evt2") == 0xFFFFFFFF
    assert point(s, 200, 203, "PFphA") == 0x8000
    assert point(s, 200, 203, "TotWhExpPhA") == 0
    assert point(s, 1, 123, "Conn_RvrtTms") == 0xFFFF


def test_meter_is_import_positive_unless_flipped_and_phases_add_up():
    for sign in (1, -1):
        s = site(meter_sign=sign)
        s.advance(5)
        watts = signed(point(s, 200, 203, "W"))
        assert watts == -7500 * sign
        assert sum(signed(point(s, 200, 203, "Wph" + p)) for p in "ABC") == watts


def test_meter_shows_the_value_of_its_age_and_period():
    script = {"pv_w": [[0, 0]], "load_w": [[0, 500], [10, 3000]]}
    s = Site(Settings(noise_w=0, meter_period_ms=1000, meter_age_ms=300), profile_from(script),
             0.0)
    seen = {}
    for tick in range(99, 125):
        s.advance(tick / 10)
        seen[tick] = signed(point(s, 200, 203, "W"))
    assert seen[100] == 500 and seen[109] == 500 and seen[110] == 3000


def test_voltage_frequency_and_reactive_power_are_plausible():
    s = site()
    for t in range(1, 60):
        s.advance(t)
        assert 22000 < point(s, 200, 203, "PhVphA") * 10 < 24500
        assert 4990 <= point(s, 200, 203, "Hz") <= 5010
        assert abs(signed(point(s, 200, 203, "VAR"))) < 300


def test_value_and_scale_factor_are_of_one_frame_though_they_move():
    s = site()
    s.fault(sf_moves=True)
    factors = set()
    start = 40002 + layout(1).size
    for tick in range(1, 20):
        s.advance(tick / 10)
        words = s.read(1, start, layout(103).size)
        sf = signed(words[15])
        factors.add(sf)
        assert abs(signed(words[14]) * 10 ** sf - 8000) <= 5
    assert factors == {0, 1}


def test_faults_do_what_they_say():
    s = site()
    s.advance(1)
    s.fault(null_frames=True)
    assert point(s, 1, 103, "St") == 7 and point(s, 1, 103, "Hz") == 0
    assert point(s, 1, 120, "WRtg") == 10000
    s.fault(null_frames=False, fc16_refused=True)
    with pytest.raises(Refused) as refused:
        limit(s, 1000)
    assert refused.value.code == 1
    s.write(1, s.inverter.controls + PCT, [1000], 6)
    s.fault(writes_ignored=True, fc16_refused=False)
    s.write(1, s.inverter.controls + ENA, [1])
    s.advance(10)
    assert point(s, 1, 123, "WMaxLim_Ena") == 1 and s.record.rows[-1].pv_w == 8000
    with pytest.raises(KeyError):
        s.fault(earthquake=True)


def test_frozen_meter_repeats_its_frame_while_the_record_goes_on():
    s = site()
    s.advance(1)
    before = s.read(200, 40070, 107)
    s.fault(meter_frozen=True)
    limit(s, 0)
    s.advance(20)
    assert s.read(200, 40070, 107) == before
    assert s.record.rows[-1].site_w == 500


def test_frames_are_answered_as_on_the_wire():
    s = site()
    assert answer(s, bytes.fromhex("000700000006 01 03 9c40 0002")) == \
        bytes.fromhex("000700000007 01 03 04 53756e53")
    wrong_unit = answer(s, bytes.fromhex("000100000006 09 03 9c40 0002"))
    assert wrong_unit[7:] == b"\x83\x0b"
    assert answer(s, bytes.fromhex("000100000006 01 03 0000 0002"))[7:] == b"\x83\x02"
    assert answer(s, bytes.fromhex("000100000006 01 03 9c40 007e"))[7:] == b"\x83\x03"
    assert answer(s, bytes.fromhex("000100000006 01 2b 0e01 0000"))[7:] == b"\xab\x01"
    address = s.inverter.controls + PCT
    body = struct.pack(">BHHB5H", 16, address, 5, 10, 2500, 0, 0, 0, 1)
    frame = struct.pack(">HHHB", 9, 0, len(body) + 1, 1) + body
    assert answer(s, frame) == struct.pack(">HHHBBHH", 9, 0, 6, 1, 16, address, 5)
    assert s.inverter.cap_w == 2500
    one = struct.pack(">HHHBBHH", 3, 0, 6, 1, 6, address, 1200)
    assert answer(s, one) == one and s.inverter.pct == 1200
    s.fault(inverter_silent=True)
    assert answer(s, one) == b""
    with pytest.raises(ValueError):
        answer(s, frame[:-1])


def test_requests_and_writes_are_counted_and_writes_logged():
    s = site()
    s.advance(2)
    s.read(200, 40070, 10)
    limit(s, 2500)
    with pytest.raises(Refused):
        s.write(1, 40002, [1])
    assert s.counts == {"reads": 1, "writes": 2, "refused": 1}
    good, bad = s.write_log
    assert good == {"time": 2.0, "unit": 1, "address": s.inverter.controls + 5,
                    "values": [2500, 0, 0, 0, 1], "function": 16, "refused": 0}
    assert bad["refused"] == 2


def test_record_has_a_row_each_100_ms_and_its_file_reads_back(tmp_path):
    path = tmp_path / "site.csv"
    s = Site(Settings(), random_profile(1, 10000), start=1000.0, csv=path)
    s.advance(1003.14)
    s.advance(1003.05)
    rows = list(s.record.rows)
    assert [r.time for r in rows] == [round(1000 + i / 10, 3) for i in range(1, 32)]
    assert s.record.since(1003.0) == rows[-1:]
    s.record.close()
    assert read_csv(path) == rows
    path.write_text(path.read_text()[:-3])
    assert read_csv(path) == rows[:-1]


def test_energy_counters_follow_the_power():
    s = site(pv=8000, load=2000)
    s.advance(1800)
    assert point(s, 200, 203, "TotWhExp") == pytest.approx(3000, abs=2)
    assert point(s, 1, 103, "WH") == pytest.approx(4000, abs=2)
