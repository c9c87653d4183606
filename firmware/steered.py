"""One device that is steered: its readings in, its band out, written and read back.

Enters: a driver and a control of `sunspec`, operations of its bus, the band of each step.  Leaves:
its power, its states, and whether it was seen to hold its band.

    device = Steered(loop, op_class, PV, bus, unit)
    device.fit(found)                  # what devices.py found on the line
    device.hold(low_w, high_w, on, now)     # each step; allocates nothing

    FREE --band differs, heartbeat, retry--> BAND --taken or not--> FREE
    FREE --on differs--> SWITCH --taken or not--> FREE

A band that was not taken is written again each second; one that stands is written again each
minute, or well within its reversion time.  A device that was lost may have restarted and forgotten
it, or be another one: it is written to once it is back and known.
"""

from array import array

from der.record import ABSENT
from micropython import const
from sunspec import ABSENT_ALL, CONTROL_MAX, LIVE_MAX, OK, PENDING, UNREAD

_BATTERY = const(1)
_LOAD = const(2)

_SLOW_MS = const(1000)
_RETRY_MS = const(1000)
_TRIES = const(8)  # of the switch, then once a minute: what is told may go to flash
_HEARTBEAT_MS = const(60000)
_MOMENT_MS = const(600)  # less than it takes control to see a mode obeyed
_OLD_MS = const(3600000)  # an age that stands for "never"
_STALE_MS = const(2000)  # a sample older than that is none, or the time of eight slow answers
_STALE_MAX_MS = const(30000)
_STUCK_MS = const(10000)  # of equal frames: what shows power and does not move is no measurement
_LOST = const(5)  # answers in a row that did not come: the device may have restarted
_SLOW_REGS = const(6)  # the states alone

_FREE = const(0)
_BAND = const(1)
_SWITCH = const(2)

# Ratings of sunspec that a battery's control stands in for.
_RTG_W = const(0)
_RTG_CHA = const(4)
_RTG_DIS = const(5)
_RTG_WH = const(6)

_ASK = const(2)  # of _want_on
_WAS_TOLD = const(2)  # of on: it may have restarted since
_READ_MAX = const(4)  # Modbus functions up to this only read
_NONE = const(-0x20000000)  # a band that no device has
_OPEN_W = const(1 << 29)

# What the slow operation reads in turn.
_STATE = const(0)
_CONN = const(1)
_STORE = const(2)


class Steered:
    """See the module's text. `owner.took(op, now)` is called after each sample.

    kind: PV, BATTERY or LOAD of sitecontrol.  w: W, generation positive, ABSENT.  p_w: the same, 0
    while the device sleeps (every value of it is a sentinel).  every_ms: between two writes at
    least.  sunny: it has panels.  stores: its battery takes a set point of its own.  of_site: its
    high_w is the most that the site may export, kept at a meter of its own.  st, alarms, conn,
    soc_pct100, wh, cha_st: as sunspec has them, ABSENT.  low_w, high_w: the band of the last step.
    stands: the device took the band last written.  on: 1 or 0 as it was told and took, -1 not
    known, 2 told before it was lost.  writes: requests sent to it in its life (wear.py).  serial:
    of the device that they are counted for, None before it was found.  heartbeats: since boot.
    most_w: no band reaches above that (its own limit, W).  retired: not to be steered any more.
    unheard: requests in a row without an answer.  doubted: it was seen to disobey and has said the
    same since then.
    """

    def __init__(self, loop, op_class, kind, bus, unit, owner=None):
        self._loop = loop
        self.kind = kind
        self.bus = bus
        self.unit = unit
        self.owner = owner
        self._write_op = op_class(unit, array("H", bytes(2 * CONTROL_MAX)), sink=self)
        self.read_op = op_class(unit, array("H", bytes(2 * LIVE_MAX)), sink=self)
        self._slow_op = op_class(unit, array("H", bytes(2 * _SLOW_REGS)), sink=self)
        self.driver = self.control = self.switch = self.store = self.ratings = None
        self.wmax_w = self.charge_w = self.every_ms = 0
        self.most_w = _OPEN_W
        self.lost = self.retired = self.of_site = self.stores = False
        self.serial = None
        self.sunny = kind == 0  # PV: it makes power with an empty battery too
        self.writes = self.heartbeats = self.unheard = 0
        self._forget()

    def _forget(self):
        now = self._loop.now()
        self.w = self.p_w = self.st = self.alarms = self.conn = ABSENT
        self.soc_pct100 = self.wh = self.wh_rtg = self.cha_st = ABSENT
        self.low_w = self.high_w = 0
        self.at = self._wrote = self._tried = self._switched = self._held_at = now
        self.old = True
        self.stands = self.doubted = False
        self.result = -1  # of the last write
        self._state = _FREE
        self._low = self._high = self.held_low = self.held_high = _NONE
        self.on = self._want_on = -1  # not known
        self._tries = 0
        self._what = _STATE
        self._heartbeat_ms = _HEARTBEAT_MS

    def fit(self, found, period_ms):
        """The device is known: what devices.find() gave. Allocates."""
        self._forget()
        (self.driver, self.ratings, self.control, self.switch, self.store, self.every_ms,
         self.most_w) = found
        self.lost = False
        if self.kind == _BATTERY:
            self.wmax_w, self.charge_w = self.control.discharge_w, self.control.charge_w
            self.sunny = self.control.panels
            self.stores = self.control.banded or not self.sunny  # 704: the sun is in its set point
        elif self.kind == _LOAD:
            self.charge_w = self.control.wmax_w
        else:
            self.wmax_w = self.control.wmax_w
            self.of_site = self.control.of_site
        self.wmax_w = min(self.wmax_w, self.most_w)
        if self.control.rvrt_s:
            self._heartbeat_ms = min(_HEARTBEAT_MS, self.control.rvrt_s * 1000 // 3)
        read, driver = self.read_op, self.driver
        read.kind, read.addr, read.count = driver.live_kind, driver.live_addr, driver.live_count
        read.period_ms = period_ms
        if self.store is not None and len(self._slow_op.regs) < self.store.live_count:
            self._slow_op.regs = array("H", bytes(2 * self.store.live_count))
        self._slow_op.period_ms = _SLOW_MS
        self._slow_op.rank = 2
        self._next_block()
        self.bus.add(self._write_op)
        self.bus.add(read)
        if self._slow_op.count:
            self.bus.add(self._slow_op)

    def rest(self):
        """Nothing is read of it any more."""
        self.read_op.period_ms = self._slow_op.period_ms = 0

    def fall_back(self, rvrt_w):
        """From its next write on: what it makes at most once nobody writes any more, W."""
        control = self.control
        control.rvrt_w = min(rvrt_w, self.most_w)
        if self.kind != _BATTERY and not control.reverts and self.most_w > rvrt_w:
            control.rvrt_s = 0  # it would fall back to more than that
        self.stands = False

    def part(self):
        """It is no longer what it was: let go of its operations."""
        self.bus.remove(self.read_op)
        self.bus.remove(self._slow_op)
        self.bus.remove(self._write_op)
        self.control = None
        self._forget()

    def rtg(self, i):
        """A rating by sunspec's RTG_... index, ABSENT where it is not said."""
        value = ABSENT if self.ratings is None else self.ratings.rtg[i]
        if value == ABSENT and i == _RTG_W:
            return self.wmax_w
        if value == ABSENT and self.kind == _BATTERY:
            if i == _RTG_WH:
                return self.wh_rtg
            return self.charge_w if i == _RTG_CHA else self.wmax_w if i == _RTG_DIS else value
        return value

    def set(self, i):
        """A setting, else the rating of that index. What we take percents of is setMaxW."""
        value = ABSENT if self.ratings is None else self.ratings.set[i]
        return self.wmax_w if i == _RTG_W else self.rtg(i) if value == ABSENT else value

    # -- the 200 ms path (allocates nothing) ----------------------------------

    def answers(self):
        """True while samples come."""
        return self.control is not None and not self.lost and self.fresh(self._loop.now())

    def fresh(self, now):
        """True while its power tells about now: 2 s, of a slow device up to 30 s."""
        return self.age_ms(now) <= max(_STALE_MS, min(8 * self.read_op.took_ms, _STALE_MAX_MS))

    def age_ms(self, now):
        """The age of its power; one that never came is beyond all bounds."""
        if self.old:
            return _OLD_MS
        age = self._loop.diff(now, self.at)
        self.old = age > _OLD_MS >> 1  # before the ticks wrap
        return age

    def took(self, op, now):
        """An operation of the bus has ended."""
        self.unheard = 0 if op.result >= OK else self.unheard + 1
        if self.unheard >= _LOST:
            self.lost = True
        if op is self._write_op:
            (self.switch if self._state == _SWITCH else self.control).took(op.result, op.regs)
            self._advance(now)
        elif op is self.read_op:
            taken = self.driver.take(op.regs) if op.result == OK else PENDING
            if ((taken == OK and not self._is_stuck(op))
                    or (taken == ABSENT_ALL and self._may_sleep(op))):
                self.at = op.at
                self.old = False
                self.w = self.driver.w
                if self.kind == _LOAD and self.w != ABSENT:
                    self.w = -self.w
                self.p_w = 0 if taken == ABSENT_ALL else self.w
            self.owner.took(op, now)
        else:
            if op.result == OK:
                self._take_slow(op.regs)
            self._next_block()

    def _is_stuck(self, op):
        # At rest equal frames may be true ones.  So they may without a voltage, as long as it did
        # what it was told, or says something else.
        driver = self.driver
        self.doubted = self.doubted and driver.repeats > 0
        return (driver.w and (driver.dv_a != ABSENT or self.doubted)
                and driver.repeats > (_STUCK_MS + self.every_ms) // max(1, op.real_ms))

    def _may_sleep(self, op):
        # It made next to nothing before, or says nothing for a while: else it is a disturbance.
        return (abs(self.p_w) <= self.wmax_w >> 5 or self.p_w == ABSENT
                or self._loop.diff(op.at, self.at) >= _STUCK_MS)

    def _take_slow(self, regs):
        driver, store = self.driver, self.store
        if self._what == _STATE:
            driver.take_state(regs)
            self.st, self.alarms = driver.st, driver.alarms
            if driver.conn_count == 0:
                self.conn = driver.gen_conn
        elif self._what == _CONN:
            driver.take_conn(regs)
            self.conn = driver.stor_conn if self.kind == _BATTERY else driver.gen_conn
            if self.conn == ABSENT:
                self.conn = driver.gen_conn
        else:
            store.take(regs)
            self.soc_pct100, self.wh, self.cha_st = store.soc_pct100, store.wh, store.cha_st
            if store.wh_rtg != ABSENT:
                self.wh_rtg = store.wh_rtg

    def _next_block(self):
        # The next block that the device has; the same again when there is no other.
        op, driver = self._slow_op, self.driver
        for _ in range(3):
            self._what = (self._what + 1) % 3
            if self._what == _STORE:
                if self.store is not None:
                    op.addr, op.count = self.store.live_addr, self.store.live_count
                    return
            elif self.kind == _LOAD:
                continue
            elif self._what == _STATE:
                op.addr, op.count = driver.state_addr, driver.state_count
                return
            elif driver.conn_count:
                op.addr, op.count = driver.conn_addr, driver.conn_count
                return

    def hold(self, low_w, high_w, on, now):
        """Keep the device's power within low_w .. high_w (W, generation positive), on or off."""
        high_w = min(high_w, self.most_w)
        low_w = min(low_w, high_w)
        self.low_w = low_w
        self.high_w = high_w
        if self.control is None or self.lost or not self.bus.up():
            self.stands = False
            if self.on >= 0:
                self.on = _WAS_TOLD
        elif self._state == _FREE:
            same = self._is_told(low_w, high_w)
            since = self._loop.diff(now, self._tried)
            if self._switches(on, same and self.stands, now):
                self._state = _SWITCH
                self._switched = now
                self._want_on = on if self.on >= 0 else _ASK
                if self.on >= 0:
                    self.switch.begin(on)
                else:
                    self.switch.probe()
                self._advance(now)
            elif self._writes(same, since, now):
                self._state = _BAND
                self._tried = now
                self._low = low_w
                self._high = high_w
                if self.kind == _BATTERY:
                    self.control.begin(low_w, high_w)
                else:
                    self.control.begin(high_w - low_w)
                self._advance(now)

    def _is_told(self, low_w, high_w):
        # It was last told that, or what is the same word in its register.
        if self._low == _NONE:
            return False
        control, low, high = self.control, self._low, self._high
        if self.kind == _BATTERY:
            if not control.same(low_w, high_w, low, high):
                return False
        elif control.raw_of(high_w - low_w) != control.raw_of(high - low):  # one of them is 0
            return False
        self._low, self._high = low_w, high_w
        if self.stands:
            self.held_low, self.held_high = low_w, high_w
        return True

    def _switches(self, on, stands, now):
        # On comes before its band, off after it; at first it is only asked how it stands.
        if self.switch is None or on == self.on or not (stands or (on and self.on == 0)):
            return False
        if self._want_on != on:
            self._tries = 0
            return True
        wait = max(_RETRY_MS, self.every_ms) if self._tries < _TRIES else _HEARTBEAT_MS
        return self._loop.diff(now, self._switched) >= wait

    def _writes(self, same, since, now):
        if self._low != _NONE and since < self.every_ms:
            return False  # what it is told goes to flash
        if not same or not self.stands:
            return not same or since >= _RETRY_MS
        beats = self._loop.diff(now, self._wrote) >= self._heartbeat_ms
        self.heartbeats += beats
        return beats

    def _advance(self, now):
        op = self._write_op
        job = self.switch if self._state == _SWITCH else self.control
        if job.next(op.regs):
            op.kind, op.addr, op.count = job.kind, job.addr, job.count
            if self.bus.submit(op):
                self.writes += op.kind > _READ_MAX
                return
            job.took(op.result, op.regs)
        taken = job.result == OK or job.result == UNREAD  # noqa: PLR1714 (no tuple)
        if self._state == _SWITCH:
            # Some say "off" whatever they do: what gives or takes power is on.
            works = self.p_w != ABSENT and abs(self.p_w) > self.wmax_w >> 6
            self._tries += 1
            if self._want_on == _ASK:  # what cannot be read is not switched unasked
                self.on = 0 if taken and not works and self.switch.found[0] == 0 else 1
            elif taken or (works and self._want_on):
                self.on = self._want_on
        else:
            self.result = 0 if taken else job.result
            self.stands = taken
            if taken:
                self.held_low = self._low
                self.held_high = self._high
                self._wrote = now
        self._state = _FREE

    def holds(self):
        """True when the device was last found to hold the band of the last step."""
        return (self.stands and self.held_low == self.low_w == self._low
                and self.held_high == self.high_w == self._high)

    def is_within(self):
        """As holds(), or it holds a narrower one, or did hold() a moment ago.

        While the band of the last step is on its way: a limit that ramps is written each second.
        """
        if not self.stands:
            return False
        if self.held_low >= self.low_w and self.held_high <= self.high_w:
            self._held_at = self._loop.now()
            return True
        return self._loop.diff(self._loop.now(), self._held_at) <= _MOMENT_MS
