"""drop_unread(): what is set and never read goes, and what setting it does stays."""

from slimmed import both, names

from tools.build.source import Program
from tools.build.unread import drop_unread


def test_counters_go_and_their_effects_stay(tmp_path):
    said, program = both({"main": """
from box import Box
box = Box(2)
box.add(5)
print(box.total, box.both, box.spelled_x, getattr(box, "spelled_x"))
box.from_outside = 4
""", "box": """
def said(x):
    print("said", x)
    return x
class Box:
    def __init__(self, start):
        self.unread_a = self.total = start
        self.unread_b = start
        self.unread_c = said(7)
        self.both = 0
        self.unread_pair, self.both = said(8), 9
        self.spelled_x = 1
        self.from_outside = 3
    def add(self, n):
        if n > 3:
            self.unread_b += 1
        self.unread_c += said(n)
        self.total += n
"""}, tmp_path)
    assert said == "said 7\nsaid 8\nsaid 5\n7 9 1 1\n"
    assert not names(program) & {"unread_a", "unread_b", "unread_c"}


def test_what_may_be_an_attribute_of_micropython_stays():
    program = Program({"main": """
class Failure(Exception):
    def __init__(self):
        self.why = 1
class Holder:
    def __init__(self, context):
        context.verify_mode = 2
        self.verify_mode = self.unread = 3
"""}, ("main",))
    assert drop_unread(program) == ["unread"]
    assert {"why", "verify_mode"} <= names(program) and "unread" not in names(program)
