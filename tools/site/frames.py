"""Modbus frames answered without a socket: in lockstep, and as the lines spoil them.

Enters: a site and one whole request.  Leaves: the reply, when it comes, and what comes instead.

    reply = answer(site, bytes.fromhex("0001 0000 0006 01 03 9c40 0002"))   # b"" is silence
    line = TcpLine(site, opened_s=0.0)
    for after_ms, data in line.feed(0.5, frame):        # data is RESET, or bytes
        ...

`answer` knows no fault but silence, refusals and wrong data; `TcpLine` has those of the wire too,
and the delays.  Limit: function codes 3, 4, 6 and 16; others get exception 1.
"""

from __future__ import annotations

import struct

from tools.site.chain import READ, READ_INPUT, WRITE_MANY, WRITE_ONE, Refused
from tools.site.controls import BUSY, ILLEGAL_FUNCTION, ILLEGAL_VALUE
from tools.site.site import NO_RESPONSE, Site

RESET = None
READ_MAX = 125
WRITE_MAX = 123
LATE_MS = 1500
_REBOOT_S = 5
_SPLIT_MS = 5


def answer(site: Site, frame: bytes) -> bytes:
    """The reply to one request at the instant that the site has reached; ValueError if cut."""
    transaction, unit, pdu = parted(frame)
    if site.silent(unit):
        return b""
    return framed(transaction, unit, answer_pdu(site, unit, pdu))


def parted(frame: bytes) -> tuple[int, int, bytes]:
    """Transaction, unit and PDU of one whole Modbus TCP frame; ValueError if it is not one."""
    transaction, _protocol, length, unit = struct.unpack(">HHHB", frame[:7])
    if len(frame) - 7 != length - 1 or length < 2:
        raise ValueError("not one whole frame")
    return transaction, unit, frame[7:]


def framed(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A Modbus TCP frame."""
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def answer_pdu(site: Site, unit: int, pdu: bytes) -> bytes:
    """The reply PDU of a unit that answers; an exception where it refuses."""
    try:
        return _reply(site, unit, pdu)
    except Refused as refused:
        return bytes((pdu[0] | 0x80, refused.code))
    except (struct.error, IndexError):
        return bytes((pdu[0] | 0x80, ILLEGAL_VALUE))


def _reply(site: Site, unit: int, pdu: bytes) -> bytes:
    """The reply PDU; raises Refused."""
    if pdu[0] not in (READ, READ_INPUT, WRITE_ONE, WRITE_MANY):
        raise Refused(ILLEGAL_FUNCTION)
    address, count = struct.unpack(">HH", pdu[1:5])
    if pdu[0] in (READ, READ_INPUT):
        if not 1 <= count <= READ_MAX:
            raise Refused(ILLEGAL_VALUE)
        words = site.read(unit, address, count, pdu[0])
        return bytes((pdu[0], 2 * count)) + struct.pack(f">{count}H", *words)
    if pdu[0] == WRITE_ONE:
        site.write(unit, address, [count], WRITE_ONE)
        return pdu
    if not 1 <= count <= WRITE_MAX or pdu[5] != 2 * count or len(pdu) != 6 + 2 * count:
        raise Refused(ILLEGAL_VALUE)
    site.write(unit, address, list(struct.unpack(f">{count}H", pdu[6:])), WRITE_MANY)
    return pdu[:5]


def hit(site: Site, unit: int, name: str) -> bool:
    """Whether that fault of the wire strikes now: each time, or each Nth."""
    every = site.units[unit].first.faults(name)
    if not every:
        return False
    site.hits[unit, name] += 1
    return site.hits[unit, name] % every == 0


def respond(site: Site, unit: int, pdu: bytes, now_s: float) -> tuple[int, bytes] | None:
    """(delay in ms, reply PDU) of a unit that is there, with its faults; None is silence."""
    faults = site.units[unit].first.faults
    since_ms = (now_s - site.answered.get(unit, float("-inf"))) * 1000
    site_silent = site.silent(unit) or hit(site, unit, "silent") or hit(site, unit, "drop")
    if since_ms < 0 or site_silent:         # it reboots, or plays dead
        return None
    if since_ms < faults("reboot_gap_ms"):
        site.answered[unit] = now_s + _REBOOT_S
        return None
    delay = faults("delay_ms")
    if hit(site, unit, "late"):
        delay += faults("late_ms") or LATE_MS
    code = faults("exception")
    if since_ms < faults("gap_ms") or hit(site, unit, "busy"):
        code = BUSY
    reply = bytes((pdu[0] | 0x80, code)) if code else answer_pdu(site, unit, pdu)
    site.answered[unit] = now_s
    if hit(site, unit, "wrong_function"):
        reply = bytes((reply[0] ^ 1,)) + reply[1:]
    return delay, reply


class TcpLine:
    """One connection to the site; answers one request after the other."""

    def __init__(self, site: Site, opened_s: float = 0.0):
        """Opened at that instant of the site's clock."""
        self._site, self._opened_s = site, opened_s
        self._free_s = opened_s
        self._last = b""

    def feed(self, now_s: float, frame: bytes) -> list[tuple[int, bytes | None]]:
        """[(after so many ms, bytes or RESET), ...] to one whole frame; ValueError if cut."""
        site = self._site
        transaction, unit, pdu = parted(frame)
        faults = site.faults
        waiting = (now_s - self._opened_s) * 1000 < faults["connect_wait_ms"]
        if faults["half_open"] or waiting:
            return []
        if unit not in site.units:
            return [(0, framed(transaction, unit, bytes((pdu[0] | 0x80, NO_RESPONSE))))]
        made = respond(site, unit, pdu, now_s)
        if made is None:
            return []
        delay, reply = made
        self._free_s = max(self._free_s, now_s) + delay / 1000
        after = round((self._free_s - now_s) * 1000)
        return self._spoilt(after, transaction, unit, reply)

    def _spoilt(self, after: int, transaction: int, unit: int, reply: bytes) -> list:
        """The reply as the wire's faults leave it."""
        site = self._site
        if hit(site, unit, "reset"):
            return [(after, RESET)]
        said = unit ^ 0x40 if hit(site, unit, "wrong_unit") else unit
        number = transaction ^ 1 if hit(site, unit, "wrong_transaction") else transaction
        data = framed(number, said, reply)
        if hit(site, unit, "truncated"):
            return [(after, data[:len(data) // 2])]
        if hit(site, unit, "joined"):
            data, self._last = self._last + data, data
            return [(after, data)]
        self._last = data
        if hit(site, unit, "split"):
            cut = (0, 5, len(data) // 2 + 3, len(data))
            return [(after + i * _SPLIT_MS, data[a:b])
                    for i, (a, b) in enumerate(zip(cut, cut[1:]))]
        return [(after, data)]
