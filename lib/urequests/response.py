"""One answer: its status and headers at once, its body as the caller asks for it.

Enters: a Session whose stream stands behind the head.  Leaves: bytes in the caller's buffer.

    n = await response.readinto(window, start, len(window))    # 0 at the end
    await response.close()

Limit: only the last response of a Session can be read; the next request ends it.
"""


class Response:
    """Made by Session.request only.

    `status_code`; `headers`, a dict of the wanted ones by lower-case name; `reason`, always "":
    what stands there means nothing (RFC 9112 4) and is not kept.
    """

    def __init__(self, session, status, headers, length):
        self._session = session
        self.status_code = status
        self.headers = headers
        self.reason = ""
        self.ended = length == 0  # read to its end; kept by the Session
        self._length = length

    async def readinto(self, buf, start=0, end=None):
        """Put body bytes into buf[start:end]; returns how many, 0 at the end of the body.

        HTTPError: broken framing, cut short, beyond the request's `limit`, an encoding that was
        not asked for, or the response is closed; OSError: the line. The connection is dropped
        then. Allocates what awaiting takes, never for the body.
        """
        end = len(buf) if end is None else end
        if not 0 <= start < end <= len(buf):
            raise ValueError("readinto")
        return await self._session.body_into(self, buf, start, end)

    async def read(self, limit):
        """The rest of the body as bytes; HTTPError when the body is longer than `limit` bytes.

        Allocates the body twice for a moment, `limit` bytes where no length was announced.
        """
        if self._length > limit:
            self._session.refuse(self, "body too long")
        # One byte more than may come, so that the end is seen and too long a body as well.
        buf = bytearray((limit if self._length < 0 else self._length) + 1)
        n = 0
        while True:
            got = await self.readinto(buf, n)
            n += got
            if not got:
                return bytes(memoryview(buf)[:n])
            if n == len(buf):
                self._session.refuse(self, "body too long")

    async def text(self, limit):
        """The rest of the body as str, from UTF-8: UnicodeError (a ValueError) when it is not.

        As read(limit) for the rest.
        """
        return str(await self.read(limit), "utf-8")

    async def close(self):
        """Done with this response: a rest of up to DRAIN_MAX bytes is read and thrown away.

        A longer rest, or one that does not come, costs the connection; no error is raised.
        A second call does nothing.
        """
        await self._session.end(self)
