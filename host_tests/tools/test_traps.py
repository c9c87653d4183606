"""Each trap of docs/conformance.md has its row, and each test that a row names is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"u": "unix", "s": "system", "c": "cpython"}


def rows():
    """[(trap numbers, cell of tests)] of the section."""
    text = (ROOT / "docs" / "conformance.md").read_text()
    section = text.split("\n## Traps\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(re.findall(r"\bJ(\d+)", row[0]), row[3]) for row in cells]


def test_every_trap_has_one_row():
    numbers = sorted(int(n) for found, _ in rows() for n in found)
    assert numbers == list(range(1, 49))


def test_every_row_names_tests_that_are_there():
    named = 0
    for numbers, cell in rows():
        found = re.findall(r"\b([usc])/(test_\w+\.py): ((?:test_\w+(?:, )?)+)", cell)
        assert found or numbers == ["40"], cell
        for folder, name, functions in found:
            tree = ast.parse((ROOT / "host_tests" / FOLDERS[folder] / name).read_text())
            there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            for function in functions.split(", "):
                assert function in there, (name, function)
                named += 1
    assert named > 60
