"""The few words a unit test needs, on MicroPython: raises, locked, run.

Enters: a test file's globals().  Leaves: one JSON line a test on stdout, exit status 1 if any
failed.  `host_tests/conftest.py` turns those lines into pytest items.  Usage, last line of a file:

    check.run(globals())
"""

import gc
import json
import sys

import micropython


def raises(cls, fn, *args):
    """Call fn(*args); return the exception of class cls, fail if none came."""
    try:
        fn(*args)
    except cls as exc:
        return exc
    raise AssertionError("%s not raised" % cls.__name__)


def locked(fn, *args):
    """Run fn(*args) under heap_lock(): any allocation is a MemoryError. Returns fn's result."""
    # A call with *args allocates by itself: at most four arguments, each named.
    a, b, c, d = (tuple(args) + (None,) * 4)[:4]
    n = len(args)
    gc.collect()
    micropython.heap_lock()
    try:
        if n == 0:
            return fn()
        if n == 1:
            return fn(a)
        if n == 2:
            return fn(a, b)
        if n == 3:
            return fn(a, b, c)
        return fn(a, b, c, d)
    finally:
        micropython.heap_unlock()


def vector(name):
    """Bytes of host_tests/vectors/<name>, found beside this file."""
    with open(__file__.rsplit("/", 2)[0] + "/vectors/" + name, "rb") as f:
        return f.read()


def run(namespace):
    """Run every test_* of the file in the order of their names; exit 1 if one failed."""
    import io

    failed = 0
    for name in sorted(n for n in namespace if n.startswith("test_")):
        gc.collect()
        error = None
        try:
            namespace[name]()
        except Exception as exc:  # the height at which a test's failure is caught
            out = io.StringIO()
            sys.print_exception(exc, out)
            error = out.getvalue()
            failed += 1
        print(json.dumps({"test": name, "error": error}))
    sys.exit(1 if failed else 0)
