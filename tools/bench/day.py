"""What a day of the whole client costs on the wire, and whether it keeps its 200 ms.

Enters: host_tests/system/day.py, an hour in virtual time, run five ways.  Leaves: readings.

    found = measure(quick=False)
    found["telemetry.day"].value        # MB

Bytes are counted on the sockets; TLS is added as records of 21 bytes (CCM-8) and handshakes, both
as measured on real ones (client.py: handshake, records).  Limit: an hour stands for a day; quick
takes five minutes of one of them for all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tools.bench.row import Aim, BenchError, Reading, Row
from tools.check_imports import ROOT

_DESIGN = "docs/figures.md"
_HANDSHAKE = 5300
_GZIP = 8192
_DAY_MIN = 1440

ROWS = [
    Row("slots", "200 ms slots filled in an hour, full polls, a minute's outage: missing", "%",
        Aim("<=", 0.1), "all slots of the hour", _DESIGN, 100),
    Row("telemetry.day", "telemetry on the wire a day, 15 values", "MB", Aim("<=", 1.4),
        "handbook", _DESIGN, 5.0),
    Row("telemetry.value", "telemetry: bytes a value", "B", Aim("<=", 300), "py20305", _DESIGN,
        543),
    Row("wire.gzip", "everything on the wire a day, gzip", "MB", Aim("<=", 6), "py20305", _DESIGN,
        16.5),
    Row("wire.plain", "everything on the wire a day, without gzip", "MB", Aim("<=", None),
        "open-dynamic-export", _DESIGN, 48.8),
    Row("sessions.kept", "TLS sessions a day, the server keeps the line", "", Aim("<=", 1),
        "open-dynamic-export", _DESIGN, 13000),
    Row("sessions.closed", "TLS sessions a day, lines idle for 75 s are closed", "",
        Aim("<=", 288, "one for each poll cycle"), "open-dynamic-export", _DESIGN, 13000),
    Row("requests", "requests a day, everything polled each 300 s", "", Aim("<=", None),
        "open-dynamic-export, sessions alone", _DESIGN, 13000),
    Row("flash", "flash bytes written by telemetry a day while posts succeed", "B", Aim("<=", 0),
        "nothing", _DESIGN, 0),
    Row("flash.all", "all flash bytes written a day: clock and counts", "B", Aim("<=", 4096),
        "a sector of flash", "by definition", 4096),
    Row("flash.away", "flash bytes written a day without a server", "B", Aim("<=", 65536),
        "the ring of readings, once around", "firmware/backlog.py: 16 files of 4 KiB", 65536),
]


def _run(minutes: int, *more: str) -> dict:
    argv = [sys.executable, str(ROOT / "host_tests" / "system" / "day.py"), "--minutes",
            str(minutes), *more]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise BenchError("the hour failed: " + done.stderr.strip().rpartition("\n")[2])
    return json.loads(done.stdout.splitlines()[-1])


def _total(run: dict, *kinds: str, what: str = "bytes") -> int:
    return sum(row[what] for kind, row in run["kinds"].items() if not kinds or kind in kinds)


def measure(quick: bool) -> dict[str, Reading]:
    """Five hours side by side: plain, gzip, idle lines closed, a line cut, no server."""
    minutes = 5 if quick else 60
    scale = _DAY_MIN / minutes
    ways = ((), ("--gzip", str(_GZIP)), ("--closes",), ("--cut",), ("--away",))
    if quick:
        plain = packed = closed = cut = away = _run(minutes, "--warm", "300")
    else:
        with ThreadPoolExecutor(2) as pool:
            plain, packed, closed, cut, away = pool.map(lambda more: _run(minutes, *more), ways)
    telemetry = _total(plain, "telemetry")
    sessions = closed["connects"] * scale
    return {
        "slots": Reading(100 - 100 * cut["slots"] / cut["slots_due"],
                         note=f"{cut['slots']} of {cut['slots_due']}, Modbus TCP; "
                              f"{cut['connects']} connections"),
        "telemetry.day": Reading(telemetry * scale / 1e6),
        "telemetry.value": Reading(telemetry / max(plain["values"], 1),
                                   note="CCM-8; with GCM 5 more"),
        "wire.gzip": Reading((_total(packed) * scale + _HANDSHAKE) / 1e6,
                             note="one handshake; 58 to 70 events listed"),
        "wire.plain": Reading((_total(plain) * scale + _HANDSHAKE) / 1e6),
        "sessions.kept": Reading(1 + plain["connects"] * scale),
        "sessions.closed": Reading(sessions, note=f"{sessions * _HANDSHAKE / 1e6:.1f} MB of them"),
        "requests": Reading(_total(plain, what="requests") * scale),
        "flash": Reading(plain["flash"]["telemetry"] * scale),
        "flash.all": Reading(plain["flash"]["all"] * scale),
        "flash.away": Reading(away["flash"]["all"] * scale),
    }
