"""Enforces the import rules of docs/DESIGN.md; `make check` runs it.

Enters: the tree.  Leaves: one line for each import that runs against a rule, exit status 1 then.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LIB_MAY = {"micropython", "array", "struct", "binascii", "hashlib"}
LIB_EDGES = {("sep2", "xmlpull"), ("sep2", "json"), ("urequests", "http1")}

# Modules of firmware/ that alone may import what stands on the right.
ONLY = {
    "socket": {"link"}, "tls": {"identity"}, "ssl": set(), "asyncio": set(), "select": set(),
    "os": {"store"}, "time": set(), "machine": set(), "network": set(), "random": set(),
    "json": set(), "re": set(), "deflate": {"inflate"}, "io": {"inflate"},
}
FIRMWARE_MAY = {"micropython", "array", "errno", "gc", "sys", "struct", "binascii", "hashlib"}
# app connects all; main and boot start it, provision takes their place. Every other module knows
# log alone.
CONNECTORS = {"app", "main", "provision"}
# May be imported inside a function: loaded where a board or a setting asks for it.
ON_DEMAND = {"inflate", "rtu", "battery", "load", "identity", "backlog", "enrol", "p256",
             "survey", "driver", "mapped", "mirror", "versions", "commissioning",
             "wear"}


def imports(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """(top-level name or '.', line, whether inside a function) of every import."""
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside.update(id(child) for child in ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], node.lineno, id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            name = "." if node.level else (node.module or "").split(".")[0]
            yield name, node.lineno, id(node) in inside


def lib_rule(package: str, name: str) -> str | None:
    """Why this import of a lib package is refused, None when it is allowed."""
    if name in {".", package} or name in LIB_MAY or (package, name) in LIB_EDGES:
        return None
    return f"lib/{package} may not import {name}"


def firmware_rule(module: str, name: str, packages: set[str], siblings: set[str]) -> str | None:
    """Why this import of a firmware module is refused, None when it is allowed."""
    if name in ONLY:
        return None if module in ONLY[name] else f"firmware/{module} may not import {name}"
    if name in FIRMWARE_MAY or name in packages or name == "log":
        return None
    if name in siblings:
        ok = module in CONNECTORS or name in ON_DEMAND
        return None if ok else f"firmware/{module} gets {name} as an argument, not by import"
    if name == "board" and module in {"main", "provision"}:
        return None
    return f"firmware/{module} may not import {name}"


def findings(root: Path = ROOT) -> list[str]:
    """Every breach in the tree, as file:line: sentence."""
    packages = {p.name for p in (root / "lib").iterdir() if p.is_dir()}
    firmware = sorted((root / "firmware").glob("*.py"))
    siblings = {f.stem for f in firmware}
    found = []
    for path in sorted((root / "lib").glob("*/*.py")) + firmware:
        if path.name == "manifest.py":
            continue
        for name, line, inside in imports(ast.parse(path.read_text())):
            if path.parent.parent.name == "lib":
                why = lib_rule(path.parent.name, name)
            else:
                why = firmware_rule(path.stem, name, packages, siblings)
            if why is None and inside and name not in ON_DEMAND:
                why = "no import inside a function"
            if why:
                found.append(f"{path.relative_to(root)}:{line}: {why}")
    return found


if __name__ == "__main__":
    rows = findings()
    print("\n".join(rows) or "import rules: kept")
    sys.exit(1 if rows else 0)
