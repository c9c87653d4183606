"""Leaves out of a bundle what MicroPython keeps in the heap though nobody asks for it.

Enters: a module's tree, ready to be compiled.  Leaves: another one that does the same.

    text = emit(lean(tree))

A class loses its `__module__` and `__qualname__`, 32 bytes of its dict: the name that a trace
shows is kept elsewhere.  A string of more than ten characters is an object with a place in a
table, 60 bytes and more, unless mpy-cross has met its text as a name before: so each that could be
one is named in a branch that is never compiled.
"""

from __future__ import annotations

import ast
import copy
import keyword

_SHORT = 10  # characters of a string that MicroPython interns by itself


def lean(tree: ast.Module) -> ast.Module:
    """A copy of the tree for mpy-cross."""
    tree = copy.deepcopy(tree)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body.insert(0, ast.Delete([ast.Name("__module__", ast.Del()),
                                            ast.Name("__qualname__", ast.Del())]))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) \
                and len(node.value) > _SHORT and node.value.isidentifier() \
                and node.value.isascii() and not keyword.iskeyword(node.value):
            names.add(node.value)
    if names:
        never = [ast.Expr(ast.Name(name, ast.Load())) for name in sorted(names)]
        tree.body.insert(0, ast.If(ast.Constant(0), never, []))
    return tree
