"""Writes the head of an HTTP/1.1 request into a lent buffer.

Enters: method, target, host, headers, length of the body.  Leaves: bytes in the buffer.

    n = write_head(buf, "GET", "/dcap", "server.example", {"Accept": "application/sep+xml"}, -1)

Limit: the head must fit the buffer, and every part is visible ASCII.
"""

from micropython import const

from .field import BLANKS, is_token
from .reader import HTTPError

# What a part may hold.
_OURS = const(0)
_TOKEN = const(1)  # RFC 9110 5.6.2
_VISIBLE = const(2)  # no blanks, not empty
_VALUE = const(3)  # blanks inside are fine: RFC 9110 5.5

_NEVER_EMPTY = (_TOKEN, _VISIBLE)
_FRAMING = ("host", "content-length", "transfer-encoding", "connection")


def write_head(buf, method, target, host, headers, length):
    """Write the head of a request; returns its bytes n, so that it is buf[:n].

    `target` is path and query, `host` the Host header's value, `headers` a dict of str to str,
    `length` the bytes of the body, -1 for none at all (no Content-Length then).
    ValueError names the part that holds a CR, LF, NUL, blank or byte beyond ASCII, or a header
    that is written here anyway; HTTPError "full" when `buf` is too small. Allocates a copy of
    each part for a moment.  RFC 9112 3, RFC 9110 7.2.
    """
    n = _put(buf, 0, method, _TOKEN, "method")
    n = _put(buf, n, " ", _OURS, "")
    n = _put(buf, n, target, _VISIBLE, "target")
    n = _put(buf, n, " HTTP/1.1\r\nHost: ", _OURS, "")
    n = _put(buf, n, host, _VISIBLE, "host")
    for name in headers:
        if name.lower() in _FRAMING:
            raise ValueError("header " + name.lower())
        n = _field(buf, n, name, headers[name])
    if length >= 0:
        n = _put(buf, n, "\r\nContent-Length: ", _OURS, "")
        n = _put(buf, n, str(length), _OURS, "")
    return _put(buf, n, "\r\nConnection: keep-alive\r\n\r\n", _OURS, "")


def _field(buf, n, name, value):
    n = _put(buf, n, "\r\n", _OURS, "")
    n = _put(buf, n, name, _TOKEN, "header name")
    n = _put(buf, n, ": ", _OURS, "")
    return _put(buf, n, value, _VALUE, "header value")


def _put(buf, n, part, kind, what):
    # Append a part; returns the new length. The bytes are checked as they are stored.
    data = part.encode()
    if not data and kind in _NEVER_EMPTY:
        raise ValueError(what)
    if n + len(data) > len(buf):
        raise HTTPError("full")
    for c in data:
        if kind != _OURS and not _allowed(c, kind):
            raise ValueError(what)
        buf[n] = c
        n += 1
    return n


def _allowed(c, kind):
    if c in BLANKS:
        return kind == _VALUE
    return is_token(c) if kind == _TOKEN else 32 < c < 127
