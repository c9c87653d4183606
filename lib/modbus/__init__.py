"""Modbus requests and answers as bytes, framed for TCP or for a serial line: see pdu.py."""

from .pdu import (
    BROKEN,
    EXCEPTION,
    NEED_DATA,
    OK,
    READ,
    READ_INPUT,
    WRITE,
    WRITE1,
    Codec,
)
from .rtu import Rtu
from .tcp import Tcp

__all__ = (
    "BROKEN", "EXCEPTION", "NEED_DATA", "OK", "READ", "READ_INPUT", "WRITE", "WRITE1",
    "Codec", "Rtu", "Tcp",
)
