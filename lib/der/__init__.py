"""DER controls in, limits and answers out: see schedule.py, envelope.py and ramp.py."""

from .envelope import Envelope, part_w
from .owed import (
    ACTIVE, CANCELLED, COMPLETED, FREE, LEFT_OUT, PASSED, SUPERSEDED, WAITING,
)
from .ramp import Ramp
from .record import (
    ABSENT, CONNECT, ENERGIZE, EXP_LIM_W, FIXED_W, GEN_LIM_W, IMP_LIM_W, KEY_SIZE, LOAD_LIM_W,
    MAX_LIM_W, MODES_N, REC_SIZE, STORAGE_TARGET_W, TARGET_W,
)
from .schedule import (
    CHANGED, DEFAULT, IGNORED, KNOWN, NEW, NONE, REFUSED, DERError, Schedule,
)

__all__ = (
    "ABSENT", "ACTIVE", "CANCELLED", "CHANGED", "COMPLETED", "CONNECT", "DEFAULT", "ENERGIZE",
    "EXP_LIM_W", "FIXED_W", "FREE", "GEN_LIM_W", "IGNORED", "IMP_LIM_W", "KEY_SIZE", "KNOWN",
    "LEFT_OUT", "LOAD_LIM_W", "MAX_LIM_W", "MODES_N", "NEW", "NONE", "PASSED", "REC_SIZE",
    "REFUSED", "STORAGE_TARGET_W", "SUPERSEDED", "TARGET_W", "WAITING", "DERError", "Envelope",
    "Ramp", "Schedule", "part_w",
)
