"""Drops what nothing in the bundle can reach: functions, classes, methods, constants, modules.

Enters: a Program after link().  Leaves: the same program with less in it.

    drop_dead(program)              # -> names of what went, for the report

Reached is what the statements of the roots name, and what that names in turn.  A method of a
reached class is reached when its name is loaded as an attribute anywhere in reached code, or
stands in it as a string (getattr), or MicroPython may call it: dunders, names that its own objects
have, and all methods of classes with a base that is not ours.  Top-level names of a module that is
passed on as an object (`App(board)`) are reached like methods.
"""

from __future__ import annotations

import ast

from tools.build.native import native_names
from tools.build.source import Module, Program
from tools.build.trees import walk

# Names of MicroPython that do nothing but make a value.
_MAKERS = {"array", "bytearray", "bytes", "const", "dict", "frozenset", "int", "len", "list",
           "max", "memoryview", "min", "object", "range", "set", "str", "sum", "tuple"}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def drop_dead(program: Program) -> list[str]:
    """Remove what is not reached; modules that hold nothing any more stay only as packages."""
    sweep = _Sweep(program)
    sweep.run()
    gone = []
    for name in list(program.modules):
        module = program.modules[name]
        if name not in sweep.modules and not _is_parent(program, sweep.modules, name):
            del program.modules[name]
            gone.append(name)
            continue
        gone += _prune(program, module, sweep)
        module.touch()
    return gone


def _is_parent(program: Program, reached: set[str], name: str) -> bool:
    return any(other.startswith(name + ".") for other in reached)


def defines(node: ast.stmt) -> list[str]:
    """The names that a top-level statement defines, when it does nothing else."""
    if isinstance(node, _DEFINITIONS) and not node.decorator_list:
        return [node.name]
    if isinstance(node, ast.Assign) and _makes_a_value(node.value):
        targets = [leaf for target in node.targets for leaf in (
            target.elts if isinstance(target, ast.Tuple) else [target])]
        if all(isinstance(target, ast.Name) for target in targets):
            return [target.id for target in targets]
    return []


def _makes_a_value(node: ast.expr) -> bool:
    # Our own functions are called at the top level of a module to make tables, and only for that.
    for part in walk(node):
        if isinstance(part, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            return False
        if isinstance(part, ast.Call) and not isinstance(part.func, ast.Name):
            return False
    return True


class _Sweep:
    def __init__(self, program: Program):
        self._program = program
        self.modules: set[str] = set()
        self.symbols: set[tuple[str, str]] = set()
        # Attributes loaded, and strings; MicroPython itself may call what its own objects have.
        self.words: set[str] = set(native_names())
        self.methods: dict[str, list[tuple[Module, ast.AST]]] = {}  # not yet reached
        self.objects: set[str] = set()  # modules that are passed on
        self._work: list[tuple[Module, ast.AST]] = []
        self._where: dict[tuple[str, str], list[ast.stmt]] = {}
        self._effects: dict[str, list[ast.stmt]] = {}
        for name, module in program.modules.items():
            self._effects[name] = []
            for node in module.tree.body:
                names = defines(node)
                if names and not self._impure(module, node):
                    for defined in names:
                        self._where.setdefault((name, defined), []).append(node)
                elif not isinstance(node, (ast.Import, ast.ImportFrom)):
                    self._effects[name].append(node)

    def _impure(self, module: Module, node: ast.stmt) -> bool:
        """True when the statement calls what is neither ours nor a maker of values."""
        if isinstance(node, _DEFINITIONS):
            return False
        for part in walk(node):
            if isinstance(part, ast.Call):
                called = part.func.id
                symbol = self._program.find(module.name, called)
                native = symbol is None or self._is_import(module, called)
                if native and called not in _MAKERS:
                    return True
        return False

    def _is_import(self, module: Module, name: str) -> bool:
        return any(isinstance(node, (ast.Import, ast.ImportFrom))
                   and any((a.asname or a.name) == name for a in node.names)
                   and getattr(node, "module", None) not in self._program.modules
                   for node in module.tree.body)

    def run(self) -> None:
        for name in self._program.roots:
            self._reach_module(name)
        while self._work:
            while self._work:
                self._look(*self._work.pop())
            for name in [n for n in self.methods if n in self.words]:
                self._work += self.methods.pop(name)
            for name in self.objects:
                for word in self.words & self._program.modules[name].scopes.module.bound:
                    if (name, word) in self._where or word in self._program.imports(name):
                        self._reach(name, word)

    def _reach_module(self, name: str) -> None:
        if name in self.modules:
            return
        self.modules.add(name)
        module = self._program.modules[name]
        self._work += [(module, node) for node in self._effects[name]]
        for spelled in module.spelled():
            self._reach(name, spelled)
        parent = name.rpartition(".")[0]
        if parent in self._program.modules:
            self._reach_module(parent)
        # What is imported for what it does when it is run.
        for target, _name in self._program.imports(name).values():
            if self._effects[target]:
                self._reach_module(target)

    def _reach(self, module: str, name: str) -> None:
        step = self._program.imports(module).get(name)
        if step is not None:
            self.symbols.add((module, name))
            if step[1] is None:
                self._reach_module(step[0])
                self.objects.add(step[0])
            else:
                self._reach(*step)
        elif (module, name) not in self.symbols:
            self.symbols.add((module, name))
            self._reach_module(module)
            here = self._program.modules[module]
            self._work += [(here, node) for node in self._where.get((module, name), [])]

    def _look(self, module: Module, top: ast.AST) -> None:
        """Everything that a reached piece of code names is reached."""
        if isinstance(top, ast.ClassDef):
            parts = self._class_parts(module, top)
        else:
            parts = list(walk(top))
        scopes = module.scopes
        for part in parts:
            if isinstance(part, ast.Name):
                place = scopes.at.get(id(part))
                if place is not None and place.owner is scopes.module:
                    self._reach(module.name, part.id)
            elif isinstance(part, ast.Attribute):
                if isinstance(part.ctx, ast.Load):
                    self.words.add(part.attr)
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                self.words.add(part.value)
            elif isinstance(part, ast.ImportFrom) and part.module in self._program.modules:
                for alias in part.names:  # in a function: loaded on demand
                    self._reach(part.module, alias.name)

    def _class_parts(self, module: Module, node: ast.ClassDef) -> list[ast.AST]:
        """The parts of a class that are reached with it; its other methods wait for their name."""
        parts: list[ast.AST] = [node]
        for outer in node.bases + node.decorator_list + node.keywords:
            parts += walk(outer)
        named = {n.id for item in node.body for n in walk(item) if isinstance(n, ast.Name)}
        foreign = self._foreign(module, node)
        for item in node.body:
            if (isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and not foreign
                    and not item.name.startswith("__") and item.name not in named):
                self.methods.setdefault(item.name, []).append((module, item))
                if item.name in self.words:
                    continue
            else:
                parts += walk(item)
        return parts

    def _foreign(self, module: Module, node: ast.ClassDef) -> bool:
        """True when MicroPython may call the methods: a base that is not ours, however far up."""
        for base in node.bases:
            symbol = self._program.base(module, base)
            if symbol is None:
                return True
            above = self._program.modules[symbol[0]]
            if any(self._foreign(above, n) for n in above.tree.body
                   if isinstance(n, ast.ClassDef) and n.name == symbol[1]):
                return True
        return False


def _prune(program: Program, module: Module, sweep: _Sweep) -> list[str]:
    gone, body = [], []
    waiting = {id(node) for nodes in sweep.methods.values() for _m, node in nodes}
    for node in module.tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            _prune_import(program, module, node, sweep)
            if node.names:
                body.append(node)
            continue
        names = defines(node)
        if names and not any((module.name, n) in sweep.symbols for n in names) \
                and not any(node is effect for effect in sweep._effects[module.name]):
            gone += [f"{module.name}.{n}" for n in names]
            continue
        if isinstance(node, ast.ClassDef):
            gone += [f"{module.name}.{node.name}.{m.name}" for m in node.body if id(m) in waiting]
            node.body = [m for m in node.body if id(m) not in waiting] or [ast.Pass()]
        body.append(node)
    module.tree.body = body
    return gone


def _prune_import(program: Program, module: Module, node: ast.stmt, sweep: _Sweep) -> None:
    def needed(alias: ast.alias) -> bool:
        local = alias.asname or alias.name.split(".")[0]
        if (module.name, local) in sweep.symbols:
            return True
        target = node.module if isinstance(node, ast.ImportFrom) else alias.name
        return bool(sweep._effects.get(target))

    node.names = [alias for alias in node.names if needed(alias)]
