"""Requests over one connection that is kept: requests of micropython-lib, to be awaited.

Enters: URLs, small bodies, a transport.  Leaves: a Response whose body is read as it comes.

    session = Session(transport, bytearray(512), bytearray(1024))
    response = await session.get("https://server.example/dcap", deadline=deadline)

The transport: `await connect(host, port, tls, deadline)` gives a stream with
`await readinto(buf, start, end, deadline)` -> n (0: closed), `await write(buf, start, end,
deadline)` (all of it), `stale()` and `close()`.  Deadlines are handed through and never looked at.
Errors: OSError (the line), ValueError (a URL, a header, the peer's certificate), HTTPError.
Limit: one exchange at a time; a request ends the response before it.

    CLOSED --connect--> IDLE --request--> OPEN --body read to its end--> IDLE
    IDLE --stale, other origin--> CLOSED      OPEN --error, close()--> CLOSED
"""

from http1 import BODY, END, HEAD, HTTPError, Reader, write_head
from micropython import const

from .response import Response
from .url import host_header, resolve, split

BODY_MAX = const(1 << 20)  # bytes of a body where the caller gives no limit
DRAIN_MAX = const(1024)  # bytes of a rest that are cheaper than a new TLS handshake

_NEEDED = ("content-encoding", "location")
_WANTED = ("content-type", "retry-after")
_BODIED = ("POST", "PUT", "PATCH")
_MOVED = (301, 302, 307, 308)
_BYTES = (bytes, bytearray, memoryview)

# Whose second execution does no harm (RFC 9110 9.2.2); DELETE would answer 404 then.
_REPEATABLE = ("GET", "HEAD", "PUT")


class Session:
    """See the module's text. `rx` and `tx` are lent bytearrays: a line of a head must fit rx,
    the head of a request tx.

    `wanted`: lower-case names of the headers that responses give besides location and
    content-encoding.  `agent`: value of User-Agent, None for none.  `codings`: content codings
    that the caller asks for (Accept-Encoding) and decodes itself; any other is refused.
    """

    def __init__(self, transport, rx, tx, wanted=_WANTED, agent=None, codings=()):
        self._transport = transport
        self._rx = rx
        self._rx_view = memoryview(rx)
        self._tx = tx
        self._agent = agent
        self._codings = codings
        self._reader = Reader(rx, _NEEDED + tuple([n for n in wanted if n not in _NEEDED]))
        self._stream = None
        self._tls = False
        self._host = None
        self._port = 0
        self._response = None  # the one whose body may be read
        self._busy = False
        self._deadline = None
        self._limit = 0
        self._coded = False  # the body has a content coding that nobody decodes: not to be read
        self._at = self._to = 0  # body bytes in rx that the caller has not had yet
        self._came = False  # a byte of an answer came in this exchange
        self._given = 0  # body bytes that the caller had

    # -- the API of requests --------------------------------------------------

    async def request(self, method, url, data=None, headers=None, deadline=None, limit=BODY_MAX):
        """Send a request; returns the Response once its head has come.

        `data` is bytes or a memoryview, None for no body, or an object whose `__len__` says how
        many bytes there are and whose `__iter__` gives them in pieces, each good until the next is
        asked for (ValueError when they are more or fewer); `headers` a dict of str; `deadline`
        goes to the stream with every call for this exchange; `limit` is the most body bytes that
        readinto gives. Allocates the Response, its headers and the parts of the URL.

        One redirect (301, 302, 307, 308) is followed when it stays on the host and does not leave
        TLS, with the same method and body; any other is given as it is. RuntimeError while another
        task's request is under way.
        """
        if self._busy:
            raise RuntimeError("busy")
        if isinstance(data, str):
            raise ValueError("data")
        self._busy = True
        self._deadline = deadline
        self._limit = limit
        try:
            return await self._follow(method, url, data, self._with_agent(headers))
        finally:
            self._busy = False

    def get(self, url, **kw):
        """Await: request("GET", url, ...)."""
        return self.request("GET", url, **kw)

    def head(self, url, **kw):
        """Await: request("HEAD", url, ...)."""
        return self.request("HEAD", url, **kw)

    def post(self, url, **kw):
        """Await: request("POST", url, data=..., ...)."""
        return self.request("POST", url, **kw)

    def put(self, url, **kw):
        """Await: request("PUT", url, data=..., ...)."""
        return self.request("PUT", url, **kw)

    def patch(self, url, **kw):
        """Await: request("PATCH", url, data=..., ...)."""
        return self.request("PATCH", url, **kw)

    def delete(self, url, **kw):
        """Await: request("DELETE", url, ...)."""
        return self.request("DELETE", url, **kw)

    def close(self):
        """Drop the connection and end the response, if any; harmless when there is none.

        Not for another task than the one that awaits a request. Does not allocate.
        """
        self._response = None
        self._at = self._to = 0
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    # -- an exchange ----------------------------------------------------------

    def _with_agent(self, headers):
        if self._agent is None:
            return headers or {}
        merged = {"User-Agent": self._agent}
        merged.update(headers or {})
        return merged

    async def _follow(self, method, url, data, headers):
        response = await self._exchange(method, url, data, headers)
        there = self._redirect(response, url)
        if there is None:
            return response
        await response.close()
        return await self._exchange(method, there, data, headers)

    def _redirect(self, response, url):
        # The URL to follow, None when the response is to be given as it is.
        if response.status_code not in _MOVED or "location" not in response.headers:
            return None
        try:
            there = resolve(url, response.headers["location"])
            tls, host, _port, _target = split(there)
        except ValueError:
            return None
        # Our certificate and our data go to the host that was asked, and never in the clear.
        return there if host == self._host and (tls or not self._tls) else None

    async def _exchange(self, method, url, data, headers):
        tls, host, port, target = split(url)
        n = write_head(self._tx, method, target, host_header(tls, host, port), headers,
                       _length(method, data))
        self._reuse(tls, host, port)
        good = False
        try:
            await self._talk(method, n, data)
            good = True
        finally:
            if not good:
                self.close()
        return self._begin()

    async def _talk(self, method, n, rest):
        if self._stream is not None:
            if await self._reused(method, n, rest):
                return
            self.close()
        self._stream = await self._transport.connect(
            self._host, self._port, self._tls, self._deadline)
        await self._send(method, n, rest)
        await self._read_head()

    def _reuse(self, tls, host, port):
        # Keep the connection only when it is idle, still alive and leads to this origin.
        if self._stream is None:
            pass
        elif self._response is not None or self._stream.stale():
            self.close()
        elif tls != self._tls or host != self._host or port != self._port:
            self.close()
        self._tls = tls
        self._host = host
        self._port = port

    async def _reused(self, method, n, rest):
        # Try the kept connection; False when it was dead and the request may go out again: no
        # byte of an answer came, and either the write failed, so that the server cannot have had
        # the whole request, or the method may be executed twice. Hence never a POST that was
        # sent: the server may have acted on it before it went away.
        sent = False
        try:
            await self._send(method, n, rest)
            sent = True
            await self._read_head()
        except (OSError, HTTPError):
            if self._came or (sent and method not in _REPEATABLE):
                raise
            return False
        return True

    async def _send(self, method, n, rest):
        self._reader.reset(method)
        self._came = False
        stream, tx, deadline = self._stream, self._tx, self._deadline
        left = len(rest) if rest is not None else 0
        if isinstance(rest, _BYTES):
            rest = (rest,)
        for piece in rest or ():
            size = len(piece)
            left -= size
            if left < 0:
                break
            at = 0
            while at < size:  # as few writes, and TLS records, as the buffer allows
                if n == 0 and size - at >= len(tx):
                    await stream.write(piece, at, size, deadline)
                    break
                part = min(size - at, len(tx) - n)
                tx[n:n + part] = piece[at:at + part]
                n += part
                at += part
                if n == len(tx):
                    await stream.write(tx, 0, n, deadline)
                    n = 0
        if left:
            raise ValueError("the pieces are not what __len__ said")
        if n:
            await stream.write(tx, 0, n, deadline)

    async def _read_head(self):
        while self._reader.next_event() != HEAD:
            await self._fill()

    async def _fill(self):
        reader = self._reader
        start = reader.room()
        n = await self._stream.readinto(self._rx, start, len(self._rx), self._deadline)
        if n:
            self._came = True
            reader.feed(n)
        else:
            reader.close()

    def _begin(self):
        reader = self._reader
        response = Response(self, reader.status, reader.headers, reader.length)
        coding = reader.headers.get("content-encoding", "identity").lower()
        self._coded = coding != "identity" and coding not in self._codings
        self._given = 0
        self._response = response
        if reader.length == 0:
            self._finish()
        return response

    def _finish(self):
        # The response was read to its end: the connection is idle, or of no further use.
        self._response.ended = True
        self._response = None
        if not self._reader.keep_alive:
            self.close()

    # -- the body, for Response -----------------------------------------------

    async def body_into(self, response, buf, start, end):
        """Response.readinto's work; see there."""
        if response.ended:
            return 0
        if response is not self._response:
            raise HTTPError("closed")
        good = False
        try:
            n = await self._some(buf, start, end)
            self._given += n
            if self._given > self._limit:
                raise HTTPError("body too long")
            good = True
        finally:
            if not good:
                self.close()
        if not n:
            self._finish()
        return n

    async def _some(self, buf, start, end):
        if self._coded:
            raise HTTPError("content-encoding")
        reader = self._reader
        while self._at == self._to:
            n = min(reader.body_left(), end - start)
            if n:  # nothing is held here: straight into the caller's buffer
                n = await self._stream.readinto(buf, start, start + n, self._deadline)
                if n:
                    reader.took(n)
                    return n
                reader.close()
            event = reader.next_event()
            if event == BODY:
                self._at = reader.start
                self._to = reader.end
            elif event == END:
                return 0
            else:
                await self._fill()
        n = min(self._to - self._at, end - start)
        buf[start:start + n] = self._rx_view[self._at:self._at + n]
        self._at += n
        return n

    def refuse(self, response, why):
        """Raise HTTPError(why), the connection dropped when it still carries this response."""
        if response is self._response:
            self.close()
        raise HTTPError(why)

    async def end(self, response):
        """Response.close's work; see there."""
        if response is not self._response:
            return
        try:
            drained = self._reader.keep_alive and await self._drained()
        except (OSError, HTTPError):
            drained = False  # the caller has what it wanted: only the line is lost
        if drained:
            self._response = None
        if not drained or not self._reader.keep_alive:
            self.close()

    async def _drained(self):
        reader = self._reader
        spare = DRAIN_MAX - (self._to - self._at)
        self._at = self._to = 0
        while spare >= reader.body_left():
            event = reader.next_event()
            if event == END:
                return True
            if event == BODY:
                spare -= reader.end - reader.start
            else:
                await self._fill()
        return False


def _length(method, data):
    # RFC 9110 8.6: a method that carries a body says so even when there is none.
    if data is not None:
        return len(data)
    return 0 if method in _BODIED else -1

