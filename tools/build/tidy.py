"""Drops what is for readers of the source: texts of modules, classes and functions, `__all__`.

Enters: a Program.  Leaves: the same program without them.  mpy-cross drops the texts as well;
`__all__` serves `import *` alone, and that is refused (source.py).
"""

from __future__ import annotations

import ast

from tools.build.source import Program
from tools.build.trees import walk


def drop_texts(program: Program) -> None:
    """Remove strings that stand alone as a statement, and `__all__`."""
    for module in program.modules.values():
        for node in walk(module.tree):
            for field in ("body", "orelse", "finalbody"):
                lines = getattr(node, field, None)
                if isinstance(lines, list):
                    kept = [line for line in lines if not _for_readers(line)]
                    if not kept and lines and field == "body" and node is not module.tree:
                        kept = [ast.Pass()]
                    setattr(node, field, kept)
        module.touch()


def _for_readers(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
