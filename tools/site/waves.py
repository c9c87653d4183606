"""Known waveforms for sun, load, reactive power, voltage and frequency, with exact means.

Enters: one wave for each quantity.  Leaves: a profile for the site, and its closed forms, with
which a test compares what was posted.

    profile = Waves(load_w=(Sine(2000, 500, 60), Constant(300), Ramp(0, 1)), volts=230)
    profile.mean("site_w_a", 300, 600), profile.rms("v_b", 300, 600), profile.range("hz", 0, 60)

Times are seconds since the site's start.  Limit: means of the site hold where the inverters follow
the sun (no cap in force, tau_ms 0) and neither battery nor controllable load is fitted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_PHASES = "abc"


@dataclass(frozen=True)
class Constant:
    """Always `level`."""

    level: float

    def at(self, t: float) -> float:
        """Value at second t."""
        return self.level

    def integral(self, t: float, power: int = 1) -> float:
        """Integral of the value (or of its square, `power` 2) from 0 to t."""
        return self.level ** power * t

    def extremes(self, _t0: float, _t1: float) -> list[float]:
        """Values among which the least and the largest of that time are."""
        return [self.level]


@dataclass(frozen=True)
class Ramp:
    """`start` at second 0, and so much more each second."""

    start: float
    per_s: float

    def at(self, t: float) -> float:
        """Value at second t."""
        return self.start + self.per_s * t

    def integral(self, t: float, power: int = 1) -> float:
        """As Constant's."""
        a, b = self.start, self.per_s
        if power == 1:
            return a * t + b * t * t / 2
        return a * a * t + a * b * t * t + b * b * t ** 3 / 3

    def extremes(self, t0: float, t1: float) -> list[float]:
        """As Constant's."""
        return [self.at(t0), self.at(t1)]


@dataclass(frozen=True)
class Sine:
    """middle + amplitude * sin(2 pi t / period_s + phase)."""

    middle: float
    amplitude: float
    period_s: float
    phase: float = 0.0

    def _angle(self, t: float) -> float:
        return 2 * math.pi * t / self.period_s + self.phase

    def at(self, t: float) -> float:
        """Value at second t."""
        return self.middle + self.amplitude * math.sin(self._angle(t))

    def integral(self, t: float, power: int = 1) -> float:
        """As Constant's."""
        w = 2 * math.pi / self.period_s
        m, a = self.middle, self.amplitude
        turned = (math.cos(self.phase) - math.cos(self._angle(t))) / w
        if power == 1:
            return m * t + a * turned
        twice = (math.sin(2 * self.phase) - math.sin(2 * self._angle(t))) / (4 * w)
        return m * m * t + 2 * m * a * turned + a * a * (t / 2 + twice)

    def extremes(self, t0: float, t1: float) -> list[float]:
        """As Constant's."""
        found = [self.at(t0), self.at(t1)]
        # Quarter turns: 1, 5, 9 ... are tops, 3, 7, 11 ... bottoms.
        first = math.ceil(self._angle(t0) / (math.pi / 2))
        last = math.floor(self._angle(t1) / (math.pi / 2))
        for quarter in range(first, min(last, first + 3) + 1):
            if quarter % 2:
                found.append(self.middle + self.amplitude * (1 if quarter % 4 == 1 else -1))
        return found


@dataclass(frozen=True)
class Square:
    """`high` for the first `duty` of each period, `low` for the rest of it."""

    low: float
    high: float
    period_s: float
    duty: float = 0.5

    def at(self, t: float) -> float:
        """Value at second t."""
        return self.high if t / self.period_s % 1 < self.duty else self.low

    def integral(self, t: float, power: int = 1) -> float:
        """As Constant's."""
        whole, part = divmod(t / self.period_s, 1)
        high = whole * self.duty + min(part, self.duty)
        return self.period_s * (self.high ** power * high
                                + self.low ** power * (whole + part - high))

    def extremes(self, t0: float, t1: float) -> list[float]:
        """As Constant's."""
        found = {self.at(t0), self.at(t1)}
        turns = [(k + d) * self.period_s for k in range(int(t0 // self.period_s),
                 int(t0 // self.period_s) + 3) for d in (0, self.duty)]
        return [*found, *(self.at(t) for t in turns if t0 <= t <= t1)]


class Sum:
    """Waves added with signs and shares; what the connection point sees."""

    def __init__(self, *parts):
        """`parts`: (factor, wave)."""
        self._parts = parts

    def at(self, t: float) -> float:
        """Value at second t."""
        return sum(f * wave.at(t) for f, wave in self._parts)

    def mean(self, t0: float, t1: float) -> float:
        """Mean from t0 to t1."""
        return sum(f * (w.integral(t1) - w.integral(t0)) for f, w in self._parts) / (t1 - t0)


def _wave(said):
    return Constant(said) if isinstance(said, (int, float)) else said


def _three(said, shares):
    """Three waves: as given, or one split by shares (None: the same on each)."""
    if isinstance(said, (tuple, list)):
        return [((1.0, _wave(w)),) for w in said]
    return [((share, _wave(said)),) for share in shares]


class Waves:
    """A profile of known waveforms; numbers count as constants.

    load_w, load_var: one wave (half, three and two tenths of it on the phases) or one a phase;
    volts: one or one a phase; pv_w: what the sun gives; pv_var: of all inverters together; want_w:
    what the controllable load wants (None: its rating).
    """

    def __init__(self, load_w=0, pv_w=0, load_var=0, pv_var=0, volts=230, hertz=50, want_w=None):
        """ValueError unless three waves stand where phases do."""
        for said in (load_w, load_var, volts):
            if isinstance(said, (tuple, list)) and len(said) != 3:
                raise ValueError("one wave, or one for each of three phases")
        shares = (0.5, 0.3, 0.2)
        self._load, self._var = _three(load_w, shares), _three(load_var, shares)
        volts = volts if isinstance(volts, (tuple, list)) else (volts,) * 3
        self._volts, self._hertz = [_wave(v) for v in volts], _wave(hertz)
        self._pv, self._pv_var = _wave(pv_w), _wave(pv_var)
        self._want = None if want_w is None else _wave(want_w)
        self._sums = self._named()

    def _named(self) -> dict[str, Sum]:
        third = 1 / 3
        named = {"pv_w": Sum((1, self._pv)), "pv_var": Sum((1, self._pv_var)),
                 "load_w": Sum(*(p for phase in self._load for p in phase)),
                 "load_var": Sum(*(p for phase in self._var for p in phase)),
                 "hz": Sum((1, self._hertz))}
        for i, letter in enumerate(_PHASES):
            named[f"v_{letter}"] = Sum((1, self._volts[i]))
            named[f"site_w_{letter}"] = Sum(*self._load[i], (-third, self._pv))
            named[f"site_var_{letter}"] = Sum(*self._var[i], (-third, self._pv_var))
        for what in ("w", "var"):
            load = self._load if what == "w" else self._var
            source = self._pv if what == "w" else self._pv_var
            named[f"site_{what}"] = Sum(*(p for phase in load for p in phase), (-1, source))
        return named

    def pv_w(self, t: float) -> float:
        """Watts that the panels could give."""
        return self._pv.at(t)

    def load_w(self, t: float) -> float:
        """Watts that the house draws."""
        return sum(self.load_phases(t))

    def load_phases(self, t: float) -> list[float]:
        """The same for each phase."""
        return [sum(f * w.at(t) for f, w in phase) for phase in self._load]

    def load_vars(self, t: float) -> list[float]:
        """Reactive power of the load, for each phase."""
        return [sum(f * w.at(t) for f, w in phase) for phase in self._var]

    def source_var(self, t: float) -> float:
        """Reactive power that all inverters inject together."""
        return self._pv_var.at(t)

    def volts(self, t: float) -> tuple[float, ...]:
        """Voltage of each phase to neutral."""
        return tuple(wave.at(t) for wave in self._volts)

    def hertz(self, t: float) -> float:
        """Frequency."""
        return self._hertz.at(t)

    def want_w(self, t: float) -> float | None:
        """What the controllable load wants; None leaves it to its rating."""
        return None if self._want is None else self._want.at(t)

    def mean(self, name: str, t0: float, t1: float) -> float:
        """Mean of site_w, site_var (and _a, _b, _c), load_w, load_var, pv_w, pv_var, v_a.., hz."""
        return self._sums[name].mean(t0, t1)

    def rms(self, name: str, t0: float, t1: float) -> float:
        """Root of the mean square of v_a, v_b or v_c."""
        wave = self._volts[_PHASES.index(name[-1])]
        return math.sqrt((wave.integral(t1, 2) - wave.integral(t0, 2)) / (t1 - t0))

    def range(self, name: str, t0: float, t1: float) -> tuple[float, float]:
        """Least and largest of hz, v_a, v_b or v_c."""
        wave = self._hertz if name == "hz" else self._volts[_PHASES.index(name[-1])]
        found = wave.extremes(t0, t1)
        return min(found), max(found)


_KINDS = {"constant": Constant, "ramp": Ramp, "sine": Sine, "square": Square}


def waves_from(script: dict) -> Waves:
    """Waves of a script: {"load_w": {"sine": [2000, 500, 60]}, "volts": [...three...]}."""
    return Waves(**{name: _said(value) for name, value in script.items()})


def _said(value):
    if isinstance(value, list):
        return tuple(_said(v) for v in value)
    if isinstance(value, dict):
        (kind, numbers), = value.items()
        return _KINDS[kind](*numbers)
    return value
