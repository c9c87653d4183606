"""Collects host_tests/unix/test_*.py: pytest lists them, MicroPython runs them, on each board.

Enters: test files written for MicroPython.  Leaves: a pytest item for each test_* function and
each interpreter: `[unix]` is the stock one with 64-bit words, `[unix32]` the image of
boards/unix32 where it was built.  A file is run once on each, as one process under a small heap; a
first line such as `# heap: 64k` sets the heap of the stock one (128k where a file says nothing:
sources are compiled there), and the image has three quarters of it for words of half the size.

Files that wait in real time have a worker of their own, first; the others begin with those of one
long test, then go by their number of tests: what runs alone at the end leaves the others idle.

What needs an image and finds none of today is left out, and said in one line at the end; with
MICROSEP2_IMAGE=1 in the environment it fails instead.
"""

import ast
import gc
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import lanes
from needed import LEFT_OUT, image_or_skip

UNIX = ROOT / "host_tests" / "unix"
MICROPYTHON = Path(sys.executable).parent / "micropython"
TIMEOUT_S = 300  # a hang; half a minute is what a file takes alone on a core
# Files that live in real time: they have worker and priority of their own (lanes.py).
WAITS = (
    "test_image_client", "test_demo", "test_image_demo",
    "test_bench", "test_image_enrol", "test_live", "test_image_tls", "test_image_short",
    "test_tls_bytes", "test_serial", "test_provision", "test_image_nginx", "test_image_control",
    "test_site_server", "test_site_rtu", "test_utility_server", "test_pki_enrol", "test_demo_gate")
# The order in which files are begun: then what computes for a minute or longer in few tests.
FIRST = {name: at for at, name in enumerate((
    *WAITS, "test_crowd", "test_build_rom", "test_hostile", "test_backlog_days", "test_clock",
    "test_procedures_long", "test_build_equal", "test_days", "test_image_scenarios",
    "test_procedures_generation", "test_procedures_traps", "test_primacy",
    "test_telemetry_refused", "test_failsafe", "test_sizes", "test_gzip", "test_telemetry_night",
    "test_xmlpull_fuzz"))}
# The image is MicroPython 1.25, which makes an object of each slice; not on the 200 ms path.
SLICES = {"test_writing_bytes_and_small_integers_does_not_allocate"}


def micropython_env(*extra):
    """Environment in which the unix port finds lib/, firmware/ and the given folders."""
    paths = [str(p) for p in extra] + [str(ROOT / "lib"), str(ROOT / "firmware"), str(UNIX)]
    return {**os.environ, "MICROPYPATH": ":".join([*paths, ".frozen"])}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """`-n auto`."""
    return lanes.workers()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """`--dist loadfile`, in lanes."""
    return lanes.Lanes(config, log, WAITS) if config.getvalue("dist") == "loadfile" else None


def pytest_configure(config):
    """A worker of several gives way as soon as it computes."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers >= lanes.WORKERS_A_LANE:
        config.pluginmanager.register(lanes.Yielding(WAITS))


def pytest_collection_finish():
    """What is loaded stays: the collector need not walk over it again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items):
    """Put the files into the order of FIRST; each stays in one piece, for its fixtures."""
    count = Counter(item.path for item in items)
    items.sort(key=lambda item: (FIRST.get(item.path.stem, len(FIRST)), -count[item.path],
                                 str(item.path)))


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.parent == UNIX:
        return UnixFile.from_parent(parent, path=module_path)
    return None


def pytest_terminal_summary(terminalreporter):
    """One line of what was left out for want of an image, and how to get it."""
    said = {}
    for report in terminalreporter.stats.get("skipped", []):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if LEFT_OUT in why:
            what = "unit tests on 32-bit words" if "/unix/" in report.fspath else \
                Path(report.fspath).name
            said.setdefault(what, [0, why.split(LEFT_OUT)[1]])[0] += 1
    if said:
        parts = ", ".join(f"{what} ({n})" for what, (n, _) in sorted(said.items()))
        terminalreporter.write_line(f"NOT RUN: {parts}; "
                                    + next(iter(said.values()))[1])


@pytest.fixture
def need_image():
    """A function: the path of a board's image; skips the test, or fails it, when there is none."""
    return image_or_skip


class UnixFile(pytest.File):
    """One file of tests for MicroPython; run at most once on each board for all of its items."""

    def collect(self):
        tree = ast.parse(self.path.read_text())
        self.results = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for board in ("unix", "unix32"):
                    yield UnixItem.from_parent(self, name=f"{node.name}[{board}]", board=board,
                                               test=node.name, line=node.lineno)

    def outcome(self, board):
        if board not in self.results:
            self.results[board] = self._run(board)
        return self.results[board]

    def _run(self, board):
        first = self.path.read_text().split("\n", 1)[0]
        said = re.match(r"# heap: (\d+)k", first)
        heap = int(said.group(1)) if said else 128
        interpreter = MICROPYTHON
        if board == "unix32":
            interpreter, heap = image_or_skip(board, {}), heap * 3 // 4
        done = subprocess.run(
            [str(interpreter), "-X", f"heapsize={heap}k", str(self.path)],
            capture_output=True, text=True, timeout=TIMEOUT_S, env=micropython_env(),
            cwd=str(ROOT), check=False,
        )
        tests = {}
        for line in done.stdout.splitlines():
            if line.startswith('{"test"') or line.startswith('{"error"'):
                row = json.loads(line)
                tests[row["test"]] = row["error"]
        return tests, f"exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


class UnixItem(pytest.Item):
    def __init__(self, *, board, test, line, **kwargs):
        super().__init__(**kwargs)
        self.board, self.test, self.line = board, test, line

    def runtest(self):
        if self.board != "unix" and self.test in SLICES:
            pytest.skip("MicroPython 1.25 makes an object of each slice")
        tests, output = self.parent.outcome(self.board)
        if self.test not in tests:
            raise UnixFailure(f"{self.name} did not run: {output}")
        if tests[self.test]:
            raise UnixFailure(tests[self.test])

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, UnixFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, self.line, self.name


class UnixFailure(Exception):
    """A test that the interpreter reported as failed, or never reported."""
