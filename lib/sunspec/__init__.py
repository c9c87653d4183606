"""SunSpec devices as register operations and integers: see README.md."""

from .common import Common
from .limit import Limit
from .live import Inverter, Meter
from .ratings import Ratings
from .sequence import (
    DIFFERS,
    FULL,
    MOVED,
    NO_SUNS,
    NO_UNIT,
    OK,
    PENDING,
    READ,
    REFUSED,
    SILENT,
    UNREAD,
    WRITE,
    WRITE_ONE,
)
from .values import ABSENT, ABSENT_ALL, NULL_FRAME, SunspecError
from .walk import Header, Walk

__all__ = (
    "ABSENT", "ABSENT_ALL", "DIFFERS", "FULL", "MOVED", "NO_SUNS", "NO_UNIT", "NULL_FRAME", "OK",
    "PENDING", "READ", "REFUSED", "SILENT", "UNREAD", "WRITE", "WRITE_ONE", "Common", "Header",
    "Inverter", "Limit", "Meter", "Ratings", "SunspecError", "Walk",
)
