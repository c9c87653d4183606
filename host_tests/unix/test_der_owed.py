# heap: 256k
"""Rules E1 to E6 of the requirements: which answers are owed, when, and in which order."""

import check
from der.record import EXP_LIM_W, GEN_LIM_W, IMP_LIM_W
from der_bench import Bench, key, record

E, G, I = EXP_LIM_W, GEN_LIM_W, IMP_LIM_W  # noqa: E741


def ran(response, reply=1, until=200):
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 1}, response=response)
    b.poll(0, reply)
    b.run(until)
    return b


def test_e1_the_mrid_is_given_back_byte_by_byte():
    b = Bench()
    b.program(0, 1)
    k = key("x")
    k[16] = 31
    k[17:21] = b"\x80\x01\xff\x10"
    b.s.put(0, k, record(10, 10, {E: 1}), 200, 5, 0, 0)
    assert b.s.next_owed() and b.s.owed_key == k and b.s.owed_reply == 200
    assert b.s.owed_status == 1 and b.s.owed_created == 5


def test_e2_the_bits_of_response_required_and_a_missing_reply_to():
    assert ran(0).log == []
    assert ran(1).log == [("A", 1)]
    assert ran(2).log == [("A", 2), ("A", 3)]
    assert ran(3).log == [("A", 1), ("A", 2), ("A", 3)]
    assert ran(7).log == [("A", 1), ("A", 2), ("A", 3)]
    assert ran(3, 0).log == []


def test_e3_received_is_sent_in_any_status():
    b = Bench()
    b.program(0, 1)
    for name, status in (("A", 0), ("B", 1), ("C", 2), ("D", 3), ("F", 4)):
        b.event(name, 0, 100, 60, {E: 1}, status=status)
    b.poll(0)
    b.deliver()
    assert sorted(b.log[:5]) == [(n, 1) for n in "ABCDF"]
    assert sorted(b.log[5:]) == [("C", 6), ("D", 6), ("F", 7)]


def test_e3_started_waits_for_the_confirmation_and_tells_the_effective_start():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 1})
    b.poll(0)
    b.confirming = False
    b.run(130)
    assert b.log == [("A", 1)] and b.s.active(b.row("A"))
    assert b.s.confirm(b.row("A")) and b.s.confirmed(b.row("A"))
    assert not b.s.confirm(b.row("A"))
    b.run(200)
    assert b.log == [("A", 1), ("A", 2), ("A", 3)] and b.times == [0, 100, 160]


def test_e3_never_confirmed_is_neither_started_nor_completed():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 1})
    b.event("B", 0, 200, 60, {E: 1})
    b.event("C", 0, 300, 60, {E: 1})
    b.poll(0)
    b.confirming = False
    b.run(210)
    b.status("B", 2)
    b.poll(0)
    b.run(310)
    b.status("C", 4)
    b.poll(0)
    b.run(400)
    assert b.of("A") == [1] and b.of("B") == [1, 6] and b.of("C") == [1, 7]


def test_e3_what_does_not_run_cannot_be_confirmed():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 1})
    b.poll(0)
    b.tick()
    assert not b.s.confirm(b.row("A")) and not b.s.confirm(-2) and not b.s.confirm(999)
    b.run(170)
    assert not b.s.confirm(0)


def test_a_mode_that_no_device_supports_is_never_confirmed():
    b = Bench()
    b.s.supported = 1 << E
    b.program(0, 1)
    b.event("A", 0, 100, 60, {G: 1, I: 2})
    b.event("B", 0, 200, 60, {G: 1, E: 2})
    b.poll(0)
    b.run(300)
    assert b.of("A") == [1] and b.of("B") == [1, 2, 3]


def test_e4_an_answer_is_never_sent_twice_however_often_the_list_is_read():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 100, 60, {E: 1})
    b.event("B", 0, 100, 60, {G: 1})
    for stop in range(0, 300, 7):
        b.run(stop)
        if stop > 120:
            b.status("B", 2)
        b.poll(0)
    assert b.of("A") == [1, 2, 3] and b.of("B") == [1, 2, 6]


def test_e4_a_head_that_cannot_go_blocks_its_own_event_alone():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 10, 60, {E: 1})
    b.event("B", 0, 10, 60, {G: 1})
    b.poll(0)
    b.online = False
    b.run(100)
    for turn in range(3):
        got = []
        while b.s.next_owed():
            name = b.names[bytes(b.s.owed_key)]
            got.append((name, b.s.owed_status))
            if name == "A":
                b.s.skip()
            else:
                b.s.answered()
        rest = [] if turn else [("B", 1), ("B", 2), ("B", 3)]
        assert got == [("A", 1)] + rest, got
    assert b.s.owed_count == 3
    b.online = True
    b.deliver()
    assert b.log == [("A", 1), ("A", 2), ("A", 3)]


def test_e5_received_then_ended_by_others_then_completed_then_started():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 10, 40, {E: 1})
    b.event("B", 0, 10, 90, {G: 1})
    b.event("C", 0, 50, 90, {E: 1})
    b.poll(0)
    b.run(49)
    b.online = False
    b.status("B", 2)
    b.event("D", 0, 400, 10, {E: 1})
    b.run(50)
    b.poll(0)
    b.online = True
    del b.log[:]
    b.deliver()
    assert b.log == [("D", 1), ("B", 6), ("A", 3), ("C", 2)]


def test_e6_a_refused_answer_is_dropped_and_counted():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 10, 60, {E: 1})
    b.poll(0)
    assert b.s.next_owed()
    b.s.refused()
    assert b.s.owed_refused == 1 and b.s.owed_count == 0 and not b.s.next_owed()
    b.run(100)
    assert b.log == [("A", 2), ("A", 3)]


def test_e6_an_answer_that_vanished_while_it_was_under_way_is_counted_once():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 10, 60, {E: 1})
    b.event("B", 0, 10, 60, {E: 1}, response=0)
    b.poll(0)
    assert b.s.next_owed()
    b.s.drop_program(0)
    b.s.refused()
    assert (b.s.owed_refused, b.s.owed_removed, b.s.owed_dropped, b.s.owed_count) == (0, 1, 0, 0)


def test_e7_what_a_removed_program_owed_is_counted():
    b = Bench()
    for p in range(2):
        b.program(p, 1)
    b.event("A", 0, 10, 60, {E: 1})
    b.event("B", 0, 20, 60, {G: 1})
    b.event("C", 1, 20, 60, {I: 1})
    b.online = False
    for p in range(2):
        b.poll(p)
    b.run(30)
    assert b.s.owed_count == 6
    assert check.locked(b.s.drop_program, 0) is None
    assert b.s.owed_removed == 4 and b.s.owed_count == 2
    b.s.drop_program(0)
    assert b.s.owed_removed == 4


def test_what_was_skipped_goes_again_each_in_its_turn():
    b = Bench()
    b.program(0, 1)
    for name in "ABCD":
        b.event(name, 0, 100, 60, {E: 1})
    b.poll(0)
    took = []
    for most in (0, 0, 1, 1, 1, 1, 1, 2, 9999):
        while b.s.next_owed(most):
            took.append(b.names[bytes(b.s.owed_key)])
            b.s.skip()
        took.append(most)
    assert took == ["A", "B", "C", "D", 0, 0, 1, "A", 1, "B", 1, "C", 1, "D", 1, "A", 2, "B", "C",
                    9999], took
    assert check.locked(b.s.next_owed, 0) is True and b.s.owed_count == 4


def test_e6_a_reply_to_found_anew_is_used_for_what_is_still_owed():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 10, 60, {E: 1})
    b.poll(0, 1)
    b.poll(0, 9)
    assert b.s.next_owed() and b.s.owed_reply == 9


def test_a_reply_to_is_in_use_until_its_last_event_can_owe_nothing_more():
    b = Bench()
    b.program(0, 7)
    b.event("A", 0, 10, 60, {E: 1})
    b.poll(0, 3)
    assert b.s.reply_in_use(3) and not b.s.reply_in_use(1) and b.s.primacy(b.row("A")) == 7
    b.deliver()
    assert b.s.reply_in_use(3)
    b.online = False
    b.run(100)
    assert check.locked(b.s.reply_in_use, 3)
    b.online = True
    b.deliver()
    assert b.row("A") >= 0 and not b.s.reply_in_use(3)


def test_an_answer_under_way_is_found_although_its_event_left_the_slot():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 10, 60, {E: 1})
    b.poll(0)
    assert b.s.next_owed() and b.s.owed_status == 1
    b.status("A", 2)
    b.poll(0)  # the event is over and moves to a spare row meanwhile
    b.s.answered()
    assert b.s.owed_count == 1 and b.s.next_owed() and b.s.owed_status == 6
    b.s.answered()
    b.s.answered()  # nothing is under way: harmless
    assert b.s.owed_count == 0


def test_d10_9_an_mrid_is_remembered_while_listed_or_owing_and_no_longer():
    b = Bench()
    b.program(0, 1)
    b.event("A", 0, 10, 10, {E: 1})
    b.poll(0)
    b.run(30)
    assert b.row("A") >= 0
    b.remove("A")
    b.poll(0)
    assert b.row("A") == -1
    b.event("B", 0, 40, 10, {E: 1})
    b.poll(0)
    b.online = False
    b.run(60)
    b.remove("B")
    b.poll(0)
    assert b.row("B") >= 0
    b.online = True
    b.deliver()
    assert b.row("B") == -1 and b.of("B") == [1, 2, 3]


check.run(globals())
