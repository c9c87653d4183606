"""Figures of one 200 ms tick: bus, control, law and limits of the firmware on in-memory devices.

Enters: nothing.  Leaves: readings: bytes allocated, microseconds.  Limit: x86-64; the wire costs
nothing here, and ints above 2**30, which allocate on a 32-bit board, do not show.
"""

from __future__ import annotations

from tools.bench.port import Port
from tools.bench.row import Aim, BenchError, Reading, Row

_HEAP = 256 * 1024
_TICKS, _QUICK_TICKS = 3000, 600            # of 200 ms
_TURNS, _QUICK_TURNS = 3, 1
_SLOT_US = 200_000

ROWS = [
    Row("bytes", "allocation in one 200 ms tick", "B", Aim("<=", 0), "a heap that is locked",
        "docs/figures.md", 0),
    Row("us", "one 200 ms tick, mean", "us", Aim("<=", _SLOT_US // 100, "<= 1 % of the slot"),
        "the slot of 200 ms", "docs/figures.md", _SLOT_US),
    Row("worst", "one 200 ms tick, the longest", "us", Aim("<=", 5000), "the slot of 200 ms",
        "docs/figures.md", _SLOT_US),
]


def measure(quick: bool) -> dict[str, Reading]:
    """Ten minutes of ticks (quick: two), by the clock and under a locked heap, in several turns.

    Of the times the best turn's: what another process took of the core is not ours.
    """
    ticks, turns = (_QUICK_TICKS, _QUICK_TURNS) if quick else (_TICKS, _TURNS)
    port = Port("tick")
    runs = [_run(port, ticks) for _ in range(turns)]
    said = runs[-1]
    lock = "held" if all(run["locked"] for run in runs) else "did not hold: something allocates"
    note = (f"the locked heap {lock}; {said['writes']} writes and {said['limits']} changes of the "
            f"limit in {ticks} ticks")
    return {
        "bytes": Reading(max(run["bytes"] for run in runs) / ticks, note=note, detail=said),
        "us": Reading(min(run["us"] for run in runs) / ticks, note="x86-64, unix port"),
        "worst": Reading(min(run["worst_us"] for run in runs), note=f"the best of {turns} runs"),
    }


def _run(port: Port, ticks: int) -> dict:
    """One process of that many ticks. BenchError when the path was idle in it."""
    said = port.run(_HEAP, ticks)
    if said is None:
        raise BenchError(f"the path does not run in {_HEAP} bytes of heap")
    if said["writes"] == 0 or said["state"] != 1 or said["operations"] < 2 * ticks:
        raise BenchError(f"the path was idle: {said}")
    return said
