"""Limits and measurements in, a band of power for each device out: see site.py.

Whether the meter counts the right way: see sense.py.
"""

from .sense import Sense
from .site import (
    ABSENT, BATTERY, DISOBEYS, LOAD, PV, SILENT, STALE, TRACKING, Site, SiteControlError,
)

__all__ = ("ABSENT", "BATTERY", "DISOBEYS", "LOAD", "PV", "SILENT", "STALE", "TRACKING", "Sense",
           "Site", "SiteControlError")
