"""Figures of the whole client on the unix port: the heap that it needs, and a minute on the wire.

Enters: the stand-in server and the simulated site as processes, the firmware's bundle.  Leaves:
readings.

The heap: the least `-X heapsize` in which the client boots, finds its devices, reads the tree over
mutual TLS, obeys one control and answers it; by bisection, then once more for a further poll.  The
minute: lists of 58 events polled each 10 s, counted by a relay and in the server's journal.

Limit: 64-bit words and .mpy code in the heap, one program with events, no telemetry: it is not
built.
"""

from __future__ import annotations

import re
import signal
import statistics
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from host_tests.system.live import Stage
from host_tests.unix import lists
from tools.bench.port import least
from tools.bench.relay import Relay
from tools.bench.row import Aim, BenchError, Reading, Row
from tools.run import HEAP, firmware_command

_KIB = 1024
_LOW_KIB, _STEP_KIB = 96, 4
_ANSWER_S, _QUIET_S = 12, 8
_STARTED = r"ANSWER .*status=2"
_MINUTE_S, _QUICK_S = 60, 0                  # quick: as long as the first answer takes
_POLL_S, _DAY_POLLS = 10, 288               # a day of polls every five minutes
_EVENTS, _QUICK_EVENTS = 58, 3
_MB = 1e6
# py20305's day of 16.5 MB is with telemetry: 15 values of 543 bytes each five minutes.
_PEER_POLLS_MB = 16.5 - 15 * 543 * _DAY_POLLS / _MB
_DESIGN = "design.md, Figures"

ROWS = [
    Row("heap", "client without telemetry, unix port, .mpy: least heap", "KiB", Aim("<=", 256),
        "py20305, resident", _DESIGN, 91 * _MB / _KIB),
    Row("ready", "the same: alive at READY, code included", "KiB", Aim("<=", 256),
        "py20305, resident", _DESIGN, 91 * _MB / _KIB),
    Row("sessions", "TLS sessions in a minute, server keeps the line", "", Aim("<=", 1),
        "open-dynamic-export, a minute of its day", _DESIGN, 13000 / 1440),
    Row("requests", "requests in that minute, polls each 10 s", "", Aim("<=", 600),
        "one each 100 ms (the server's limit)", "handbook sample, requirements A", 600),
    Row("refused", "requests in it that the server refused or remarked on", "", Aim("<=", 0),
        "the stand-in server's verdicts", "requirements A9"),
    Row("gets", "GETs of a poll cycle", "", Aim("<=", None, "no page read twice"),
        "different pages that were read", "requirements B0"),
    Row("handshake", "bytes of one TLS handshake", "B", Aim("<=", 5300), "recorded", _DESIGN,
        5300),
    Row("polls.day", "polls a day on the wire, 58 events, no gzip", "MB", Aim("<", None),
        "py20305, its telemetry taken off", _DESIGN, _PEER_POLLS_MB),
]


class Client(Stage):
    """Server, site and firmware on loopback, in a folder of their own; `last`: its last line."""

    last = ""

    def boot(self, heap_kib: int | None = None):
        """Start the firmware in a heap of that size (None: as `make run` does)."""
        heap = HEAP if heap_kib is None else f"{heap_kib}k"
        try:
            return self._start(*firmware_command(self.folder / "flash", heap))
        except SystemExit as error:
            raise BenchError(f"the firmware cannot be built: {error}") from None

    def obeys(self, heap_kib: int, quiet_s: float = 0) -> str | None:
        """What the log says at READY if it obeys and answers in that heap, else None."""
        firmware = self.boot(heap_kib)
        try:
            firmware.line(_STARTED + "|MemoryError", _ANSWER_S)
            time.sleep(quiet_s)
            ready = firmware.line(r" READY ", 0.1)
        except AssertionError:              # it ended, or never came so far
            ready = None
        finally:
            firmware.end(signal.SIGKILL)
        self.last = (firmware.lines or ["it said nothing"])[-1]
        return None if any("MemoryError" in line for line in firmware.lines) else ready


def measure(quick: bool) -> dict[str, Reading | str]:
    """The minute and the search for the heap, side by side: both mostly wait.

    Quick: until the first answer, and one size of heap.  The cause, where one of them failed.
    """
    parts = {_heap: ROWS[:2], _wire: ROWS[2:]}
    found: dict[str, Reading | str] = {}
    with ThreadPoolExecutor(len(parts)) as pool:
        running = [(pool.submit(part, quick), rows) for part, rows in parts.items()]
        for future, rows in running:
            try:
                found.update(future.result())
            except (BenchError, AssertionError, OSError, ValueError) as error:
                lines = str(error).splitlines() or [repr(error)]
                why = f"the client did not run: {lines[0]} {' '.join(lines[1:][-1:])}".strip()
                found.update({row.key: why for row in rows})
    return found


def _heap(quick: bool) -> dict[str, Reading]:
    most = int(HEAP.rstrip("k"))
    with tempfile.TemporaryDirectory() as folder, Client(folder) as client:
        client.utility("--poll", "5")
        client.site("--pv", "8000", "--load", "500")
        client.flash()
        client.operator("default", program="p1", modes={"exp_w": 1500, "imp_w": 5000})
        client.operator("publish", program="p1", start="+0", duration=3600, modes={"exp_w": 2500})
        kib = most if quick else least(lambda k: client.obeys(k) is not None, _LOW_KIB, most,
                                       _STEP_KIB)
        ready = None
        while kib is not None and kib <= most:
            ready = client.obeys(kib, 0 if quick else _QUIET_S)
            if ready is not None:
                break
            kib += _STEP_KIB
    if ready is None:
        raise BenchError(f"no control is obeyed in {HEAP} of heap; its last line: {client.last}")
    used = int(re.search(r"used=(\d+)", ready)[1])
    note = "not searched, --quick" if quick else (
        f"to {_STEP_KIB} KiB; boot, tree, one control obeyed and answered, one more poll")
    return {"heap": Reading(kib, note=note), "ready": Reading(used / _KIB, note="as the log says")}


def _wire(quick: bool) -> dict[str, Reading]:
    events, seconds = (_QUICK_EVENTS, _QUICK_S) if quick else (_EVENTS, _MINUTE_S)
    with tempfile.TemporaryDirectory() as folder, Client(folder) as client:
        client.utility("--poll", str(5 if quick else _POLL_S))
        client.site("--pv", "8000", "--load", "500")
        client.operator("default", program="p1", modes={"exp_w": 1500, "imp_w": 5000})
        for i in range(events):
            start = lists.start_of(i) - lists.START
            client.operator("publish", program="p1", start=f"+{start}",
                            duration=lists.duration_of(i),
                            modes={"exp_w": lists.export_of(i), "imp_w": lists.import_of(i)})
        with Relay(client.server["port"]) as relay:
            client.flash(server=f"https://localhost:{relay.port}{client.server['dcap']}")
            begun, firmware = time.monotonic(), client.boot()
            firmware.line(_STARTED)
            time.sleep(max(0.0, begun + seconds - time.monotonic()))
            firmware.end(signal.SIGKILL)
            seconds = round(time.monotonic() - begun)
            counts = relay.sessions, relay.handshake, relay.data
        journal = client.operator("log")["log"]
    if any("MemoryError" in line for line in firmware.lines):
        raise BenchError(f"the client ran out of its heap of {HEAP}")
    return _wire_readings(journal, *counts, events, seconds)


def _wire_readings(journal, sessions, handshake, data, events, seconds) -> dict[str, Reading]:
    """What the journal's entries and the relay's counts say."""
    http = sum(e["in"] + e["out"] for e in journal)
    pages = defaultdict(list)
    for entry in journal:
        if entry["method"] == "GET":
            pages[entry["path"]].append(entry)
    answers = [e for e in journal if e["method"] == "POST"]
    cycle = sum(statistics.mean(e["in"] + e["out"] for e in seen) for seen in pages.values())
    cycles = statistics.median(len(seen) for seen in pages.values())
    tls = data / http
    day = cycle * tls * _DAY_POLLS / _MB
    wrong = [e for e in journal if e["verdict"] != "ok"]
    return {
        "sessions": Reading(sessions, note="a minute: says nothing of a server that closes idle "
                            "lines, nor of a day"),
        "requests": Reading(len(journal), note=f"in the first {seconds} s from boot, "
                            f"{len(answers)} answers among them; {http:,} bytes of HTTP, "
                            f"{handshake + data:,} of TLS in all"),
        "refused": Reading(len(wrong), detail={"verdicts": [e["verdict"] for e in wrong[:9]]}),
        "gets": Reading(sum(map(len, pages.values())) / max(cycles, 1), len(pages),
                        f"{cycles:g} cycles in that time"),
        "handshake": Reading(handshake / max(sessions, 1)),
        "polls.day": Reading(
            day, note=f"extrapolated: one full poll of {cycle * tls:,.0f} bytes (HTTP and TLS, "
            f"{len(pages)} pages, {events} events in one program) 288 times; answers, telemetry, "
            "TCP and IP are not in it; py20305's 16.5 MB less 15 values of 543 bytes, 288 times"),
    }
