"""SunSpec devices as register operations and integers: see README.md."""

from .chain import Chain, Header
from .limit import Limit, MappedLimit
from .live import LIVE_MAX, Inverter, Meter
from .quirks import (
    F_EXPORT,
    F_FC6,
    F_FC16,
    F_NO_CYCLIC,
    F_NO_RVRT,
    F_TOGGLE,
    Q_CONNECT,
    Q_EVERY,
    Q_FLAGS,
    Q_FLOOR,
    Q_GAP,
    Q_GRAIN,
    Q_TIMEOUT,
)
from .ratings import (
    RTG_CHA,
    RTG_DIS,
    RTG_DV,
    RTG_VA,
    RTG_VAR,
    RTG_VAR_NEG,
    RTG_W,
    RTG_WH,
    Ratings,
)
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
from .setting import CONTROL_MAX, Connect
from .storage import Battery, Hybrid, Storage
from .values import ABSENT, ABSENT_ALL, NULL_FRAME, SunspecError
from .walk import Common, Walk, quirks

__all__ = (
    "ABSENT", "ABSENT_ALL", "CONTROL_MAX", "DIFFERS", "FULL", "F_EXPORT", "F_FC6", "F_FC16",
    "F_NO_CYCLIC", "F_NO_RVRT", "F_TOGGLE", "LIVE_MAX", "MOVED", "NO_SUNS", "NO_UNIT",
    "NULL_FRAME", "OK", "PENDING", "Q_CONNECT", "Q_EVERY", "Q_FLAGS", "Q_FLOOR", "Q_GAP",
    "Q_GRAIN", "Q_TIMEOUT", "READ", "REFUSED", "RTG_CHA", "RTG_DIS", "RTG_DV", "RTG_VA", "RTG_VAR",
    "RTG_VAR_NEG", "RTG_W", "RTG_WH", "SILENT", "UNREAD", "WRITE", "WRITE_ONE", "Battery",
    "Chain", "Common", "Connect", "Header", "Hybrid", "Inverter", "Limit", "MappedLimit", "Meter",
    "Ratings", "Storage", "SunspecError", "Walk", "quirks",
)
