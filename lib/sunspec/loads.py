"""Loads that take a limit in W, as data: rows as those of quirks.py, and where the rating stands.

Enters: nothing.  Leaves: LOADS, rows (of `live.Meter`, of `limit.MappedLimit`, offset of the
rating in the meter's block, s of its watchdog).

    of_meter, of_limit, rated, watchdog_s = LOADS[0]
    load = Meter(None, of_meter)                       # w: what it takes
    limit = MappedLimit(of_limit, regs[rated], None, 0, watchdog_s)

The word "on" of a limit is that of its watchdog: after so many seconds without a write the load
sheds itself, so it is written again each third of them.  A load whose watchdog sets it free gets
0 there.  The row is the simplest such load; another needs its maker's document.
"""

from micropython import const

_WATCHDOG_S = const(120)

# The simplest load, holding registers: 0 limit W (0xFFFF none), 1 watchdog s (0 none), 2 power W,
# 3 rating W.
_SIMPLE = (
    b"\x00\x04"  # block 0..3
    b"\x02\x00\x01"  # W
    + b"\x00\x00\x05" * 12
)

LOADS = (
    (("simple", 0, 3, _SIMPLE),
     ("simple", 0, (b"\x00\x01", b"\x00\x02", b"\x00\x01\x01\x01", 0b11, 1), 0, 0,
      _WATCHDOG_S, 0), 3, _WATCHDOG_S),
)
