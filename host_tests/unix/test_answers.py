# heap: 576k
"""Answers to controls: their order, what is tried again and what is dropped, and full tables."""

import check
from edges import NOW
from north import DERP, LFDI, North
from server import event, paged, program, status
from session import SessionError


def make(*controls, answer=None, **sizes):
    """A client that has just read those controls of one program."""
    north = North(**sizes)
    north.server.routes["/rsp"] = status(201, "Location: /rsp/1") if answer is None else answer
    north.server.routes[DERP] = paged("DERProgramList", [program("/p/1", 1, dderc="")])
    north.server.routes["/p/1/derc"] = paged("DERControlList", list(controls))
    north.cycle()
    return north


def send(north):
    return north.run(north.answers.send(SessionError))


def flush(north, limit=50):
    """Send what is due until nothing is owed or due; returns how many tries that took."""
    n = 0
    while north.answers.is_due(north.world.t):
        send(north)
        n += 1
        assert n < limit
    return n


def obey(north):
    """Control saw the present limits obeyed."""
    north.limits.step(0)
    north.limits.obeyed = 0x3FF
    north.limits.step(0)


def said(north, path=None):
    """[mRID, status] of each body that was posted."""
    got = []
    for body in north.server.bodies(path):
        text = str(body, "ascii")
        got.append([between(text, "<subject>"), int(between(text, "<status>"))])
    return got


def between(text, start):
    """What stands between `start` and the next tag."""
    at = text.find(start) + len(start)
    return text[at:text.find("<", at)]


def test_an_answer_says_who_what_and_when():
    north = make(event("aB12", NOW - 10))
    assert north.answers.is_due(north.world.t) and send(north)
    body = north.server.bodies("/rsp")[0]
    assert body == (
        b'<DERControlResponse xmlns="urn:ieee:std:2030.5:ns"><createdDateTime>1777836800'
        b"</createdDateTime><endDeviceLFDI>" + LFDI + b"</endDeviceLFDI><status>1</status>"
        b"<subject>aB12</subject></DERControlResponse>"), body
    assert north.answers.delivered == 1
    assert north.said.count("ANSWER", "mrid=aB12", "status=1") == 1


def test_nothing_is_sent_when_nothing_is_owed():
    north = make(event("A1", NOW - 10, required="00"))
    assert not north.answers.is_due(north.world.t) and not send(north)
    assert north.server.bodies() == []


def test_an_event_is_received_started_and_completed_in_this_order():
    north = make(event("A1", NOW - 10, 30))
    flush(north)
    assert said(north) == [["A1", 1]]
    obey(north)
    flush(north)
    assert said(north) == [["A1", 1], ["A1", 2]]
    north.pass_s(25)
    flush(north)
    assert said(north) == [["A1", 1], ["A1", 2], ["A1", 3]]
    assert north.schedule.owed_count == 0


def test_answers_that_gathered_during_an_outage_go_out_in_order():
    north = make(event("A1", NOW - 10, 30), event("B2", NOW + 20, 30), answer=status(500))
    obey(north)
    north.pass_s(25)
    obey(north)
    assert north.schedule.owed_count == 5
    north.server.routes["/rsp"] = status(201)
    flush(north)
    of_a1 = [s for mrid, s in said(north) if mrid == "A1"]
    of_b2 = [s for mrid, s in said(north) if mrid == "B2"]
    assert of_a1 == [1, 2, 3] and of_b2 == [1, 2], said(north)
    assert [s for _, s in said(north)[:2]] == [1, 1]  # received comes first (E5)


def test_what_fails_is_tried_again_with_growing_pauses():
    north = make(event("A1", NOW - 10), answer=status(500))
    waits = []
    for _ in range(8):
        assert send(north)
        assert not north.answers.is_due(north.world.t)
        waits.append((north.answers._due - north.world.t) // 1000)
        north.world.t = north.answers._due
        assert north.answers.is_due(north.world.t)
        if not send(north):  # the round had ended
            north.world.t = north.answers._due
            continue
        waits.append((north.answers._due - north.world.t) // 1000)
        north.world.t = north.answers._due
    assert waits[:7] == [2, 4, 8, 16, 32, 60, 60], waits
    assert north.schedule.owed_count == 1 and north.answers.delivered == 0
    north.server.routes["/rsp"] = [status(201)]
    while not north.answers.delivered:
        send(north)
    assert north.schedule.owed_count == 0


def test_a_failure_waits_as_long_as_the_server_asks():
    north = make(event("A1", NOW - 10), answer=status(429, "Retry-After: 90"))
    send(north)
    assert north.answers._due - north.world.t == 90000


def test_only_a_400_drops_an_answer():
    assert send(north := make(event("A1", NOW - 10), answer=status(400)))
    assert north.schedule.owed_count == 0 and north.schedule.owed_refused == 1
    for code in (302, 304, 307, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 500, 501,
                 503, 599, 0):
        north = make(event("A1", NOW - 10), answer=status(code) if code else OSError(104))
        obey(north)
        for _ in range(5):
            send(north)
            north.world.t += 300000
            assert north.schedule.owed_count == 2, code
        assert north.said.count("ANSWER_FAILED", "mrid=A1", "status=1") >= 2
        assert north.said.count("ANSWER_FAILED", "status=2") == 0
        north.server.routes["/rsp"] = status(201)
        flush(north)
        assert said(north)[-2:] == [["A1", 1], ["A1", 2]], code
        bodies = [str(body, "ascii") for body in north.server.bodies()]
        dated = [between(body, "<createdDateTime>") for body in bodies]
        assert dated.count(dated[0]) >= len(dated) - 1, code  # however often it was tried
        assert north.schedule.owed_refused == 0 and north.said.count("ANSWERS_LOST") == 0


def tries(north, seconds, path):
    """The seconds from now on at which an answer was posted to that path."""
    begun, at = north.world.t, []
    while north.world.t - begun < seconds * 1000:
        before = len(said(north, path))
        flush(north)
        at += [(north.world.t - begun) // 1000] * (len(said(north, path)) - before)
        north.world.t += 1000
    return at


def test_an_answer_that_is_refused_again_and_again_is_tried_ever_more_seldom():
    for code in (302, 404, 409, 413):
        north = make(event("A1", NOW - 10), answer=status(code))
        at = tries(north, 1800, "/rsp")
        gaps = [b - a for a, b in zip(at, at[1:])]
        for gap, due in zip(gaps, (2, 4, 8, 16, 32, 64, 128, 256, 256, 256)):
            assert due <= gap <= due + 2, gaps
        assert 10 <= len(at) <= 14, at
    north = make(event("A1", NOW - 10), answer=status(413, "Retry-After: 900"))
    at = tries(north, 1000, "/rsp")
    assert len(at) == 2 and 900 <= at[1] <= 902, at


def test_events_that_are_refused_hold_up_no_other_event():
    bad = [event("A" + str(i), NOW - 10, 3000, reply="/bad") for i in range(4)]
    north = make(*bad, replies=4)
    north.server.routes["/bad"] = status(409)
    tries(north, 600, "/bad")
    north.server.routes["/p/1/derc"] = paged(
        "DERControlList", bad + [event("B1", north.clock.now() + 9000)])
    north.cycle()
    assert tries(north, 30, "/rsp") == [0]
    # Each in its turn, none for ever behind another; no storm: at most one in 256 s by then.
    at = tries(north, 3000, "/bad")
    assert 8 <= len(at) <= 14, at
    turns = [mrid for mrid, _ in said(north, "/bad")][-8:]
    assert sorted(turns[:4]) == sorted(turns[4:]) == ["A0", "A1", "A2", "A3"], turns
    north.server.routes["/bad"] = status(201)
    at = tries(north, 300, "/bad")
    assert at[-1] - at[0] < 5 and north.schedule.owed_count == 0, at
    last = said(north, "/bad")[-len(at):]  # three of them lost their mode to the fourth
    for i in range(4):
        assert [s for mrid, s in last if mrid == "A%d" % i] in ([1], [1, 7]), last
    assert len(last) == 7


def test_many_that_are_refused_are_first_tried_at_a_pace():
    north = make(*[event("A%d" % i, NOW + 900) for i in range(9)], answer=status(413))
    at = tries(north, 100, "/rsp")
    assert at[:4] == [0, 2, 6, 14] and min([b - a for a, b in zip(at[3:], at[4:])]) >= 8, at
    assert len(set([mrid for mrid, _ in said(north)][:9])) == 9


def test_after_an_outage_what_failed_goes_out_at_once():
    north = make(event("A1", NOW - 10, 3000), event("B2", NOW + 900), event("C3", NOW + 950),
                 answer=OSError(104))
    obey(north)
    tries(north, 900, "/rsp")
    assert north.schedule.owed_count == 4
    north.server.routes["/rsp"] = status(201)
    since = len(said(north))
    tries(north, 61, "/rsp")
    assert [s for _, s in said(north)[since:]] == [1, 1, 1, 2], said(north)[since:]


def test_what_was_lost_is_said_when_it_grows_with_its_causes():
    lost = event("A1", NOW - 10, reply="/bad")
    north = make(lost, event("B2", NOW + 100))
    north.server.routes["/bad"] = status(400)
    assert north.said.count("ANSWERS_LOST") == 0
    flush(north)
    flush(north)
    assert north.said.count("ANSWERS_LOST") == 1
    assert north.said.count("ANSWERS_LOST", "refused=1", "full=0", "removed=0") == 1
    obey(north)
    north.server.routes["/bad"] = status(503)
    flush(north)
    north.programs.forget(0)
    assert not north.answers.is_due(north.world.t)
    assert north.said.count("ANSWERS_LOST", "refused=1", "full=0", "removed=1") == 1
    north = make(slots=2, answer=status(503))  # and as many spare rows
    for i in range(4):
        north.server.routes["/p/1/derc"] = paged("DERControlList", [
            event("E%d" % (2 * i + k), NOW - 10, status=2) for k in range(2)])
        north.cycle()
        north.answers.is_due(north.world.t)
    assert north.said.count("ANSWERS_LOST", "full=4") == 1
    assert north.said.count("ANSWERS_LOST", "full=12") == 1 and north.schedule.owed_count == 4
    assert north.said.count("ANSWERS_LOST") == 3


def test_no_wrap_of_the_ticks_holds_up_what_is_owed_long_after_a_failure():
    north = make(event("A1", NOW - 10, 2000000), answer=[status(503), status(201)])
    tries(north, 10, "/rsp")
    assert north.schedule.owed_count == 0
    for _ in range(14):  # days; the ticks of a 32-bit port are compared over six
        north.world.t += 86400000
        north.clock.now()
        assert not north.answers.is_due(north.world.t)
    obey(north)
    assert north.answers.is_due(north.world.t)


def test_a_dropped_answer_lets_the_next_one_of_its_event_go():
    north = make(event("A1", NOW - 10), answer=[status(400), status(201)])
    obey(north)
    flush(north)
    assert said(north) == [["A1", 1], ["A1", 2]]


def test_an_address_that_fails_does_not_hold_up_the_others():
    north = make(event("A1", NOW - 10, reply="/gone"), event("B2", NOW + 100),
                 event("C3", NOW + 500))
    for _ in range(4):
        north.world.t += 10000
        flush(north, 9)
    assert said(north, "/rsp") == [["B2", 1], ["C3", 1]]
    obey(north)
    north.world.t += 60000
    flush(north)
    # No later answer of the event before its first one (E4).
    assert [s for mrid, s in said(north, "/gone") if mrid == "A1" and s != 1] == []
    north.server.routes["/gone"] = status(201)
    north.world.t += 60000
    flush(north)
    assert said(north, "/gone")[-2:] == [["A1", 1], ["A1", 2]]


def test_an_address_that_is_none_holds_up_its_own_event_until_the_list_names_another():
    north = make(event("A1", NOW - 10, reply="ftp://server.example/rsp"), event("B2", NOW + 100))
    tries(north, 3, "/rsp")
    assert said(north) == [["B2", 1]] and north.schedule.owed_count == 1
    assert north.said.count("ANSWER_FAILED", "mrid=A1") == 2
    north.server.routes["/p/1/derc"] = paged("DERControlList", [event("A1", NOW - 10)])
    north.cycle()
    assert len(tries(north, 10, "/rsp")) == 1 and said(north)[-1] == ["A1", 1]


def test_an_address_is_kept_once():
    north = make(replies=3)
    assert north.answers.handle(None) == 0
    assert [north.answers.handle(h) for h in ("/a", "/a")] == [1, 1]


def test_addresses_beyond_the_tables_room_are_said_and_not_answered():
    controls = [event("A" + str(i), NOW + 100, reply="/rsp/" + str(i)) for i in range(4)]
    north = make(*controls, replies=3)
    assert north.said.count("REPLY_TO_FULL", "size=3") == 1
    assert north.schedule.owed_count == 3
    for i in range(4):
        north.server.routes["/rsp/" + str(i)] = status(201)
    flush(north)
    assert said(north) == [["A0", 1], ["A1", 1], ["A2", 1]]


def test_a_place_is_free_again_once_no_event_can_answer_there():
    north = make(event("A0", NOW - 10, 20, reply="/x"), event("B1", NOW + 900, reply="/y"),
                 replies=2)
    north.server.routes["/x"] = north.server.routes["/y"] = status(201)
    flush(north)
    assert north.answers.handle("/z") == 0  # A0 may still owe its end
    obey(north)
    north.pass_s(15)
    flush(north)
    north.server.routes["/p/1/derc"] = paged("DERControlList", [
        event("B1", NOW + 900, reply="/y"), event("C2", NOW + 500, reply="/z")])
    north.cycle()
    north.server.routes["/z"] = status(201)
    flush(north)
    assert said(north, "/z") == [["C2", 1]] and said(north, "/x")[-1] == ["A0", 3]


def test_an_event_whose_program_vanishes_meanwhile_is_answered_no_more():
    north = make(event("A1", NOW - 10))

    def vanish(_target, _body):
        # As Discovery does between two awaits: the FSA that led here is gone (B7, E7).
        north.programs.forget(0)
        north.programs.begin(0)
        north.programs.seen(0, "/p/2", 1, None, None)
        return answer

    for answer in (status(201), status(400), status(500)):
        north = make(event("A1", NOW - 10), answer=vanish)
        send(north)
        assert north.schedule.owed_count == 0
        assert not north.answers.is_due(north.world.t + 600000)
        assert said(north) == [["A1", 1]]


check.run(globals())
