"""tools/build: what is loaded on demand is a module of its own, and the rest stays resident."""

import pytest
from slimmed import both, run, text
from tools.build import slim
from tools.build.emit import emit
from tools.build.hoist import hoist
from tools.build.make import compile_all
from tools.build.source import BuildError, Program

MAIN = """
import gc, sys
from shared import double

def enrol(n):
    from enrol import Key, make as build
    key = Key(n)
    return build(key, double(n)), key.size

print("enrol" in sys.modules, enrol(3))
print("enrol" in sys.modules)
sys.modules.pop("enrol")
gc.collect()
print("enrol" in sys.modules, enrol(4))
"""
TEXTS = {
    "main": MAIN,
    "shared": "def double(n):\n    return 2 * n\ndef half(n):\n    return n // 2\n",
    "enrol": "from .curve import Key, LIMIT\nfrom .make import make\n",
    "enrol.curve": "from micropython import const\nLIMIT = const(9)\n"
                   "class Key:\n    def __init__(self, n):\n        self.size = n + LIMIT\n",
    "enrol.make": "from shared import half\nfrom table import ROWS\n"
                  "def make(key, n):\n    return key.size + half(n) + ROWS[1]\n",
    "table": "ROWS = [n * n for n in range(4)]\n",
}


def test_behaves_alike_when_it_is_loaded_dropped_and_loaded_again(tmp_path):
    said, program = both(TEXTS, tmp_path, ("enrol",))
    assert said.splitlines() == ["False (16, 12)", "True", "False (18, 13)"]
    assert "enrol" in program.modules


def test_holds_what_it_alone_needs_and_nothing_of_the_rest(tmp_path):
    program = Program(TEXTS, ("main",), ("enrol",))
    slim(program)
    late = emit(program.modules.pop("enrol").tree)
    assert "range(4)" in late and "range(4)" not in text(program)
    assert "2 *" in text(program) and "2 *" not in late


def test_is_dropped_when_no_function_asks_for_it(tmp_path):
    texts = {**TEXTS, "main": "print(1)"}
    program = Program(texts, ("main",), ("enrol",))
    slim(program)
    assert list(program.modules) == ["main"]


@pytest.mark.parametrize("line, why", [
    ("from enrol import Key\nprint(Key)", "import it in a function"),
    ("def f():\n    from shared import half\n    return half(1)\nprint(f())", "inside a block"),
    ("def f():\n    from enrol import nothing\n    return nothing\nprint(f())", "defines no"),
    ("if 1:\n    from enrol import Key\nprint(Key)", "import it in a function"),
])
def test_an_import_at_another_place_is_refused(line, why):
    with pytest.raises(BuildError, match=why):
        slim(Program({**TEXTS, "main": line}, ("main",), ("enrol",)))


def test_for_an_image_it_becomes_resident(tmp_path):
    texts = {**TEXTS, "main": MAIN.replace('pop("enrol")', 'pop("enrol", None)')}
    program = Program(texts, ("main",), ("enrol",))
    hoist(program)
    slim(program)
    compile_all(program, tmp_path, {}, "-O0")
    assert run(tmp_path).splitlines() == ["False (16, 12)", "False", "False (18, 13)"]
    assert "import" not in text(program).split("def ", 1)[1]


def test_a_name_that_is_bound_again_cannot_be_resident():
    texts = {**TEXTS, "main": "def f():\n    from enrol import Key\n    Key = Key(1)\nf()"}
    with pytest.raises(BuildError, match="bound again"):
        hoist(Program(texts, ("main",), ("enrol",)))
