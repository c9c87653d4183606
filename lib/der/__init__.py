"""DER controls in, limits and answers out: see schedule.py, envelope.py and ramp.py."""

from .envelope import Envelope, part_w
from .owed import (
    ACTIVE, CANCELLED, COMPLETED, FREE, LEFT_OUT, PASSED, SUPERSEDED, WAITING,
)
from .ramp import Ramp
from .schedule import (
    CHANGED, DEFAULT, IGNORED, KNOWN, NEW, NONE, REFUSED, DERError, Schedule,
)

__all__ = (
    "ACTIVE", "CANCELLED", "CHANGED", "COMPLETED", "DEFAULT", "FREE", "IGNORED", "KNOWN",
    "LEFT_OUT", "NEW", "NONE", "PASSED", "REFUSED", "SUPERSEDED", "WAITING", "DERError",
    "Envelope", "Ramp", "Schedule", "part_w",
)
