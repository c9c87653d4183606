# heap: 128k
"""The export law on a plant: sun, an inverter that obeys late, a house, a meter. All integers.

What must hold is physical: how long and by how much the export stands above its limit.
"""

from array import array

import check
from sitecontrol import PV, Site

TICK_MS = 100
STEP_TICKS = 2  # the law runs each 200 ms
WMAX = 10000
TOLERANCE_W = 100  # the lower of 4 % of the rating and 100 W (test procedures)


class Law:
    """The site with one inverter, as a function of its samples and limits."""

    def __init__(self):
        self.site = Site(1)
        self.site.add(PV, WMAX)
        self.site.imp_w = 1 << 29

    def step(self, export_w, export_age_ms, p_w, p_age_ms, exp_w, gen_w):
        site = self.site
        site.export_w, site.import_w, site.meter_age_ms = export_w, -export_w, export_age_ms
        site.power_w[0], site.age_ms[0] = p_w, p_age_ms
        site.exp_w, site.gen_w = exp_w, gen_w
        site.step()
        return site.high_w[0]


class Chance:
    """A linear congruential generator: the same day on every port."""

    def __init__(self, seed):
        self.x = seed * 7919 + 1

    def below(self, n):
        self.x = (self.x * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.x >> 12) % n


class Steady:
    """Constant sun and load, until the test changes them."""

    def __init__(self, sun_w, load_w):
        self.sun_w = sun_w
        self.load_w = load_w

    def tick(self, i):
        pass


class HardDay:
    """Clouds with edges of 1 to 6 s, appliances of 0.8 to 3.6 kW, some of them cycling hobs."""

    LEVELS = (95, 100, 90, 25, 40, 60)  # % of the rating
    WATTS = (800, 1200, 2000, 2400, 3600)
    CYCLES = (0, 0, 0, 60, 300)  # ticks of on and of off; 0 stays on

    def __init__(self, seed):
        self.chance = Chance(seed)
        self.sun_w = self.target_w = 9500
        self.rate_w = 0
        self.edge = 50
        self.load_w = 300
        self.ends, self.watts, self.cycles = [], [], []

    def tick(self, i):
        below = self.chance.below
        if i >= self.edge:
            self.target_w = self.LEVELS[below(6)] * WMAX // 100
            self.rate_w = abs(self.target_w - self.sun_w) // (10 + below(51)) + 1
            self.edge = i + 100 + below(1700)
        move = self.target_w - self.sun_w
        self.sun_w += max(-self.rate_w, min(self.rate_w, move))
        if below(10000) < 12:
            self.ends.append(i + 100 + below(2900))
            self.watts.append(self.WATTS[below(5)])
            self.cycles.append(self.CYCLES[below(5)])
        self.load_w = 285 + below(31)
        self._appliances(i)

    def _appliances(self, i):
        k = 0
        while k < len(self.ends):
            if self.ends[k] <= i:
                self.ends.pop(k)
                self.watts.pop(k)
                self.cycles.pop(k)
                continue
            if not self.cycles[k] or i // self.cycles[k] % 2 == 0:
                self.load_w += self.watts[k]
            k += 1


class Plant:
    """One inverter and its house: `run` lets time pass under a law, and keeps the books."""

    def __init__(self, law, day, dead_ms=400, tau_ms=800, meter_ms=200, age_ms=100, slew=0,
                 step_w=1, gain=1000):
        self.law = law
        self.day = day
        self.tau = tau_ms
        self.meter_ticks = meter_ms // TICK_MS
        self.slew_w = slew * TICK_MS // 1000
        self.step_w = step_w  # resolution of the cap that the inverter takes
        self.gain = gain  # what the inverter makes of its cap, in thousandths
        self.caps = array("i", bytes(4 * (dead_ms // TICK_MS + 1)))
        self.exports = array("i", bytes(4 * (age_ms // TICK_MS + 1)))
        for k in range(len(self.caps)):
            self.caps[k] = WMAX
        self.i = 0
        self.p16 = 16 * min(day.sun_w, WMAX)  # in 1/16 W: the lag leaves no rest
        self.cap_w = WMAX
        self.meter_w = 0
        self.p_age_ms = self.meter_age_ms = 100
        self.clear()

    def clear(self):
        """Begin the books anew."""
        self.above = self.longest = self.run_ticks = self.strict = self.strict_longest = 0
        self.over_wt = self.lost_wt = self.worst_w = self.changes = 0

    def run(self, ms, exp_w, gen_w=WMAX):
        for _ in range(ms // TICK_MS):
            self.day.tick(self.i)
            self._generate()
            export_w = (self.p16 >> 4) - self.day.load_w
            self._meter(export_w)
            if self.i % STEP_TICKS == 0:
                self._control(exp_w, gen_w)
            self._book(export_w, exp_w)
            self.i += 1

    def _generate(self):
        # First order towards the lesser of cap and sun; sun that is gone is gone at once.
        slot = self.i % len(self.caps)
        effective = self.caps[slot] * self.gain // 1000
        self.caps[slot] = self.cap_w
        sun16 = 16 * self.day.sun_w
        gap = min(sun16, 16 * effective) - self.p16
        move = gap * TICK_MS // (self.tau + TICK_MS)
        if self.slew_w:
            move = max(-16 * self.slew_w, min(16 * self.slew_w, move))
        self.p16 = max(0, min(sun16, self.p16 + move))

    def _meter(self, export_w):
        slot = self.i % len(self.exports)
        self.exports[slot] = export_w
        if self.i % self.meter_ticks == 0:
            # A slot ahead is the oldest one: the value as it was age_ms ago.
            self.meter_w = self.exports[(slot + 1) % len(self.exports)] if self.i else export_w

    def _control(self, exp_w, gen_w):
        cap = self.law.step(self.meter_w, self.meter_age_ms, self.p16 >> 4, self.p_age_ms,
                            exp_w, gen_w)
        cap -= cap % self.step_w
        self.changes += cap != self.cap_w
        self.cap_w = cap

    def _book(self, export_w, exp_w):
        over = export_w - exp_w
        self.worst_w = max(self.worst_w, over)
        self.run_ticks = self.run_ticks + 1 if over > TOLERANCE_W else 0
        self.longest = max(self.longest, self.run_ticks)
        self.strict = self.strict + 1 if over > 0 else 0
        self.strict_longest = max(self.strict_longest, self.strict)
        if over > 0:
            self.above += 1
            self.over_wt += over
        lawful = min(self.day.sun_w, max(0, self.day.load_w + exp_w))
        self.lost_wt += max(0, lawful - (self.p16 >> 4))

    def over_mwh(self):
        """mWh exported above the limit."""
        return self.over_wt * TICK_MS // 3600


NOMINAL = {"dead_ms": 400, "tau_ms": 800, "meter_ms": 200, "age_ms": 100}
SLOW = {"dead_ms": 1500, "tau_ms": 2000, "meter_ms": 1000, "age_ms": 300}


def settled(day, exp_w=5000, **plant):
    """A plant that has come to rest under the limit, its books empty."""
    plant = Plant(Law(), day, **plant)
    plant.run(60000, exp_w)
    plant.clear()
    return plant


def test_a_load_that_vanishes_is_followed_as_fast_as_the_inverter_can():
    day = Steady(9500, 2800)
    plant = settled(day, dead_ms=0, tau_ms=0, slew=8000)
    day.load_w -= 2500
    plant.run(20000, 5000)
    assert plant.worst_w > 2300  # it did step over
    assert plant.above <= 15 and plant.over_mwh() <= 700, (plant.above, plant.over_mwh())


def test_a_load_that_vanishes_is_followed_within_4_s_by_the_nominal_inverter():
    day = Steady(9500, 2800)
    plant = settled(day, **NOMINAL)
    day.load_w -= 2500
    plant.run(20000, 5000)
    assert plant.worst_w > 2300 and 0 < plant.longest <= 40, plant.longest


def test_at_rest_the_cap_stands_still_close_below_the_limit():
    for inverter in (NOMINAL, SLOW, {"dead_ms": 0, "tau_ms": 0, "slew": 8000}):
        for load_w, exp_w in ((2800, 5000), (300, 5000), (2800, 0), (600, 1500)):
            plant = settled(Steady(9500, load_w), exp_w, **inverter)
            plant.run(60000, exp_w)
            assert plant.changes <= 2, (inverter, plant.changes)
            assert plant.above == 0
            assert plant.lost_wt <= 600 * 160, plant.lost_wt // 600


def test_a_noisy_load_does_not_make_the_cap_swing():
    class Noisy(Steady):
        chance = Chance(5)

        def tick(self, i):
            self.load_w = 2785 + self.chance.below(31)

    for inverter in (NOMINAL, SLOW):
        plant = settled(Noisy(9500, 2800), **inverter)
        low = high = plant.cap_w
        for _ in range(300):
            plant.run(200, 5000)
            low, high = min(low, plant.cap_w), max(high, plant.cap_w)
        assert high - low <= 60 and plant.above == 0, (high, low)


def test_hard_days_never_stay_above_for_15_s():
    for inverter in (NOMINAL, SLOW):
        for exp_w in (5000, 1500, 0):
            for seed in (1, 2, 3):
                plant = Plant(Law(), HardDay(seed), **inverter)
                plant.run(15000, exp_w)
                plant.clear()
                plant.run(600000, exp_w)
                case = (exp_w, seed, plant.longest, plant.strict_longest)
                assert plant.longest < 120 and plant.strict_longest < 120, case
                assert plant.worst_w > 500, case  # the day is hard
                assert plant.lost_wt < plant.i * WMAX // 5, case  # and the sun is used


def test_a_limit_that_falls_is_kept_within_5_s():
    for inverter, ticks in ((NOMINAL, 50), (SLOW, 100)):
        plant = settled(Steady(10000, 600), WMAX, **inverter)
        plant.run(20000, 0)
        assert 0 < plant.strict_longest <= ticks, plant.strict_longest
        plant.clear()
        plant.run(20000, 0)
        assert plant.above == 0


def test_sun_just_below_the_cap_does_not_wind_the_cap_up():
    for inverter in (NOMINAL, SLOW):
        day = Steady(9500, 300)
        plant = settled(day, **inverter)
        day.sun_w = plant.cap_w - 10
        plant.run(180000, 5000)
        day.sun_w = 9500
        plant.clear()
        plant.run(60000, 5000)
        assert plant.above == 0, (plant.above, plant.worst_w)


def test_an_inverter_that_makes_more_than_its_cap_is_brought_back():
    for gain in (1010, 1020, 1030):
        for load_w, exp_w in ((300, 5000), (4300, 0)):
            plant = Plant(Law(), Steady(9500, load_w), gain=gain, **NOMINAL)
            plant.run(15000, exp_w)
            plant.clear()
            plant.run(60000, exp_w)
            assert plant.above == 0, (gain, plant.above, plant.worst_w)
            plant.clear()
            plant.run(60000, exp_w)
            assert plant.changes <= 2, (gain, plant.changes)


def test_an_inverter_that_takes_whole_percents_stays_below():
    for step_w in (100, 200):
        plant = settled(Steady(9500, 2800), step_w=step_w, **NOMINAL)
        plant.run(60000, 5000)
        assert plant.above == 0 and plant.changes <= 2


def test_the_generation_limit_is_kept_whatever_the_meter_says():
    plant = Plant(Law(), Steady(9500, 6000), **NOMINAL)
    plant.run(20000, 5000, 3000)
    assert plant.cap_w == 3000 and plant.p16 >> 4 <= 3000
    plant.run(30000, 5000, WMAX)
    assert plant.p16 >> 4 >= 9400
    plant.run(200, 5000, 2500)
    assert plant.cap_w <= 2500  # at once, and less to be there sooner
    plant.run(10000, 5000, 2500)
    assert plant.cap_w == 2500 and plant.p16 >> 4 <= 2500


def test_a_lost_meter_keeps_the_export_lawful_whatever_the_load_does():
    for inverter, ticks in ((NOMINAL, 40), (SLOW, 100)):
        day = Steady(9500, 6000)
        plant = settled(day, **inverter)
        assert plant.p16 >> 4 > 9300
        plant.meter_ticks = 1 << 20  # the meter's value is frozen, and grows old
        plant.meter_age_ms = 0
        day.load_w = 0
        while plant.meter_age_ms <= 2000:
            plant.run(200, 5000)
            plant.meter_age_ms += 200
        plant.clear()
        plant.run(30000, 5000)
        assert 0 < plant.longest <= ticks, plant.longest
        assert plant.p16 >> 4 <= 5000


check.run(globals())
