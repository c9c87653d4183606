# heap: 256k
"""The record that sep2 fills is the one that der reads, number by number (docs/DESIGN.md)."""

import check
from der import record as der

try:
    from sep2 import record as sep2
except ImportError:  # a tree in which sep2 is not fitted
    sep2 = der

_TABLE = {
    "CREATED": 0, "STATUS": 1, "START": 2, "DURATION": 3, "RAND_START": 4, "RAND_DURATION": 5,
    "RESPONSE": 6, "CATEGORY": 7, "RAMP": 8, "GRAD": 9, "MODES": 10, "VALUE": 11,
    "CONNECT": 0, "ENERGIZE": 1, "FIXED_W": 2, "MAX_LIM_W": 3, "TARGET_W": 4, "EXP_LIM_W": 5,
    "IMP_LIM_W": 6, "GEN_LIM_W": 7, "LOAD_LIM_W": 8, "STORAGE_TARGET_W": 9,
    "MODES_N": 10, "REC_SIZE": 21, "KEY_SIZE": 21, "ABSENT": -(1 << 30) + 1,
}


def test_both_rooms_have_the_numbers_of_the_design_page():
    for name, number in _TABLE.items():
        assert getattr(der, name) == number, name
        assert getattr(sep2, name) == number, name


def test_names_that_both_have_mean_the_same():
    for name in dir(der):
        value = getattr(der, name)
        if name == name.upper() and isinstance(value, int):
            assert getattr(sep2, name, value) == value, name


check.run(globals())
