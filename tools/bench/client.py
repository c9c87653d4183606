"""Figures of the whole client on the unix port: the heap that it needs, and a minute on the wire.

Enters: the stand-in server and the simulated site as processes, the firmware's bundle.  Leaves:
readings.

The heap: the least `-X heapsize` in which the client boots, finds its devices, reads the tree over
mutual TLS, takes two programs of 58 events into its table, obeys one control more and answers all
117, goes through another poll, then without a server until readings wait on flash, and delivers
them when it is back; by bisection.  The minute: lists of 58 events polled each 10 s,
counted by a relay and in the server's journal.

Limit: 64-bit words and .mpy code in the heap; one inverter and a meter by TCP.
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
_LOW_KIB, _STEP_KIB = 224, 4
_ANSWER_S, _QUIET_S = 60, 20
_LOST_S, _BACK_S = 150, 90                  # an interval of a minute has to end, twice
_STARTED = r"ANSWER .*status=2"
_SHORT = re.compile(r"MemoryError|NO_MEMORY|memory allocation| E |CA_UNKNOWN|Traceback")
_MINUTE_S, _QUICK_S = 60, 0                  # quick: as long as the first answer takes
_POLL_S, _DAY_POLLS = 10, 288               # a day of polls every five minutes
_EVENTS, _QUICK_EVENTS = 58, 3
_MB = 1e6
# py20305's day of 16.5 MB is with telemetry: 15 values of 543 bytes each five minutes.
_PEER_POLLS_MB = 16.5 - 15 * 543 * _DAY_POLLS / _MB
_DESIGN = "docs/figures.md"

ROWS = [
    Row("heap", "whole client, unix port, .mpy, 2 x 58 events: least heap", "KiB", Aim("<=", 256),
        "py20305, resident", _DESIGN, 91 * _MB / _KIB),
    Row("ready", "the same: alive at READY, code included", "KiB", Aim("<=", 256),
        "py20305, resident", _DESIGN, 91 * _MB / _KIB),
    Row("data", "the same: all but what its code took at BOOT", "KiB", Aim("<=", 48),
        "the whole of it at READY", "measured in the same run"),
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
    Row("records", "TLS records a request, its answer's among them", "", Aim("<=", 3),
        "one for a request, one for its answer", "TLS 1.2", 2),
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

    def furnish(self, events: int) -> None:
        """Two programs of so many events that do not bind yet, and one that starts at once."""
        self.utility("--poll", "5", "--program", "p1:1", "--program", "p2:2")
        self.site("--pv", "8000", "--load", "500")
        self.flash()
        self.operator("rate", kind="post", seconds=60)
        self.operator("default", program="p1", modes={"exp_w": 1500, "imp_w": 5000})
        self.operator("publish", program="p1", start="+0", duration=3600, modes={"exp_w": 2500})
        for program in ("p1", "p2"):
            for i in range(events):
                self.operator("publish", program=program, start=f"+{7200 + 300 * i}", duration=300,
                              modes={"exp_w": 1000 + 10 * i, "imp_w": 3000})

    def outage(self, firmware) -> None:
        """No server until readings have to wait, and until they are delivered."""
        self.operator("fault", kind="cut_before", reset=True)
        try:
            firmware.line("READINGS_FAILED|" + _SHORT.pattern, _LOST_S)
        finally:
            self.operator("clear")
        firmware.line("READINGS |" + _SHORT.pattern, _BACK_S)

    def obeys(self, heap_kib: int, quiet_s: float = _QUIET_S) -> list[str] | None:
        """Its log if it obeys and answers in that heap and wants for nothing, else None.

        quiet_s: how long it goes on after the first answer, then through an outage; 0: neither.
        """
        firmware = self.boot(heap_kib)
        try:
            firmware.line(_STARTED + "|" + _SHORT.pattern, _ANSWER_S)
            if quiet_s:
                time.sleep(quiet_s)
                self.outage(firmware)
        except AssertionError:              # it ended, or never came so far
            return None
        finally:
            firmware.end(signal.SIGKILL)
            self.last = (firmware.lines or ["it said nothing"])[-1]
        return None if any(map(_SHORT.search, firmware.lines)) else firmware.lines


def measure(quick: bool) -> dict[str, Reading | str]:
    """The minute and the search for the heap, side by side: both mostly wait.

    Quick: until the first answer, and one size of heap.  The cause, where one of them failed.
    """
    parts = {_heap: ROWS[:3], _wire: ROWS[3:]}
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
    most, events = int(HEAP.rstrip("k")), _QUICK_EVENTS if quick else _EVENTS
    with tempfile.TemporaryDirectory() as folder, Client(folder) as client:
        client.furnish(events)
        kib = most if quick else least(lambda k: client.obeys(k) is not None, _LOW_KIB, most,
                                       _STEP_KIB)
        lines = None if kib is None else client.obeys(kib, 0 if quick else _QUIET_S)
    if lines is None:
        raise BenchError(f"no control is obeyed in {HEAP} of heap; its last line: {client.last}")
    text = "\n".join(lines)
    boot = int(re.search(r" BOOT .*free=(\d+)", text)[1])
    free, used = map(int, re.search(r" READY free=(\d+) used=(\d+)", text).groups())
    note = "not searched, --quick" if quick else (
        f"to {_STEP_KIB} KiB; {text.count(' ANSWER ')} answers, polls, telemetry, an outage")
    return {"heap": Reading(kib, note=note), "ready": Reading(used / _KIB, note="as the log says"),
            "data": Reading((boot - free) / _KIB, used / _KIB)}


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
            counts = relay.sessions, relay.handshake, relay.data, relay.records
        journal = client.operator("log")["log"]
    if any("MemoryError" in line for line in firmware.lines):
        raise BenchError(f"the client ran out of its heap of {HEAP}")
    return _wire_readings(journal, *counts, events, seconds)


def _wire_readings(journal, sessions, handshake, data, records, events,
                   seconds) -> dict[str, Reading]:
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
        "records": Reading(records / max(len(journal), 1),
                           note=f"{records} of them; {data - http:,} bytes beside HTTP, "
                           f"{(data - http) / max(records, 1):.1f} a record"),
        "polls.day": Reading(
            day, note=f"extrapolated: one full poll of {cycle * tls:,.0f} bytes (HTTP and TLS, "
            f"{len(pages)} pages, {events} events in one program) 288 times; answers, telemetry, "
            "TCP and IP are not in it; py20305's 16.5 MB less 15 values of 543 bytes, 288 times"),
    }
