"""Samples in, averages over aligned intervals out, and a ring of them: window.py, ring.py."""

from .ring import QUESTIONABLE, SPAN, START, VALUES, Ring
from .window import ABSENT, LAST, MAX, MEAN, MIN, RMS, MeteringError, Window

__all__ = (
    "ABSENT", "LAST", "MAX", "MEAN", "MIN", "QUESTIONABLE", "RMS", "SPAN", "START", "VALUES",
    "MeteringError", "Ring", "Window",
)
