# heap: 512k
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


def test_only_a_refusal_drops_an_answer():
    for answer, owed in ((status(400), 0), (status(409), 0), (status(404), 1), (status(401), 1),
                         (status(500), 1), (status(429), 1), (OSError(104), 1)):
        north = make(event("A1", NOW - 10), answer=answer)
        send(north)
        assert north.schedule.owed_count == owed, owed
        assert north.said.count("ANSWER_FAILED", "mrid=A1", "status=1") == 1
        assert north.schedule.owed_refused == 1 - owed


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


def test_an_address_that_is_none_costs_its_answers_only():
    north = make(event("A1", NOW - 10, reply="ftp://server.example/rsp"), event("B2", NOW + 100))
    flush(north)
    assert said(north) == [["B2", 1]] and north.schedule.owed_count == 0
    assert north.said.count("ANSWER_FAILED", "mrid=A1") == 1


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
