"""Leaves out of a bundle what MicroPython keeps in the heap though nobody asks for it.

Enters: a module's tree, ready to be compiled.  Leaves: another one that does the same, and what
has to be put into its .mpy.

    tree, texts = lean(tree, kept=True)
    data = swapped(compiled(emit(tree)), texts)

A class loses its `__module__` and `__qualname__`, 32 bytes of its dict: the name that a trace
shows is kept elsewhere.

A string of more than ten characters is an object with a place in a table, 72 bytes and more,
unless mpy-cross has met it as a name before: then it is one of the interned strings, at a byte a
letter.  So a name of the same length stands in its place, once more in a branch that is never
compiled, and the text takes its place in the table of the .mpy.  Interned strings stay for ever:
not for modules that are dropped again.

A constant tuple has a copy of each string in it: that of a module is made from a list.

forget_once() is for the whole program: a function that nothing but its module's own statements
calls, while it is imported, is let go of at its end.
"""

from __future__ import annotations

import ast
import copy

from tools.build.source import Program
from tools.build.trees import walk

_SHORT = 10  # bytes of a string that MicroPython interns by itself
_LONGEST = 250  # that it can intern
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def lean(tree: ast.Module, kept: bool) -> tuple[ast.Module, dict[str, str]]:
    """(a copy of the tree for mpy-cross, {name: the text that takes its place}).

    `kept`: the module stays loaded.
    """
    tree = copy.deepcopy(tree)
    for node in walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body.insert(0, ast.Delete([ast.Name("__module__", ast.Del()),
                                            ast.Name("__qualname__", ast.Del())]))
    if not kept:
        return tree, {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            node.value = _Lists().visit(node.value)
    names = _Names()
    tree = names.visit(tree)
    if names.texts:
        never = [ast.Expr(ast.Name(name, ast.Load())) for name in names.texts.values()]
        tree.body.insert(0, ast.If(ast.Constant(0), never, []))
    return tree, {name: text for text, name in names.texts.items()}


def forget_once(program: Program) -> None:
    """Let go of functions that nothing but the import of their module calls."""
    elsewhere = set()
    for module in program.modules.values():
        for node in walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                elsewhere |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Attribute):
                elsewhere.add(node.attr)
    for name, module in program.modules.items():
        if name in program.roots:
            continue
        used = set(elsewhere)
        for node in module.tree.body:
            if isinstance(node, _LATER):
                used |= {part.id for part in walk(node) if isinstance(part, ast.Name)}
        once = [node.name for node in module.tree.body
                if isinstance(node, ast.FunctionDef) and node.name not in used]
        module.tree.body += [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None))
                             for name in once]
        module.touch()


def swapped(mpy: bytes, texts: dict[str, str]) -> bytes:
    """The .mpy with the texts in the place of the names."""
    for name, text in texts.items():
        mpy = mpy.replace(name.encode(), text.encode())
    return mpy


class _Lists(ast.NodeTransformer):
    """Tuples of constants with strings among them become tuple([...])."""

    def visit_Tuple(self, node):
        constant = all(isinstance(part, (ast.Constant, ast.Tuple)) for part in node.elts)
        strings = any(isinstance(part, ast.Constant) and isinstance(part.value, str)
                      for part in node.elts)
        node = self.generic_visit(node)
        if constant and strings:
            return ast.Call(ast.Name("tuple", ast.Load()), [ast.List(node.elts, ast.Load())], [])
        return node


class _Names(ast.NodeTransformer):
    """Puts a name of the same length, as a string, in place of each long string: `texts`."""

    def __init__(self):
        self.texts: dict[str, str] = {}

    def visit_Constant(self, node):
        size = len(node.value.encode()) if isinstance(node.value, str) else 0
        if not _SHORT < size <= _LONGEST:
            return node
        name = self.texts.setdefault(node.value, f"zq{len(self.texts):04}".ljust(size, "z"))
        return ast.Constant(name)
