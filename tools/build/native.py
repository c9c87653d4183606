"""Names that are not ours to change, and names that cost nothing to use.

Enters: the unix port.  Leaves: every attribute of its modules and types; the names that each
MicroPython holds in ROM (py/makeqstrdata.py's static list, which .mpy files encode as numbers).
"""

from __future__ import annotations

import functools
import keyword
import subprocess
import sys
from pathlib import Path

MICROPYTHON = Path(sys.executable).parent / "micropython"

# Part of every port since .mpy version 6.2: as an attribute, argument or global they take no heap.
# Without those that the compiler takes for its own: const, globals, locals, range, super.
ROM_NAMES = (
    "self key value id items index args end start stop step count len list dict set get find all "
    "any abs map next sum sort join hash iter open ord pow print read repr round send sep "
    "split str strip throw tuple type update upper values write zip append bool bytearray "
    "bytecode bytes callable chr classmethod clear close copy dir divmod endswith eval exec "
    "extend format from_bytes getattr hasattr insert int isalpha isdigit isinstance islower "
    "isspace issubclass isupper keys little lower lstrip main object pop popitem readinto "
    "readline remove replace reverse rfind rindex rsplit rstrip setattr setdefault sorted "
    "startswith staticmethod to_bytes"
).split()

_ASK = """
import builtins
found = set(dir(builtins))
names = 'array binascii errno gc hashlib io micropython os select socket struct sys time tls'
things = [__import__(name) for name in names.split()]
things += [str, bytes, bytearray, list, dict, set, tuple, int, float, Exception, OSError, range]
things += [select.poll() for select in things if hasattr(select, 'poll')]
for thing in things:
    found.update(dir(thing))
    for name in dir(thing):
        found.update(dir(getattr(thing, name)))
def generator():
    yield
found.update(dir(generator()))
print(' '.join(found))
"""
# Of objects that dir() cannot reach, and what MicroPython calls on objects of ours.
_MORE = (
    "accept bind cipher close connect errno feed fileno flush getpeercert ioctl iter listen "
    "makefile modify ipoll poll read readinto readline readlines recv recv_into recvfrom register "
    "seek send sendall sendto setblocking setsockopt settimeout step tell ticks_add ticks_diff "
    "readblocks writeblocks ticks_ms throw unregister value verify_callback write"
).split()


# The compiler knows these by name.
_SPECIAL = {"const", "globals", "locals", "micropython", "range", "super"}


@functools.lru_cache
def _asked() -> frozenset[str]:
    # Takes 10 ms, once a process.
    done = subprocess.run([MICROPYTHON, "-c", _ASK], capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


def native_names() -> frozenset[str]:
    """Every attribute that an object of MicroPython may have."""
    return _asked() | frozenset(_MORE)


@functools.lru_cache
def free_names() -> tuple[str, ...]:
    """Names that take no heap: ROM_NAMES, then what the unix port has in ROM as well.

    The latter are names of the modules that any board of ours has; where one is missing it costs
    what every name costs.
    """
    more = {name for name in _asked() if name.isidentifier() and not name.startswith("_")}
    more -= {*ROM_NAMES, *_SPECIAL, *keyword.kwlist, *keyword.softkwlist}
    return (*ROM_NAMES, *sorted(more, key=lambda name: (len(name), name)))
