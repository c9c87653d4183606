"""Collects host_tests/unix/test_*.py: pytest lists them, the MicroPython unix port runs them.

Enters: test files written for MicroPython.  Leaves: one pytest item for each test_* function.
A file is run once, as one interpreter process under a small heap; a first line such as
`# heap: 64k` sets the heap (128k where a file says nothing: sources are compiled there).
"""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNIX = ROOT / "host_tests" / "unix"
MICROPYTHON = Path(sys.executable).parent / "micropython"
TIMEOUT_S = 120


def micropython_env(*extra):
    """Environment in which the unix port finds lib/, firmware/ and the given folders."""
    paths = [str(p) for p in extra] + [str(ROOT / "lib"), str(ROOT / "firmware"), str(UNIX)]
    return {**os.environ, "MICROPYPATH": ":".join([*paths, ".frozen"])}


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.parent == UNIX:
        return UnixFile.from_parent(parent, path=module_path)
    return None


class UnixFile(pytest.File):
    """One file of tests for MicroPython; run at most once for all of its items."""

    result = None

    def collect(self):
        tree = ast.parse(self.path.read_text())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield UnixItem.from_parent(self, name=node.name, line=node.lineno)

    def outcome(self):
        if self.result is None:
            self.result = self._run()
        return self.result

    def _run(self):
        first = self.path.read_text().split("\n", 1)[0]
        said = re.match(r"# heap: (\w+)", first)
        heap = said.group(1) if said else "128k"
        done = subprocess.run(
            [str(MICROPYTHON), "-X", "heapsize=" + heap, str(self.path)],
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
    def __init__(self, *, line, **kwargs):
        super().__init__(**kwargs)
        self.line = line

    def runtest(self):
        tests, output = self.parent.outcome()
        if self.name not in tests:
            raise UnixFailure(f"{self.name} did not run: {output}")
        if tests[self.name]:
            raise UnixFailure(tests[self.name])

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, UnixFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, self.line, self.name


class UnixFailure(Exception):
    """A test that the interpreter reported as failed, or never reported."""
