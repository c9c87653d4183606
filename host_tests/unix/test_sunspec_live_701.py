# heap: 224k
"""Inverters of the 7xx family, what a device is doing, phases, and short reads for slow lines."""

import check
from live_frames import (
    INVERTER, METER, PHASES, der_made, made, meter_float, values, walk_of,
)
from registers import (
    NAN, UNAN, common, der, frame, inverter, meter, model, state,
)
from sunspec import (
    ABSENT, ABSENT_ALL, LIVE_MAX, OK, Inverter, Meter,
)


def test_an_inverter_of_the_7xx_family_reads_like_the_others():
    thing, regs = der_made(der())
    assert (thing.live_addr, thing.live_count, thing.phases) == (40080, 84, 3)
    assert thing.live_count == LIVE_MAX and thing.live_kind == 3
    assert thing.take(regs) == OK
    assert values(thing, INVERTER) == [2500, -123, 2600, 50010, 2301, 2302, 2303]
    assert values(thing, PHASES) == [900, 850, 750, -41, -42, -40]


def test_of_701_nothing_is_known_before_its_scale_factors_are():
    words = der()
    thing = Inverter(walk_of(common(), words), 0)
    assert thing.take(frame(words, 10, 84, 84)) == ABSENT_ALL
    assert values(thing, INVERTER + PHASES) == [ABSENT] * 13
    for sf in (NAN, 11, -11):
        thing, regs = der_made(der(_116=sf))
        assert thing.take(regs) == OK
        assert thing.w == thing.w_a == thing.w_c == ABSENT and thing.mhz == 50010


def test_each_sentinel_of_701_makes_its_value_absent_and_no_other():
    cases = (("w", 10, NAN), ("va", 11, NAN), ("var", 12, NAN), ("mhz", 17, [UNAN, UNAN]),
             ("mhz", 17, [0x4000, 0]), ("dv_a", 47, UNAN), ("dv_b", 70, UNAN), ("dv_c", 93, UNAN),
             ("w_a", 41, NAN), ("w_b", 64, NAN), ("w_c", 87, NAN), ("var_a", 43, NAN),
             ("var_b", 66, NAN), ("var_c", 89, NAN))
    for name, offset, word in cases:
        words = der()
        for i, value in enumerate(word if isinstance(word, list) else [word]):
            words[offset + i] = value
        thing, regs = der_made(words)
        assert thing.take(regs) == OK
        assert [n for n in INVERTER + PHASES if getattr(thing, n) == ABSENT] == [name], offset


def test_701_says_what_it_is_doing_and_whether_it_is_connected():
    thing, _ = der_made(der())
    assert (thing.state_addr, thing.state_count, thing.conn_count) == (40072, 6, 0)
    assert (thing.st, thing.gen_conn, thing.alarms) == (4, 7, 0)  # Ratings has read it
    # ACType, St, InvSt, ConnSt, Alrm
    for inv_st, st, conn, gen in ((0, 1, 0, 0), (1, 2, 1, 1), (3, 4, 1, 7), (4, 5, 1, 7),
                                  (6, 7, 1, 17), (7, 8, 1, 1), (3, 4, UNAN, ABSENT)):
        assert thing.take_state([2, 1, inv_st, conn, 0, 1 << 9]) == OK
        assert (thing.st, thing.gen_conn, thing.alarms, thing.phases) == (st, gen, 1 << 4, 3)
    for on, st in ((0, 1), (1, 4)):  # only ON and OFF
        assert thing.take_state([0, on, UNAN, 1, 0, 0]) == OK
        assert thing.st == st and thing.phases == 1
    assert thing.take_state([UNAN, UNAN, UNAN, UNAN, UNAN, UNAN]) == ABSENT_ALL
    assert thing.st == thing.gen_conn == thing.alarms == ABSENT and thing.phases == 1


def test_model_122_says_how_it_is_connected():
    walk = walk_of(common(), inverter(), state(7, 3, 1))
    thing = Inverter(walk, 0)
    assert (thing.conn_addr, thing.conn_count) == (40070 + 52 + 2, 3)
    assert thing.gen_conn == thing.stor_conn == thing.ecp_conn == ABSENT
    assert thing.take_conn([7, 3, 1]) == OK
    assert (thing.gen_conn, thing.stor_conn, thing.ecp_conn) == (7, 3, 1)
    thing.take_conn([UNAN, UNAN, UNAN])
    assert thing.gen_conn == thing.stor_conn == thing.ecp_conn == ABSENT
    assert Inverter(walk_of(common(), inverter(), model(122, 2, {})), 0).conn_count == 0


def test_phases_are_the_devices_own_or_told_and_never_guessed():
    thing, regs = made(inverter(103))
    thing.take(regs)
    assert values(thing, PHASES) == [ABSENT] * 6
    thing, regs = made(inverter(101))
    thing.take(regs)
    assert values(thing, PHASES) == [2500, ABSENT, ABSENT, -123, ABSENT, ABSENT]
    thing, regs = made(inverter(103), Inverter, True)
    thing.take(regs)
    assert values(thing, PHASES) == [833, 833, 834, -41, -41, -41]
    thing, regs = made(inverter(103, w=NAN), Inverter, True)
    thing.take(regs)
    assert values(thing, PHASES)[:3] == [ABSENT] * 3
    thing, regs = der_made(der(), balanced=True)
    thing.take(regs)
    assert values(thing, PHASES)[:3] == [900, 850, 750]


def test_a_slow_line_reads_power_and_frequency_alone():
    thing, regs = der_made(der(), brief=True)
    assert (thing.live_addr, thing.live_count) == (40080, 9) and thing.take(regs) == OK
    assert values(thing, ("w", "var", "va", "mhz")) == [2500, -123, 2600, 50010]
    assert values(thing, ("dv_a", "w_a", "var_c")) == [ABSENT] * 3
    walk = walk_of(common(), meter())
    thing = Meter(walk, 0, -1, True)
    assert (thing.live_addr, thing.live_count) == (40070 + 16, 17)
    assert thing.take(frame(meter(), 16, 17)) == OK
    assert values(thing, METER) == [700, -90, 50010] + [ABSENT] * 3 + [300, 250, 150, -40, -30,
                                                                       -20]
    walk = walk_of(common(), meter_float())
    thing = Meter(walk, 0, brief=True)
    assert (thing.live_addr, thing.live_count) == (40070 + 26, 20)
    assert thing.take(frame(meter_float(), 26, 20)) == OK and thing.var_a == ABSENT
    assert (thing.w, thing.var, thing.w_c) == (-700, 90, -150) and abs(thing.mhz - 50010) <= 1


check.run(globals())
