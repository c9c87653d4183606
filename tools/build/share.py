"""Lets equal literals of a module be one object.

Enters: a Program.  Leaves: `b"href"` at the head of a module once, and a name where it stood.

MicroPython makes an object for each place of a bytes literal, and of a string of more than 10
characters (shorter ones are names): 64 bytes or more on a 64-bit port, where the name costs 16 in
the dict of the module.
"""

from __future__ import annotations

import ast
from collections import Counter

from tools.build.source import Program

_NAME_LEN = 10  # MicroPython makes a name of any string up to here


def share_literals(program: Program) -> None:
    """Put literals that stand at least twice in a module at its head."""
    for module in program.modules.values():
        count = Counter(_key(node) for node in ast.walk(module.tree) if _counts(node))
        names = {key: f"literal__{i}" for i, key in enumerate(
            key for key, n in count.items() if n > 1)}
        if not names:
            continue
        module.tree = _Sharer(names).visit(module.tree)
        at = next((i for i, n in enumerate(module.tree.body)
                   if not isinstance(n, (ast.Import, ast.ImportFrom))), len(module.tree.body))
        module.tree.body[at:at] = [
            ast.Assign([ast.Name(name, ast.Store())], ast.Constant(value))
            for (_type, value), name in names.items()]
        ast.fix_missing_locations(module.tree)
        module.touch()


def _key(node: ast.Constant) -> tuple[type, object]:
    return type(node.value), node.value


def _counts(node: ast.AST) -> bool:
    if not isinstance(node, ast.Constant):
        return False
    if isinstance(node.value, bytes):
        return len(node.value) > 0
    return isinstance(node.value, str) and len(node.value) > _NAME_LEN


class _Sharer(ast.NodeTransformer):
    def __init__(self, names: dict):
        self._names = names

    def visit_JoinedStr(self, node):
        """Not ours to take apart."""
        return node

    def visit_Constant(self, node):
        """Name the shared object."""
        name = self._names.get(_key(node))
        return node if name is None or not _counts(node) else ast.Name(name, ast.Load())
