# heap: 512k
"""Compressed bodies: the same records as plain ones, and every way in which they can be broken."""

import check
import sep2
import xmlpull
from edges import Said, World, run
from inflate import Inflate
from link import reason
from loop import Loop
from server import Server, ok
from session import Session, SessionError
from urequests import Session as Http

_URL = "http://server.example/fsa"


class Rig:
    """A session that asks for gzip, and a server that gives it that body."""

    def __init__(self, size=1024, body=None, coding="gzip"):
        self.world = World()
        self.said = Said()
        self.loop = Loop(self.world, self.world)
        self.server = Server(self.loop)
        window = bytearray(256)
        xml = xmlpull.Reader(window, sep2.NAMESPACES)
        http = Http(self.server, bytearray(256), bytearray(512), codings=("gzip",))
        self.session = Session(self.loop, http, xml, window, "application/sep+xml", reason,
                               Inflate(size))
        self.reader = sep2.FunctionSetAssignmentsList(xml)
        self.body, self.coding = body, coding
        self.server.routes["/fsa"] = self.answer

    def answer(self, _target, _body):
        if self.server.heads[-1].find(b"Accept-Encoding: gzip") < 0:
            return ok(PLAIN)
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/sep+xml\r\nContent-Encoding: %s\r\n"
        head += "Content-Length: %d\r\n\r\n"
        return (head % (self.coding, len(self.body))).encode() + self.body

    def read(self):
        """The hrefs that a read gives."""
        got = []
        run(self.world, self.loop,
            self.session.read(_URL, self.reader, lambda reader: got.append(reader.href)))
        return got


PLAIN = check.vector("fsa_list.xml")
PACKED = check.vector("fsa_list.xml.gz")  # the same, by another encoder
HREFS = ["/fsa/%d" % i for i in range(20)]


def test_a_compressed_list_gives_the_same_records_again_and_again():
    rig = Rig(body=PACKED)
    for _ in range(3):
        assert rig.read() == HREFS
    assert len(rig.body) < len(PLAIN) // 3 and len(rig.server.wires) == 1
    assert rig.said.count("GZIP_OFF") == 0


def test_what_cannot_be_inflated_is_asked_for_plain_from_then_on():
    whole = PACKED
    for broken in (whole[:-9], whole[:40], whole[:5], b"", b"\0" * 60, whole[:-8] + b"\0" * 8,
                   whole[:30] + b"\xff" * 20 + whole[50:], whole[:-4] + b"\1\0\0\0",
                   bytes(1024), PLAIN):
        rig = Rig(body=broken)
        assert check.raises(SessionError, rig.read).kind == 1
        assert rig.said.count("GZIP_OFF") == 1, broken
        rig.server.routes["/fsa"] = ok(PLAIN)
        assert rig.read() == HREFS
        assert rig.server.heads[-1].find(b"Accept-Encoding") < 0


def test_a_body_beyond_the_buffer_or_the_limit_is_refused():
    rig = Rig(size=64, body=PACKED)
    assert check.raises(SessionError, rig.read).kind == 1
    rig = Rig(size=8192, body=check.vector("bomb.xml.gz"))
    assert check.raises(SessionError, rig.read).kind == 1
    assert rig.said.count("GZIP_OFF") == 1


def test_a_coding_that_was_not_asked_for_is_refused():
    rig = Rig(body=PACKED, coding="br")
    assert check.raises(SessionError, rig.read).kind == 1


check.run(globals())
