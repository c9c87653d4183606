# heap: 192k
"""Defaults merged (D6), the envelope (D7; no failure loosens a limit) and ramps (D8)."""

from array import array

import check
from der import DEFAULT, NONE, Envelope, Ramp, Schedule, part_w
from der.envelope import CONTRACT, DEFAULTED, EVENT, EXP, FAILSAFE, GEN, IMP, LOAD, OPEN, PERSISTED
from der.record import (
    ABSENT, CONNECT, ENERGIZE, EXP_LIM_W, FIXED_W, GEN_LIM_W, GRAD, IMP_LIM_W, LOAD_LIM_W,
    MAX_LIM_W, MODES, REC_SIZE, STORAGE_TARGET_W, TARGET_W, VALUE,
)
from der_bench import Bench, key, record

E, G, I = EXP_LIM_W, GEN_LIM_W, IMP_LIM_W  # noqa: E741


def test_d6_a_mode_comes_from_the_lowest_primacy_that_contains_it():
    b = Bench()
    b.program(0, 2)
    b.program(1, 1)
    b.program(2, 1)
    b.default(0, {E: 2000, I: 900}, grad=50)
    b.default(1, {})
    b.default(2, {E: 5000}, grad=27)
    b.tick()
    assert b.s.values[E] == 5000 and b.s.values[I] == 900 and b.s.grad == 27
    assert b.s.values[G] == ABSENT and b.s.winner[G] == NONE and b.s.winner[I] == DEFAULT


def test_d6_equal_primacy_takes_the_more_restrictive():
    b = Bench()
    b.program(0, 1)
    b.program(1, 1)
    b.default(0, {E: 2000, CONNECT: 1, FIXED_W: -4000, TARGET_W: 10}, grad=0)
    b.default(1, {E: 5000, CONNECT: 0, FIXED_W: 5000, TARGET_W: -9}, grad=100)
    b.tick()
    got = [b.s.values[m] for m in (E, CONNECT, FIXED_W, TARGET_W)]
    assert got == [2000, 0, -4000, -9] and b.s.grad == 100
    b.default(0, {}, grad=27)
    b.tick()
    assert b.s.grad == 27


def test_d6_a_default_out_of_reach_stays_and_one_that_was_emptied_goes():
    b = Bench()
    b.program(0, 1)
    b.default(0, {E: 1})
    b.tick()
    b.program(0, 1)  # listed again, its default not readable: nothing is said
    assert not b.tick() and b.s.values[E] == 1
    b.default(0, {})
    assert b.tick() and b.s.values[E] == ABSENT
    b.default(0, {E: 1})
    b.tick()
    b.s.drop_default(0)
    assert b.tick() and b.s.values[E] == ABSENT


def test_d6_the_persisted_default_holds_until_all_programs_defaults_are_known():
    b = Bench()
    b.s.set_persisted(record(0, 0, {E: 3000, I: 1}, grad=27))
    b.tick()
    assert b.s.values[E] == 3000 and b.s.grad == 27  # boot without a network (ALL-30)
    rec = array("i", bytes(4 * REC_SIZE))
    assert not b.s.merged_default(rec) and rec[VALUE + E] == 3000
    b.program(0, 1)
    b.program(1, 2)
    b.default(0, {E: 4000})
    b.tick()
    assert b.s.values[E] == 4000 and b.s.values[I] == 1
    b.default(1, {}, grad=5)
    b.tick()
    assert b.s.values[I] == ABSENT and b.s.grad == 5
    assert b.s.merged_default(rec)
    assert rec[MODES] == 1 << E and rec[VALUE + E] == 4000 and rec[GRAD] == 5
    assert rec[VALUE + I] == ABSENT
    b.program(2, 0)  # one more, its default not read yet: the old one does not come back
    b.tick()
    assert b.s.values[I] == ABSENT


def test_d6_none_ends_the_use_of_the_persisted_default():
    b = Bench()
    b.s.set_persisted(record(0, 0, {E: 3000}))
    b.s.set_persisted(None)
    b.tick()
    assert b.s.values[E] == ABSENT


def test_percent_of_the_rating_is_exact_and_floors():
    for wmax in (1, 9999, 10000, 12345, 999999, 1000000):
        for pct in (0, 1, 33, 3333, 9999, 10000, 20000):
            assert part_w(pct, wmax) == wmax * pct // 10000
            assert part_w(-pct, wmax) == -(wmax * pct // 10000)


def made(modes=None, default=None, persisted=None):
    """An evaluated schedule with one event, one default, one persisted default as asked for."""
    s = Schedule(4, 2)
    if persisted is not None:
        s.set_persisted(record(0, 0, persisted))
    if modes is not None or default is not None:
        s.set_program(0, 1)
    if default is not None:
        s.set_default(0, record(0, 0, default))
    if modes is not None:
        s.put(0, key("A"), record(0, 100, modes, ramp=600), 0, 0, 0, 0)
    s.evaluate(10)
    return s


def limits(s, complete, wmax=10000):
    e = Envelope(8000, 9000, 1500, 1600)
    e.update(s, complete, wmax, 6000)
    return e


def test_nothing_read_and_nothing_persisted_is_the_fail_safe():
    fresh = Envelope(8000, 9000, 1500, 1600)
    for e in (fresh, limits(made(), False)):
        assert (e.exp_w, e.imp_w) == (1500, 1600)
        assert e.gen_w == e.load_w == e.max_w == ABSENT and e.connect and e.energize
        assert list(e.source) == [FAILSAFE, FAILSAFE, OPEN, OPEN]


def test_all_30_the_persisted_default_holds_before_anything_is_read():
    e = limits(made(persisted={E: 3000, G: 70}), False)
    assert (e.exp_w, e.imp_w, e.gen_w) == (3000, 1600, 70)
    assert list(e.source) == [PERSISTED, FAILSAFE, PERSISTED, OPEN]


def test_what_a_complete_tree_leaves_open_is_the_contract():
    e = limits(made(default={}), True)
    assert (e.exp_w, e.imp_w) == (8000, 9000)
    assert list(e.source) == [CONTRACT, CONTRACT, OPEN, OPEN]


def test_an_event_or_a_default_rules_a_complete_tree_even_above_the_contract():
    e = limits(made({E: 20000}, {E: 1, I: 20}, {E: 5, I: 5}), True)
    assert (e.exp_w, e.imp_w) == (20000, 20)
    assert e.source[EXP] == EVENT and e.source[IMP] == DEFAULTED
    assert e.ramp[EXP] == 600 and e.ramp[IMP] == -1


def test_until_the_tree_was_read_the_lower_of_known_and_persisted_or_fail_safe_rules():
    e = limits(made({E: 7000, I: 1000}), False)
    assert (e.exp_w, e.imp_w) == (1500, 1000)
    assert e.source[EXP] == FAILSAFE and e.source[IMP] == EVENT
    e = limits(made({E: 7000, G: 9}, None, {E: 3000, G: 5}), False)
    assert (e.exp_w, e.gen_w) == (3000, 5) and e.source[EXP] == PERSISTED
    e = limits(made({E: 200}, None, {E: 3000}), False)
    assert e.exp_w == 200 and e.source[EXP] == EVENT and e.ramp[EXP] == 600


def test_d7_max_lim_limits_export_and_generation():
    e = limits(made({MAX_LIM_W: 2500, E: 3000, G: 2000}), True)
    assert (e.exp_w, e.gen_w, e.max_w) == (2500, 2000, 2500)
    e = limits(made({MAX_LIM_W: 3333}), True, 1000)
    assert (e.exp_w, e.gen_w, e.imp_w) == (333, 333, 9000)
    # A rating that is not known yet gives nothing away.
    assert limits(made({MAX_LIM_W: 3333}), True, 0).exp_w == 0
    assert limits(made(persisted={MAX_LIM_W: 3333}), False).exp_w == 3333


def test_d7_connect_or_energize_false_dominate():
    for mode in (CONNECT, ENERGIZE):
        e = limits(made({mode: 0, E: 5000}), True)
        assert (e.exp_w, e.gen_w) == (0, 0) and e.source[EXP] == EVENT == e.source[GEN]
        assert (e.connect, e.energize) == (int(mode != CONNECT), int(mode != ENERGIZE))
        e = limits(made({mode: 1, E: 5000}), True)
        assert (e.exp_w, e.gen_w, e.connect, e.energize) == (5000, ABSENT, 1, 1)
        e = limits(made({mode: 1}, None, {mode: 0}), False)
        assert e.exp_w == 0


def test_limits_are_never_negative():
    e = limits(made({E: -5, I: -5, G: -5, LOAD_LIM_W: -5, MAX_LIM_W: -100}), True)
    assert (e.exp_w, e.imp_w, e.gen_w, e.load_w, e.max_w) == (0, 0, 0, 0, 0)
    e = Envelope(-1, -1, -1, -1)
    assert (e.exp_w, e.imp_w) == (0, 0)


def test_d7_set_points_are_given_on_as_they_are_said():
    e = limits(made({FIXED_W: 7500}), True)
    assert e.target_w == 7500 and e.storage_w == ABSENT
    assert limits(made({FIXED_W: -5000}), True).target_w == -3000  # of setMaxChargeRateW
    e = limits(made({FIXED_W: 7500, G: 4000}), True)
    assert e.target_w == 7500 and e.gen_w == 4000  # the law clips it, for limits have ramps
    assert limits(made({TARGET_W: -7, FIXED_W: 1}), True).target_w == -7
    e = limits(made({STORAGE_TARGET_W: -5000, LOAD_LIM_W: 2000}), True)
    assert e.storage_w == -5000 and e.load_w == 2000 and e.source[LOAD] == EVENT


def test_the_envelope_does_not_allocate():
    s = made({E: 1, MAX_LIM_W: 9999, FIXED_W: -3}, {I: 4}, {G: 3})
    e = Envelope(8000, 9000, 1500, 1600)
    check.locked(e.update, s, False, 1000000)
    check.locked(e.update, s, True, 1000000)


def test_d8_a_ramp_follows_the_closed_form_of_ramp_tms():
    for wmax, a, b, tms in ((10000, 10000, 3000, 6000), (10000, 3000, 5000, 123),
                            (1000000, 0, 1000000, 65535), (1000000, 999999, 7, 1),
                            (5000, 4990, 5000, 60000)):
        for dt in (7, 200, 1000, 60000):
            r = Ramp(wmax, a)
            r.aim(b, tms, 27)
            t = 0
            while t < tms * 10 + 100:
                t += dt
                done = min(t, tms * 10)
                if b > a:
                    want = a + (b - a) * done // (tms * 10)
                else:
                    want = a - -((a - b) * -done // (tms * 10))
                assert r.step(dt) == want, (a, b, tms, dt, t, r.value_w, want)


def test_d8_a_ramp_follows_the_closed_form_of_set_grad_w():
    for wmax, grad in ((10000, 27), (5000, 1), (1000000, 10000), (999999, 65535), (7777, 100)):
        for a, b in ((0, wmax), (wmax, 0), (wmax // 3, wmax // 2)):
            for dt in (7, 200, 1000):
                r = Ramp(wmax, a)
                r.aim(b, -1, grad)
                t = 0
                while t < 60000:
                    t += dt
                    if b > a:
                        want = min(b, a + wmax * grad * t // 10000000)
                    else:
                        want = max(b, a - -(-wmax * grad * t // 10000000))
                    assert r.step(dt) == want, (wmax, grad, a, b, dt, t, r.value_w, want)


def test_d8_27_takes_370_s_for_the_whole_rating():
    r = Ramp(10000, 10000)
    r.aim(0, -1, 27)
    t = 0
    while r.step(200) > 0:
        t += 200
    assert 370000 <= t + 200 <= 370600, t


def test_d8_no_gradient_is_at_once_and_the_same_aim_changes_nothing():
    for grad in (0, -1):
        r = Ramp(10000, 10000)
        r.aim(3000, -1, grad)
        assert r.value_w == 10000 and r.step(200) == 3000
    r = Ramp(10000, 10000)
    r.aim(0, 6000, -1)
    for _ in range(300):
        r.aim(0, 6000, -1)
        r.step(200)
    assert r.value_w == 0
    r.aim(5000, 0, 27)  # rampTms 0: at once
    assert r.step(1) == 5000


def test_d8_successive_events_with_the_same_limit_do_not_move():
    r = Ramp(10000, 3000)
    for tms, grad in ((600, 27), (-1, 27), (6000, 1)):
        r.aim(3000, tms, grad)
        assert r.step(1000) == 3000


def test_d8_a_new_aim_starts_from_where_the_limit_stands():
    r = Ramp(10000, 10000)
    r.aim(0, 1000, -1)
    assert r.step(5000) == 5000
    r.aim(6000, -1, 100)  # 100 W/s
    assert r.step(5000) == 5500
    r.aim(2000, 500, -1)
    assert r.step(2500) == 3750 and r.step(2500) == 2000
    r.jump(100)
    assert r.step(1000) == 100


def test_d8_what_is_above_the_rating_is_passed_at_once():
    r = Ramp(10000, 20000)
    r.aim(3000, 6000, -1)
    assert r.step(30000) == 6500 and r.step(30000) == 3000
    r.aim(20000, 7000, -1)
    assert r.step(35000) == 6500 and r.step(35000) == 20000
    r.aim(30000, 6000, 27)
    assert r.step(1) == 30000
    r.aim(15000, 6000, 27)
    assert r.step(60000) == 15000


def test_a_ramp_does_not_allocate():
    r = Ramp(1000000, 1000000)
    check.locked(r.aim, 3000, 65535, 27)
    check.locked(r.step, 1000)
    check.locked(r.aim, 0, -1, 65535)
    check.locked(r.step, 200)


check.run(globals())
