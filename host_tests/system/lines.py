"""The far ends of the device's connections: the utility's HTTP, the site's Modbus TCP and RTU.

Enters: bytes that the device wrote, and the house.  Leaves: bytes for the device, some virtual
milliseconds later.  `feed(data)` takes, `out` holds what waits, `cut()` ends.

Usage: by the house.  Limit: HTTP/1.1 in the clear, one request at a time.
"""

import urllib.parse

from tools.site import RESET, RtuBus, TcpLine
from tools.utility import Request

WINDOW = 1024  # bytes that may lie unread in a socket of the device
ECONNRESET = 104
SLOW_STEP_MS = 20
MODBUS_WRITES = (6, 16)
METER_UNIT = 200


class Line:
    """One connection; `credit` is what the device's socket still takes."""

    def __init__(self, house, number, host):
        """Not open until the house says so."""
        self.house, self.number, self.host = house, number, host
        self.out = bytearray()
        self.signs = []         # letters for the device: O, F with errno, E
        self.credit = WINDOW
        self.dead = False       # the device or the far end has closed it
        self.mute = False       # a black hole: nothing comes back
        self.ending = False     # E goes out once `out` is empty

    def later(self, ms, action):
        """Do it unless the line is dead by then."""
        self.house.after(ms, lambda: None if self.dead else action())

    def send(self, data):
        """Put bytes on the line."""
        if not self.dead and not self.mute:
            self.out += data

    def cut(self, *, reset=False):
        """Close it from the far end, or break it."""
        if self.dead:
            return
        if reset:
            self.dead = True
            self.out.clear()
            self.signs.append(("F", ECONNRESET))
        else:
            self.ending = True

    def closed(self):
        """The device has closed it."""
        self.dead = True


class ModbusLine(Line):
    """The site's end: every unit of the site, with the faults of its wire."""

    def __init__(self, house, number, host):
        """A line to the site."""
        super().__init__(house, number, host)
        self._far = TcpLine(house.site, house.now)
        self._raw = b""

    def feed(self, data):
        """Answer each whole frame after the house's Modbus latency and the device's own."""
        self._raw += data
        while len(self._raw) >= 6:
            end = 6 + int.from_bytes(self._raw[4:6], "big")
            if len(self._raw) < end:
                return
            frame, self._raw = self._raw[:end], self._raw[end:]
            self.later(self.house.modbus_ms, lambda frame=frame: self._answer(frame))

    def _answer(self, frame):
        house = self.house
        house.site.advance(house.now)
        for after_ms, reply in self._far.feed(house.now, frame):
            if reply is RESET:
                self.later(after_ms, lambda: self.cut(reset=True))
            elif after_ms:
                self.later(after_ms, lambda reply=reply: self.send(reply))
            else:
                self.send(reply)
        if frame[6] == METER_UNIT and frame[7] not in MODBUS_WRITES:
            house.metered.append(house.ms)
        if frame[7] in MODBUS_WRITES:
            house.story.append((house.now, "write", frame.hex()))


class SerialLine(Line):
    """The site's units on a serial line, at the pace of its baud rate."""

    def __init__(self, house, number, host, baud):
        """A line to the site."""
        super().__init__(house, number, host)
        self._far = RtuBus(house.site, baud)

    def feed(self, data):
        """Each piece of the answers arrives when its last bit does."""
        house = self.house
        house.site.advance(house.now)
        if data[1] in MODBUS_WRITES:
            house.story.append((house.now, "write", data.hex()))
        for at_s, piece in self._far.feed(house.now, data):
            self.later(at_s * 1000 - house.ms, lambda piece=piece: self.send(piece))


class HttpLine(Line):
    """The utility's end: parses requests, asks its handlers, enacts the faults of the wire."""

    def __init__(self, house, number, host):
        """A line to the utility."""
        super().__init__(house, number, host)
        self._raw = b""
        self._sent = self._writes = 0  # of the request that comes in: bytes, and TLS records
        self._last = house.ms

    def feed(self, data):
        """Take bytes of a request; it is answered after the house's HTTP latency."""
        self._raw += data
        self._sent += len(data)
        self._writes += 1
        self._last = self.house.ms
        head, found, rest = self._raw.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("ascii").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._raw = rest[length:]
        method, target, version = first.split(" ")
        assert version == "HTTP/1.1" and headers["host"], first
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        asked = Request(method, url.path, query, headers, rest[:length], self.house.lfdi)
        self.later(self.house.http_ms, lambda: self._answer(asked))

    def _answer(self, asked):
        house = self.house
        if self.mute:
            return
        place = house.utility.hrefs.find(asked.path)
        kind = place.kind if place else "unknown"
        house.story.append((house.now, "request", asked.method + " " + kind))
        if asked.body:
            house.sent.append((house.now, kind, asked.body))
        if house.heard:
            house.heard(kind, asked)
        reply = house.utility.answer(asked, house.unix, session=self.number)
        if house.tamper:
            reply = house.tamper(kind, reply) or reply
        self._last = house.ms
        if reply.fault:
            self._spoil(reply)
            return
        raw = house.rendered(reply)
        house.wire.append((house.now, asked.method, kind, self._sent, self._writes, len(raw)))
        self._sent = self._writes = 0
        if house.piece is None:
            self.send(raw)
        else:
            self._dribble(raw, house.piece, 1)
        if house.closes:
            self.cut()
        else:
            self.later(house.keepalive_s * 1000, self._idle)

    def _idle(self):
        if self.house.ms - self._last >= self.house.keepalive_s * 1000:
            self.cut()

    def _dribble(self, raw, size, every_ms):
        if raw:
            self.send(raw[:size])
            self.later(every_ms, lambda: self._dribble(raw[size:], size, every_ms))

    def _spoil(self, reply):
        fault = reply.fault
        raw = self.house.rendered(reply)
        start = raw.find(b"\r\n\r\n") + 4
        if fault.kind == "slow":
            self._dribble(raw, fault.more["bytes"], round(fault.more["every_s"] * 1000))
        elif fault.kind == "endless":
            coding = b"Transfer-Encoding: chunked\r\nX-Length: "
            self.send(raw[:start].replace(b"Content-Length: ", coding))
            self.send(chunk(reply.body[:reply.body.rfind(b"</")]))
            self._endless(fault)
        elif fault.kind == "silence":
            self._silence(fault)
        else:
            at = {"cut_before": 0, "cut_head": raw.find(b"\r\n") + 12}.get(fault.kind)
            if at is None:
                at = start + int(len(reply.body) * fault.more["keep"])
            self.send(raw[:at])
            self.cut(reset=fault.more["reset"])

    def _endless(self, fault):
        if len(self.out) < WINDOW:
            self.send(chunk(b" " * 1000))
        self.later(SLOW_STEP_MS, lambda: self._endless(fault))

    def _silence(self, fault):
        if self.house.utility.faults.still(fault):
            self.later(1000, lambda: self._silence(fault))
        else:
            self.cut()


def chunk(data):
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def render(reply, size=None):
    """A reply as HTTP/1.1: with its length, or in chunks of `size` bytes."""
    lines = [f"HTTP/1.1 {reply.status} {'OK' if reply.status < 300 else 'Sorry'}"]
    lines += [f"{k}: {v}" for k, v in reply.headers.items()]
    body = reply.body
    if reply.status == 204:
        body = b""
    elif size is None:
        lines.append(f"Content-Length: {len(body)}")
    else:
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[at:at + size] for at in range(0, len(body), size)]
        body = b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
