"""A house with several devices behind one meter, steered by sitecontrol.Site. All integers.

Enters: devices with their delays and faults, a load and a sun that the test changes.  Leaves: what
flowed, and the books: how long and by how much the meter stood beyond its limits.

    house = House(Site(2), load_w=300, sun_pct=95)
    pv = house.add(PV, 8000)
    battery = house.add(BATTERY, 5000, 5000)
    house.site.exp_w = 5000
    house.run(60000)
    house.export_w, house.books[0].longest

Runs under MicroPython and CPython.  The meter's value is 100 ms old and new each 200 ms.
"""

from sitecontrol import ABSENT, BATTERY, LOAD, PV

TICK_MS = 100
STEP_TICKS = 2
TOLERANCE_W = 100
OPEN_W = 30000


class Chance:
    """A linear congruential generator: the same day on every port."""

    def __init__(self, seed):
        self.x = seed * 7919 + 1

    def below(self, n):
        self.x = (self.x * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.x >> 12) % n


class Books:
    """What was beyond one limit: ticks (longest run, sum), W * ticks, the worst W."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.longest = self.run = self.ticks = self.over_wt = self.worst_w = self.strict = 0

    def note(self, over_w):
        if over_w <= 0:
            self.run = 0
            return
        self.worst_w = max(self.worst_w, over_w)
        self.strict += 1
        if over_w > TOLERANCE_W:
            self.run += 1
            self.ticks += 1
            self.over_wt += over_w
            self.longest = max(self.longest, self.run)
        else:
            self.run = 0

    def mwh(self):
        return self.over_wt * TICK_MS // 3600


class Device:
    """Moves to what it wants within the band that it was told `dead_ms` ago, by a lag.

    want_w: of a load, what it would take (negative); of a battery None: its own control keeps the
    meter at 0.  sun_pct: of a PV's rating, None: the house's.  can_low, can_high: what it can do
    now (a full battery: can_low 0).  gain: thousandths of the band that it really keeps.
    Faults: deaf (takes no writes), silent (is not heard, nor hears).
    """

    def __init__(self, kind, wmax_w, charge_w, dead_ms, tau_ms):
        self.kind = kind
        self.can_low, self.can_high = -charge_w, wmax_w
        self.sun_pct = self.want_w = None
        self.gain = 1000
        self.deaf = self.silent = False
        self.tau = tau_ms
        self.bands = [(-charge_w, wmax_w)] * (dead_ms // TICK_MS + 1)
        self.told = self.bands[0]
        self.writes = 0
        self.p16 = 0
        self.w = 0

    def tell(self, low, high):
        if not self.deaf and not self.silent and (low, high) != self.told:
            self.told = (low, high)
            self.writes += 1

    def tick(self, want_w, sun_w):
        self.bands.append(self.told)
        low, high = self.bands.pop(0)
        if self.kind == PV:
            want_w = self.can_high  # sun_w bounds it
        if self.gain != 1000:
            low, high = low * self.gain // 1000, high * self.gain // 1000
        want = max(low, min(high, want_w))
        want = max(self.can_low, min(self.can_high, sun_w, want))
        p16 = self.p16
        p16 += (16 * want - p16) * TICK_MS // (self.tau + TICK_MS)
        if self.kind == PV:
            p16 = max(0, min(16 * sun_w, p16))
        self.p16 = p16
        self.w = p16 >> 4


class House:
    """`run` lets time pass; `books` of export, import, generation and consumption.

    Of the import only what could be avoided counts.
    """

    def __init__(self, site, load_w=300, sun_pct=95):
        self.site = site
        self.devices = []
        self.load_w = load_w
        self.sun_pct = sun_pct
        self.export_w = self.before_w = 0
        self.day = None
        self.meter_age_ms = 0  # more than 2000: lost
        self.books = [Books() for _ in range(4)]
        self.stranded_wt = self.i = 0
        site.exp_w = site.imp_w = OPEN_W

    def add(self, kind, wmax_w, charge_w=0, dead_ms=400, tau_ms=800, interval_ms=0):
        self.site.add(kind, wmax_w, charge_w, interval_ms)
        self.devices.append(Device(kind, wmax_w, charge_w, dead_ms, tau_ms))
        return self.devices[-1]

    def clear(self):
        for books in self.books:
            books.clear()
        for device in self.devices:
            device.writes = 0
        self.stranded_wt = 0

    def rest(self, ms=60000):
        self.run(ms)
        self.clear()

    def run(self, ms):
        for _ in range(ms // TICK_MS):
            self._tick()

    def _tick(self):
        if self.day is not None:
            self.day.tick(self)
        made = gen = used = 0
        least_w = self.load_w  # import that no band could avoid
        for d in self.devices:
            pct = self.sun_pct if d.sun_pct is None else d.sun_pct
            sun_w = d.can_high * pct // 100 if d.kind == PV else OPEN_W
            want_w = d.want_w
            if want_w is None:  # a battery's own control: what the meter shows, to zero
                want_w = d.w - self.export_w if d.kind == BATTERY else 0
            d.tick(want_w, sun_w)
            made += d.w
            if d.kind != LOAD:
                least_w -= min(d.can_high, sun_w)
            gen += max(0, d.w)
            used -= min(0, d.w)
        self.before_w = self.export_w
        self.export_w = made - self.load_w
        if self.i % STEP_TICKS == 0:
            self._control()
        site = self.site
        self.books[0].note(self.export_w - site.exp_w)
        self.books[1].note(-self.export_w - max(site.imp_w, least_w))
        self.books[2].note(gen - (OPEN_W if site.gen_w == ABSENT else site.gen_w))
        self.books[3].note(used - (OPEN_W if site.load_w == ABSENT else site.load_w))
        self.i += 1

    def _control(self):
        site = self.site
        site.export_w, site.import_w = self.before_w, -self.before_w
        site.meter_age_ms = self.meter_age_ms
        for i, d in enumerate(self.devices):
            if d.silent:
                site.age_ms[i] += 200
            else:
                site.power_w[i], site.age_ms[i] = d.w, 0
        site.step()
        for i, d in enumerate(self.devices):
            d.tell(site.low_w[i], site.high_w[i])


class HardDay:
    """Clouds with edges of 1 to 6 s, appliances of 0.8 to 3.6 kW, some of them cycling hobs."""

    LEVELS = (95, 100, 90, 25, 40, 60)
    WATTS = (800, 1200, 2000, 2400, 3600)
    CYCLES = (0, 0, 0, 60, 300)  # ticks of on and of off; 0 stays on

    def __init__(self, seed, base_w=300):
        self.chance = Chance(seed)
        self.base_w = base_w
        self.sun16 = self.target16 = 95 * 16
        self.rate16 = 0
        self.edge = 50
        self.i = 0
        self.ends, self.watts, self.cycles = [], [], []

    def tick(self, house):
        below, i = self.chance.below, self.i
        self.i += 1
        if i >= self.edge:
            self.target16 = self.LEVELS[below(6)] * 16
            self.rate16 = abs(self.target16 - self.sun16) // (10 + below(51)) + 1
            self.edge = i + 100 + below(1700)
        move = self.target16 - self.sun16
        self.sun16 += max(-self.rate16, min(self.rate16, move))
        house.sun_pct = self.sun16 >> 4
        if below(10000) < 12:
            self.ends.append(i + 100 + below(2900))
            self.watts.append(self.WATTS[below(5)])
            self.cycles.append(self.CYCLES[below(5)])
        load_w = self.base_w - 15 + below(31)
        k = 0
        while k < len(self.ends):
            if self.ends[k] <= i:
                self.ends.pop(k)
                self.watts.pop(k)
                self.cycles.pop(k)
                continue
            if not self.cycles[k] or i // self.cycles[k] % 2 == 0:
                load_w += self.watts[k]
            k += 1
        house.load_w = load_w
