# heap: 256k
"""The table of programs: several ways to one program, a table that is full, what goes and when."""

from array import array

import check
from der import REC_SIZE, Schedule
from programs import NONE, Programs

_REC = array("i", bytes(4 * REC_SIZE))


def make(size=3):
    schedule = Schedule(8, size)
    return Programs(size, schedule), schedule


def see(programs, fsa, *rows):
    """Read that FSA's list: rows are (href, primacy). Returns the indexes that were given."""
    programs.begin(fsa)
    return [programs.seen(fsa, href, primacy, href + "/c", href + "/d")
            for href, primacy in rows]


def event(schedule, program, digit):
    """A control of that program, running now."""
    rec = array("i", _REC)
    rec[3] = 100
    schedule.begin(program)
    schedule.put(program, bytes([digit]) + bytes(15) + b"\2\0\0\0\0", rec, 0, 10, 0, 0)
    schedule.end(program, 10)


def test_items_get_indexes_and_keep_them():
    programs, _schedule = make()
    assert see(programs, 0, ("/a", 5), ("/b", 1)) == [0, 1]
    assert programs.swept(0) == 0
    assert see(programs, 0, ("/b", 1), ("/a", 6), ("/c", 2)) == [1, 0, 2]
    assert programs.find("/a") == 0 and programs.primacy[0] == 6
    assert programs.derc[2] == "/c/c" and programs.dderc[2] == "/c/d"
    assert programs.count() == 3 and programs.find("/x") == NONE


def test_a_full_table_refuses_what_is_less_important():
    programs, _schedule = make()
    see(programs, 0, ("/a", 1), ("/b", 2), ("/c", 3))
    assert not programs.refused
    assert programs.seen(0, "/d", 4, None, None) == NONE
    assert programs.seen(0, "/e", 3, None, None) == NONE  # of equals the later one
    assert programs.refused == 1 and programs.count() == 3
    assert programs.find("/c") == 2


def test_a_full_table_lets_the_least_important_go_for_a_more_important_one():
    programs, schedule = make()
    see(programs, 0, ("/a", 3), ("/b", 1))
    assert see(programs, 1, ("/c", 3)) == [2]
    event(schedule, 2, 7)
    programs.complete[2] = 1
    assert see(programs, 2, ("/d", 2)) == [2]  # of the two with 3, the later one goes
    assert programs.find("/c") == NONE and programs.find("/a") == 0
    assert programs.refused == 1 << 1  # the list that lacks one now
    assert schedule.find(b"\7" + bytes(15) + b"\2\0\0\0\0") == -1  # with its events
    assert not programs.complete[2] and programs.in_fsa(2, 2) and not programs.in_fsa(2, 1)


def test_what_was_refused_finds_room_by_a_later_read():
    programs, _schedule = make(1)
    see(programs, 0, ("/a", 1), ("/b", 2))
    programs.swept(0)
    assert programs.refused == 1
    assert see(programs, 0, ("/b", 2)) == [NONE]
    assert programs.swept(0) == 1  # /a is no longer listed
    assert see(programs, 0, ("/b", 2)) == [0] and not programs.refused


def test_a_program_stays_while_one_of_its_fsas_leads_to_it():
    programs, schedule = make()
    see(programs, 0, ("/a", 1), ("/b", 2))
    programs.swept(0)
    see(programs, 1, ("/b", 2))
    programs.swept(1)
    event(schedule, 1, 9)
    assert programs.in_fsa(1, 0) and programs.in_fsa(1, 1)
    assert see(programs, 0, ("/a", 1)) == [0]
    assert programs.swept(0) == 0 and programs.find("/b") == 1
    assert not programs.in_fsa(1, 0) and programs.in_fsa(1, 1)
    assert schedule.find(b"\x09" + bytes(15) + b"\2\0\0\0\0") >= 0
    see(programs, 1)
    assert programs.swept(1) == 1 and programs.find("/b") == NONE
    assert schedule.find(b"\x09" + bytes(15) + b"\2\0\0\0\0") == -1


def test_a_list_that_was_not_swept_takes_nothing_away():
    programs, _schedule = make()
    see(programs, 0, ("/a", 1), ("/b", 2))
    programs.swept(0)
    see(programs, 0, ("/b", 2))  # its reading broke off here
    assert programs.find("/a") == 0 and programs.count() == 2


def test_a_list_of_one_fsa_says_nothing_about_those_of_another():
    programs, _schedule = make()
    see(programs, 0, ("/a", 1))
    programs.swept(0)
    see(programs, 3)
    assert programs.swept(3) == 0 and programs.find("/a") == 0


def test_forgetting_an_fsa_drops_what_no_other_leads_to():
    programs, schedule = make()
    see(programs, 0, ("/a", 1), ("/b", 2))
    see(programs, 2, ("/b", 2), ("/c", 3))
    programs.refused |= 1
    schedule.set_default(0, _REC)
    assert programs.forget(0) == 1 and not programs.refused
    assert programs.find("/a") == NONE and programs.find("/b") == 1
    assert programs.forget(2) == 2 and programs.count() == 0
    assert programs.forget(2) == 0


def test_another_mrid_at_a_known_href_is_another_program():
    programs, schedule = make()
    programs.begin(0)
    assert programs.seen(0, "/a", 1, "/a/c", "/a/d", 77) == 0
    assert programs.swept(0) == 0
    event(schedule, 0, 5)
    _REC[9], _REC[10], _REC[16] = -1, 1 << 5, 1500
    schedule.set_default(0, _REC)
    programs.complete[0] = 1
    for mrid, gone, complete, row in ((77, 0, 1, True), (78, 1, 0, False)):
        programs.begin(0)
        assert programs.seen(0, "/a", 2, "/a/c", "/a/d", mrid) == 0
        assert programs.swept(0) == gone
        assert programs.complete[0] == complete
        assert (schedule.find(b"\5" + bytes(15) + b"\2\0\0\0\0") >= 0) == row
        schedule.evaluate(20)
        assert schedule.values[5] == 1500  # until the new one's default is known
    schedule.drop_default(0)
    schedule.evaluate(21)
    assert schedule.values[5] != 1500
    _REC[9] = _REC[10] = _REC[16] = 0


def test_completeness_is_that_of_every_program():
    programs, _schedule = make()
    assert programs.all_complete()  # an empty tree is known completely
    see(programs, 0, ("/a", 1), ("/b", 2))
    programs.complete[0] = 1
    assert not programs.all_complete()
    programs.complete[1] = 1
    assert programs.all_complete()
    programs.drop(1)
    see(programs, 0, ("/a", 1), ("/d", 2))  # a newcomer in the freed row was not read yet
    assert not programs.all_complete()
    programs.drop_all()
    assert programs.count() == 0 and programs.all_complete()


check.run(globals())
