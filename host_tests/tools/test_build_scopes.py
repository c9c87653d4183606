"""tools/build: trees are walked as ast does, and scopes kept up are as those made anew."""

import ast
from pathlib import Path

from tools.build.inline import inline_calls
from tools.build.make import whole_of
from tools.build.scopes import Scopes
from tools.build.trees import children, walk

PLAIN = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
FILES = sorted(Path(__file__).parent.glob("test_build_*.py"))
TEXT = """
import gc
from sys import exit as leave

LIMIT = 3


def _double(a):
    return a + a


def twice(b, c=LIMIT):
    d = _double(b)
    return [d + e + c for e in range(LIMIT)], lambda f: d + f


class Site:
    def __init__(self):
        self.n = 0

    def _more(self, by):
        global LIMIT
        try:
            self.n += by
        except TypeError as wrong:
            leave(wrong)
        gc.collect()

    def _add(self, by):
        step = by * LIMIT
        self.n += step

    def step(self):
        for i in range(2):
            self._add(i)
        self._more(1)
        return any(i for i in (self.n,))
"""


def test_trees_are_walked_in_the_order_of_ast_without_operators():
    for file in FILES:
        tree = ast.parse(file.read_text())
        assert list(walk(tree)) == [n for n in ast.walk(tree) if not isinstance(n, PLAIN)]
        for node in walk(tree):
            assert children(node) == [n for n in ast.iter_child_nodes(node)
                                      if not isinstance(n, PLAIN)]


def _seen(scopes):
    """All that is known, without an order of places in other scopes."""
    rows = {(id(p.node), p.field, p.name, p.store, id(p.scope.node), id(p.owner.node))
            for p in scopes.places}
    bound = {id(s.node): (s.kind, s.bound, s.globals, s.nonlocals) for s in scopes.all}
    own = {id(s.node): [(id(p.node), p.name) for p in s.places if p.scope is s]
           for s in scopes.all}
    return rows, len(scopes.places), bound, own, scopes.rebound


def test_scopes_kept_up_while_functions_move_are_as_those_made_anew(monkeypatch):
    program = whole_of({"main": TEXT})
    tree, moved, seen = program.modules["main"].tree, Scopes.moved, []

    def move(scopes, *what):
        moved(scopes, *what)
        anew = Scopes(tree)
        seen.append(what[0].name)
        assert _seen(scopes) == _seen(anew)
        assert all(scopes.at[key].owner.node is p.owner.node for key, p in anew.at.items())

    monkeypatch.setattr(Scopes, "moved", move)
    inline_calls(program)
    assert sorted(seen) == ["_add", "_double"]
    assert _seen(program.modules["main"].scopes) == _seen(Scopes(tree))
