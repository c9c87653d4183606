"""Which methods are called from one place, though other classes have the same name.

Enters: a Program after link().  Leaves: methods that no call but one can mean.

    count = occurrences(program)       # {"_close": 5}
    once = called_once(program, count)  # {(id of the class, "_close")}

Limit: names that stand for nothing but methods and `self._x` in the methods of classes.
"""

from __future__ import annotations

import ast
from collections import Counter

from tools.build.source import Program
from tools.build.trees import walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def occurrences(program: Program) -> Counter:
    """How often each name stands in the program, whatever it means there, strings too."""
    count: Counter = Counter()
    for module in program.modules.values():
        for node in walk(module.tree):
            for field in ("id", "attr", "arg", "name", "asname", "value"):
                value = getattr(node, field, None)
                if isinstance(value, str):
                    count[value] += 1
            if isinstance(node, (ast.Global, ast.Nonlocal)):
                count.update(node.names)
    return count


def called_once(program: Program, count: Counter) -> set[tuple[int, str]]:
    """(id of its class, name) of methods that one `self._x` in related classes means, no other.

    Only names that are never anything else in the program: `count` says how often they stand.
    """
    classes = {(module.name, node.name): node for module in program.modules.values()
               for node in module.tree.body if isinstance(node, ast.ClassDef)}
    family = {symbol: symbol for symbol in classes}

    def eldest(symbol):
        while family[symbol] != symbol:
            symbol = family[symbol]
        return symbol

    for symbol, node in classes.items():
        for base in node.bases:
            above = program.base(program.modules[symbol[0]], base)
            if above in classes:
                family[eldest(symbol)] = eldest(above)
    homes: dict[tuple, list[ast.ClassDef]] = {}
    uses: Counter = Counter()
    for symbol, node in classes.items():
        for method in (n for n in node.body if isinstance(n, _FUNCTIONS)):
            homes.setdefault((eldest(symbol), method.name), []).append(node)
            own = method.args.args[0].arg if method.args.args else None
            uses.update((eldest(symbol), part.attr) for part in walk(method)
                        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name)
                        and part.value.id == own)
    seen: Counter = Counter()
    for (_, name), nodes in homes.items():
        seen[name] += len(nodes)
    for (_, name), n in uses.items():
        seen[name] += n
    return {(id(nodes[0]), key[1]) for key, nodes in homes.items()
            if len(nodes) == uses[key] == 1 and seen[key[1]] == count[key[1]]}
