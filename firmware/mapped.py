"""Devices without a model chain, at addresses of their own: loaded where the settings name a map.

Enters: a line, a unit, a map of sunspec/quirks.py.  Leaves: what Devices.find() and .meter() give.

    from mapped import limited      # inside a function: ON_DEMAND of tools/build/make.py

Allocates.
"""

import log
from micropython import const
from sunspec import (
    NO_UNIT,
    OK,
    Q_EVERY,
    Q_TIMEOUT,
    SILENT,
    MappedLimit,
    Meter,
)
from sunspec.live import UNREAD
from sunspec.quirks import LIMITS, row_of

_OP_MS = const(4000)
_RVRT_S = const(120)


async def limited(devices, bus, unit, conf, floor_w):
    """What Devices.find() gives, but for its last, of a device that is nothing but a limit.

    None when nothing answers there.  Nobody reads its power: it is ABSENT for ever, never zero.
    floor_w: what a map that reverts falls back to.  SunspecError when the settings give no rating.
    """
    row = row_of(LIMITS, conf.inverter_map)
    driver = Meter(None, UNREAD)
    driver.live_addr = row[1]
    driver.state_addr = driver.state_count = driver.conn_count = 0
    driver.manufacturer = row[7]
    driver.model = driver.version = ""
    from survey import quirk_of
    quirk = quirk_of(driver)
    bus.timeout_ms = max(bus.timeout_ms, quirk[Q_TIMEOUT] * 100)
    control = MappedLimit(row, conf.inverter_w, quirk, floor_w, _RVRT_S)
    control.probe()
    result = await devices.run(bus, unit, control)
    if result != OK:
        cause = "_SILENT" if result == SILENT else "_NO_UNIT" if result == NO_UNIT else "_REFUSED"
        log.error("INVERTER" + cause, "bus", bus.name, "unit", unit)
        return None
    return driver, None, control, None, None, quirk[Q_EVERY] * 100


async def meter(devices, bus, unit, name, sign):
    """Meter of that map, if it answers where its map says; else None."""
    found = Meter(None, name, sign)
    op = devices.op_class(unit, devices.regs, kind=found.live_kind, addr=found.live_addr, count=2)
    result = await bus.do(op, devices.loop.after(_OP_MS))
    if result != OK:
        log.error("METER_SILENT" if result < OK else "METER_REFUSED", "bus", bus.name, "unit",
                  unit)
        return None
    log.info("METER_READY", "phases", found.phases, "sign", sign)
    return found
