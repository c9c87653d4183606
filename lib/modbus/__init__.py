"""Modbus requests and answers as bytes, framed for TCP or for a serial line: see pdu.py.

Which request goes next on a line: see plan.py.
"""

from .pdu import (
    BROKEN,
    CRC,
    EXCEPTION,
    LATE,
    NEED_DATA,
    OK,
    READ,
    READ_INPUT,
    WRITE,
    WRITE1,
    WRONG,
    Codec,
)
from .plan import Op, Plan
from .rtu import Rtu
from .tcp import Tcp

__all__ = (
    "BROKEN", "CRC", "EXCEPTION", "LATE", "NEED_DATA", "OK", "READ", "READ_INPUT", "WRITE",
    "WRITE1", "WRONG", "Codec", "Op", "Plan", "Rtu", "Tcp",
)
