"""Keeps the connection point inside its limits by a band of power for each device it may steer.

Enters, each 200 ms: the meter and the power of each device with their ages, limits and set points.
Leaves: for each device a band for its power, whether it may be on, and what is wrong with it.

    site = Site(2)
    pv, battery = site.add(PV, 8000), site.add(BATTERY, 5000, 5000)
    site.export_w, site.import_w, site.power_w[pv], site.exp_w = 4900, -4900, 5300, 5000
    site.step()
    site.high_w[pv]                    # its cap in W

There are two sides, alike but for the sign: what generates under export and generation limit (PV,
and the battery's discharge), what consumes under import and load limit (loads, and its charge).
On each side the load that nobody steers is observed as the power of the devices less the flow at
the meter.  It does not depend on the bands, so feeding it forward closes no loop that could swing.
The least of it over a window counts: what vanished counts at once, what appeared when the window
has passed.  The window grows with the time that devices need to obey, learned from their bands.

    STALE --fresh meter, sane for a while--> TRACKING --old or absurd sample--> STALE

STALE is open loop: with all that nobody steers, the devices stay under the limits whatever
happens.  Limit: devices of 1 MW together, so that every value is a small int of a 32-bit board.
"""

from array import array

from micropython import const

from .share import part, share

ABSENT = const(-0x3FFFFFFF)  # a measurement, limit or set point that is not there

STALE = const(0)
TRACKING = const(1)

# Kinds.  Half of PV and of LOAD is the number of their side.
PV = const(0)
BATTERY = const(1)
LOAD = const(2)

# Faults.
SILENT = const(1)  # no fresh, sane power: taken to be at its rating
DISOBEYS = const(2)  # outside its band for 10 s: its power counts, not its band

_STALE_MS = const(2000)  # ten steps: an older sample tells nothing about now
_WATTS = const(1000000)  # of all devices, each way
_POWER_MAX = const(2000000)  # no site beyond it is real
_LIMIT_MAX = const(8000000)  # a higher limit binds nowhere: export and load are below 4 MW each
_WINDOW = const(64)  # steps, the most
_LEAST_WINDOW = const(26)  # beside what the devices need: hobs cycle within it
_DELAY = const(12)  # steps that a device takes, until it is learned
_AGAIN = const(300)  # steps: a meter that was absurd within them is doubted as much longer
_DOUBT = const(325)  # after an absurd value: believed at _AGAIN, after 5 s of sane ones
_HELD = const(10)  # steps: a meter value that stands longer is taken as a new one
_HOLD = const(5)  # steps from one change to a rise
_STUBBORN = const(50)  # steps outside its band: 10 s
_EASE = const(25)  # steps from a push of the batteries until they may go back
_GRACE = const(10)  # steps beyond its delay, after which a device's error is integrated

# What is kept of a side, in _of.
_LOAD = const(0)  # that nobody steers, W
_LEAST = const(1)  # of it, within the window
_AGE = const(2)  # steps since that; -1: no load was seen yet
_BEFORE = const(3)  # power of the devices a step ago
_TRIM = const(4)
_EDGE = const(5)  # the most power of the batteries
_PUSHED = const(6)  # steps until it may rise again
_SIDE = const(7)

# Sums over the devices of a side, in _sum.
_TOTAL = const(0)  # ratings of PV or loads
_P = const(1)  # their power
_CAPS = const(2)
_USED = const(3)  # the greater of power and cap
_TOP = const(4)  # what the batteries can in this direction
_FLOOR = const(5)  # and in the other
_B = const(6)  # their power
_LATE = const(7)  # one of them is beyond its delay outside its band
_STUBBORNS = const(8)  # devices that should long be in their band
_LOST = const(9)  # ratings of the silent ones
_SUMS = const(10)


class SiteControlError(Exception):
    """A rating, a size or a window that the controller cannot work with."""


class Site:
    """Up to `size` devices (1 .. 6) behind one meter; allocates once.

    uncontrolled_gen_w: rating of generation behind the meter that nobody steers (0 .. 2,000,000).
    site_max_w: no load is greater, a meter value beyond it is absurd.  SiteControlError when out.

    Set before each step, all W, generation +, consumption -, ABSENT where unknown or open
    (the last two limits and both set points; a power that cannot be used becomes ABSENT):
    export_w, import_w (at the meter; import_w is -export_w, or both are three times the worst
    phase's), meter_age_ms, power_w[i], age_ms[i], wmax_w[i] and charge_w[i] (what the device can
    do now), exp_w, imp_w, gen_w, load_w (limits), target_w (of PV and batteries together),
    storage_w (of the batteries; its low_w alone where sunny[i]), connect, energize; others_w too.

    Left by step: low_w[i] .. high_w[i], the band (PV 0 .. cap, LOAD -cap .. 0, BATTERY within
    -charge_w .. wmax_w, a set point where both are equal); on (0: disconnect or cease to
    energise, bands are 0); state; fault[i]: 0, SILENT or DISOBEYS; delay[i], interval[i] in steps.
    """

    def __init__(self, size, uncontrolled_gen_w=0, site_max_w=_POWER_MAX):
        if not (1 <= size <= 6 and 0 <= uncontrolled_gen_w <= _POWER_MAX and site_max_w >= 1):
            raise SiteControlError("size: 1 to 6, uncontrolled_gen_w: 0 to 2000000, site_max_w")
        self.others_w = uncontrolled_gen_w
        self._site_max_w = min(site_max_w, _POWER_MAX)
        self._size, self._n = size, 0
        none = bytes(4 * size)
        self.kind, self.fault, self.sunny = bytearray(size), bytearray(size), bytearray(size)
        self.wmax_w, self.charge_w = array("i", none), array("i", none)
        self.power_w, self.age_ms = array("i", none), array("i", none)
        self.low_w, self.high_w = array("i", none), array("i", none)
        self._rating, self.interval = array("i", none), array("i", none)
        self._late, self.delay = array("i", none), array("i", none)  # steps outside the band
        self._rest = array("i", none)  # steps until the band may rise, or change at all
        self._want, self._goal = array("i", none), array("i", none)
        # Power and rating in the direction of the side at work.
        self._q, self._r = array("i", none), array("i", none)
        # Of each side: what a device can do, its cap, the loads seen and more.
        self._can, self._cap = array("i", bytes(8 * size)), array("i", bytes(8 * size))
        self._seen = array("i", bytes(8 * _WINDOW))
        self._of = array("i", bytes(8 * _SIDE))
        self._sum = array("i", bytes(4 * _SUMS))
        self._pv_w = self._at = self._meter_w = self._same = self._doubt = 0
        self._window = _LEAST_WINDOW + _DELAY
        self.export_w = self.import_w = ABSENT
        self.meter_age_ms = self.exp_w = self.imp_w = 0
        self.gen_w = self.load_w = self.target_w = self.storage_w = ABSENT
        self.connect = self.energize = self.on = 1
        self.state = STALE

    def add(self, kind, wmax_w, charge_w=0, interval_ms=0):
        """Take a device; returns its index. SiteControlError when out of range or full.

        wmax_w: the most it generates, charge_w: the most it consumes (0 .. 1,000,000, all devices
        together too).  interval_ms: the least time from one change of its band to the next
        (0 .. 60000; 1000 at least when not 0; 10000 for a device that keeps limits in flash).
        """
        i = self._n
        if i == self._size or not 0 <= kind <= LOAD or not 0 <= interval_ms <= 60000:
            raise SiteControlError("size, kind or interval_ms")
        rating = max(wmax_w, charge_w)
        if min(wmax_w, charge_w) < 0 or rating < 1 or sum(self._rating) + rating > _WATTS:
            raise SiteControlError("wmax_w, charge_w: 0 to 1000000 together")
        self._n = i + 1
        self.kind[i] = kind
        self.wmax_w[i], self.charge_w[i] = wmax_w, charge_w
        self.power_w[i] = ABSENT
        self._rating[i] = rating
        self.interval[i] = (interval_ms + 199) // 200
        self.delay[i] = _DELAY
        return i

    def step(self):
        """One step of 200 ms; see the class. Does not allocate."""
        self.on = 1 if self.connect and self.energize else 0
        if self.target_w != ABSENT:
            self.target_w = max(-_POWER_MAX, min(self.target_w, _POWER_MAX))
        if self.storage_w != ABSENT:
            self.storage_w = max(-_POWER_MAX, min(self.storage_w, _POWER_MAX))
        self._watch_devices()
        self._watch_meter()
        top = _LIMIT_MAX
        gen_w = part(top if self.gen_w == ABSENT else self.gen_w, top, 0) if self.on else 0
        load_w = part(top if self.load_w == ABSENT else self.load_w, top, 0)
        exp_w, imp_w = part(self.exp_w, top, 0), part(self.imp_w, top, 0)
        self._side(0, self.export_w, exp_w, imp_w, gen_w, load_w)
        self._side(1, self.import_w, imp_w, exp_w, load_w, gen_w)
        self._steer_batteries()
        self._publish()

    def _watch_devices(self):
        longest = 0
        for i in range(self._n):
            p, r, late = self.power_w[i], self._rating[i], self._late[i]
            self._can[i] = max(0, min(self.wmax_w[i], r))
            self._can[self._size + i] = max(0, min(self.charge_w[i], r))
            if self._rest[i]:
                self._rest[i] -= 1
            if self.age_ms[i] > _STALE_MS or not -2 * r <= p <= 2 * r:  # ABSENT is far below
                self.fault[i], self.power_w[i], late = SILENT, ABSENT, 0
            elif max(p - self.high_w[i], self.low_w[i] - p) > r >> 5:
                late = min(late + 1, _STUBBORN)
                self.fault[i] = DISOBEYS if late == _STUBBORN else 0
            else:
                if 0 < late < _STUBBORN:
                    # Back in its band: that it takes longer is learned soon, shorter slowly.
                    more = late - self.delay[i]
                    self.delay[i] += (more + 1) >> 1 if more > 0 else -((7 - more) >> 3)
                late = self.fault[i] = 0
            self._late[i] = late
            longest = max(longest, self.delay[i] + _LEAST_WINDOW, 2 * self.interval[i])
        self._window = min(_WINDOW, longest)

    def _watch_meter(self):
        most = self._site_max_w
        known = self.meter_age_ms <= _STALE_MS and self.export_w != ABSENT
        if known and -most <= self.export_w <= most and -most <= self.import_w <= most:
            self._doubt -= self._doubt > 0
        elif known:
            self._doubt = max(_DOUBT, self._doubt + _DOUBT * (self._doubt <= _AGAIN))
        if not known or self._doubt > _AGAIN:
            self.state = STALE
            return
        if self.state == STALE:
            self.state, self._same = TRACKING, 0
            self._of[_AGE] = self._of[_SIDE + _AGE] = -1
            self._of[_TRIM] = self._of[_SIDE + _TRIM] = 0
        else:  # a meter slower than 200 ms repeats itself: no new sample
            self._same = (self._same + 1) % _HELD if self.export_w == self._meter_w else 0
        self._meter_w = self.export_w
        self._at = (self._at + 1) % _WINDOW

    def _side(self, s, site_w, limit_w, back_w, own_w, floor_w):
        # The PV (s = 0) or the loads (s = 1), and the batteries' power in the same direction.
        # site_w flows at the meter, limit_w is the most that may, back_w that the other way;
        # own_w is the limit of the devices themselves, floor_w theirs the other way.
        z, of, v = self._sum, self._of, s * _SIDE
        self._add_up(s)
        if s == 0:
            self._pv_w = z[_P]
        if z[_TOTAL] + z[_TOP] + z[_FLOOR] + z[_LOST] == 0:
            of[v + _EDGE] = 0
            return
        total, p, b = z[_TOTAL], z[_P], z[_B]
        edge = of[v + _EDGE]
        blind_w = limit_w - (self._site_max_w if s else self.others_w)
        share_w = max(0, min(blind_w, own_w))
        own_w -= z[_LOST]
        strict = self.state == STALE or z[_CAPS] + max(0, edge) > own_w
        if self.state == STALE:
            cap = min(blind_w - z[_LOST], own_w)
            edge = max(0, min(z[_TOP], cap - total))
        else:
            w = total + max(z[_TOP], z[_FLOOR])
            self._observe(s, v, p + b, site_w)
            self._correct(v, site_w - limit_w, p + b + (w >> 5) >= z[_CAPS] + edge, w)
            # A load that just appeared is trusted as far as the limit the other way needs it.
            budget = max(limit_w + of[v + _LEAST], of[v + _LOAD] - back_w)
            budget -= (w >> 8) + of[v + _TRIM]
            edge = self._push(v, budget, own_w, min(z[_FLOOR], floor_w))
            budget -= z[_LOST]
            held = max(edge, b)
            cap = min(budget - held, own_w - max(0, held))
            if not z[_LATE]:  # the battery is on its way: what it will make room for is not cut
                cap = max(cap, min(z[_CAPS], budget - edge, own_w - max(0, edge)))
        of[v + _EDGE] = edge
        if s == 0 and self.target_w != ABSENT:  # the battery makes up for what PV is beside it
            least = -min(z[_FLOOR], floor_w) if self.storage_w == ABSENT else self.storage_w
            cap = min(cap, self.target_w - (max(least, b) if z[_LATE] else least))
        cap = max(0, min(total, cap))
        self._fill(s, cap, share_w)
        self._cut_and_raise(s, cap, strict)

    def _add_up(self, s):
        z = self._sum
        for k in range(_SUMS):
            z[k] = 0
        for i in range(self._n):
            kind = self.kind[i]
            if kind == 2 - 2 * s:  # PV beside the loads and the other way round
                continue
            j = s * self._size + i
            self._q[i] = q = -self.power_w[i] if s else self.power_w[i]
            self._r[i] = r = self._can[j]
            if self._late[i] > self.delay[i] + _GRACE:
                z[_STUBBORNS] += 1
            if self.fault[i] == SILENT:
                z[_LOST] += r
            elif kind == BATTERY:
                z[_TOP] += r
                z[_FLOOR] += self._can[(1 - s) * self._size + i]
                z[_B] += q
                if self._late[i] > self.delay[i]:
                    z[_LATE] = 1
            else:
                z[_TOTAL] += r
                z[_P] += q
                z[_CAPS] += self._cap[j]
                z[_USED] += max(self._cap[j], q)

    def _observe(self, s, v, q, site_w):
        # The load that nobody steers.  A sample of the meter is half a step older than q.
        of, seen, at = self._of, self._seen, self._at
        first = s * _WINDOW
        anew = of[v + _AGE] < 0
        if self._same == 0:
            of[v + _LOAD] = ((q + (q if anew else of[v + _BEFORE])) >> 1) - site_w
        of[v + _BEFORE] = q
        load = of[v + _LOAD]
        seen[first + at] = load
        of[v + _AGE] += 1
        if anew:
            for k in range(_WINDOW):
                seen[first + k] = load
        if anew or load <= of[v + _LEAST] or of[v + _AGE] >= self._window:
            of[v + _LEAST] = load
            of[v + _AGE] = 0
            for k in range(self._window):  # the least may have left the window
                if seen[first + (at - k) % _WINDOW] < of[v + _LEAST]:
                    of[v + _LEAST] = seen[first + (at - k) % _WINDOW]
                    of[v + _AGE] = k

    def _correct(self, v, over, bound, w):
        # Nothing makes exactly its cap: a slow integral takes up what is left, only while the cap
        # binds and the flow is near its limit, or above it because a device does not obey.  It
        # aims at half to one and a half margins below the limit, a zone, so that it comes to rest.
        of, margin, small = self._of, w >> 8, max(1, w >> 13)
        trim = of[v + _TRIM]
        if over > 0 and self._sum[_STUBBORNS]:
            trim += max(1, w >> 8)
        elif trim > w >> 5:
            trim -= max(1, w >> 10)
        elif bound and abs(over) < w >> 4:
            if over > 0:
                trim += 8 * small
            elif over > -(margin >> 1):
                trim += small
            elif over < -(margin + (margin >> 1)):
                trim -= small
            # Sun just below the cap looks like an inverter that makes too little: what is given
            # back stays within the margin, so that the clear sky finds a cap that is lawful.
            trim = min(trim, w >> 5)
        of[v + _TRIM] = max(-(margin >> 1), min(w, trim))

    def _push(self, v, budget, own_w, floor):
        # The batteries' edge: as it is while PV (or the loads) have room, down when they have
        # none, up when the batteries want it and there was room for a while.  For what others
        # could make more no battery goes beyond the limit the other way.
        z, of = self._sum, self._of
        total, p, b = z[_TOTAL], z[_P], z[_B]
        edge, back = of[v + _EDGE], -of[_SIDE - v + _EDGE]
        back = min(max(0, back) if z[_LOST] else back, budget - p, max(0, own_w - p))
        budget -= z[_LOST]
        p += min(max(0, own_w - p), total >> (2 if p + (total >> 6) >= z[_CAPS] else 5))
        most, span = max(back, min(budget - p, max(0, own_w - p))), z[_TOP] + z[_FLOOR]
        if edge > most:
            edge = most
            of[v + _PUSHED] = _EASE
        elif of[v + _PUSHED]:
            of[v + _PUSHED] -= 1
        elif edge < b + (span >> 4):
            edge = min(most, b + (span >> 2))
        edge = max(edge, min(budget - total, max(0, own_w - total)))
        return max(-floor, min(z[_TOP], edge))

    def _fill(self, s, cap, share_w):
        # Goals of the PV or the loads; what they can use is learned from where they stand.
        goal, want, z = self._goal, self._want, self._sum
        left = cap
        for i in range(self._n):
            q, r = self._q[i], self._r[i]
            goal[i] = self._r[i] = 0
            if self.kind[i] != 2 * s:
                continue
            if self.fault[i] == SILENT:
                goal[i] = part(share_w, r, z[_TOTAL] + z[_LOST])
            elif self._late[i] > self.delay[i]:  # what it makes is gone, whatever it is told
                goal[i] = part(cap, r, z[_TOTAL])
                left -= max(goal[i], q)
            else:  # at its cap it would use more; what it leaves it loses slowly
                more = r >> 4 if q + (r >> 6) >= self._cap[s * self._size + i] else -(r >> 7)
                want[i] = min(r, max(r >> 5, q + (r >> 5), want[i] + more))
                self._r[i] = r
        share(goal, want, self._r, self._n, max(0, left))

    def _cut_and_raise(self, s, cap, strict):
        # Nothing is cut while all caps together are lawful and nobody who has the sun is short.
        used = self._sum[_USED]
        cut = strict or used > cap
        for i in range(self._n):
            if self.kind[i] == 2 * s:
                now, r = self._cap[s * self._size + i], self._r[i]
                cut = cut or (self._q[i] + (r >> 6) >= now and self._goal[i] > now + (r >> 6))
        room = max(0, cap - used)  # none of it for one that is above its cap
        for i in range(self._n):
            if self.kind[i] == 2 * s:
                now, goal = self._cap[s * self._size + i], self._goal[i]
                known = self.fault[i] != SILENT
                if goal > now and known and self.state == TRACKING:
                    goal = min(goal, now + room)
                if goal > now or cut or not known:
                    self._put(i, s, goal, strict)
                    room -= max(0, self._cap[s * self._size + i] - now)

    def _put(self, i, s, goal, strict):
        # Down at once; up after a rest and when it matters.
        j, r = s * self._size + i, self._rating[i]
        now, rest = self._cap[j], self._rest[i]
        if goal < now:
            if now - goal >= max(1, r >> 9) or goal == 0 or (strict and not rest):
                self._cap[j] = goal
        elif goal > now and not rest:
            q = -self.power_w[i] if s else self.power_w[i]
            if (goal == self._can[j] or self.fault[i] == SILENT or self.state == STALE
                    or (goal - now >= r >> 8 and q >= now - (r >> 2))):
                self._cap[j] = goal

    def _steer_batteries(self):
        high = self._of[_EDGE]  # a window may ask for more and for less: less export comes first
        low = min(high, -self._of[_SIDE + _EDGE])
        point = self.storage_w
        top = high if self.on and point != ABSENT else 0
        if point == ABSENT and self.target_w != ABSENT:
            point = self.target_w - self._pv_w
        if point != ABSENT:
            high = low = max(low, min(high, point))
        high, low = high * self.on, low * self.on
        for s in range(2):
            edge = -low if s else high
            back = s if edge >= 0 else 1 - s
            for i in range(self._n):
                steered = self.kind[i] == BATTERY and self.fault[i] != SILENT
                self._r[i] = self._can[back * self._size + i] if steered else 0
                self._goal[i] = 0
            share(self._goal, self._r, self._r, self._n, abs(edge))
            for i in range(self._n):
                if self.kind[i] == BATTERY:
                    goal = self._goal[i] if edge >= 0 else -self._goal[i]
                    if s < self.sunny[i] and top > 0:  # its sun is bounded by the limits alone
                        goal = max(goal, part(top, self._can[i], self._sum[_FLOOR]))
                    self._put(i, s, goal, self.state == STALE or not self.on)

    def _publish(self):
        # A device above its cap is told as much less than that: it gets there in half the time.
        for i in range(self._n):
            if self._rest[i] and self.interval[i]:
                continue
            high, low, r = self._cap[i], -self._cap[self._size + i], self._rating[i]
            p, more = self.power_w[i], 0
            if (self.state == TRACKING and self.interval[i] <= _HOLD and self.fault[i] == 0
                    and self._late[i] <= 2 * self.delay[i] and self.kind[i] != BATTERY):
                more = max(p - high, low - p)
                if more <= r >> 6:
                    more = 0
                elif self.kind[i] == PV:
                    high = max(0, high - more)
                else:
                    low = min(0, low + more)
            if self.kind[i] == BATTERY and low > high - (r >> 7):  # a set point
                low = high
            moved = max(abs(high - self.high_w[i]), abs(low - self.low_w[i]))
            if moved > more >> 2:
                self.high_w[i] = high
                self.low_w[i] = low
                self._rest[i] = max(_HOLD, self.interval[i])
