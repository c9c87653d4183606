# heap: 448k
"""One conversation with a server in memory: what a failure means, and to the line."""

import check
import sep2
import session as module
import urequests
import xmlpull
from edges import Said, World, run
from http1 import HTTPError
from link import reason
from loop import Loop
from server import Server, ok, resource, status
from sep2 import fields
from session import BUSY, GONE, OUTAGE, REFUSED, UNREADABLE, Body, Session, SessionError

_URL = "http://server.example/tm"
_DOC = resource("Time", "<currentTime>1777836800</currentTime>", 'pollRate="60"')


class Rig:
    """A session, its server, and a reader of Time."""

    def __init__(self, *answers, window=256, **kw):
        self.world = World()
        self.loop = Loop(self.world, self.world)
        self.said = Said()
        self.server = Server(self.loop, **kw)
        self.server.routes["/tm"] = list(answers)
        self.http = urequests.Session(self.server, bytearray(256), bytearray(512))
        window = bytearray(window)
        xml = xmlpull.Reader(window, sep2.NAMESPACES)
        self.session = Session(self.loop, self.http, xml, window, "application/sep+xml", reason)
        self.tm = sep2.Time(xml)
        self.list = sep2.DERProgramList(xml)

    def read(self, reader=None, take=None):
        return run(self.world, self.loop, self.session.read(_URL, reader or self.tm, take))

    def fails(self, **kw):
        """The SessionError that a read ends with."""
        return check.raises(SessionError, lambda: self.read(**kw))

    def post(self, body=b"<a/>"):
        data = bytearray(body) + b"rest"
        part = memoryview(data)[:len(body)]
        return run(self.world, self.loop, self.session.send("POST", _URL, part))


def test_a_read_fills_the_reader_and_keeps_the_line():
    rig = Rig(ok(_DOC))
    rig.read()
    assert rig.tm.current == 200000000 and rig.tm.poll_rate == 60
    rig.read()
    assert len(rig.server.wires) == 1 and rig.session.requests == 2 and not rig.session.failures
    head = rig.server.heads[0]
    assert b"Accept: application/sep+xml\r\n" in head and b"Host: server.example\r\n" in head


def test_a_read_gives_the_middle_of_its_exchange():
    rig = Rig(ok(_DOC), delay_ms=300)
    rig.world.t = 5000
    middle = rig.read()
    # A line has to be made first (300 ms), then the request goes out (300 ms).
    assert middle == 5300, middle
    assert rig.world.t == 5600


def test_each_status_is_of_its_kind():
    for code, kind in ((400, REFUSED), (401, GONE), (403, GONE), (404, GONE), (405, REFUSED),
                       (409, REFUSED), (410, GONE), (413, REFUSED), (422, REFUSED), (429, BUSY),
                       (500, OUTAGE), (502, OUTAGE), (503, OUTAGE), (599, OUTAGE)):
        rig = Rig(status(code, body=b"COMMS DISABLED"), ok(_DOC))
        failed = rig.fails()
        assert failed.kind == kind and failed.reason == "HTTP_" + str(code), code
        assert failed.wait_s == -1 and rig.session.failures == 1 and failed.status == code
        rig = Rig(status(code), ok(_DOC))
        assert check.raises(SessionError, rig.post).kind == kind
        rig.read()  # and the next exchange is none the worse for it


def test_only_a_200_is_read():
    for answer in (status(204), status(201, "Location: /x"), status(304)):
        assert Rig(answer).fails().kind == REFUSED


def test_retry_after_is_handed_on_within_an_hour():
    for said, taken in (("7", 7), ("0", 0), ("3600", 3600), ("99999999999", 3600),
                        ("Fri, 31 Dec 2027 23:59:59 GMT", 60), ("", 60), ("soon", 60)):
        for code in (429, 503):
            assert Rig(status(code, "Retry-After: " + said)).fails().wait_s == taken, said


def test_a_body_beyond_the_bound_is_cut_off_and_the_line_dropped():
    def endless():
        yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<Time xmlns='urn:ieee:std:2030.5:ns'>"
        while True:
            sent.append(4096)
            yield b"<!--" + b"x" * 4089 + b"-->"

    sent = []
    rig = Rig(lambda _target, _body: endless(), window=4096)
    assert rig.fails().kind == OUTAGE
    assert module.BODY_MAX < sum(sent) + 8192 and sum(sent) < module.BODY_MAX + 16384
    assert rig.server.wires[0].closed


def test_an_answer_cut_short_at_any_byte_is_a_failure():
    whole = ok(_DOC)
    for n in range(len(whole)):
        rig = Rig(whole[:n])
        assert rig.fails().kind == OUTAGE, n
        assert rig.server.wires[0].closed
        assert rig.tm.current != 200000000 or n > len(whole) - 10


def test_a_document_cut_short_under_a_sound_length_is_unreadable():
    for n in range(len(_DOC)):
        rig = Rig(ok(_DOC[:n]))
        assert rig.fails().kind == UNREADABLE, n


def test_what_is_no_resource_of_ours_is_unreadable_and_closes_the_line():
    for body in ("<html><body>hello</body></html>", "", "COMMS DISABLED", "{}", "<Time>",
                 resource("DeviceCapability"), resource("Time"), _DOC + "<more/>",
                 _DOC.replace("</Time>", "</Tim>"),
                 resource("Time", "<currentTime>noon</currentTime>")):
        rig = Rig(ok(body), ok(_DOC))
        assert rig.fails().kind == UNREADABLE, body
        assert rig.server.wires[0].closed
        rig.read()
        assert rig.tm.current == 200000000 and len(rig.server.wires) == 2


def test_items_are_handed_over_until_a_document_breaks():
    item = '<DERProgram href="/p/%d"><primacy>1</primacy></DERProgram>'
    text = resource("DERProgramList", "".join([item % i for i in range(9)]),
                    'all="9" results="9"')
    for step in (1, 7, 4096):
        rig = Rig(ok(text), step=step)
        seen = []
        rig.read(rig.list, lambda reader: seen.append(reader.href))
        assert seen == ["/p/%d" % i for i in range(9)] and rig.list.all == 9
        rig = Rig(ok(text[:text.find("/p/5")]), step=step)
        seen = []
        failed = rig.fails(reader=rig.list, take=lambda reader: seen.append(reader.href))
        assert failed.kind == UNREADABLE and seen == ["/p/%d" % i for i in range(5)]


def test_an_outage_is_said_once_and_so_is_its_end():
    rig = Rig(ok(_DOC))
    rig.read()
    assert rig.said.count("LINK_UP") == 1
    for _outage in range(2):
        rig.http.close()
        rig.server.down = OSError(111)
        for _try in range(5):
            assert rig.fails().reason == "NO_SERVER"
        rig.server.down = None
        for _try in range(3):
            rig.read()
    assert rig.said.count("LINK_DOWN", "why=NO_SERVER") == 2
    assert rig.said.count("LINK_UP") == 3
    order = [line.split(" ")[2] for line in rig.said.lines]
    assert order == ["LINK_UP", "LINK_DOWN", "LINK_UP", "LINK_DOWN", "LINK_UP"], order


def test_another_cause_within_an_outage_is_said_too():
    rig = Rig(ok(_DOC))
    for down, why in ((OSError(111), "NO_SERVER"), (OSError(110), "TIMEOUT"),
                      (ValueError("The certificate validity has expired"), "CERT_EXPIRED"),
                      (MemoryError(), "NO_MEMORY")):
        rig.server.down = down
        failed = rig.fails()
        assert failed.kind == OUTAGE and failed.reason == why, why
        assert rig.fails().reason == why
        assert rig.said.count("LINK_DOWN", "why=" + why) == 1
    assert rig.session.failures == 8


def test_requests_keep_a_pause():
    rig = Rig(ok(_DOC), ok(_DOC), status(404), status(500), ok(_DOC), delay_ms=7)
    ends = []
    for i in range(5):
        if i in (2, 3):
            rig.fails()
        else:
            rig.read()
        ends.append(rig.world.t)
    begun = [r[0] for r in rig.server.requests]
    for end, begin in zip(ends, begun[1:]):
        assert 100 <= begin - end <= 120, (ends, begun)
    rig.world.t += 5000
    before = rig.world.t
    rig.read()
    assert rig.server.requests[-1][0] - before == 7  # long enough ago: no pause


def test_silence_ends_at_the_deadline():
    rig = Rig(None, ok(_DOC))
    failed = rig.fails()
    assert failed.kind == OUTAGE and failed.reason == "TIMEOUT"
    assert module.EXCHANGE_MS <= rig.world.t <= module.EXCHANGE_MS + 150
    assert rig.server.wires[0].closed
    rig.read()


def test_an_answer_that_trickles_in_ends_at_the_same_deadline():
    rig = Rig(ok(_DOC), piece_ms=900, step=1)
    assert rig.fails().reason == "TIMEOUT"
    assert rig.world.t <= module.EXCHANGE_MS + 150


def test_a_line_that_breaks_is_an_outage():
    rig = Rig(OSError(104), ok(_DOC))
    assert rig.fails().reason == "CLOSED_BY_SERVER"
    rig.read()
    rig.server.wires[-1].gone = True  # an idle line that the peer closed costs nothing
    rig.read()
    assert len(rig.server.wires) == 3


def test_a_body_is_posted_whole_and_its_status_given():
    rig = Rig(status(201, "Location: /rsp/1"), status(204), status(200, body=b"<x/>"))
    assert [rig.post(b"<a>" + b"b" * n + b"</a>") for n in (0, 100, 400)] == [201, 204, 200]
    assert [len(body) for body in rig.server.bodies()] == [7, 107, 407]
    assert b"Content-Type: application/sep+xml\r\n" in rig.server.heads[0]
    assert run(rig.world, rig.loop, rig.session.send("PUT", _URL, bytearray(b"<a/>"))) == 200
    assert rig.server.requests[-1][1] == "PUT" and len(rig.server.wires) == 1


def test_a_post_is_not_sent_twice_when_its_answer_is_lost():
    rig = Rig(status(201), b"", status(201))
    rig.post()
    assert check.raises(SessionError, rig.post).kind == OUTAGE
    assert len(rig.server.requests) == 2


def test_an_address_that_is_none_is_a_failure_like_any_other():
    rig = Rig(ok(_DOC))
    for url in ("ftp://server.example/tm", "http://server.example:99999/", "/tm"):
        failed = check.raises(SessionError, lambda: run(
            rig.world, rig.loop, rig.session.read(url, rig.tm, None)))
        assert failed.kind == OUTAGE


def test_drop_closes_the_line():
    rig = Rig(ok(_DOC))
    rig.read()
    rig.session.drop()
    assert rig.server.wires[0].closed
    rig.read()
    assert len(rig.server.wires) == 2


def test_broken_http_is_an_outage():
    for answer in (b"SMTP ready\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n",
                   ok(_DOC).replace(b"Content-Type", b"Content-Encoding")):
        assert Rig(answer).fails().kind == OUTAGE
    assert reason(HTTPError("line")) == "REFUSED"


# -- bodies made piece by piece --------------------------------------------------


def body_of(size=300):
    buf = bytearray(size)
    return Body(sep2.write, xmlpull.Writer(buf), buf, sep2.PROFILES["eql"])


_STATUS = {fields.AT: 200000000, fields.ALARM: 2, fields.OPERATIONAL: (200000000, 2),
           fields.GEN_CONNECT: (199999990, 7), fields.INVERTER: (199999990, 4),
           fields.LOCAL_CONTROL: (199999990, 1)}


def pieces(body):
    """Its bytes, and how many pieces they came in."""
    found = [bytes(piece) for piece in body]
    return b"".join(found), len(found)


def test_a_body_is_the_same_in_pieces_of_any_size_and_knows_its_length():
    whole, n = pieces(body_of(2000).one(fields.DER_STATUS, _STATUS))
    assert n == 1 and whole.startswith(b"<DERStatus xmlns=") and whole.endswith(b"</DERStatus>")
    for size in (100, 128, 200, 384):
        body = body_of(size).one(fields.DER_STATUS, _STATUS)
        assert len(body) == len(whole)
        assert pieces(body)[0] == pieces(body)[0] == whole, size  # as often as one likes
        assert pieces(body)[1] > 1


def test_a_body_of_several_parts_is_one_document():
    def parts():
        yield fields.READINGS_HEAD, {fields.COUNT: 2}, sep2.PROFILES["eql"]
        for i in range(2):
            yield (fields.READING, {fields.MRID: b"AB", fields.DURATION: 300,
                                    fields.START: 300 * i, fields.VALUE: -7}, None)
        yield fields.READINGS_TAIL, None, None

    class Many:
        def __iter__(self):
            return parts()

    body = body_of(250).many(Many())
    text, n = pieces(body)
    assert n >= 4 and len(body) == len(text)
    assert text.count(b"<MirrorMeterReading>") == 2 and text.count(b"</") > 8
    assert text.endswith(b"</MirrorMeterReading></MirrorMeterReadingList>")


def test_a_value_that_no_schema_allows_is_an_error_before_anything_is_sent():
    rig = Rig(status(204))
    for kind, values in ((fields.DER_SETTINGS, {fields.MAX_W: 5}),
                         (fields.DER_STATUS, {fields.AT: 0, fields.ALARM: 1 << 33})):
        body = body_of().one(kind, values)
        check.raises(sep2.Sep2Error, lambda: run(
            rig.world, rig.loop, rig.session.send("PUT", _URL, body)))
    assert rig.server.requests == []
    assert rig.post() == 204


def test_a_body_in_pieces_arrives_whole_under_its_length():
    whole = pieces(body_of(2000).one(fields.DER_STATUS, _STATUS))[0]
    for size in (100, 300):
        rig = Rig(status(204))
        body = body_of(size).one(fields.DER_STATUS, _STATUS)
        assert run(rig.world, rig.loop, rig.session.send("PUT", _URL, body)) == 204
        assert rig.server.requests[0][1] == "PUT" and rig.server.requests[0][3] == whole
        assert rig.server.heads[0].count(b"Content-Length: %d\r\n" % len(whole)) == 1


def test_a_body_in_pieces_goes_out_again_on_a_line_that_was_dead():
    rig = Rig(ok(_DOC), status(204))
    rig.read()
    rig.server.wires[-1].gone = True
    body = body_of(100).one(fields.DER_STATUS, _STATUS)
    assert run(rig.world, rig.loop, rig.session.send("PUT", _URL, body)) == 204
    assert rig.server.requests[-1][3] == pieces(body)[0] and len(rig.server.wires) == 2


def test_where_a_resource_was_made_is_kept_until_the_next_one():
    rig = Rig(status(201, "Location: /mup/7"), status(204), status(201, "location: http://x/y"),
              status(503, "Location: /no"))
    seen = []
    for _ in range(3):
        rig.post()
        seen.append(rig.session.location)
    assert seen == ["/mup/7", None, "http://x/y"]
    check.raises(SessionError, rig.post)
    assert rig.session.location != "/no"


# -- short documents that are no XML ---------------------------------------------------


def text(rig):
    return run(rig.world, rig.loop, rig.session.text(_URL))


def test_a_text_is_given_as_it_came_in_any_pieces():
    for step in (1, 3, 4096):
        for data in (b"", b"{}", b"x" * 255):
            rig = Rig(ok(data), step=step)
            assert text(rig) == data
            assert b"Accept-Encoding" not in rig.server.heads[0]
            assert text(rig) == data and len(rig.server.wires) == 1


def test_a_text_that_does_not_fit_is_unreadable_and_harms_nothing():
    for n in (256, 257, 5000):
        rig = Rig(ok(b"y" * n), ok(_DOC))
        assert check.raises(SessionError, lambda: text(rig)).kind == UNREADABLE, n
        rig.read()
        assert rig.tm.current == 200000000


def test_a_text_that_cannot_be_had_is_a_failure_of_its_kind():
    whole = ok(b"{123}")
    for answer, kind in ((status(404), GONE), (status(500), OUTAGE), (status(201), REFUSED),
                         (OSError(104), OUTAGE), (whole[:-1], OUTAGE), (None, OUTAGE)):
        rig = Rig(answer, ok(_DOC))
        assert check.raises(SessionError, lambda: text(rig)).kind == kind, answer
        rig.read()


check.run(globals())
