"""Makes resident what is loaded on demand, for an image: there its code takes no heap.

Enters: a Program before link().  Leaves: the same program whose functions import nothing of ours.

    hoist(whole)        # def f(): from enrol import run  ->  the module imports it

Loaded when it is asked for, a module would make its functions and classes in the heap; as a part
of the whole they are in flash (rom.py).  `sys.modules.pop(name, None)`, which drops it elsewhere,
then finds nothing to drop.
"""

from __future__ import annotations

import ast

from tools.build.source import Module, Program
from tools.build.trees import walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def hoist(program: Program) -> None:
    """Move every import of ours from a function to the top of its module."""
    for module in program.modules.values():
        late = {id(node) for node in program.late_imports(module)}
        if late:
            _Hoist(module, late).run()
    program.on_demand = ()


class _Hoist:
    def __init__(self, module: Module, late: set[int]):
        self._module, self._late = module, late
        self._found: list[ast.ImportFrom] = []

    def run(self) -> None:
        scopes = self._module.scopes
        for function in walk(self._module.tree):
            if isinstance(function, _FUNCTIONS):
                for lines in _bodies(function):
                    self._take(lines, scopes.of[id(function)])
        self._module.tree.body[:0] = self._found
        ast.fix_missing_locations(self._module.tree)
        self._module.touch()

    def _take(self, lines: list[ast.stmt], scope) -> None:
        for line in [n for n in lines if id(n) in self._late]:
            names = []
            for alias in line.names:
                local = alias.asname or alias.name
                new = f"{local}__of_{line.module.replace('.', '_')}"
                places = [p for p in scope.places if p.name == local]
                if sum(p.store for p in places) > 1:
                    raise self._module.fail(line, f"{local} is bound again")
                for place in places:
                    if not isinstance(place.node, ast.alias):
                        place.rename(new)
                names.append(ast.alias(alias.name, new))
            self._found.append(ast.ImportFrom(line.module, names, 0))
            lines.remove(line)
        if not lines:
            lines.append(ast.Pass())


def _bodies(function: ast.AST):
    """The lists of statements of a function, not those of functions in it."""
    work = [function]
    while work:
        node = work.pop()
        for field in ("body", "orelse", "finalbody", "handlers"):
            lines = getattr(node, field, None)
            if isinstance(lines, list) and lines:
                if field != "handlers":
                    yield lines
                work += [n for n in lines if not isinstance(n, (*_FUNCTIONS, ast.ClassDef))]
