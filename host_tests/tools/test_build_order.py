"""often_first(): the names that functions use most have the numbers of one byte."""

import ast

import pytest
from slimmed import run

from tools.build import make
from tools.build.emit import emit
from tools.build.order import often_first
from tools.build.source import BuildError

# 200 names that are used once, then functions of every kind that use 40 others.
MANY = "def once(box):\n" + "".join(f"    box.once_{i} = 0\n" for i in range(200)) + """
class Box:
    def __init__(self, first_value, *, key=None, **rest):
        self.first_value = first_value
        self.key_value = key
        try:
            self.rest_value = rest["third"]
        except KeyError:
            self.rest_value = b"no rest", 1.5, 1 << 70, "a string of more than ten characters"
    async def later(self):
        await self.other_box.later()
    def closure(self, x):
        def inner(y, z=3):
            return [x + y + z + self.first_value for _ in range(2)]
        return inner
def uses(box):
""" + "".join(f"    box.attribute_{i % 40} = box.first_value + {1000 * i}\n"
              for i in range(200)) + "    return box\n"
SAYS = """
box = uses(Box(2, key=5, third=[1]))
print(box.attribute_39, box.key_value, box.rest_value, box.closure(1)(2), Box(1).rest_value)
"""


def compiled(tree):
    return make._mpy(make.LEVEL, "app", emit(tree))


def test_code_is_smaller_and_says_the_same(tmp_path):
    tree = ast.parse(MANY + SAYS)
    new = often_first(tree, "app", compiled)
    outcomes = []
    for name, which in (("old", tree), ("new", new)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "main.mpy").write_bytes(compiled(which))
        outcomes.append(run(folder))
    assert outcomes[0] == outcomes[1] and outcomes[0].startswith("199002 5 [1] [8, 8] (b'no")
    head = [node.value.attr for node in new.body[0].body
            if isinstance(node.value, ast.Attribute)]
    assert len(new.body) == len(tree.body) + 1 and head[0] == "first_value"
    assert {f"attribute_{i}" for i in range(40)} < set(head) and len(head) > 100
    # 400 attributes of uses() take a byte less each; a name of the head takes four or five.
    assert len(compiled(new)) < len(compiled(tree)) + 5 * len(head) - 300


def test_a_module_of_few_names_stays_as_it_is():
    tree = ast.parse("def f(a):\n    return a.b\n")
    assert often_first(tree, "app", compiled) is tree


def test_another_order_of_numbers_is_noticed():
    tree = ast.parse(MANY)
    plain = compiled(tree)
    with pytest.raises(BuildError, match="order"):
        often_first(tree, "app", lambda _tree: plain)
