"""The site on which control laws are compared, in ticks of 100 ms.

Enters: a law, a limit, a day and the devices' delays.  Leaves: Books: what the limit and the owner
lost by that law.

    books = run(law, Day(seed=1, seconds=1800), Devices(), limit_w=5000)
    books.over_wh, books.curtailed_wh, books.writes

A law is asked each 200 ms: `law.step(now_ms, meter, inverter, limit_w)` with (when, W) samples or
None, and gives a cap in W or None to leave it.  Export is positive here.

Limit: the hard profile of the simulated site (tools.site.profile), one phase, perfect resolution.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass

from tools.site.profile import random_profile

TICK_MS = 100
ASK_MS = 200
WMAX_W = 10000
TOLERANCE_W = min(WMAX_W * 4 // 100, 100)   # of the test procedures: 4 % or 100 W
NOISE_W = 15

WH = 3600 * 1000 / TICK_MS                  # W summed over ticks, in one Wh


class Day:
    """Sun and load of each tick; lists, made once and lived through by every law."""

    def __init__(self, seed: int, seconds: int):
        """The day of that seed: clouds, appliances, hobs, and noise on the load."""
        profile, rng = random_profile(seed, WMAX_W), random.Random(seed + 2)
        times = [i * TICK_MS / 1000 for i in range(seconds * 1000 // TICK_MS)]
        self.sun = [profile.pv_w(t) for t in times]
        self.load = [profile.load_w(t) + rng.uniform(-NOISE_W, NOISE_W) for t in times]


class OrdinaryDay:
    """Twelve hours of sun with passing clouds, and what a household does meanwhile.

    Always the same: drawn from one seed.  `hours` from sunrise on, for a shorter day.
    """

    HOURS = 12
    _SEED = 20
    # Hour, W, minutes on, seconds of a cycle and the part of it that is on.
    _APPLIANCES = (
        (0.4, 2200, 4, 0, 1), (0.7, 1400, 12, 0, 1), (0.9, 1800, 6, 20, 0.6),       # breakfast
        (2.0, 2000, 18, 0, 1), (2.3, 350, 60, 90, 0.7), (3.5, 700, 25, 0, 1),       # washing
        (4.6, 2200, 4, 0, 1), (5.8, 1200, 5, 0, 1), (5.9, 1800, 15, 12, 0.5),       # lunch
        (6.5, 2000, 20, 0, 1), (7.5, 1500, 120, 600, 0.6), (8.2, 2200, 3, 0, 1),    # dishes
        (10.2, 2400, 55, 75, 0.45), (10.4, 1800, 35, 16, 0.5), (10.5, 1500, 20, 30, 0.4),  # dinner
        (11.2, 2200, 4, 0, 1), (11.4, 2000, 20, 0, 1))

    def __init__(self, hours: float = HOURS):
        """The day up to that hour."""
        rng, ticks = random.Random(self._SEED), 3600 * 1000 // TICK_MS
        self.sun, self.load = [], []
        shade, aim, rate, until = 1.0, 1.0, 0.0, 0
        for i in range(int(hours * ticks)):
            if i >= until:
                cloudy = rng.random() < 0.4
                aim = rng.uniform(0.3, 0.8) if cloudy else rng.uniform(0.97, 1.0)
                rate = abs(aim - shade) / rng.uniform(50, 200)       # edges of 5 to 20 s
                until = i + int(rng.uniform(300, 1800) if cloudy else rng.uniform(1200, 9000))
            shade += max(-rate, min(rate, aim - shade))
            height = math.sin(math.pi * (i + 1) / (self.HOURS * ticks))
            self.sun.append(0.98 * WMAX_W * height ** 1.3 * shade)
            self.load.append(self._load(i * TICK_MS / 1000) + rng.uniform(-NOISE_W, NOISE_W))

    def _load(self, t: float) -> float:
        w = 220.0 + (130 if t % 2700 < 900 else 0)                   # all that stands by, a fridge
        for hour, power, minutes, cycle, part in self._APPLIANCES:
            at = t - hour * 3600
            if 0 <= at < minutes * 60 and (not cycle or at % cycle < part * cycle):
                w += power
        return w


class Step:
    """Constant sun, and a load that changes once: what a step response needs."""

    def __init__(self, seconds: float, sun_w: float, before_w: float, after_w: float, at_s: float):
        """Load before_w until at_s, after_w from then on."""
        n, at = int(seconds * 1000 / TICK_MS), int(at_s * 1000 / TICK_MS)
        self.sun = [float(sun_w)] * n
        self.load = [float(before_w)] * at + [float(after_w)] * (n - at)


@dataclass(frozen=True)
class Devices:
    """Dead time and lag of the inverter, its slew, and what of both devices a law can read."""

    dead_ms: int = 400
    tau_ms: int = 800
    slew_w_s: float | None = None
    meter_ms: int = 200                     # how often the meter has a new value
    meter_age_ms: int = 100                 # how old that value is then
    inverter_ms: int = 200                  # how often the law's program reads the inverter
    step_w: int = 1                         # resolution of the cap that the inverter takes
    lost: float = 0.0                       # share of the meter's values that do not arrive
    null: float = 0.0                       # share of null frames, which a driver does not take


class Inverter:
    """Takes a cap after its dead time and moves there by a first-order lag, or by its slew.

    The sun acts at once, both ways: panels store nothing, and a cap above the sun holds nothing.
    """

    def __init__(self, devices: Devices, sun_w: float):
        """Uncapped, at the power that the sun gives."""
        self._orders = deque([float(WMAX_W)] * (devices.dead_ms // TICK_MS + 1))
        self._share = TICK_MS / (devices.tau_ms + TICK_MS)
        self._most = devices.slew_w_s * TICK_MS / 1000 if devices.slew_w_s else float(WMAX_W)
        self.w = min(sun_w, float(WMAX_W))

    def tick(self, cap_w: float, sun_w: float) -> float:
        """Live for 100 ms under the cap that stands now; returns the output in W."""
        self._orders.append(cap_w)
        self._orders.popleft()
        cap = self._orders[0]
        move = (cap - self.w) * self._share if cap < sun_w else sun_w - self.w
        self.w += max(-self._most, min(self._most, move))
        self.w = max(0.0, min(self.w, sun_w))
        return self.w


class Meter:
    """A value every so often, already old when it appears."""

    def __init__(self, devices: Devices):
        """No value yet."""
        self._lost, self._rng = devices.lost, random.Random(99)
        self._every = devices.meter_ms // TICK_MS
        self._past = deque(maxlen=devices.meter_age_ms // TICK_MS + 1)
        self.sample = None

    def tick(self, i: int, export_w: float) -> None:
        """What flows in tick i."""
        self._past.append(int(export_w))
        if i % self._every == 0 and self._rng.random() >= self._lost:
            self.sample = (i * TICK_MS, self._past[0])


class Books:
    """What is counted: above the limit and its tolerance, and lawful energy not made."""

    def __init__(self):
        """Empty."""
        self.over_s = self.longest_s = 0.0
        self.over_wh = self.curtailed_wh = self.strict_wh = self.strict_s = 0.0
        self.written = []                   # when each write came, in ms
        self._run = 0

    def note(self, limit_w: float, sun_w: float, load_w: float, pv_w: float) -> None:
        """One tick."""
        over = pv_w - load_w - limit_w
        if over > 0:
            self.strict_s += TICK_MS / 1000
            self.strict_wh += over / WH
        if over > TOLERANCE_W:
            self.over_s += TICK_MS / 1000
            self.over_wh += over / WH
            self._run += 1
            self.longest_s = max(self.longest_s, self._run * TICK_MS / 1000)
        else:
            self._run = 0
        self.curtailed_wh += max(0.0, min(sun_w, max(0.0, load_w + limit_w)) - pv_w) / WH

    def add(self, other: Books) -> None:
        """Another run on top of this one; the longest stays the longest."""
        for name in ("over_s", "over_wh", "curtailed_wh", "strict_wh", "strict_s", "written"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest_s = max(self.longest_s, other.longest_s)

    @property
    def writes(self) -> int:
        """How many came."""
        return len(self.written)

    def most_in(self, ms: int) -> int:
        """The most writes within less than that time of one run."""
        return max((bisect_left(self.written, t + ms) - i for i, t in enumerate(self.written)),
                   default=0)

    @property
    def score(self) -> float:
        """J: 10 for each Wh above the limit, 1 for each Wh lost, 0.005 for each write."""
        return 10 * self.over_wh + self.curtailed_wh + 0.005 * self.writes


def run(law, day, devices: Devices, limit_w: float, count_from_s: float = 0,
        books: Books | None = None) -> Books:
    """Live through a day under a law; the books (new ones) are open from `count_from_s` on."""
    inverter, meter, books = Inverter(devices, day.sun[0]), Meter(devices), books or Books()
    cap, seen, rng = WMAX_W, None, random.Random(98)
    asks, reads = ASK_MS // TICK_MS, devices.inverter_ms // TICK_MS
    first = int(count_from_s * 1000 / TICK_MS)
    for i, (sun, load) in enumerate(zip(day.sun, day.load)):
        pv = inverter.tick(cap, sun)
        meter.tick(i, pv - load)
        if i % reads == 0 and rng.random() >= devices.null:
            seen = (i * TICK_MS, int(pv))
        if i % asks == 0:
            said = law.step(i * TICK_MS, meter.sample, seen, limit_w)
            if said is not None:
                said = max(0, min(WMAX_W, int(said)))
                said -= said % devices.step_w
                if said != cap and i >= first:
                    books.written.append(i * TICK_MS)
                cap = said
        if i >= first:
            books.note(limit_w, sun, load, pv)
    return books
