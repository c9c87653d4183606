"""Reads HTTP/1.1 responses out of bytes that are fed to it.

Enters: bytes, put into the lent buffer by the caller.  Leaves: HEAD with status, wanted headers
and framing, BODY spans, END.

    reader = Reader(bytearray(512), ("content-type",))
    reader.reset("GET")
    event = reader.next_event()
    if event == NEED_DATA:
        n = sock.readinto(memoryview(reader.buf)[reader.room():])
        reader.feed(n) if n else reader.close()

The peer is one server that we chose, so the reader is strict: what RFC 9112 lets a lenient client
repair is an HTTPError here.  Limit: a line must fit the buffer, a length stays below 2**30.

    STATUS -line-> FIELDS -blank line-> FIXED | UNTIL_CLOSE | SIZE | END      (1xx: to STATUS)
    SIZE -n-> CHUNK -n bytes-> CHUNK_END -> SIZE      SIZE -0-> TRAILER -blank line-> END
    FIXED -all bytes-> END      UNTIL_CLOSE -close()-> END      any -error-> DEAD -reset()-> STATUS
"""

from micropython import const

from .field import BLANKS, chunk_size, decimal, is_token, lists, spells

NEED_DATA = const(0)
HEAD = const(1)
BODY = const(2)
END = const(3)
_ON = const(-1)  # a step that made progress and has nothing to report

_STATUS = const(0)
_FIELDS = const(1)
_FIXED = const(2)
_UNTIL_CLOSE = const(3)
_SIZE = const(4)
_CHUNK = const(5)
_CHUNK_END = const(6)
_TRAILER = const(7)
_DONE = const(8)
_DEAD = const(9)

_HUGE = const(0x3FFFFFFF)  # largest small int of a 32-bit board
_CHUNK_LINE = const(128)  # a chunk's size with its extensions, CR LF included
_ROOM_MIN = const(64)

_BODIES = (_FIXED, _UNTIL_CLOSE, _CHUNK)
_COUNTED = (_FIXED, _CHUNK)
_MINORS = (0, 1)
_NO_BODY = (204, 304)


class HTTPError(Exception):
    """The peer broke HTTP/1.1 or a limit, or a head is "full"; args[0] is a short constant."""


class Reader:
    """See the module's text. `buf` is lent: a bytearray of at least 64 bytes.

    `wanted`: lower-case names of the headers to keep, each a str.  `fields` and `total` limit the
    header lines and the bytes of all lines outside the body (1xx answers and trailers count too).
    ValueError when `buf` is too small.  Allocates a copy of the names.
    """

    def __init__(self, buf, wanted=(), fields=64, total=8192):
        if len(buf) < _ROOM_MIN:
            raise ValueError("buf")
        self.buf = buf
        self._wanted = tuple([(name, name.encode()) for name in wanted])
        self._fields_max = fields
        self._total_max = total
        self.reset()

    def reset(self, method="GET"):
        """Begin the response to a request of `method`; bytes left over are forgotten.

        For the next response of a connection and for a new connection alike. Allocates a dict.
        """
        self._bodiless = method == "HEAD"
        self._pos = 0
        self._stop = 0  # bytes from _pos to _stop have come and are not read yet
        self._closed = False
        self._fields = 0
        self._total = 0
        self._left = 0  # bytes of the body or the chunk still to come
        self._at = self._to = 0  # the line, then the value of its field
        self.start = self.end = 0  # the span of BODY
        self.length = -1  # bytes of the body, -1 when chunked or until the connection closes
        self.keep_alive = False
        self._begin_head()

    def _begin_head(self):
        self._state = _STATUS
        self._minor = 0
        self._length = -1  # Content-Length as received, -1 without one
        self._chunked = False
        self._says_close = False
        self._says_keep = False
        self.status = 0
        self.headers = {}

    # -- what the caller feeds ----------------------------------------------

    def room(self):
        """Compact; returns the index in `buf` from which on bytes may be put. Never allocates."""
        if self._state == _DONE:
            self._pos = self._stop  # beyond the end: keep_alive says so already
        buf, pos, n = self.buf, self._pos, self._stop - self._pos
        if pos:
            for i in range(n):
                buf[i] = buf[pos + i]
            self._pos = 0
            self._stop = n
        return n

    def feed(self, n):
        """n bytes (1 .. what room() left) have been put. ValueError otherwise; never allocates."""
        if not 0 < n <= len(self.buf) - self._stop:
            raise ValueError("feed")
        self._stop += n
        if self._state == _DONE:
            self._finish()

    def close(self):
        """The peer has closed: no more bytes will come. Never allocates."""
        self._closed = True
        self.keep_alive = False

    def body_left(self):
        """Bytes that the caller may read straight from the stream, past this reader.

        0 while `buf` still holds bytes, and wherever the framing must be read first; 2**30 - 1 for
        a body that lasts until the connection closes. Never allocates.
        """
        if self._pos < self._stop or self._closed:
            return 0
        if self._state == _UNTIL_CLOSE:
            return _HUGE
        return self._left if self._state in _COUNTED else 0

    def took(self, n):
        """The caller read n bytes of the body from the stream: 1 .. body_left(), else ValueError.

        Never allocates.
        """
        if not 0 < n <= self.body_left():
            raise ValueError("took")
        if self._state != _UNTIL_CLOSE:
            self._count(n)

    # -- events -------------------------------------------------------------

    def next_event(self):
        """NEED_DATA, HEAD, BODY or END (END again when asked again).

        HTTPError when the response is broken, cut short or beyond a limit; the reader is then dead
        until reset(). Allocates for wanted headers only.
        """
        event = _ON
        while event == _ON:
            state = self._state
            if state in _BODIES:
                event = self._body()
            elif state == _DONE:
                event = END
            elif state == _CHUNK_END:
                event = self._chunk_end()
            elif state == _DEAD:
                raise HTTPError("dead")
            else:
                event = self._read_line(state)
        return event

    def _fail(self, what):
        self._state = _DEAD
        self.keep_alive = False
        raise HTTPError(what)

    def _need(self):
        if not self._closed:
            return NEED_DATA
        if self._state == _UNTIL_CLOSE:
            self._finish()
            return _ON
        # RFC 9112 8: a message shorter than it promised is incomplete.
        self._fail("truncated" if self._total or self._pos < self._stop else "no response")

    def _finish(self):
        # Bytes beyond the end answer nothing that was asked. The response itself is whole, so
        # it stands; only the connection is out of step.
        if self._pos < self._stop or self._closed:
            self.keep_alive = False
        self._state = _DONE

    # -- lines --------------------------------------------------------------

    def _read_line(self, state):
        limit = _CHUNK_LINE if state == _SIZE else len(self.buf)
        if not self._line(limit):
            return self._need()
        if state == _STATUS:
            return self._status_line()
        if state == _SIZE:
            return self._size()
        if self._at < self._to:
            return self._field(state)
        if state == _FIELDS:
            return self._framing()
        self._finish()
        return _ON

    def _line(self, limit):
        # Take one line, CR LF left off, as the span _at .. _to. False when it is not there yet.
        buf, at, stop = self.buf, self._pos, self._stop
        lf = buf.find(b"\n", at, stop)
        if (stop if lf < 0 else lf + 1) - at > limit or (lf < 0 and stop - at >= limit):
            self._fail("line too long")
        if lf < 0:
            return False
        # A CR or NUL inside, or an LF alone, is how responses are smuggled: RFC 9112 2.2.
        if lf == at or buf.find(b"\r", at, lf) != lf - 1 or buf.find(b"\0", at, lf) >= 0:
            self._fail("line end")
        self._pos = lf + 1
        if self._state != _SIZE:
            self._total += lf + 1 - at
            if self._total > self._total_max:
                self._fail("head too long")
        self._at = at
        self._to = lf - 1
        return True

    def _status_line(self):
        # RFC 9112 4: HTTP-version SP status-code SP [reason-phrase]; the last SP is often absent.
        buf, at, to = self.buf, self._at, self._to
        minor = buf[at + 7] - 48 if to - at >= 12 else -1
        if buf.find(b"HTTP/1.", at, to) != at or minor not in _MINORS or buf[at + 8] != 32:
            self._fail("version")
        status = 0
        for i in range(at + 9, at + 12):
            if not 48 <= buf[i] <= 57:
                self._fail("status")
            status = status * 10 + buf[i] - 48
        if not 100 <= status <= 599 or status == 101 or (to > at + 12 and buf[at + 12] != 32):
            self._fail("status")  # 101 changes the protocol, which we never ask for
        self._minor = minor
        self.status = status
        self._state = _FIELDS
        return _ON

    def _field(self, state):
        # RFC 9112 5: field-name ":" OWS field-value OWS, no blank before the colon.
        self._fields += 1
        if self._fields > self._fields_max:
            self._fail("too many fields")
        buf, at = self.buf, self._at
        colon = buf.find(b":", at, self._to)
        if colon <= at:
            self._fail("field")
        for i in range(at, colon):
            if not is_token(buf[i]):
                self._fail("field")  # a folded line comes here too: RFC 9112 5.2
        while self._to > colon + 1 and buf[self._to - 1] in BLANKS:
            self._to -= 1
        self._at = colon + 1
        while self._at < self._to and buf[self._at] in BLANKS:
            self._at += 1
        if state == _FIELDS:
            self._framing_field(at, colon)
            self._keep_wanted(at, colon)
        return _ON

    def _framing_field(self, name, colon):
        buf, at, to = self.buf, self._at, self._to
        if spells(buf, name, colon, b"content-length"):
            length = decimal(buf, at, to)
            if length < 0 or (self._length >= 0 and self._length != length):
                self._fail("content-length")  # RFC 9112 6.3, 5: different ones
            self._length = length
        elif spells(buf, name, colon, b"transfer-encoding"):
            if self._chunked or not spells(buf, at, to, b"chunked"):
                self._fail("transfer-encoding")
            self._chunked = True
        elif spells(buf, name, colon, b"connection"):
            self._says_close = self._says_close or lists(buf, at, to, b"close")
            self._says_keep = self._says_keep or lists(buf, at, to, b"keep-alive")

    def _keep_wanted(self, at, colon):
        for name, spelling in self._wanted:
            if not spells(self.buf, at, colon, spelling):
                continue
            for i in range(self._at, self._to):
                if not (32 <= self.buf[i] < 127 or self.buf[i] == 9):
                    self._fail("header value")
            value = str(bytes(self.buf[self._at:self._to]), "utf-8")
            if self.headers.get(name, value) != value:
                self._fail("repeated header")  # each wanted one is single: RFC 9110 5.3
            self.headers[name] = value

    # -- framing and body ---------------------------------------------------

    def _framing(self):
        # RFC 9112 6.3: what follows the head.
        status = self.status
        if self._chunked and (self._length >= 0 or self._minor == 0):
            self._fail("transfer-encoding")
        if status < 200:  # an interim response: the real one follows, RFC 9110 15.2
            self._begin_head()
            return _ON
        persistent = self._minor == 1 or self._says_keep
        self.keep_alive = persistent and not self._says_close and not self._closed
        if self._bodiless or status in _NO_BODY or self._length == 0:
            self.length = 0
            self._finish()
        elif self._chunked:
            self._state = _SIZE
        elif self._length > 0:
            self.length = self._left = self._length
            self._state = _FIXED
        else:
            self.keep_alive = False
            self._state = _UNTIL_CLOSE
        return HEAD

    def _body(self):
        n = self._stop - self._pos
        if not n:
            return self._need()
        if self._state != _UNTIL_CLOSE:
            n = min(n, self._left)
        self.start = self._pos
        self._pos += n
        self.end = self._pos
        if self._state != _UNTIL_CLOSE:
            self._count(n)
        return BODY

    def _count(self, n):
        self._left -= n
        if self._left:
            return
        if self._state == _CHUNK:
            self._state = _CHUNK_END
        else:
            self._finish()

    def _size(self):
        self._left = chunk_size(self.buf, self._at, self._to)
        if self._left < 0:
            self._fail("chunk size")
        self._state = _CHUNK if self._left else _TRAILER
        return _ON

    def _chunk_end(self):
        if self._stop - self._pos < 2:
            return self._need()
        if self.buf.find(b"\r\n", self._pos, self._pos + 2) < 0:
            self._fail("chunk end")
        self._pos += 2
        self._state = _SIZE
        return _ON
