"""The program that goes on a board: its modules, parsed, and what the passes ask about them.

Enters: {name: source text}.  Leaves: Module objects with a tree and its scopes.

    program = Program({"main": "import log\\n...", "log": "..."}, roots=("main",))
    program.find("app", "Session")      # ("urequests.session", "Session"): where it is defined

BuildError says in a sentence what a pass cannot do safely: the build then stops, since a bundle
that differs from its source would be worse than none.
"""

from __future__ import annotations

import ast

from tools.build.scopes import Scopes
from tools.build.trees import walk


class BuildError(Exception):
    """The program holds something that cannot be slimmed safely; the text says where and what."""


class Module:
    """One module: `name` as it is imported, `tree`, and `scopes`, renewed by touch()."""

    def __init__(self, name: str, text: str, package: bool = False):
        """Parse; SyntaxError when it does not."""
        self.name, self.package = name, package
        self.tree = ast.parse(text)
        self._scopes: Scopes | None = None
        self.imports: dict[str, tuple[str, str | None]] | None = None  # kept by Program.imports

    @property
    def scopes(self) -> Scopes:
        """Who owns which name; made when asked for."""
        if self._scopes is None:
            self._scopes = Scopes(self.tree)
        return self._scopes

    def touch(self) -> None:
        """The tree was changed: what was known about its names is void."""
        self._scopes = self.imports = None

    def spelled(self) -> set[str]:
        """Top-level names that must keep their spelling: the module reaches into globals()."""
        if not any(p.name == "globals" for p in self.scopes.places):
            return set()
        found, known = set(), self.scopes.module.bound
        named = {id(node.value): node.slice.value for node in walk(self.tree)
                 if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)}
        for node in walk(self.tree):
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                    and node.func.id == "globals"):
                found |= {named[id(node)]} if id(node) in named else known
        return found & known

    def fail(self, node: ast.AST, why: str) -> BuildError:
        """The error to raise about a node."""
        return BuildError(f"{self.name}, line {getattr(node, 'lineno', '?')}: {why}")


class Program:
    """All modules of one bundle; `roots` are run or imported by MicroPython itself.

    `on_demand`: top-level modules that functions may import, to be loaded when they are needed and
    dropped again; no resident module imports one.
    """

    def __init__(self, texts: dict[str, str], roots: tuple[str, ...],
                 on_demand: tuple[str, ...] = ()):
        """A name of `texts` that is the parent of another is a package."""
        parents = {name.rpartition(".")[0] for name in texts}
        self.modules = {name: Module(name, text, name in parents) for name, text in texts.items()}
        self.roots, self.on_demand = roots, on_demand
        for module in self.modules.values():
            _absolute(module, self.modules, on_demand)
            _no_doubt(module)
        # Attributes that are written to anything: none of them can be a constant of a module.
        self.written = {node.attr for module in self.modules.values()
                        for node in walk(module.tree) if isinstance(node, ast.Attribute)
                        and not isinstance(node.ctx, ast.Load)}
        self._poked = self._written_to_modules()

    def imports(self, name: str) -> dict[str, tuple[str, str | None]]:
        """{local name: (module of ours, name in it or None)} of the imports at the top level."""
        module = self.modules[name]
        if module.imports is not None:
            return module.imports
        found = module.imports = {}
        for node in module.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module in self.modules:
                for alias in node.names:
                    local = alias.asname or alias.name
                    whole = f"{node.module}.{alias.name}"
                    # What the package itself binds to that name hides the module in it.
                    hidden = node.module != name and (
                        alias.name in self.modules[node.module].scopes.module.bound)
                    found[local] = (whole, None) if whole in self.modules and not hidden else (
                        node.module, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in self.modules:
                        found[alias.asname or alias.name] = (alias.name, None)
        return found

    def find(self, module: str, name: str) -> tuple[str, str | None] | None:
        """Where a top-level name of a module is defined, followed through re-exports.

        (module, None) when the name stands for a module of ours; None when it is defined nowhere.
        """
        seen = set()
        while (module, name) not in seen:
            seen.add((module, name))
            step = self.imports(module).get(name)
            if step is None:
                known = name in self.modules[module].scopes.module.bound
                return (module, name) if known else None
            if step[1] is None:
                return step
            module, name = step
        raise BuildError(f"{module}: {name} is imported in a circle")

    def late_imports(self, module: Module) -> list[ast.ImportFrom]:
        """The imports of ours that stand in functions."""
        if not self.on_demand:
            return []
        top = {id(node) for node in module.tree.body}
        return [node for node in walk(module.tree) if isinstance(node, ast.ImportFrom)
                and node.module in self.modules and id(node) not in top]

    def rebound(self, module: str, name: str) -> bool:
        """True when that top-level name may change after its module was run."""
        return name in self.modules[module].scopes.rebound or (module, name) in self._poked

    def _written_to_modules(self) -> set[tuple[str, str]]:
        """(module, attribute) of every `module.attribute = ...`."""
        found = set()
        for name, module in self.modules.items():
            imports = self.imports(name)
            for node in walk(module.tree):
                if (isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
                        and isinstance(node.value, ast.Name)):
                    target, what = imports.get(node.value.id, (None, ""))
                    if what is None:
                        found.add((target, node.attr))
        return found

    def classes(self) -> list[tuple[Module, ast.ClassDef]]:
        """Every class of the program, nested ones too."""
        return [(module, node) for module in self.modules.values()
                for node in walk(module.tree) if isinstance(node, ast.ClassDef)]

    def base(self, module: Module, node: ast.expr) -> tuple[str, str] | None:
        """The (module, name) of a base class that is ours, None for one of MicroPython's."""
        if not isinstance(node, ast.Name):
            return None
        if module.scopes.at[id(node)].owner is not module.scopes.module:
            raise module.fail(node, "a base class must stand at the top of a module")
        symbol = self.find(module.name, node.id)
        if symbol is None or symbol[1] is None:
            return None
        body = self.modules[symbol[0]].tree.body
        ours = any(isinstance(n, ast.ClassDef) and n.name == symbol[1] for n in body)
        return symbol if ours else None


def _absolute(module: Module, ours: dict[str, Module], on_demand: tuple[str, ...]) -> None:
    """`from .x import y` becomes `from package.x import y`; imports of ours stand at the top.

    What is loaded on demand is imported by functions, and at the top by nothing but its like.
    """
    top = {id(node) for node in module.tree.body}
    inside = {id(node) for function in walk(module.tree) for node in walk(function)
              if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))}
    me = module.name.split(".")[0]
    home = module.name if module.package else module.name.rpartition(".")[0]
    for node in walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            if any(alias.name == "*" for alias in node.names):
                raise module.fail(node, "import * hides what is used")
            if node.level:
                base = home.split(".")[:len(home.split(".")) - node.level + 1]
                node.module = ".".join(base + ([node.module] if node.module else []))
                node.level = 0
            other = node.module.split(".")[0]
            late = other in on_demand and other != me
            if node.module in ours and late and me not in on_demand and id(node) not in inside:
                raise module.fail(node, f"{node.module} is on demand: import it in a function")
            if node.module in ours and not late and id(node) not in top:
                raise module.fail(node, "an import of ours inside a block")
        elif isinstance(node, ast.Import):
            own = [alias.name for alias in node.names if alias.name in ours]
            if own and (id(node) not in top or any("." in name for name in own)):
                raise module.fail(node, f"import {own[0]} inside a block, or with a dot")
    module.touch()


def _no_doubt(module: Module) -> None:
    """`X = X` in a class body reads the module's X and binds the class's: no pass can tell."""
    scopes = module.scopes
    for place in scopes.places:
        if (not place.store and place.owner.kind == "class"
                and place.name in scopes.module.bound):
            raise module.fail(place.node, f"{place.name} is of the class and of the module")
