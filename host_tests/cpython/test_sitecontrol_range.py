"""Every value that the export law computes is a small int of a 32-bit board."""

import sys
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests" / "cpython")]

from sitecontrol import ABSENT, Controller

SMALL = 1 << 30
seen = [0]


class Small(int):
    """An int that checks each result of its arithmetic, and whose results do so too."""


def _checked(name):
    plain = getattr(int, name)

    def operator(self, *args):
        value = plain(self, *args)
        assert -SMALL <= value < SMALL, (name, int(self), args)
        seen[0] += 1
        return Small(value)

    return operator


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "neg", "abs", "rshift", "lshift",
              "floordiv", "mod"):
    setattr(Small, f"__{_name}__", _checked(f"__{_name}__"))

ANY = st.integers(-SMALL, SMALL - 1)
POWER = ANY | st.integers(-2_000_000, 2_000_000) | st.just(ABSENT)
AGE = st.integers(-3000, 3000) | ANY
STEP = st.tuples(POWER, AGE, POWER, AGE, ANY | POWER, ANY | POWER)


@settings(max_examples=300, deadline=None)
@given(wmax=st.integers(1, 1_000_000) | st.just(1_000_000), window=st.integers(2, 64),
       others=st.integers(0, 2_000_000), steps=st.lists(STEP, min_size=1, max_size=60))
@example(wmax=1_000_000, window=2, others=2_000_000,
         steps=[(-2_000_000, 0, 2_000_000, 0, SMALL - 1, SMALL - 1),
                (2_000_000, 0, -2_000_000, 0, -SMALL, -SMALL),
                (-SMALL, -SMALL, -SMALL, SMALL - 1, SMALL - 1, SMALL - 1)])
def test_no_value_leaves_the_small_ints(wmax, window, others, steps):
    law = Controller(Small(wmax), window, Small(others))
    before = seen[0]
    for step in steps:
        cap = law.step(*[Small(v) for v in step])
        assert 0 <= cap <= wmax
    assert seen[0] > before or wmax == 1 or all(s[0] == ABSENT for s in steps)
