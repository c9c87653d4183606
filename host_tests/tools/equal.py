"""All unit tests and all that they test as one program: what test_build_equal and _rom slim.

    program = Program(texts("unix"), ROOTS)
    outcome(path, ["-m", "test_clock"], {"MICROPYPATH": ...}, interpreter)  # {test: error or None}
"""

import ast
import json
import os
import re
import subprocess

from tools.build import ROOT
from tools.build.make import ON_DEMAND, sources

UNIX = ROOT / "host_tests" / "unix"
# Imports inside of blocks, the interpreter's own heap, a class with the name of one outside.
LEFT_OUT = {"test_records_agree", "test_interpreter", "test_boards_rs485"}
WHOLE_KIB = 1000  # a test that asks for so much has the whole client in it


def files():
    """The files of host_tests/unix that can be part of a program."""
    return [p for p in sorted(UNIX.glob("*.py")) if p.stem not in LEFT_OUT]


def is_test(path):
    """True for a file that is run, False for what tests share."""
    return path.stem.startswith("test_") and "check.run" in path.read_text()


def heap_kib(path):
    """What the first line of a test asks for."""
    said = re.match(r"# heap: (\d+)k", path.read_text())
    return int(said.group(1)) if said else 128


TESTS = [path for path in files() if is_test(path)]
ROOTS = ("boot", "main", "board", *(path.stem for path in TESTS))


def texts(board):
    """{module: text} of a board's firmware and of the tests."""
    found = {name: at_the_top(text) for name, text in sources(board).items()}
    found.update({path.stem: path.read_text() for path in files()})
    return found


class AtTheTop(ast.NodeTransformer):
    """Moves what is loaded on demand to the top, where its tests import it: `late`."""

    def __init__(self):
        self.late = []

    def visit_ImportFrom(self, node):
        if (node.module or "").split(".")[0] not in ON_DEMAND:
            return node
        self.late.append(node)
        return ast.Pass()


def at_the_top(text):
    """The text of a module, with all that it imports at its top."""
    mover = AtTheTop()
    tree = mover.visit(ast.parse(text))
    tree.body[:0] = mover.late
    return ast.unparse(ast.fix_missing_locations(tree)) if mover.late else text


def outcome(path, argv, env, interpreter, folder=ROOT):
    """{test: error or None} of one file of tests, run in a folder.

    In the heap that its first line asks for and room for the program, which is one here: in a
    larger one MicroPython looks longer for room.
    """
    done = subprocess.run([str(interpreter), "-X", f"heapsize={heap_kib(path) + 640}k", *argv],
                          capture_output=True, text=True, env={**os.environ, **env}, cwd=folder,
                          check=False, timeout=300)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    assert rows, done.stdout + done.stderr
    return {row["test"]: row["error"] for row in rows if "test" in row}


def compare(path, said, interpreter):
    """Every test of a file ran, and what fails fails as it is written too."""
    written = {n.name for n in ast.parse(path.read_text()).body
               if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}
    assert set(said) == written
    # A README's example is compiled on the device and asks for names as they are written.
    wrong = {name: error for name, error in said.items() if error and "readme" not in name}
    if wrong:
        folders = f"lib:firmware:{UNIX}:.frozen"
        plain = outcome(path, [str(path)], {"MICROPYPATH": folders}, interpreter)
        assert not {name: error for name, error in wrong.items() if not plain[name]}
