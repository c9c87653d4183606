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
    gc.collect()
    micropython.heap_lock()
    try:
        result = fn(*args)
    finally:
        micropython.heap_unlock()
    return result


def vector(name):
    """Bytes of host_tests/vectors/<name>, found beside this file."""
    with open(__file__.rsplit("/", 2)[0] + "/vectors/" + name, "rb") as f:
        return f.read()


def run(namespace):
    """Run every test_* of the file in the order of their names; exit 1 if one failed."""
    import io  # noqa: PLC0415

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
