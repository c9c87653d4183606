# heap: 32k
"""States which interpreter runs the tests: the pinned unix port, and nothing newer or older."""

import sys

import check


def test_pinned_interpreter_runs_these_tests():
    assert sys.implementation[0] == "micropython"
    assert tuple(sys.implementation[1])[:3] == (1, 29, 0), sys.implementation
    assert sys.implementation._mpy & 0xFF == 6  # .mpy version 6
    assert sys.platform == "linux"


def test_heap_is_as_small_as_asked():
    import gc

    gc.collect()
    assert gc.mem_free() + gc.mem_alloc() <= 33 * 1024


check.run(globals())
