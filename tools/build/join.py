"""Puts the modules of the bundle together into a few, in the order of their imports.

Enters: a Program after link() and drop_dead().  Leaves: the roots, the modules that must stand
alone, and some that hold all others, each named after the one of its own that needs most.

A module costs a dict with room to grow, its own tables of names and constants, and 16 bytes for
each name that it imports; together they share all of that.  While one is imported there is as
much garbage as it has functions, which leaves holes: so there are parts of PART functions, and
the root that starts the firmware imports them one by one and collects after each.  One part is
smallest, but its holes are more than what the running firmware can fill.  Alone stay:
roots, modules that are passed on as objects or spelled out (`del sys.modules["config"]`), and
what those import.  What is loaded on demand is one module under its own name, with all that it
alone needs.
"""

from __future__ import annotations

import ast
from collections import Counter

from tools.build.source import BuildError, Module, Program
from tools.build.trees import walk


PART = 700  # functions and classes; from measuring which heap the firmware lives in
_CODE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def join(program: Program, part: int = PART) -> list[str]:
    """Rewrite the program so that all that can be joined is in a few modules: their names."""
    for name, order in _late(program).items():
        _put_together(program, order, name)
    alone = _alone(program)
    parts: list[list[str]] = [[]]
    size = 0
    for name in in_order(program):
        module = program.modules[name]
        if name in alone or name in program.on_demand or not module.tree.body:
            continue
        code = sum(isinstance(node, _CODE) for node in walk(module.tree))
        if parts[-1] and size + code > part:
            parts.append([])
            size = 0
        parts[-1].append(name)
        size += code
    names = [_put_together(program, order) for order in parts if order]
    # A package that holds nothing any more is not a package any more.
    alone.update(program.on_demand)
    for name in [n for n, m in program.modules.items() if not m.tree.body and n not in alone]:
        del program.modules[name]
    for name in program.roots:
        if name in program.modules and len(names) > 1:
            _one_by_one(program, program.modules[name], names)
    return names


def _late(program: Program) -> dict[str, list[str]]:
    """{name of what is loaded on demand: its modules in order}"""
    resident = set(program.roots)
    for name in program.roots:
        resident |= _needs(program, name) if name in program.modules else set()
    groups: dict[str, set[str]] = {}
    for top in program.on_demand:
        own = {n for n in program.modules if n == top or n.startswith(top + ".")}
        for name in list(own):
            own |= {n for n in _needs(program, name) if n.split(".")[0] not in program.on_demand}
        if own:
            groups[top] = own - resident
    count = Counter(name for own in groups.values() for name in own)
    return {top: [name for name in in_order(program) if name in own and count[name] == 1]
            for top, own in groups.items()}


def _put_together(program: Program, order: list[str], name: str | None = None) -> str:
    joined = _Joiner(program, order, name)
    if joined.name in program.modules and joined.name not in order:
        raise BuildError(f"{joined.name} is a module already")
    whole = Module(joined.name, "")
    whole.tree = joined.tree()
    for old in order:
        del program.modules[old]
    program.modules[joined.name] = whole
    whole.touch()
    for module in program.modules.values():
        joined.redirect(module)
        module.imports = None  # its own names are what they were
    return joined.name


def _one_by_one(program: Program, root: Module, names: list[str]) -> None:
    """Let the root that imports the last of the parts import all, and collect after each."""
    at = [i for i, node in enumerate(root.tree.body)
          if isinstance(node, ast.ImportFrom) and node.module in names]
    if at and any(root.tree.body[i].module == names[-1] for i in at):
        lines = [f"__import__({name!r})\n__import__('gc').collect()" for name in names]
        root.tree.body[at[0]:at[0]] = ast.parse("\n".join(lines)).body
        root.touch()


def _alone(program: Program) -> set[str]:
    alone = set(program.roots) & set(program.modules)
    alone |= {name for module in program.modules.values() for name in _spelled(module)}
    alone = alone & set(program.modules) - set(program.on_demand)
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
    return {n.slice.value for n in walk(module.tree) if isinstance(n, ast.Subscript)
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
    def __init__(self, program: Program, order: list[str], name: str | None = None):
        self._program, self._order = program, order
        self.name = name or max(
            order, key=lambda name: len(_needs(program, name))).replace(".", "_")
        self._foreign: dict[tuple[str, str | None], str] = {}  # of MicroPython: its local name

        self._new = self._names()

    def _names(self) -> dict[tuple[str, str], str]:
        """{symbol: its name in the joined module}: its own when no other can be meant by it."""
        where = Counter(name for module in self._program.modules.values()
                        for name in {p.name for p in module.scopes.places})
        meant = Counter(symbol for name in self._program.modules
                        for local, symbol in self._program.imports(name).items()
                        if symbol[1] == local)
        found = {}
        for module in self._order:
            for name in self._program.modules[module].scopes.module.bound:
                alone = where[name] == meant[module, name] + 1
                found[module, name] = name if alone else f"{module}__{name}".replace(".", "_")
        return found

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
            names[local] = self._new[target, what]
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
            # `gc` and the like are in ROM; nobody of ours has them for anything else.
            plain = key[1] or key[0]
            used = any(p.name == plain and not isinstance(p.node, ast.alias)
                       and (p.store or p.owner is not m.scopes.module)
                       for m in self._program.modules.values() for p in m.scopes.places)
            used = used or plain in self._foreign.values()
            self._foreign[key] = plain if not used else "_".join(
                filter(None, key)).replace(".", "_") + "__"
        names[local] = self._foreign[key]

    def redirect(self, module: Module) -> None:
        """Let a module that stands alone, and functions, import from the joined one."""
        for node in walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module in self._order:
                for alias in node.names:
                    alias.asname = alias.asname or alias.name
                    alias.name = self._new[node.module, alias.name]
                node.module = self.name
