# heap: 512k
"""Lists read to their ends or not at all, and the cycle of a program list."""

import check
from der import ABSENT, ACTIVE, EXP_LIM_W, WAITING
from edges import NOW
from north import DERP, North
from polls import Polls
from reading import PAGES_MAX
from server import assignments, default, event, limit, listing, ok, paged, program, status
from sep2 import FunctionSetAssignmentsList
from session import GONE, OUTAGE, UNREADABLE, SessionError

_EXP = "opModExpLimW"
_BAD = event("BAD0", NOW, base="<opModMaxLimW>much</opModMaxLimW>")


def hrefs(n):
    return ["/p/" + str(i) for i in range(n)]


def programs(n):
    return [program(href, 1) for href in hrefs(n)]


def fails(function, *args):
    return check.raises(SessionError, function, *args)


def tree(north, controls=(), base=None, rows=("/p/1",)):
    """A server of those programs, each with those controls and that default."""
    north.server.routes[DERP] = paged("DERProgramList", [program(r, 1) for r in rows], rate=60)
    for row in rows:
        north.server.routes[row + "/derc"] = paged("DERControlList", list(controls))
        base = limit(_EXP, 3000) if base is None else base
        north.server.routes[row + "/dderc"] = ok(default(base))


# -- paging -----------------------------------------------------------------


def test_a_list_is_read_to_its_end_whatever_the_servers_page_is():
    for most in (1, 2, 5, 255):
        for n in (0, 1, 4, 5, 6, 11):
            north = North()
            north.server.routes[DERP] = paged("DERProgramList", programs(n), most)
            assert north.pages() == [hrefs(n), 0], (most, n)
            asked = north.server.targets()
            step = min(most, 5)
            assert len(asked) == max(1, (n + step - 1) // step), (most, n, asked)
            assert asked[0] == DERP + "?s=0&l=5"
            if n > step:
                assert asked[1] == DERP + "?s=" + str(step) + "&l=5"


def test_a_list_that_changes_while_it_is_read_is_begun_anew_once():
    north = North()
    north.server.routes[DERP] = [
        ok(listing("DERProgramList", programs(5), 8)),
        ok(listing("DERProgramList", programs(2), 7)),
        paged("DERProgramList", programs(7))]
    assert north.pages() == [hrefs(7), 1]
    asked = [t.split("?")[1] for t in north.server.targets()]
    assert asked == ["s=0&l=5", "s=5&l=5", "s=0&l=5", "s=5&l=5"]


def test_a_list_that_goes_on_changing_is_read_on_to_its_new_end():
    north = North()
    north.server.routes[DERP] = [
        ok(listing("DERProgramList", programs(5), 8)),
        ok(listing("DERProgramList", programs(2), 7)),
        ok(listing("DERProgramList", programs(5), 8)),
        ok(listing("DERProgramList", programs(4)[:4], 9))]
    assert north.pages()[1] == 1 and len(north.server.requests) == 4


def test_a_list_without_an_end_is_given_up():
    north = North()
    n = [0]

    def more(target, _body):
        north.server.heads.clear()
        north.server.requests.clear()
        n[0] += 1
        start = int(target.split("s=")[1].split("&")[0])
        return ok(listing("DERProgramList", programs(1), start + 100))

    north.server.routes[DERP] = more
    pages = north.reading.pages(DERP, north.derp, lambda reader: None, lambda: None)
    assert fails(north.run, pages).kind == UNREADABLE
    assert n[0] == PAGES_MAX


def test_a_list_that_does_not_say_its_length_is_unread():
    for every in ("", "-1", "many"):
        north = North()
        north.server.routes[DERP] = ok(listing("DERProgramList", programs(2), every))
        assert fails(north.pages).kind == UNREADABLE, every


def test_a_list_that_gives_fewer_items_than_it_says_is_unread():
    for n in (0, 3):
        north = North()
        north.server.routes[DERP] = [ok(listing("DERProgramList", programs(n), 5)),
                                     ok(listing("DERProgramList", [], 5))]
        assert fails(north.pages).kind == UNREADABLE, n
        assert len(north.server.requests) == (2 if n else 1)


def test_a_list_that_gives_more_items_than_it_says_is_unread():
    north = North()
    north.server.routes[DERP] = ok(listing("DERProgramList", programs(3), 2))
    assert fails(north.pages).kind == UNREADABLE
    north.server.routes[DERP] = ok(listing("DERProgramList", programs(3), 3))
    assert north.pages() == [hrefs(3), 0]


def test_a_page_that_cannot_be_had_leaves_the_list_unread():
    for answer, kind in ((status(500), OUTAGE), (status(404), GONE), (OSError(104), OUTAGE),
                         (ok("<html/>"), UNREADABLE)):
        north = North()
        north.server.routes[DERP] = [ok(listing("DERProgramList", programs(5), 8)), answer]
        assert fails(north.pages).kind == kind


def test_an_item_that_cannot_be_read_leaves_its_list_unread():
    north = North()
    bad = programs(1)[0].replace("<primacy>1<", "<primacy>999<")
    north.server.routes[DERP] = paged("DERProgramList", [bad] + programs(3)[1:])
    assert fails(north.pages).kind == UNREADABLE
    assert north.said.count("ITEM_UNREADABLE", "primacy") == 1


def test_an_href_that_leads_nowhere_is_unreadable():
    north = North()
    assert fails(north.pages, "ftp://server.example/derp").kind == UNREADABLE
    assert fails(north.reading.url, "/" + "x" * 600).kind == UNREADABLE


# -- the cycle --------------------------------------------------------------


def test_a_cycle_reads_controls_and_then_the_default_of_every_program():
    north = North()
    tree(north, [event("A1", NOW - 10)], rows=("/p/1", "/p/2"))
    assert north.cycle() == 60
    assert [t.split("?")[0] for t in north.server.targets()] == [
        DERP, "/p/1/derc", "/p/1/dderc", "/p/2/derc", "/p/2/dderc"]
    assert north.programs.all_complete() and north.programs.count() == 2
    assert north.schedule.values[EXP_LIM_W] == 2000
    north.pass_s(400)
    assert north.schedule.values[EXP_LIM_W] == 3000


def test_no_control_is_taken_before_the_servers_time_is_known():
    north = North(set_clock=False)
    tree(north, [event("A1", NOW - 10)])
    assert fails(north.cycle).kind == UNREADABLE
    assert north.row("A1") < 0 and not north.programs.all_complete()
    north.clock.set_server(NOW, north.world.t)
    north.cycle()
    assert north.schedule.state(north.row("A1")) == ACTIVE


def test_an_unreadable_control_leaves_the_list_unread():
    north = North()
    tree(north, [event("A1", NOW - 10), _BAD, event("C3", NOW + 500)])
    north.cycle()
    assert not north.programs.all_complete()
    assert north.said.count("EVENT_UNREADABLE", "mrid=BAD0") == 1
    # What could be read is known all the same, and goes on when it is no longer listed.
    assert north.schedule.state(north.row("A1")) == ACTIVE
    assert north.schedule.state(north.row("C3")) == WAITING
    north.server.routes["/p/1/derc"] = paged("DERControlList", [_BAD])
    north.cycle()
    assert not north.schedule.unlisted(north.row("A1"))


def test_a_default_does_not_stand_in_for_an_unreadable_control():
    north = North()
    read_fsas(north, assignments("/fsa/1", DERP))
    tree(north, [_BAD], limit(_EXP, 4000))
    polls = Polls(north.loop, (300, 300))
    polls.was_read[0] = 1
    north.cycle()
    north.reading.settle(True, polls, 0)
    assert not north.limits.complete
    assert north.limits.envelope.exp_w == 1500  # the failsafe: the event may ask for less
    north.server.routes["/p/1/derc"] = paged("DERControlList", [])
    north.cycle()
    north.reading.settle(True, polls, 0)
    north.limits.step(0)
    assert north.limits.complete and north.limits.envelope.exp_w == 4000


def test_a_list_that_breaks_off_takes_no_event_away():
    north = North()
    tree(north, [event("A" + str(i), NOW + 100 * i) for i in range(8)])
    north.cycle()
    north.server.routes["/p/1/derc"] = [
        ok(listing("DERControlList", [event("A0", NOW)], 3)), status(500)]
    assert fails(north.cycle).kind == OUTAGE
    assert not north.schedule.unlisted(north.row("A7"))
    north.server.routes["/p/1/derc"] = paged("DERControlList", [event("A0", NOW)])
    north.cycle()
    assert north.schedule.unlisted(north.row("A7"))
    assert north.said.count("UNLISTED", "events=7") == 1
    north.pass_s(710)
    assert north.schedule.state(north.row("A7")) == ACTIVE


def test_one_program_that_fails_does_not_keep_the_others_from_being_read():
    north = North()
    tree(north, [event("A1", NOW - 10)], rows=("/p/1", "/p/2", "/p/3"))
    north.server.routes["/p/2/derc"] = status(503)
    assert fails(north.cycle).kind == OUTAGE
    assert [north.programs.complete[i] for i in range(3)] == [1, 0, 1]
    assert north.said.count("PROGRAM_UNREAD", "/p/2", "HTTP_503") == 1


def test_an_outage_keeps_the_default_that_is_known():
    north = North()
    tree(north)
    north.cycle()
    for answer in (status(500), status(404), OSError(104), ok(default(limit(_EXP, "x")))):
        north.server.routes["/p/1/dderc"] = answer
        try:
            north.cycle()
        except SessionError as exc:
            assert exc.kind in (OUTAGE, UNREADABLE)
        north.limits.step(0)
        assert north.schedule.values[EXP_LIM_W] == 3000
    north.server.routes[DERP] = paged("DERProgramList", [program("/p/1", 1, dderc="")])
    north.cycle()
    assert north.schedule.values[EXP_LIM_W] == 3000  # the link is missing for a while (D6)
    north.server.routes[DERP] = paged("DERProgramList", [program("/p/1", 1)])
    north.server.routes["/p/1/dderc"] = ok(default(""))
    north.cycle()
    assert north.schedule.values[EXP_LIM_W] == ABSENT  # it says that there is none


def test_a_default_that_was_never_there_is_known_to_be_none():
    for missing in ({"dderc": ""}, {}):
        north = North()
        north.server.routes[DERP] = paged("DERProgramList", [program("/p/1", 1, **missing)])
        north.server.routes["/p/1/derc"] = paged("DERControlList", [])
        north.cycle()
        assert north.programs.all_complete()


def test_an_unreadable_default_is_none_that_is_known():
    north = North()
    tree(north, base=limit(_EXP, "x"))
    assert fails(north.cycle).kind == UNREADABLE
    assert not north.programs.all_complete() and north.limits.envelope.exp_w == 1500


def test_a_program_without_a_list_of_controls_is_complete_by_its_default():
    north = North()
    tree(north)
    north.server.routes[DERP] = paged("DERProgramList", [program("/p/1", 1, derc="")])
    north.cycle()
    assert north.programs.all_complete() and north.schedule.values[EXP_LIM_W] == 3000


def test_a_program_that_is_gone_goes_with_its_events():
    north = North()
    tree(north, [event("A1", NOW - 10)], rows=("/p/1", "/p/2"))
    north.server.routes["/p/2/derc"] = paged("DERControlList", [event("B2", NOW - 10)])
    north.cycle()
    assert north.row("B2") >= 0
    owed = north.schedule.owed_count
    north.server.routes[DERP] = paged("DERProgramList", [program("/p/1", 1)])
    north.cycle()
    assert north.row("B2") < 0 and north.row("A1") >= 0
    assert north.schedule.owed_count == owed - 1  # silently: its answer is owed no more
    assert north.said.count("PROGRAMS_GONE", "n=1") == 1


def test_a_program_list_that_cannot_be_read_takes_no_program_away():
    north = North()
    tree(north, [event("A1", NOW - 10)], rows=("/p/1", "/p/2"))
    north.cycle()
    bad = program("/p/9", 1).replace("<primacy>1<", "<primacy>x<")
    for answer in (paged("DERProgramList", [program("/p/1", 1), bad]), status(500),
                   ok(listing("DERProgramList", [program("/p/1", 1)], ""))):
        north.server.routes[DERP] = answer
        fails(north.cycle)
        assert north.programs.count() == 2


def test_more_programs_than_the_table_holds_are_said_and_never_complete():
    north = North(programs=2)
    tree(north, rows=("/p/1", "/p/2", "/p/3"))
    north.cycle()
    assert north.said.count("PROGRAMS_FULL", "size=2", "/p/3") == 1
    polls = Polls(north.loop, (300, 300))
    north.reading.settle(True, polls, 0)
    assert not north.limits.complete


def test_more_events_than_the_table_holds_are_said_and_taken_up_later():
    north = North(slots=2)
    tree(north, [event("A" + str(i), NOW + 10 + 100 * i, 50) for i in range(3)])
    north.cycle()
    assert north.said.count("EVENTS_FULL", "mrid=A2") == 1 and north.programs.all_complete()
    north.pass_s(70)
    north.cycle()
    assert north.schedule.state(north.row("A2")) == WAITING


def test_a_changed_event_is_said():
    north = North()
    tree(north, [event("A1", NOW + 100)])
    north.cycle()
    tree(north, [event("A1", NOW + 200)])
    north.cycle()
    north.cycle()
    assert north.said.count("EVENT", "mrid=A1", "received") == 1
    assert north.said.count("EVENT", "mrid=A1", "changed") == 1
    assert north.schedule.start(north.row("A1")) == NOW + 200


# -- assignments ------------------------------------------------------------


def read_fsas(north, *items):
    """Read that FunctionSetAssignmentsList from the server."""
    reading = north.reading
    north.server.routes["/fsa"] = paged("FunctionSetAssignmentsList", list(items), 1)
    reading.begin_fsas()
    north.run(reading.pages("/fsa", FunctionSetAssignmentsList(north.xml), reading.take_fsa,
                            reading.begin_fsas))
    reading.end_fsas()


def test_all_assignments_are_followed_and_one_that_is_gone_takes_its_programs_along():
    north = North()
    read_fsas(north, assignments("/fsa/1", DERP), assignments("/fsa/2", "/fsa/2/derp"))
    assert north.reading.derp_href(0) == DERP and north.reading.derp_href(1) == "/fsa/2/derp"
    tree(north, [event("A1", NOW - 10)])
    north.server.routes["/fsa/2/derp"] = paged("DERProgramList", [program("/p/1", 1)])
    north.cycle(0)
    north.cycle(1, "/fsa/2/derp")
    read_fsas(north, assignments("/fsa/2", "/fsa/2/derp"))
    assert north.reading.derp_href(0) is None and north.said.count("FSA_GONE", "/fsa/1") == 1
    assert north.row("A1") >= 0  # the other one leads there still
    read_fsas(north)
    assert north.row("A1") < 0 and north.programs.count() == 0


def test_more_assignments_than_there_is_room_for_are_said_and_never_complete():
    north = North()
    read_fsas(north, *[assignments("/fsa/" + str(i), "/x" + str(i)) for i in range(3)])
    assert north.said.count("FSAS_FULL", "/fsa/2") == 1
    polls = Polls(north.loop, (300, 300))
    polls.was_read[0] = polls.was_read[1] = 1
    north.reading.settle(True, polls, 0)
    assert not north.limits.complete


def test_the_tree_is_complete_once_every_list_was_read_and_until_it_is_forgotten():
    north = North()
    read_fsas(north, assignments("/fsa/1", DERP), assignments("/fsa/2", "/fsa/2/derp"))
    tree(north)
    north.server.routes["/fsa/2/derp"] = paged("DERProgramList", [])
    polls = Polls(north.loop, (300, 300))
    north.cycle(0)
    polls.was_read[0] = 1
    north.reading.settle(True, polls, 0)
    assert not north.limits.complete  # the second list was not read yet
    north.cycle(1, "/fsa/2/derp")
    polls.was_read[1] = 1
    north.reading.settle(False, polls, 0)
    assert not north.limits.complete  # nor the assignments themselves
    north.reading.settle(True, polls, 0)
    assert north.limits.complete
    polls.was_read[0] = 0
    north.reading.settle(False, polls, 0)
    assert north.limits.complete
    north.reading.forget()
    north.limits.step(0)
    assert not north.limits.complete and north.programs.count() == 0
    assert north.limits.envelope.exp_w == 1500 and north.reading.derp_href(0) is None


check.run(globals())
