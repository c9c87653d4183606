"""Walks along the models of a device and asks who it is: loaded for each walk, let go of after.

Enters: a line, a unit.  Leaves: its Chain, the serial number and the quirks in `devices`, and the
pace of the line.

    from survey import survey       # inside a function: ON_DEMAND of tools/build/make.py
    chain = await survey(devices, bus, unit, "METER", False)

Allocates.  Limit: one walk at a time.
"""

import sys
from array import array

import log
from micropython import const
from sunspec import (
    FULL,
    NO_SUNS,
    NO_UNIT,
    OK,
    Q_CONNECT,
    Q_GAP,
    Q_TIMEOUT,
    SILENT,
    Chain,
    Common,
    Walk,
    quirks,
)

_PART = const(8)  # registers: some gateways fail above five or ten, and ten are met most
_STRINGS = const(4)  # of model 1
_OP_MS = const(4000)

# Ends of the codes in docs/log.md.
_CAUSES = {SILENT: "_SILENT", NO_UNIT: "_NO_UNIT", NO_SUNS: "_NO_SUNSPEC"}


async def survey(devices, bus, unit, what, other):
    """Its Chain, None when there is none; False in that place where there may be another map.

    devices: Devices, whose `serial` and `quirk` are set.  what: the first word of its codes.
    """
    sys.modules.pop("survey", None)
    devices.quirk = bytes(8)
    devices.serial = ""
    walk = Walk(devices.models)
    result = await devices.run(bus, unit, walk)
    if result not in (OK, FULL):
        if other:
            return False
        log.error(what + _CAUSES.get(result, "_REFUSED"), "bus", bus.name, "unit", unit)
        return None
    n = walk.n  # the room for more models is not needed any longer, nor the code of the walk
    chain = Chain(walk.ids[:n], walk.addrs[:n], walk.lengths[:n], walk.devices[:n], walk.devices_n)
    common = Common(chain, 0)
    result = await devices.run(bus, unit, common)
    if result == SILENT:  # its quirks are not known: looked for again in a moment
        log.error(what + "_SILENT", "bus", bus.name, "unit", unit, "while", "common")
        return None
    if not common.manufacturer:
        result = await in_parts(devices, bus, unit, common, _STRINGS)
    if result == OK:
        devices.serial = common.serial
        log.info(what, "maker", common.manufacturer, "model", common.model,
                 "version", common.version, "models", n)
        devices.quirk = quirk = quirks(common)
        # The line goes at the pace of its slowest device.
        bus.gap_ms = max(bus.gap_ms, quirk[Q_GAP] * 10)
        bus.timeout_ms = max(bus.timeout_ms, quirk[Q_TIMEOUT] * 100)
        bus.settle_ms = max(bus.settle_ms, quirk[Q_CONNECT] * 100)
    return chain


def quirk_of(common):
    """The row of quirks of what says `manufacturer`, `model` and `version`. Allocates."""
    sys.modules.pop("survey", None)
    return quirks(common)


async def in_parts(devices, bus, unit, reads, steps):
    """Read the blocks of a Reads anew, in parts of eight registers; its result.

    For a gateway that refuses longer ones.  A block that is refused like that too stays as it was.
    """
    sys.modules.pop("survey", None)
    op = devices.op_class(unit, array("H", bytes(2 * _PART)))
    result = reads.result
    for step in range(steps):
        if not reads.place(step) or reads.count <= _PART:
            continue
        addr, count = reads.addr, reads.count
        for at in range(0, count, _PART):
            op.addr, op.count = addr + at, min(_PART, count - at)
            if await bus.do(op, devices.loop.after(_OP_MS)) != OK:
                break
            devices.regs[at:at + op.count] = op.regs[:op.count]
        else:
            reads.addr, reads.count = addr, count
            reads.answer(step, OK, devices.regs)
            result = OK
    return result
