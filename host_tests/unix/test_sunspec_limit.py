# heap: 224k
"""The power limit: how it is written, what devices refuse, what the readback says."""

from array import array


import check
from limited import AT, ENA, PCT, RMP, RVRT, WIN, read, ready, stand, wrote
from registers import (
    NAN, UNAN, Device, chain_of, common, controls, inverter, model, plant, run, settings,
)
from sunspec import (
    ABSENT, DIFFERS, OK, REFUSED, SILENT, UNREAD, Inverter, Limit, Ratings, SunspecError, Walk,
)


# Rounding


def chain(*models):
    return chain_of(common(), inverter(), *models)


def limit_of(wmax, wmax_sf=0, sf=-2, quirk=None):
    return ready(chain(settings(wmax, wmax_sf), controls(sf=sf)), quirk)[1]


def test_raw_is_the_floor_of_the_exact_value():
    for wmax, wmax_sf in ((1, 0), (3, 0), (4999, 0), (10000, 0), (65534, 0), (10001, 1),
                          (9999, 2), (100, 4), (1000, 4)):
        for sf in (-2, -1, 0, 1, 2):
            limit = limit_of(wmax, wmax_sf, sf)
            full = 100 * 10**-sf if sf <= 0 else 100 // 10**sf
            top = limit.wmax_w
            for n in range(0, 101):
                cap = top * n // 100 + (n * 7919) % 3
                raw = limit.raw_of(cap)
                assert raw == min(cap, top) * full // top, (top, sf, cap)
                assert limit.watts_of(raw) <= min(cap, top)
                assert limit.watts_of(raw) == -(-top * raw // full)


def test_caps_outside_the_rating():
    limit = limit_of(8000)
    assert limit.raw_of(8000) == limit.raw_of(8001) == limit.raw_of(0x3FFFFFFF) == 10000
    assert limit.raw_of(0) == limit.raw_of(-1) == limit.raw_of(ABSENT) == 0
    assert limit.watts_of(0) == 0 and limit.watts_of(10000) == 8000


def test_coarse_devices_get_whole_steps_rounded_down():
    grain = b"\x00\x01\x00\x00\x00\x00\x00\x00"
    limit = limit_of(8000, quirk=grain)
    assert limit.raw_of(7999) == 9900 and limit.raw_of(8000) == 10000 and limit.raw_of(79) == 0
    assert limit_of(8000, sf=0, quirk=grain).raw_of(7999) == 99
    grain = b"\x00\x0a\x00\x00\x00\x00\x00\x00"
    assert limit_of(8000, sf=0, quirk=grain).raw_of(7999) == 90


def test_a_device_that_cannot_be_limited_is_refused():
    for words in (chain(settings()), chain(controls()), chain(settings(), controls(sf=NAN)),
                  chain(settings(), controls(sf=-3)), chain(settings(), controls(sf=3)),
                  chain(settings(1001, 4), controls()), chain(settings(), model(123, 7, {}))):
        device, ratings, _ = read(words)
        check.raises(SunspecError, Limit, ratings._inverter, ratings)


# Writing


def test_one_write_of_five_registers_and_its_readback():
    device, limit = ready(plant(rvrt=60, win=5, rmp=7))
    assert limit.written_w == ABSENT
    assert wrote(limit, device, 2500) == (OK, [(16, AT, [2500, 0, 0, 0, 1])])
    assert stand(device) == [2500, 0, 0, 0, 1]
    assert limit.written_w == 2500 and limit.writes == 1 and limit.refusals == 0
    assert device.n == 2
    assert wrote(limit, device, 0)[0] == OK and limit.written_w == 0 and limit.writes == 2


def test_only_the_five_registers_are_touched():
    device, limit = ready(plant())
    before = dict(device.words)
    wrote(limit, device, 7777)
    assert all(AT <= a < AT + 5 for a in before if before[a] != device.words[a])


def test_a_device_that_takes_function_6_only_is_learned():
    for code in (1, 2, 3):
        device, limit = ready(plant(rvrt=60))
        device.refused = {0: code}
        assert wrote(limit, device, 5000) == (OK, [(16, AT, [5000, 0, 0, 0, 1]), (6, AT, [5000]),
                                                   (6, AT + RVRT, [0]), (6, AT + ENA, [1])])
        assert (limit.refusals, limit.writes) == (1, 3)
        # What stands is not written again: some devices keep it in flash.
        assert wrote(limit, device, 4000) == (OK, [(6, AT, [4000])])
        device.words[AT + ENA] = 0
        assert wrote(limit, device, 3000) == (DIFFERS, [(6, AT, [3000])])
        assert limit.written_w == ABSENT
        assert wrote(limit, device, 3000)[1] == [(6, AT, [3000]), (6, AT + ENA, [1])]
        assert limit.result == OK and limit.written_w == 3000


def test_a_device_that_takes_function_16_for_single_registers_only():
    device, limit = ready(plant(win=UNAN, rvrt=60), functions={3, 16})
    device.no_write = {AT + WIN}
    assert wrote(limit, device, 5000) == (OK, [(6, AT, [5000]), (16, AT, [5000]),
                                               (16, AT + RVRT, [0]), (16, AT + ENA, [1])])
    assert wrote(limit, device, 4000) == (OK, [(16, AT, [4000])])


def test_unimplemented_registers_are_left_out():
    device, limit = ready(plant(win=UNAN, rvrt=UNAN, rmp=UNAN))
    device.no_write = {AT + WIN, AT + RVRT, AT + RMP}
    assert wrote(limit, device, 5000) == (OK, [(6, AT, [5000]), (6, AT + ENA, [1])])
    assert stand(device) == [5000, UNAN, UNAN, UNAN, 1] and limit.refusals == 0


def test_a_reversion_time_that_slept_through_the_ratings_is_found():
    device, limit = ready(plant(rvrt=UNAN, win=UNAN))
    device.words[AT + RVRT] = 60
    assert wrote(limit, device, 5000)[0] == DIFFERS
    assert wrote(limit, device, 5000)[0] == OK and stand(device)[RVRT] == 0


def test_a_refused_reversion_time_is_taken_when_it_is_zero_and_not_when_it_runs():
    device, limit = ready(plant(rvrt=0))
    device.no_write = {AT + RVRT, AT + WIN}
    assert wrote(limit, device, 5000)[0] == OK
    device, limit = ready(plant(rvrt=60))
    device.no_write = {AT + RVRT, AT + WIN}
    assert wrote(limit, device, 5000)[0] == REFUSED and limit.written_w == ABSENT


def test_a_reversion_time_refused_in_both_ways_is_not_tried_again():
    device, limit = ready(plant(), no_read={AT + RVRT})
    device.no_write = {AT + RVRT}
    assert wrote(limit, device, 5000)[1][1:] == [(6, AT, [5000]), (6, AT + RVRT, [0]),
                                                 (6, AT + ENA, [1])]
    assert limit.result == OK
    assert wrote(limit, device, 4000) == (OK, [(6, AT, [4000])])


def test_a_refused_enable_is_taken_when_it_stands_already():
    device, limit = ready(plant(ena=1))
    device.no_write = {AT + ENA}
    assert wrote(limit, device, 5000)[0] == OK
    device, limit = ready(plant(ena=0))
    device.no_write = {AT + ENA}
    assert wrote(limit, device, 5000)[0] == REFUSED


def test_a_device_switched_off_refuses_all_and_is_asked_by_block_again():
    device, limit = ready(plant())
    device.no_write = set(range(AT, AT + 5))
    for n in (1, 2):
        result, writes = wrote(limit, device, 5000)
        assert result == REFUSED and [(k, len(v)) for k, _, v in writes] == [
            (16, 5), (6, 1), (16, 1)]
        assert limit.refusals == 3 * n and limit.writes == 0 and limit.written_w == ABSENT
    device.no_write = set()
    assert wrote(limit, device, 5000) == (OK, [(16, AT, [5000, 0, 0, 0, 1])])


def test_a_way_that_was_learned_is_forgotten_when_all_is_refused():
    device, limit = ready(plant())
    device.refused = {0: 1}
    assert wrote(limit, device, 5000)[0] == OK
    device.no_write = set(range(AT, AT + 5))
    assert wrote(limit, device, 4000)[0] == REFUSED
    device.no_write = set()
    assert wrote(limit, device, 3000) == (OK, [(16, AT, [3000, 0, 0, 0, 1])])


def test_other_exceptions_do_not_change_the_way_of_writing():
    for code in (4, 5, 6, 10, 11):
        device, limit = ready(plant())
        device.refused = {0: code}
        assert wrote(limit, device, 5000) == (REFUSED, [(16, AT, [5000, 0, 0, 0, 1])])
        assert limit.refusals == 1
        assert wrote(limit, device, 5000)[0] == OK


def test_silence_ends_it_at_each_operation_and_leaves_nothing_known():
    device, limit = ready(plant())
    wrote(limit, device, 9000)
    for n in range(2):
        device.silent = {device.n + n}
        assert wrote(limit, device, 5000)[0] == SILENT and limit.written_w == ABSENT
    for n in range(4):
        device, limit = ready(plant(win=UNAN, rvrt=9), no_read={AT + RMP})
        device.silent = {n}
        assert wrote(limit, device, 5000)[0] == SILENT
        device.silent = set()
        assert wrote(limit, device, 5000)[0] == OK and stand(device)[RVRT] == 0


def test_a_device_that_ignores_writes_differs():
    device, limit = ready(plant())
    device.frozen = True
    assert wrote(limit, device, 5000)[0] == DIFFERS and limit.written_w == ABSENT


def test_each_register_read_back_wrong_differs():
    for i, value in ((PCT, 5001), (PCT, 4900), (PCT, UNAN), (WIN, 1), (RVRT, 60), (RMP, 3),
                     (ENA, 0), (ENA, UNAN)):
        device, limit = ready(plant())
        device.on_read = lambda addr, v, i=i, value=value: value if addr == AT + i else v
        assert wrote(limit, device, 5000)[0] == DIFFERS, (i, value)


def test_a_device_that_rounds_down_to_whole_percents_is_taken_at_its_word():
    device, limit = ready(plant())
    device.on_read = lambda addr, v: v - v % 100 if addr == AT else v
    assert wrote(limit, device, 5078)[0] == OK and limit.written_w == 5000
    device.on_read = lambda addr, v: v - v % 100 + 100 if addr == AT else v
    assert wrote(limit, device, 5078)[0] == DIFFERS


def test_a_late_readback_is_looked_at_again():
    device, limit = ready(plant())
    check.raises(SunspecError, limit.recheck)
    device.on_read = lambda addr, v: 10000 if addr == AT else v
    assert wrote(limit, device, 5000)[0] == DIFFERS
    device.on_read = None
    device.log = []
    limit.recheck()
    assert run(limit, device) == OK and limit.written_w == 5000 and device.writes() == []


def test_registers_that_cannot_be_read_as_a_block_are_read_back_one_by_one():
    device, limit = ready(plant(), no_read={AT + WIN})
    assert wrote(limit, device, 5000)[0] == OK
    assert [addr - AT for kind, addr, _, _ in device.log if kind == 3] == [PCT, RVRT, ENA]
    device.frozen = True
    assert wrote(limit, device, 4000)[0] == DIFFERS
    device, limit = ready(plant(), no_read={AT + ENA})
    assert wrote(limit, device, 5000)[0] == OK
    assert [addr - AT for kind, addr, _, _ in device.log if kind == 3] == [PCT, RVRT]


def test_a_device_that_cannot_be_read_back_is_said_to_be_so():
    device, limit = ready(plant(), no_read={AT + i for i in range(5)})
    assert wrote(limit, device, 5000)[0] == UNREAD and limit.written_w == ABSENT
    assert stand(device) == [5000, 0, 0, 0, 1]
    device, limit = ready(plant())
    device.no_read = {AT}
    assert wrote(limit, device, 5000)[0] == UNREAD
    device, limit = ready(plant(), no_read={AT + ENA})
    device.no_write = {AT + ENA}
    assert wrote(limit, device, 5000)[0] == UNREAD
    device, limit = ready(plant(), no_read={AT})
    assert wrote(limit, device, 5000)[0] == UNREAD


def test_an_absent_cap_is_no_power_and_not_all_of_it():
    device, limit = ready(plant())
    assert wrote(limit, device, ABSENT)[0] == OK and stand(device) == [0, 0, 0, 0, 1]


def test_begin_in_the_middle_starts_over():
    device, limit = ready(plant())
    regs = array("H", bytes(128))
    limit.begin(9000)
    assert limit.next(regs) and regs[0] == 9000
    limit.begin(1000)
    assert limit.next(regs) and limit.next(regs) and regs[0] == 1000 and limit.kind == 16
    assert run(limit, device) == OK and stand(device)[PCT] == 1000
    limit.took(0, regs)
    assert limit.result == OK and not limit.next(regs)


def test_every_truncation_of_the_map_is_a_limit_or_our_error():
    words = plant()
    for cut in range(72, len(words) + 1):
        device = Device({40000: words[:cut]})
        walk = Walk(8)
        run(walk, device)
        unit = Inverter(walk, 0)
        ratings = Ratings(unit)
        run(ratings, device)
        try:
            limit = Limit(unit, ratings)
        except SunspecError:
            assert cut <= AT + 18 - 40000
            continue
        assert cut > AT + 18 - 40000
        limit.begin(5000)
        assert run(limit, device) == OK


def locked_run(seq, device, regs):
    while check.locked(seq.next, regs):
        check.locked(seq.took, device.do(seq.kind, seq.addr, seq.count, regs), regs)


def test_writing_and_reading_back_allocate_nothing():
    regs = array("H", bytes(128))
    for faults in ({}, {"functions": {3, 16}}, {"no_read": {AT + WIN}}):
        device, ratings, _ = read(plant(rvrt=60))
        for name, value in faults.items():
            setattr(device, name, value)
        ratings.begin()
        locked_run(ratings, device, regs)
        limit = Limit(Inverter(ratings._inverter.walk, 0), ratings)
        for refused in ({}, {device.n: 2}, {device.n: 2, device.n + 1: 2}):
            device.refused = refused
            check.locked(limit.begin, 4321)
            locked_run(limit, device, regs)
            assert limit.result == OK and limit.written_w == 4321, faults
        check.locked(limit.recheck)
        locked_run(limit, device, regs)


check.run(globals())
