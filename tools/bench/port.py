"""Runs scripts of tools/bench/device on the unix port, from compiled code, in a heap of any size.

Enters: a script's name, its arguments, a heap.  Leaves: the JSON that it printed last, or None
when memory was not enough.

    port = Port("parse_list")               # slimmed and compiled as the firmware's bundle is
    port.run("192k", "time", path, 9)
    least(lambda n: port.run("512k", "fit", path, n) is not None, 1024, 32768, 64)

Limit: the stock 64-bit port; a 32-bit board has words of half the size.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tools.bench.row import BenchError
from tools.build.make import compile_all, module_name, modules, slim, whole_of
from tools.build.source import BuildError
from tools.check_imports import ROOT
from tools.run import MICROPYTHON

OUT = ROOT / "build" / "bench"
BOARD = "unix"
_TIMEOUT_S = 60
_SCRIPTS = Path(__file__).resolve().parent / "device"


class Port:
    """One script with the modules that it reaches, compiled, and the interpreter over them."""

    def __init__(self, script: str):
        """Compile what changed. BenchError when something does not compile."""
        self._script = script
        self._out = OUT / script
        texts = {module_name(place): source.read_text() for source, place in modules(BOARD)
                 if place.name not in {"main.py", "boot.py"}}
        texts[script] = (_SCRIPTS / f"{script}.py").read_text()
        try:
            whole = whole_of(texts, (script, "board"))
            slim(whole)
            compile_all(whole, self._out, {})
        except (BuildError, SyntaxError, SystemExit) as error:
            raise BenchError(f"{script} cannot be built: {error}") from None

    def run(self, heap: str | int, *args) -> dict | None:
        """The script's last line, which is JSON; None when it ran out of memory.

        BenchError when it failed in any other way.
        """
        env = {**os.environ, "MICROPYPATH": f"{self._out}:.frozen"}
        argv = [str(MICROPYTHON), "-X", f"heapsize={heap}", "-m", self._script, *map(str, args)]
        try:
            done = subprocess.run(argv, env=env, cwd=self._out, capture_output=True, text=True,
                                  timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BenchError(f"{self._script}: {error}") from None
        said = done.stdout.strip().splitlines()
        if done.returncode == 0 and said:
            return json.loads(said[-1])
        why = (said + done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if "MemoryError" in done.stdout + done.stderr:
            return None
        raise BenchError(f"{self._script} failed: {why}")


def least(fits, low: int, high: int, step: int) -> int | None:
    """The least of low, low + step .. high for which fits() is True; None when high is not.

    `fits` must be False below a border and True from it on.
    """
    if not fits(high):
        return None
    while high - low > step:
        middle = low + max(step, (high - low) // 2 // step * step)
        if fits(middle):
            high = middle
        else:
            low = middle
    return low if fits(low) else high
