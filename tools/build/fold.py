"""Computes at build time what a module computes when it is imported, where nothing else counts.

Enters: a Program whose modules are joined, the name of the module.  Leaves: literals in place of
expressions, for rom.py to put in flash.

    fold(whole, "app")          # HEX = bytes([128] * 48) + ...  ->  HEX = b"\\x80\\x80..."

Folded is a top-level `NAME = ...` (or `A, B = ...`) of constants, of a few builtins that only make
values, of array, and of functions of ours that use nothing else.  MicroPython itself evaluates it.
Bytes, strings, ints and tuples of them become literals; a dict or array does where the program
only reads it, as `NAME[key]`, `NAME.get(key)`, `key in NAME` or `len(NAME)`.  What would hold
another constant itself, not one made of it, is left: the program may ask for it with `is`.
"""

from __future__ import annotations

import ast
import subprocess

from tools.build.constants import int_value, literal
from tools.build.emit import emit
from tools.build.native import MICROPYTHON
from tools.build.source import BuildError, Module, Program
from tools.build.trees import children, walk

_BUILTINS = set("abs array bool bytearray bytes chr dict divmod enumerate int isinstance len "
                "list max min ord range reversed set sorted str sum tuple zip IndexError KeyError "
                "TypeError ValueError".split())
_FUNCTIONS = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
_NEVER = (ast.Await, ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal, ast.Import,
          ast.ImportFrom, ast.AsyncFor, ast.AsyncWith)
_READS = {"get", "items", "keys", "values"}
_SHOW = """
def _show_(v):
    if isinstance(v, (bytes, str, tuple)) and len(v) > 0:
        for k in _known_:
            if k is v and not (isinstance(v, str) and len(v) < 11):
                return "?"
    if isinstance(v, (tuple, list)):
        return "(" + "".join([_show_(x) + "," for x in v]) + ")" if isinstance(v, tuple) else "?"
    if isinstance(v, dict):
        return "{" + "".join([_show_(k) + ":" + _show_(x) + "," for k, x in v.items()]) + "}"
    if type(v) is array:
        return repr(v)
    return repr(v) if v is None or isinstance(v, (int, str, bytes)) else "?"
"""


def fold(program: Program, name: str) -> list[str]:
    """Rewrite what can be; gives the names of it."""
    module = program.modules[name]
    exported = {what for other in program.modules
                for target, what in program.imports(other).values() if target == name}
    for node in module.tree.body:
        if isinstance(node, ast.Assign):
            node.value = _Ints().visit(node.value)
    module.touch()
    folder = _Folder(module, exported)
    done: list[str] = []
    while True:
        new = folder.round()
        if not new:
            module.touch()
            return done
        done += new


def read_only(module: Module, name: str) -> bool:
    """True when the module does nothing to a top-level value but read it."""
    parents = {id(child): node for node in walk(module.tree)
               for child in children(node)}
    return _only_read(module.scopes.module, name, parents)


def _only_read(scope, name: str, parents: dict[int, ast.AST]) -> bool:
    for place in scope.places:
        child = place.node
        if place.name != name or place.store:
            continue
        node = parents.get(id(child))
        if isinstance(node, ast.Subscript) and node.value is child:
            ok = isinstance(node.ctx, ast.Load)
        elif isinstance(node, ast.Attribute):
            ok = node.attr in _READS
        elif isinstance(node, ast.Compare):
            ok = child in node.comparators and all(
                isinstance(op, (ast.In, ast.NotIn)) for op in node.ops)
        elif isinstance(node, ast.Call):
            ok = isinstance(node.func, ast.Name) and node.func.id == "len"
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 \
                and isinstance(node.targets[0], ast.Name):
            # Under a name of a function, bound to it alone.
            other = node.targets[0].id
            stores = sum(p.store for p in place.scope.places if p.name == other)
            ok = other in place.scope.bound and stores == 1 and _only_read(
                place.scope, other, parents)
        else:
            ok = False
        if not ok:
            return False
    return True


class _Ints(ast.NodeTransformer):
    """Sums of ints, as MicroPython's compiler makes them."""

    def visit_BinOp(self, node):
        value = int_value(node)
        return self.generic_visit(node) if value is None else literal(value)

    def visit_Lambda(self, node):
        return node


class _Folder:
    """One module; every round folds what depends on nothing but what is constant by then."""

    def __init__(self, module: Module, exported: set[str]):
        self._module, self._exported = module, exported
        stores: dict[str, int] = {}
        for place in module.scopes.module.places:
            stores[place.name] = stores.get(place.name, 0) + place.store
        self._once = {n for n, count in stores.items() if count == 1} - module.scopes.rebound
        self._functions = {n.name: n for n in module.tree.body
                           if isinstance(n, ast.FunctionDef) and n.name in self._once}
        self._constants = {self._names(n)[0]: n for n in module.tree.body
                           if len(self._names(n)) == 1 and _literal(n.value)}
        self._tried: set[int] = set()

    def _names(self, node: ast.stmt) -> list[str]:
        """What an assignment binds, each name once in the module; [] for any other statement."""
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            return []
        target = node.targets[0]
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        names = [part.id for part in parts if isinstance(part, ast.Name)]
        return names if len(names) == len(parts) and set(names) <= self._once else []

    def round(self) -> list[str]:
        ready = []
        for node in self._module.tree.body:
            if self._names(node) and id(node) not in self._tried and not _literal(node.value) \
                    and not isinstance(node.value, ast.Dict):
                needs: dict[str, ast.stmt] = {}
                if self._pure(node.value, needs):
                    self._tried.add(id(node))
                    ready.append((node, needs))
        done: list[str] = []
        for (node, _needs), values in zip(ready, self._evaluate(ready)):
            done += self._replace(node, values)
        return done

    def _replace(self, node: ast.Assign, values: list[ast.expr] | None) -> list[str]:
        names = self._names(node)
        if values is None or len(values) != len(names):
            return []
        for name, value in zip(names, values):
            if not _literal(value) and (
                    name in self._exported or not read_only(self._module, name)):
                return []
        new = [ast.Assign([ast.Name(name, ast.Store())], value)
               for name, value in zip(names, values)]
        self._constants.update({line.targets[0].id: line for line in new if _literal(line.value)})
        at = self._module.tree.body.index(node)
        self._module.tree.body[at:at + 1] = new
        for line in new:
            ast.fix_missing_locations(ast.copy_location(line, node))
        self._tried.update(map(id, new))
        self._module.touch()
        return names

    def _pure(self, tree: ast.AST, needs: dict[str, ast.stmt]) -> bool:
        """True when evaluating it needs constants alone; `needs` are their statements."""
        scopes = self._module.scopes
        for node in walk(tree):
            if isinstance(node, _NEVER) or (isinstance(node, _FUNCTIONS) and node is not tree):
                return False
            if not isinstance(node, ast.Name):
                continue
            place = scopes.at.get(id(node))
            if place is None or place.owner is not scopes.module or not isinstance(
                    node.ctx, ast.Load):
                continue
            name = node.id
            if name in needs:
                continue
            if name in self._constants:
                needs[name] = self._constants[name]
            elif name in self._functions:
                needs[name] = self._functions[name]
                if not self._pure(self._functions[name], needs):
                    return False
            elif name not in _BUILTINS or (name in scopes.module.bound and name != "array"):
                return False
        return True

    def _evaluate(self, ready: list) -> list[list[ast.expr] | None]:
        """The values of each statement as trees, None where one has no literal."""
        if not ready:
            return []
        needed: dict[str, ast.stmt] = {}
        for _node, needs in ready:
            needed.update(needs)
        lines = emit(ast.Module(list(needed.values()), [])) + _SHOW
        known = "".join(name + ", " for name in needed if name in self._constants)
        lines += f"_known_ = ({known})\n"
        for node, _needs in ready:
            names = ", ".join(self._names(node))
            lines += emit(ast.Module([node], [])) + f"print([_show_(_v_) for _v_ in ({names},)])\n"
        done = subprocess.run([MICROPYTHON, "-X", "heapsize=8m", "-c",
                               "from array import array\n" + lines],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"what is computed cannot be computed at build time: {done.stdout}")
        return [_trees(line) for line in done.stdout.splitlines()]


def _trees(line: str) -> list[ast.expr] | None:
    try:
        return [ast.parse(text, mode="eval").body for text in ast.literal_eval(line)]
    except SyntaxError:  # a lone ?: of a value that has no literal
        return None


def _literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_literal, node.elts))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, str, bytes, type(None)))
