"""Finds the inverter and the meter on their lines, and says what they are.

Enters: a bus and a unit id.  Leaves: drivers of `sunspec` that know where their registers are, or
None with a line in the log that names the cause and what to do.

    devices = Devices(loop, op_class, models)
    found = await devices.find(PV, bus, unit)        # what Steered.fit() takes, or None
    meter = await devices.meter(bus, unit, sign)     # Meter, or None

Allocates: it runs at boot and when a device was lost, never in the 200 ms path.
"""

import binascii
from array import array

import log
from micropython import const
from sunspec import (
    ABSENT,
    F_EXPORT,
    FULL,
    NO_SUNS,
    NO_UNIT,
    OK,
    Q_CONNECT,
    Q_EVERY,
    Q_FLAGS,
    Q_GAP,
    Q_TIMEOUT,
    SILENT,
    Common,
    Connect,
    Header,
    Inverter,
    Limit,
    MappedLimit,
    Meter,
    Ratings,
    SunspecError,
    Walk,
)
from sunspec.live import UNREAD
from sunspec.quirks import LIMITS, quirks, row_of

_OP_MS = const(4000)
_REGS = const(64)
_RVRT_S = const(120)
_PV = const(0)
_BATTERY = const(1)
_LOAD = const(2)
_OPEN_W = const(1 << 29)  # no limit of its own
_TOGGLE = "toggle"
_CHAINED = ("", _TOGGLE, "solaredge")  # of the maps: those of devices that speak SunSpec
_OWN_MAX = const(512)

# Ends of the codes in docs/log.md.
_CAUSES = {SILENT: "_SILENT", NO_UNIT: "_NO_UNIT", NO_SUNS: "_NO_SUNSPEC"}


class Devices:
    """See the module's text. `op_class` is port.Op; `models`: most SunSpec models of a unit.

    `rvrt_w`: what a device falls back to by itself when nobody writes to it any more.  `store`: a
    store.Store with the records of commissioning, or None.  `serial`: the serial number of what
    was found last, "" where it has none.
    """

    def __init__(self, loop, op_class, models, rvrt_w, store=None):
        self.rvrt_w = rvrt_w
        self.store = store
        self._quirk = bytes(8)
        self.serial = ""
        self._loop = loop
        self._op = op_class
        self._models = models
        self._regs = array("H", bytes(2 * _REGS))

    async def run(self, bus, unit, seq):
        """Carry out a sequence of `sunspec`; returns its result."""
        op = self._op(unit, self._regs)
        while seq.next(self._regs):
            op.kind, op.addr, op.count = seq.kind, seq.addr, seq.count
            # Two tries, however slow the line is.
            end = self._loop.after(max(_OP_MS, 2 * bus.timeout_ms))
            seq.took(await bus.do(op, end), self._regs)
        return seq.result

    async def _walk(self, bus, unit, what, other=False):
        # Its Walk, None when there is none; False in that place where there may be another map.
        self._quirk = bytes(8)
        self.serial = ""
        walk = Walk(self._models)
        result = await self.run(bus, unit, walk)
        if result not in (OK, FULL):
            if other:
                return False
            log.error(what + _CAUSES.get(result, "_REFUSED"), "bus", bus.name, "unit", unit)
            return None
        n = walk.n  # the room for more models is not needed any longer
        walk.ids, walk.addrs = walk.ids[:n], walk.addrs[:n]
        walk.lengths, walk.devices = walk.lengths[:n], walk.devices[:n]
        common = Common(walk, 0)
        result = await self.run(bus, unit, common)
        if result == SILENT:  # its quirks are not known: looked for again in a moment
            log.error(what + "_SILENT", "bus", bus.name, "unit", unit, "while", "common")
            return None
        if result == OK:
            self.serial = common.serial
            log.info(what, "maker", common.manufacturer, "model", common.model,
                     "version", common.version, "models", walk.n)
            self._quirk = quirks(common)
            self._pace(bus, self._quirk)
        return walk

    def _pace(self, bus, quirk):
        # The line goes at the pace of its slowest device.
        bus.gap_ms = max(bus.gap_ms, quirk[Q_GAP] * 10)
        bus.timeout_ms = max(bus.timeout_ms, quirk[Q_TIMEOUT] * 100)
        bus.settle_ms = max(bus.settle_ms, quirk[Q_CONNECT] * 100)

    async def find(self, kind, bus, unit, conf):
        """What stands at that unit and can be steered as `kind` of sitecontrol, or None.

        conf: `inverter_map`, `inverter_w` (config.py).
        (live driver, Ratings or None, control of its band, Connect or None, Battery or None, ms
        between two writes at least, W that it is never told to exceed).
        """
        if kind == _LOAD:
            from load import find
            self.serial = ""
            return await find(bus, self._op(unit, self._regs), self._loop.after(_OP_MS))
        other = kind == _PV and conf.inverter_map not in _CHAINED
        walk = await self._walk(bus, unit, "INVERTER", other)
        if walk is None:
            return None
        own_w, keeps = self._own(bus, unit)
        floor_w = min(self.rvrt_w, own_w)
        store_of = None
        if kind == _BATTERY:
            from battery import steered
            store_of = steered
        try:
            if walk:
                # Its expiry may lead to what it keeps to by itself.
                safe = keeps and own_w <= self.rvrt_w
                found = await self._chained(bus, unit, walk, store_of, conf, floor_w, safe)
            else:
                found = await self._unchained(bus, unit, conf, floor_w)
            if found is None:
                return None
            if conf.per_phase and found[0].phases != 3:  # its power is on one phase of three
                raise SunspecError("per_phase: not a three-phase device")
        except SunspecError as exc:
            log.error("INVERTER_UNFIT", "unit", unit, "why", str(exc))
            return None
        log.info("INVERTER_READY", "unit", unit, "kind", kind, "wmax_w",
                 found[1].wmax_w if walk else conf.inverter_w, "phases", found[0].phases)
        if keeps is None:
            log.info("OWN_LIMIT_UNKNOWN", "unit", unit)
        elif own_w < _OPEN_W:
            log.info("OWN_LIMIT", "unit", unit, "own_w", own_w, "keeps", int(keeps))
        return found + (own_w,)

    async def _chained(self, bus, unit, walk, store_of, conf, floor_w, safe):
        # What find() gives, but for the last, of a device that speaks SunSpec; None: said why.
        quirk = self._quirk
        mapped = conf.inverter_map
        inverter = Inverter(walk, 0)
        ratings = Ratings(inverter)
        if await self.run(bus, unit, ratings) == SILENT:
            log.error("INVERTER_SILENT", "bus", bus.name, "unit", unit, "while", "ratings")
            return None
        store = switch = None
        if store_of:
            control, store = store_of(inverter, ratings, quirk, conf.battery_pv, floor_w)
        elif mapped and mapped != _TOGGLE:
            wmax_w = ratings.wmax_w if ratings.wmax_w > 0 else conf.inverter_w
            control = MappedLimit(mapped, wmax_w, quirk, floor_w, _RVRT_S)
        else:
            control = Limit(inverter, ratings, quirk, floor_w, 0)
            control.toggles = mapped
            if control.reverts or safe:
                control.rvrt_s = _RVRT_S
        try:
            switch = Connect(inverter, quirk)
        except SunspecError:  # not every device has one
            pass
        return inverter, ratings, control, switch, store, quirk[Q_EVERY] * 100

    async def _unchained(self, bus, unit, conf, floor_w):
        # As _chained(), of a device that is nothing but a limit at addresses of its own, if it
        # answers there.  Nobody reads its power: it is ABSENT for ever, and never zero.
        row = row_of(LIMITS, conf.inverter_map)
        driver = Meter(None, UNREAD)
        driver.live_addr = row[1]
        driver.state_addr = driver.state_count = driver.conn_count = 0
        driver.manufacturer = row[7]
        driver.model = driver.version = ""
        quirk = quirks(driver)
        bus.timeout_ms = max(bus.timeout_ms, quirk[Q_TIMEOUT] * 100)
        control = MappedLimit(row, conf.inverter_w, quirk, floor_w, _RVRT_S)
        control.probe()
        result = await self.run(bus, unit, control)
        if result != OK:
            log.error("INVERTER" + _CAUSES.get(result, "_REFUSED"), "bus", bus.name, "unit", unit)
            return None
        return driver, None, control, None, None, quirk[Q_EVERY] * 100

    def _own(self, bus, unit):
        # (limit of the maker's or installer's, whether the device keeps to it by itself); None
        # in the place of that where nothing was recorded.
        try:
            own = self.record(bus, unit, self.serial)
            if own is not None:
                return int(own[0]), own[1] == "1"
        except (IndexError, OSError, ValueError):
            log.error("OWN_LIMIT_UNREAD", "unit", unit)
            return self.rvrt_w, False  # unknown is never unlimited
        return _OPEN_W, None

    def record(self, bus, unit, serial):
        """What commissioning.record() kept of that device, as texts; None: nothing. Allocates.

        (own limit in W, "1" when it keeps to that by itself, words that stood in its registers).
        One of another serial number is of another device.  ValueError when it is damaged.
        """
        data = self.store and self.store.read(self.own_name(bus, unit), _OWN_MAX)
        if data is None:
            return None
        if int.from_bytes(data[-4:], "little") != binascii.crc32(data[:-4]):
            raise ValueError
        line, who, own = data[:-4].decode().split("\n")
        if line != bus.name or (serial and who and serial != who):
            return None
        return own.split(" ")

    def own_name(self, bus, unit):
        """The name of the file with that device's record. Allocates."""
        return "own." + str(unit) + "." + hex(binascii.crc32(bus.name.encode()))[2:]

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
            return await self._mapped(bus, unit, name, sign or 1)
        walk = await self._walk(bus, unit, "METER")
        if walk is None:
            return None
        sign = sign or (-1 if self._quirk[Q_FLAGS] & F_EXPORT else 1)
        for device in range(walk.devices_n):
            try:
                meter = Meter(walk, device, sign)
            except SunspecError:
                continue
            log.info("METER_READY", "phases", meter.phases, "sign", sign)
            return meter
        log.error("METER_UNFIT", "unit", unit)
        return None

    async def _mapped(self, bus, unit, name, sign):
        # It stands where its map says, if it answers there.
        meter = Meter(None, name, sign)
        op = self._op(unit, self._regs, kind=meter.live_kind, addr=meter.live_addr, count=2)
        result = await bus.do(op, self._loop.after(_OP_MS))
        if result != OK:
            log.error("METER_SILENT" if result < OK else "METER_REFUSED", "bus", bus.name, "unit",
                      unit)
            return None
        log.info("METER_READY", "phases", meter.phases, "sign", sign)
        return meter

    async def moved(self, bus, unit, walk, index):
        """True when it answers, and that model no longer stands where the walk found it."""
        if not walk or index < 0:
            return False
        result = await self.run(bus, unit, Header(walk, index))
        return result not in (OK, SILENT)
