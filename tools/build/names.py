"""Gives short names to what is ours: attributes, top-level names, parameters.

Enters: a Program after link() and drop_dead().  Leaves: the same program under other names, and
{module: {short: [names before]}} for reading a trace.

A name costs its length and 12 bytes of heap once a firmware, unless MicroPython has it in ROM;
so names are shared as far as no two meanings can meet.  Attributes: an object has those that its
class and the classes related to it define, in the body or as `self.x = ...`; two attributes get
one short name only when no family of classes has both.  One that is written from outside
(`op.kind = 3`) gets a name of its own.  Kept are: dunders, what MicroPython's own objects have,
what stands in a string (getattr), what modules that are passed as objects define, and parameters
that any call passes by keyword.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter

from tools.build.native import free_names, native_names
from tools.build.scopes import Place, Scope
from tools.build.source import Module, Program
from tools.build.trees import walk

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CAPITALS = [a + b for a, b in itertools.product(["", *_LETTERS.upper()], _LETTERS.upper())]
_APART = "__apart"  # of what functions bind, until they get their short names
_LETTERED = [a + b for a, b in itertools.product(["", *_LETTERS], _LETTERS)
             if a + b not in ("as", "if", "in", "is", "or")]


def shorten(program: Program) -> dict[str, dict[str, list[str]]]:
    """Rename everything that can be; gives the map for reading traces."""
    said = _Said()
    whole = _object_modules(program)
    keywords = _keywords(program)
    for module in program.modules.values():
        _set_apart(module, keywords)
    _refresh(program)
    _Globals(program, whole, said).run()
    _refresh(program)
    for module in program.modules.values():
        _variables(module)
    _refresh(program)
    _Attributes(program, whole, keywords, said).run()
    _refresh(program)
    return said.as_dict()


class _Said:
    """What was renamed to what."""

    def __init__(self):
        self._rows: dict[str, dict[str, set[str]]] = {}

    def note(self, module: str, new: str, old: str) -> None:
        if new != old:
            self._rows.setdefault(module, {}).setdefault(new, set()).add(old)

    def as_dict(self) -> dict[str, dict[str, list[str]]]:
        return {module: {new: sorted(old) for new, old in sorted(rows.items())}
                for module, rows in sorted(self._rows.items())}


def _refresh(program: Program) -> None:
    for module in program.modules.values():
        module.touch()


def _object_modules(program: Program) -> set[str]:
    """Modules of ours that are imported whole: their names are reached as attributes."""
    return {target for name in program.modules
            for target, what in program.imports(name).values() if what is None}


def _dunder(name: str) -> bool:
    return name.startswith("__")


# Top-level names ------------------------------------------------------------------------------


class _Globals:
    """Definitions first, by how often they are named; then imports, by the same name if free."""

    def __init__(self, program: Program, whole: set[str], said: _Said):
        self._program, self._whole, self._said = program, whole, said
        self._new: dict[tuple[str, str], str] = {}

    def run(self) -> None:
        plans = {name: self._plan(module) for name, module in self._program.modules.items()}
        for name, (kept, mine, in_class) in plans.items():
            self._assign(name, kept, mine, in_class)
        for name, (kept, _mine, in_class) in plans.items():
            self._import(name, kept, in_class)
        for name, module in self._program.modules.items():
            self._write(name, module)

    def _plan(self, module: Module):
        """(names that stay, definitions by falling count, names that class bodies load)."""
        scopes = module.scopes
        imports = self._program.imports(module.name)
        count = Counter(p.name for p in scopes.places if p.owner is scopes.module)
        ours = {n for n in scopes.module.bound if not _dunder(n)}
        foreign = {p.name for p in scopes.places if isinstance(p.node, ast.alias)} - set(imports)
        kept = (set(count) - ours) | foreign
        kept |= {n for n, (_m, what) in imports.items() if what is None}
        if module.name in self._whole:
            kept |= ours - set(imports)
        kept |= module.spelled()
        # Names that functions keep would hide a top-level one of the same name.
        kept |= {p.name for p in scopes.places if p.owner.kind in ("function", "comprehension")
                 and not p.name.endswith(_APART)}
        kept |= {n.name for n in module.tree.body
                 if isinstance(n, ast.ClassDef) and self._is_error(module, n)}
        mine = [n for n, _ in count.most_common() if n in ours - kept - set(imports)]
        in_class = {p.name for p in scopes.places
                    if p.owner is scopes.module and p.scope.kind == "class"}
        return kept, mine, in_class

    def _is_error(self, module: Module, node: ast.ClassDef) -> bool:
        # Errors keep their names: they are what a person reads in a log.
        return any(self._program.base(module, base) is None for base in node.bases)

    def _assign(self, name: str, kept: set[str], mine: list[str], in_class: set[str]) -> None:
        used = set(kept)
        for old in kept:
            self._new[name, old] = old
        for old in mine:
            self._new[name, old] = _first(used, old in in_class)
            used.add(self._new[name, old])

    def _import(self, name: str, kept: set[str], in_class: set[str]) -> None:
        imports = self._program.imports(name)
        used = {new for (module, _old), new in self._new.items() if module == name}
        for local, (target, what) in imports.items():
            if what is None or local in kept:
                self._new[name, local] = local
                continue
            wanted = self._new[target, what]
            special = local in in_class
            if wanted in used or special:
                wanted = _first(used, special)
            self._new[name, local] = wanted
            used.add(wanted)

    def _write(self, name: str, module: Module) -> None:
        imports = self._program.imports(name)
        scopes = module.scopes
        for node in module.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module in self._program.modules:
                for alias in node.names:
                    local = alias.asname or alias.name
                    if imports[local][1] is not None:
                        alias.name = self._new[node.module, alias.name]
                        alias.asname = self._new[name, local]
        for node in self._program.late_imports(module):
            for alias in node.names:  # a variable of its function, which keeps its name
                alias.asname = alias.asname or alias.name
                alias.name = self._new[node.module, alias.name]
        for place in scopes.places:
            new = self._new.get((name, place.name))
            if place.owner is scopes.module and new is not None:
                if isinstance(place.node, ast.alias):
                    alias = place.node
                    if alias.asname == alias.name:
                        alias.asname = None
                else:
                    place.rename(new)
                self._said.note(name, new, place.name)


def _first(used: set[str], from_the_end: bool = False) -> str:
    # What class bodies load must differ from every attribute: those names come from the far end.
    names = itertools.chain(free_names(), _LETTERED)
    if from_the_end:
        names = itertools.chain(reversed(free_names()), _CAPITALS)
    return next(n for n in names if n not in used)


# Parameters and locals ------------------------------------------------------------------------


def _strings(program: Program) -> set[str]:
    return {n.value for module in program.modules.values() for n in walk(module.tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def _keywords(program: Program) -> set[str]:
    """Every name that a call may pass by keyword."""
    found: set[str] = set()
    any_key = False
    for module in program.modules.values():
        given = {p.name for p in module.scopes.places
                 if isinstance(p.node, ast.arg) and p.owner.kind == "function"
                 and p.node is getattr(p.owner.node.args, "kwarg", None)}
        for node in walk(module.tree):
            for word in node.keywords if isinstance(node, ast.Call) else ():
                if word.arg is not None:
                    found.add(word.arg)
                elif not (isinstance(word.value, ast.Name) and word.value.id in given):
                    any_key = True  # keys from anywhere: any string may be one
    return found | _strings(program) if any_key else found


def _set_apart(module: Module, keywords: set[str]) -> None:
    """Give what functions bind names that no short top-level name can equal meanwhile."""
    for place in module.scopes.places:
        if place.owner.kind in ("function", "comprehension") and not _stays(place, keywords):
            place.rename(place.name + _APART)


def _stays(place: Place, keywords: set[str]) -> bool:
    """True for a variable of a function whose name is more than that: an import, a keyword."""
    return any(p.name == place.name and p.owner is place.owner
               and (isinstance(p.node, ast.alias) or (isinstance(p.node, ast.arg)
                                                      and p.name in keywords))
               for p in place.owner.places)


def _variables(module: Module) -> None:
    """Rename what functions bind; scopes come outermost first."""
    scopes = module.scopes
    final: dict[tuple[int, str], str] = {}
    mine: dict[int, list[Place]] = {}
    within: dict[int, list[Place]] = {}
    for place in scopes.places:
        mine.setdefault(id(place.owner), []).append(place)
        scope: Scope | None = place.scope
        while scope is not None:
            within.setdefault(id(scope), []).append(place)
            scope = scope.parent
    for scope in scopes.all:
        if scope.kind in ("module", "class"):
            continue
        places = mine.get(id(scope), [])
        kept = {p.name for p in places if not p.name.endswith(_APART)}
        used = set(kept)
        for place in within.get(id(scope), []):
            if place.owner is scope:
                continue
            if place.owner.inside(scope) and place.owner.kind != "class":
                if not place.name.endswith(_APART):
                    used.add(place.name)  # of a function inside: it keeps that name
            else:
                used.add(final.get((id(place.owner), place.name), place.name))
        order = [p.name for p in places if isinstance(p.node, ast.arg)]
        order += [p.name for p in places]
        for name in dict.fromkeys(order):
            new = name if name in kept else _first(used)
            final[id(scope), name] = new
            used.add(new)
    for place in scopes.places:
        new = final.get((id(place.owner), place.name))
        if new is not None and new != place.name:
            place.rename(new)


# Attributes -----------------------------------------------------------------------------------


class _Attributes:
    """One short name for each attribute; those that can meet on an object get different ones."""

    def __init__(self, program: Program, whole: set[str], keywords: set[str], said: _Said):
        self._program, self._said = program, said
        self._family: dict[int, int] = {}
        self._homes: dict[str, set[int]] = {}  # attribute: families that define it
        self._outside: set[str] = set()  # written from outside
        self._nodes: dict[str, list[tuple[Module, ast.AST]]] = {}
        self._foreign: set[int] = set()  # families with a base that is not ours
        self._kept = self._words(whole) | keywords  # setattr() may get them by **
        self._in_class: set[str] = set()

    def run(self) -> None:
        self._relate()
        for module in self._program.modules.values():
            self._look(module)
        for name, new in self._colour().items():
            for module, node in self._nodes[name]:
                self._said.note(module.name, new, name)
                if isinstance(node, Place):
                    node.rename(new)
                else:
                    node.attr = new

    def _words(self, whole: set[str]) -> set[str]:
        kept = set(native_names())
        for name, module in self._program.modules.items():
            if name in whole:
                kept |= module.scopes.module.bound
                kept |= {n.attr for n in walk(module.tree) if isinstance(n, ast.Attribute)}
        return kept | _strings(self._program)

    def _relate(self) -> None:
        """Classes that inherit from each other are one family."""
        at = {}
        for module, node in self._program.classes():
            self._family[id(node)] = id(node)
            if node in module.tree.body:
                at[module.name, node.name] = id(node)
        for module, node in self._program.classes():
            for base in node.bases:
                symbol = self._program.base(module, base)
                if symbol is None:
                    self._foreign.add(id(node))
                else:
                    self._family[self._top(at[symbol])] = self._top(id(node))
        self._foreign = {self._top(i) for i in self._foreign}

    def _top(self, i: int) -> int:
        while self._family[i] != i:
            i = self._family[i]
        return i

    def _look(self, module: Module) -> None:
        scopes = module.scopes
        for place in scopes.places:
            if place.owner.kind == "class":
                self._nodes.setdefault(place.name, []).append((module, place))
                if place.store:
                    self._home(place.name, place.owner.node)
            elif place.scope.kind == "class":
                self._in_class.add(place.name)
        for node in walk(module.tree):
            if isinstance(node, ast.Attribute):
                self._nodes.setdefault(node.attr, []).append((module, node))
                if not isinstance(node.ctx, ast.Load):
                    owner = self._self_class(scopes, node.value)
                    if owner is None:
                        self._outside.add(node.attr)
                    else:
                        self._home(node.attr, owner)

    def _home(self, name: str, node: ast.AST) -> None:
        self._homes.setdefault(name, set()).add(self._top(id(node)))

    @staticmethod
    def _self_class(scopes, node: ast.expr) -> ast.AST | None:
        """The class whose method's first parameter this name is, else None."""
        if not isinstance(node, ast.Name):
            return None
        owner = scopes.at[id(node)].owner
        if owner.kind != "function" or owner.parent.kind != "class":
            return None
        args = getattr(owner.node.args, "args", [])
        plain = args and args[0].arg == node.id and not owner.node.decorator_list
        bound_again = sum(p.store for p in owner.places
                          if p.name == node.id) > 1 if plain else True
        return None if bound_again else owner.parent.node

    def _colour(self) -> dict[str, str]:
        names = [n for n in self._nodes if n in self._homes and n not in self._kept
                 and not _dunder(n)]
        taken: dict[int, set[str]] = {}  # by family
        everywhere = set(self._in_class)
        for name in self._nodes:
            if name in names:
                continue
            if name in self._outside:
                everywhere.add(name)
            for home in self._homes.get(name, ()):
                taken.setdefault(home, set()).add(name)
        result = {}
        names.sort(key=lambda n: (n not in self._outside, -len(self._homes[n]),
                                  -len(self._nodes[n]), n))
        for name in names:
            homes = self._homes[name]
            used = everywhere.union(*(taken.get(h, ()) for h in homes))
            if name in self._outside:
                used = used.union(*taken.values())
            if homes & self._foreign:
                used = used | native_names()
            new = _first(used)
            result[name] = new
            for home in homes:
                taken.setdefault(home, set()).add(new)
            if name in self._outside:
                everywhere.add(new)
        return result
