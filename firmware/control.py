"""Holds the site inside its envelope: samples in, the devices' bands out, five times a second.

Enters: the limits in force, the steered devices and the meter on their buses.  Leaves: a band in
each device, written and read back, and which limits were seen obeyed.

    control = Control(loop, devices, op_class, site, limits, truth, fleet, meter_bus, conf, gate)
    loop.every(200, control)                     # step(now): allocates nothing
    loop.supervise("control", control.run)

    no device --found--> BLIND --meter's sample--> SIGHTED --sample old or frozen--> BLIND

BLIND is open loop: the devices alone stay under the limit (sitecontrol).  Obeyed means: written,
read back, and for a second no measured power beyond it (fourth promise).  Limit: one meter; while
a device was never found, nothing is given away blind, nor what a limit of its own kind bounds.
"""

from array import array

import log
from der.envelope import EXP, GEN, IMP, LOAD
from der.record import ABSENT, MODES_N
from micropython import const
from sitecontrol import Sense
from sunspec import LIVE_MAX, OK

_PERIOD_MS = const(200)
_OLD_MS = const(3600000)  # an age that stands for "never"
_FROZEN_MS = const(5000)  # of equal frames: what does not change is no measurement
_GOOD_RUNS = const(5)
_SEARCH_MS = const(5000)
_WATCH_MS = const(1000)
_RATE_MS = const(60000)
_EACH = const(5)  # looks, of a second each, from one device's chain to the next one's
_DARK_DV = const(460)  # 0.1 V: below a fifth of 230 V there is no grid
_DARK_MS = const(3000)

_BATTERY = const(1)
_LOAD = const(2)
_BLIND = const(0)  # sitecontrol's STALE
_STORAGE_MODES = const(0x200)  # STORAGE_TARGET_W
_OPEN_W = const(8000000)  # more than any limit that binds
_NEAR_W = const(100)  # the tolerance of the connection point
_OVER = const(15)  # looks in a row above its limit
_SLEEPING = const(2)  # operating state of sunspec
_FULL = const(5)  # charge states of sunspec
_EMPTY = const(2)


class Control:
    """See the module's text.

    fleet: steered.Steered, in the order of the settings.  gate: raised once every device that was
    found holds its band.  `site_w` (import positive) and `pv_w` (all generation that is steered)
    are the last samples or ABSENT, `cap_w` the most that the generators may make.  `dark`: the
    connection point has no voltage.  `parked`: see park().  sampler: told of each sample, or None.
    """

    def __init__(self, loop, devices, op_class, site, limits, truth, fleet, meter_bus, conf, gate):
        self._loop = loop
        self.devices = devices
        self._site = site
        self._limits, self._truth = limits, truth
        self.fleet = fleet
        for device in fleet:
            device.owner = self
        self._meter_bus, self._conf = meter_bus, conf
        self._gate, self.sampler, self.meter = gate, None, None
        self._index = array("b", (-1,) * len(fleet))  # of each device in the site
        self._back = loop.flag()  # a lost device answers again
        self._meter_op = op_class(conf.meter[2], array("H", bytes(2 * LIVE_MAX)), sink=self)
        self._meter_op.rank = 0
        self._meter_at = self._ran = loop.now()
        self._meter_old = True
        self.shut = False  # no look at the meter: open loop
        self.parked = -1  # after a clean stop: 1 when the floor stands in the devices, else 0
        self._good = array("b", bytes(MODES_N))  # steps in a row in which a mode was obeyed
        self.cap_w = 0
        self.site_w = self.pv_w = ABSENT
        self.dark = False
        self._lit_at = loop.now()  # when a voltage was last seen
        self._said_state = self._judged = -1
        self._turn = self._over = self._said_sign = 0
        self._sense = Sense(0)
        self._frozen = max(2, _FROZEN_MS // conf.sample_ms)
        self._rate_at = loop.after(_RATE_MS)
        self._said = array("b", (-1,) * len(fleet))
        self._faults = bytearray(len(fleet))

    # -- finding and watching the devices (allocates) --------------------------

    async def run(self):
        """Find the devices, then look after them; never returns."""
        while True:
            self._set_floor()
            missing = False
            for i in range(len(self.fleet)):
                if self.fleet[i].control is None:
                    await self._find(i)
                    missing = missing or self.fleet[i].control is None
            if self.meter is None:
                await self._find_meter()
                missing = missing or self.meter is None
            try:
                await self._loop.wait(self._back,
                                      self._loop.after(_SEARCH_MS if missing else _WATCH_MS))
            except OSError:  # nothing came back
                pass
            await self._watch()

    async def _find(self, i):
        device, site = self.fleet[i], self._site
        if device.retired:
            return
        found = await self.devices.find(device.kind, device.bus, device.unit, self._conf)
        if found is None:
            return
        device.fit(found, self._conf.sample_ms)
        if self.devices.store is not None:
            from wear import recall
            recall(self.devices, device)
        at = self._index[i]
        if at < 0:
            try:
                at = site.add(device.kind, device.wmax_w, device.charge_w, device.every_ms)
            except Exception as exc:  # more than the law can steer
                log.error("INVERTER_UNFIT", "unit", device.unit, "why", str(exc))
                device.part()
                return
            self._index[i] = at
        site.wmax_w[at], site.charge_w[at] = device.wmax_w, device.charge_w
        site.sunny[at] = device.stores and device.sunny
        site.interval[at] = (device.every_ms + 199) // 200  # another one may stand in its place
        limits = self._limits
        limits.wmax_w = limits.charge_w = self._sense.rating_w = 0
        for other in self.fleet:
            self._sense.rating_w += other.wmax_w * (other.kind == 0)
            if other.kind <= _BATTERY:
                limits.wmax_w += other.wmax_w
            limits.charge_w += other.charge_w
        self._truth.look(self.fleet, site.on)
        limits.supported(self._truth.modes)
        self._run(self._loop.now())

    def _set_floor(self):
        # What devices fall back to by themselves, each its share, is the site's floor together.
        conf, made = self._conf, 0
        for device in self.fleet:
            made += device.kind <= _BATTERY
        floor_w = self._limits.floor_w(conf.failsafe_exp_w) - conf.uncontrolled_gen_w
        floor_w = max(0, floor_w) // max(1, made)
        if floor_w != self.devices.rvrt_w:
            self.devices.rvrt_w = floor_w
            for device in self.fleet:
                if device.control is not None and device.kind <= _BATTERY:
                    device.fall_back(floor_w)

    async def _find_meter(self):
        conf = self._conf
        meter = await self.devices.meter(self._meter_bus, conf.meter[2], conf.meter_sign,
                                          conf.meter_map)
        if meter is not None and conf.per_phase and meter.phases != 3:
            log.error("METER_UNFIT", "unit", conf.meter[2], "why", "per_phase: not three-phase")
        elif meter is not None:
            self.meter = meter
            op = self._meter_op
            op.kind, op.addr, op.count = meter.live_kind, meter.live_addr, meter.live_count
            op.period_ms = conf.sample_ms
            self._meter_bus.add(op)
            self._sense = Sense(self._sense.rating_w)  # it may be another one

    async def _watch(self):
        # Says what changed for worse or better, and asks a device that came back who it is.
        fleet, site = self.fleet, self._site
        self._turn = (self._turn + 1) % (_EACH * (len(fleet) + 1))
        self._over = self._over + 1 if site.export_w > site.exp_w + _NEAR_W else 0
        if self._turn == _EACH * len(fleet):
            await self._recheck_meter()
        for i in range(len(fleet)):
            if fleet[i].control is not None:
                await self._watch_device(i, fleet[i])
        if self._sense.way != self._said_sign:
            self._said_sign = self._sense.way
            if self._said_sign > 0:
                log.info("METER_PROVEN", "unit", self._conf.meter[2])
            elif self._said_sign:
                log.error("METER_SIGN", "unit", self._conf.meter[2])
        if site.state != self._said_state:
            self._said_state = site.state
            if site.state == _BLIND:
                log.warn("BLIND", "cap_w", self.cap_w)
            else:
                log.info("SIGHTED", "site_w", self.site_w, "pv_w", self.pv_w)
        if self._loop.left(self._rate_at) <= 0 and not self.shut:
            self._rate_at = self._loop.after(_RATE_MS)
            await self._rate_anew()
        self._truth.look(fleet, site.on)
        if self.sampler is not None:
            self.sampler.fit(self.meter, fleet, self._meter_op.real_ms)
        self._look_for_light()

    async def _watch_device(self, i, device):
        refused, result = False, 0 if device.stands else device.result
        if result != self._said[i] and result >= 0:
            self._said[i] = result
            if result:
                refused = True
                log.error("LIMIT_NOT_TAKEN", "unit", device.unit, "result", result)
            else:
                log.info("LIMIT_TAKEN", "unit", device.unit, "low_w", device.held_low,
                         "cap_w", device.held_high)
        self._say_fault(i, device)
        if device.kind == _BATTERY:  # what it cannot give or take nobody may count on
            at, site = self._index[i], self._site
            site.wmax_w[at] = device.wmax_w * (device.sunny or device.cha_st != _EMPTY)
            site.charge_w[at] = 0 if device.cha_st == _FULL else device.charge_w
        if device.unheard < 3:  # it answers, if by an exception and not always
            if device.lost or refused:
                await self._recheck(device, True)
            elif self._turn == _EACH * i and device.read_op.real_ms < _WATCH_MS:
                await self._recheck(device, False)  # of a slow one at a refusal alone

    async def _rate_anew(self):
        # Ratings and settings may be changed at the device (F1). Percents mean WMax by their own
        # factor: where that is another, the device is found anew.
        for device in self.fleet:
            if device.ratings is None or not device.answers():
                continue
            ratings = await self.devices.rate(device.bus, device.unit, device.driver)
            if ratings is not None and ratings.differs(device.ratings):
                log.warn("INVERTER_RATED", "unit", device.unit, "wmax_w", ratings.wmax_w)
                device.part()
            else:
                device.ratings = ratings or device.ratings

    def _say_fault(self, i, device):
        site = self._site
        fault = site.fault[self._index[i]]
        # No cap of its power was written; one without readings is known to answer all the same.
        if device.of_site and (self._over < _OVER if fault == 2 else device.answers()):
            fault = 0
        if fault == self._faults[i]:
            return
        self._faults[i] = fault
        if fault == 2:  # percents of another rating, or its readings are no measurements
            self._rate_at, device.doubted = self._loop.now(), True
        if fault == 0:
            log.info("DEVICE_WELL", "unit", device.unit)
        elif fault == 1:
            log.error("DEVICE_SILENT", "unit", device.unit, "bus", device.bus.name, "same",
                      device.driver.repeats)
        else:
            log.error("DEVICE_DISOBEYS", "unit", device.unit, "w", device.w, "cap_w",
                      device.high_w)

    async def _recheck(self, device, whole):
        # A chain may move while it is read: what stands there then is another model's.  The model
        # that is written to is mostly the last of them.
        walk = device.driver.walk
        last = device.control if device.control.index >= 0 else device.driver
        for part in (last, device.driver, device.store):
            if part is not None and (whole or part is last):
                moved = await self.devices.moved(device.bus, device.unit, walk, part.index)
                if moved:
                    log.warn("INVERTER_MOVED", "unit", device.unit)
                    device.part()  # run() finds it anew
                if moved is not False:
                    return
        device.lost = device.lost and not whole  # it is the same one

    async def _recheck_meter(self):
        meter = self.meter
        if (meter is None or self._meter_op.result < OK
                or self._meter_op.real_ms > 2 * self._conf.sample_ms):
            return  # a slow line has no room for it
        unit = self._conf.meter[2]
        if await self.devices.moved(self._meter_bus, unit, meter.walk, meter.index):
            log.warn("METER_MOVED", "unit", unit)
            self._meter_bus.remove(self._meter_op)
            self.meter = None
            self.site_w = ABSENT
            self._meter_old = True

    def _look_for_light(self):
        # No voltage at the meter and at the devices, as far as they still measure it (7.7.2). At
        # night some devices let go of the grid, and measure nothing.
        now, best = self._loop.now(), ABSENT
        if self.meter_age(now) < 2 * _WATCH_MS:
            best = _best_dv(self.meter, best)
        for device in self.fleet:
            if (device.kind <= _BATTERY and device.st != _SLEEPING and device.answers()
                    and device.age_ms(now) < 2 * _WATCH_MS):
                best = _best_dv(device.driver, best)
        if best >= _DARK_DV or not (self.dark or best != ABSENT):
            self._lit_at = now
        if best != ABSENT:
            self.dark = self._loop.diff(now, self._lit_at) >= _DARK_MS

    async def park(self, deadline):
        """A clean stop: leave the blind limit in the devices, for no one will steer them then."""
        self.shut = True
        self.site_w = ABSENT
        for i in range(len(self.fleet)):
            # The last word is not held back to spare a flash, and no reading stands in its way.
            device = self.fleet[i]
            device.every_ms = self._site.interval[i] = 0
            device.rest()
        self._run(self._loop.now())
        while not self._rests() and self._loop.left(deadline) > 0:
            await self._loop.sleep_ms(_PERIOD_MS)
        self.parked = int(self._rests())

    def _rests(self):
        # Every device is known and holds its band.
        return all([device.control is not None and device.holds() for device in self.fleet])

    # -- the 200 ms path (allocates nothing) ------------------------------------

    def step(self, now):
        """Run the law when no sample has done so in time."""
        if self._loop.diff(now, self._ran) >= 2 * self._conf.sample_ms:
            self._run(now)

    def took(self, op, now):
        """A sample has come, of the meter or of a device."""
        if op is self._meter_op:
            meter = self.meter
            if op.result == OK and meter.take(op.regs) == OK:
                self._meter_at = op.at
                self._meter_old = False
                self.site_w = ABSENT if self.shut else meter.w
                if (self.sampler is not None and meter.repeats < self._frozen
                        and self._sense.way >= 0):
                    self.sampler.metered(meter)
            return
        if op is self.fleet[0].read_op:
            self._run(now)
        if self.sampler is not None and op.result == OK and op is self._lead(now):
            self.sampler.generated(self.fleet)

    def _lead(self, now):
        # The generators are sampled with the first of them that answers.
        for device in self.fleet:
            if device.kind <= _BATTERY and device.fresh(now):
                return device.read_op
        return None

    def _run(self, now):
        self._ran = now
        site, e, w = self._site, self._limits.envelope, self._limits.w
        site.meter_age_ms = self.meter_age(now)
        unfound = self._load_samples(now, w[EXP])
        site.export_w = site.import_w = ABSENT
        if self.site_w != ABSENT and self._sense.way >= 0:
            self._load_meter(site)
        site.exp_w, site.imp_w = w[EXP], w[IMP]
        gen_w, most_w = min(0, w[GEN]) if unfound & 1 else w[GEN], self._sense.most_w
        site.gen_w = gen_w if most_w == ABSENT or ABSENT < gen_w < most_w else most_w
        site.load_w = min(0, w[LOAD]) if unfound & 2 else w[LOAD]
        site.target_w = e.target_w
        site.storage_w = e.storage_w if self._truth.modes & _STORAGE_MODES else ABSENT
        site.connect, site.energize = e.connect, e.energize
        site.step()
        self._hold(now)
        self._judge(w)

    def _load_meter(self, site):
        # With limits of each phase it is as if all phases stood as the worst one does.
        least = most = self.site_w
        times = 1
        if self._conf.per_phase:
            meter = self.meter
            least = min(meter.w_a, meter.w_b, meter.w_c)
            most = max(meter.w_a, meter.w_b, meter.w_c)
            times = 3
        if least != ABSENT:
            site.import_w = times * most
            site.export_w = -times * least

    def _load_samples(self, now, exp_w):
        # 1: a device was never found that makes nobody knows how much, 2: that takes as much.
        site, fleet, index = self._site, self.fleet, self._index
        unfound = total = sun = 0
        for i in range(len(fleet)):
            device, at = fleet[i], index[i]
            if at < 0:
                unfound |= (device.kind <= _BATTERY) + 2 * (device.kind >= _BATTERY)
                continue
            site.power_w[at] = device.p_w
            fresh = device.fresh(now)
            site.age_ms[at] = 0 if fresh else _OLD_MS
            if device.kind == 0 and sun != ABSENT:
                sun = sun + device.p_w if fresh and not device.of_site else ABSENT
            if device.kind <= _BATTERY and total != ABSENT:
                total = ABSENT if device.p_w == ABSENT else total + device.p_w
        self.pv_w = total
        site.others_w = _OPEN_W if unfound & 1 else self._conf.uncontrolled_gen_w
        known = self.site_w != ABSENT and site.meter_age_ms < _OLD_MS
        self._sense.step(sun, -self.site_w if known else ABSENT, total, site.others_w, exp_w,
                         self._limits.wmax_w)
        return unfound

    def _hold(self, now):
        site, fleet, index = self._site, self.fleet, self._index
        cap, ready = 0, True
        for i in range(len(fleet)):
            device, at = fleet[i], index[i]
            if at < 0:
                ready = False
                continue
            high_w = site.high_w[at]
            cap += max(0, high_w) * (device.kind <= _BATTERY)
            if device.of_site:  # it keeps the limit of the site at a meter of its own
                high_w = max(0, site.exp_w) * site.on
            if site.sunny[at] and device.control is not None:
                device.control.aims = site.storage_w != ABSENT
            device.hold(site.low_w[at], high_w, site.on, now)
            ready = ready and device.stands
        self.cap_w = cap
        if ready:
            self._gate.set()

    def meter_age(self, now):
        """ms; a value that never came, or does not move, has an age beyond all bounds."""
        if self._meter_old or self.meter.repeats >= self._frozen:
            return _OLD_MS
        age = self._loop.diff(now, self._meter_at)
        self._meter_old = age > _OLD_MS >> 1  # before the ticks wrap
        return age

    def _judge(self, w):
        # Which modes are obeyed: their bands stand, and for a second no power was beyond them.
        limits, good = self._limits, self._good
        if limits.version != self._judged:
            self._judged = limits.version
            for mode in range(MODES_N):
                good[mode] = 0
        modes, obeyed = self._truth.kept(self._site, self.fleet, w, limits.wmax_w), 0
        for mode in range(MODES_N):
            if not modes >> mode & 1:
                good[mode] = 0
            elif good[mode] < _GOOD_RUNS:
                good[mode] += 1
            if good[mode] == _GOOD_RUNS:
                obeyed |= 1 << mode
        limits.obeyed = obeyed


def _best_dv(driver, best):
    # The highest of its phase voltages, ABSENT when it knows none.
    return max(best, driver.dv_a, driver.dv_b, driver.dv_c)
