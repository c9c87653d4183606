"""Moves functions, classes and constants out of the heap into the image's flash.

Enters: a Program whose modules are joined, then the C file that MicroPython's makemanifest writes
for frozen code.  Leaves: the same program in two modules, and the C file with more constants.

    plan = move(whole, "app")                 # whole.modules has "app" and "app_rom" now
    finish(Path("frozen_content.c"), plan)    # romc.py

A frozen function has its bytecode in flash, but `def` makes an object of 16 bytes for it in the
heap; a class takes 64 bytes, and a dict with 8 bytes and some room for each method; and each name
8 bytes and some room in the dict of its module.  All of that is known when the image is built.  So
`app_rom` has every such function, compiled alone and never imported, and `app` what remains: what
is computed, and the names that other modules import.  The C file gets constant functions with
`app` as the module of their globals, constant classes, and a constant dict of their names in the
place where MicroPython looks for what a module does not have: that of overridden builtins.
MicroPython is not changed for it: its own modules are made of the same constants.

Left where they are: what is decorated, has defaults that are no constants, is bound twice, or has
the name of a builtin; classes whose body does more than define, and those that such a class
inherits from.  A class in flash cannot be given attributes, nor be inherited from by code that is
loaded later.
"""

from __future__ import annotations

import ast

from tools.build.fold import read_only
from tools.build.native import native_names
from tools.build.source import Module, Program
from tools.build.trees import walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Stands for a constant: as bytes of more than MicroPython interns it is an entry in a table.
MARK = "rom:{}:{:04}"
BEGIN = MARK.format("b", 0)
ARRAYS = {"B": "uint8_t", "b": "int8_t", "H": "uint16_t", "h": "int16_t", "I": "uint32_t",
          "i": "int32_t"}
_INTERNED = 10  # letters of a string that MicroPython makes a name of
_ACCESSORS = {"__new__", "__get__", "__set__", "__delete__", "__setattr__", "__delattr__"}


def move(program: Program, name: str) -> dict:
    """Split a module in two; gives the plan for romc.finish(), which is plain data."""
    module = program.modules[name]
    mover = _Mover(program, module)
    rest = [new for node in module.tree.body for new in mover.take(node)]
    whole = Module(name + "_rom", "")
    whole.tree = ast.Module(mover.bodies + mover.values, [])
    begin = ast.Expr(ast.Call(ast.Constant(BEGIN.encode()), [], []))
    module.tree.body = [begin, *rest]
    for changed in (module, whole):
        ast.fix_missing_locations(changed.tree)
        changed.touch()
    program.modules[whole.name] = whole
    return {"module": name, "classes": mover.classes, "names": mover.names,
            "places": mover.places}


class _Mover:
    """Takes the statements of a module one by one.

    `classes`: of each [name, base, whether another inherits from it, [[name, value], ...]]; `base`
    is None, the number of a class or the name of an exception; a value a constant or the number
    of a function as {"f": 7}.  `names`: [[name, kind, number, more]]; kind is f for a function, k
    for a class, o for what MicroPython makes constant itself; t for a tuple with other constants,
    m for a dict, with the hashes of its keys, a for an array, with its type and items.
    `places`: {kind and number: {index: name}} of what is named in tuples and defaults.
    """

    def __init__(self, program: Program, module: Module):
        self.bodies: list[ast.stmt] = []
        self.values: list[ast.stmt] = []  # that make the compiler put something into a table
        self.classes: list[list] = []
        self.names: list[list] = []
        self.places: dict[str, dict[str, str]] = {}
        self._program, self._module = program, module
        self._exported = {what for other in program.modules
                          for target, what in program.imports(other).values()
                          if target == module.name}
        self._once = self._bound_once()
        self._constants = {
            node.targets[0].id: node.value for node in module.tree.body
            if isinstance(node, ast.Assign) and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name) and node.targets[0].id in self._once
            and _constant(node.value)}
        self._fixed = self._classes_to_move()
        self._numbers: dict[str, int] = {}

    def _bound_once(self) -> set[str]:
        scopes = self._module.scopes
        stores: dict[str, int] = {}
        for place in scopes.module.places:
            stores[place.name] = stores.get(place.name, 0) + place.store
        poked = {node.value.id for other in self._program.modules.values()
                 for node in walk(other.tree) if isinstance(node, ast.Attribute)
                 and not isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name)}
        return {name for name, n in stores.items() if n == 1} - scopes.rebound - (
            self._module.spelled() | poked | native_names())

    def _classes_to_move(self) -> set[str]:
        """Names of classes all of whose bases move, and from which no other class inherits."""
        found = {node.name: node for node in self._module.tree.body
                 if isinstance(node, ast.ClassDef) and node.name in self._once
                 and self._rows(node) is not None and len(node.bases) < 2
                 and all(isinstance(base, ast.Name) for base in node.bases)}
        others = self._program.classes()
        before = -1
        while before != len(found):
            before = len(found)
            for module, node in others:
                if module is self._module and found.get(node.name) is node:
                    base = node.bases[0] if node.bases else None
                    if base is not None and base.id not in found and not _is_error(base.id):
                        del found[node.name]
                    continue
                for base in node.bases:
                    symbol = self._program.base(module, base)
                    if symbol is not None and symbol[0] == self._module.name:
                        found.pop(symbol[1], None)
        return set(found)

    def take(self, node: ast.stmt) -> list[ast.stmt]:
        """What stands in the module instead."""
        if isinstance(node, _FUNCTIONS) and self._movable(node):
            return self._name(node.name, "f", self._function(node))
        if isinstance(node, ast.ClassDef):
            if node.name in self._fixed:
                return self._name(node.name, "k", self._class(node))
            rows = self._rows(node)
            if rows is not None and node.name in self._once:
                return [self._class_in_heap(node, rows)]
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if name in self._once - self._exported and self._table_of(name, value):
                return []
        return [node]

    def _table_of(self, name: str, value: ast.expr) -> bool:
        """Take a constant, or a dict or array that is only read; False for any other value."""
        number = len(self.names)
        if name in self._constants:
            self._value("o", number, value)
            self._name(name, "o", number)
            return True
        if isinstance(value, ast.Tuple):
            return self._tuple(name, value)
        if not isinstance(value, (ast.Dict, ast.Call)) or not read_only(self._module, name):
            return False
        if isinstance(value, ast.Dict) and all(map(_constant, value.values)):
            hashes = [_key_hash(key) for key in value.keys]
            words = [isinstance(h, str) for h in hashes]
            if None not in hashes and (all(words) or not any(words)):
                self._value("m", number, *(part for pair in zip(value.keys, value.values)
                                           for part in pair))
                self._name(name, "m", number, hashes)
                return True
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) \
                and value.func.id == "array" and len(value.args) == 2 \
                and isinstance(value.args[1], ast.List):
            kind, items = (ast.literal_eval(arg) for arg in value.args)
            if kind in ARRAYS and all(isinstance(item, int) for item in items):
                self._name(name, "a", number, [kind, items])
                return True
        return False

    def _tuple(self, name: str, value: ast.Tuple) -> bool:
        """Take a tuple of constants and names of constants; tuples with names in it get a name."""
        parts: list[ast.expr] = []
        for part in value.elts:
            if isinstance(part, ast.Tuple) and not _constant(part):
                inner = f"{name}__{len(parts)}"
                self._once.add(inner)
                if not self._tuple(inner, part):
                    return False
                parts.append(ast.Name(inner, ast.Load()))
            elif _constant(part) or (isinstance(part, ast.Name) and part.id in self._numbers):
                parts.append(part)
            else:
                return False
        number = len(self.names)
        self._value("t", number, *parts)
        self._name(name, "t", number)
        return True

    def _name(self, name: str, kind: str, number: int, more: list | None = None) -> list[ast.stmt]:
        """Let a name stand for a constant; bound in the module where others ask the module."""
        if name in self._once:
            self.names.append([name, kind, number, more])
            self._spell(name)
            self._numbers[name] = number
            if name not in self._exported:
                return []
        mark = ast.Constant(MARK.format(kind, number).encode())
        return [ast.Assign([ast.Name(name, ast.Store())], mark)]

    def _spell(self, name: str) -> None:
        """Let a name be among those of the frozen code."""
        self.values.append(ast.Assign([ast.Name(name, ast.Store())], ast.Constant(0)))

    def _value(self, kind: str, number: int, *values: ast.expr) -> None:
        """Have values made by the compiler; for a name romc.py puts the constant itself there."""
        mark = ast.Constant(MARK.format(kind, number).encode())
        places = {str(i): v.id for i, v in enumerate(values) if isinstance(v, ast.Name)}
        if places:
            self.places[f"{kind}{number}"] = places
        values = tuple(ast.Constant(None) if isinstance(v, ast.Name) else v for v in values)
        self.values.append(ast.Assign([ast.Name("_", ast.Store())],
                                      ast.Tuple([mark, *values], ast.Load())))

    def _movable(self, node: ast.AST) -> bool:
        return not node.decorator_list and not node.args.kwonlyargs and all(
            self._default(d) is not None for d in node.args.defaults)

    def _default(self, node: ast.expr) -> ast.expr | None:
        """A constant, or the name of one that has moved."""
        if isinstance(node, ast.Name):
            return node if node.id in self._constants and node.id not in self._exported else None
        return node if _constant(node) else None

    def _function(self, node: ast.AST) -> int:
        number = len(self.bodies)
        values = [self._default(d) for d in node.args.defaults]
        if values:
            self._value("d", number, *values)
            node.args.defaults = [ast.Constant(None) for _ in values]
        self.bodies.append(node)
        return number

    def _rows(self, node: ast.ClassDef) -> list | None:
        """[name, function or constant] of all that a class body binds, None if it does more."""
        if node.decorator_list or node.keywords:
            return None
        rows: list = []
        for line in node.body:
            if isinstance(line, _FUNCTIONS) and self._movable(line):
                rows.append([line.name, line])
            elif isinstance(line, ast.Assign) and _small(line.value) and all(
                    isinstance(t, ast.Name) for t in line.targets):
                rows += [[t.id, ast.literal_eval(line.value)] for t in line.targets]
            elif not isinstance(line, ast.Pass):
                return None
        names = {name for name, _ in rows}
        return rows if len(names) == len(rows) and not names & _ACCESSORS else None

    def _class(self, node: ast.ClassDef) -> int:
        base = node.bases[0].id if node.bases else None
        number = len(self.classes)
        self.classes.append([node.name, self._numbers.get(base, base), False, []])
        if base in self._numbers:
            self.classes[self._numbers[base]][2] = True
        self.classes[number][3] = self._table(self._rows(node))
        return number

    def _class_in_heap(self, node: ast.ClassDef, rows: list) -> ast.stmt:
        number = len(self.classes)
        self.classes.append([None, None, False, []])
        self.classes[number][3] = self._table(rows)
        made = ast.Call(ast.Name("type", ast.Load()), [
            ast.Constant(node.name), ast.Tuple(node.bases, ast.Load()),
            ast.Constant(MARK.format("c", number).encode())], [])
        return ast.Assign([ast.Name(node.name, ast.Store())], made)

    def _table(self, rows: list) -> list:
        table = []
        for name, value in rows:
            if isinstance(value, _FUNCTIONS):
                table.append([name, {"f": self._function(value)}])
            else:
                table.append([name, value])
                self._spell(name)
        return table


def _is_error(name: str) -> bool:
    """True for a class of MicroPython that is known in C by its own name."""
    return name == "Exception" or (name.endswith("Error") and name in native_names())


def _key_hash(key: ast.expr | None) -> int | str | None:
    """A key of which the hash is known: a small int, or a short word; None for any other."""
    if isinstance(key, ast.Constant) and type(key.value) in (int, str):
        value = key.value
        if isinstance(value, int):
            return value if value < 1 << 30 else None
        return value if value.isidentifier() and len(value) <= _INTERNED else None
    return None


def _constant(node: ast.expr) -> bool:
    """True for what MicroPython's compiler makes a constant of."""
    if isinstance(node, ast.Tuple):
        return all(map(_constant, node.elts))
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, str, bytes, type(None)))
    return _small(node)


def _small(node: ast.expr) -> bool:
    """True for None, True, False and an int that every port has as a small one."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return False
    return value is None or (isinstance(value, int) and abs(value) < 1 << 30)

