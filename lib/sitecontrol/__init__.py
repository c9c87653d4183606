"""Limits and measurements in, one power cap for the inverter out: see controller.py."""

from .controller import ABSENT, STALE, TRACKING, Controller, SiteControlError

__all__ = ("ABSENT", "STALE", "TRACKING", "Controller", "SiteControlError")
