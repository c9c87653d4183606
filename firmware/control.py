"""Holds the site inside its envelope: samples in, the inverter's limit out, five times a second.

Enters: the envelope of limits.py, one bus for the inverter and one (or the same) for the meter.
Leaves: the limit in the inverter, written and read back, and which version of the envelope was
seen obeyed.

    control = Control(loop, devices, op_class, law_class, limits, buses, conf, gate)
    loop.every(200, control)                     # step(now): allocates nothing
    loop.supervise("control", control.run)

    no inverter --found--> BLIND --meter's sample--> SIGHTED --sample old or frozen--> BLIND

BLIND is open loop: the inverter alone stays under the limit (sitecontrol).  A limit that was not
taken is written again each second; one that stands is written again each minute.  Obeyed means:
written, read back, and for a second no power above it (design of the fourth promise).  Limit: one
inverter, one meter; import and load limits need a battery or a load to steer, and are only said.
"""

from array import array

import log
from der.envelope import EXP, GEN
from der.record import ABSENT
from micropython import const
from sunspec import OK, UNREAD

_PERIOD_MS = const(200)
_OLD_MS = const(3600000)  # an age that stands for "never"
_FROZEN = const(25)  # equal frames in a row: 5 s without a change is no measurement
_RAISE_MS = const(1000)  # a limit is raised at most once a second, lowered at once
_RETRY_MS = const(1000)
_HEARTBEAT_MS = const(60000)
_GOOD_RUNS = const(5)
_SEARCH_MS = const(5000)
_WATCH_MS = const(1000)

_LOST = const(5)  # answers in a row that did not come: the device may have restarted

_LIMIT_REGS = const(8)  # registers of a limit: five
_LIVE_REGS = const(40)  # of a live block: 40 are the most (models 211 to 214)

_FREE = const(0)  # of the limit: nothing under way
_BUSY = const(1)

_BLIND = const(0)  # the law's STALE


class Control:
    """See the module's text.

    conf: config.Config.  buses: (inverter's, meter's).  gate: raised once a limit stands in the
    inverter.  `cap_w` is the law's, `site_w` (import positive) and `pv_w` are the last samples or
    ABSENT.  `parked`: see park().
    """

    def __init__(self, loop, devices, op_class, law_class, limits, buses, conf, gate):
        self._loop = loop
        self._devices = devices
        self._law_class = law_class
        self._limits = limits
        self._bus, self._meter_bus = buses
        self._conf = conf
        self._gate = gate
        self._back = loop.flag()  # a lost inverter answers again
        self._inverter = self._limit = self._meter = self._law = None
        unit, meter_unit = conf.inverter[2], conf.meter[2]
        self._write_op = op_class(unit, array("H", bytes(2 * _LIMIT_REGS)), sink=self)
        self._inverter_op = op_class(unit, array("H", bytes(2 * _LIVE_REGS)), sink=self)
        self._meter_op = op_class(meter_unit, array("H", bytes(2 * _LIVE_REGS)), sink=self)
        self._state = _FREE
        self._meter_at = self._inverter_at = loop.now()
        self._meter_old = self._inverter_old = True
        self._ran = self._wrote = self._tried = self._raised = loop.now()
        self._target_w = -1  # what was last asked to be written
        self._held_w = -1  # what the device was last found to hold
        self._stands = False  # the last limit was taken and read back
        self._parking = False
        self.parked = -1  # after a clean stop: 1 when the floor stands in the inverter, else 0
        self._was_lost = False
        self._good = 0
        self._judged = -1
        self.cap_w = 0
        self.site_w = self.pv_w = ABSENT
        self.writes = 0
        self.heartbeats = 0
        self._said = -1  # result of the limit and state of the law that the log knows
        self._said_state = -1

    # -- finding and watching the devices (allocates) --------------------------

    async def run(self):
        """Find the devices, then look after them; never returns."""
        while True:
            if self._law is None:
                await self._find_inverter()
            if self._meter is None:
                await self._find_meter()
            rest = _SEARCH_MS if self._meter is None or self._law is None else _WATCH_MS
            try:
                await self._loop.wait(self._back, self._loop.after(rest))
            except OSError:  # nothing came back
                pass
            if self._law is not None:
                await self._watch()

    async def _find_inverter(self):
        found = await self._devices.inverter(self._bus, self._conf.inverter[2])
        if found is None:
            return
        self._inverter, self._limit = found
        self._law = self._law_class(self._limit.wmax_w,
                                    uncontrolled_gen_w=self._conf.uncontrolled_gen_w)
        self._limits.wmax_w = self._limit.wmax_w
        self._limits.step(0)
        self._bus.add(self._write_op)
        self._plan(self._bus, self._inverter_op, self._inverter)
        self.step(self._loop.now())

    async def _find_meter(self):
        meter = await self._devices.meter(self._meter_bus, self._conf.meter[2],
                                          self._conf.meter_sign)
        if meter is not None:
            self._meter = meter
            self._plan(self._meter_bus, self._meter_op, meter)

    def _plan(self, bus, op, device):
        op.addr, op.count, op.period_ms = device.live_addr, device.live_count, _PERIOD_MS
        bus.add(op)

    async def _watch(self):
        # Says what changed for worse or better, and asks a device that came back who it is.
        result = 0 if self._stands else self._limit.result
        if result != self._said and result >= 0:
            self._said = result
            if result:
                log.error("LIMIT_NOT_TAKEN", "result", result, "target_w", self._target_w)
            else:
                log.info("LIMIT_TAKEN", "cap_w", self._held_w)
        if self._law.state != self._said_state:
            self._said_state = self._law.state
            if self._said_state == _BLIND:
                log.warn("BLIND", "cap_w", self.cap_w)
            else:
                log.info("SIGHTED", "site_w", self.site_w, "pv_w", self.pv_w)
        if self._was_lost and self._inverter_op.result >= OK:  # it answers, if by an exception
            await self._recheck()

    async def _recheck(self):
        if await self._devices.moved(self._bus, self._conf.inverter[2], self._inverter):
            log.warn("INVERTER_MOVED")
            self._bus.remove(self._inverter_op)
            self._bus.remove(self._write_op)
            self._law = None  # run() finds it anew
            self._state = _FREE
            self._was_lost = False
        else:
            self._was_lost = self._inverter_op.result < OK  # gone again meanwhile

    async def park(self, deadline):
        """A clean stop: leave the blind limit in the inverter, for no one will steer it then."""
        self._parking = True
        self.site_w = ABSENT
        if self._law is not None:
            self._run(self._loop.now())
            while not self._rests() and self._loop.left(deadline) > 0:
                await self._loop.sleep_ms(_PERIOD_MS)
        self.parked = 1 if self._law is not None and self._rests() else 0

    def _rests(self):
        # The device holds the cap, and no other one is on its way there.
        return self._stands and self._target_w == self._held_w == self.cap_w

    # -- the 200 ms path (allocates nothing) ------------------------------------

    def step(self, now):
        """Run the law when no sample has done so in time."""
        if self._law is not None and self._loop.diff(now, self._ran) >= 2 * _PERIOD_MS:
            self._run(now)

    def took(self, op, now):
        """An operation of the bus has ended."""
        if op is self._write_op:
            self._limit.took(op.result, op.regs)
            self._advance(now)
        elif op is self._meter_op:
            if op.result == OK and self._meter.take(op.regs) == OK:
                self._meter_at = op.at
                self._meter_old = False
                self.site_w = ABSENT if self._parking else self._meter.w
        elif op is self._inverter_op:
            if op.result == OK and self._inverter.take(op.regs) == OK:
                self._inverter_at = op.at
                self._inverter_old = False
                self.pv_w = self._inverter.w
                if self._was_lost:
                    self._back.set()
            elif op.failures == _LOST:
                self._was_lost = True
            self._run(now)

    def _run(self, now):
        self._ran = now
        w = self._limits.w
        export_w = ABSENT if self.site_w == ABSENT else -self.site_w
        gen_w = self._law.wmax_w if w[GEN] == ABSENT else w[GEN]
        self.cap_w = self._law.step(export_w, self._meter_age(now), self.pv_w,
                                    self._inverter_age(now), w[EXP], gen_w)
        self._judge(export_w, gen_w, w[EXP])
        self._write(now)

    def _meter_age(self, now):
        # A value that never came, or does not move, has an age beyond all bounds.
        if self._meter_old or self._meter.repeats >= _FROZEN:
            return _OLD_MS
        age = self._loop.diff(now, self._meter_at)
        self._meter_old = age > _OLD_MS >> 1  # before the ticks wrap
        return age

    def _inverter_age(self, now):
        if self._inverter_old:
            return _OLD_MS
        age = self._loop.diff(now, self._inverter_at)
        self._inverter_old = age > _OLD_MS >> 1
        return age

    def _judge(self, export_w, gen_w, exp_w):
        # Obeyed: the limit stands and for a second no measured power was above it.
        law, limits = self._law, self._limits
        tolerance = min(law.wmax_w * 4 // 100, 100)
        good = self._stands and self._held_w <= self.cap_w
        if law.state == _BLIND:
            good = good and self.pv_w != ABSENT and self.pv_w <= self.cap_w + tolerance
        else:
            good = good and export_w <= exp_w + tolerance and self.pv_w <= gen_w + tolerance
        if limits.version != self._judged or not good:
            self._judged = limits.version
            self._good = 0
        elif self._good < _GOOD_RUNS:
            self._good += 1
            if self._good == _GOOD_RUNS:
                limits.obeyed = limits.version

    def _write(self, now):
        # A device that was lost may have restarted and forgotten it, or be another one: it is
        # written to once it is back and known.
        if self._was_lost or not self._bus.up():
            self._stands = False
            return
        if self._state == _BUSY:
            return
        loop, cap, target = self._loop, self.cap_w, self._target_w
        if not self._stands:
            if target >= 0 and cap >= target and loop.diff(now, self._tried) < _RETRY_MS:
                return
        elif cap > target:
            if loop.diff(now, self._raised) < _RAISE_MS:
                return
            self._raised = now
        elif cap == target:
            if loop.diff(now, self._wrote) < _HEARTBEAT_MS:
                return
            self.heartbeats += 1
        self._begin(cap, now)

    def _begin(self, cap, now):
        self._state = _BUSY
        self._target_w = cap
        self._tried = now
        self.writes += 1
        self._limit.begin(cap)
        self._advance(now)

    def _advance(self, now):
        op, limit = self._write_op, self._limit
        if limit.next(op.regs):
            op.kind, op.addr, op.count = limit.kind, limit.addr, limit.count
            if self._bus.submit(op):
                return
            limit.took(op.result, op.regs)
        self._state = _FREE
        self._stands = limit.result == OK or limit.result == UNREAD  # noqa: PLR1714 (no tuple)
        if self._stands:
            self._held_w = self._target_w
            self._wrote = now
            self._gate.set()
