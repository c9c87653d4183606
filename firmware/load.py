"""What a controllable load needs: loaded where the settings name one, and then kept.

    from load import find           # inside a function: ON_DEMAND of tools/build/make.py

LOADS are rows as those of sunspec/quirks.py: (of `Meter`, of `MappedLimit`, offset of the rating
in the meter's block, s of its watchdog).  The word "on" of a limit is that of its watchdog: after
so many seconds without a write the load sheds itself, so it is written again each third of them.
A load whose watchdog sets it free gets 0 there.  The row is the simplest such load; another needs
its maker's document.
"""

import log
from micropython import const
from sunspec import OK, MappedLimit, Meter, SunspecError

_EVERY_MS = const(1000)  # between two writes, as for any device
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


async def find(bus, op, deadline):
    """What Devices.find() gives, for the load at the unit of `op`; None when it is not there.

    It has no model chain: it stands where its map says, if it answers there and has a rating.
    """
    of_meter, of_limit, rated, watchdog_s = LOADS[0]
    driver = Meter(None, of_meter)
    op.kind, op.addr, op.count = driver.live_kind, driver.live_addr, driver.live_count
    result = await bus.do(op, deadline)
    if result < OK:
        log.error("LOAD_SILENT", "bus", bus.name, "unit", op.unit)
        return None
    try:
        rated_w = op.regs[rated] if result == OK else 0
        control = MappedLimit(of_limit, rated_w, None, 0, watchdog_s)
    except SunspecError as exc:
        log.error("LOAD_UNFIT", "unit", op.unit, "result", result, "why", str(exc))
        return None
    log.info("LOAD_READY", "unit", op.unit, "rated_w", rated_w)
    return driver, None, control, None, None, _EVERY_MS, 0
