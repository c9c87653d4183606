"""The plant: panels, inverters that obey late and slowly, a battery, a house, in 100 ms ticks.

Enters: a profile and, through the power stages, orders.  Leaves: the true powers at the last tick.
Site power is load minus generation: import positive, export negative; a battery's discharge is
generation, a controllable load is load.

    plant = Plant(profile, wmax_w=10000)
    plant.cap(2500)          # acts dead_ms later, then by the lag of tau_ms
    plant.tick()

Limit: one battery, one controllable load; the grid is there or not (`alive`), nothing between.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from tools.site.machine import TICK_MS, Cell, Flex, Machine
from tools.site.profile import Profile
from tools.site.waves import Waves

_SHARES = {1: (1.0, 0.0, 0.0), 3: (0.5, 0.3, 0.2)}
_EVEN = {1: (1.0, 0.0, 0.0), 3: (1 / 3, 1 / 3, 1 / 3)}
_LOAD_TAN = 0.15
_SOURCE_TAN = 0.01


@dataclass(slots=True)
class Instant:
    """What a device measures at one moment: W, var, V, Hz, Wh; phases in order."""

    watts: float = 0.0
    vars: float = 0.0
    volts: tuple[float, ...] = (0.0, 0.0, 0.0)
    hertz: float = 0.0
    phases_w: tuple[float, ...] = (0.0, 0.0, 0.0)
    phases_var: tuple[float, ...] = (0.0, 0.0, 0.0)
    export_wh: float = 0.0
    import_wh: float = 0.0


class Plant:
    """Everything behind one connection point; all powers are floats in W."""

    def __init__(self, profile: Profile | Waves, wmax_w: int = 10000, dead_ms: int = 400,
                 tau_ms: int = 800, slew_w_s: float | None = None, noise_w: float = 15,
                 reconnect_s: float = 60, seed: int = 1, machines: list[Machine] | None = None,
                 shares: list[float] | None = None, cell: Cell | None = None,
                 host: Machine | None = None, flex: Flex | None = None,
                 want_w: float | None = None, phases: int = 3):
        """Start at tick 0, uncapped and connected, at the power that the sun then gives.

        `machines` with `shares` of the sun replace the one inverter of the arguments before;
        `host` is the inverter in which the battery `cell` is.
        """
        self._profile = profile
        self._waves = profile if isinstance(profile, Waves) else None
        sun = profile.pv_w(0.0)
        self.machines = [Machine(wmax_w, dead_ms, tau_ms, slew_w_s, reconnect_s, sun_w=sun)] \
            if machines is None else machines
        self._shares = [1.0] * len(self.machines) if shares is None else shares
        self.wmax_w = sum(m.wmax_w for m in self.machines)
        self.cell, self._host, self.flex = cell, host, flex
        self._want_w = want_w
        self.phases = phases
        self._noise_w = noise_w
        self._rng = random.Random(seed)
        self.ticks = 0
        self.alive = True
        self.load_w = profile.load_w(0.0)
        self.freq_hz = 50.0
        self._drift_v = 0.0
        self._sum()

    def _sum(self) -> None:
        self.pv_available_w = self.pv_w = self.effective_w = 0.0
        for machine in self.machines:
            self.pv_available_w += machine.available_w
            self.pv_w += machine.w
            self.effective_w += machine.effective_w
        self.battery_w = self.cell.w if self.cell else 0.0
        self.flex_w = self.flex.w if self.flex else 0.0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self.ticks * TICK_MS / 1000

    @property
    def site_w(self) -> float:
        """Power at the connection point: import positive."""
        return self.load_w + self.flex_w - self.pv_w - self.battery_w

    def cap(self, watts: float, connect: bool = True) -> None:
        """Order the first inverter to at most `watts` (or off the grid), after its dead time."""
        self.machines[0].order(watts, connect)

    def tick(self) -> None:
        """Live for 100 ms."""
        self.ticks += 1
        t = self.ticks * TICK_MS / 1000
        sun = self._profile.pv_w(t)
        for machine, share in zip(self.machines, self._shares):
            machine.tick(sun * share)
        noise = self._rng.uniform(-self._noise_w, self._noise_w)
        load = self._profile.load_w(t)
        self.load_w = load if self._waves else max(load + noise, 0.0)
        if not self.alive:
            self.load_w = 0.0
        if self.flex:
            want = self._waves.want_w(t) if self._waves else None
            want = self._want_w if want is None else want
            self.flex.tick(self.flex.rated_w if want is None else want)
        self._sum()
        if self.cell:
            host = self._host
            self.cell.tick(self.site_w, max(host.effective_w - host.w, 0.0) if host
                           else math.inf)
            self.battery_w = self.cell.w
        self._grid(t)

    def _grid(self, t: float) -> None:
        """Frequency and voltage wander a little; export lifts the voltage."""
        wander = 0.02 * math.sin(t / 37) + 0.01 * math.sin(t / 5.3)
        self.freq_hz = 50 + wander + self._rng.uniform(-0.003, 0.003)
        self._drift_v = 1.5 * math.sin(t / 90) + self._rng.uniform(-0.2, 0.2)
        if self._waves:
            self.freq_hz = self._waves.hertz(t)
        if not self.alive:
            self.freq_hz = 0.0

    def volts(self) -> tuple[float, ...]:
        """Voltages of the three phases to neutral."""
        if not self.alive:
            return (0.0, 0.0, 0.0)
        if self._waves:
            return self._waves.volts(self.seconds)
        middle = 230 + self._drift_v - self.site_w / 3 / 230 * 0.3
        return (middle, middle - 0.8, middle + 0.6)

    def source_var(self, watts: float) -> float:
        """Reactive power that generation of `watts` injects."""
        if self._waves and self.pv_w:
            return self._waves.source_var(self.seconds) * watts / self.pv_w
        return watts * _SOURCE_TAN if self._waves is None else 0.0

    def connection(self, export_wh: float, import_wh: float) -> Instant:
        """What is true at the connection point now; half of the load is on phase A."""
        made = self.pv_w + self.battery_w - self.flex_w
        even, load = _EVEN[self.phases], self.load_w
        if self._waves and self.alive:
            t = self.seconds
            loads, load_vars = self._waves.load_phases(t), self._waves.load_vars(t)
            made_var = self._waves.source_var(t)
        else:
            loads = [load * part for part in _SHARES[self.phases]]
            load_vars = [w * _LOAD_TAN for w in loads]
            made_var = (self.pv_w + self.battery_w) * _SOURCE_TAN
        a, b, c = even
        watts = (loads[0] - made * a, loads[1] - made * b, loads[2] - made * c)
        reactive = (load_vars[0] - made_var * a, load_vars[1] - made_var * b,
                    load_vars[2] - made_var * c)
        return Instant(sum(watts), sum(reactive), self.volts(), self.freq_hz, watts, reactive,
                       export_wh, import_wh)

    def source(self, watts: float, phases: int, out_wh: float, in_wh: float) -> Instant:
        """What stands at the terminals of a source that gives `watts`."""
        a, b, c = _EVEN[phases]
        made_var = self.source_var(watts)
        return Instant(watts, made_var, self.volts(), self.freq_hz,
                       (watts * a, watts * b, watts * c),
                       (made_var * a, made_var * b, made_var * c), out_wh, in_wh)
