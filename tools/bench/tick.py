"""Figures of one 200 ms tick: bus, control, law and limits of the firmware on in-memory devices.

Enters: nothing.  Leaves: readings: bytes allocated, microseconds.  Limit: x86-64; the wire costs
nothing here, and ints above 2**30, which allocate on a 32-bit board, do not show.
"""

from __future__ import annotations

from tools.bench.port import Port
from tools.bench.row import Aim, BenchError, Reading, Row

_HEAP = 256 * 1024
_TICKS, _QUICK_TICKS = 6000, 600            # of 200 ms
_SLOT_US = 200_000

ROWS = [
    Row("bytes", "allocation in one 200 ms tick", "B", Aim("<=", 0), "a heap that is locked",
        "design.md, Figures", 0),
    Row("us", "one 200 ms tick, mean", "us", Aim("<=", _SLOT_US // 100, "<= 1 % of the slot"),
        "the slot of 200 ms", "platform.md 10 (a step is short)", _SLOT_US),
    Row("worst", "one 200 ms tick, the longest", "us", Aim("<=", 5000), "the slot of 200 ms",
        "platform.md 10 (5 ms on an ESP32)", _SLOT_US),
]


def measure(quick: bool) -> dict[str, Reading]:
    """Twenty minutes of ticks (quick: two), by the clock and under a locked heap."""
    ticks = _QUICK_TICKS if quick else _TICKS
    said = Port("tick").run(_HEAP, ticks)
    if said is None:
        raise BenchError(f"the path does not run in {_HEAP} bytes of heap")
    if said["writes"] == 0 or said["state"] != 1 or said["operations"] < 2 * ticks:
        raise BenchError(f"the path was idle: {said}")
    lock = "held" if said["locked"] else "did not hold: something allocates"
    return {
        "bytes": Reading(said["bytes"] / ticks, note=f"the locked heap {lock}; {said['writes']} "
                         f"writes and {said['limits']} changes of the limit in {ticks} ticks",
                         detail=said),
        "us": Reading(said["us"] / ticks, note="x86-64, unix port"),
        "worst": Reading(said["worst_us"]),
    }
