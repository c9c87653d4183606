"""Names that are not ours to change, and names that cost nothing to use.

Enters: the unix port.  Leaves: every attribute of its modules and types; the names that each
MicroPython holds in ROM (py/makeqstrdata.py's static list, which .mpy files encode as numbers).
"""

from __future__ import annotations

import functools
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


@functools.lru_cache
def native_names() -> frozenset[str]:
    """Every attribute that an object of MicroPython may have. Takes 10 ms, once a process."""
    done = subprocess.run([MICROPYTHON, "-c", _ASK], capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split()) | frozenset(_MORE)
