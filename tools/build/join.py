"""Puts the modules of the bundle together into one, in the order of their imports.

Enters: a Program after link() and drop_dead().  Leaves: the roots, the modules that must stand
alone, and one that holds all others under the name of the one that needs most (`app`).

A module costs a dict with room to grow, its own tables of names and constants, and 16 bytes for
each name that it imports; together they share all of that.  Alone stay: roots, modules that are
passed on as objects or spelled out (`del sys.modules["config"]`), and what those import.
"""

from __future__ import annotations

import ast

from tools.build.source import BuildError, Module, Program


def join(program: Program) -> None:
    """Rewrite the program so that all that can be joined is one module, and parents are empty."""
    alone = _alone(program)
    order = [name for name in in_order(program) if name not in alone]
    if len(order) < 2:
        return
    joined = _Joiner(program, order)
    tree = joined.tree()
    for name in order:
        del program.modules[name]
    # A package that holds nothing any more is not a package any more.
    for name in [n for n, m in program.modules.items() if not m.tree.body and n not in alone]:
        del program.modules[name]
    whole = Module(joined.name, "")
    whole.tree = tree
    program.modules[joined.name] = whole
    whole.touch()
    for module in program.modules.values():
        joined.redirect(module)
        module.touch()


def _alone(program: Program) -> set[str]:
    alone = set(program.roots) & set(program.modules)
    alone |= {name for module in program.modules.values() for name in _spelled(module)}
    alone &= set(program.modules)
    alone |= {t for name in program.modules for t, what in program.imports(name).values()
              if what is None}
    work = [name for name in alone if name not in program.roots]
    while work:
        for target, _what in program.imports(work.pop()).values():
            if target not in alone:
                alone.add(target)
                work.append(target)
    return alone


def _spelled(module: Module) -> set[str]:
    """Names of modules in `sys.modules["name"]`."""
    return {n.slice.value for n in ast.walk(module.tree) if isinstance(n, ast.Subscript)
            and isinstance(n.value, ast.Attribute) and n.value.attr == "modules"
            and isinstance(n.slice, ast.Constant)}


def in_order(program: Program) -> list[str]:
    """Modules such that each stands after all that it imports."""
    order: list[str] = []
    state: dict[str, int] = {}

    def visit(name: str) -> None:
        if state.get(name) == 1:
            raise BuildError(f"{name} is imported in a circle")
        if name in state:
            return
        state[name] = 1
        for target, _what in program.imports(name).values():
            visit(target)
        state[name] = 2
        order.append(name)

    for name in program.modules:
        visit(name)
    return order


def _needs(program: Program, name: str) -> set[str]:
    found: set[str] = set()
    work = [name]
    while work:
        new = {target for target, _what in program.imports(work.pop()).values()} - found
        found |= new
        work += new
    return found


class _Joiner:
    def __init__(self, program: Program, order: list[str]):
        self._program, self._order = program, order
        # Called after the one that connects the others.
        self.name = max(order, key=lambda name: len(_needs(program, name)))
        self._foreign: dict[tuple[str, str | None], str] = {}  # of MicroPython: its local name

    @staticmethod
    def new(module: str, name: str) -> str:
        """The name of a definition in the joined module; names.py makes it short."""
        return module.replace(".", "_") + "__" + name

    def tree(self) -> ast.Module:
        body: list[ast.stmt] = []
        for name in self._order:
            body += self._body(name)
        heads = [ast.Import([ast.alias(m, local)]) if what is None else
                 ast.ImportFrom(m, [ast.alias(what, local)], 0)
                 for (m, what), local in self._foreign.items()]
        return ast.Module(heads + body, [])

    def _body(self, name: str) -> list[ast.stmt]:
        module = self._program.modules[name]
        scopes = module.scopes
        imports = self._program.imports(name)
        names = {}
        body = []
        for node in module.tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                own = isinstance(node, ast.ImportFrom) and node.module in self._order
                if not own:
                    for alias in node.names:
                        self._take(node, alias, names)
            else:
                body.append(node)
        for local in scopes.module.bound:
            if local in names:
                continue
            target, what = imports.get(local, (name, local))
            names[local] = self.new(target, what)
        for place in scopes.places:
            if place.owner is scopes.module and place.name in names \
                    and not isinstance(place.node, ast.alias):
                place.rename(names[place.name])
        return body

    def _take(self, node: ast.stmt, alias: ast.alias, names: dict[str, str]) -> None:
        """One import of MicroPython, or of a module that stands alone, for all that want it."""
        local = alias.asname or alias.name
        key = (node.module, alias.name) if isinstance(node, ast.ImportFrom) else (alias.name, None)
        if key not in self._foreign:
            self._foreign[key] = self.new("_".join(filter(None, key)).replace(".", "_"), "")
        names[local] = self._foreign[key]

    def redirect(self, module: Module) -> None:
        """Let a module that stands alone import from the joined one."""
        for node in module.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module in self._order:
                for alias in node.names:
                    alias.asname = alias.asname or alias.name
                    alias.name = self.new(node.module, alias.name)
                node.module = self.name
