"""Finds the inverter and the meter on their lines, and says what they are.

Enters: a bus and a unit id.  Leaves: drivers of `sunspec` that know where their registers are, or
None with a line in the log that names the cause and what to do.

    devices = Devices(loop, op_class, models)
    found = await devices.find(PV, bus, unit, conf)  # what Steered.fit() takes, or None
    meter = await devices.meter(bus, unit, sign)     # Meter, or None

How it is done is loaded when a device is looked for, piece by piece, and let go of again:
survey.py walks along its models, driver.py makes what steers it, mapped.py is for one without
models.  Allocates: it runs at boot and when a device was lost, never in the 200 ms path.
"""

from array import array

from micropython import const
from sunspec import ABSENT, OK, SILENT, Header, Ratings

_OP_MS = const(4000)
_ACKNOWLEDGE = const(5)  # exceptions of Modbus: not now
_BUSY = const(6)
_BUSY_MS = const(100)
_BUSY_TRIES = const(10)
_BUSY_GAP_MS = const(50)
_REGS = const(64)
_PV = const(0)
_LOAD = const(2)
_CHAINED = ("", "toggle", "solaredge")  # of the maps: those of devices that speak SunSpec


class Devices:
    """See the module's text. `op_class` is port.Op; `models`: most SunSpec models of a unit.

    `rvrt_w`: what a device falls back to by itself when nobody writes to it any more.  `store`: a
    store.Store with the records of commissioning, or None.  `serial`, `quirk`: the serial number
    of what was found last, "" where it has none, and its row of quirks.
    """

    def __init__(self, loop, op_class, models, rvrt_w, store=None):
        self.rvrt_w = rvrt_w
        self.store = store
        self.quirk = bytes(8)
        self.serial = ""
        self.loop = loop
        self.op_class = op_class
        self.models = models
        self.regs = array("H", bytes(2 * _REGS))

    async def run(self, bus, unit, seq):
        """Carry out a sequence of `sunspec`; returns its result. Who is busy is asked again."""
        op = self.op_class(unit, self.regs)
        tries = often = 0
        while seq.next(self.regs):
            op.kind, op.addr, op.count = seq.kind, seq.addr, seq.count
            # Two tries, however slow the line is.
            end = self.loop.after(max(_OP_MS, 2 * bus.timeout_ms))
            outcome = await bus.do(op, end)
            tries += 1
            if _ACKNOWLEDGE <= outcome <= _BUSY and tries < _BUSY_TRIES:
                # Huawei: what comes within 50 ms after an answer.  Others may be like it, and
                # nobody else asks again when they are steered.
                often += tries == 1
                if often > 1:
                    bus.gap_ms = max(bus.gap_ms, _BUSY_GAP_MS)
                await self.loop.sleep_ms(_BUSY_MS)
                continue
            tries = 0
            seq.took(outcome, self.regs)
        return seq.result

    async def _walk(self, bus, unit, what, other):
        # A call of its own: what it loads is garbage when it has returned.
        from survey import survey
        return await survey(self, bus, unit, what, other)

    async def find(self, kind, bus, unit, conf):
        """What stands at that unit and can be steered as `kind` of sitecontrol, or None.

        conf: `inverter_map`, `inverter_w` (config.py).
        (live driver, Ratings or None, control of its band, Connect or None, Battery or None, ms
        between two writes at least, W that it is never told to exceed).
        """
        if kind == _LOAD:
            from load import find
            self.serial = ""
            return await find(bus, self.op_class(unit, self.regs), self.loop.after(_OP_MS))
        other = kind == _PV and conf.inverter_map not in _CHAINED
        chain = await self._walk(bus, unit, "INVERTER", other)
        if chain is None:
            return None
        from driver import steered
        return await steered(self, chain, kind, bus, unit, conf)

    async def rate(self, bus, unit, inverter):
        """Its Ratings as they are now, None when they cannot be read to the end."""
        ratings = Ratings(inverter)
        if await self.run(bus, unit, ratings) == SILENT or ratings.wmax_w == ABSENT:
            return None
        return ratings

    async def meter(self, bus, unit, sign, name=""):
        """Meter of the unit's first device that has one, or None; `name`: its map (quirks.py).

        sign: 1, or -1 where it counts export positive; 0: as its maker does.
        """
        if name:
            from mapped import meter
            return await meter(self, bus, unit, name, sign or 1)
        chain = await self._walk(bus, unit, "METER", False)
        if chain is None:
            return None
        from driver import metering
        return metering(self, chain, unit, sign)

    async def moved(self, bus, unit, walk, index):
        """True when that model no longer stands where the walk found it, None when silent."""
        if not walk or index < 0:
            return False
        result = await self.run(bus, unit, Header(walk, index))
        return None if result == SILENT else result != OK
