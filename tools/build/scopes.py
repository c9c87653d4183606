"""Who owns a name: every place in a module where a variable's name stands, and its scope.

Enters: a tree.  Leaves: `places`, each with node, name and the scope that owns the name.

    scopes = Scopes(ast.parse("def f(a):\\n    return a + b"))
    [(p.name, p.owner.kind) for p in scopes.places]
    # [("f", "module"), ("a", "function"), ("a", "function"), ("b", "module")]

A name that nobody binds belongs to the module (it is a builtin there: not in `module.bound`).
Attributes and keywords of calls are no variables and not here.
"""

from __future__ import annotations

import ast
from functools import cached_property

from tools.build.trees import fields


class Scope:
    """A module, class, function (lambdas too) or comprehension; `bound`: names bound in it."""

    def __init__(self, node: ast.AST, parent: Scope | None, kind: str):
        """Made by Scopes alone."""
        self.node, self.parent, self.kind = node, parent, kind
        self.bound: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.places: list[Place] = []  # of names that it owns

    def owner(self, name: str) -> Scope:
        """The scope in which the name, standing in this scope, is bound."""
        if name in self.globals:
            return self.module()
        if name in self.bound and name not in self.nonlocals:
            return self
        scope = self.parent
        while scope is not None and scope.parent is not None:
            if scope.kind != "class":
                return scope.owner(name)
            scope = scope.parent
        return self.module()

    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def inside(self, other: Scope) -> bool:
        """True when this scope is `other` or lies in it."""
        scope: Scope | None = self
        while scope is not None:
            if scope is other:
                return True
            scope = scope.parent
        return False


class Place:
    """One place of a name: in `field` of `node`, seen from `scope`, owned by `owner`."""

    __slots__ = ("field", "name", "node", "owner", "scope", "store")

    def __init__(self, node: ast.AST, field: str, name: str, scope: Scope, store: bool):
        """Made by Scopes alone; `owner` is filled in when the whole module was seen."""
        self.node, self.field, self.name = node, field, name
        self.scope, self.store = scope, store
        self.owner = scope

    def rename(self, new: str) -> None:
        """Write another name there."""
        if self.field == "names":
            self.node.names[self.node.names.index(self.name)] = new
        elif isinstance(self.node, ast.alias):
            self.node.asname = new if new != self.node.name else None
        else:
            setattr(self.node, self.field, new)


class Scopes:
    """All scopes and places of one module; `of`: the scope of a node by its id()."""

    def __init__(self, tree: ast.Module):
        """Walk the tree once, then settle the owners."""
        self.module = self._here = Scope(tree, None, "module")
        self.all = [self.module]
        self.of: dict[int, Scope] = {id(tree): self.module}
        self.places: list[Place] = []
        self._visit_all(tree.body)
        self._settle(self.places)

    def _settle(self, places: list[Place]) -> None:
        for place in places:
            scope, name = place.scope, place.name
            if name in scope.bound and name not in scope.globals \
                    and name not in scope.nonlocals:
                scope.places.append(place)  # as most of them: its owner is where it stands
            else:
                place.owner = scope.owner(name)
                place.owner.places.append(place)

    def moved(self, gone: ast.AST, home: ast.AST, changed: ast.AST) -> None:
        """A function is gone from `home`, and what another binds and reads has changed.

        As all scopes made anew, save that the places of `changed` come last; both functions stand
        at the top of the module or of a class there.
        """
        old = self.of[id(gone)], self.of[id(changed)]
        left = {scope for scope in self.all if scope.inside(old[0]) or scope.inside(old[1])}
        self.all = [scope for scope in self.all if scope not in left]
        outer = self.of[id(home)]
        self.places = [p for p in self.places if p.scope not in left and p.node is not gone]
        for scope in {outer, self.module}:
            scope.places = [p for p in scope.places if p.scope not in left and p.node is not gone]
        if not any(p.name == gone.name and p.store and p.scope is outer for p in outer.places):
            outer.bound.discard(gone.name)
        known = len(self.places)
        self._here = old[1].parent
        self._body(changed, changed.body)
        self._here = self.module
        self._settle(self.places[known:])
        self.at.update({id(p.node): p for p in self.places[known:] if p.field == "id"})
        self.__dict__.pop("rebound", None)

    @cached_property
    def rebound(self) -> set[str]:
        """Top-level names that functions rebind."""
        return {p.name for p in self.module.places if p.store and p.scope is not self.module}

    @cached_property
    def at(self) -> dict[int, Place]:
        """The place of each ast.Name, by the id() of the node."""
        return {id(p.node): p for p in self.places if p.field == "id"}

    def _put(self, node: ast.AST, field: str, name: str, store: bool) -> None:
        here = self._here
        self.places.append(Place(node, field, name, here, store))
        if store and name not in here.globals:
            here.bound.add(name)

    def _into(self, node: ast.AST, kind: str, parts) -> None:
        outer = self._here
        self._here = self.of[id(node)] = Scope(node, outer, kind)
        self.all.append(self._here)
        self._visit_all(parts)
        self._here = outer

    def _visit_all(self, parts: list) -> None:
        """Each part that is a node, in its order."""
        for part in parts:
            kind = part.__class__
            if kind is ast.Name:  # a variable is read or bound
                self._put(part, "id", part.id, not isinstance(part.ctx, ast.Load))
            elif kind in _WAYS:
                _WAYS[kind](self, part)
            elif isinstance(part, ast.AST):
                self._visit_parts(part)

    def _visit_parts(self, node: ast.AST) -> None:
        for name in fields(node.__class__):
            value = getattr(node, name, None)
            self._visit_all(value if isinstance(value, list) else (value,))

    def _function(self, node, body):
        self._visit_all(node.args.defaults + node.args.kw_defaults)
        self._body(node, body)

    def _body(self, node, body):
        a = node.args
        own = a.posonlyargs + a.args + a.kwonlyargs + [a.vararg, a.kwarg]
        # `global` counts for the whole function, so it is seen first.
        first = [s for s in body if isinstance(s, (ast.Global, ast.Nonlocal))]
        self._into(node, "function", own + first + [s for s in body if s not in first])

    def _definition(self, node):
        """Decorators and defaults belong to the scope around it."""
        self._visit_all(node.decorator_list)
        self._put(node, "name", node.name, True)
        self._function(node, node.body)

    def _lambda(self, node):
        """A function of one expression."""
        self._function(node, [node.body])

    def _arg(self, node):
        """A parameter; annotations are nothing to MicroPython and are dropped."""
        node.annotation = None
        self._put(node, "arg", node.arg, True)

    def _class(self, node):
        """Bases and decorators belong to the scope around it."""
        self._visit_all(node.decorator_list + node.bases + node.keywords)
        self._put(node, "name", node.name, True)
        self._into(node, "class", node.body)

    def _comprehension(self, node):
        # The first iterable is evaluated outside.
        first = node.generators[0]
        self._visit_all([first.iter])
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        rest = [part for g in node.generators[1:] for part in (g.target, g.iter, *g.ifs)]
        self._into(node, "comprehension", [first.target, *first.ifs, *rest, *results])

    def _walrus(self, node):
        """`:=` in a comprehension binds outside of it: not used by us, so refused."""
        if self._here.kind == "comprehension":
            raise SyntaxError(f"line {node.lineno}: := inside a comprehension")
        self._visit_parts(node)

    def _global(self, node):
        """These names are the module's."""
        self._here.globals.update(node.names)
        for name in node.names:
            self._put(node, "names", name, False)

    def _nonlocal(self, node):
        """These names belong to a function around this one."""
        self._here.nonlocals.update(node.names)
        for name in node.names:
            self._put(node, "names", name, False)

    def _handler(self, node):
        """`as name` binds."""
        self._visit_all([node.type])
        if node.name:
            self._put(node, "name", node.name, True)
        self._visit_all(node.body)

    def _import(self, node):
        for alias in node.names:
            self._put(alias, "asname", alias.asname or alias.name.split(".")[0], True)


_WAYS = {
    ast.FunctionDef: Scopes._definition, ast.AsyncFunctionDef: Scopes._definition,
    ast.Lambda: Scopes._lambda, ast.arg: Scopes._arg, ast.ClassDef: Scopes._class,
    ast.NamedExpr: Scopes._walrus, ast.Global: Scopes._global, ast.Nonlocal: Scopes._nonlocal,
    ast.ExceptHandler: Scopes._handler, ast.Import: Scopes._import,
    ast.ImportFrom: Scopes._import,
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
                    Scopes._comprehension),
}
