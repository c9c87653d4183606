"""tools/build/fold.py: what is computed at build time is what the device would have computed."""

import ast

import pytest
from slimmed import run

from tools.build.emit import emit
from tools.build.fold import fold
from tools.build.join import join
from tools.build.make import compile_all, reduce
from tools.build.source import Program

TABLES = """
from array import array
NAMES = b"ab:1 cd:2 ef:7"
def key(name):
    if not name:
        raise ValueError("name")
    return len(name) << 8 | name[0]
def columns():
    rows, values, at = {}, bytearray(), array("H")
    for word in NAMES.split():
        rows.setdefault(key(word), len(values))
        values.append(int(word[3:]))
        at.append(NAMES.find(word))
    return rows, bytes(values), at
ROWS, VALUES, AT = columns()
HEX = bytes([128] * 4) + bytes(range(3))
PAIRS = ((1, HEX), (1 | 2 << 3, b"own"))
CHANGED = {1: 2}
LATER = []
COUNT = len(HEX) + sum(VALUES)
def grow(n):
    CHANGED[n] = n
    LATER.append(n)
    rows = ROWS
    return rows.get(key(b"ab:1"), -1), AT[1], len(AT), 0 in ROWS
"""


def folded(texts, folder):
    """What both print, and the names that were folded."""
    program = Program(texts, ("main",))
    reduce(program)
    name = join(program, 1000)[-1]
    compile_all(program, folder / "plain", {}, "-O0")
    names = fold(program, name)
    compile_all(program, folder / "folded", {}, "-O0")
    assert run(folder / "plain") == run(folder / "folded"), emit(program.modules[name].tree)
    return run(folder / "folded"), names, program.modules[name]


def test_tables_are_what_the_device_computes(tmp_path):
    said, names, module = folded({"main": """
from tables import AT, CHANGED, COUNT, HEX, LATER, PAIRS, ROWS, VALUES, grow
print(grow(3), grow(4), sorted(CHANGED.items()), LATER, VALUES, HEX, COUNT, PAIRS[0][1] is HEX)
""", "tables": TABLES}, tmp_path)
    assert said == ("(0, 5, 3, False) (0, 5, 3, False) [(1, 2), (3, 3), (4, 4)] [3, 4] "
                    "b'\\x01\\x02\\x07' b'\\x80\\x80\\x80\\x80\\x00\\x01\\x02' 17 True\n")
    assert "VALUES" in names and "HEX" in names and "COUNT" in names
    # What others import stays where it is, as a list and what is written to.
    assert not {"CHANGED", "LATER", "PAIRS"} & set(names)
    literals = {node.targets[0].id: ast.unparse(node.value) for node in module.tree.body
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}
    assert literals["COUNT"] == "17" and literals["PAIRS"] == "((1, HEX), (17, b'own'))"


def test_dicts_and_arrays_that_are_only_read_are_folded(tmp_path):
    said, names, module = folded({
        "main": "from tables import grow\nprint(grow(1))", "tables": TABLES}, tmp_path)
    assert said == "(0, 5, 3, False)\n" and {"ROWS", "AT"} <= set(names)
    assert "columns()" not in emit(module.tree).split("def columns")[1].split("\n", 1)[1]


@pytest.mark.parametrize("value", [
    "errno.EEXIST + 1", "open_it()", "[1] + [2]", "make().n", "sys.platform + ''", "later()",
    "float(3)", "object()", "bytes([n])",
])
def test_what_depends_on_more_is_left(tmp_path, value):
    said, names, _module = folded({"main": "from a import out\nprint(out() is not None)", "a": f"""
import errno, sys
n = 0
def up():
    global n
    n += 1
def open_it():
    return sys.maxsize
def later():
    return other
class make:
    n = 3
other = [sys.maxsize]
X = {value}
def out():
    up()
    return X
"""}, tmp_path)
    assert said == "True\n" and "X" not in names
