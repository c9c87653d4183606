# heap: 32k
"""States which interpreter runs the tests: the pinned unix port, or the image; nothing else."""

import sys

import check


def test_pinned_interpreter_runs_these_tests():
    assert sys.implementation[0] == "micropython"
    image = getattr(sys.implementation, "_build", None) == "unix32"
    assert tuple(sys.implementation[1])[:3] == ((1, 25, 0) if image else (1, 29, 0))
    assert sys.maxsize == (1 << 31) - 1 if image else sys.maxsize > 1 << 60
    assert sys.implementation._mpy & 0xFF == 6  # .mpy version 6
    assert sys.platform == "linux"


def test_heap_is_as_small_as_asked():
    import gc

    gc.collect()
    assert gc.mem_free() + gc.mem_alloc() <= 33 * 1024


check.run(globals())
