"""Every fault of the simulated site, switched while it runs; the last test counts them."""

import pytest
from site_points import made, place, point, put

from tools.site import (
    FAULTS,
    RESET,
    BatterySettings,
    InverterSettings,
    MeterSettings,
    Profile,
    Refused,
    RtuBus,
    Settings,
    Site,
    TcpLine,
)
from tools.site.faults import BASE
from tools.site.rtu import crc16

COVERED = set()
READ = bytes.fromhex("0007 0000 0006 01 03 9c40 0002")
SUNS = bytes.fromhex("0007 0000 0007 01 03 04 53756e53")


def covers(*names):
    """The test is of those faults."""
    COVERED.update(names)
    return lambda test: test


def asked(line, now=1.0, frame=READ):
    """What comes back, without its times."""
    return [data for _, data in line.feed(now, frame)]


def refused(call, *args):
    with pytest.raises(Refused) as caught:
        call(*args)
    return caught.value.code


def limit(s, pct, ena=1, unit=1):
    s.write(unit, place(s, unit, 123) + 5, [pct, 0, 0, 0, ena])


# Names.


def test_the_most_special_setting_rules():
    s = made(inverters=(InverterSettings(1), InverterSettings(2)))
    s.fault(silent=True)
    assert s.silent(1) and s.silent(200)
    s.fault(inverter_delay_ms=300, **{"2.silent": False})
    assert s.silent(1) and not s.silent(2)
    s.fault(unit=1, delay_ms=700)
    assert s.inverters[0].faults("delay_ms") == 700 and s.inverters[1].faults("delay_ms") == 300
    assert s.meter.faults("delay_ms") == 0


@pytest.mark.parametrize("name", ["earthquake", "7silent", "x.silent", "1.", "1.grid_lost",
                                  "meter_grid_lost", "roof_silent"])
def test_a_name_that_is_no_fault_is_refused(name):
    s = made()
    with pytest.raises(KeyError):
        s.fault(**{name: True})


@pytest.mark.parametrize("value", [-1, 0.5, "on", None])
def test_a_value_that_is_none_is_refused_and_changes_nothing(value):
    s = made()
    with pytest.raises(ValueError):
        s.fault(meter_silent=True, delay_ms=value)
    assert not s.silent(200)


def test_devices_can_start_with_faults():
    s = made(meter=MeterSettings(faults={"silent": True}))
    assert s.silent(200) and not s.silent(1)


# The wire.


@covers("silent", "drop")
def test_silence_always_or_each_third_time():
    s = made()
    line = TcpLine(s)
    for name in ("silent", "drop"):
        s.fault(**{name: 3})
        assert [asked(line) for _ in range(6)] == [[SUNS], [SUNS], []] * 2
        s.fault(**{name: True})
        assert asked(line) == []
        s.fault(**{name: False})


@covers("delay_ms", "late", "late_ms")
def test_slow_and_late_answers_and_those_behind_them():
    s = made()
    line = TcpLine(s)
    s.fault(unit=1, delay_ms=3000)
    assert line.feed(1.0, READ) == [(3000, SUNS)]
    assert line.feed(2.0, READ) == [(5000, SUNS)]       # one after the other
    s.fault(unit=1, delay_ms=0, late=2)
    assert [line.feed(t, READ)[0][0] for t in (20.0, 30.0, 40.0)] == [0, 1500, 0]
    s.fault(unit=1, late=True, late_ms=700)
    assert line.feed(50.0, READ)[0][0] == 700


@covers("busy", "exception")
@pytest.mark.parametrize(("switch", "code"), [({"busy": True}, 6), ({"exception": 4}, 4),
                                              ({"exception": 0x0B}, 0x0B)])
def test_refusals_of_everything(switch, code):
    s = made()
    s.fault(**switch)
    assert asked(TcpLine(s))[0][7:] == bytes((0x83, code))
    assert s.counts["reads"] == 0


@covers("gap_ms", "reboot_gap_ms")
def test_requests_that_follow_too_closely():
    s = made()
    line = TcpLine(s)
    s.fault(gap_ms=50)
    assert asked(line, 1.0) == [SUNS]
    assert asked(line, 1.04)[0][7:] == b"\x83\x06"
    assert asked(line, 1.1) == [SUNS]
    s.fault(gap_ms=0, reboot_gap_ms=500)
    assert asked(line, 2.0) == [SUNS]
    assert asked(line, 2.4) == [] and asked(line, 7.3) == []
    assert asked(line, 8.0) == [SUNS]


@covers("wrong_unit", "wrong_function", "wrong_transaction", "truncated", "split", "joined")
def test_answers_that_are_spoilt_on_tcp():
    s = made()
    line = TcpLine(s)
    s.fault(wrong_unit=True)
    assert asked(line)[0] == SUNS[:6] + b"\x41" + SUNS[7:]
    s.fault(wrong_unit=False, wrong_function=True)
    assert asked(line)[0][7] == 2
    s.fault(wrong_function=False, wrong_transaction=True)
    assert asked(line)[0] == b"\x00\x06" + SUNS[2:]
    s.fault(wrong_transaction=False, truncated=True)
    assert asked(line) == [SUNS[:6]]
    s.fault(truncated=False, split=True)
    made_of = line.feed(1.0, READ)
    assert b"".join(data for _, data in made_of) == SUNS
    assert [after for after, _ in made_of] == [0, 5, 10]
    s.fault(split=False, joined=True)
    assert asked(line) == [SUNS + SUNS]


@covers("reset", "connect_wait_ms", "half_open")
def test_connections_that_break_or_are_not_ready():
    s = made()
    s.fault(reset=True)
    assert asked(TcpLine(s)) == [RESET]
    s.fault(reset=False, connect_wait_ms=1000)
    line = TcpLine(s, opened_s=10.0)
    assert asked(line, 10.9) == [] and asked(line, 11.0) == [SUNS]
    s.fault(half_open=True)
    assert asked(line, 30.0) == []


@covers("bad_crc", "echo", "garbage")
def test_answers_that_are_spoilt_on_rtu():
    s = made()
    bus = RtuBus(s)
    request = READ[6:] + crc16(READ[6:])
    good = SUNS[6:] + crc16(SUNS[6:])
    times = iter(range(1, 20))

    def heard():
        return b"".join(data for _, data in bus.feed(next(times), request))

    assert heard() == good
    s.fault(bad_crc=True)
    assert heard()[:-1] == good[:-1] and heard() != good
    s.fault(bad_crc=False, echo=True)
    assert heard() == request + good
    s.fault(echo=False, garbage=True)
    assert heard() == b"\x00\xff" + good
    s.fault(garbage=False, truncated=True)
    assert heard() == good[:4]
    s.fault(truncated=False, wrong_unit=True)
    assert heard()[0] == 0x41


@covers("read_max")
def test_long_reads_are_refused():
    s = made()
    s.fault(read_max=10)
    assert refused(s.read, 1, 40000, 11) == 3 and len(s.read(1, 40000, 10)) == 10


# Writes and limits.


@covers("action_ms", "coarse")
def test_limits_act_later_and_in_coarse_steps():
    s = made()
    s.fault(action_ms=25000, coarse=100)
    limit(s, 2599)
    s.advance(25)
    assert s.inverter.watts == 8000
    s.advance(40)
    assert s.inverter.watts == pytest.approx(2500, abs=1)


@covers("write_gap_ms", "min_step")
def test_limits_that_come_too_soon_or_differ_too_little():
    s = made()
    limit(s, 5000)
    s.fault(write_gap_ms=5000)
    s.advance(4)
    assert refused(limit, s, 4000) == 6
    s.advance(5)
    limit(s, 4000)
    s.fault(write_gap_ms=0, min_step=100)
    limit(s, 3950)
    assert point(s, 1, 123, "WMaxLimPct") == 3950 and s.inverter.cap_w == 4000
    limit(s, 3900)
    assert s.inverter.cap_w == 3900


@covers("floor_standby", "floor_refused")
def test_limits_near_zero():
    s = made(inverters=(InverterSettings(1, reconnect_s=30),))
    s.fault(floor_standby=1)
    limit(s, 99)
    s.advance(5)
    assert s.inverter.watts == 0 and point(s, 1, 103, "St") == 8
    limit(s, 5000)
    s.advance(34)
    assert s.inverter.watts == 0
    s.advance(50)
    assert s.inverter.watts == pytest.approx(5000, abs=1)
    s.fault(floor_standby=0, floor_refused=1)
    assert refused(limit, s, 99) == 3
    limit(s, 100)


@covers("writes_ignored", "writes_refused", "fc16_refused", "fc6_refused")
def test_writes_that_do_nothing_or_are_refused():
    s = made()
    s.fault(writes_ignored=True)
    limit(s, 1000)
    s.advance(10)
    assert s.inverter.watts == 8000 and point(s, 1, 123, "WMaxLimPct") == 1000
    s.fault(writes_ignored=False, writes_refused=4)
    assert refused(limit, s, 2000) == 4
    s.fault(writes_refused=False, fc16_refused=2)
    assert refused(limit, s, 2000) == 2
    s.write(1, s.inverter.controls + 5, [2000], 6)
    s.fault(fc16_refused=False, fc6_refused=True)
    assert refused(s.write, 1, s.inverter.controls + 5, [3000], 6) == 1
    limit(s, 2500)
    assert s.inverter.cap_w == 2500


@covers("needs_toggle")
def test_a_new_limit_that_needs_its_enable_toggled():
    s = made()
    limit(s, 5000)
    s.fault(needs_toggle=True)
    limit(s, 2000)
    assert s.inverter.cap_w == 5000 and point(s, 1, 123, "WMaxLimPct") == 2000
    put(s, 1, 123, WMaxLim_Ena=0)
    assert s.inverter.cap_w == 10000
    put(s, 1, 123, WMaxLim_Ena=1)
    assert s.inverter.cap_w == 2000


@covers("no_rvrt", "controls_single")
def test_controls_that_are_only_half_there():
    s = made()
    start = s.inverter.controls
    s.fault(no_rvrt=True)
    assert s.read(1, start + 6, 3) == [0xFFFF] * 3
    assert refused(limit, s, 2000) == 2
    s.write(1, start + 5, [2000])
    s.fault(controls_single=True)
    for offset in (2, 5, 9, 24):
        assert refused(s.read, 1, start + offset, 1) == 2
    assert s.read(1, start, 26)[5] == 2000 and s.read(1, start + 5, 5)[0] == 2000
    assert s.read(1, start + 23, 1) == [0xFFFE] and s.read(1, start, 1) == [123]


@covers("pct_tenths")
def test_a_limit_that_counts_in_another_unit_from_now_on():
    s = made()
    limit(s, 2000)
    s.fault(pct_tenths=True)
    assert point(s, 1, 123, "WMaxLimPct") == 200 and point(s, 1, 123, "WMaxLimPct_SF") == -1
    limit(s, 300)
    assert s.inverter.cap_w == 3000 and point(s, 1, 123, "WMaxLimPct") == 300
    assert refused(limit, s, 1001) == 3
    s.fault(pct_tenths=False)
    assert point(s, 1, 123, "WMaxLimPct") == 3000


@covers("conn_zero")
def test_a_conn_that_reads_0_while_it_generates():
    s = made()
    s.fault(conn_zero=True)
    s.advance(5)
    assert point(s, 1, 123, "Conn") == 0 and s.inverter.conn == 1
    assert s.inverter.watts == 8000 and point(s, 1, 103, "St") == 4
    put(s, 1, 123, Conn=0)
    s.advance(10)
    assert s.inverter.watts == 0
    s.fault(conn_zero=False)
    put(s, 1, 123, Conn=1)
    assert point(s, 1, 123, "Conn") == 1


# Values.


@covers("frozen")
def test_frozen_values_of_each_kind():
    s = made(battery=BatterySettings(10))
    s.advance(1)
    before = {unit: s.read(unit, place(s, unit, model), 50)
              for unit, model in ((1, 103), (10, 103), (200, 203))}
    s.fault(frozen=True)
    limit(s, 1000)
    s.advance(20)
    for unit, model in ((1, 103), (10, 103), (200, 203)):
        assert s.read(unit, place(s, unit, model), 50) == before[unit]
    s.fault(frozen=False)
    s.advance(21)
    assert point(s, 1, 103, "W") == pytest.approx(1000, abs=2)


@covers("null_frames", "sentinels", "st_zero", "w_only", "asleep")
@pytest.mark.parametrize(("family", "model"), [("1xx", 103), ("float", 113), ("7xx", 701)])
def test_frames_of_nothing(family, model):
    s = made(inverters=(InverterSettings(1, family),))
    s.advance(1)
    start = place(s, 1, model)
    whole = s.read(1, start + 2, s.read(1, start + 1, 1)[0]) if model < 700 else []
    s.fault(null_frames=True)
    words = s.read(1, start + 2, 48)
    assert len([w for w in words if w]) == (1 if model < 700 else 0)
    s.fault(null_frames=False, sentinels=True)
    absent = [0x7FC0, 0] if model == 113 else [0x8000]
    at = {103: 14, 113: 22, 701: 10}[model]
    assert s.read(1, start + at, len(absent)) == absent
    if model < 700:
        assert point(s, 1, model, "St") == 0xFFFF
    s.fault(sentinels=False, st_zero=True)
    assert point(s, 200, 203, "W") < -5000  # a meter has no St
    if model == 103:
        assert point(s, 1, 103, "St") == 0 and point(s, 1, 103, "VAr") == -0x8000
        assert point(s, 1, 103, "DCW") == -0x8000 and point(s, 1, 103, "W") == 8000
    s.fault(st_zero=False, w_only=True)
    if model != 113:
        assert point(s, 1, model, "W") == 8000 and point(s, 1, model, "Hz") in (0xFFFF, 0xFFFFFFFF)
    s.fault(w_only=False, asleep=True)
    s.advance(10)
    assert s.inverter.watts == pytest.approx(0, abs=1)
    assert s.read(1, start + at, len(absent)) == absent
    s.fault(asleep=False)
    s.advance(30)
    if whole:
        assert s.read(1, start + 2, len(whole))[:3] != [0xFFFF] * 3


@pytest.mark.parametrize(("night", "awake"), [("awake", True), ("asleep", False),
                                              ("silent", False)])
def test_night_comes_with_the_dark(night, awake):
    profile = Profile([[0, 5000], [50, 5000], [60, 0], [100, 0], [110, 5000]], [[0, 300]])
    s = Site(Settings(noise_w=0, inverters=(InverterSettings(1, night=night),)), profile, 0.0)
    s.advance(80)
    assert s.silent(1) == (night == "silent")
    if night != "silent":
        assert (point(s, 1, 103, "W") == 0) == awake
    s.advance(140)
    assert not s.silent(1) and point(s, 1, 103, "W") == pytest.approx(5000, abs=5)


@covers("sf_moves")
def test_scale_factors_move_with_their_values():
    s = made(meter=MeterSettings(kind="201"))
    s.fault(sf_moves=True)
    seen = set()
    for tick in range(10, 20):
        s.advance(tick / 10)
        sf = point(s, 200, 201, "W_SF")
        seen.add(sf)
        assert point(s, 200, 201, "W") * 10 ** sf == pytest.approx(-7500, abs=10)
    assert seen == {0, 1}


@covers("sign_flip", "absurd", "offset_w")
@pytest.mark.parametrize(("switch", "watts"), [
    ({"sign_flip": True}, 7500), ({"offset_w": -200}, -7700), ({"offset_w": 400}, -7100),
    ({"absurd": True}, -225000)])
def test_a_meter_that_lies_while_the_record_does_not(switch, watts):
    s = made()
    s.fault(**{f"meter_{name}": value for name, value in switch.items()})
    s.advance(2)
    shown = point(s, 200, 203, "W") * 10 ** point(s, 200, 203, "W_SF")
    assert shown == pytest.approx(watts, rel=1e-3) and s.record.rows[-1].site_w == -7500


# Chains.


@covers("chain_shift", "strangers", "model1_short")
def test_chains_that_are_not_as_one_expects():
    s = made()
    s.advance(1)
    before = place(s, 1, 123)
    s.fault(chain_shift=True)
    assert place(s, 1, 123) == before + 8 and place(s, 1, 64412) < place(s, 1, 103)
    limit(s, 1000)
    assert s.inverter.cap_w == 1000
    s.fault(chain_shift=False, model1_short=True)
    assert s.read(1, 40003, 1) == [65] and place(s, 1, 123) == before - 1
    s.fault(model1_short=False, strangers=True)
    assert place(s, 1, 123) == before + 4
    assert place(s, 1, 65230, 2) == place(s, 1, 65230) + 10


@covers("der_714_grows")
def test_model_714_grows_and_all_behind_it_moves():
    s = made(inverters=(InverterSettings(1, models=(1, 701, 702, 714, 704, 123)),))
    s.advance(1)
    before = {model: place(s, 1, model) for model in (701, 714, 704, 123)}
    ports = point(s, 1, 714, "NPrt")
    s.fault(der_714_grows=True)
    assert point(s, 1, 714, "NPrt") == ports + 1
    after = {model: place(s, 1, model) for model in before}
    assert after == {701: before[701], 714: before[714],
                     704: before[704] + 25, 123: before[123] + 25}
    limit(s, 1000)
    assert s.inverter.cap_w == 1000
    s.fault(der_714_grows=False)
    assert place(s, 1, 123) == before[123]


@covers("end_missing", "end_zero")
def test_chains_without_a_proper_end():
    s = made()
    end = place(s, 1, 0xFFFF)
    s.fault(end_missing=True)
    assert refused(s.read, 1, end, 2) == 2 and refused(s.read, 1, end, 1) == 2
    s.fault(end_missing=False, end_zero=True)
    assert refused(s.read, 1, end, 2) == 2 and s.read(1, end, 1) == [0]


# States, and the grid.


@covers("off", "no_source", "tripped")
@pytest.mark.parametrize(("fault", "state"), [("off", 1), ("no_source", 8), ("tripped", 7)])
@pytest.mark.parametrize(("family", "model", "name", "less"), [("1xx", 103, "St", 0),
                                                               ("7xx", 701, "InvSt", 1)])
def test_an_inverter_that_gives_nothing_says_why(fault, state, family, model, name, less):
    s = made(inverters=(InverterSettings(1, family, reconnect_s=5),))
    s.fault(unit=1, **{fault: True})
    s.advance(10)
    assert s.inverter.watts == pytest.approx(0, abs=1)
    assert point(s, 1, model, name) == state - less
    assert s.record.rows[-1].site_w == pytest.approx(500, abs=1)
    s.fault(**{f"1.{fault}": False})
    s.advance(40)
    assert s.inverter.watts == pytest.approx(8000, abs=1)
    assert point(s, 1, model, name) == 4 - less


@covers("grid_lost", "grid_silences")
def test_the_connection_point_loses_its_power_and_comes_back():
    s = made(battery=BatterySettings(10), inverters=(InverterSettings(1, ramp_pct_min=16),))
    s.advance(20)
    s.fault(grid_lost=True)
    s.advance(25)
    row = s.record.rows[-1]
    assert (row.pv_w, row.load_w, row.battery_w, row.site_w) == (0, 0, 0, 0)
    for unit, model in ((200, 203), (1, 103)):
        assert point(s, unit, model, "PhVphA") == 0 and point(s, unit, model, "Hz") == 0
    assert point(s, 1, 103, "St") == 1 and not s.silent(1)
    s.fault(grid_silences=True)
    assert s.silent(1) and s.silent(10) and s.silent(200)
    s.fault(grid_lost=False)
    s.advance(80)
    assert s.record.rows[-1].pv_w == 0 and s.record.rows[-1].load_w == 500
    assert point(s, 200, 203, "PhVphA") > 2200 and not s.silent(200)
    s.advance(26 + 60 + 60)
    assert s.record.rows[-1].pv_w == pytest.approx(1600, abs=60)
    s.advance(600)
    assert s.record.rows[-1].pv_w == 8000


COVERED.add("one_client")       # test_site_server.py: it is of sockets


def test_every_fault_has_its_test():
    assert COVERED == set(BASE) and set(BASE) < set(FAULTS)
