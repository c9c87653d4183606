"""Finds the inverter and the meter on their lines, and says what they are.

Enters: a bus and a unit id.  Leaves: drivers of `sunspec` that know where their registers are, or
None with a line in the log that names the cause and what to do.

    devices = Devices(loop, op_class, models)
    found = await devices.find(PV, bus, unit)        # what Steered.fit() takes, or None
    meter = await devices.meter(bus, unit, sign)     # Meter, or None

Allocates: it runs at boot and when a device was lost, never in the 200 ms path.
"""

from array import array

import log
from micropython import const
from sunspec import (
    FULL,
    NO_SUNS,
    NO_UNIT,
    OK,
    Q_CONNECT,
    Q_EVERY,
    SILENT,
    Battery,
    Common,
    Connect,
    Header,
    Inverter,
    Limit,
    Meter,
    Ratings,
    Storage,
    SunspecError,
    Walk,
)
from sunspec.quirks import quirks

_OP_MS = const(4000)
_REGS = const(64)
_RVRT_S = const(120)
_BATTERY = const(1)

# Ends of the codes in docs/log.md.
_CAUSES = {SILENT: "_SILENT", NO_UNIT: "_NO_UNIT", NO_SUNS: "_NO_SUNSPEC"}


class Devices:
    """See the module's text. `op_class` is port.Op; `models`: most SunSpec models of a unit.

    `rvrt_w`: what a device falls back to by itself when nobody writes to it any more.
    """

    def __init__(self, loop, op_class, models, rvrt_w):
        self._rvrt_w = rvrt_w
        self._quirk = bytes(8)
        self._loop = loop
        self._op = op_class
        self._models = models
        self._regs = array("H", bytes(2 * _REGS))

    async def run(self, bus, unit, seq):
        """Carry out a sequence of `sunspec`; returns its result."""
        op = self._op(unit, self._regs)
        while seq.next(self._regs):
            op.kind, op.addr, op.count = seq.kind, seq.addr, seq.count
            seq.took(await bus.do(op, self._loop.after(_OP_MS)), self._regs)
        return seq.result

    async def _walk(self, bus, unit, what):
        walk = Walk(self._models)
        result = await self.run(bus, unit, walk)
        if result not in (OK, FULL):
            log.error(what + _CAUSES.get(result, "_REFUSED"), "bus", bus.name, "unit", unit)
            return None
        common = Common(walk, 0)
        self._quirk = bytes(8)
        if await self.run(bus, unit, common) == OK:
            log.info(what, "maker", common.manufacturer, "model", common.model,
                     "version", common.version, "models", walk.n)
            self._quirk = quirks(common)
        return walk

    async def find(self, kind, bus, unit):
        """What stands at that unit and can be steered as `kind` of sitecontrol, or None.

        (live driver, Ratings, control of its band, Connect or None, Battery or None, ms between
        two writes at least).
        """
        walk = await self._walk(bus, unit, "INVERTER")
        if walk is None:
            return None
        quirk = self._quirk
        if quirk[Q_CONNECT]:
            bus.settle_ms = quirk[Q_CONNECT] * 100
        try:
            inverter = Inverter(walk, 0)
            ratings = Ratings(inverter)
            if await self.run(bus, unit, ratings) == SILENT:
                log.error("INVERTER_SILENT", "bus", bus.name, "unit", unit, "while", "ratings")
                return None
            store = None
            if kind == _BATTERY:
                control = Storage(inverter, ratings, quirk)
                store = _or_none(Battery, walk, 0, ratings)
            else:
                control = Limit(inverter, ratings, quirk, self._rvrt_w, 0)
                if control.reverts:  # its expiry leads to what is safe (model 704)
                    control.rvrt_s = _RVRT_S
        except SunspecError as exc:
            log.error("INVERTER_UNFIT", "unit", unit, "why", str(exc))
            return None
        log.info("INVERTER_READY", "unit", unit, "kind", kind, "wmax_w", ratings.wmax_w,
                 "phases", inverter.phases)
        return (inverter, ratings, control, _or_none(Connect, inverter, quirk), store,
                quirk[Q_EVERY] * 100)

    async def meter(self, bus, unit, sign):
        """Meter of the unit's first device that has one, or None."""
        walk = await self._walk(bus, unit, "METER")
        if walk is None:
            return None
        for device in range(walk.devices_n):
            try:
                meter = Meter(walk, device, sign)
            except SunspecError:
                continue
            log.info("METER_READY", "phases", meter.phases, "sign", sign)
            return meter
        log.error("METER_UNFIT", "unit", unit)
        return None

    async def moved(self, bus, unit, device):
        """True when it answers, and its model no longer stands where the walk found it."""
        result = await self.run(bus, unit, Header(device.walk, device.index))
        return result not in (OK, SILENT)


def _or_none(make, *args):
    # A part that not every device has.
    try:
        return make(*args)
    except SunspecError:
        return None
