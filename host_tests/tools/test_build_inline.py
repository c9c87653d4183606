"""inline_calls() where calls stand in each other's arguments, and of names without a `_`."""

from slimmed import both, text


def test_calls_in_the_arguments_of_a_call_keep_their_values(tmp_path):
    said, program = both({"main": """
from wire import Session
session = Session("toy")
print(session.exchange("put", None), session.exchange("get", "ab"))
""", "wire": """
class Session:
    def __init__(self, name):
        self._tx = [name]
    def exchange(self, method, data):
        n = self._head(self._tx, method, self._host(method, 443), self._length(method, data))
        return n, self._tx
    def _head(self, tx, method, host, size):
        for part in (method, host, size):
            tx.append(part)
        return len(tx)
    def _host(self, name, port):
        if ":" in name:
            name = "[" + name + "]"
        return name + ":" + str(port)
    def _length(self, method, data):
        if data is not None:
            return len(data)
        return 0 if method == "put" else -1
"""}, tmp_path)
    assert said == ("(4, ['toy', 'put', 'put:443', 0, 'get', 'get:443', 2]) "
                    "(7, ['toy', 'put', 'put:443', 0, 'get', 'get:443', 2])\n")
    assert text(program).count("def ") == 2


def test_public_names_move_inside_what_is_joined_and_nowhere_else(tmp_path):
    said, program = both({"main": """
from upper import twice
def settings():
    return 3
def main():
    return twice(settings())
print(main())
""", "upper": """
from low import one
def twice(x):
    return 2 * one(x) + one(1)
""", "low": """
def one(x):
    if x > 2:
        return inner(x)
    return x
def inner(x):
    y = x + 1
    return y
"""}, tmp_path)
    assert said == "9\n"
    assert text(program).count("def ") == 4  # inner() went; settings() is of a root


def test_a_name_that_other_classes_have_too_moves_in_each(tmp_path):
    said, program = both({"main": """
from shapes import Square, Disc, Child
print(Square(3).area(), Disc(2).area(), Child(5).area(), Child(1).twice())
""", "shapes": """
class Square:
    def __init__(self, a):
        self._a = a
    def area(self):
        return self._get() + 0
    def _get(self):
        return self._a * self._a
class Disc:
    def __init__(self, a):
        self._a = a
    def area(self):
        n = self._get()
        return n
    def _get(self):
        for n in range(9):
            if n > self._a:
                return 3 * n
        return -1
class Base:
    def __init__(self, a):
        self._a = a
    def area(self):
        return self._get() + 1
    def _get(self):
        return self._a
class Child(Base):
    def _get(self):
        return -self._a
    def twice(self):
        return self._get() * 2
"""}, tmp_path)
    assert said == "9 9 -4 -2\n"
    assert text(program).count("def ") == 9  # _get() went from Square and Disc, not from Base
