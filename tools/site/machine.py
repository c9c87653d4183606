"""The power stages: an inverter on its panels, a battery on its cells, a load that can be limited.

Enters: orders, and each tick (100 ms) the sun, the demand, the rest of the site.  Leaves: `w`.
Orders act after a dead time and then by a first-order lag.

    stage = Machine(wmax_w=10000)
    stage.order(2500.0, True)
    stage.tick(sun_w=8000.0)            # stage.w, stage.connected

An output above what the sun gives falls at once: panels store nothing.  After a release the
contactor stays open for the reconnection time, and where a ramp is set (AS/NZS 4777.2: 16 % of the
rating a minute) the output then rises no faster.
"""

from __future__ import annotations

import random
from collections import deque

TICK_MS = 100
_TICKS_MIN = 60_000 // TICK_MS
_HOUR_TICKS = 3_600_000 // TICK_MS


def _lag(tau_ms: float) -> float:
    return TICK_MS / (tau_ms + TICK_MS)


class Delay:
    """Orders in, the same orders `ticks` later out; `ticks` may change."""

    def __init__(self, first, dead_ms: int):
        """`first` stands until something else was ordered and is due."""
        self.value = self._last = first
        self.ticks = dead_ms // TICK_MS
        self._due: deque = deque()

    def put(self, now: int, order, more_ms: int = 0) -> None:
        """Give the order that stands at tick `now`; `more_ms` is added to the dead time."""
        if order != self._last:
            self._last = order
            self._due.append((now + self.ticks + more_ms // TICK_MS, order))
        while self._due and self._due[0][0] <= now:
            self.value = self._due.popleft()[1]


class Contactor:
    """Opens at once; closes `reconnect_s` after its release, then lifts a ceiling by a ramp."""

    def __init__(self, wmax_w: float, reconnect_s: float, ramp_pct_min: float | None):
        """Closed, without a ceiling."""
        self._ticks = int(reconnect_s * 1000 / TICK_MS)
        self._step = wmax_w * ramp_pct_min / 100 / _TICKS_MIN if ramp_pct_min else float(wmax_w)
        self.closed, self.wait = True, 0
        self.ceiling_w = self._top = float(wmax_w)

    def tick(self, wanted: bool) -> bool:
        """Whether it is closed in this tick."""
        if not wanted:
            self.closed, self.wait = False, self._ticks
        elif not self.closed:
            self.wait -= 1
            self.closed = self.wait <= 0
            self.ceiling_w = 0.0
        if self.closed and self.ceiling_w < self._top:
            self.ceiling_w = min(self.ceiling_w + self._step, self._top)
        return self.closed


class Machine:
    """An inverter's power stage; powers are floats in W, generation positive."""

    def __init__(self, wmax_w: int = 10000, dead_ms: int = 400, tau_ms: int = 800,
                 slew_w_s: float | None = None, reconnect_s: float = 60,
                 ramp_pct_min: float | None = None, noise_w: float = 0, sun_w: float = 0.0,
                 seed: int = 1):
        """Uncapped and connected, at the power that `sun_w` gives."""
        self.wmax_w = wmax_w
        self._slew_w = slew_w_s * TICK_MS / 1000 if slew_w_s else None
        self._lag = _lag(tau_ms)
        self._noise_w, self._rng = noise_w, random.Random(seed)
        self._delay = Delay((float(wmax_w), True), dead_ms)
        self._order = (float(wmax_w), True)
        self.contactor = Contactor(wmax_w, reconnect_s, ramp_pct_min)
        self._ticks = self._more_ms = 0
        self.alive = True               # the grid is there and its own switch is on
        self.sunny = True               # its DC source is there
        self.effective_w = float(wmax_w)
        self.available_w = sun_w
        self.w = min(sun_w, float(wmax_w))

    @property
    def connected(self) -> bool:
        """Whether it is on the grid."""
        return self.contactor.closed

    @property
    def throttled(self) -> bool:
        """Whether the cap, not the sun, decides the output."""
        return self.connected and self.effective_w < self.available_w

    def order(self, watts: float, connect: bool = True, more_ms: int = 0) -> None:
        """An output of at most `watts` (or off the grid) from the next tick on."""
        self._order = (min(max(watts, 0.0), float(self.wmax_w)), connect)
        self._more_ms = more_ms

    def tick(self, sun_w: float) -> None:
        """Live for 100 ms."""
        self._ticks += 1
        self._delay.put(self._ticks, self._order, self._more_ms)
        self.effective_w, connect = self._delay.value
        closed = self.contactor.tick(connect and self.alive)
        self.available_w = sun_w if self.sunny else 0.0
        if self._noise_w:
            noise = self._rng.uniform(-self._noise_w, self._noise_w)
            self.available_w = max(self.available_w + noise, 0.0)
        if not closed:
            self.w = 0.0
            return
        wanted = min(self.available_w, self.effective_w, self.contactor.ceiling_w)
        change = (wanted - self.w) * self._lag
        if self._slew_w is not None:
            change = max(-self._slew_w, min(self._slew_w, change))
        self.w = min(max(self.w + change, 0.0), self.available_w)


class Cell:
    """A battery with its converter; discharge is positive."""

    def __init__(self, capacity_wh: float = 10000, soc_pct: float = 50, reserve_pct: float = 5,
                 charge_w: float = 5000, discharge_w: float = 5000, follows: bool = True,
                 dead_ms: int = 400, tau_ms: int = 1000, efficiency: float = 0.95,
                 reconnect_s: float = 60, ramp_pct_min: float | None = None):
        """At rest; `follows`: left alone it holds the connection point at 0 W."""
        self.capacity_wh, self.wh = float(capacity_wh), capacity_wh * soc_pct / 100
        self.reserve_wh = capacity_wh * reserve_pct / 100
        self.charge_w, self.discharge_w = float(charge_w), float(discharge_w)
        self.follows = follows
        self._efficiency, self._lag = efficiency, _lag(tau_ms)
        first = (True, -self.charge_w, self.discharge_w, None)
        self._delay, self._order = Delay(first, dead_ms), first
        self.contactor = Contactor(max(charge_w, discharge_w), reconnect_s, ramp_pct_min)
        self._ticks = self._more_ms = 0
        self.alive = True
        self.w = 0.0

    @property
    def soc_pct(self) -> float:
        """State of charge."""
        return 100 * self.wh / self.capacity_wh

    def order(self, connect: bool, low_w: float, high_w: float, target_w: float | None = None,
              more_ms: int = 0) -> None:
        """Stay between `low_w` (charge is negative) and `high_w`; run at `target_w` if given."""
        self._order = (connect, low_w, high_w, target_w)
        self._more_ms = more_ms

    def tick(self, site_w: float, top_w: float = float("inf")) -> None:
        """Live for 100 ms; `site_w` is what its meter shows, `top_w` the most it may give."""
        self._ticks += 1
        self._delay.put(self._ticks, self._order, self._more_ms)
        connect, low, high, target = self._delay.value
        if not self.contactor.tick(connect and self.alive):
            self.w = 0.0
            return
        if target is None:
            target = self.w + site_w if self.follows else 0.0
        target = max(low, min(target, high))
        ceiling = self.contactor.ceiling_w
        low = max(-self.charge_w, -ceiling) if self.wh < self.capacity_wh else 0.0
        high = min(self.discharge_w, ceiling, top_w) if self.wh > self.reserve_wh else 0.0
        target = max(low, min(target, high))
        self.w += (target - self.w) * self._lag
        self.w = max(low, min(self.w, high))
        stored = -self.w * self._efficiency if self.w < 0 else -self.w / self._efficiency
        self.wh = min(max(self.wh + stored / _HOUR_TICKS, 0.0), self.capacity_wh)


class Flex:
    """A load that takes what it wants, up to a limit; a relay takes all of it or nothing."""

    def __init__(self, rated_w: float, relay: bool = False, dead_ms: int = 200,
                 tau_ms: int = 500):
        """Off until its first tick."""
        self.rated_w, self._relay, self._lag = float(rated_w), relay, _lag(tau_ms)
        self._delay = Delay(float(rated_w), dead_ms)
        self._order = float(rated_w)
        self._ticks = self._more_ms = 0
        self.alive = True
        self.w = 0.0

    def order(self, limit_w: float, more_ms: int = 0) -> None:
        """Draw at most so much."""
        self._order, self._more_ms = float(limit_w), more_ms

    def tick(self, want_w: float) -> None:
        """Live for 100 ms."""
        self._ticks += 1
        self._delay.put(self._ticks, self._order, self._more_ms)
        want = min(want_w, self.rated_w) if self.alive else 0.0
        if self._relay:
            self.w = want if self._delay.value >= want else 0.0
        else:
            self.w += (min(want, self._delay.value) - self.w) * self._lag
            if not self.alive:
                self.w = 0.0
