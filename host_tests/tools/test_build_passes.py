"""The passes of tools/build on small programs, each run as it is written and slimmed."""

import pytest
from slimmed import both, names, text

from tools.build import slim
from tools.build.source import BuildError, Program


def refuses(texts):
    with pytest.raises(BuildError) as caught:
        slim(Program(texts, ("main",)))
    return str(caught.value)


# Constants --------------------------------------------------------------------


def test_constants_of_other_modules_become_literals(tmp_path):
    said, program = both({
        "main": "from a import X, Y as Z\nimport a\nprint(X + 0, Z + 0, a.N + 0, a.X << 4)",
        "a": "from micropython import const\nX = const(5)\nY = const(X << 2 | 1)\nN = -7\n",
    }, tmp_path)
    assert said == "5 21 -7 80\n"
    assert set(program.modules) == {"main"}
    assert "5 + 0" in text(program) and "import" not in text(program)


def test_a_constant_through_a_package_is_found(tmp_path):
    said, program = both({
        "main": "from p import BIG\nimport p\nprint(BIG + 0, p.BIG + 1)",
        "p": "from .deep import BIG\n",
        "p.deep": "from micropython import const\nBIG = const(0x3FFFFFFF)\n",
    }, tmp_path)
    assert said == "1073741823 1073741824\n" and set(program.modules) == {"main"}


def test_what_hides_a_constant_is_left_alone(tmp_path):
    said, _ = both({
        "main": """
from a import X, N
def parameter(X):
    return X
def local():
    X = 2
    return X
def loop():
    return [X for X in range(3)], X
def inner():
    def f():
        return N
    N = 9
    return f()
def handler():
    try:
        raise ValueError(1)
    except ValueError as N:
        return N.args
class C:
    N = 4
    def of_class(self):
        return self.N, N
print(parameter(1), local(), loop(), inner(), handler(), C().of_class(), (lambda X: X)(8), X, N)
""",
        "a": "X = 100\nN = 200\n",
    }, tmp_path)
    assert said == "1 2 ([0, 1, 2], 100) 9 (1,) (4, 200) 8 100 200\n"


def test_what_changes_is_no_constant(tmp_path):
    said, _ = both({
        "main": """
import a, b
def bump():
    global n
    n += 1
n = 1
twice = 1
twice = 2
bump()
a.bump()
b.level = 7
print(n, twice, a.count, b.level, b.told())
""",
        "a": "count = 0\ndef bump():\n    global count\n    count = count + 5\n",
        "b": "level = 1\ndef told():\n    return level\n",
    }, tmp_path)
    assert said == "2 2 5 7 7\n"


def test_a_value_that_changes_is_not_imported_by_name():
    why = refuses({"main": "from a import n\nprint(n)",
                   "a": "n = 1\ndef f():\n    global n\n    n = 2\nf()\n"})
    assert "rebound" in why


def test_a_name_of_the_class_and_of_the_module_is_refused():
    assert "X" in refuses({"main": "X = 1\nclass C:\n    X = X\nprint(C.X)\n"})


# Imports, dead code -----------------------------------------------------------


def test_packages_and_whole_imports_lead_to_the_definition(tmp_path):
    said, program = both({
        "main": "import p\nfrom p import f as g, C\nimport log\nprint(p.f(1), g(2), C().m())\n"
                "log.say('x')",
        "p": '"""Text."""\nfrom .one import C\nfrom .two import f\n__all__ = ("C", "f")\n',
        "p.one": "from . import two\nfrom .two import f\nclass C:\n    def m(self):\n"
                 "        return f(3), two.f(4)\n",
        "p.two": "def f(x):\n    return x * 2\ndef unused():\n    return f(0)\n",
        "log": "def say(*words):\n    print(words)\ndef never():\n    pass\n",
    }, tmp_path)
    assert said == "2 4 (6, 8)\n('x',)\n"
    assert not {"__all__", "unused", "never"} & names(program) and "Text" not in text(program)


def test_dead_code_goes_and_what_is_reached_by_any_way_stays(tmp_path):
    said, program = both({
        "main": """
from shapes import Square
import board, shapes
class Base:
    def used(self):
        return self.hook()
    def hook(self):
        return "base"
    def gone(self):
        return 1 / 0
class Sub(Base):
    def hook(self):
        return "sub"
    def by_string(self):
        return "by string"
class Stream(list):
    def extra(self):
        return 5
def run(where):
    return where.flash(), where.NAME
print(Sub().used(), getattr(Sub(), "by_" + "string" if 0 else "by_string")(), run(board))
print(Square(3).area(), len(Stream()))
""",
        "shapes": "class Square:\n    def __init__(self, a):\n        self.a = a\n"
                  "    def area(self):\n        return self.a * self.a\n"
                  "    def perimeter(self):\n        return 4 * self.a\n"
                  "class Circle(Square):\n    pass\nTABLE = bytes(5)\n",
        "board": "NAME = 'b'\ndef flash():\n    return '/'\ndef poweroff():\n    pass\n",
    }, tmp_path)
    assert said == "sub by string ('/', 'b')\n9 0\n"
    for gone in ("gone", "perimeter", "Circle", "TABLE", "poweroff"):
        assert gone not in text(program)
    assert "return 5" in text(program)  # MicroPython may call methods of what it made


def test_a_module_that_does_something_is_run(tmp_path):
    said, program = both({"main": "import noise\nprint('main')", "noise": "print('noise')\n"},
                         tmp_path)
    assert said == "noise\nmain\n"


def test_a_module_can_be_forgotten_to_free_it(tmp_path):
    said, _ = both({
        "main": "import sys\nfrom conf import load\nprint(load())\n"
                "del globals()['load'], sys.modules['conf']\n"
                "print('conf' in sys.modules, 'load' in globals())\n",
        "conf": "def load():\n    return 3\n",
    }, tmp_path)
    assert said == "3\nFalse False\n"


# Names ------------------------------------------------------------------------


def test_attributes_of_related_classes_never_meet(tmp_path):
    said, program = both({
        "main": """
from b import Child
class Other:
    def __init__(self):
        self._first = 1
        self.second = 2
child = Child(5)
other = Other()
other.second = 7
print(child.total(), child.shown, other._first, other.second)
""",
        "a": "class Parent:\n    KIND = 'p'\n    def __init__(self, value):\n"
             "        self._value = value\n        self._mine = 1\n"
             "    def _part(self):\n        return self._value\n",
        "b": "from a import Parent\nclass Child(Parent):\n    def __init__(self, value):\n"
             "        super().__init__(value)\n        self._mine_too = 10\n"
             "        self.shown, self._other = 3, 4\n"
             "    def total(self):\n"
             "        return self._value, self._mine, self._mine_too, self._part(), self.KIND\n",
    }, tmp_path)
    assert said == "(5, 1, 10, 5, 'p') 3 1 7\n"
    assert not {"_value", "_mine", "_mine_too", "_part", "shown", "KIND"} & names(program)


def test_one_name_in_two_families_may_be_read_through_either(tmp_path):
    said, _ = both({
        "main": """
class A:
    def __init__(self):
        self._window, self.x1, self.x2 = "A", 1, 2
class B:
    def __init__(self, a):
        self._window = a._window
        self.y1, self.y2, self.y3 = 3, 4, 5
b = B(A())
print(b._window, b.y1, b.y2, b.y3)
""",
    }, tmp_path)
    assert said == "A 3 4 5\n"


def test_an_attribute_that_only_others_write_is_apart_from_all(tmp_path):
    said, _ = both({
        "main": """
class Op:
    def __init__(self):
        self.kind = 1
        self.addr = 2
def mark(op):
    op.note = 3
    op.kind += 10
op = Op()
mark(op)
print(op.kind, op.addr, op.note)
""",
    }, tmp_path)
    assert said == "11 2 3\n"


def test_names_in_strings_stay(tmp_path):
    said, program = both({
        "main": """
ROWS = ((b"TimeLink", "time_href", 4), (b"Other", "other_href", 5))
class Resource:
    def __init__(self):
        self.time_href = self.other_href = None
        for _name, dest, value in ROWS:
            setattr(self, dest, value)
def set_all(thing, **words):
    for name, value in words.items():
        setattr(thing, name, value)
    return thing
class Device:
    def __init__(self):
        self.silent = self.loud = False
d = set_all(Device(), silent=True)
print(Resource().time_href, getattr(Resource(), "other_href"), d.silent, d.loud)
""",
    }, tmp_path)
    assert said == "4 5 True False\n" and {"time_href", "silent"} <= names(program)


def test_parameters_passed_by_keyword_keep_their_names(tmp_path):
    said, program = both({
        "main": """
def f(first, second=2, *rest, sink=None, **more):
    def inner(second):
        return second + first
    return first, second, rest, sink, sorted(more.items()), inner(second)
def g(first, long_name):
    return lambda other: (first, long_name, other)
print(f(1, second=5, sink=6, odd=7), f(1, 2, 3), g(1, 2)(3))
""",
    }, tmp_path)
    assert said == "(1, 5, (), 6, [('odd', 7)], 6) (1, 2, (3,), None, [], 3) (1, 2, 3)\n"
    assert {"second", "sink"} <= names(program)
    assert not {"long_name", "first", "rest", "more"} & names(program)


def test_scopes_survive_short_names(tmp_path):
    said, _ = both({
        "main": """
key = 3
def outer(self, value):
    count = 0
    def step(n):
        nonlocal count
        count += n
        return count + key + value
    step(1)
    step(2)
    pairs = {k: [v * key for v in range(k)] for k in range(3) if k != value}
    for index, (a, b) in enumerate(((1, 2), (3, 4))):
        count += a * b
    return count, pairs, (lambda key: key + count)(1), sum(x for x in range(key))
def uses(len):
    return len * 2
def builtins_stay(items):
    start, end = len(items), max(items)
    return start, end, sorted(items), [str(i) for i in items], isinstance(items, list)
class Shadow:
    key = 5
    def get(self, list):
        return self.key, key, list
print(outer(1, 7), uses(4), builtins_stay([2, 1]), Shadow().get(1))
""",
    }, tmp_path)
    assert said == ("(17, {0: [], 1: [0], 2: [0, 3]}, 18, 3) 8 (2, 2, [1, 2], ['2', '1'], True) "
                    "(5, 3, 1)\n")


def test_class_bodies_find_the_top_level_names_they_load(tmp_path):
    said, _ = both({
        "main": """
from parts import table, HEIGHT
class First:
    def step(self):
        return 1
    def other(self):
        return 2
    ROWS = table(HEIGHT, 2)
    MORE = table(ROWS, 3)
    def value(self, x=table(1, 1)):
        return x, self.step(), self.other()
print(First.ROWS, First.MORE, First().value())
""",
        "parts": "HEIGHT = bytes(1)\ndef table(a, b):\n    return (a, b)\n",
    }, tmp_path)
    assert said == "(b'\\x00', 2) ((b'\\x00', 2), 3) ((1, 1), 1, 2)\n"


def test_generators_coroutines_and_iterators_work(tmp_path):
    said, _ = both({
        "main": """
class Once:
    def __init__(self, loop):
        self._loop, self.armed = loop, True
    def __iter__(self):
        return self
    def __next__(self):
        if self.armed:
            self.armed = False
            return None
        raise StopIteration
class Loop:
    def __init__(self):
        self.turns = 0
    async def sleep(self, turns):
        for _ in range(turns):
            await Once(self)
            self.turns += 1
        return turns
    def run(self, coro):
        while True:
            try:
                coro.send(None)
            except StopIteration as exc:
                return exc.value
def squares(limit):
    for i in range(limit):
        yield i * i
loop = Loop()
print(loop.run(loop.sleep(3)), loop.turns, list(squares(4)))
""",
    }, tmp_path)
    assert said == "3 3 [0, 1, 4, 9]\n"


def test_errors_keep_their_names(tmp_path):
    said, program = both({
        "main": "from err import CoreError, fail\ntry:\n    fail(1)\nexcept CoreError as exc:\n"
                "    print(repr(exc), exc.reason, exc.args)\n",
        "err": "class CoreError(Exception):\n    def __init__(self, what, at=0):\n"
               "        super().__init__(what, at)\n        self.reason, self.at = what, at\n"
               "def fail(x):\n    raise CoreError('bad', at=x)\n",
    }, tmp_path)
    assert said == "CoreError('bad', 1) bad ('bad', 1)\n" and "CoreError" in names(program)


def test_pairs_are_assigned_without_making_a_tuple(tmp_path):
    said, _ = both({
        "main": """
import micropython
def swap(first, second, third):
    first, second = second, first
    second, third, first = first, second + 1, third
    return first
class Pair:
    def __init__(self):
        self.a, self.b = 1, 2
    def swap(self):
        self.a, self.b = self.b, self.a
pair = Pair()
micropython.heap_lock()
swap(1, 2, 3)
pair.swap()
micropython.heap_unlock()
print(swap(1, 2, 3), pair.a, pair.b)
""",
    }, tmp_path)
    assert said == "3 2 1\n"


def test_what_the_compiler_takes_for_its_own_is_never_used_as_a_name():
    many = "".join(f"def f{i}(x):\n    return x\n" for i in range(300))
    texts = {"main": many + "".join(f"print(f{i}(1))\n" for i in range(300))}
    program = Program(texts, ("main",))
    slim(program)
    assert not {"const", "range", "super", "globals", "locals"} & names(program)


def test_a_constant_that_stays_replaces_no_short_name(tmp_path):
    # MicroPython puts the value of a const() wherever its name stands, parameters included.
    said, program = both({
        "main": "import board\ndef f(where):\n    return where.SIZE\nprint(f(board))\n",
        "board": "from micropython import const\nSIZE = const(4)\n"
                 "def f(a):\n    return a\nprint(f(9))\n",
    }, tmp_path)
    assert said == "9\n4\n" and "const" not in text(program)


def test_the_map_says_what_a_short_name_was():
    program = Program({"main": "class Thing:\n    def work_hard(self):\n        return 1\n"
                               "print(Thing().work_hard())\n"}, ("main",))
    said = slim(program)
    assert {"work_hard", "Thing"} <= {old for olds in said["main"].values() for old in olds}


def test_modules_are_joined_without_a_name_meeting_another(tmp_path):
    said, program = both({
        "main": "import board\nfrom app import run\nrun(board)\n",
        "board": "import sys\nNAME = 'toy'\n",
        "app": "import gc\nfrom array import array\nfrom log import say\nfrom p.one import f\n"
               "from err import AppError\n_state = [0]\n"
               "def run(board):\n    array_ = array('i', [1, 2])\n    try:\n        f(array_)\n"
               "    except AppError as exc:\n        say(board.NAME, repr(exc), _state)\n"
               "    gc.collect()\n    _state.append(1)\n    say(_state)\n",
        "log": "import array\n_state = []\ndef say(*words):\n    _state.append(len(words))\n"
               "    gc = array.array('b', [3])\n    print(words, _state, gc[0])\n",
        "p": "",
        "p.one": "from err import AppError\n_state = 'one'\ndef f(a):\n    say = a[1]\n"
                 "    raise AppError(_state, say)\n",
        "err": "class AppError(Exception):\n    pass\n",
    }, tmp_path)
    assert set(program.modules) == {"main", "board", "app"}
    assert said == ("('toy', \"AppError('one', 2)\", [0]) [3] 3\n([0, 1],) [3, 1] 3\n")


def test_modules_are_joined_in_parts_that_are_imported_one_by_one(tmp_path):
    texts = {"main": "from p.m4 import f4\nprint(f4(), len(K))\n".replace("len(K)", "1")}
    for i in range(5):
        before = f"from p.m{i - 1} import f{i - 1}\n" if i else ""
        body = f"f{i - 1}() + 1" if i else "0"
        texts[f"p.m{i}"] = before + f"def f{i}():\n    return {body}\n" + "".join(
            f"def g{i}_{n}():\n    return {n}\nprint(g{i}_{n}())\n" for n in range(170))
    texts["p"] = ""
    said, program = both(texts, tmp_path)
    assert said.endswith("4 1\n") and said.count("\n") == 851
    assert 3 <= len(program.modules) < len(texts)
    assert text(program).count("'gc').collect()") == len(program.modules) - 1
