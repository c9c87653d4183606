"""Figures of the 58-event list: bytes to the schedule's table, against py20305 on the same bytes.

Enters: lists of host_tests/unix/lists.py (39.5 kB for 58 events).  Leaves: readings.

Ours is timed on the unix port, slimmed and compiled as the firmware is, collector on, in 1 KiB
pieces, through xmlpull and sep2 into der.Schedule; py20305 by its own from_xml, into its objects.
Both are warm; they take turns, and each gives the median of its best turn, so that a busy machine
spoils neither.  Limit: what the table itself takes (it is there before and after) is not working
memory.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from host_tests.unix import lists
from tools.bench.port import OUT, Port, least
from tools.bench.row import Aim, BenchError, Reading, Row
from tools.check_imports import ROOT

SHORT, LONG = 58, 580
PAGES = (1, 10, 255)
WORKING = 16384
_HEAP = 256 * 1024                          # of the whole client, by the promise
_FIT_HEAP = 192 * 1024
_FIT_STEP, _QUICK_STEP = 64, 2048
_LEAST = 2048
_TURNS = {SHORT: (3, 11), LONG: (2, 3)}     # how many turns, and runs in each
_QUICK_TURNS = (1, 3)
_PEER_S = 60
PEER = "py20305 (xsdata over lxml), same run"
_DESIGN = "docs/figures.md"

ROWS = [
    Row("time.58", "58-event list, 39.5 kB, bytes to table", "ms", Aim("<", None), PEER, _DESIGN,
        12.6),
    Row("time.580", "580-event list, 395 kB, bytes to table", "ms", Aim("<", None), PEER, _DESIGN),
    *(Row(f"memory.58.{page}", f"working memory, 58 events, page size {page}", "B",
          Aim("<", WORKING), PEER, _DESIGN) for page in PAGES),
    Row("memory.580", "working memory, 580 events, page size 255", "B", Aim("<", WORKING), PEER,
        _DESIGN),
    Row("memory.growth", "the same: more than for 58 events", "B", Aim("<=", 0), PEER, _DESIGN),
]


def measure(quick: bool) -> dict[str, Reading]:
    """Time first, then memory; quick: few runs, and 64 events in place of 580."""
    port, step = Port("parse_list"), _QUICK_STEP if quick else _FIT_STEP
    long = SHORT + 6 if quick else LONG
    found, peers = {}, {}
    for key, n in (("time.58", SHORT), ("time.580", long)):
        found[key], peers[n] = _race(port, n, quick)
    guess = None
    for page in PAGES:
        few = found[f"memory.58.{page}"] = _memory(port, SHORT, page, peers[SHORT], step, guess)
        guess = few.detail["asked"]
    many = found["memory.580"] = _memory(port, long, 255, peers[long], step, guess)
    found["memory.growth"] = Reading(many.value - few.value, many.against - few.against)
    return found


def pages(n: int, size: int) -> Path:
    """A file of the list's pages, each after its length in four bytes."""
    path = OUT / f"list_{n}_{size}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for start in range(0, n, size):
            page = b"".join(lists.controls(n, start, size))
            file.write(len(page).to_bytes(4, "big") + page)
    return path


def _race(port: Port, n: int, quick: bool) -> tuple[Reading, dict]:
    """Ours and py20305's in turns; the reading, and what py20305 said last."""
    turns, runs = _QUICK_TURNS if quick else _TURNS[n]
    ours, theirs = [], []
    for _ in range(turns):
        said, peer = _timed(port, n, runs), _peer(n, runs)
        ours.append([us / 1000 for us in said["us"]])
        theirs.append(peer["ms"])
    note = f"the best of {turns} medians of {runs}; the table then holds {said['held']}"
    if n == SHORT:
        note += "; recorded: open-dynamic-export 8.5 ms, EPRI's C 0.22 ms (rejects CSIP-AUS)"
    return Reading(min(map(statistics.median, ours)), min(map(statistics.median, theirs)), note,
                   {"ours_ms": ours, "py20305_ms": theirs, "events": n}), peer


def _timed(port: Port, n: int, runs: int) -> dict:
    path = pages(n, n)
    said = port.run(_HEAP + path.stat().st_size, "time", path, runs)
    if said is None:
        raise BenchError(f"a list of {n} was not read within {_HEAP} bytes of heap")
    if said["n"] != n:
        raise BenchError(f"{said['n']} of {n} events were read")
    return said


def _peer(n: int, runs: int) -> dict:
    """py20305's own parse of the one document, by a process of its own."""
    path = OUT / f"list_{n}.xml"
    path.write_bytes(b"".join(lists.controls(n)))
    argv = [sys.executable, "-m", "tools.bench.peer", str(path), str(runs)]
    try:
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=_PEER_S,
                              check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise BenchError(f"py20305 cannot be measured: {error}") from None
    said = json.loads(done.stdout)
    if said["n"] != n:
        raise BenchError(f"py20305 found {said['n']} of {n} events")
    return said


def _memory(port: Port, n: int, size: int, peer: dict, step: int, guess: int | None) -> Reading:
    """The least free heap in which the reader is made and the list read, garbage included."""
    path = pages(n, size)

    def fits(free: int) -> bool:
        return port.run(_FIT_HEAP, "fit", path, free) is not None

    free = guess
    if free is None or fits(free - step) or not fits(free):
        free = least(fits, _LEAST, 2 * WORKING, step)
    said = free and port.run(_FIT_HEAP, "fit", path, free)
    if not said:
        raise BenchError(f"{n} events need more than {2 * WORKING} bytes")
    note = (f"of these {said['live']} alive (reader, window of 1 KiB), the rest garbage; {n} "
            "events; py20305's: Python objects at the peak of one parse")
    return Reading(said["free"], peer["peak"], note,
                   {**said, "asked": free, "py20305_resident_kib": peer["resident_kib"]})
