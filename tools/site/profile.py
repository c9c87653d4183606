"""What the day does to the site: the sun on the roof and the load in the house, over time.

Enters: breakpoints from a script, or a seed.  Leaves: PV watts available and load watts at any
instant, the same for the same seed however often and in whatever order they are asked.

    profile = profile_from({"pv_w": [[0, 8000], [60, 8000], [64, 2500]], "load_w": [[0, 400]]})
    profile.pv_w(62.0)      # 5250.0, on the cloud's edge
"""

from __future__ import annotations

import random
from bisect import bisect_right

HOURS = 24
_LEVELS = (0.95, 1.0, 0.9, 0.25, 0.4, 0.6)
_APPLIANCES_W = (800, 1200, 2000, 2400, 3600)
_HOB_PERIODS_S = (0, 0, 0, 6, 30)


class Profile:
    """PV power as a line through points, load as steps; both hold their last value for ever."""

    def __init__(self, pv, load, repeat_s: float | None = None):
        """Take lists of (second, W), ascending; `repeat_s` starts both again after that time."""
        self._pv = _checked(pv, "pv_w")
        self._load = _checked(load, "load_w")
        self._pv_times = [t for t, _ in self._pv]
        self._load_times = [t for t, _ in self._load]
        self._repeat_s = repeat_s

    def _wrapped(self, t: float) -> float:
        return t % self._repeat_s if self._repeat_s else t

    def pv_w(self, t: float) -> float:
        """Watts that the panels could give at second `t`."""
        t = self._wrapped(t)
        i = bisect_right(self._pv_times, t)
        if i == 0:
            return self._pv[0][1]
        if i == len(self._pv):
            return self._pv[-1][1]
        (t0, w0), (t1, w1) = self._pv[i - 1], self._pv[i]
        return w0 + (w1 - w0) * (t - t0) / (t1 - t0)

    def load_w(self, t: float) -> float:
        """Watts that the house draws at second `t`, without the small noise the plant adds."""
        i = bisect_right(self._load_times, self._wrapped(t))
        return self._load[max(i - 1, 0)][1]

    def mean(self, name: str, t0: float, t1: float) -> float:
        """Mean of pv_w, load_w or site_w (while the inverters follow the sun), noise apart."""
        factor = {"pv_w": (1, 0), "load_w": (0, 1), "site_w": (-1, 1)}[name]
        cuts = sorted({t0, t1, *(t for t in self._breaks(t0, t1) if t0 < t < t1)})
        total = 0.0
        for a, b in zip(cuts, cuts[1:]):    # nothing bends between two cuts
            middle = (a + b) / 2
            total += (b - a) * (factor[0] * self.pv_w(middle) + factor[1] * self.load_w(middle))
        return total / (t1 - t0)

    def _breaks(self, t0: float, t1: float):
        """Instants at which sun or load may bend."""
        if not self._repeat_s:
            yield from (*self._pv_times, *self._load_times)
            return
        for k in range(int(t0 // self._repeat_s), int(t1 // self._repeat_s) + 1):
            for t in (0.0, *self._pv_times, *self._load_times):
                if t < self._repeat_s:
                    yield k * self._repeat_s + t


def _checked(points, what: str) -> list[tuple[float, float]]:
    """The points as floats; ValueError unless there is one and times ascend."""
    made = [(float(t), float(w)) for t, w in points]
    if not made:
        raise ValueError(f"{what}: no points")
    if any(b[0] < a[0] for a, b in zip(made, made[1:])):
        raise ValueError(f"{what}: times must ascend")
    if any(w < 0 for _, w in made):
        raise ValueError(f"{what}: watts must not be negative")
    return made


def profile_from(script: dict) -> Profile:
    """A profile of a script: `pv_w` and `load_w` (lists of [s, W]), `repeat_s` where wanted."""
    unknown = set(script) - {"pv_w", "load_w", "repeat_s"}
    if unknown:
        raise ValueError(f"unknown keys in the script: {', '.join(sorted(unknown))}")
    return Profile(script["pv_w"], script["load_w"], script.get("repeat_s"))


def random_profile(seed: int, wmax_w: int, base_w: int = 300) -> Profile:
    """A day of clouds and appliances of that seed: a hard one for any law."""
    return Profile(_clouds(random.Random(seed), wmax_w),
                   _appliances(random.Random(seed + 1), base_w))


def _clouds(rng: random.Random, wmax_w: int) -> list[tuple[float, float]]:
    """Levels held for 10 to 180 s, joined by edges of 1 to 6 s."""
    t, level = 0.0, 0.95
    points = [(t, level * wmax_w)]
    while t < HOURS * 3600:
        t += rng.uniform(10, 180)
        points.append((t, level * wmax_w))
        level = rng.choice(_LEVELS)
        t += rng.uniform(1, 6)
        points.append((t, level * wmax_w))
    return points


def _appliances(rng: random.Random, base_w: int) -> list[tuple[float, float]]:
    """Base load and appliances about every 80 s, some of them hobs that cycle on and off."""
    changes: list[tuple[float, float]] = []
    t = 0.0
    while t < HOURS * 3600:
        t += rng.expovariate(1 / 80)
        watts, half = rng.choice(_APPLIANCES_W), rng.choice(_HOB_PERIODS_S)
        end = t + rng.uniform(10, 300)
        if not half:
            changes += [(t, watts), (end, -watts)]
            continue
        on = t
        while on < end:
            changes += [(on, watts), (min(on + half, end), -watts)]
            on += 2 * half
    changes.sort()
    total, points = float(base_w), [(0.0, float(base_w))]
    for when, delta in changes:
        total += delta
        points.append((when, max(total, 0.0)))
    return points
