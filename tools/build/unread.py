"""Leaves out attributes that are set and never read: counters for tests and for whoever debugs.

Enters: a Program.  Leaves: the same one, in which nothing sets them.

    drop_unread(program)            # -> their names

An attribute takes 16 bytes of its object's dict, its name, and the code that sets it.  They are
names that stand in the program as `self.x = ...` alone, in methods of classes that inherit from
nothing but ours: on another object such a name may be MicroPython's own (`verify_mode` of TLS).
What is set is still evaluated when that may do something.
"""

from __future__ import annotations

import ast

from tools.build.native import native_names
from tools.build.source import Program
from tools.build.trees import walk

_PLAIN = (ast.Constant, ast.Name, ast.Attribute, ast.Load, ast.UnaryOp, ast.unaryop)


def drop_unread(program: Program) -> list[str]:
    """Drop them; gives their names."""
    ours = {id(part) for module in program.modules.values() for node in module.tree.body
            if isinstance(node, ast.ClassDef)
            and all(program.base(module, base) for base in node.bases)
            for part in _own_stores(node)}
    written, kept = set(), set(native_names())
    for module in program.modules.values():
        for node in walk(module.tree):
            if id(node) in ours:
                written.add(node.attr)
                continue
            for field in ("id", "attr", "arg", "name", "asname", "value"):
                name = getattr(node, field, None)
                if isinstance(name, str):
                    kept.add(name)
    names = {name for name in written - kept if not name.startswith("__")}
    for module in program.modules.values():
        _Dropper(names).visit(module.tree)
        ast.fix_missing_locations(module.tree)
        module.touch()
    return sorted(names)


def _own_stores(node: ast.ClassDef):
    """The attributes that the methods of a class set on their object."""
    for method in node.body:
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and method.args.args:
            own = method.args.args[0].arg
            for part in walk(method):
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) \
                        and isinstance(part.value, ast.Name) and part.value.id == own:
                    yield part


class _Dropper(ast.NodeTransformer):
    def __init__(self, names: set[str]):
        self._names = names

    def _goes(self, target: ast.expr) -> bool:
        return isinstance(target, ast.Attribute) and target.attr in self._names

    def visit_Assign(self, node):
        targets = [target for target in node.targets if not self._goes(target)]
        if len(targets) == len(node.targets):
            return node
        return ast.Assign(targets, node.value) if targets else _left(node.value)

    def visit_AugAssign(self, node):
        return _left(node.value) if self._goes(node.target) else node


def _left(value: ast.expr) -> ast.stmt:
    plain = all(isinstance(part, _PLAIN) for part in walk(value))
    return ast.Pass() if plain else ast.Expr(value)
