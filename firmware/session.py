"""One conversation with the utility server: GET that parses as it reads, POST of small bodies.

Enters: hrefs and readers of `sep2`.  Leaves: records handed over one by one, or a
SessionError that says what the caller can do about it.

    session = Session(loop, http, xml, window, profile.media_type, link.reason)
    await session.read(url, reader, take)         # take(reader) for each record
    status = await session.send("POST", url, memoryview(buf)[:n])

One connection, kept alive; requests never overlap.  Limit: an answer may take EXCHANGE_MS and have
BODY_MAX bytes in all, whatever the server says its length is.
"""

import gc

import log
from http1 import HTTPError
from micropython import const
from sep2 import DONE, ITEM, NEED_DATA, Sep2Error
from xmlpull import XMLError

EXCHANGE_MS = const(20000)
BODY_MAX = const(1 << 20)
_PAUSE_MS = const(100)  # between two requests: the server limits the rate (handbook sample)
_RETRY_AFTER_MAX_S = const(3600)
_DATE_S = const(60)  # for a Retry-After that is a date: no calendar here

# What a failure means to the caller (requirements A9).
OUTAGE = const(1)  # no line, no answer, 5xx: keep what is known, try again
BUSY = const(2)  # 429: try again after `wait_s`
GONE = const(3)  # 401, 403, 404, 410: the resource is not ours or not there
REFUSED = const(4)  # 3xx, other 4xx: this request finds no better answer soon
UNREADABLE = const(5)  # 2xx whose body cannot be understood

# What an exchange fails with; a handshake may find too little memory.
_FAILURES = (OSError, ValueError, HTTPError, MemoryError)


class SessionError(Exception):
    """An exchange failed: `kind` of the list above, `reason` for the log, `wait_s` or -1.

    `status`: what the server answered, 0 where no answer came.
    """

    def __init__(self, kind, reason, wait_s=-1, status=0):
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.wait_s = wait_s
        self.status = status


def kind_of(status):
    """The kind of failure that a status means (requirements A9)."""
    if status == 429:
        return BUSY
    if status in {401, 403, 404, 410}:
        return GONE
    return OUTAGE if status >= 500 else REFUSED


class Body:
    """A body made piece by piece in one small buffer: counted once, made again while it goes out.

    `write` is sep2.write, `writer` an xmlpull.Writer over `buf`.  Allocates little.
    """

    def __init__(self, write, writer, buf, profile):
        self._write = write
        self._writer = writer
        self._view = memoryview(buf)
        self._profile = profile
        self._parts = ()

    def one(self, kind, values):
        """The body of one resource; returns self, for Session.send."""
        self._parts = ((kind, values, self._profile),)
        return self

    def many(self, parts):
        """A body of several parts: an iterable of (kind, values, profile), gone through twice."""
        self._parts = parts
        return self

    def __len__(self):
        n = 0
        for piece in self:
            n += len(piece)
        return n

    def __iter__(self):
        writer, view = self._writer, self._view
        for kind, values, profile in self._parts:
            at = -1
            while at:
                writer.reset()
                at = self._write(writer, kind, values, profile, max(at, 0))
                yield view[:writer.n]


class Session:
    """See the module's text. `http` is a urequests.Session, `xml` a Reader over `window`.

    `explain(exc)` gives the code for what the link failed with.  `inflate`: inflate.Inflate where
    bodies may come compressed; what fails to inflate is asked for plain from then on.
    """

    def __init__(self, loop, http, xml, window, media_type, explain, inflate=None):
        self._loop = loop
        self._http = http
        self._xml = xml
        self._window = window
        self._explain = explain
        self._inflate = inflate
        self._plain = self._accept = {"Accept": media_type}
        if inflate is not None:
            self._accept = {"Accept": media_type, "Accept-Encoding": "gzip"}
        self._post = {"Accept": media_type, "Content-Type": media_type}
        self._last = loop.now()
        self.requests = 0
        self.failures = 0
        self._outage_said = ""
        self.location = None

    async def read(self, url, reader, take):
        """GET and parse; take(reader) for each record. Returns the ticks of its midpoint.

        SessionError when there was no complete, readable 200 answer: what `take` was given
        until then is then part of a list that was not read to its end.
        """
        reader.begin()
        response, sent = await self._begin("GET", url, None, self._accept)
        try:
            if response.status_code != 200:
                raise self._refused(response)
            middle = self._loop.add(sent, self._loop.diff(self._loop.now(), sent) // 2)
            coding = response.headers.get("content-encoding", "").lower()
            if coding == "gzip" and self._inflate is not None:
                await self._parse_inflated(response, reader, take)
            else:
                await self._parse(response.readinto, reader, take)
        except (XMLError, Sep2Error) as exc:
            self._http.close()
            raise SessionError(UNREADABLE, repr(exc))
        except _FAILURES as exc:
            raise self._outage(exc)
        await self._end(response)
        return middle

    async def _parse_inflated(self, response, reader, take):
        inflate, given = self._inflate, 0

        async def readinto(window, start, _end):
            nonlocal given
            n = inflate.readinto(window, start)
            given += n
            if given > BODY_MAX:
                raise ValueError("inflated body too long")
            return n

        good = False
        try:
            await inflate.begin(response)
            await self._parse(readinto, reader, take)
            good = True
        finally:
            if not good and self._inflate is not None:
                log.warn("GZIP_OFF")
                self._inflate = None
                self._accept = self._plain

    async def _parse(self, readinto, reader, take):
        xml, window = self._xml, self._window
        while True:
            event = reader.next_record()
            if event == NEED_DATA:
                start = xml.room()
                n = await readinto(window, start, len(window))
                if n:
                    xml.feed(n)
                    await self._loop.sleep_ms(0)  # a fast line must not keep the others waiting
                else:
                    xml.close()
            elif event == ITEM:
                take(reader)
            elif event == DONE:
                return

    async def send(self, method, url, data):
        """POST or PUT `data` (see urequests); returns the status (2xx). SessionError for others.

        `location` is then the answer's Location, resolved by nobody, or None.
        """
        response, _sent = await self._begin(method, url, data, self._post)
        if not 200 <= response.status_code < 300:
            raise self._refused(response)
        self.location = response.headers.get("location")
        await self._end(response)
        return response.status_code

    async def text(self, url):
        """GET a short document that is no XML: its bytes. SessionError, also when it is long.

        Limit: what fits the window, less one byte.
        """
        response, _sent = await self._begin("GET", url, None, self._plain)
        if response.status_code != 200:
            raise self._refused(response)
        n = got = 0
        try:
            while n < len(self._window):
                got = await response.readinto(self._window, n, len(self._window))
                n += got
                if not got:
                    break
        except _FAILURES as exc:
            raise self._outage(exc)
        await self._end(response)
        if got:
            raise SessionError(UNREADABLE, "longer than " + str(n) + " bytes")
        return bytes(memoryview(self._window)[:n])

    async def _begin(self, method, url, data, headers):
        pause = _PAUSE_MS - self._loop.diff(self._loop.now(), self._last)
        if 0 < pause <= _PAUSE_MS:
            await self._loop.sleep_ms(pause)
        self.requests += 1
        sent = self._loop.now()
        try:
            response = await self._http.request(
                method, url, data=data, headers=headers, deadline=self._loop.after(EXCHANGE_MS),
                limit=BODY_MAX)
        except _FAILURES as exc:
            raise self._outage(exc)
        finally:
            self._last = self._loop.now()
        if self._outage_said != "-":
            self._outage_said = "-"
            log.info("LINK_UP", "status", response.status_code)
        return response, sent

    async def _end(self, response):
        try:
            await response.close()
        except _FAILURES:
            self._http.close()  # the answer was complete: only the line is lost
        self._last = self._loop.now()

    def _refused(self, response):
        self.failures += 1
        status = response.status_code
        wait_s = -1
        after = response.headers.get("retry-after")
        if after is not None:
            try:
                wait_s = min(int(after), _RETRY_AFTER_MAX_S)
            except ValueError:
                wait_s = _DATE_S
        self._http.close()
        return SessionError(kind_of(status), "HTTP_" + str(status), wait_s, status)

    def _outage(self, exc):
        self.failures += 1
        self._http.close()
        if isinstance(exc, MemoryError):
            gc.collect()
        code, error = self._explain(exc), repr(exc)
        if error != self._outage_said:  # each cause once an outage, not at every try
            self._outage_said = error
            log.warn("LINK_DOWN", "why", code, "error", error)
        return SessionError(OUTAGE, code)

    def drop(self):
        """Close the connection; the next request opens another."""
        self._http.close()
