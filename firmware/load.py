"""What a controllable load needs: loaded where the settings name one, and then kept.

    from load import find           # inside a function: ON_DEMAND of tools/build/make.py
"""

import log
from micropython import const
from sunspec import OK, MappedLimit, Meter, SunspecError
from sunspec.loads import LOADS

_EVERY_MS = const(1000)  # between two writes, as for any device


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
