"""All unit tests of lib/ and firmware/, slimmed together with what they test, still pass.

One program of every module and every host_tests/unix file goes through the passes, under the
short names that come of it; asserts are kept.  A test that fails there must fail as written too.
"""

import ast
import json
import os
import shutil
import subprocess

import pytest

from tools.build import ROOT, modules, slim
from tools.build.make import compile_all, module_name
from tools.build.native import MICROPYTHON
from tools.build.source import Program

UNIX = ROOT / "host_tests" / "unix"
# Its modules are imported inside of blocks.  Another asks for the interpreter's own heap.
LEFT_OUT = {"test_records_agree", "test_interpreter"}
HEAP = "heapsize=4m"


def sources():
    """The files of host_tests/unix that can be part of a program."""
    return [p for p in sorted(UNIX.glob("*.py")) if p.stem not in LEFT_OUT]


def outcome(argv, env):
    """{test: error or None} of one file of tests."""
    done = subprocess.run([MICROPYTHON, "-X", HEAP, *argv], capture_output=True, text=True,
                          env={**os.environ, **env}, cwd=ROOT, check=False, timeout=300)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    assert rows, done.stdout + done.stderr
    return {row["test"]: row["error"] for row in rows if "test" in row}


def is_test(path):
    return path.stem.startswith("test_") and "check.run" in path.read_text()


@pytest.fixture(scope="module")
def slimmed(tmp_path_factory):
    """Everything as one slimmed bundle."""
    texts = {module_name(place): source.read_text() for source, place in modules("unix")}
    texts.update({path.stem: path.read_text() for path in sources()})
    program = Program(texts, tuple(["boot", "main", "board", *(p.stem for p in sources()
                                                              if is_test(p))]))
    slim(program)
    # Where the tests look for vectors and READMEs, seen from their own place.
    root = tmp_path_factory.mktemp("equal")
    code = root / UNIX.relative_to(ROOT)
    compile_all(program, code, {}, "-O0")
    shutil.copytree(UNIX.parent / "vectors", code.parent / "vectors")
    (root / "lib").symlink_to(ROOT / "lib")
    return code


@pytest.mark.parametrize("path", [p for p in sources() if is_test(p)], ids=lambda p: p.stem)
def test_unit_tests_pass_under_short_names(slimmed, path):
    said = outcome(["-m", path.stem], {"MICROPYPATH": f"{slimmed}:.frozen"})
    wrong = {name: error for name, error in said.items() if error}
    written = {n.name for n in ast.parse(path.read_text()).body
               if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}
    assert set(said) == written
    # A README's example is compiled on the device and asks for names as they are written.
    wrong = {name: error for name, error in wrong.items() if "readme" not in name}
    if wrong:
        folders = f"lib:firmware:{UNIX}:.frozen"
        plain = outcome([str(path)], {"MICROPYPATH": folders})
        assert not {name: error for name, error in wrong.items() if not plain[name]}
