"""A utility server in memory: a transport for urequests that answers from a table of paths.

Enters: documents.  Leaves: a connection that answers as HTTP does, in pieces, late, or not at all.

    server = Server(loop)
    server.routes["/derp"] = paged("DERProgramList", [program("/p/1", 1)], most=1)
    http = urequests.Session(server, bytearray(512), bytearray(1024))

An answer is bytes (all of the response), a list of such (one after the other, the last stays),
None (no answer comes), an OSError (the line breaks), an iterator of bytes, or a function
f(target, body) that gives one of these.
"""

import errno

from sep2 import EPOCH

_NS = 'xmlns="urn:ieee:std:2030.5:ns" xmlns:c="https://csipaus.org/ns"'


class Wire:
    """One connection."""

    def __init__(self, server):
        self._server = server
        self._request = b""
        self._coming = b""
        self._more = None
        self.hung = False
        self.gone = False  # the peer has closed the idle line
        self.closed = False

    async def write(self, buf, start, end, deadline):
        await self._server.wait(self._server.delay_ms, deadline)
        if self.gone:
            raise OSError(errno.ECONNRESET)
        self._request += bytes(buf[start:end])
        at = self._request.find(b"\r\n\r\n") + 4
        if at < 4 or len(self._request) < at + _length(self._request[:at]):
            return
        head, body, self._request = self._request[:at], self._request[at:], b""
        answer = self._server.answer(head, body)
        self.hung = answer is None
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, bytes):
            self._coming = answer
        elif answer is not None:
            self._more = answer

    async def readinto(self, buf, start, end, deadline):
        server = self._server
        await server.wait(100000 if self.hung else server.piece_ms, deadline)
        if not self._coming and self._more is not None:
            self._coming = next(self._more, b"")
        n = min(end - start, len(self._coming), server.step)
        buf[start:start + n] = self._coming[:n]
        self._coming = self._coming[n:]
        return n

    def stale(self):
        return self.gone or bool(self._coming)

    def close(self):
        self.closed = True


class Server:
    """The transport. `requests`: [ticks, method, target, body] of each that came."""

    def __init__(self, loop, delay_ms=20, piece_ms=0, step=4096):
        self._loop = loop
        self.delay_ms = delay_ms
        self.piece_ms = piece_ms
        self.step = step
        self.routes = {}
        self.requests = []
        self.heads = []
        self.wires = []
        self.down = None  # an exception for connect

    async def wait(self, ms, deadline):
        left = self._loop.left(deadline)
        if ms:
            await self._loop.sleep_ms(max(0, min(ms, left)))
        if ms > left:
            raise OSError(errno.ETIMEDOUT)

    async def connect(self, _host, _port, _secure, deadline):
        await self.wait(self.delay_ms, deadline)
        if self.down is not None:
            raise self.down
        self.wires.append(Wire(self))
        return self.wires[-1]

    def answer(self, head, body):
        method, target = str(head, "ascii").split(" ")[:2]
        self.requests.append([self._loop.now(), method, target, body])
        self.heads.append(head)
        entry = self.routes.get(target.split("?")[0], status(404))
        if isinstance(entry, list):
            entry = entry.pop(0) if len(entry) > 1 else entry[0]
        return entry(target, body) if callable(entry) else entry

    def targets(self, method="GET"):
        """The targets asked for by that method, in order."""
        return [r[2] for r in self.requests if r[1] == method]

    def bodies(self, path=None):
        """The bodies that were posted to that path, or to any."""
        return [r[3] for r in self.requests if r[1] == "POST" and path in (None, r[2])]


def _length(head):
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def ok(document, length=None):
    """A 200 with that document (str or bytes)."""
    body = document if isinstance(document, bytes) else document.encode()
    return status(200, "Content-Type: application/sep+xml", body=body, length=length)


def status(code, *headers, body=b"", length=None):
    """A response with that status and more header lines."""
    lines = ["HTTP/1.1 " + str(code) + " X", "Content-Length: " + str(
        len(body) if length is None else length)]
    return "\r\n".join(lines + list(headers) + ["", ""]).encode() + body


def resource(name, content="", attributes=""):
    """A document of that root."""
    return "<%s %s %s>%s</%s>" % (name, _NS, attributes, content, name)


def listing(name, items, every=None, rate=None):
    """A list document; `every` is what it says in `all`, "" to leave it out."""
    every = len(items) if every is None else every
    attributes = 'results="%d"' % len(items)
    if every != "":
        attributes += ' all="%s"' % every
    if rate is not None:
        attributes += ' pollRate="%d"' % rate
    return resource(name, "".join(items), attributes)


def paged(name, items, most=255, rate=None):
    """Answers the queries of a list's pages, at most that many items at once (default 1: B0)."""

    def answer(target, _body):
        query = dict([pair.split("=") for pair in target.partition("?")[2].split("&") if pair])
        start, limit = int(query.get("s", 0)), int(query.get("l", 1))
        part = items[start:start + min(limit, most)]
        return ok(listing(name, part, len(items), rate))

    return answer


def program(href, primacy, derc=None, dderc=None, mrid=""):
    """A DERProgram; its lists stand below it unless told otherwise ("" for none)."""
    text = '<DERProgram href="%s">' % href
    if mrid:
        text += "<mRID>%s</mRID>" % mrid
    dderc = href + "/dderc" if dderc is None else dderc
    derc = href + "/derc" if derc is None else derc
    if dderc:
        text += '<DefaultDERControlLink href="%s"/>' % dderc
    if derc:
        text += '<DERControlListLink href="%s"/>' % derc
    return text + "<primacy>%d</primacy></DERProgram>" % primacy


def assignments(href, derp):
    """A FunctionSetAssignments."""
    return ('<FunctionSetAssignments href="%s"><DERProgramListLink href="%s"/>'
            "</FunctionSetAssignments>" % (href, derp))


def limit(name, w):
    """One csipaus limit of a DERControlBase."""
    return "<c:%s><multiplier>0</multiplier><value>%s</value></c:%s>" % (name, w, name)


def event(mrid, start, duration=300, base=None, status=0, reply="/rsp", required="03"):
    """A DERControl; `start` in s since EPOCH."""
    base = limit("opModExpLimW", 2000) if base is None else base
    return (
        '<DERControl replyTo="%s" responseRequired="%s"><mRID>%s</mRID>'
        "<creationTime>%d</creationTime><EventStatus><currentStatus>%d</currentStatus>"
        "</EventStatus><interval><duration>%d</duration><start>%d</start></interval>"
        "<DERControlBase>%s</DERControlBase></DERControl>"
        % (reply, required, mrid, EPOCH, status, duration, start + EPOCH, base))


def default(base):
    """A DefaultDERControl document with that base."""
    return resource("DefaultDERControl", "<mRID>DD</mRID><DERControlBase>%s</DERControlBase>"
                    % base)
