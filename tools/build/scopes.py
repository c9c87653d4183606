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

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


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


class Scopes(ast.NodeVisitor):
    """All scopes and places of one module; `rebound`: top-level names that functions rebind."""

    def __init__(self, tree: ast.Module):
        """Walk the tree once, then settle the owners."""
        self.module = self._here = Scope(tree, None, "module")
        self.all = [self.module]
        self.of: dict[int, Scope] = {id(tree): self.module}
        self.places: list[Place] = []
        for node in tree.body:
            self.visit(node)
        for place in self.places:
            place.owner = place.scope.owner(place.name)
            place.owner.places.append(place)
        self.rebound = {p.name for p in self.places
                        if p.store and p.owner is self.module and p.scope is not self.module}
        self.at = {id(p.node): p for p in self.places if p.field == "id"}

    def _put(self, node: ast.AST, field: str, name: str, store: bool) -> None:
        self.places.append(Place(node, field, name, self._here, store))
        if store and name not in self._here.globals:
            self._here.bound.add(name)

    def _into(self, node: ast.AST, kind: str, parts) -> None:
        outer = self._here
        self._here = self.of[id(node)] = Scope(node, outer, kind)
        self.all.append(self._here)
        for part in parts:
            if part is not None:
                self.visit(part)
        self._here = outer

    def visit_Name(self, node):
        """A variable is read or bound."""
        self._put(node, "id", node.id, not isinstance(node.ctx, ast.Load))

    def _function(self, node, body):
        a = node.args
        for part in a.defaults + a.kw_defaults:
            if part is not None:
                self.visit(part)
        own = a.posonlyargs + a.args + a.kwonlyargs + [a.vararg, a.kwarg]
        self._into(node, "function", own + body)

    def visit_FunctionDef(self, node):
        """Decorators and defaults belong to the scope around it."""
        for part in node.decorator_list:
            self.visit(part)
        self._put(node, "name", node.name, True)
        # `global` counts for the whole function, so it is seen first.
        first = [s for s in node.body if isinstance(s, (ast.Global, ast.Nonlocal))]
        body = [s for s in node.body if s not in first]
        self._function(node, first + body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        """A function of one expression."""
        self._function(node, [node.body])

    def visit_arg(self, node):
        """A parameter; annotations are nothing to MicroPython and are dropped."""
        node.annotation = None
        self._put(node, "arg", node.arg, True)

    def visit_ClassDef(self, node):
        """Bases and decorators belong to the scope around it."""
        for part in node.decorator_list + node.bases + node.keywords:
            self.visit(part)
        self._put(node, "name", node.name, True)
        self._into(node, "class", node.body)

    def _comprehension(self, node):
        # The first iterable is evaluated outside.
        first = node.generators[0]
        self.visit(first.iter)
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        rest = [part for g in node.generators[1:] for part in (g.target, g.iter, *g.ifs)]
        self._into(node, "comprehension", [first.target, *first.ifs, *rest, *results])

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_NamedExpr(self, node):
        """`:=` in a comprehension binds outside of it: not used by us, so refused."""
        if self._here.kind == "comprehension":
            raise SyntaxError(f"line {node.lineno}: := inside a comprehension")
        self.generic_visit(node)

    def visit_Global(self, node):
        """These names are the module's."""
        self._here.globals.update(node.names)
        for name in node.names:
            self._put(node, "names", name, False)

    def visit_Nonlocal(self, node):
        """These names belong to a function around this one."""
        self._here.nonlocals.update(node.names)
        for name in node.names:
            self._put(node, "names", name, False)

    def visit_ExceptHandler(self, node):
        """`as name` binds."""
        if node.type is not None:
            self.visit(node.type)
        if node.name:
            self._put(node, "name", node.name, True)
        for part in node.body:
            self.visit(part)

    def _import(self, node):
        for alias in node.names:
            self._put(alias, "asname", alias.asname or alias.name.split(".")[0], True)

    visit_Import = visit_ImportFrom = _import
