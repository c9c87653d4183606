"""Puts the body of a private function that is called from one place there, and drops the function.

Enters: a Program after drop_dead().  Leaves: the same program with fewer functions and methods.

    inline_calls(program)           # -> names of what went, for the report

A function is an object, a code object and an entry in a dict: 83 bytes and more of heap on a
64-bit port beside its bytecode.  Inlined is `_f` when its name stands in the whole program twice:
where it is defined and where it is called, as `_f(...)` or as `self._f(...)` in a method of its
class or of one that inherits it, both in one module; a method too when only `self._f` of classes
that are no relatives means another one.  Without the `_` functions go in a module that holds what
was joined.  Arguments are evaluated where they were and in their order; what the function binds
gets names that the caller has not.  Where a body has returns, they lead to its end by `else` and
`break`; a body for which that needs a copy of anything stays a function, and so does what this
file has no proof for (see _Callee, _Place).

One thing differs: a variable that is read before it is set is a NameError no more, since one
name serves all that was put into the same caller.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections import Counter
from collections.abc import Callable, Container

from tools.build.native import native_names
from tools.build.once import called_once, occurrences
from tools.build.returns import Refused, as_expression, falls, without_returns
from tools.build.source import Module, Program
from tools.build.trees import children, walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OWN_SCOPE = (*_FUNCTIONS, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp,
              ast.GeneratorExp)
_NEVER = (*_OWN_SCOPE, ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom, ast.Yield,
          ast.YieldFrom, ast.NamedExpr, ast.AsyncFor, ast.AsyncWith)
_ASK_FRAME = {"super", "locals", "globals", "eval", "exec", "StopIteration", "StopAsyncIteration"}
_SLOT, _RESULT = "inlined__", "result__"


def inline_calls(program: Program, public: Container[str] = ()) -> list[str]:
    """Inline what can be; gives module.name of each.

    `public`: modules in which names without a `_` may go too.  When there are some, so may
    methods with a name that other classes have (called_once).
    """
    count = occurrences(program)
    once = called_once(program, count) if public else ()
    done: list[str] = []
    for module in program.modules.values():
        done += [f"{module.name}.{name}" for name in _Inliner(
            program, module, lambda home, name: count[name] == 2 or (id(home), name) in once,
            module.name in public).run()]
    return done


def _movable(name: str, public: bool) -> bool:
    return (public or name.startswith("_")) and not name.startswith("__") \
        and name not in native_names()


class _Inliner:
    """One module. Callees come before callers: what a body binds is complete when it moves."""

    def __init__(self, program: Program, module: Module, once: Callable[[ast.AST, str], bool],
                 public: bool):
        self._program, self._module = program, module
        self._homes = {}  # name: (its class or the module, the function)
        for home in [module.tree, *(n for n in module.tree.body if isinstance(n, ast.ClassDef))]:
            for node in home.body:
                if isinstance(node, _FUNCTIONS):
                    self._homes[home, node.name] = node
        self._waiting = {key: node for key, node in self._homes.items()
                         if _movable(key[1], public) and once(*key)}
        self._of_name: dict[str, list[tuple[ast.AST, str]]] = {}
        for key in self._waiting:
            self._of_name.setdefault(key[1], []).append(key)
        self._called: dict[ast.AST, set[str]] = {}  # by function, kept until it changes
        self._heirs: dict[tuple[ast.AST, ast.AST], bool] = {}  # no class gets other bases here

    def run(self) -> list[str]:
        done: list[str] = []
        while self._waiting:
            self._inline(next(iter(self._waiting)), done)
        self._module.touch()
        return done

    def _inline(self, key: tuple[ast.AST, str], done: list[str]) -> None:
        node = self._waiting.pop(key)
        home, name = key
        for part in walk(node):
            inner = getattr(part, "attr", getattr(part, "id", None))
            for other in self._of_name.get(inner, ()):
                if other in self._waiting:
                    self._inline(other, done)
        try:
            callee = _Callee(self._module, home, node)
            place = self._find(home, name)
            _allow(self._module, place, callee, self._inherits)
            place.put(callee)
        except Refused:
            return
        self._called.pop(place.caller, None)
        home.body.remove(node)
        home.body = home.body or [ast.Pass()]
        del self._homes[key]
        self._module.scopes.moved(node, home, place.caller)
        done.append(name)

    def _find(self, callee: ast.AST, name: str) -> _Place:
        for (home, _), node in self._homes.items():
            if name not in self._calls(node) or (callee is not self._module.tree and (
                    home is self._module.tree or not self._inherits(home, callee))):
                continue
            for lines, at in _statements(node.body):
                call = _call(lines[at], name)
                if call is not None:
                    return _Place(self._module, home, node, lines, at, call)
        raise Refused("not called by a statement of a function")

    def _calls(self, function: ast.AST) -> set[str]:
        """Names of all that is called in a function, by a name or as an attribute."""
        found = self._called.get(function)
        if found is None:
            called = [n.func for n in walk(function) if isinstance(n, ast.Call)]
            found = self._called[function] = {
                getattr(f, "attr", getattr(f, "id", "")) for f in called}
        return found

    def _inherits(self, node: ast.ClassDef, home: ast.ClassDef) -> bool:
        """True for the class itself and what inherits it in this module."""
        if node is home:
            return True
        known = self._heirs.get((node, home))
        if known is None:
            names = [self._program.base(self._module, base) for base in node.bases]
            above = [n for n in self._module.tree.body if isinstance(n, ast.ClassDef)
                     and (self._module.name, n.name) in names]
            known = self._heirs[node, home] = any(self._inherits(n, home) for n in above)
        return known


def _allow(module: Module, place: _Place, callee: _Callee, inherits: Callable) -> None:
    """Refused when the call need not mean that function, or its names mean others there."""
    func, caller = place.call.func, place.caller
    scope = module.scopes.of[id(caller)]
    if caller.decorator_list or caller is callee.node:
        raise Refused("a decorated caller")
    if isinstance(func, ast.Attribute):
        first = caller.args.args[0].arg if caller.args.args else None
        stores = [p for p in scope.places if p.name == first and p.store]
        if (not isinstance(func.value, ast.Name) or func.value.id != first or len(stores) != 1
                or callee.home is module.tree or place.home is module.tree
                or not inherits(place.home, callee.home)):
            raise Refused("another object")
    elif callee.home is not module.tree or callee.node.name in module.spelled():
        raise Refused("a name of another kind")
    elif callee.node.name in scope.bound:
        raise Refused("hidden")
    if callee.outer & scope.bound - scope.globals:
        raise Refused("a name means another there")
    if isinstance(callee.node, ast.AsyncFunctionDef) != place.awaited:
        raise Refused("made here, run elsewhere")


class _Callee:
    """A function that may move: plain parameters, no scope of its own inside, no generator."""

    def __init__(self, module: Module, home: ast.AST, node: ast.AST):
        self.home, self.node = home, node
        args = node.args
        if (node.decorator_list or args.vararg or args.kwarg or args.kwonlyargs
                or args.posonlyargs or not all(_literal(d) for d in args.defaults)):
            raise Refused("its parameters")
        for part in (p for line in node.body for p in walk(line)):
            if isinstance(part, _NEVER) or getattr(part, "id", None) in _ASK_FRAME:
                raise Refused("its body")
        scope = module.scopes.of[id(node)]
        self.bound = list(dict.fromkeys(p.name for p in scope.places))
        self.outer = {p.name for p in module.scopes.places
                      if p.scope is scope and p.owner is not scope}
        stores = Counter(p.name for p in scope.places if p.store)
        self.parameters = [arg.arg for arg in args.args]
        self.rebound = {p for p in self.parameters if stores[p] > 1}
        self.uses = Counter(p.name for p in scope.places if not p.store)

    def arguments(self, call: ast.Call, method: bool) -> list[tuple[str, ast.expr]]:
        """(parameter, argument) in the order of evaluation, defaults last."""
        given = ([call.func.value] if method else []) + call.args
        if any(isinstance(a, ast.Starred) for a in given) or len(given) > len(self.parameters):
            raise Refused("arguments that are not plain")
        pairs = list(zip(self.parameters, given))
        pairs += [(word.arg, word.value) for word in call.keywords]
        defaults = self.node.args.defaults
        late = dict(zip(self.parameters[len(self.parameters) - len(defaults):], defaults))
        named = [name for name, _ in pairs]
        pairs += [(name, value) for name, value in late.items() if name not in named]
        if sorted(name for name, _ in pairs) != sorted(self.parameters):
            raise Refused("a call that fails")
        return pairs


def _literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


class _Place:
    """The one call, in statement `lines[at]` of `caller`."""

    def __init__(self, module, home, caller, lines, at, call):
        self._module = module
        self.home, self.caller, self._lines, self._at, self.call = home, caller, lines, at, call
        line = lines[at]
        self._whole = next((p for p in walk(line)
                            if isinstance(p, ast.Await) and p.value is call), call)
        self.awaited = self._whole is not call
        self._scope = module.scopes.of[id(caller)]
        self._alive = isinstance(caller, ast.AsyncFunctionDef) or any(
            isinstance(p, (ast.Yield, ast.YieldFrom)) for p in walk(caller))

    def put(self, callee: _Callee) -> None:
        """Replace the call; the tree is changed only when nothing was refused."""
        heads, body, slots = self._bind(callee)
        alone = as_expression(body) if not heads and not slots else None
        line = self._lines[self._at]
        if isinstance(line, ast.Return) and line.value is self._whole:
            last = self._lines is self.caller.body and line is self._lines[-1]
            new = heads + body + ([ast.Return(None)] if falls(body) and not last else [])
        elif isinstance(line, ast.Expr) and line.value is self._whole and alone is None:
            new = heads + without_returns(body, _drop) + self._clear(slots)
        elif alone is not None:
            _swap(line, self._whole, alone)
            new = [line]
        elif isinstance(line, ast.Assign) and line.value is self._whole \
                and self._simple(line.targets, body):
            new = heads + without_returns(
                body, lambda v: [ast.Assign(copy.deepcopy(line.targets), v or _none())])
            new += self._clear(slots)
        else:
            new = self._ahead(line, heads, body, slots)
        for part in new:
            if part is not line:
                part.slots = set(slots) | getattr(part, "slots", set())
        new = new or [ast.Pass()]
        for part in new:
            ast.fix_missing_locations(ast.copy_location(part, line))
        self._lines[self._at:self._at + 1] = new

    def _bind(self, callee: _Callee):
        """(what binds parameters, the body under new names, new names that it binds)."""
        method = isinstance(self.call.func, ast.Attribute)
        values: dict[str, ast.expr] = {}
        bound = []
        for name, value in callee.arguments(self.call, method):
            if any(isinstance(p, ast.NamedExpr) for p in walk(value)):
                raise Refused("an argument that binds")
            if self._same(value, callee.uses[name]) and name not in callee.rebound:
                values[name] = value
            else:
                bound.append((name, value))
        names = [name for name, _ in bound]
        names += [n for n in callee.bound if n not in values and n not in names]
        taken = self._taken()
        free = (slot for slot in map(f"{_SLOT}{{}}".format, itertools.count())
                if slot not in taken)
        slots = {name: next(free) for name in names}
        values.update({name: ast.Name(slot, ast.Load()) for name, slot in slots.items()})
        heads: list[ast.stmt] = [ast.Assign([ast.Name(slots[name], ast.Store())], value)
                                 for name, value in bound]
        rename = _Rename(values)
        return heads, [rename.visit(line) for line in copy.deepcopy(callee.node.body)], \
            list(slots.values())

    def _taken(self) -> set[str]:
        """What was put here before has these, if the call stands in the midst of it."""
        line = self._lines[self._at]
        return {slot for part in walk(self.caller) for slot in getattr(part, "slots", ())
                if any(p is line for p in walk(part))}

    def _same(self, value: ast.expr, uses: int) -> bool:
        """True for an argument that has one value all the time that the body runs."""
        if _literal(value):
            inner = getattr(value, "operand", value).value
            return uses <= 1 or inner is None or isinstance(inner, int)
        if not isinstance(value, ast.Name):
            return False
        return self._own(value)

    def _own(self, name: ast.Name) -> bool:
        place = self._module.scopes.at.get(id(name))
        return place is not None and place.owner is self._scope and all(
            p.scope is self._scope for p in self._scope.places if p.name == name.id and p.store)

    def _simple(self, targets: list[ast.expr], body: list[ast.stmt]) -> bool:
        """True when a return can write to the targets itself: that must not fail in the body."""
        if isinstance(targets[0], ast.Tuple) and not falls(body):
            values = [p.value for line in body for p in walk(line)
                      if isinstance(p, ast.Return)]
            names = targets[0].elts
            if not all(isinstance(v, ast.Tuple) and len(v.elts) == len(names) for v in values):
                return False
        else:
            names = targets
        return len(targets) == 1 and all(isinstance(n, ast.Name) and self._own(n) for n in names)

    def _ahead(self, line, heads, body, slots) -> list[ast.stmt]:
        """The body before the statement, its result under a name of its own."""
        extra = []
        if isinstance(line, ast.If) and not line.orelse and _last(line.test) is self._whole:
            extra, test = line.test.values[:-1], self._whole  # `if a and f():`
            line = ast.If(test, line.body, [])
        elif not self._first(line):
            raise Refused("something happens before the call")
        taken = sum(n.startswith(_RESULT) for n in self._scope.bound)
        result = f"{_RESULT}{taken}"
        new = heads + without_returns(
            body, lambda v: [ast.Assign([ast.Name(result, ast.Store())], v or _none())])
        new += [*self._clear(slots), line]
        _swap(line, self._whole, ast.Name(result, ast.Load()))
        if extra:
            test = extra[0] if len(extra) == 1 else ast.BoolOp(ast.And(), extra)
            new = [ast.If(test, new, [])]
        return new

    def _first(self, line: ast.stmt) -> bool:
        """True when nothing that could matter is evaluated in the statement before the call."""
        field = {ast.If: "test", ast.For: "iter", ast.Expr: "value", ast.Return: "value",
                 ast.Assign: "value", ast.AugAssign: "value"}.get(type(line))
        if field is None or (isinstance(line, ast.AugAssign) and not (
                isinstance(line.target, ast.Name) and self._own(line.target))):
            return False
        node = getattr(line, field)
        while node is not self._whole:
            for part in _evaluated(node):
                if any(p is self._whole for p in walk(part)):
                    node = part
                    break
                if not (_literal(part) or (isinstance(part, ast.Name) and self._fixed(part))):
                    return False
            else:
                return False
        return True

    def _fixed(self, name: ast.Name) -> bool:
        """True for a name of the caller, a builtin, and what the module binds once."""
        scopes = self._module.scopes
        place = scopes.at[id(name)]
        stores = sum(p.store for p in scopes.module.places if p.name == name.id)
        return self._own(name) or (place.owner is scopes.module and stores < 2
                                   and name.id not in scopes.rebound)

    def _clear(self, slots: list[str]) -> list[ast.stmt]:
        """A frame that waits would keep alive what the body had in its variables."""
        if not self._alive or not slots:
            return []
        return [ast.Assign([ast.Name(slot, ast.Store()) for slot in slots], _none())]


class _Rename(ast.NodeTransformer):
    """Gives a body the names and values that it has in the caller."""

    def __init__(self, values: dict[str, ast.expr]):
        self._values = values

    def visit_Name(self, node):
        value = self._values.get(node.id)
        if value is None:
            return node
        return ast.Name(value.id, node.ctx) if isinstance(value, ast.Name) else \
            copy.deepcopy(value)

    def visit_ExceptHandler(self, node):
        self.generic_visit(node)
        if node.name:
            node.name = self._values[node.name].id
        return node


def _evaluated(node: ast.expr) -> list[ast.expr]:
    """The parts of an expression in the order of evaluation, up to one that may be left out."""
    parts = {
        ast.UnaryOp: lambda n: [n.operand], ast.BinOp: lambda n: [n.left, n.right],
        ast.BoolOp: lambda n: n.values[:1], ast.IfExp: lambda n: [n.test],
        ast.Compare: lambda n: [n.left, n.comparators[0]], ast.Attribute: lambda n: [n.value],
        ast.Subscript: lambda n: [n.value, n.slice], ast.Tuple: lambda n: n.elts,
        ast.List: lambda n: n.elts, ast.Call: lambda n: [n.func, *n.args],
        ast.Await: lambda n: [n.value],
    }.get(type(node))
    return parts(node) if parts else []


def _last(test: ast.expr) -> ast.expr | None:
    """f() of `a and f()`."""
    return test.values[-1] if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) \
        else None


def _statements(lines: list[ast.stmt]):
    """(list, index) of every statement of a function, not of those inside of it."""
    for at, line in enumerate(lines):
        yield lines, at
        if not isinstance(line, (*_FUNCTIONS, ast.ClassDef)):
            for field in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(line, field, []))
            for handler in getattr(line, "handlers", []):
                yield from _statements(handler.body)


def _call(line: ast.stmt, name: str) -> ast.Call | None:
    """The call of that function in the statement itself, not in one that it holds."""
    work: list[ast.AST] = [line]
    while work:
        node = work.pop()
        if isinstance(node, ast.Call) and name in (getattr(node.func, "attr", None),
                                                   getattr(node.func, "id", None)):
            return node
        work += [n for n in children(node) if not isinstance(
            n, (ast.stmt, ast.ExceptHandler, *_OWN_SCOPE))]
    return None


def _swap(line: ast.stmt, old: ast.expr, new: ast.expr) -> None:
    for parent in walk(line):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]


def _none() -> ast.expr:
    return ast.Constant(None)


def _drop(value: ast.expr | None) -> list[ast.stmt]:
    """What a return comes to when nobody takes its value."""
    return [] if value is None or isinstance(value, (ast.Constant, ast.Name)) else [
        ast.Expr(value)]
