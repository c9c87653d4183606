# heap: 512k
"""What is known stays known: a default without its link after a restart, a table that is full, a
server that asks for a pause, an assignment that leads nowhere any more."""

from array import array

import check
from der import ABSENT, EXP_LIM_W
from der.record import REC_SIZE
from edges import NOW
from north import DERP, North
from server import assignments, default, event, limit, listing, ok, paged, program, status
from sep2 import FunctionSetAssignmentsList
from session import BUSY, OUTAGE, SessionError

_EXP = "opModExpLimW"
_FIRST, _SECOND = "AA01", "BB02"


def site(north, links=(1, 1), bases=(700, None)):
    """Two programs: whether each has a link to its default, and what that says (None: nothing)."""
    rows = []
    for i in (0, 1):
        href = "/p/" + str(i)
        rows.append(program(href, 1 + i, dderc=None if links[i] else "",
                            mrid=(_FIRST, _SECOND)[i]))
        north.server.routes[href + "/derc"] = paged("DERControlList", [])
        base = "" if bases[i] is None else limit(_EXP, bases[i])
        north.server.routes[href + "/dderc"] = ok(default(base))
    north.server.routes[DERP] = paged("DERProgramList", rows)


def read(north):
    """A cycle that makes the tree complete; the export limit in force, W."""
    try:
        north.cycle()
    except SessionError as exc:
        assert exc.kind == OUTAGE
    north.limits.complete = north.programs.all_complete()
    north.limits.step(0)
    return north.limits.envelope.exp_w


def kept(north):
    """The record that a restart finds on the flash."""
    rec = array("i", bytes(4 * REC_SIZE))
    assert north.schedule.merged_default(rec)
    return rec


def restarted(rec):
    north = North()
    north.schedule.set_persisted(rec)
    return north


def before(links=(1, 1), bases=(700, None)):
    north = North()
    site(north, links, bases)
    assert read(north) == 700
    return kept(north)


def test_a_default_without_a_link_after_a_restart_is_not_known_to_be_none():
    rec = before()
    for links in ((0, 1), (0, 0)):
        north = restarted(rec)
        site(north, links)
        assert read(north) == 700 and read(north) == 700
        assert not north.schedule.merged_default(array("i", bytes(4 * REC_SIZE)))  # not kept anew
        site(north, (1, links[1]), (None, None))  # it says that it has no limit: the contract's
        north.programs.complete[0] = 0
        assert read(north) == 5000
        kept(north)


def test_a_default_that_cannot_be_read_after_a_restart_is_the_last_known():
    rec = before()
    for code in (401, 403, 404, 410, 500):
        north = restarted(rec)
        site(north)
        north.server.routes["/p/0/dderc"] = status(code)
        assert read(north) == 700 if code < 500 else read(north) <= 1500, code


def test_a_program_that_never_had_a_default_keeps_nothing_back():
    rec = before(links=(1, 0))
    north = restarted(rec)
    site(north, (1, 0), (None, None))
    assert read(north) == 5000
    north = restarted(kept(north))
    site(north, (0, 0))
    assert read(north) == 5000  # nothing was kept


def test_a_program_that_is_gone_takes_its_default_along():
    north = restarted(before())
    site(north, (0, 1))
    north.server.routes[DERP] = paged("DERProgramList", [program("/p/1", 2, mrid=_SECOND)])
    assert read(north) == 5000


def test_one_without_a_name_may_have_had_the_default():
    rec = before()
    north = restarted(rec)
    north.server.routes[DERP] = paged("DERProgramList", [program("/q", 1, dderc="")])
    north.server.routes["/q/derc"] = paged("DERControlList", [])
    assert read(north) == 700


def test_more_programs_than_the_record_can_name_count_as_all():
    north = North(programs=12)
    rows = [program("/p/" + str(i), 1, mrid="A%03d" % i) for i in range(10)]
    for i in range(10):
        north.server.routes["/p/%d/derc" % i] = paged("DERControlList", [])
        north.server.routes["/p/%d/dderc" % i] = ok(default(limit(_EXP, 700 + i)))
    north.server.routes[DERP] = paged("DERProgramList", rows)
    assert read(north) == 700
    rec = kept(north)
    north = restarted(rec)
    site(north, (0, 0))
    assert read(north) == 700


def test_a_table_that_fills_later_is_complete_no_more():
    north = North(programs=2)
    site(north, bases=(2000, 700))
    assert read(north) == 2000
    north.limits.complete = True
    rows = [program("/p/0", 1, mrid=_FIRST), program("/n", 0, mrid="CC03"),
            program("/p/1", 2, mrid=_SECOND)]
    north.server.routes[DERP] = paged("DERProgramList", rows)
    north.server.routes["/n/derc"] = paged("DERControlList", [])
    north.server.routes["/n/dderc"] = ok(default(""))
    north.cycle()
    assert not north.limits.complete
    north.limits.step(0)
    assert north.limits.envelope.exp_w <= 1500


def test_more_assignments_than_fit_are_complete_no_more():
    north = North(fsas=1)
    north.limits.complete = True
    reader = FunctionSetAssignmentsList(north.xml)
    north.server.routes["/fsa"] = ok(listing("FunctionSetAssignmentsList", [
        assignments("/a/1", "/a/1/derp"), assignments("/a/2", "/a/2/derp")]))
    north.reading.begin_fsas()
    north.run(north.reading.pages("/fsa", reader, north.reading.take_fsa,
                                  north.reading.begin_fsas))
    assert not north.limits.complete


def asked(north):
    """The programs whose controls were asked for; a try on a new line counts with the first."""
    found = ""
    for target in north.server.targets():
        if target[4:9] == "/derc" and not found.endswith(target[3]):
            found += target[3]
    return found


def five(north):
    rows = [program("/p/" + str(i), 1, mrid="A%03d" % i) for i in range(5)]
    north.server.routes[DERP] = paged("DERProgramList", rows)
    for i in range(5):
        north.server.routes["/p/%d/derc" % i] = paged("DERControlList", [])
        north.server.routes["/p/%d/dderc" % i] = ok(default(""))


def test_a_pause_that_is_asked_for_ends_the_cycle_and_the_next_goes_on_there():
    north = North(programs=6)
    five(north)
    north.server.routes["/p/2/derc"] = status(429, "Retry-After: 300")
    failed = check.raises(SessionError, north.cycle)
    assert failed.kind == BUSY and failed.wait_s == 300 and asked(north) == "012"
    five(north)
    north.cycle()
    assert asked(north) == "012" + "3401"
    north.cycle()
    assert asked(north)[7:] == "01234"


def test_a_server_that_is_not_there_is_not_asked_for_every_program():
    north = North(programs=6)
    five(north)
    for i in range(1, 5):
        north.server.routes["/p/%d/derc" % i] = OSError(104)
    assert check.raises(SessionError, north.cycle).kind == OUTAGE
    assert asked(north) == "012"
    five(north)
    north.server.routes["/p/3/derc"] = OSError(104)  # one program alone: the others are read
    assert check.raises(SessionError, north.cycle).kind == OUTAGE
    assert asked(north) == "012" + "3401"


def test_an_assignment_that_loses_its_list_loses_its_programs():
    north = North()
    site(north)
    north.server.routes["/p/0/derc"] = paged("DERControlList", [event("A1", NOW - 10)])
    reader = FunctionSetAssignmentsList(north.xml)

    def look(rows):
        north.server.routes["/fsa"] = ok(listing("FunctionSetAssignmentsList", rows))
        north.reading.begin_fsas()
        north.run(north.reading.pages("/fsa", reader, north.reading.take_fsa,
                                      north.reading.begin_fsas))
        north.reading.end_fsas()

    look([assignments("/a/1", DERP)])
    read(north)
    assert north.row("A1") >= 0 and north.schedule.values[EXP_LIM_W] != ABSENT
    look([assignments("/a/1", DERP)])
    assert north.row("A1") >= 0
    look(['<FunctionSetAssignments href="/a/1"></FunctionSetAssignments>'])
    assert north.row("A1") < 0 and north.programs.count() == 0
    assert north.reading.derp_href(0) is None


check.run(globals())
