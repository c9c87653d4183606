# heap: 96k
"""Heads of requests: what is written, what is refused, what does not fit."""

import check
from http1 import HTTPError, write_head

_GET = (b"GET /dcap?s=0&l=1 HTTP/1.1\r\nHost: server.example:8443\r\n"
        b"Accept: application/sep+xml; csipaus=1.3\r\nConnection: keep-alive\r\n\r\n")
_POST = (b"POST /mup HTTP/1.1\r\nHost: [::1]\r\nContent-Type: a/b\r\n"
         b"Content-Length: 1234\r\nConnection: keep-alive\r\n\r\n")


def head(method, target, host, headers, length, size=256):
    buf = bytearray(size)
    n = write_head(buf, method, target, host, headers, length)
    assert not any(buf[n:])
    return bytes(buf[:n])


def test_heads_are_written_to_the_byte():
    accept = {"Accept": "application/sep+xml; csipaus=1.3"}
    assert head("GET", "/dcap?s=0&l=1", "server.example:8443", accept, -1) == _GET
    assert head("POST", "/mup", "[::1]", {"Content-Type": "a/b"}, 1234) == _POST
    assert b"\r\nContent-Length: 0\r\n" in head("POST", "/", "h", {}, 0)
    assert b"Content-Length" not in head("GET", "/", "h", {}, -1)
    assert b"\r\nX: \r\n" in head("GET", "/", "h", {"X": ""}, -1)


def test_a_head_that_does_not_fit_is_full_at_every_size():
    accept = {"Accept": "application/sep+xml; csipaus=1.3"}
    target = "/dcap?s=0&l=1"
    for size in range(len(_GET)):
        exc = check.raises(HTTPError, head, "GET", target, "server.example:8443", accept, -1, size)
        assert exc.args[0] == "full", size
    assert head("GET", target, "server.example:8443", accept, -1, len(_GET)) == _GET


def test_no_part_can_break_out_of_its_place():
    good = ["GET", "/x", "h", "Name", "value"]
    names = ("method", "target", "host", "header name", "header value")
    for at, name in enumerate(names):
        for bad in ("\r", "\n", "\0", "\x1f", "\x7f", "\xe9", "\u20ac", " ", "\t"):
            if name == "header value" and bad in " \t":
                continue
            for part in ("a" + bad + "b", bad, "a" + bad):
                parts = good[:]
                parts[at] = part
                exc = check.raises(ValueError, head, parts[0], parts[1], parts[2],
                                   {parts[3]: parts[4]}, -1)
                assert exc.args[0] == name, (name, part)
    for at in range(4):
        parts = good[:]
        parts[at] = ""
        exc = check.raises(ValueError, head, parts[0], parts[1], parts[2], {parts[3]: "v"}, -1)
        assert exc.args[0] == names[at]
    assert check.raises(ValueError, head, "GET", "/", "h", {"A:": "b"}, -1)


def test_headers_that_frame_the_request_are_not_the_callers():
    for name in ("Host", "content-length", "TRANSFER-ENCODING", "Connection"):
        exc = check.raises(ValueError, head, "GET", "/", "h", {name: "close"}, -1)
        assert exc.args[0] == "header " + name.lower()


check.run(globals())
