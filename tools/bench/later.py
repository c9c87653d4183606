"""Figures of the promises that belong to parts which are not built or not simulated yet.

Enters: nothing.  Leaves: rows without a value: they are in the table so that nobody forgets them.
"""

from __future__ import annotations

from tools.bench.row import Aim, Reading, Row

_DESIGN = "docs/figures.md"

ROWS = [
    Row("cuts", "power cuts at every byte of every flash write: not survived", "", Aim("<=", 0),
        "all cuts, 1,000 and more", _DESIGN),
]


def measure(quick: bool) -> dict[str, Reading]:
    """Nothing, truthfully."""
    return {}
