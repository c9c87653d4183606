# heap: 224k
"""Limits of devices that want it otherwise: quirks, and maps without SunSpec."""

import check
from limited import AT, ENA, RMP, RVRT, WIN, read, ready, stand, wrote
from registers import UNAN, Device, plant, plant_der, run, single
from sunspec import (
    ABSENT, DIFFERS, F_FC6, F_FC16, F_NO_CYCLIC, F_NO_RVRT, F_TOGGLE, OK, REFUSED, UNREAD, Limit,
    MappedLimit, SunspecError,
)


# Quirks


def row(flags, grain=0, floor=0):
    return bytes([flags, grain, floor, 10, 0, 0, 10, 0])


def test_a_device_that_must_be_toggled_is_disabled_and_enabled_for_a_new_value():
    device, limit = ready(plant(), row(F_TOGGLE))
    both = [(16, AT, [2500, 0, 0, 0, 0]), (16, AT, [2500, 0, 0, 0, 1])]
    assert wrote(limit, device, 2500) == (OK, both)
    assert wrote(limit, device, 2500) == (OK, both[1:])  # a heartbeat is no new value
    assert len(wrote(limit, device, 2400)[1]) == 2
    device, limit = ready(plant(), row(F_TOGGLE | F_FC6))
    assert wrote(limit, device, 2500) == (OK, [
        (6, AT, [2500]), (6, AT + ENA, [0]), (6, AT, [2500]), (6, AT + ENA, [1])])
    assert wrote(limit, device, 2500) == (OK, [(6, AT, [2500])])
    assert limit.written_w == 2500


def test_enable_is_not_written_again_while_it_stands():
    device, limit = ready(plant(ena=1, win=UNAN, rvrt=UNAN, rmp=UNAN),
                          row(F_NO_CYCLIC | F_NO_RVRT | F_FC6))
    device.no_write = {AT + WIN, AT + RVRT, AT + RMP, AT + ENA}
    for cap_w in (2500, 2400, 2400):
        assert wrote(limit, device, cap_w) == (OK, [(6, AT, [cap_w])])
    device, limit = ready(plant(ena=0), row(F_NO_CYCLIC))
    assert wrote(limit, device, 2500)[1] == [(6, AT, [2500]), (6, AT + ENA, [1])]
    assert wrote(limit, device, 2400)[1] == [(6, AT, [2400])]
    device.words[AT + ENA] = 0
    assert wrote(limit, device, 2400)[0] == DIFFERS
    assert wrote(limit, device, 2400) == (OK, [(6, AT, [2400]), (6, AT + ENA, [1])])


def test_window_reversion_and_ramp_are_left_alone_where_a_device_wants_that():
    device, limit = ready(plant(win=5, rvrt=60, rmp=7), row(F_NO_RVRT))
    assert wrote(limit, device, 2500) == (OK, [(6, AT, [2500]), (6, AT + ENA, [1])])
    assert stand(device) == [2500, 5, 60, 7, 1]


def test_a_known_way_of_writing_is_tried_first():
    device, limit = ready(plant(), row(F_FC6), functions={3, 6})
    assert wrote(limit, device, 2500) == (OK, [(6, AT, [2500]), (6, AT + ENA, [1])])
    assert limit.refusals == 0
    device, limit = ready(plant(win=UNAN), row(F_FC16 | F_NO_CYCLIC), functions={3, 16})
    assert wrote(limit, device, 2500) == (OK, [(16, AT, [2500]), (16, AT + ENA, [1])])
    assert limit.refusals == 0


def test_below_its_floor_a_device_is_told_to_stop_and_never_more_than_asked():
    _, limit = ready(plant(), row(0, 0, 2))
    assert limit.raw_of(200) == 200 and limit.raw_of(199) == 0 and limit.raw_of(5000) == 5000
    _, limit = ready(plant(), row(0, 1, 2))
    assert limit.raw_of(299) == 200 and limit.raw_of(199) == 0


# Devices that take nothing below 1 %


def fussy(limit, device, least, at=AT):
    """From now on the device refuses values below least[0] in the register `at`."""
    plain = device.do

    def do(kind, addr, count, regs):
        if kind > 4 and addr <= at < addr + count and regs[at - addr] < least[0]:
            device.log.append((kind, addr, count, [regs[i] for i in range(count)]))
            return 3
        return plain(kind, addr, count, regs)

    device.do = do
    assert wrote(limit, device, 5000)[0] == OK


def test_the_least_that_a_device_takes_is_written_where_it_refuses_0():
    device, limit = ready(plant())
    fussy(limit, device, [100])
    result, writes = wrote(limit, device, 0)
    assert result == OK and stand(device) == [100, 0, 0, 0, 1] and limit.written_w == 100
    assert [(k, v) for k, _, v in writes] == [
        (16, [0, 0, 0, 0, 1]), (6, [0]), (16, [0]), (16, [100, 0, 0, 0, 1])]
    # It is known from now on, and what is lawful there is as fine as ever.
    for cap_w, pct in ((0, 100), (99, 100), (ABSENT, 100), (101, 101), (2345, 2345), (50, 100)):
        assert wrote(limit, device, cap_w) == (OK, [(16, AT, [pct, 0, 0, 0, 1])]), cap_w
        assert limit.written_w == limit.raw_of(cap_w) == pct


def test_the_least_of_each_kind_of_register_is_1_percent():
    for words, at, least in ((plant(sf=-1), AT, 10), (plant(sf=0), AT, 1),
                             (plant_der(sf=-1), 40000 + 2 + 68 + 155 + 52 + 19 + 15, 10)):
        for functions in ({3, 6}, {3, 16}, {3, 6, 16}):
            device, ratings, _ = read(words)
            device.functions = functions
            limit = Limit(ratings._inverter, ratings)
            fussy(limit, device, [least], at)
            assert wrote(limit, device, 0)[0] == OK and device.words[at] == least
            assert limit.written_w == 100 and wrote(limit, device, 99)[0] == OK
    device = Device({47509: [1, 10000]})
    limit = MappedLimit("goodwe", 10000)
    fussy(limit, device, [100], 47510)
    assert wrote(limit, device, 0)[0] == OK and device.words[47510] == 100
    device = Device({0xF300: [0] * 40})
    limit = MappedLimit("solaredge", 10000)
    fussy(limit, device, [0x3F80], 0xF323)  # the upper word of 1.0
    assert wrote(limit, device, 0)[0] == OK and device.words[0xF323] == 0x3F80
    assert limit.written_w == 100


def test_a_device_that_refuses_1_percent_too_is_asked_for_0_again():
    device, limit = ready(plant())
    least = [101]
    fussy(limit, device, least)
    for _ in range(2):
        result, writes = wrote(limit, device, 0)
        assert result == REFUSED and [v[0] for _, _, v in writes] == [0, 0, 0, 100, 100, 100]
        assert stand(device)[0] == 5000 and limit.written_w == ABSENT and limit.raw_of(0) == 0
    least[0] = 0
    assert wrote(limit, device, 0)[0] == OK and stand(device)[0] == 0


def test_busy_or_refused_for_good_teaches_no_least():
    for code in (4, 5, 6, 11):
        device, limit = ready(plant())
        device.refused = {0: code}
        assert wrote(limit, device, 0)[0] == REFUSED
        assert wrote(limit, device, 0)[0] == OK and stand(device)[0] == 0
    device, limit = ready(plant(pct=3000, ena=1))
    device.no_write = set(range(AT, AT + 5))  # switched off in the device
    assert wrote(limit, device, 0)[0] == REFUSED
    device.no_write = set()
    assert wrote(limit, device, 0) == (OK, [(16, AT, [0, 0, 0, 0, 1])])
    # What is put back is what was found and nothing else.
    device.no_write = set(range(AT, AT + 5))
    limit.restore()
    assert run(limit, device) == REFUSED and len(device.writes()) == 4


def test_up_to_a_megawatt_no_step_of_the_arithmetic_leaves_the_small_ints():
    # Mirrors raw_of() and watts_of() product by product.
    for wmax in (1, 4999, 65535, 99999, 1000000, 10000000):
        for full in (10000, 6400, 1000, 100, 10, 1):
            upper = min(full, 100)
            for cap in (0, 1, wmax // 3, wmax - 1, wmax):
                part = cap * upper
                assert part < 1 << 30 and part % wmax * (full // upper) < 1 << 30
                assert wmax // full * full + wmax % full * full < 1 << 30


# Devices without SunSpec


def test_solaredge_takes_percents_as_floats_with_the_lower_word_first():
    device = Device({0xF300: [0] * 40})
    limit = MappedLimit("solaredge", 10000, None, 1500, 90)
    assert limit.reverts and not limit.of_site
    low, high = single(25.0)[1], single(25.0)[0]
    assert wrote(limit, device, 2500) == (OK, [
        (16, 0xF322, [low, high]), (16, 0xF310, [90, 0, single(15.0)[1], single(15.0)[0]]),
        (16, 0xF300, [1])])
    assert limit.written_w == 2500
    # The dynamic limit alone goes out again: it is volatile and restarts the timeout.
    assert wrote(limit, device, 3333)[1] == [(16, 0xF322, single(33.328125)[::-1])]
    assert limit.written_w == 3333
    for cap_w in (0, 1, 2, 77, 4999, 9999, 10000, 20000):
        assert wrote(limit, device, cap_w)[0] == OK
        words = device.words[0xF323] << 16 | device.words[0xF322]
        import struct

        percent = struct.unpack(">f", struct.pack(">I", words))[0]
        assert percent * 100 <= min(cap_w, 10000) < percent * 100 + 1.6
        assert 0 <= limit.written_w - percent * 100 < 1


def test_solaredge_without_a_timeout_leaves_it_alone_and_refusals_are_refusals():
    device = Device({0xF300: [0] * 40})
    limit = MappedLimit("solaredge", 10000)
    device.no_write = set(range(0xF310, 0xF314))
    assert wrote(limit, device, 2500)[0] == OK and device.words[0xF300] == 1
    device.no_write = set(range(0xF300, 0xF328))
    assert wrote(limit, device, 2400)[0] == REFUSED and limit.written_w == ABSENT
    device.frozen = True
    device.no_write = set()
    assert wrote(limit, device, 2400)[0] == DIFFERS


def test_sungrow_limits_its_export_in_watts_or_in_permille():
    device = Device({13073: [5000] + [0] * 13})
    limit = MappedLimit("sungrow", 10000)
    assert limit.of_site and not limit.reverts
    assert wrote(limit, device, 2500) == (OK, [(6, 13073, [2500]), (6, 13086, [0xAA])])
    assert limit.written_w == 2500 and limit.found_w() == ABSENT
    assert wrote(limit, device, 0) == (OK, [(6, 13073, [0])])
    limit.restore()
    assert run(limit, device) == OK and device.words[13073] == 5000
    limit = MappedLimit("sungrow_permille", 8000)
    assert wrote(limit, device, 2500)[0] == OK and device.words[13073] == 312
    assert limit.written_w == 2496
    device.refused = {device.n: 4}  # out of range
    assert wrote(limit, device, 2500)[0] == REFUSED
    limit.begin(8000, 0)
    assert run(limit, device) == OK and device.words[13086] == 0x55


def test_goodwe_limits_its_export_and_writes_to_flash_no_more_than_it_must():
    device = Device({47509: [0, 10000]})
    limit = MappedLimit("goodwe", 10000)
    assert wrote(limit, device, 2500) == (OK, [(16, 47509, [1, 2500])])
    assert limit.written_w == 2500 and limit.of_site
    device.functions = {3, 6}
    assert wrote(limit, device, 2400)[0] == OK
    assert wrote(limit, device, 2300) == (OK, [(6, 47510, [2300])])


def test_a_map_that_is_not_there_or_too_small_is_refused():
    check.raises(SunspecError, MappedLimit, "nobody", 10000)
    check.raises(SunspecError, MappedLimit, "sungrow", 70000)
    check.raises(SunspecError, MappedLimit, "solaredge", ABSENT)
    assert MappedLimit("sungrow_permille", 1000000).wmax_w == 1000000


def test_any_words_at_all_read_back_end_in_a_verdict():
    seed = 5
    for words in (plant(), plant_der()):
        device, ratings, _ = read(words)
        for n in range(200):
            limit = Limit(ratings._inverter, ratings, row(n & 0x1F), 1500, 60)

            def noise(addr, value):
                nonlocal seed
                seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
                return value if seed & 0x1000 else seed >> 13 & 0xFFFF

            device.on_read = noise
            for cap_w in (n * 50, 0, 9999):
                result, _ = wrote(limit, device, cap_w)
                assert result in (OK, DIFFERS, REFUSED, UNREAD)
                if result == OK:
                    assert limit.written_w <= cap_w + 1


check.run(globals())
