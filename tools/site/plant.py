"""The plant: panels, an inverter that obeys late and slowly, and a house, in ticks of 100 ms.

Enters: a profile and, from the inverter's registers, a cap and a contactor.  Leaves: the true
powers at the last tick.  Site power is load minus PV: import positive, export negative.

    plant = Plant(profile, wmax_w=10000)
    plant.cap(2500)          # acts dead_ms later, then by the lag of tau_ms
    plant.tick()

An output above what the sun gives falls at once: panels store nothing.
"""

from __future__ import annotations

import math
import random
from collections import deque

from tools.site.profile import Profile

TICK_MS = 100


class Plant:
    """One inverter behind one connection point; all powers are floats in W."""

    def __init__(self, profile: Profile, wmax_w: int = 10000, dead_ms: int = 400,
                 tau_ms: int = 800, slew_w_s: float | None = None, noise_w: float = 15,
                 reconnect_s: float = 60, seed: int = 1):
        """Start at tick 0, uncapped and connected, at the power that the sun then gives."""
        self.wmax_w = wmax_w
        self._profile = profile
        self._lag = TICK_MS / (tau_ms + TICK_MS)
        self._slew_w = slew_w_s * TICK_MS / 1000 if slew_w_s else None
        self._noise_w = noise_w
        self._reconnect_ticks = int(reconnect_s * 1000 / TICK_MS)
        self._rng = random.Random(seed)
        self._orders = deque([(float(wmax_w), True)] * (dead_ms // TICK_MS + 1))
        self._order = (float(wmax_w), True)
        self._wait = 0
        self.ticks = 0
        self.connected = True
        self.effective_w = float(wmax_w)
        self.pv_available_w = profile.pv_w(0.0)
        self.pv_w = min(self.pv_available_w, float(wmax_w))
        self.load_w = profile.load_w(0.0)
        self.freq_hz = 50.0
        self._drift_v = 0.0

    @property
    def site_w(self) -> float:
        """Power at the connection point: import positive."""
        return self.load_w - self.pv_w

    @property
    def throttled(self) -> bool:
        """Whether the cap, not the sun, decides the output."""
        return self.connected and self.effective_w < self.pv_available_w

    def cap(self, watts: float, connect: bool = True) -> None:
        """Order an output of at most `watts` (or off the grid); acts after the dead time."""
        self._order = (min(max(watts, 0.0), float(self.wmax_w)), connect)

    def tick(self) -> None:
        """Live for 100 ms."""
        self.ticks += 1
        t = self.ticks * TICK_MS / 1000
        self._orders.append(self._order)
        self._orders.popleft()
        self.effective_w, connect = self._orders[0]
        self._contactor(connect)
        self.pv_available_w = self._profile.pv_w(t)
        self._generate()
        noise = self._rng.uniform(-self._noise_w, self._noise_w)
        self.load_w = max(self._profile.load_w(t) + noise, 0.0)
        self._grid(t)

    def _contactor(self, connect: bool) -> None:
        """Open at once; close after the reconnection time."""
        if not connect:
            self.connected, self._wait = False, self._reconnect_ticks
        elif not self.connected:
            self._wait -= 1
            self.connected = self._wait <= 0

    def _generate(self) -> None:
        """First-order lag towards the cap or the sun, whichever is less; slew where set."""
        if not self.connected:
            self.pv_w = 0.0
            return
        change = (min(self.pv_available_w, self.effective_w) - self.pv_w) * self._lag
        if self._slew_w is not None:
            change = max(-self._slew_w, min(self._slew_w, change))
        self.pv_w = min(max(self.pv_w + change, 0.0), self.pv_available_w)

    def _grid(self, t: float) -> None:
        """Frequency and voltage wander a little; export lifts the voltage."""
        wander = 0.02 * math.sin(t / 37) + 0.01 * math.sin(t / 5.3)
        self.freq_hz = 50 + wander + self._rng.uniform(-0.003, 0.003)
        self._drift_v = 1.5 * math.sin(t / 90) + self._rng.uniform(-0.2, 0.2)

    def volts(self) -> tuple[float, float, float]:
        """Voltages of the three phases to neutral."""
        rise = -self.site_w / 3 / 230 * 0.3
        return tuple(230 + self._drift_v + rise + skew for skew in (0.0, -0.8, 0.6))
