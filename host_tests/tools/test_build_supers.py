"""tools/build: `super()` without a cell, and what a package hides."""

from slimmed import both, text


def test_super_needs_no_cell_and_means_the_same(tmp_path):
    said, program = both({"main": """
from a import Base
class Middle(Base):
    def __init__(self, n):
        super().__init__(n + 1)
    def __repr__(self):
        return "Middle " + super().__repr__()
class Last(Middle):
    def __init__(self, n, more=3):
        super().__init__(n * more)
        self.double = super().twice(n) + super().n
    def __repr__(self):
        return "Last " + super().__repr__()
class Wrong(Exception):
    def __init__(self, what, at):
        super().__init__(what, at)
        self.at = at
class Two(Last, Base):
    def twice(self, n):
        return super().twice(n) + 1
    def me(self, of):
        self = of
        return super().n
print(Last(2), Last(5).double, Two(1).twice(4))
try:
    raise Wrong("no", 7)
except Wrong as exc:
    print(exc.args, exc.at)
""", "a": """
class Base:
    n = 4
    def __init__(self, n):
        self.value = n
    def twice(self, n):
        return n + n
    def __repr__(self):
        return "Base " + str(self.value)
"""}, tmp_path)
    assert said == "Last Middle Base 7 14 9\n('no', 7) 7\n"
    assert "super()" not in text(program).replace("return super().n\n", "")
    assert "super(Wrong" in text(program)


def test_a_name_of_a_package_hides_its_module_of_that_name(tmp_path):
    said, _ = both({
        "main": "from p import chain\nprint(chain(2))",
        "p": "from .chain import chain\n",
        "p.chain": "def chain(n):\n    return n + 1\n",
    }, tmp_path)
    assert said == "3\n"
