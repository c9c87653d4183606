"""Makes a function's body run to its end instead of returning, without a copy of any statement.

Enters: a list of statements and what a return becomes.  Leaves: a list without returns.

    without_returns(body, lambda value: [ast.Assign([target], value or ast.Constant(None))])

`if a: return 1` with more after it becomes `if a: ... else: more`, a return in a loop a `break`
and what follows the loop its `else`, which the loop runs when it was not left.  What follows a
`try` whose handlers all return is its `else`.  Refused when that is not enough.
"""

from __future__ import annotations

import ast

from tools.build.trees import walk


class Refused(Exception):
    """Not inlined; the text is for who debugs this."""


def without_returns(body: list[ast.stmt], sink) -> list[ast.stmt]:
    """`sink(value or None)` gives the statements for a return, and for the end when reached."""
    new: list[ast.stmt] = []
    for at, line in enumerate(body):
        if isinstance(line, ast.Return):
            return new + sink(line.value)
        if not _returns(line):
            new.append(line)
            if not falls([line]):
                return new
            continue
        rest = body[at + 1:]
        turn = {ast.If: _if, ast.For: _loop, ast.While: _loop, ast.Try: _try}.get(type(line))
        if turn is None:
            raise Refused("a return where none can be replaced")
        return new + turn(line, rest, sink)
    return new + sink(None)


def _returns(line: ast.AST) -> bool:
    return any(isinstance(part, ast.Return) for part in walk(line))


def falls(body: list[ast.stmt]) -> bool:
    """True when the end of these statements may be reached."""
    if not body:
        return True
    line = body[-1]
    if isinstance(line, (ast.Return, ast.Raise)):
        return False
    if isinstance(line, ast.If):
        return falls(line.body) or falls(line.orelse)
    if isinstance(line, ast.While):
        return not (_always(line) and not _breaks(line.body))
    if isinstance(line, ast.Try):
        tried = falls(line.body) and falls(line.orelse)
        return falls(line.finalbody) and (tried or any(falls(h.body) for h in line.handlers))
    return True


def _always(line: ast.stmt) -> bool:
    return isinstance(line, ast.While) and isinstance(line.test, ast.Constant) \
        and bool(line.test.value)


def _breaks(body: list[ast.stmt]) -> bool:
    """True when these statements of a loop leave it."""
    for line in body:
        if isinstance(line, ast.Break):
            return True
        if isinstance(line, (ast.For, ast.While)):
            if _breaks(line.orelse):
                return True
            continue
        inner = [getattr(line, field, []) for field in ("body", "orelse", "finalbody")]
        inner += [handler.body for handler in getattr(line, "handlers", [])]
        if any(_breaks(lines) for lines in inner):
            return True
    return False


def _if(line: ast.If, rest: list[ast.stmt], sink) -> list[ast.stmt]:
    both = falls(line.body) and falls(line.orelse)
    if both and rest:
        raise Refused("two ways lead to what follows")
    # `rest` is reached through one branch alone, so it can stand in it.
    body = line.body + (rest if falls(line.body) else [])
    orelse = line.orelse + (rest if falls(line.orelse) else [])
    return _branch(line.test, without_returns(body, sink), without_returns(orelse, sink))


def _branch(test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> list[ast.stmt]:
    if body:
        return [ast.If(test, body, orelse)]
    if not orelse:
        return [ast.Expr(test)]
    inner = test.operand if isinstance(test, ast.UnaryOp) and isinstance(
        test.op, ast.Not) else ast.UnaryOp(ast.Not(), test)
    return [ast.If(inner, orelse, [])]


def _loop(line: ast.stmt, rest: list[ast.stmt], sink) -> list[ast.stmt]:
    after = without_returns(line.orelse + rest, sink)
    if after and _breaks(line.body):
        raise Refused("a loop that is left in two ways")
    if _always(line):
        after = []
    line.body = _leave(line.body, sink)
    line.orelse = after
    return [line]


def _leave(body: list[ast.stmt], sink) -> list[ast.stmt]:
    new: list[ast.stmt] = []
    for line in body:
        if isinstance(line, ast.Return):
            return [*new, *sink(line.value), ast.Break()]
        if _returns(line):
            if not isinstance(line, (ast.If, ast.Try)) or getattr(line, "finalbody", None):
                raise Refused("a return in two loops, or through a finally")
            for part in [line, *getattr(line, "handlers", [])]:
                part.body = _leave(part.body, sink)
            line.orelse = _leave(line.orelse, sink)
        new.append(line)
    return new


def _try(line: ast.Try, rest: list[ast.stmt], sink) -> list[ast.stmt]:
    if line.finalbody:
        raise Refused("a return through a finally")
    if any(_returns(part) for part in line.body):
        if rest or line.orelse:
            raise Refused("a return that something may follow")
        line.body = without_returns(line.body, sink) or [ast.Pass()]
    else:
        if rest and any(falls(handler.body) for handler in line.handlers):
            raise Refused("two ways lead to what follows")
        line.orelse = without_returns(line.orelse + rest, sink) if falls(line.body) else []
    for handler in line.handlers:
        handler.body = without_returns(handler.body, sink) or [ast.Pass()]
    return [line]


def as_expression(body: list[ast.stmt]) -> ast.expr | None:
    """The value of a body that does nothing but choose what to return; None for any other."""
    line, rest = body[0], body[1:]
    if isinstance(line, ast.Return):
        return line.value or ast.Constant(None)
    if not isinstance(line, ast.If) or falls(line.body) or (line.orelse and rest):
        return None
    then = as_expression(line.body)
    other = as_expression(line.orelse or rest) if line.orelse or rest else None
    return None if then is None or other is None else ast.IfExp(line.test, then, other)
