# heap: 224k
"""Inverter and meter: every value, every sentinel, null frames, signs, truncated chains."""

import check
from live_frames import (
    INVERTER, METER, PHASES, der_made, inverter_float, made, meter_float, values, walk_of,
)
from registers import (
    NAN, UNAN, Device, common, der, frame, inverter, meter, model, plant, run,
    single,
)
from sunspec import (
    ABSENT, ABSENT_ALL, NULL_FRAME, OK, Inverter, Meter, SunspecError,
    Walk,
)

def test_an_inverter_of_integers():
    for model_id, phases in ((101, 1), (102, 2), (103, 3)):
        thing, regs = made(inverter(model_id))
        assert (thing.live_addr, thing.live_count, thing.phases) == (40080, 12, phases)
        assert values(thing, INVERTER) == [ABSENT] * 7
        assert thing.take(regs) == OK
        assert values(thing, INVERTER) == [2500, -123, 2600, 50010, 2301, 2302, 2303]


def test_an_inverter_of_floats_is_cut_toward_zero():
    thing, regs = made(inverter_float())
    assert (thing.live_addr, thing.live_count) == (40086, 14)
    assert thing.take(regs) == OK
    # 230.3 and 50.01 lie just below themselves in 24 bits of mantissa, or just above.
    got = values(thing, INVERTER)
    assert got[:3] == [2500, -123, 2600] and abs(got[3] - 50010) <= 1
    assert [abs(a - b) <= 1 for a, b in zip(got[4:], (2301, 2302, 2303))] == [True] * 3


def test_an_inverter_that_charges_is_negative():
    thing, regs = made(inverter(w=-1500, w_sf=1))
    assert thing.take(regs) == OK and thing.w == -15000


def test_integers_are_preferred_and_floats_are_found():
    thing = Inverter(walk_of(common(), inverter_float(), inverter()), 0)
    assert thing.live_count == 12
    thing = Inverter(walk_of(common(), inverter_float()), 0)
    assert thing.live_count == 14


def test_the_second_device_is_read_at_its_own_place():
    walk = walk_of(common(), inverter(), common(length=65), meter())
    assert Meter(walk, 1).live_addr == 40000 + 2 + 68 + 52 + 67 + 8
    check.raises(SunspecError, Meter, walk, 0)
    check.raises(SunspecError, Inverter, walk, 1)


def test_each_sentinel_and_each_factor_makes_its_values_absent_and_no_other():
    cases = (("w", 14, NAN), ("w", 15, NAN), ("w", 15, 11), ("w", 15, -11), ("va", 18, NAN),
             ("va", 19, NAN), ("var", 20, NAN), ("var", 21, 12), ("mhz", 16, UNAN),
             ("mhz", 17, NAN), ("dv_a", 10, UNAN), ("dv_b", 11, UNAN), ("dv_c", 12, UNAN))
    for name, offset, word in cases:
        thing, regs = made(inverter(**{"_" + str(offset): word}))
        assert thing.take(regs) == OK
        assert [n for n in INVERTER if getattr(thing, n) == ABSENT] == [name], offset
    thing, regs = made(inverter(_13=NAN))
    assert thing.take(regs) == OK
    assert [n for n in INVERTER if getattr(thing, n) == ABSENT] == ["dv_a", "dv_b", "dv_c"]


def test_a_nan_or_infinite_float_is_absent():
    for words in ([0x7FC0, 0], [0xFFFF, 0xFFFF], [0x7F80, 0], [0xFF80, 0], [0x7F7F, 0xFFFF]):
        thing, regs = made(inverter_float(_22=words))
        assert thing.take(regs) == OK and thing.w == ABSENT and thing.va == 2600


def test_what_leaves_the_small_ints_is_absent():
    thing, regs = made(inverter(w=32767, w_sf=10))
    assert thing.take(regs) == OK and thing.w == ABSENT
    thing, regs = made(inverter(w=32767, w_sf=4))
    assert thing.take(regs) == OK and thing.w == 327670000


def test_the_factor_is_that_of_the_same_frame():
    thing, regs = made(inverter(w=2500, w_sf=0))
    thing.take(regs)
    regs[14 - 10], regs[15 - 10] = 250, 1
    assert thing.take(regs) == OK and thing.w == 2500
    regs[15 - 10] = 0xFFFF
    assert thing.take(regs) == OK and thing.w == 25


def test_night_is_all_sentinels():
    night = model(103, 50, {13: NAN, 14: NAN, 15: NAN, 17: NAN, 18: NAN, 19: NAN, 20: NAN,
                            21: NAN})
    thing, regs = made(night)
    assert thing.take(regs) == ABSENT_ALL and values(thing, INVERTER) == [ABSENT] * 7
    thing.take_state(frame(night, 38, 1))
    assert thing.st == ABSENT
    thing, regs = made(model(203, 105, {}, fill=NAN), Meter)
    assert thing.take(regs) == ABSENT_ALL and values(thing, METER) == [ABSENT] * 12
    nan = [0x7FC0, 0]
    thing, regs = made(model(113, 60, {i: nan for i in range(2, 48, 2)}))
    assert thing.take(regs) == ABSENT_ALL


def test_a_frame_of_zeros_is_none_and_leaves_no_value_behind():
    for words, cls, names in ((inverter(), Inverter, INVERTER), (meter(), Meter, METER),
                              (inverter_float(), Inverter, INVERTER)):
        thing, regs = made(words, cls)
        assert thing.take(regs) == OK
        assert thing.take(frame([0] * 64, 0, 64)) == NULL_FRAME
        assert values(thing, names) == [ABSENT] * len(names)
        # What lies behind the block in the lent buffer is not looked at.
        dirty = frame([0] * 64, 0, 64)
        dirty[thing.live_count] = 7
        assert thing.take(dirty) == NULL_FRAME
        assert thing.take(regs) == OK and thing.w != ABSENT


def test_zero_watts_by_night_are_zero_and_no_null_frame():
    thing, regs = made(inverter(w=0, _18=0, _20=0))
    assert thing.take(regs) == OK and (thing.w, thing.va, thing.var) == (0, 0, 0)


def test_the_state_has_a_block_of_its_own():
    words = inverter(_40=0, _41=1 << 8 | 1 << 10)
    thing, _ = made(words)
    assert (thing.state_addr, thing.state_count) == (40070 + 38, 4)
    assert thing.take_state(frame(words, 38, 4)) == OK and thing.st == 4
    assert thing.alarms == 1 << 3 | 1 << 1  # over frequency, over voltage
    for st in (0, 9, 0xFFFF):
        assert thing.take_state([st, 0, 0, 0]) == ABSENT_ALL and thing.st == ABSENT
    thing, _ = made(inverter_float())
    assert (thing.state_addr, thing.state_count) == (40070 + 48, 4)


def test_each_event_becomes_the_alarm_of_the_same_meaning_or_none():
    thing, _ = made(inverter())
    meant = {6: 7, 8: 3, 9: 4, 10: 1, 11: 2}
    for bit in range(30):
        thing.take_state([4, 0, 1 << bit >> 16, 1 << bit & 0xFFFF])
        assert thing.alarms == (1 << meant[bit] if bit in meant else 0), bit
    thing.take_state([4, 0, 0xFFFF, 0xFFFF])
    assert thing.alarms == ABSENT and thing.st == 4


def eastron(**more):
    """Input registers 0 to 71 of an SDM630."""
    v = {0: 230.1, 2: 230.2, 4: 230.3, 12: -300.0, 14: -250.0, 16: -150.5, 24: 40.0, 26: 30.0,
         28: 20.0, 52: -700.5, 56: 710.0, 60: 90.0, 70: 50.01}
    v.update({int(k[1:]): x for k, x in more.items()})
    words = [0] * 72
    for at, value in v.items():
        words[at:at + 2] = value if isinstance(value, list) else single(value)
    return words


def test_a_meter_without_sunspec_is_a_row_of_a_table():
    thing = Meter(None, "sdm630")
    assert (thing.live_kind, thing.live_addr, thing.live_count, thing.phases) == (4, 0, 72, 3)
    device = Device({0: eastron()})
    regs = frame([0] * 80, 0, 80, 80)
    assert device.do(thing.live_kind, thing.live_addr, thing.live_count, regs) == 0
    assert thing.take(regs) == OK and thing.walk is None
    got = values(thing, METER)
    assert got[:2] == [-700, 90] and got[6:] == [-300, -250, -150, 40, 30, 20]
    assert thing.va == 710 and abs(got[3] - 2301) <= 1 and abs(got[5] - 2303) <= 1
    thing = Meter(None, "sdm120", -1)
    words = [0] * 72
    for at, value in ((0, 230.1), (12, -700.5), (18, 710.0), (24, 90.0), (70, 50.01)):
        words[at:at + 2] = single(value)
    assert thing.take(frame(words, 0, 72, 72)) == OK and thing.phases == 1
    assert values(thing, ("w", "w_a", "var", "var_a")) == [700, 700, -90, -90]
    assert thing.w_b == thing.dv_b == ABSENT and abs(thing.dv_a - 2301) <= 1
    check.raises(SunspecError, Meter, None, "sdm9")
    check.raises(SunspecError, Meter, None, "sdm630", 0)


def test_a_meter_without_sunspec_knows_nan_null_frames_and_brevity():
    thing = Meter(None, "sdm630")
    assert thing.take(frame(eastron(_52=[0x7FC0, 0]), 0, 72, 72)) == OK
    assert thing.w == ABSENT and thing.w_a == -300
    assert thing.take(frame([0] * 72, 0, 72, 72)) == NULL_FRAME and thing.w_a == ABSENT
    thing = Meter(None, "sdm630", brief=True)
    assert (thing.live_addr, thing.live_count) == (52, 20)
    assert thing.take(frame(eastron(), 52, 20)) == OK
    assert values(thing, METER)[:2] == [-700, 90] and thing.va == 710
    assert values(thing, METER)[3:] == [ABSENT] * 9


def test_a_megawatt_and_its_phases_are_read_whole():
    for sf in (2, 3, 4):
        w = 1000000 // 10**sf
        for sign in (1, -1):
            thing, regs = made(inverter(w=sign * w, w_sf=sf))
            assert thing.take(regs) == OK and thing.w == sign * 1000000
            thing, regs = made(meter(w=sign * w, w_sf=sf, _19=w, _20=-w), Meter, sign)
            assert thing.take(regs) == OK
            assert (thing.w, thing.w_a, thing.w_b) == (1000000, sign * 1000000, -sign * 1000000)
            thing, regs = der_made(der(w=sign * w, _41=w, _116=sf))
            thing.top_w = 2000000
            assert thing.take(regs) == OK
            assert (thing.w, thing.w_a) == (sign * 1000000, 1000000)
    thing, regs = made(inverter_float(_22=single(1000000.0), _28=single(-1000000.0)))
    assert thing.take(regs) == OK and (thing.w, thing.var) == (1000000, -1000000)


def test_garbage_far_beyond_the_rating_is_absent():
    thing, regs = made(inverter(w=21000))
    thing.top_w = 20000
    assert thing.take(regs) == OK and thing.w == ABSENT and thing.var == -123
    regs[4] = 0x10000 - 20000
    assert thing.take(regs) == OK and thing.w == -20000


def test_a_meter_of_integers():
    for model_id in (201, 202, 203, 204):
        thing, regs = made(meter(model_id), Meter)
        assert (thing.live_addr, thing.live_count) == (40078, 25)
        assert thing.take(regs) == OK
        assert values(thing, METER) == [-700, 90, 50010, 2301, 2302, 2303, -300, -250, -150,
                                        40, 30, 20]
    assert thing.phases == 3


def test_a_meter_of_floats():
    thing, regs = made(meter_float(), Meter)
    assert (thing.live_addr, thing.live_count) == (40082, 40)
    assert thing.take(regs) == OK
    assert (thing.w, thing.var, thing.w_a, thing.w_c, thing.var_c) == (-700, 90, -300, -150, 20)


def test_the_sign_turns_power_and_never_absence():
    thing, regs = made(meter(_20=NAN, _31=NAN), Meter, -1)
    assert thing.take(regs) == OK
    assert values(thing, METER) == [700, -90, 50010, 2301, 2302, 2303, 300, ABSENT, 150,
                                    -40, -30, ABSENT]
    thing, regs = made(meter(_22=NAN, _32=NAN), Meter, -1)
    assert thing.take(regs) == OK
    assert values(thing, METER) == [ABSENT, ABSENT, 50010, 2301, 2302, 2303] + [ABSENT] * 6


def test_a_sign_that_is_none_is_refused():
    walk = walk_of(common(), meter())
    for sign in (0, 2, -2):
        check.raises(SunspecError, Meter, walk, 0, sign)


def test_the_average_voltage_of_a_phase_that_is_not_wired_is_not_used():
    # A three-phase meter with one wire shows a third of the voltage as its average.
    thing, regs = made(meter(_7=767, _9=0, _10=0), Meter)
    thing.take(regs)
    assert (thing.dv_a, thing.dv_b, thing.dv_c) == (2301, 0, 0)


def test_repeats_count_a_frozen_value():
    thing, regs = made(meter(), Meter)
    for n in range(4):
        assert thing.take(regs) == OK and thing.repeats == n
    for offset in (16, 8, 18):
        regs[offset - 8] += 1
        assert thing.take(regs) == OK and thing.repeats == 0
        assert thing.take(regs) == OK and thing.repeats == 1
    thing.take(frame([0] * 64, 0, 64))
    assert thing.repeats == -1
    assert thing.take(regs) == OK and thing.repeats == 0


def test_a_fault_beside_a_frame_of_zeros_is_none():
    thing, regs = made(inverter())
    assert thing.take(frame([0] * 64, 0, 64)) == NULL_FRAME
    assert thing.take_state([7, 0, 0, 0]) == ABSENT_ALL and thing.st == ABSENT
    thing.take(regs)
    assert thing.take_state([7, 0, 0, 0]) == OK and thing.st == 7


def test_a_device_without_the_model_is_refused():
    walk = walk_of(common(), model(702, 50, {}))
    check.raises(SunspecError, Inverter, walk, 0)
    check.raises(SunspecError, Meter, walk, 0)
    check.raises(SunspecError, Inverter, Walk(4), 0)


def test_a_model_shorter_than_its_block_is_refused():
    for length in (0, 1, 19):
        check.raises(SunspecError, Inverter, walk_of(common(), model(103, length, {})), 0)
    assert Inverter(walk_of(common(), model(103, 20, {})), 0).state_count == 0
    check.raises(SunspecError, Meter, walk_of(common(), model(203, 30, {})), 0)
    check.raises(SunspecError, Inverter, walk_of(common(), model(701, 91, {})), 0)
    assert Inverter(walk_of(common(), model(701, 92, {})), 0).live_count == 84


def test_a_frame_shorter_than_its_block_is_refused():
    thing, regs = made(inverter())
    for n in range(12):
        check.raises(SunspecError, thing.take, regs[:n])
    assert thing.take(regs[:12]) == OK
    assert thing.w == 2500


def test_every_truncation_of_the_map_is_an_inverter_or_our_error():
    words = plant()
    for cut in range(len(words)):
        walk = Walk(8)
        run(walk, Device({40000: words[:cut]}))
        try:
            assert Inverter(walk, 0).live_addr == 40080 and cut >= 72
        except SunspecError:
            assert cut < 72


def test_any_words_at_all_decode_to_small_ints_or_absent():
    seed = 1
    for (thing, regs), names in (
            (made(inverter()), INVERTER), (made(meter(), Meter), METER),
            (made(inverter_float()), INVERTER), (made(meter_float(), Meter), METER),
            (der_made(der()), INVERTER + PHASES),
            ((Meter(None, "sdm630"), frame(eastron(), 0, 72, 72)), METER)):
        for _ in range(300):
            for i in range(thing.live_count):
                seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
                regs[i] = seed >> 12 & 0xFFFF
                if seed & 0x300 == 0:
                    regs[i] = regs[i] % 21 - 10 & 0xFFFF
            assert thing.take(regs) in (OK, ABSENT_ALL)
            for name in names:
                value = getattr(thing, name)
                assert value == ABSENT or abs(value) < 0x3FFFFFFF, name


def test_taking_a_frame_allocates_nothing():
    for words, cls in ((inverter(), Inverter), (inverter_float(), Inverter), (meter(), Meter),
                       (meter_float(), Meter)):
        thing, regs = made(words, cls)
        zeros = frame([0] * 64, 0, 64)
        assert check.locked(thing.take, regs) == OK
        assert check.locked(thing.take, zeros) == NULL_FRAME
        assert check.locked(thing.take, frame([NAN] * 64, 0, 64)) in (OK, ABSENT_ALL)
    for thing, regs in (made(inverter(101)), made(inverter(103), Inverter, True),
                        der_made(der()), der_made(der(), brief=True),
                        (Meter(None, "sdm630"), frame(eastron(), 0, 72, 72))):
        assert check.locked(thing.take, regs) == OK
    for thing, regs in (made(inverter()), der_made(der())):
        check.locked(thing.take_state, regs)
        check.locked(thing.take_conn, regs)


check.run(globals())
