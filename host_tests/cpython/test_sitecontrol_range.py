"""Every value that the site's law computes is a small int of a 32-bit board."""

import sys
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests" / "cpython")]

from sitecontrol import ABSENT, BATTERY, LOAD, PV, Site, site

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


class Smalls(list):
    """Stands in for array('i'): what it gives are Smalls, what it takes must be small."""

    def __init__(self, _kind, data):
        super().__init__(Small(0) for _ in range(len(data) // 4))

    def __setitem__(self, i, value):
        assert -SMALL <= value < SMALL, int(value)
        super().__setitem__(i, Small(value))


ANY = st.integers(-SMALL, SMALL - 1)
POWER = ANY | st.integers(-2_000_000, 2_000_000) | st.just(ABSENT)
AGE = st.integers(-3000, 3000) | st.integers(0, 3) | ANY
LIMIT = ANY | POWER | st.integers(0, 1_000_000)
DEVICES = st.lists(st.tuples(st.sampled_from((PV, BATTERY, LOAD)), st.integers(0, 333_333),
                             st.integers(1, 333_333), st.sampled_from((0, 10000))),
                   min_size=1, max_size=3)
INPUTS = ("export_w", "import_w", "meter_age_ms", "exp_w", "imp_w", "gen_w", "load_w", "target_w",
          "storage_w", "connect", "energize")
STEP = st.tuples(POWER, POWER, AGE, LIMIT, LIMIT, LIMIT, LIMIT, POWER, POWER,
                 st.just(1) | st.integers(0, 1), st.just(1) | st.integers(0, 1),
                 st.lists(st.tuples(POWER, AGE, ANY | st.integers(0, 333_333)),
                          min_size=3, max_size=3), st.integers(1, 70))

_CALM = (1, 1, [(300_000, 0, 333_333)] * 3, 70)


@settings(max_examples=300, deadline=None)
@given(devices=DEVICES, others=st.integers(0, 2_000_000), steps=st.lists(STEP, max_size=12))
@example(devices=[(PV, 1_000_000, 0, 0)], others=2_000_000, steps=[
    (2_000_000, -2_000_000, 0, 0, 0, ABSENT, ABSENT, ABSENT, ABSENT, 1, 1,
     [(2_000_000, 0, 1_000_000)] * 3, 70),
    (-2_000_000, 2_000_000, 0, SMALL - 1, SMALL - 1, SMALL - 1, -SMALL, SMALL - 1, -SMALL, 1, 1,
     [(-2_000_000, 0, SMALL - 1)] * 3, 70),
    (-SMALL, -SMALL, SMALL - 1, -SMALL, -SMALL, -SMALL, -SMALL, -SMALL, -SMALL, 0, 1,
     [(-SMALL, -SMALL, -SMALL)] * 3, 5)])
@example(devices=[(BATTERY, 1_000_000, 1_000_000, 0)], others=0, steps=[
    (2_000_000, -2_000_000, 0, 0, 0, ABSENT, ABSENT, -SMALL, SMALL - 1, *_CALM),
    (-2_000_000, 2_000_000, 0, 0, 0, 0, 0, SMALL - 1, ABSENT, *_CALM)])
@example(devices=[(PV, 333_333, 0, 0), (BATTERY, 333_333, 333_333, 0), (LOAD, 0, 333_333, 0)],
         others=0, steps=[
    (400_000, -400_000, 0, 300_000, 300_000, 500_000, 500_000, ABSENT, ABSENT, *_CALM),
    (-400_000, 400_000, 0, 300_000, 300_000, 100_000, 100_000, 250_000, ABSENT, *_CALM)])
def test_no_value_leaves_the_small_ints(devices, others, steps):
    plain, site.array = site.array, Smalls
    try:
        law = Site(3, Small(others))
    finally:
        site.array = plain
    for kind, wmax_w, charge_w, interval_ms in devices:
        law.add(kind, wmax_w, charge_w, interval_ms)
    ratings = [max(device[1:3]) for device in devices]
    before = seen[0]
    for *values, powers, repeat in steps:
        for name, value in zip(INPUTS, values):
            setattr(law, name, Small(value))
        for i in range(len(devices)):
            law.power_w[i], law.age_ms[i], law.wmax_w[i] = powers[i]
            law.charge_w[i] = powers[i][2]
        for _ in range(repeat):
            law.step()
            for i, rating in enumerate(ratings):
                assert -rating <= law.low_w[i] <= law.high_w[i] <= rating
                assert devices[i][0] != PV or law.low_w[i] == 0
                assert devices[i][0] != LOAD or law.high_w[i] == 0
    assert seen[0] > before or not steps
