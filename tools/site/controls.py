"""What masters may write: the settable points of models 123, 124, 703 and 704, and their timers.

Enters: writes of whole points, time.  Leaves: what the points read, what is in force.

    controls = Controls((1, 103, 120, 121, 122, 123))
    controls.write(123, 5, [2500, 0, 0, 0, 1], now=0.0, faults={})      # 0, or the exception code
    controls.get(123, "WMaxLimPct")

A write that touches anything else, or half of a point, is refused whole.  Percents are 1/100 % in
all of them.  Reversion: of 123 and 124 it lifts the limit; of 704 it puts the Rvrt value in force.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.site.layout import decode, layout

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE, BUSY = 1, 2, 3, 4, 6
PCT_FULL = 10000
DAY_S = 86400
_W_MAX = 2_000_000

# Model -> point -> (least, largest, at first).
WRITABLE = {
    123: {"Conn": (0, 1, 1), "WMaxLimPct": (0, PCT_FULL, PCT_FULL), "WMaxLimPct_WinTms": (0, 0, 0),
          "WMaxLimPct_RvrtTms": (0, 28800, 0), "WMaxLimPct_RmpTms": (0, 0, 0),
          "WMaxLim_Ena": (0, 1, 0)},
    124: {"StorCtl_Mod": (0, 3, 0), "MinRsvPct": (0, PCT_FULL, 500),
          "OutWRte": (-PCT_FULL, PCT_FULL, PCT_FULL), "InWRte": (-PCT_FULL, PCT_FULL, PCT_FULL),
          "InOutWRte_RvrtTms": (0, DAY_S >> 1, 0), "ChaGriSet": (0, 1, 1)},
    703: {"ES": (0, 1, 1)},
    704: {"WMaxLimPctEna": (0, 1, 0), "WMaxLimPct": (0, PCT_FULL, PCT_FULL),
          "WMaxLimPctRvrt": (0, PCT_FULL, PCT_FULL), "WMaxLimPctEnaRvrt": (0, 1, 0),
          "WMaxLimPctRvrtTms": (0, DAY_S, 0),
          "WSetEna": (0, 1, 0), "WSetMod": (0, 1, 1), "WSet": (-_W_MAX, _W_MAX, 0),
          "WSetRvrt": (-_W_MAX, _W_MAX, 0), "WSetPct": (-PCT_FULL, PCT_FULL, 0),
          "WSetPctRvrt": (-PCT_FULL, PCT_FULL, 0), "WSetEnaRvrt": (0, 1, 0),
          "WSetRvrtTms": (0, DAY_S, 0), "WRmp": (0, 1000, 1000)},
}
# Model -> its limit in percent and that limit's enable.
LIMITS = {123: ("WMaxLimPct", "WMaxLim_Ena"), 704: ("WMaxLimPct", "WMaxLimPctEna")}
_NO_RVRT = ("WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms", "WMaxLimPct_RmpTms")


@dataclass(frozen=True, eq=False)
class Timer:
    """A reversion timer: started by a write of one of `restarts` while `ena` is not 0."""

    model: int
    tms: str
    ena: str
    restarts: tuple[str, ...]
    after: dict     # point -> what it becomes: a number, or the name of another point
    rem: str | None = None


TIMERS = (
    Timer(123, "WMaxLimPct_RvrtTms", "WMaxLim_Ena", ("WMaxLimPct", "WMaxLim_Ena"),
          {"WMaxLim_Ena": 0}),
    Timer(124, "InOutWRte_RvrtTms", "StorCtl_Mod", ("StorCtl_Mod", "InWRte", "OutWRte"),
          {"StorCtl_Mod": 0}),
    Timer(704, "WMaxLimPctRvrtTms", "WMaxLimPctEna", ("WMaxLimPct", "WMaxLimPctEna"),
          {"WMaxLimPct": "WMaxLimPctRvrt", "WMaxLimPctEna": "WMaxLimPctEnaRvrt"},
          "WMaxLimPctRvrtRem"),
    Timer(704, "WSetRvrtTms", "WSetEna", ("WSet", "WSetPct", "WSetEna"),
          {"WSet": "WSetRvrt", "WSetPct": "WSetPctRvrt", "WSetEna": "WSetEnaRvrt"},
          "WSetRvrtRem"),
)


class Controls:
    """The settable points of one chain."""

    def __init__(self, models: tuple[int, ...], pct: int = PCT_FULL, ena: int = 0):
        """As the device leaves the factory, or with the installer's limit."""
        self.models = tuple(m for m in models if m in WRITABLE)
        self._values = {(m, name): rule[2] for m in self.models
                        for name, rule in WRITABLE[m].items()}
        self._acting: dict[int, tuple[int, int]] = {}
        self._ends: dict[Timer, float] = {}
        self._written_at = float("-inf")
        self.version = 0            # counts changes
        for model in LIMITS:
            if model in self.models:
                self.set_limit(model, pct, ena)

    def get(self, model: int, name: str) -> int:
        """What the point reads."""
        return self._values[model, name]

    def acting(self, model: int) -> tuple[int, int]:
        """(1/100 %, enable) of the limit that is in force, which need not be what it reads."""
        return self._acting[model]

    def set_limit(self, model: int, pct: int, ena: int) -> None:
        """What a hand at the device's own menu does."""
        self.version += 1
        for name, value in zip(LIMITS[model], (pct, ena)):
            self._values[model, name] = value
        self._acting[model] = pct, ena

    def put(self, model: int, name: str, value: int) -> None:
        """The same for any point."""
        self.version += 1
        self._values[model, name] = value
        if model in LIMITS and name in LIMITS[model]:
            self.set_limit(model, *(self._values[model, n] for n in LIMITS[model]))

    def values(self, model: int, now: float, no_rvrt: int = 0) -> dict[str, int | None]:
        """All settable points of a model and what its timers still have, for its layout."""
        made = {name: self._values[model, name] for name in WRITABLE[model]}
        if no_rvrt and model == 123:
            made.update(dict.fromkeys(_NO_RVRT))
        for timer in TIMERS:
            if timer.model == model and timer.rem:
                made[timer.rem] = max(round(self._ends.get(timer, now) - now), 0)
        return made

    def tick(self, now: float) -> None:
        """Let timers expire."""
        if not self._ends:
            return
        for timer in [t for t, end in self._ends.items() if now >= end]:
            del self._ends[timer]
            after = {name: self._values[timer.model, to] if isinstance(to, str) else to
                     for name, to in timer.after.items()}
            for name, value in after.items():
                self.put(timer.model, name, value)

    def write(self, model: int, offset: int, words: list[int], now: float, faults) -> int:
        """Write whole points or nothing: 0, or the exception code.  `faults(name)`: its value."""
        asked, code = self._asked(model, offset, words, faults("no_rvrt"), faults("pct_tenths"))
        if code:
            return code
        limit = LIMITS.get(model, ())
        if any(name in asked for name in limit):
            code = self._refused(asked.get(limit[0]), now, faults)
            if code:
                return code
            self._written_at = now
        self.version += 1
        before = self._values.copy()
        for name, value in asked.items():
            self._values[model, name] = value
        if limit:
            self._act(model, before, faults)
        for timer in TIMERS:
            if timer.model == model and any(name in asked for name in timer.restarts):
                self._ends.pop(timer, None)
                tms = self._values[model, timer.tms]
                if tms and self._values[model, timer.ena]:
                    self._ends[timer] = now + tms
        return 0

    def _asked(self, model, offset, words, no_rvrt, tenths) -> tuple[dict[str, int], int]:
        """Points and raw numbers of a write, or the code of its refusal."""
        asked, at = {}, 0
        while at < len(words):
            point = layout(model).at(offset + at)
            name = point.name if point else ""
            rule = WRITABLE.get(model, {}).get(name)
            if rule is None or at + point.size > len(words) or \
                    (no_rvrt and name in _NO_RVRT):
                return {}, ILLEGAL_ADDRESS
            value = decode(point, words[at:at + point.size])
            if tenths and (model, name) == (123, "WMaxLimPct"):
                value *= 10
            if not rule[0] <= value <= rule[1]:
                return {}, ILLEGAL_VALUE
            asked[name] = value
            at += point.size
        return asked, 0

    def _refused(self, pct: int | None, now: float, faults) -> int:
        """The code with which a quirk refuses this limit, or 0."""
        if pct is not None and pct < 100 * faults("floor_refused"):
            return ILLEGAL_VALUE
        if (now - self._written_at) * 1000 < faults("write_gap_ms"):
            return BUSY
        return 0

    def _act(self, model: int, before: dict, faults) -> None:
        """Put what was written in force, as far as the quirks let it."""
        pct, ena = (self._values[model, name] for name in LIMITS[model])
        acting = self._acting[model]
        if faults("needs_toggle") and ena and before[model, LIMITS[model][1]]:
            pct = acting[0]
        if abs(pct - acting[0]) < faults("min_step"):
            pct = acting[0]
        self._acting[model] = pct, ena
