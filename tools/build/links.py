"""Ties every name to the module that defines it: re-exports and `module.name` go.

Enters: a Program.  Leaves: `from sep2.resource import DONE` in place of `from sep2 import DONE`,
and of `import sep2` with `sep2.DONE`.

The `__init__` modules then hold imports that nobody needs, which dead.py drops; an entry in a
module's dict is 16 bytes on a 64-bit port.  `import x` stays where x is passed on as an object or
where the name is rebound by `global` in x.
"""

from __future__ import annotations

import ast

from tools.build.source import BuildError, Module, Program
from tools.build.trees import children, walk


def link(program: Program) -> None:
    """Rewrite the imports of every module; afterwards no import leads to a re-export."""
    for module in program.modules.values():
        _Late(program, module).visit(module.tree)
        _Linker(program, module).run()
    for module in program.modules.values():
        module.touch()


class _Late(ast.NodeTransformer):
    """Lets imports in functions lead to where their names are defined."""

    def __init__(self, program: Program, module: Module):
        self._program, self._module = program, module
        self._late = {id(node) for node in program.late_imports(module)}

    def visit_ImportFrom(self, node):
        if id(node) not in self._late:
            return node
        found: dict[str, list[ast.alias]] = {}
        for alias in node.names:
            symbol = self._program.find(node.module, alias.name)
            if symbol is None or symbol[1] is None or self._program.rebound(*symbol):
                raise self._module.fail(node, f"{node.module} defines no constant {alias.name}")
            found.setdefault(symbol[0], []).append(
                ast.alias(symbol[1], alias.asname or alias.name))
        return [ast.ImportFrom(target, names, 0) for target, names in found.items()]


class _Linker:
    """One module's imports, rewritten. `local`: {symbol: its name here}."""

    def __init__(self, program: Program, module: Module):
        self._program, self._module = program, module
        self._scopes = module.scopes
        self._imports = dict(program.imports(module.name))
        self._taken = {p.name for p in self._scopes.places}
        self._local: dict[tuple[str, str], str] = {}
        self._rename: dict[str, str] = {}

    def run(self) -> None:
        for local, (target, name) in self._imports.items():
            if name is not None:
                self._take(local, target, name)
        whole = {local: target for local, (target, name) in self._imports.items() if name is None}
        self._attributes(whole)
        for place in self._scopes.places:
            if place.owner is self._scopes.module and place.name in self._rename:
                place.rename(self._rename[place.name])
        self._write()

    def _take(self, local: str, target: str, name: str) -> None:
        symbol = self._program.find(target, name)
        if symbol is None:
            raise BuildError(f"{self._module.name}: {target} defines no {name}")
        if symbol[1] is None:
            raise BuildError(f"{self._module.name}: import {symbol[0]} whole, not from {target}")
        if self._program.rebound(*symbol):
            raise BuildError(f"{self._module.name}: {name} is rebound in {symbol[0]}, so that an "
                             "import would keep the old value")
        first = self._local.setdefault(symbol, local)
        if first != local:
            self._rename[local] = first

    def _attributes(self, whole: dict[str, str]) -> None:
        """Replace `module.name` where that cannot change."""
        places = [p for p in self._scopes.places
                  if p.owner is self._scopes.module and p.name in whole and not p.store]
        parents = {id(child): node for node in walk(self._module.tree)
                   for child in children(node)}
        for place in places:
            node = parents[id(place.node)]
            symbol = None
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                symbol = self._program.find(whole[place.name], node.attr)
                if symbol is None:
                    raise self._module.fail(node, f"{place.name} defines no {node.attr}")
            changes = place.name in self._scopes.rebound or (
                symbol is not None and symbol[1] is not None and self._program.rebound(*symbol))
            if symbol is None or symbol[1] is None or changes:
                continue
            name = self._local.setdefault(symbol, self._free(place.name, node.attr))
            new = ast.copy_location(ast.Name(name, ast.Load()), node)
            _replace(parents[id(node)], node, new)
            parents[id(new)] = parents[id(node)]

    def _free(self, module: str, name: str) -> str:
        wanted = f"{module}_{name}"
        while wanted in self._taken:
            wanted += "_"
        return wanted

    def _write(self) -> None:
        ours = self._program.modules
        body = []
        at = None
        for node in self._module.tree.body:
            # `import x` stays for now: dead.py drops it unless x does something when it is run.
            own = isinstance(node, ast.ImportFrom) and node.module in ours
            if own and at is None:
                at = len(body)
            if not own:
                body.append(node)
        by_module: dict[str, list[ast.alias]] = {}
        for (target, name), local in self._local.items():
            alias = ast.alias(name, local if local != name else None)
            by_module.setdefault(target, []).append(alias)
        new = [ast.ImportFrom(target, names, 0) for target, names in by_module.items()]
        if at is None:  # after the imports at the head
            at = next((i for i, n in enumerate(body)
                       if not isinstance(n, (ast.Import, ast.ImportFrom))), len(body))
        self._module.tree.body = body[:at] + new + body[at:]
        self._module.touch()


def _replace(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for field, value in ast.iter_fields(parent):
        if value is old:
            setattr(parent, field, new)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if item is old:
                    value[i] = new
