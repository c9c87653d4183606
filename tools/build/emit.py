"""Writes a tree as text for mpy-cross.

    emit(ast.parse("a, b = b, a"))      # "a, b = b, a\n"

ast.unparse() puts a tuple in parentheses; MicroPython then makes the tuple, which it does not for
a plain `a, b = b, a`, and a step that must not allocate would.
"""

from __future__ import annotations

import ast
import copy
import re


def emit(tree: ast.Module) -> str:
    """The text of a module."""
    stand_ins = _StandIns()
    text = ast.unparse(ast.fix_missing_locations(stand_ins.visit(copy.deepcopy(tree)))) + "\n"
    return re.sub(r"__tuple(\d+)__", lambda found: stand_ins.texts[int(found[1])], text)


class _StandIns(ast.NodeTransformer):
    """Puts a name in place of each tuple that is assigned."""

    def __init__(self):
        self.texts: list[str] = []

    def visit_Assign(self, node):
        if not isinstance(node.value, ast.Tuple) or len(node.value.elts) < 2:
            return node
        self.texts.append(", ".join(ast.unparse(ast.fix_missing_locations(part))
                                    for part in node.value.elts))
        stand_in = ast.Name(f"__tuple{len(self.texts) - 1}__", ast.Load())
        return ast.Assign(node.targets, stand_in)
