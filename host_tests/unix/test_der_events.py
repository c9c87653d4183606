# heap: 256k
"""Rules D1 to D5 of the requirements, one by one: statuses, times, priority, supersession."""

import check
from der import (
    ACTIVE, CANCELLED, CHANGED, COMPLETED, DEFAULT, IGNORED, KNOWN, LEFT_OUT, NEW, NONE,
    SUPERSEDED, WAITING,
)
from der.record import (
    ABSENT, CONNECT, DURATION, EXP_LIM_W, GEN_LIM_W, IMP_LIM_W, KEY_SIZE, MODES_N, START, VALUE,
)
from der_bench import Bench, key, record

E, G, I = EXP_LIM_W, GEN_LIM_W, IMP_LIM_W  # noqa: E741


def one(**fields):
    """A bench with event A of program 0: 100 to 160, export 5000 W."""
    b = Bench(rand=fields.pop("rand", 0))
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 5000}, **fields)
    b.poll(0)
    return b


def test_d1_scheduled_starts_on_our_own_clock():
    b = one(status=0)
    b.run(99)
    assert b.s.values[E] == ABSENT and b.s.winner[E] == NONE
    b.run(100)
    assert b.s.values[E] == 5000 and b.holder(E) == "A" and b.s.state(b.row("A")) == ACTIVE
    b.run(160)
    assert b.s.values[E] == ABSENT
    assert b.log == [("A", 1), ("A", 2), ("A", 3)] and b.times == [0, 100, 160]


def test_d1_active_and_first_seen_late_starts_at_once_and_keeps_its_end():
    b = Bench()
    b.program(0, 1)
    b.now = 130
    b.event("A", 0, 100, 60, {E: 5000}, status=1)
    b.poll(0)
    b.run(170)
    assert b.log == [("A", 1), ("A", 2), ("A", 3)] and b.times == [130, 130, 160]


def test_d1_cancelled_stops_an_active_event_and_answers_6():
    b = one()
    b.run(120)
    b.status("A", 2)
    assert b.poll(0)[0] == [CHANGED]
    assert b.tick() and b.s.winner[E] == NONE and b.s.values[E] == ABSENT
    b.run(200)
    assert b.log == [("A", 1), ("A", 2), ("A", 6)] and b.times[2] == 120
    assert b.s.state(b.row("A")) == CANCELLED


def test_d1_cancelled_before_its_start_never_starts():
    b = one()
    b.run(50)
    b.status("A", 2)
    b.poll(0)
    b.status("A", 1)
    b.poll(0)
    b.run(200)
    assert b.log == [("A", 1), ("A", 6)]


def test_d1_cancelled_with_randomization_ends_later_and_says_when():
    b = one(rand_start=-10, rand_duration=20, rand=0)
    b.run(110)
    b.rand = 65535 * 8 // 20
    b.status("A", 3)
    assert b.poll(0)[0] == [CHANGED] and b.poll(0)[0] == [KNOWN]
    b.run(117)
    assert b.s.values[E] == 5000 and b.s.end_at(b.row("A")) == 118
    b.run(300)
    assert b.log == [("A", 1), ("A", 2), ("A", 6)] and b.times[2] == 118


def test_d1_cancelled_with_randomization_ends_no_later_than_its_own_end():
    b = one(rand_start=100, rand=0)
    b.run(150)
    b.rand = 65535
    b.status("A", 3)
    b.poll(0)
    b.run(300)
    assert b.log == [("A", 1), ("A", 2), ("A", 6)] and b.times[2] == 160


def test_d1_cancelled_with_randomization_before_the_start_is_at_once():
    b = one(rand_start=30, rand=65535)
    b.run(20)
    b.status("A", 3)
    b.poll(0)
    b.run(300)
    assert b.log == [("A", 1), ("A", 6)] and b.times[1] == 20


def test_d1_superseded_by_the_server_is_at_once_and_sticky():
    b = one()
    b.run(20)
    b.status("A", 4)
    b.poll(0)
    b.tick()
    assert b.log == [("A", 1), ("A", 7)] and b.times[1] == 20
    b.status("A", 1)
    assert b.poll(0)[0] == [KNOWN]
    b.run(300)
    assert b.log == [("A", 1), ("A", 7)] and b.s.state(b.row("A")) == SUPERSEDED


def test_d1_the_superseding_event_starts_at_once_in_spite_of_its_random_start():
    b = one()
    b.run(120)
    b.status("A", 4)
    b.rand = 65535
    b.event("B", 0, 110, 100, {E: 1000}, rand_start=30)  # would start at 140
    b.poll(0)
    b.tick()
    assert b.holder(E) == "B" and b.s.start(b.row("B")) == 120
    b.run(300)
    # Received first, then the old event's 7, then the new one's 2 (D5); the end is kept (D2).
    assert b.log == [("A", 1), ("A", 2), ("B", 1), ("A", 7), ("B", 2), ("B", 3)]
    assert b.times[4:] == [120, 240]


def test_d1_within_the_random_start_of_the_superseded_one_the_new_one_stays_random():
    b = Bench(rand=0)
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 5000}, rand_start=50)
    b.poll(0)
    b.run(120)
    b.status("A", 4)
    b.rand = 65535
    b.event("B", 0, 110, 100, {E: 1000}, rand_start=30)
    b.poll(0)
    b.run(139)
    assert b.s.winner[E] == NONE
    b.run(140)
    assert b.holder(E) == "B"


def test_d1_a_superseding_event_does_not_start_before_its_specified_start():
    b = one()
    b.run(120)
    b.status("A", 4)
    b.event("B", 0, 150, 100, {E: 1000})
    b.poll(0)
    b.run(149)
    assert b.s.winner[E] == NONE
    b.run(150)
    assert b.holder(E) == "B"


def test_d2_random_offsets_reach_both_bounds_in_both_directions():
    for bound in (3600, 10, 1, 0, -1, -10, -3600):
        ends = set()
        for rand in (0, 65535):
            b = Bench(rand=rand)
            b.program(0, 1)
            b.event("A", 0, 10000, 9000, {E: 1}, rand_start=bound, rand_duration=bound)
            b.poll(0)
            r = b.s.start(b.row("A")) - 10000
            assert b.s.end_at(b.row("A")) == 19000 + 2 * r
            ends.add(r)
        assert ends == {0, bound}


def test_d2_offsets_are_drawn_once():
    b = Bench(rand=65535)
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 5000}, rand_start=20, rand_duration=-10)
    for rand in (65535, 0, 30000):
        b.rand = rand
        b.poll(0)
        b.tick()
        assert b.s.start(b.row("A")) == 120 and b.s.end_at(b.row("A")) == 170


def test_d2_over_at_first_sight_is_acknowledged_and_ignored():
    b = Bench(rand=65535)
    b.program(0, 1)
    b.now = 160
    b.event("A", 0, 100, 60, {E: 5000}, rand_start=60)  # the effective end would be at 220
    assert b.poll(0)[0] == [IGNORED]
    b.run(200)
    assert b.poll(0)[0] == [KNOWN]
    b.tick()
    assert b.log == [("A", 1)]


def test_d2_successive_events_meet_where_the_second_starts():
    for rand_b, meet in ((65535, 175), (0, 160)):
        b = Bench(rand=65535)
        b.program(0, 1)
        b.event("A", 0, 100, 60, {E: 5000}, rand_start=10, rand_duration=-30)
        b.poll(0)
        b.rand = rand_b
        b.event("B", 0, 160, 60, {E: 1000}, rand_start=15)
        b.poll(0)
        assert b.s.end_at(b.row("A")) == meet == b.s.start(b.row("B"))
        held = set()
        while b.now < 260:
            b.tick()
            if 110 <= b.now < 220:
                held.add(b.s.values[E])
            b.now += 1
        assert held == {5000, 1000}  # no gap
        assert b.of("A") == [1, 2, 3] and b.of("B") == [1, 2, 3]
        assert b.times[b.log.index(("A", 3))] == meet


def test_d2_successive_events_meet_whichever_is_listed_first():
    b = Bench(rand=0)
    b.program(0, 1)
    b.rand = 65535
    b.event("B", 0, 160, 60, {E: 1000}, rand_start=-15)
    b.poll(0)
    b.event("A", 0, 100, 60, {E: 5000}, rand_duration=30)
    b.poll(0)
    assert b.s.end_at(b.row("A")) == 145 == b.s.start(b.row("B"))


def test_d2_a_follower_that_is_cancelled_gives_the_end_back():
    b = Bench(rand=65535)
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 5000}, rand_duration=-10)
    b.event("B", 0, 160, 60, {E: 1000}, rand_start=30)
    b.poll(0)
    assert b.s.end_at(b.row("A")) == 190
    b.run(120)
    b.status("B", 2)
    b.poll(0)
    assert b.s.end_at(b.row("A")) == 150
    b.run(200)
    assert b.of("A") == [1, 2, 3] and b.times[-1] == 150


def test_d2_a_follower_cancelled_in_the_stretch_ends_the_first_now():
    b = Bench(rand=65535)
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 5000}, rand_duration=-10)
    b.event("B", 0, 160, 60, {E: 1000}, rand_start=30)
    b.poll(0)
    b.run(170)
    b.status("B", 2)
    b.poll(0)
    b.tick()
    assert b.s.winner[E] == NONE and b.log[-1] == ("A", 3) and b.times[-1] == 170


def test_d2_a_dropped_follower_gives_the_end_back():
    b = Bench(rand=65535)
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 5000}, rand_duration=-10)
    b.event("B", 0, 160, 60, {E: 1000}, rand_start=30)
    b.poll(0)
    b.run(120)
    b.s.drop(b.row("B"))
    assert b.s.end_at(b.row("A")) == 150
    b.run(300)
    assert b.of("B") == [1]


def test_d2_events_of_different_programs_or_modes_keep_their_own_ends():
    b = Bench(rand=65535)
    b.program(0, 1)
    b.program(1, 2)
    b.event("A", 0, 100, 60, {E: 5000}, rand_duration=-10)
    b.event("B", 1, 160, 60, {E: 1000}, rand_start=30)
    b.event("C", 0, 160, 60, {I: 1000}, rand_start=30)
    b.poll(0)
    b.poll(1)
    assert b.s.end_at(b.row("A")) == 150


def test_d3_a_vanished_event_is_executed_to_its_end():
    b = one()
    b.run(120)
    assert b.poll(0) == ([KNOWN], 0) and not b.s.unlisted(b.row("A"))
    b.remove("A")
    assert b.poll(0) == ([], 1) and b.s.unlisted(b.row("A"))
    b.run(159)
    assert b.s.values[E] == 5000
    b.run(160)
    assert b.log == [("A", 1), ("A", 2), ("A", 3)] and b.row("A") == -1


def test_d3_drop_ends_a_vanished_event_without_an_answer():
    b = one()
    b.run(120)
    b.remove("A")
    b.poll(0)
    b.s.drop(b.row("A"))
    assert b.tick() and b.s.winner[E] == NONE and b.row("A") == -1
    b.run(200)
    assert b.log == [("A", 1), ("A", 2)]


def test_d3_a_read_that_breaks_off_changes_no_listing():
    b = one()
    b.s.begin(0)
    b.tick()
    assert not b.s.unlisted(b.row("A"))
    b.run(200)
    b.s.begin(0)
    assert b.row("A") >= 0 and b.poll(0) == ([KNOWN], 0)


def test_d3_an_edit_before_the_start_is_taken_whole():
    b = one(rand_start=20, rand=65535)
    b.event("A", 0, 200, 30, {E: 7000}, rand_start=20)
    b.rand = 0
    assert b.poll(0)[0] == [CHANGED]
    assert b.s.start(b.row("A")) == 220  # the offset that was drawn stays
    b.run(300)
    assert b.log == [("A", 1), ("A", 2), ("A", 3)] and b.times[1:] == [220, 250]


def test_d3_an_edit_of_a_running_event_changes_base_and_end_but_repeats_nothing():
    b = one()
    b.run(110)
    b.lists[0]["A"][VALUE + E] = 3000
    b.lists[0]["A"][DURATION] = 90
    assert b.poll(0)[0] == [CHANGED] and b.tick()
    assert b.s.values[E] == 3000 and b.s.end_at(b.row("A")) == 190
    b.run(300)
    assert b.log == [("A", 1), ("A", 2), ("A", 3)] and b.times[1:] == [100, 190]


def test_d3_a_changed_creation_time_is_no_edit():
    b = one()
    b.lists[0]["A"][0] = 77
    assert b.poll(0)[0] == [KNOWN]


def test_d3_another_device_category_is_ignored_without_an_answer():
    b = Bench()
    b.s.category = 0b1000
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 1}, category=0b0111)
    b.event("B", 0, 100, 60, {E: 2}, category=0b1001)
    b.event("C", 0, 100, 60, {I: 3}, category=0)  # envoy writes 0 where it means nobody
    assert b.poll(0)[0].count(IGNORED) == 1
    b.run(110)
    assert b.of("A") == [] and b.of("B") == [1, 2] and b.of("C") == [1, 2]


def pair(pa, ca, pb, cb, a="A", b="B"):
    """Two events on one mode at the same time; who wins it."""
    bench = Bench()
    bench.program(0, pa)
    bench.program(1, pb)
    bench.event(a, 0, 10, 60, {E: 1}, created=ca)
    bench.event(b, 1, 10, 60, {E: 2}, created=cb)
    bench.poll(0)
    bench.poll(1)
    bench.run(10)
    return bench.holder(E)


def test_d4_primacy_then_creation_time_then_the_greater_mrid():
    assert pair(1, 5, 2, 9) == "A" and pair(2, 9, 1, 5) == "B"
    assert pair(1, 9, 1, 5) == "A" and pair(1, 5, 1, 9) == "B"
    assert pair(1, 5, 1, 5) == "B" and pair(1, 5, 1, 5, "Z", "Y") == "Z"


def test_d4_mrids_compare_as_numbers_whatever_their_length():
    b = Bench()
    b.program(0, 1)
    short, long = bytearray(KEY_SIZE), bytearray(KEY_SIZE)
    short[0], short[16] = 0xF0, 1  # "F" = 15
    long[0], long[16] = 0x10, 2  # "10" = 16
    for k in (long, short):
        b.s.put(0, k, record(10, 60, {E: k[16]}), 0, 0, 0, 0)
    b.s.evaluate(10)
    assert b.s.values[E] == 2


def test_d4_modes_are_independent_and_ramp_belongs_to_the_event_that_supplies_one():
    b = Bench()
    b.program(0, 1)
    b.program(1, 2)
    b.event("A", 0, 10, 60, {E: 1, I: 2}, ramp=600)
    b.event("B", 1, 10, 60, {E: 9, G: 3, CONNECT: 0}, ramp=700)
    b.poll(0)
    b.poll(1)
    b.run(10)
    assert [b.s.values[m] for m in (E, I, G, CONNECT)] == [1, 2, 3, 0]
    assert [b.s.ramp[m] for m in (E, I, G, CONNECT)] == [600, 600, 700, 700]
    assert [b.holder(m) for m in (E, I, G)] == ["A", "A", "B"]


def test_d4_a_new_primacy_of_a_program_counts_from_the_next_evaluation():
    b = Bench()
    b.program(0, 2)
    b.program(1, 3)
    b.event("A", 0, 10, 60, {E: 1, I: 1})
    b.event("B", 1, 10, 60, {E: 2, G: 2})
    b.poll(0)
    b.poll(1)
    b.run(10)
    assert b.holder(E) == "A"
    b.program(1, 1)
    assert b.tick() and b.holder(E) == "B"


def test_d5_an_event_that_wins_nothing_is_superseded_for_good():
    b = Bench()
    b.program(0, 2)
    b.program(1, 1)
    b.event("A", 0, 10, 100, {E: 1})
    b.event("B", 1, 30, 20, {E: 2})
    b.poll(0)
    b.poll(1)
    b.run(29)
    assert b.holder(E) == "A"
    b.run(200)
    assert b.log == [("A", 1), ("B", 1), ("A", 2), ("A", 7), ("B", 2), ("B", 3)]
    assert b.times[3:] == [30, 30, 50]


def test_d5_an_event_overridden_in_part_stays_and_comes_back():
    b = Bench()
    b.program(0, 2)
    b.program(1, 1)
    b.event("A", 0, 10, 100, {E: 1, G: 5})
    b.event("B", 1, 30, 20, {E: 2})
    b.poll(0)
    b.poll(1)
    b.run(40)
    assert b.s.values[E] == 2 and b.s.values[G] == 5
    b.run(50)
    assert b.s.values[E] == 1 and b.holder(E) == "A"
    b.run(200)
    assert b.of("A") == [1, 2, 3] and b.of("B") == [1, 2, 3]


def test_d5_two_events_may_override_one_together():
    b = Bench()
    b.program(0, 2)
    b.program(1, 1)
    b.event("A", 0, 10, 100, {E: 1, G: 5})
    b.event("B", 1, 30, 50, {E: 2})
    b.event("C", 1, 40, 50, {G: 2})
    b.poll(0)
    b.poll(1)
    b.run(39)
    assert b.of("A") == [1, 2]
    b.run(40)
    assert b.of("A") == [1, 2, 7]


def test_d5_fully_overridden_at_its_start_is_7_without_2():
    b = Bench()
    b.program(0, 1)
    b.program(1, 2)
    b.event("A", 0, 10, 100, {E: 1})
    b.event("B", 1, 30, 20, {E: 2})
    b.poll(0)
    b.poll(1)
    b.run(29)
    assert b.of("B") == [1] and b.s.state(b.row("B")) == WAITING
    b.run(30)
    assert b.of("B") == [1, 7]


def test_d5_a_superseder_cancelled_before_its_start_leaves_the_other_alone():
    b = Bench()
    b.program(0, 2)
    b.program(1, 1)
    b.event("A", 0, 10, 100, {E: 1})
    b.event("B", 1, 30, 20, {E: 2})
    b.poll(0)
    b.poll(1)
    b.run(20)
    b.status("B", 2)
    b.poll(1)
    b.run(200)
    assert b.of("A") == [1, 2, 3] and b.of("B") == [1, 6]


def test_d5_a_cancelling_event_that_loses_everything_ends_as_cancelled():
    b = Bench(rand=65535)
    b.program(0, 2)
    b.program(1, 1)
    b.event("A", 0, 10, 100, {E: 1}, rand_duration=60)
    b.event("B", 1, 30, 20, {E: 2})
    b.poll(0)
    b.poll(1)
    b.run(20)
    b.status("A", 3)
    b.poll(0)
    b.run(200)
    assert b.of("A") == [1, 2, 6] and b.of("B") == [1, 2, 3]


def test_an_event_without_a_known_mode_never_starts_and_says_nothing():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 10, 20, {})
    b.poll(0)
    b.run(100)
    assert b.log == [("A", 1)]


def test_c5_the_clock_steps_back_while_an_event_runs_or_has_run():
    b = one()
    b.run(130)
    b.now = 50
    b.tick()
    assert b.s.values[E] == ABSENT and not b.s.active(b.row("A"))
    b.run(130)
    assert b.s.values[E] == 5000
    b.run(170)
    b.now = 110
    b.poll(0)
    b.run(200)
    assert b.log == [("A", 1), ("A", 2), ("A", 3)] and b.times == [0, 100, 160]


def test_c5_the_clock_steps_forward_into_and_over_events_and_back():
    b = one()
    b.event("B", 0, 300, 60, {E: 1})
    b.poll(0)
    b.tick()
    b.now = 130
    b.tick()
    assert b.holder(E) == "A" and b.times[2] == 100
    b.now = 1000  # over B, which never was due
    b.tick()
    assert b.of("A") == [1, 2, 3] and b.of("B") == [1] and b.s.state(b.row("B")) == LEFT_OUT
    b.now = 200
    b.poll(0)
    b.run(400)
    assert b.of("B") == [1, 2, 3] and b.of("A") == [1, 2, 3]


def test_c5_a_clock_that_was_fast_at_first_sight_loses_no_event():
    b = Bench()
    b.program(0, 1)
    b.now = 9000
    b.event("A", 0, 100, 60, {E: 1})
    assert b.poll(0)[0] == [IGNORED]
    b.tick()
    b.now = 50
    assert b.poll(0)[0] == [NEW]
    b.run(200)
    assert b.log == [("A", 1), ("A", 2), ("A", 3)]


def test_evaluate_says_when_something_changed_and_only_then():
    b = one()
    b.confirming = False
    changes = []
    while b.now < 200:
        if b.s.evaluate(b.now):
            changes.append(b.now)
        b.now += 1
    assert changes == [100, 160]


def test_evaluate_notices_a_new_event_in_the_same_slot_with_the_same_value():
    b = one()
    b.run(120)
    b.status("A", 2)
    b.poll(0)
    b.event("B", 0, 110, 60, {E: 5000})
    b.poll(0)
    assert b.tick() and b.holder(E) == "B"


def test_times_far_away_stay_small_ints():
    b = Bench()
    b.program(0, 1)
    far = (1 << 30) - 1
    b.event("A", 0, 100, far, {E: 1}, rand_start=3600, rand_duration=3600)
    b.event("B", 0, far, far, {E: 2}, rand_start=3600)
    b.rand = 65535
    b.poll(0)
    for name in ("A", "B"):
        assert b.s.end_at(b.row(name)) < 1 << 30 and b.s.start(b.row(name)) < 1 << 30
    b.run(100 + 3600, 60)
    assert b.holder(E) == "A"


def test_the_default_holds_where_no_event_does():
    b = one()
    b.default(0, {E: 3000}, grad=27)
    b.run(99)
    assert b.s.values[E] == 3000 and b.s.winner[E] == DEFAULT and b.s.grad == 27
    b.run(160)
    assert b.s.values[E] == 3000 and b.s.ramp[E] == -1


def test_evaluate_and_put_do_not_allocate():
    b = Bench(slots=40, programs=3)
    for p in range(3):
        b.program(p, p)
        for i in range(12):
            b.event(f"{p}{i}", p, 100 + 20 * i, 20, {E: i, G: 9 - i}, rand_start=5)
        b.poll(p)
    b.default(0, {I: 4})
    rec = b.lists[0]["00"]
    fresh = [key(5000 + i) for i in range(8)]
    k, rec2 = key("00"), record(90, 100, {E: 4}, rand_start=30)

    def whole(s, now):
        s.evaluate(now)
        for m in range(MODES_N):
            s.confirm(s.winner[m])
        while s.next_owed():
            s.answered()
        s.begin(0)
        s.put(0, k, rec, 1, now, 3, 4)
        s.end(2, now)

    for now in (0, 100, 130, 145, 700):
        check.locked(whole, b.s, now)
    assert b.s.owed_count == 0

    def load(s, now):
        for k2 in fresh:
            rec2[START] = now
            s.put(1, k2, rec2, 1, now, 60000, 60000)
        rec2[1] = 4
        for k2 in fresh:
            s.put(1, k2, rec2, 1, now + 40, 60000, 60000)
        rec2[1] = 0
        s.drop_program(2)

    check.locked(load, b.s, 50)
    assert b.s.owed_count == 16 and b.s.state(b.s.find(fresh[0])) == SUPERSEDED


def test_completed_means_started_and_seen_obeyed():
    b = one()
    b.run(165)
    assert b.s.state(b.row("A")) == COMPLETED


check.run(globals())
