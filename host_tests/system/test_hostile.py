"""A server that is broken or hostile: each ends with a line in the log, and loosens no limit."""

import functools
import re

import house
import pytest
from lxml import etree
from tools.utility.faults import padded

living = functools.partial(house.living, tight=True)

DEFAULT_W = 2000
HEAP_ROOM = 1024
_NO_END = "the list has no end, or an item that is none"


def list_of(kind):
    """A tamper that changes the replies for one kind of resource by a function of the body."""
    def decorate(change):
        def tamper(what, reply):
            if what == kind and reply.status == 200:
                return reply._replace(body=change(reply.body))
            return None
        return tamper
    return decorate


# What comes in place of a list of controls, and the cause that the log has to name.
HOSTILE = {
    # Too much, too little, too slow.
    "10 MB": ("fault", {"kind": "oversize", "count": 2}, "body too long"),
    "10 MB in chunks": ("chunks", lambda b: padded(b, 10_000_000), "body too long"),
    "endless chunks": ("fault", {"kind": "endless"}, "why=TIMEOUT"),
    "truncated document": ("fault", {"kind": "truncate", "keep": 0.7}, r"XMLError\('end'"),
    "another document": ("fault", {"kind": "wrong"}, r"Sep2Error\('root', b'html'"),
    "empty body": ("fault", {"kind": "wrong", "body": "", "content_type": "application/sep+xml"},
                   r"XMLError\('end', 0\)"),
    "drip": ("fault", {"kind": "slow", "bytes": 1, "every_s": 3}, "why=TIMEOUT"),
    "cut in the head": ("fault", {"kind": "cut_head"}, r"HTTPError\('truncated'"),
    "cut in the body": ("fault", {"kind": "cut_body", "keep": 0.6}, r"HTTPError\('truncated'"),
    "reset in the body": ("fault", {"kind": "cut_body", "keep": 0.6, "reset": True},
                          "why=CLOSED_BY_SERVER"),
    "silence": ("fault", {"kind": "silence"}, "why=TIMEOUT"),
    # No XML that is meant for us.
    "document type": ("body", lambda b: b.replace(b"?>", b"?><!DOCTYPE a [<!ENTITY b 'c'>]>", 1),
                      r"XMLError\('doctype'"),
    "very long tag": ("body", lambda b: b.replace(b"<DERControl ", b"<DERControl x='" + b"y" * 5000
                                                  + b"' "), r"XMLError\('window'"),
    "nested without end": ("body", lambda b: b.replace(
        b"<DERControl ", b"<a>" * 60 + b"<DERControl ", 1), r"XMLError\('depth'"),
    "document of another namespace": ("body", lambda b: b.replace(b"urn:ieee:std:2030.5:ns",
                                                                  b"urn:ieee:std:2030.6:ns"),
                                      r"Sep2Error\('root', b'DERControlList'"),
    # Lists that lie about their length.
    "list that claims more than it has": ("body", lambda b: swap(b, b'all="', b"40"), _NO_END),
    "list that claims less than it has": ("body", lambda b: swap(b, b'all="', b"0"), _NO_END),
    "list that claims no length": ("body", lambda b: swap(b, b'all="', b"-1"), "all: no count"),
    "list that claims too much": ("body", lambda b: swap(b, b'all="', b"9" * 40),
                                  "all: no count"),
    # Numbers.
    "number beyond all bounds": ("body", lambda b: swap(b, b"<start>", b"9" * 40, b"<"),
                                 "start: no number"),
    "negative duration": ("body", lambda b: swap(b, b"<duration>", b"-300", b"<"),
                          "duration: out of range"),
    "power beyond all bounds": ("body", lambda b: swap(b, b"<value>", b"9" * 40, b"<"),
                                "value: no number"),
    "limit below zero": ("body", lambda b: swap(b, b"<value>", b"-5", b"<"),
                         "opModExpLimW: out of range"),
    "multiplier beyond nine": ("body", lambda b: swap(b, b"<multiplier>", b"99", b"<"),
                               "opModExpLimW: out of range"),
    # Elements that are missing, double, or of another namespace.
    "odd hex in the mRID": ("body", lambda b: swap(b, b"<mRID>", b"xyz", b"<"),
                            "mRID: unreadable"),
    "no mRID": ("body", lambda b: b.replace(b"mRID>", b"mRIT>"), "mRID: missing"),
    "no base": ("body", lambda b: b.replace(b"DERControlBase>", b"DERControlBass>"),
                "DERControlBase: missing"),
    "two mRIDs": ("body", lambda b: twice(b, b"mRID"), "mRID: twice"),
    "two limits": ("body", lambda b: twice(b, b"opModExpLimW"), "opModExpLimW: twice"),
    "two bases": ("body", lambda b: twice(b, b"DERControlBase"), "DERControlBase: twice"),
    "limit of another namespace": ("body", lambda b: b.replace(b"https://csipaus.org/ns",
                                                               b"https://csipaus.org/ns/v9"),
                                   "DERControlBase: namespace"),
}


def twice(body, name):
    """Each element of that name stands there again."""
    return re.sub(rb"(<(\w+:)?%b>.*?</(\w+:)?%b>)" % (name, name), rb"\1\1", body)


def swap(body, before, value, end=b'"'):
    """Put a value where one stands after `before`."""
    head, found, rest = body.partition(before)
    return head + found + value + rest[rest.find(end):] if found else body


def begin(house, what):
    """Switch the fault of that name on; a function that switches it off."""
    kind, more, _cause = HOSTILE[what]
    if kind == "fault":
        house.utility.faults.add(more["kind"], resource="dercl",
                                 **{k: v for k, v in more.items() if k != "kind"})
    else:
        house.tamper = list_of("dercl")(more)
        if kind == "chunks":  # a few times: they are long
            house.chunks = 9000
            house.after(15000, lambda: end(house))


def end(house):
    """All is well again."""
    house.utility.faults.clear()
    house.tamper = house.chunks = None


def names(house, what, since=0.0):
    """Whether a warning or an error in the log names the cause."""
    return any(re.search(HOSTILE[what][2], line.text) for line in house.log
               if line.level in "WE" and line.at >= since)


def alive(house):
    """Bytes on the device's heap: the least of three looks, for one may come amid a request."""
    found = []
    for _ in range(3):
        house.run(1)
        found.append(house.heap()[0])
    return min(found)


@pytest.mark.parametrize("what", HOSTILE)
def test_list_of_controls_that_cannot_be_trusted_loosens_nothing(tmp_path, what):
    """An event runs and its list goes bad: it runs on, and the next good list counts again."""
    with living(tmp_path, poll_s=20) as house:
        house.default(exp_w=DEFAULT_W)
        running = house.publish(10, 500, exp_w=1000)
        house.boot()
        house.run_to(27)
        heap = alive(house)
        begin(house, what)
        house.run_to(110)
        assert names(house, what, 30), house.tail()
        assert {w for at, w, _ in house.limits() if at >= 10} == {1000}
        assert house.judge((10, 110, 1000)).passed
        # All is well once the server is.
        end(house)
        after = house.publish(110, 300, exp_w=700)
        house.run_to(170)
        assert house.limits()[-1][1:] == (700, "event") and house.statuses(after) == [1, 2]
        assert house.statuses(running) == [1, 2, 7]
        assert alive(house) <= heap + HEAP_ROOM and not house.said("TASK_FAILED")


@pytest.mark.parametrize("what", [what for what in HOSTILE if not what.startswith("10 MB")])
def test_list_of_controls_that_was_never_good_leaves_the_failsafe(tmp_path, what):
    with living(tmp_path) as house:
        house.default(exp_w=9000)
        house.publish(5, 900, exp_w=9000)
        begin(house, what)
        house.boot()
        house.run_to(60)
        assert {w for _, w, _ in house.limits()} == {1000}, house.tail()
        assert house.worst_export(15, 60) <= 1100
        assert names(house, what) and not house.said("TASK_FAILED")


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
        assert house.said("PROGRAM_UNREAD", why=_NO_END)
        others = house.gaps("tm", 60)
        assert others and max(others) < 150, "the other resources are still read"


def test_elements_in_another_order_say_the_same(tmp_path):
    kinds = set()

    def turn(node):
        for child in node:
            turn(child)
        node[:] = reversed(node)

    def tamper(kind, reply):
        if reply.status != 200:
            return None
        root = etree.fromstring(reply.body)
        turn(root)
        kinds.add(kind)
        return reply._replace(body=etree.tostring(root))

    with living(tmp_path) as house:
        house.tamper = tamper
        house.default(exp_w=DEFAULT_W, imp_w=4000, grad=100)
        event = house.publish(20, 60, exp_w=1200, more={"randomize_start": 1})
        house.boot()
        house.run_to(150)
        assert {"dcap", "tm", "edevl", "rg", "fsal", "derpl", "dercl", "dderc", "derl",
                "mupl"} <= kinds
        assert house.statuses(event) == [1, 2, 3]
        assert house.limits()[-1][1:] == (DEFAULT_W, "default")
        assert not [line for line in house.log if re.search("READ|FAILED|REFUSED", line.code)
                    and line.level in "WE"]


@pytest.mark.parametrize(("kind", "link", "cause"), [
    ("fsal", b"DERProgramListLink", "b'FunctionSetAssignmentsList'"),
    ("derpl", b"DERControlListLink", "b'DERProgramList'"),
    ("derpl", b"DefaultDERControlLink", "b'DERProgramList'")])
def test_link_that_leads_back_to_its_own_list_ends_there(tmp_path, kind, link, cause):
    with living(tmp_path) as house:
        house.default(exp_w=9000)
        house.publish(5, 900, exp_w=9000)
        seen = []
        house.heard = lambda what, asked: what == kind and seen.append(asked.path)

        def tamper(what, reply):
            if what != kind or reply.status != 200:
                return None
            return reply._replace(body=re.sub(rb'(<%b href=")[^"]*' % link,
                                              rb"\1" + seen[-1].encode(), reply.body))

        house.tamper = tamper
        house.boot()
        house.run_to(60)
        assert any(cause in line.text for line in house.log if line.level in "WE"), house.tail()
        assert {w for _, w, _ in house.limits()} == {1000}
        assert len(house.requests()) < 150  # it is not led round in circles


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
