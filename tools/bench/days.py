"""Whether the whole client's heap grows: thirty days, and minutes at the true pace.

Enters: host_tests/system/days.py, in virtual time.  Leaves: readings.

    found = measure(quick=False)
    found["heap"].value        # bytes more than after the first hour

Limit: the days are sampled once a minute, not each 200 ms; the stock interpreter with 64-bit words
and the code in its heap.  Takes ten minutes of one core; quick lives an hour and a minute.
"""

from __future__ import annotations

import json
import subprocess
import sys

from tools.bench.row import Aim, BenchError, Reading, Row
from tools.check_imports import ROOT

_DESIGN = "docs/figures.md"

ROWS = [
    Row("heap", "heap after 30 simulated days: more than after one hour", "B", Aim("<=", 0),
        "the heap after one hour", _DESIGN, 0),
    Row("live", "heap after 30 minutes of 200 ms: more than before", "B", Aim("<=", 0),
        "the heap before", _DESIGN, 0),
]


def _run(*args: str) -> dict:
    argv = [sys.executable, str(ROOT / "host_tests" / "system" / "days.py"), *args]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise BenchError("the days failed: " + done.stderr.strip().rpartition("\n")[2])
    return json.loads(done.stdout.splitlines()[-1])


def measure(quick: bool) -> dict[str, Reading]:
    """Both in one process, one after the other."""
    run = _run("--days", "0.02", "--busy", "0", "--live", "1") if quick else \
        _run("--days", "30", "--busy", "3", "--live", "30")
    live = run["live"]
    return {
        "heap": Reading(run["last"] - run["first"], note=(
            f"{run['days']:.1f} days in {run['took_s']} s: {run['requests']:,} requests, "
            f"{run['answers']:,} answers, {run['readings']:,} readings, {run['boots']} boot; "
            f"{run['first']:,} bytes alive; the largest free piece went from "
            f"{run['piece_first']:,} to {run['piece_last']:,}")),
        "live": Reading(live["last"] - live["first"], note=(
            f"{live['minutes']} minutes, {live['samples']:,} samples of the meter")),
    }
