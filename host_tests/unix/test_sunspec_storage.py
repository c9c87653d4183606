# heap: 224k
"""Batteries: what is in them, the band they are held in, and connecting a device."""

from array import array

import check
from registers import (
    NAN, UNAN, Device, chain_of, common, controls, der, der_controls, der_ratings, der_storage,
    enter, frame, inverter, lithium, met, model, nameplate, plant_der, run, settings, storage,
)
from sunspec import (
    ABSENT, ABSENT_ALL, DIFFERS, F_FC6, NULL_FRAME, OK, REFUSED, SILENT, UNREAD, Battery, Connect,
    Storage, SunspecError, Walk,
)


# What is in it


def battery(words, ratings=None):
    walk = Walk(8)
    run(walk, Device({40000: chain_of(common(), words)}))
    thing = Battery(walk, 0, ratings)
    return thing, frame(words, thing.live_addr - 40070, thing.live_count)


def held(thing):
    return [thing.soc_pct100, thing.wh_rtg, thing.wh, thing.cha_st, thing.w]


def test_each_model_says_what_it_can():
    thing, regs = battery(storage())
    assert (thing.live_addr, thing.live_count, thing.live_kind) == (40078, 15, 3)
    assert held(thing) == [ABSENT] * 5
    assert thing.take(regs) == OK and held(thing) == [6543, ABSENT, ABSENT, 4, ABSENT]
    thing, regs = battery(der_storage())
    assert (thing.live_addr, thing.live_count) == (40072, 7)
    assert thing.take(regs) == OK and held(thing) == [4320, 10000, 4320, ABSENT, ABSENT]
    thing, regs = battery(lithium())
    assert thing.take(regs) == OK and held(thing) == [4320, 10000, 4320, 3, -1200]


def test_the_nameplate_stands_in_for_a_missing_capacity():
    words = nameplate()
    words[19], words[20] = 100, 2
    _, _, ratings = met(chain_of(common(), inverter(), words))
    thing, regs = battery(storage(), ratings)
    assert thing.take(regs) == OK and held(thing)[:3] == [6543, 10000, 6543]


def test_each_sentinel_makes_its_value_absent_and_no_other():
    for words, offset, gone in ((storage(), 8, 0), (storage(), 22, 0), (storage(), 11, 3),
                                (der_storage(), 2, 1), (der_storage(), 4, 0), (lithium(), 3, 1),
                                (lithium(), 11, 0), (lithium(), 16, 3), (lithium(), 47, 4)):
        thing, regs = battery(words)
        thing.take(regs)
        before = held(thing)
        words[offset] = NAN if offset in (22, 47) else UNAN
        thing, regs = battery(words)
        thing.take(regs)
        after = held(thing)
        assert after[gone] == ABSENT and before[gone] != ABSENT
        # What is in it follows from two others, where the model does not say it.
        assert [after[i] for i in (0, 1, 3, 4) if i != gone] == [
            before[i] for i in (0, 1, 3, 4) if i != gone]


def test_a_state_of_charge_that_is_none_is_absent():
    for soc in (10001, 65534):
        thing, regs = battery(storage(_8=soc))
        thing.take(regs)
        assert thing.soc_pct100 == ABSENT and thing.cha_st == 4
    for state in (0, 8):
        thing, regs = battery(storage(_11=state))
        thing.take(regs)
        assert thing.cha_st == ABSENT
    thing, regs = battery(storage(_8=UNAN, _11=UNAN))
    assert thing.take(regs) == ABSENT_ALL
    assert thing.take(frame([0] * 64, 0, 64)) == NULL_FRAME and held(thing) == [ABSENT] * 5
    check.raises(SunspecError, thing.take, regs[:3])


def test_a_device_without_a_battery_is_refused():
    walk = Walk(8)
    run(walk, Device({40000: chain_of(common(), inverter(), model(713, 6, {}))}))
    check.raises(SunspecError, Battery, walk, 0)


def test_taking_a_frame_allocates_nothing():
    for words in (storage(), der_storage(), lithium()):
        thing, regs = battery(words)
        assert check.locked(thing.take, regs) == OK


# Model 124


AT = 40000 + 2 + 68 + 52 + 28 + 32  # of model 124
OUT, IN, TMS, MOD = 12, 13, 15, 5


def held_by(wchamax=5000, sf=-2, quirk=None, rvrt_s=0, **more):
    device, thing, ratings = met(chain_of(common(), inverter(), nameplate(), settings(),
                                            storage(wchamax, sf, **more)))
    control = Storage(thing, ratings, quirk, rvrt_s)
    control.probe()
    run(control, device)
    device.log = []
    return device, control


def wrote(control, device, low_w, high_w):
    device.log = []
    device.n = 0
    control.begin(low_w, high_w)
    return run(control, device), device.writes()


def u(value):
    return value & 0xFFFF


def test_rates_first_and_the_mode_last():
    device, control = held_by()
    assert control.banded and (control.charge_w, control.discharge_w) == (5000, 5000)
    assert wrote(control, device, -3000, 2000) == (OK, [(16, AT + OUT, [4000, 6000]),
                                                        (16, AT + MOD, [3])])
    assert (control.low_w, control.high_w) == (-3000, 2000)
    # What stands is not written again, the rates are.
    assert wrote(control, device, -3000, 2000)[1] == [(16, AT + OUT, [4000, 6000])]


def test_a_band_on_one_side_of_zero_turns_a_rate_negative():
    device, control = held_by()
    cases = ((-2000, -1000, u(-2000), 4000), (1000, 2000, 4000, u(-2000)),
             (-1000, -1000, u(-2000), 2000), (1500, 1500, 3000, u(-3000)), (0, 0, 0, 0),
             (-9999, 9999, 10000, 10000))
    for low_w, high_w, out, into in cases:
        result, writes = wrote(control, device, low_w, high_w)
        assert result == OK and writes[0] == (16, AT + OUT, [out, into])
        assert control.low_w == max(low_w, -5000) and control.high_w == min(high_w, 5000)


def test_no_band_and_an_absent_one_are_rest():
    device, control = held_by()
    for low_w, high_w in ((1, 0), (ABSENT, 100), (100, ABSENT), (ABSENT, ABSENT)):
        assert wrote(control, device, low_w, high_w)[0] == OK
        assert (control.low_w, control.high_w) == (0, 0)


def test_rates_are_cut_toward_zero():
    for sf in (-2, -1, 0):
        full = 100 * 10**-sf
        for top in (1, 3, 4999, 65534):
            device, control = held_by(top, sf)
            for n in range(-20, 21):
                w = top * n // 20
                assert wrote(control, device, w, w)[0] == OK
                out = device.words[AT + OUT]
                out -= 0x10000 if out & 0x8000 else 0
                assert abs(out) == abs(w) * full // top and (out == 0 or (out > 0) == (w > 0))
                assert device.words[AT + IN] == u(-out)
                assert abs(control.high_w) <= abs(w) and control.low_w == control.high_w


def words_of(control, device, low_w, high_w):
    wrote(control, device, low_w, high_w)
    return [device.words[AT + OUT], device.words[AT + IN]]


def test_the_same_words_are_known_before_they_are_written():
    for sf, top in ((0, 5000), (0, 777), (-2, 5000), (-1, 3333)):
        device, control = held_by(top, sf)
        before, words = (-top, 0), words_of(control, device, -top, 0)
        found = []
        for n in range(120):
            band = (-(n * 37 % top), n * 53 % top - top // 5)
            if band[0] > band[1]:
                continue
            now = words_of(control, device, band[0], band[1])
            same = control.same(band[0], band[1], before[0], before[1])
            assert same == (now == words), (sf, top, band, before)
            found.append(control.same(band[0], band[1] + 1, band[0], band[1]))
            before, words = band, now
        assert (True in found) == (sf == 0 or top == 3333), (sf, top)
        check.locked(lambda c=control, t=top: c.same(-t, t, -t, t - 1))


def test_a_megawatt_stays_inside_the_small_ints():
    device, control = held_by(1000, -2, _18=3)
    assert control.charge_w == 1000000
    for w in (-1000000, -999999, -1, 0, 1, 333333, 1000000):
        assert wrote(control, device, w, w)[0] == OK and abs(control.high_w - w) <= 100
    for top in (1, 65535, 1000000, 10000000):
        for full in (10000, 1000, 100, 10, 1):
            for size in (0, 1, top // 3, top):
                part = size * min(full, 100)
                assert part < 1 << 30 and part % top * (full // min(full, 100)) < 1 << 30


def test_a_reversion_time_is_written_where_the_caller_wants_one():
    device, control = held_by(rvrt_s=90)
    assert wrote(control, device, 0, 0)[1] == [
        (16, AT + OUT, [0, 0]), (16, AT + TMS, [90]), (16, AT + MOD, [3])]
    device, control = held_by(rvrt_s=90, _15=UNAN)
    device.no_write = {AT + TMS}
    assert wrote(control, device, 0, 0) == (OK, [(16, AT + OUT, [0, 0]), (16, AT + MOD, [3])])


def test_a_device_that_takes_one_function_only():
    for functions, kind in (({3, 6}, 6), ({3, 16}, 16)):
        device, control = held_by()
        device.functions = functions
        device.words[AT + MOD] = 0
        assert wrote(control, device, -1000, 2000)[0] == OK
        assert [device.words[AT + i] for i in (OUT, IN, MOD)] == [4000, 2000, 3]
        assert wrote(control, device, 0, 0)[1][-1][0] == kind


def test_what_a_device_makes_of_it_is_said():
    device, control = held_by()
    device.frozen = True
    assert wrote(control, device, -1000, 1000)[0] == DIFFERS and control.low_w == ABSENT
    device.frozen = False
    device.silent_from = 0
    assert wrote(control, device, -1000, 1000)[0] == SILENT and control.high_w == ABSENT
    device.silent_from = None
    device.no_write = set(range(AT, AT + 26))
    assert wrote(control, device, -1000, 1000)[0] == REFUSED
    device.no_write = set()
    assert wrote(control, device, -1000, 1000)[0] == OK and control.low_w == -1000
    device.no_read = {AT + OUT}
    assert wrote(control, device, -900, 1000)[0] == UNREAD and control.low_w == ABSENT


def test_a_battery_is_left_as_it_was_found():
    device, control = held_by(_12=7000, _13=8000, _5=1)
    before = dict(device.words)
    wrote(control, device, 0, 0)
    control.restore()
    assert run(control, device) == OK and device.words == before


def test_a_battery_that_says_too_little_is_refused():
    for words in (storage(UNAN), storage(0), storage(5000, NAN), storage(5000, 3)):
        _, thing, ratings = met(chain_of(common(), inverter(), words))
        check.raises(SunspecError, Storage, thing, ratings)
    _, thing, ratings = met(chain_of(common(), inverter(), settings()))
    check.raises(SunspecError, Storage, thing, ratings)


# Model 704


AT_DER = 40000 + 2 + 68 + 155 + 52 + 19


def set_by(rvrt_s=0, **more):
    device, thing, ratings = met(plant_der(**more))
    control = Storage(thing, ratings, None, rvrt_s)
    device.log = []
    return device, control


def test_704_has_a_set_point_alone_and_enables_it_last():
    device, control = set_by()
    assert not control.banded and (control.charge_w, control.discharge_w) == (5000, 6000)
    result, writes = wrote(control, device, -1000, -1000)
    assert result == OK and writes == [
        (16, AT_DER + 23, [1, 0xFFFF, u(-1000), 0, 0]), (16, AT_DER + 22, [1])]
    assert (control.low_w, control.high_w) == (-1000, -1000)
    for low_w, high_w, set_w in ((-4000, 2000, 0), (500, 2000, 500), (-2000, -300, -300),
                                 (70000, 70000, 6000)):
        assert wrote(control, device, low_w, high_w)[0] == OK
        assert control.low_w == control.high_w == set_w


def test_704_is_free_when_the_band_is_as_wide_as_the_battery():
    device, control = set_by()
    wrote(control, device, 0, 0)
    assert device.words[AT_DER + 22] == 1
    assert wrote(control, device, -5000, 6000)[0] == OK and device.words[AT_DER + 22] == 0
    assert (control.low_w, control.high_w) == (-5000, 6000)


def test_704_is_the_same_for_the_same_watts_alone():
    _device, control = set_by()
    assert control.same(-2000, 3000, -2000, 3000)
    assert not control.same(-2000, 3001, -2000, 3000) and not control.same(-2, 0, -1, 0)


def test_704_falls_back_to_rest():
    device, control = set_by(90)
    wrote(control, device, -1000, -1000)
    assert [device.words[AT_DER + i] for i in range(22, 33)] == [
        1, 1, 0xFFFF, u(-1000), 0, 0, UNAN, UNAN, 1, 0, 90]


def test_704_in_other_units_is_cut_toward_zero():
    for sf, raw, w in ((1, 123, 1230), (-2, 123400, 1234), (2, 12, 1200)):
        device, control = set_by(_55=sf)
        assert wrote(control, device, -1234, -1234)[0] == OK
        assert [device.words[AT_DER + i] for i in (24, 25)] == [-raw >> 16 & 0xFFFF, u(-raw)]
        assert control.low_w == -w


def test_704_never_gets_half_a_number():
    device, control = set_by(90)
    device.refused = {3: 2}  # after the three reads that tell what stands there
    assert wrote(control, device, 70, 70)[0] == OK
    assert all(len(v) == 2 for k, a, v in device.writes() if a - AT_DER in (24, 26, 31))


def test_writing_and_reading_back_allocate_nothing():
    regs = array("H", bytes(256))
    for device, control in (held_by(), held_by(rvrt_s=60), set_by(), set_by(60)):
        for low_w, high_w in ((-1000, 500), (200, 200)):
            check.locked(control.begin, low_w, high_w)
            while check.locked(control.next, regs):
                assert control.count <= 16
                outcome = device.do(control.kind, control.addr, control.count, regs)
                check.locked(control.took, outcome, regs)
            assert control.result == OK


# Connecting


def test_an_inverter_is_connected_by_one_register():
    for words, at in ((chain_of(common(), inverter(), controls()), 40000 + 2 + 68 + 52 + 4),
                      (plant_der(), 40000 + 2 + 68 + 155 + 52 + 2)):
        device, thing, _ = met(words)
        connect = Connect(thing)
        device.log = []
        for n in (0, 1, 1):
            connect.begin(n)
            assert run(connect, device) == OK and device.words[at] == n
        assert device.writes() == [(6, at, [0]), (6, at, [1]), (6, at, [1])]
        assert list(connect.found) == [1]
        device.frozen = True
        connect.begin(0)
        assert run(connect, device) == DIFFERS
        device.frozen = False
        device.functions = {3, 16}
        connect.begin(0)
        assert run(connect, device) == OK and device.writes()[-1] == (16, at, [0])
        device.no_write = {at}
        connect.begin(1)
        assert run(connect, device) == REFUSED
        device.silent_from = device.n
        connect.begin(1)
        assert run(connect, device) == SILENT


def test_a_device_that_cannot_be_connected_is_refused():
    for words in (chain_of(common(), inverter()), chain_of(common(), der(), model(703, 0, {})),
                  chain_of(common(), inverter(), model(123, 2, {}))):
        _, thing, _ = met(words)
        check.raises(SunspecError, Connect, thing)
    _, thing, _ = met(chain_of(common(), der(), der_ratings(), der_controls(), enter()))
    assert Connect(thing, bytes([F_FC6] + [0] * 7)).result == -1


check.run(globals())
