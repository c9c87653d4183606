"""Puts the values of integer constants where their names were used, in all modules.

Enters: a Program.  Leaves: literals instead of names; definitions stay for dead.py to drop.

A constant is a top-level `NAME = const(<ints>)` or `NAME = <ints>` that is bound exactly once,
nowhere by `global` and by no attribute of a module.  On the device such a name costs an entry in
the dict of its module, of the package and of each importer, and the import; a literal up to 47 is
one byte of bytecode.
"""

from __future__ import annotations

import ast
import operator

from tools.build.source import Program

_TWO = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift, ast.BitOr: operator.or_, ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor, ast.Pow: operator.pow,
}
_ONE = {ast.USub: operator.neg, ast.Invert: operator.invert, ast.UAdd: operator.pos}


def inline_constants(program: Program) -> None:
    """Replace every use of every constant by its value."""
    values = constant_values(program)
    for name, module in program.modules.items():
        known = {}
        for local in module.scopes.module.bound:
            found = program.find(name, local)
            if found in values:
                known[local] = values[found]
        whole = {local for local, (_m, what) in program.imports(name).items() if what is None}
        _Inliner(program, name, known, whole, values).visit(module.tree)
        # What stays is a variable: for a const() MicroPython would put its value wherever the
        # name stands, of whatever scope, and short names stand in many.
        for node in module.tree.body:
            if isinstance(node, ast.Assign):
                node.value = _expression(node.value)
        module.touch()


def constant_values(program: Program) -> dict[tuple[str, str], int]:
    """{(module, name): value} of all constants."""
    candidates = {}
    for name, module in program.modules.items():
        spelled = module.spelled()
        for local, node in _assigned_once(module).items():
            if local not in program.written and local not in spelled:
                candidates[name, local] = _expression(node)
    values: dict[tuple[str, str], int] = {}
    before = -1
    while before != len(values):  # constants of constants, in whatever order
        before = len(values)
        for key, node in candidates.items():
            value = _value(program, key[0], node, values)
            if value is not None:
                values[key] = value
    return values


def _assigned_once(module) -> dict[str, ast.expr]:
    stores: dict[str, int] = {}
    for place in module.scopes.places:
        if place.store and place.owner is module.scopes.module:
            stores[place.name] = stores.get(place.name, 0) + 1
    found = {}
    for node in module.tree.body:
        if (isinstance(node, ast.Assign) and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name) and stores[node.targets[0].id] == 1):
            found[node.targets[0].id] = node.value
    return found


def _expression(node: ast.expr) -> ast.expr:
    if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords
            and node.func.id == "const" and len(node.args) == 1):
        return node.args[0]
    return node


def _value(program, module, node, values) -> int | None:
    """The int that an expression of ints and constants is, None when it is anything else."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and type(node.op) in _ONE:
        inner = _value(program, module, node.operand, values)
        return None if inner is None else _ONE[type(node.op)](inner)
    if isinstance(node, ast.BinOp) and type(node.op) in _TWO:
        left = _value(program, module, node.left, values)
        right = _value(program, module, node.right, values)
        if left is None or right is None:
            return None
        return _TWO[type(node.op)](left, right)
    if isinstance(node, ast.Name):
        return values.get(program.find(module, node.id))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        target = program.imports(module).get(node.value.id)
        if target is not None and target[1] is None:
            return values.get(program.find(target[0], node.attr))
    return None


def int_value(node: ast.expr) -> int | None:
    """The int that an expression of literal ints is, None when it is anything else."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and type(node.op) in _ONE:
        inner = int_value(node.operand)
        return None if inner is None else _ONE[type(node.op)](inner)
    if isinstance(node, ast.BinOp) and type(node.op) in _TWO:
        left, right = int_value(node.left), int_value(node.right)
        return None if left is None or right is None else _TWO[type(node.op)](left, right)
    return None


def literal(value: int) -> ast.expr:
    """An int as a tree."""
    if value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


class _Inliner(ast.NodeTransformer):
    def __init__(self, program, name, known, whole, values):
        self._program, self._name, self._values = program, name, values
        self._known, self._whole = known, whole
        self._scopes = program.modules[name].scopes

    def _ours(self, node: ast.Name) -> bool:
        # A local, a parameter or a name of a class in its body may hide the module's.
        return self._scopes.at[id(node)].owner is self._scopes.module

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load) and node.id in self._known and self._ours(node):
            return literal(self._known[node.id])
        return node

    def visit_Attribute(self, node):
        base = node.value
        if (isinstance(base, ast.Name) and base.id in self._whole and self._ours(base)
                and isinstance(node.ctx, ast.Load)):
            target = self._program.imports(self._name)[base.id][0]
            value = self._values.get(self._program.find(target, node.attr))
            if value is not None:
                return literal(value)
        self.generic_visit(node)
        return node
