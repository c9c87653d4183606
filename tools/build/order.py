"""Puts the names that a module uses most first into the table of its .mpy.

Enters: a module's tree and what compiles one.  Leaves: the tree with a head that is never run.

    tree = often_first(tree, 'app', compiled)  # compiled(tree) gives the bytes of a .mpy

In bytecode a name is its number in the module's table, and takes one byte below 128, then two.
mpy-cross numbers names as it meets them, so those of the module's own statements come first, and
they are let go of once it is imported.  So the tree is compiled with all its names in its head;
the functions in that .mpy tell how often each is used, and then the head has the first of those.
Read is the format of docs/reference/mpyfiles.rst and of py/bc.h.

Limit: bytecode without line numbers (-O3), no native code.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from keyword import iskeyword

from tools.build.source import BuildError
from tools.build.trees import walk

_FIRST = 126  # names with a number of one byte; 0 is the file's own, 1 the module's
_FORMATS = 0x3A4  # py/bc0.h, MP_BC_FORMAT: two bits for each 16 opcodes
_NAME, _NUMBER, _OFFSET = 1, 2, 3
_MORE = 0x9E  # py/bc0.h, MP_BC_MASK_EXTRA_BYTE
_TUPLE, _SPELLED = 10, (5, 6)  # kinds of constants; after a str or bytes comes a zero
_SHORT = 10  # characters of a string that is a name for mpy-cross


def often_first(tree: ast.Module, own: str,
                compiled: Callable[[ast.Module], bytes]) -> ast.Module:
    """The tree with the head; one with few names as it is. `own`: the file's name."""
    names = sorted(_names(tree) - {own})
    if len(names) <= _FIRST:
        return tree
    file = _File(compiled(_headed(tree, names)))
    table = file.table()
    count: Counter[int] = Counter()
    file.code(count, 0)
    if [n for n, m in zip(names, table[2:]) if m not in (n, None)]:
        raise BuildError("mpy-cross numbers names in another order")
    return _headed(tree, [names[i - 2] for i, _uses in count.most_common()
                          if 2 <= i < len(names) + 2][:_FIRST])


def _names(tree: ast.Module) -> set[str]:
    """All that may be in the table, and more."""
    found = set()
    for node in walk(tree):
        for key in ("id", "attr", "arg", "name", "asname", "module"):
            name = getattr(node, key, None)
            if isinstance(name, str) and name.isidentifier() and not iskeyword(name):
                found.add(name)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) \
                and 0 < len(node.value.encode()) <= _SHORT:
            found.add(node.value)
    return found


def _headed(tree: ast.Module, names: list[str]) -> ast.Module:
    """The names stand in a branch that mpy-cross does not know to be dead.

    As attributes: those are numbered while scopes are found, variables only after that.
    """
    dead = ast.Compare(ast.Constant(0), [ast.Lt()], [ast.Constant(0)])
    said: list[ast.expr] = [ast.Attribute(ast.Constant(None), name, ast.Load())
                            if name.isidentifier() and not iskeyword(name)
                            else ast.List([ast.Constant(name)], ast.Load()) for name in names]
    return ast.Module([ast.If(dead, [ast.Expr(node) for node in said], []), *tree.body], [])


class _File:
    """Reads a .mpy file from its start to its end."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 4

    def _number(self) -> int:
        value = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    def table(self) -> list[str | None]:
        """The names in the order of their numbers, None for MicroPython's own; no constants."""
        names, constants = self._number(), self._number()
        table = [self._name() for _ in range(names)]
        for _ in range(constants):
            self._constant()
        return table

    def _name(self) -> str | None:
        size = self._number()
        if size & 1:
            return None
        self._at += (size >> 1) + 1
        return self._data[self._at - 1 - (size >> 1):self._at - 1].decode()

    def _constant(self) -> None:
        kind = self._data[self._at]
        self._at += 1
        if kind == _TUPLE:
            for _ in range(self._number()):
                self._constant()
        elif kind >= min(_SPELLED):
            size = self._number()
            self._at += size + (kind in _SPELLED)

    def code(self, count: Counter, depth: int) -> None:
        """Count the names of a function and of those in it, but not the module's own."""
        head = self._number()
        end = self._at + (head >> 3)
        self._prelude(count if depth else Counter())
        while self._at < end:
            self._instruction(count if depth else Counter())
        for _ in range(self._number() if head & 4 else 0):
            self.code(count, depth + 1)

    def _prelude(self, count: Counter) -> None:
        # py/bc.h: the signature, its parts interleaved; the size of what follows, also.
        data = self._data
        byte = data[self._at]
        self._at += 1
        keywords, positional = 0, byte & 3
        bits = 0
        while byte & 0x80:
            byte = data[self._at]
            self._at += 1
            positional |= (byte & 4) << bits
            keywords |= (byte & 8) >> 3 << bits
            bits += 1
        byte = data[self._at]
        self._at += 1
        info, cells, bits = byte >> 1 & 0x3F, byte & 1, 1
        while byte & 0x80:
            byte = data[self._at]
            self._at += 1
            cells |= (byte & 1) << bits
            info |= (byte >> 1 & 0x3F) << 6 * bits
            bits += 1
        start = self._at
        for _ in range(1 + positional + keywords):
            count[self._number()] += 1
        self._at = start + info + cells

    def _instruction(self, count: Counter) -> None:
        code = self._data[self._at]
        self._at += 1
        kind = _FORMATS >> 2 * (code >> 4) & 3
        if kind == _NAME:
            count[self._number()] += 1
        elif kind == _NUMBER:
            self._number()
        elif kind == _OFFSET:
            self._at += 1 + (self._data[self._at] >> 7)
        self._at += code & _MORE == 0
