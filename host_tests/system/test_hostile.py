"""A server that is broken or hostile: each ends with a line in the log, and loosens no limit."""

import pytest
from house import living

DEFAULT_W = 2000


def list_of(kind):
    """A tamper that changes the replies for one kind of resource by a function of the body."""
    def decorate(change):
        def tamper(what, reply):
            if what == kind and reply.status == 200:
                return reply._replace(body=change(reply.body))
            return None
        return tamper
    return decorate


HOSTILE = {
    "oversized body": ("fault", {"kind": "oversize", "size": 2_000_000, "count": 2}),
    "endless chunks": ("fault", {"kind": "endless"}),
    "truncated document": ("fault", {"kind": "truncate", "keep": 0.7}),
    "another document": ("fault", {"kind": "wrong"}),
    "empty body": ("fault", {"kind": "wrong", "body": "", "content_type": "application/sep+xml"}),
    "drip": ("fault", {"kind": "slow", "bytes": 1, "every_s": 3}),
    "cut in the head": ("fault", {"kind": "cut_head"}),
    "cut in the body": ("fault", {"kind": "cut_body", "keep": 0.6}),
    "reset in the body": ("fault", {"kind": "cut_body", "keep": 0.6, "reset": True}),
    "silence": ("fault", {"kind": "silence"}),
    "document type": ("body", lambda b: b.replace(b"?>", b"?><!DOCTYPE a [<!ENTITY b 'c'>]>", 1)),
    "list that claims more than it has": ("body", lambda b: swap(b, b'all="', b"40")),
    "very long tag": ("body", lambda b: b.replace(b"<DERControl ", b"<DERControl x='" + b"y" * 5000
                                                  + b"' ")),
    "number beyond all bounds": ("body", lambda b: swap(b, b"<start>", b"9" * 40, b"<")),
    "negative duration": ("body", lambda b: swap(b, b"<duration>", b"-300", b"<")),
    "odd hex in the mRID": ("body", lambda b: swap(b, b"<mRID>", b"xyz", b"<")),
    "no mRID": ("body", lambda b: b.replace(b"mRID>", b"mRIT>")),
    "nested without end": ("body", lambda b: b.replace(b"<DERControl ", b"<a>" * 60
                                                       + b"<DERControl ", 1)),
}


def swap(body, before, value, end=b'"'):
    """Put a value where one stands after `before`."""
    head, found, rest = body.partition(before)
    return head + found + value + rest[rest.find(end):] if found else body


@pytest.mark.parametrize("what", HOSTILE)
def test_list_of_controls_that_cannot_be_trusted_loosens_nothing(tmp_path, what):
    """An event runs and its list goes bad: it runs on, and the next good list counts again."""
    kind, more = HOSTILE[what]
    with living(tmp_path, poll_s=20) as house:
        house.default(exp_w=DEFAULT_W)
        running = house.publish(10, 500, exp_w=1000)
        house.boot()
        house.run_to(30)
        if kind == "fault":
            house.utility.faults.add(more["kind"], resource="dercl",
                                     **{k: v for k, v in more.items() if k != "kind"})
        else:
            house.tamper = list_of("dercl")(more)
        lines = len(house.log)
        house.run_to(110)
        assert [line for line in house.log[lines:] if line.level in "WE"], house.tail()
        assert {w for at, w, _ in house.limits() if at >= 10} == {1000}
        assert house.judge((10, 110, 1000)).passed
        # All is well once the server is.
        house.utility.faults.clear()
        house.tamper = None
        after = house.publish(110, 300, exp_w=700)
        house.run_to(170)
        assert house.limits()[-1][1:] == (700, "event") and house.statuses(after) == [1, 2]
        assert house.statuses(running) == [1, 2, 7]


@pytest.mark.parametrize("what", [what for what in HOSTILE if what != "oversized body"])
def test_list_of_controls_that_was_never_good_leaves_the_failsafe(tmp_path, what):
    kind, more = HOSTILE[what]
    with living(tmp_path) as house:
        house.default(exp_w=9000)
        house.publish(5, 900, exp_w=9000)
        if kind == "fault":
            house.utility.faults.add(more["kind"], resource="dercl",
                                     **{k: v for k, v in more.items() if k != "kind"})
        else:
            house.tamper = list_of("dercl")(more)
        house.boot()
        house.run_to(60)
        assert {w for _, w, _ in house.limits()} == {1000}, house.tail()
        assert house.worst_export(15, 60) <= 1100


@pytest.mark.parametrize(("kind", "fault"), [
    *((kind, fault) for kind in ("dcap", "tm", "edevl", "fsal", "derpl", "dderc")
      for fault in ("truncate", "wrong")),
    ("derpl", "endless"), ("tm", "endless"), ("fsal", "cut_body"), ("dderc", "cut_body")])
def test_any_resource_that_breaks_leaves_the_running_event_alone(tmp_path, kind, fault):
    with living(tmp_path, poll_s=20) as house:
        house.default(exp_w=DEFAULT_W)
        event = house.publish(10, 110, exp_w=1200)
        house.boot()
        house.run_to(40)
        house.utility.faults.add(fault, resource=kind)
        house.run_to(110)
        assert {w for at, w, _ in house.limits() if at >= 10} == {1200}
        assert [line for line in house.log if line.level in "WE" and line.at > 40]
        house.utility.faults.clear()
        house.run_to(160)
        assert house.limits()[-1][1:] == (DEFAULT_W, "default")
        assert house.statuses(event) == [1, 2, 3]


@pytest.mark.parametrize(("kind", "fault"), [
    *((kind, fault) for kind in ("dcap", "tm", "edevl", "rg", "fsal", "derpl", "dercl", "dderc")
      for fault in ("truncate", "wrong")), ("fsal", "oversize")])
def test_resource_that_never_was_readable_leaves_the_failsafe(tmp_path, kind, fault):
    more = {"size": 2_000_000} if fault == "oversize" else {}
    with living(tmp_path) as house:
        house.default(exp_w=9000)
        house.publish(5, 900, exp_w=9000)
        house.utility.faults.add(fault, resource=kind, **more)
        house.boot()
        house.run_to(60)
        ruled = {w for _, w, _ in house.limits()}
        assert ruled == {1000}, house.tail()
        assert house.worst_export(15, 60) <= 1100


def test_pages_that_never_end(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=DEFAULT_W)
        house.publish(40, 900, exp_w=1500)
        house.boot()
        house.run_to(30)

        # Whatever page is asked for, it is the first one of a list of thousands.
        house.tamper = list_of("dercl")(lambda b: swap(b, b'all="', b"4000000"))
        heard = house.utility.handle

        def always_first(request, now):
            return heard(request._replace(query={**request.query, "s": "0"}), now)

        house.utility.handle = always_first
        house.run_to(260)
        assert max(w for at, w, _ in house.limits() if at > 3) <= DEFAULT_W
        assert house.said("READ_FAILED") or house.said("PROGRAM_UNREAD")
        others = house.gaps("tm", 60)
        assert others and max(others) < 150, "the other resources are still read"


def test_flood_of_events_fills_a_table_of_fixed_size(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=DEFAULT_W)
        for i in range(200):
            house.publish(100 + 60 * i, 60, "p2", exp_w=9000)
        house.boot()
        house.run_to(100)
        assert house.said("EVENTS_FULL")
        now = house.publish(120, 300, "p1", exp_w=700)
        house.run_to(260)
        assert house.limits()[-1][1:] == (700, "event"), "the more important program has room"
        assert house.statuses(now) == [1, 2]


def test_redirect_to_another_host_is_not_followed(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=DEFAULT_W)
        house.boot()
        house.run_to(30)

        def tamper(kind, reply):
            if kind == "dercl":
                return reply._replace(status=302, body=b"",
                                      headers={"Location": "https://evil.test/x"})
            return None

        house.tamper = tamper
        house.run_to(120)
        assert house.first("connect", "evil.test") == len(house.story)
        assert house.limits()[-1][1:] == (DEFAULT_W, "default")
