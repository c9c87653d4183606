"""Modbus TCP frames answered without a socket, for lockstep tests.

Enters: a site and one whole request frame.  Leaves: the reply frame, or b"" for silence.

    reply = answer(site, bytes.fromhex("0001 0000 0006 01 03 9c40 0002"))

Limit: function codes 3, 6 and 16; others get exception 1.
"""

from __future__ import annotations

import struct

from tools.site.site import ILLEGAL_FUNCTION, READ, WRITE_MANY, WRITE_ONE, Refused, Site

ILLEGAL_VALUE = 3
READ_MAX = 125
WRITE_MAX = 123


def answer(site: Site, frame: bytes) -> bytes:
    """The reply to one request at the instant that the site has reached; ValueError if cut."""
    transaction, _protocol, length, unit = struct.unpack(">HHHB", frame[:7])
    pdu = frame[7:]
    if len(pdu) != length - 1 or not pdu:
        raise ValueError("not one whole frame")
    if site.silent(unit):
        return b""
    try:
        reply = _pdu(site, unit, pdu)
    except Refused as refused:
        reply = bytes((pdu[0] | 0x80, refused.code))
    return struct.pack(">HHHB", transaction, 0, len(reply) + 1, unit) + reply


def _pdu(site: Site, unit: int, pdu: bytes) -> bytes:
    """The reply PDU; raises Refused."""
    if pdu[0] not in (READ, WRITE_ONE, WRITE_MANY):
        raise Refused(ILLEGAL_FUNCTION)
    address, count = struct.unpack(">HH", pdu[1:5])
    if pdu[0] == READ:
        if not 1 <= count <= READ_MAX:
            raise Refused(ILLEGAL_VALUE)
        words = site.read(unit, address, count)
        return bytes((READ, 2 * count)) + struct.pack(f">{count}H", *words)
    if pdu[0] == WRITE_ONE:
        site.write(unit, address, [count], WRITE_ONE)
        return pdu
    if not 1 <= count <= WRITE_MAX or pdu[5] != 2 * count or len(pdu) != 6 + 2 * count:
        raise Refused(ILLEGAL_VALUE)
    site.write(unit, address, list(struct.unpack(f">{count}H", pdu[6:])), WRITE_MANY)
    return pdu[:5]
