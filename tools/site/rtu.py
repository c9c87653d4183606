"""Modbus RTU: the site's units on one RS-485 line, with CRC and the pace of its baud rate.

Enters: bytes as a client sends them, and when.  Leaves: bytes, and when they have all arrived.

    bus = RtuBus(site, baud=9600, turnaround_ms=5)
    for at_s, data in bus.feed(0.0, request):
        ...

A unit that is not there, a wrong CRC and a broadcast (unit 0, which acts) are answered by silence,
as on a real line.  Limit: a frame ends by its length; what is cut is forgotten after 50 ms.
"""

from __future__ import annotations

from tools.site.chain import WRITE_MANY, WRITE_ONE
from tools.site.frames import answer_pdu, hit, respond
from tools.site.site import Site

BITS = 11                       # 8E1 and 8N2; 8N1 has 10
_FIXED_GAP_BAUD = 19200
_FIXED_GAP_S = 0.00175
_FORGET_S = 0.05
_PIECE = 8
_GARBAGE = b"\x00\xff"


def crc16(data: bytes) -> bytes:
    """CRC of a frame as it stands on the wire, low byte first (Modbus over serial line 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


class RtuBus:
    """One line; one request at a time, in the order in which they came."""

    def __init__(self, site: Site, baud: int = 19200, turnaround_ms: float = 5, bits: int = BITS,
                 units: tuple[int, ...] | None = None):
        """`units`: those that are wired to it; None: all of the site."""
        self._site, self._units = site, units
        self._char_s = bits / baud
        self._gap_s = _FIXED_GAP_S if baud > _FIXED_GAP_BAUD else 3.5 * self._char_s
        self._turnaround_s = turnaround_ms / 1000
        self._raw = b""
        self._heard_s = self._free_s = float("-inf")

    def feed(self, now_s: float, data: bytes) -> list[tuple[float, bytes]]:
        """[(instant, bytes that have arrived by then), ...] for bytes sent from `now_s` on."""
        if now_s - self._heard_s > _FORGET_S:
            self._raw = b""
        start = max(now_s, self._free_s)
        self._raw += data
        self._heard_s = now_s + len(data) * self._char_s
        self._free_s = start + len(data) * self._char_s
        made = []
        while True:
            frame = self._cut()
            if not frame:
                return made
            made += self._answer(frame, now_s)

    def _cut(self) -> bytes:
        """The first whole frame of what was heard, b"" when there is none; noise is dropped."""
        raw = self._raw
        n = _length(raw)
        if n and len(raw) >= n:
            self._raw = raw[n:]
            if crc16(raw[:n - 2]) == raw[n - 2:n]:
                return raw[:n]
            self._raw = b""
        return b""

    def _answer(self, frame: bytes, now_s: float) -> list[tuple[float, bytes]]:
        unit, pdu, site = frame[0], frame[1:-2], self._site
        if unit == 0:
            for each in self._wired():
                if pdu[0] in (WRITE_ONE, WRITE_MANY) and not site.silent(each):
                    answer_pdu(site, each, pdu)
            return []
        made = respond(site, unit, pdu, now_s) if unit in self._wired() else None
        if made is None:
            return []
        delay_ms, reply = made
        said = unit ^ 0x40 if hit(site, unit, "wrong_unit") else unit
        data = bytes((said,)) + reply
        data += crc16(data)
        if hit(site, unit, "bad_crc"):
            data = data[:-1] + bytes((data[-1] ^ 0x55,))
        if hit(site, unit, "truncated"):
            data = data[:len(data) // 2]
        if hit(site, unit, "garbage"):
            data = _GARBAGE + data
        made = []
        if hit(site, unit, "echo"):
            made.append((self._free_s, frame))
        return made + self._paced(data, self._free_s + self._gap_s + self._turnaround_s
                                  + delay_ms / 1000)

    def _wired(self) -> list[int]:
        return [u for u in self._site.units if self._units is None or u in self._units]

    def _paced(self, data: bytes, start: float) -> list[tuple[float, bytes]]:
        """The bytes in pieces, each at the instant at which its last bit is there."""
        made = []
        for at in range(0, len(data), _PIECE):
            piece = data[at:at + _PIECE]
            start += len(piece) * self._char_s
            made.append((start, piece))
        self._free_s = start
        return made


def _length(raw: bytes) -> int:
    """How long the request at its start is; 0 while that cannot be said."""
    if len(raw) < 2:
        return 0
    if raw[1] in (15, 16):
        return 9 + raw[6] if len(raw) > 6 else 0
    return 8
