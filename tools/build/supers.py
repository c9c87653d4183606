"""Names the class that `super()` means: the call then needs no cell.

Enters: a Program after link().  Leaves: `Base.f(self, x)` for `super().f(x)` where the base is one
class of ours, else `super(C, self).f(x)`.

A method with `super()` is a closure over a cell with its class: two objects more in the heap for
each, and none that could stand in flash.
"""

from __future__ import annotations

import ast

from tools.build.source import Module, Program

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def name_supers(program: Program) -> None:
    """Rewrite every `super()` in a method of a class at the top of a module."""
    for module in program.modules.values():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, _FUNCTIONS) and method.args.args:
                        _Super(program, module, node, method).visit(method)
        ast.fix_missing_locations(module.tree)
        module.touch()


class _Super(ast.NodeTransformer):
    def __init__(self, program: Program, module: Module, node: ast.ClassDef, method: ast.AST):
        self._name, self._me = node.name, method.args.args[0].arg
        scope = module.scopes.of[id(method)]
        base = node.bases[0] if len(node.bases) == 1 else None
        ours = base is not None and program.base(module, base) is not None
        self._base = base.id if ours and base.id not in scope.bound else None
        stores = sum(p.store for p in scope.places if p.name == self._me)
        self._plain = stores == 1 and self._name not in scope.bound

    def visit_Call(self, node):
        self.generic_visit(node)
        if not self._plain:
            return node
        func = node.func
        if self._base and isinstance(func, ast.Attribute) and _is_super(func.value):
            func.value = ast.Name(self._base, ast.Load())
            node.args.insert(0, ast.Name(self._me, ast.Load()))
        elif isinstance(func, ast.Name) and func.id == "super" and not node.args:
            node.args = [ast.Name(self._name, ast.Load()), ast.Name(self._me, ast.Load())]
        return node


def _is_super(node: ast.expr) -> bool:
    # Its own arguments stand in it already, since inner calls are visited first.
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) \
        and node.func.id == "super"
