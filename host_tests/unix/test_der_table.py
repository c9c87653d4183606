# heap: 300k
"""The table of fixed size: full, replaced as a whole, and a day of 16,000 mRIDs."""

import gc

import check
from der import ACTIVE, CHANGED, FREE, KNOWN, LEFT_OUT, NEW, REFUSED, DERError, Schedule
from der.record import ABSENT, EXP_LIM_W, GEN_LIM_W, MODES_N, STATUS, VALUE
from der_bench import Bench, key, record

E, G = EXP_LIM_W, GEN_LIM_W


def full(slots=4, **kw):
    """A bench whose slots hold A (runs), then B, C, D ... each a minute later."""
    b = Bench(slots=slots, **kw)
    b.program(0, 1)
    for i in range(slots):
        b.event(chr(65 + i), 0, 60 * i, 60, {E: i})
    b.poll(0)
    b.tick()
    return b


def test_a_farther_newcomer_is_refused_and_taken_up_when_there_is_room():
    b = full()
    b.event("Z", 0, 500, 60, {E: 9})
    codes, _ = b.poll(0)
    assert sorted(codes) == [KNOWN] * 4 + [REFUSED] and b.s.refused_events == 1
    assert b.s.state(b.row("Z")) == LEFT_OUT
    b.tick()
    assert b.of("Z") == [1]  # received is never left out (E5)
    b.run(70)
    assert sorted(b.poll(0)[0]) == [NEW] + [KNOWN] * 4
    b.run(600)
    assert b.of("Z") == [1, 2, 3]


def test_a_nearer_newcomer_takes_the_place_of_the_farthest():
    b = full()
    b.event("Z", 0, 30, 200, {G: 9})
    assert sorted(b.poll(0)[0]) == [NEW] + [KNOWN] * 4
    assert b.s.state(b.row("D")) == LEFT_OUT and b.s.refused_events == 0
    b.run(70)
    assert b.poll(0)[0].count(NEW) == 1  # D again, in A's place
    b.run(400)
    for name in "ABCDZ":
        assert b.of(name) == [1, 2, 3], name


def test_an_event_that_runs_is_never_evicted():
    b = Bench(slots=2)
    b.program(0, 1)
    b.event("A", 0, 0, 600, {E: 1})
    b.event("B", 0, 0, 600, {G: 1})
    b.poll(0)
    b.tick()
    b.event("Z", 0, 10, 60, {E: 2})
    b.now = 20
    b.event("Y", 0, -10, 600, {E: 2})  # of an earlier start even, but seen late
    assert b.poll(0)[0].count(REFUSED) == 2
    assert b.s.state(b.row("A")) == ACTIVE == b.s.state(b.row("B"))


def test_an_mrid_is_found_in_its_own_row_alone():
    b = Bench(slots=4)
    b.program(0, 1)
    first, second = key("abcdefghijklmnop"), key("qrstuvwxyz")
    b.s.put(0, first, record(10, 10, {E: 1}), 0, 0, 0, 0)
    b.s.put(0, second, record(10, 10, {G: 1}), 0, 0, 0, 0)
    across = bytearray(bytes(first[5:]) + bytes(second[:5]))
    assert b.s.find(first) == 0 and b.s.find(second) == 1 and b.s.find(across) == -1
    b.s.drop_program(0)
    assert b.s.find(first) == -1


def test_what_the_server_no_longer_lists_goes_before_what_it_lists():
    b = full()
    b.remove("C")
    b.poll(0)
    b.event("Z", 0, 900, 60, {E: 9})
    assert sorted(b.poll(0)[0]) == [NEW] + [KNOWN] * 3
    assert b.row("C") == -1 and b.s.state(b.row("D")) != LEFT_OUT


def test_a_follower_that_is_evicted_gives_its_predecessor_the_end_back():
    b = Bench(slots=2, rand=65535)
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 1})
    b.event("B", 0, 160, 60, {E: 2}, rand_start=30)
    b.poll(0)
    assert b.s.end_at(b.row("A")) == 190
    b.event("Z", 0, 50, 10, {G: 9})
    b.poll(0)
    assert b.s.end_at(b.row("A")) == 160 and b.s.state(b.row("B")) == LEFT_OUT


def test_a_whole_table_superseded_and_replaced_in_one_poll_keeps_its_answers():
    b = Bench(slots=20)
    b.program(0, 1)
    b.online = False
    for i in range(20):
        b.event(f"a{i}", 0, 100 + i, 50, {E: i})
    b.poll(0)
    b.lists[0].clear()
    for i in range(20):  # by start, the newer before the older (requirements B0)
        b.event(f"b{i}", 0, 100 + i, 50, {E: i})
        b.event(f"a{i}", 0, 100 + i, 50, {E: i}, status=4)
    b.poll(0)
    live = [b.row(f"b{i}") < 20 for i in range(20)]
    assert all(live) and b.s.owed_count == 60 and b.s.owed_dropped == 0
    b.online = True
    b.deliver()
    for i in range(20):
        assert b.of(f"a{i}") == [1, 7] and b.of(f"b{i}") == [1]


def test_spare_rows_that_are_full_drop_the_oldest_answers_and_count_them():
    b = Bench(slots=2, spare=3)
    b.program(0, 1)
    b.online = False
    for i in range(5):
        b.event(f"e{i}", 0, 100, 60, {E: i}, status=2)
        b.now = i
        b.poll(0)
        b.remove(f"e{i}")
        b.poll(0)
    assert b.s.owed_dropped == 4 and b.s.owed_count == 6
    b.online = True
    b.deliver()
    assert sorted(b.log) == sorted((f"e{i}", s) for i in (2, 3, 4) for s in (1, 6))


def test_spare_rows_forget_one_that_owes_nothing_before_they_drop_an_answer():
    b = Bench(slots=2, spare=3)
    b.program(0, 1)
    b.online = False
    for name in "axbc":
        b.event(name, 0, 100, 60, {E: 1}, status=2, response=0 if name == "x" else 3)
    b.poll(0)
    assert b.s.owed_dropped == 0 and b.row("x") == -1 and b.s.owed_count == 6


def day(flagged):
    """58 events of five minutes, all replaced each five minutes, for a day. Returns the bench."""
    b = Bench(slots=132, programs=2)
    b.program(0, 1)
    b.program(1, 2)
    s = b.s
    rec = record(0, 300, {E: 0})
    answers = 0
    for cycle in range(288):
        now = cycle * 300
        s.begin(0)
        if flagged and cycle:
            for i in range(58):  # the server still shows the last generation, as superseded
                rec[2] = now + 300 * (i - 1)
                rec[0] = now - 300
                rec[STATUS] = 4
                s.put(0, key((cycle - 1) * 58 + i), rec, 1, now, 0, 0)
        for i in range(58):
            rec[2] = now + 300 * i
            rec[0] = now
            rec[STATUS] = 0
            rec[11 + E] = cycle
            s.put(0, key(cycle * 58 + i), rec, 1, now, 0, 0)
        s.end(0, now)
        for t in range(now, now + 300, 60):
            s.evaluate(t)
            if s.winner[E] >= 0:
                s.confirm(s.winner[E])
            assert s.values[E] == cycle, (cycle, t, s.values[E])  # the newest always rules
            while s.next_owed():
                answers += 1
                s.answered()
        if cycle == 20:
            gc.collect()
            b.used = gc.mem_alloc()
    gc.collect()
    b.grown = gc.mem_alloc() - b.used
    return b, answers


def test_a_day_of_16000_mrids_flagged_as_superseded_stays_bounded():
    b, answers = day(True)
    assert b.s.owed_dropped == 0 and b.s.refused_events == 0
    assert b.grown < 2000, b.grown
    # Each is received once; each generation's first event starts, all others end with 7.
    assert answers == 58 * 288 + 288 + 57 * 287 + 287 - 0, answers


def test_a_day_of_16000_mrids_that_just_vanish_stays_bounded():
    b, answers = day(False)
    assert b.s.owed_dropped == 0 and b.grown < 2000, b.grown
    held = sum(1 for i in range(132) if b.s.state(i) != FREE)
    assert held <= 132 and answers >= 58 * 288


def every(n):
    """Every mode there is, with numbers that tell event n from others."""
    return {m: 1000 * n + m if m > 1 else 1 for m in range(MODES_N)}


def test_an_event_may_carry_every_mode_and_be_edited():
    b = Bench(slots=4)
    b.program(0, 1)
    b.event("A", 0, 0, 60, every(1), ramp=65535)
    b.event("B", 0, 60, 60, {E: 7})
    b.poll(0)
    b.tick()
    assert list(b.s.values) == [1, 1] + [1000 + m for m in range(2, MODES_N)]
    assert b.s.ramp[E] == 65535
    assert sorted(b.poll(0)[0]) == [KNOWN, KNOWN]
    for m in range(MODES_N):
        rec = record(0, 60, every(1), ramp=65535)
        rec[VALUE + m] = 0
        assert b.s.put(0, key("A"), rec, 1, b.now, 0, 0) == CHANGED, m
        b.tick()
        assert b.s.values[m] == 0
    b.run(60)
    assert [v for v in b.s.values if v != ABSENT] == [7] and b.s.ramp[E] == -1


def test_eight_events_may_have_more_than_four_numbers_and_a_ninth_waits():
    b = Bench(slots=20)
    b.program(0, 1)
    for i in range(9):
        b.event(str(i), 0, 60 * i, 60, every(i))
    b.event("few", 0, 600, 60, {m: m for m in (2, 3, 4, 5)})
    codes, _ = b.poll(0)
    assert codes.count(NEW) == 9 and codes.count(REFUSED) == 1 and b.s.refused_events == 1
    assert b.s.state(b.row("8")) == LEFT_OUT and b.of("8") in ([], [1])
    for i in range(9):
        b.run(60 * i + 30)
        assert b.s.values[9] == 1000 * i + 9, i
        if i == 0:  # an edit that needs more than there is leaves the event as it is
            rec = record(600, 60, every(5))
            assert b.s.put(0, key("few"), rec, 1, b.now, 0, 0) == REFUSED
            assert b.s.put(0, key("few"), record(600, 60, {m: m for m in (2, 3, 4, 5)}), 1, b.now,
                           0, 0) == KNOWN
        b.poll(0)
    b.run(630)
    assert list(b.s.values) == [ABSENT, ABSENT, 2, 3, 4, 5] + [ABSENT] * 4
    for i in range(9):
        assert b.of(str(i)) == [1, 2, 3], i
    b.event("again", 0, 700, 60, every(7))
    b.poll(0)
    b.run(710)
    assert b.s.values[9] == 7009


def test_sizes_out_of_range_are_our_own_mistake():
    check.raises(DERError, Schedule, 0, 1)
    check.raises(DERError, Schedule, 1001, 1)
    check.raises(DERError, Schedule, 1, 256)
    check.raises(DERError, Schedule, 1, 1, -1)
    check.raises(DERError, Schedule(1, 1).set_program, 1, 0)


check.run(globals())
