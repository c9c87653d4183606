"""An inverter, a hybrid or a battery: registers in, orders to its power stages, registers out.

Enters: writes, time, the plant.  Leaves: orders, SunSpec models and a maker's own registers.

    inverter.order(now)                     # each tick: registers -> power stage
    inverter.models()                       # [(1, registers), (103, registers), ...]
    inverter.write_model(123, 5, [2500, 0, 0, 0, 1], now)     # 0, or the exception code

The least of all limits in force rules; a hybrid's cap is for panels and battery together, and what
the battery takes in is not part of it.
"""

from __future__ import annotations

from tools.site.controls import ILLEGAL_ADDRESS, LIMITS, PCT_FULL, Controls
from tools.site.devices import FAULT, Device
from tools.site.layout import layout
from tools.site.machine import TICK_MS, Cell, Machine
from tools.site.maps import OF_FAMILY, Block
from tools.site.plant import Instant, Plant
from tools.site.ratings import STATIC
from tools.site.settings import BatterySettings, InverterSettings
from tools.site.values import LIVE, quantities, scaled

OFF, STARTING, MPPT, THROTTLED, STANDBY = 1, 3, 4, 5, 8
_DARK_W = 20
_ON = (1, 0xAA)
_RESTARTS = (0xF300, 0xF322)
_KEPT = (1, 120, 121, 123, 702)
_SWITCHES = ((123, "Conn"), (703, "ES"))
_HOUR_TICKS = 3_600_000 / TICK_MS


class Der(Device):
    """An inverter, a hybrid (with `cell`) or a battery (without `machine`)."""

    sunspec = True

    def __init__(self, settings: InverterSettings | BatterySettings, name: str, faults,
                 models: tuple[int, ...], plant: Plant, machine: Machine | None,
                 cell: Cell | None = None):
        """In the state in which its settings have it."""
        self.kind = "inverter" if machine else "battery"
        super().__init__(settings, name, faults)
        self.chain, self.plant, self.machine, self.cell = models, plant, machine, cell
        self.stages = [stage for stage in (machine, cell) if stage]
        self.wmax_w = machine.wmax_w if machine else round(cell.discharge_w)
        self.points = Controls(models, getattr(settings, "start_pct", PCT_FULL),
                               getattr(settings, "start_ena", 0))
        self.block = Block(OF_FAMILY[settings.family]) if settings.family in OF_FAMILY else None
        if self.block and "max_w" in self.block:
            self.block["max_w"] = self.wmax_w
        self._static_pct = 100
        self._block_at = 0.0
        self.out_wh = self.in_wh = 0.0
        self.watts = sum(stage.w for stage in self.stages)
        self._seen: tuple[Instant, int] | None = None
        self._ordered: tuple | None = None
        self._kept: dict[int, tuple[int, list[int]]] = {}

    # -- what tests and displays ask ------------------------------------------

    @property
    def controls(self) -> int:
        """Address of the model with the power limit, of a chain without oddities."""
        address = self.settings.base + 2
        for model in self.chain[:self.chain.index(self._limits()[0])]:
            address += layout(model).size + 2 * (model in (160, 714)) * len(layout(model).row)
        return address

    def _limits(self) -> list[int]:
        return [model for model in LIMITS if model in self.chain]

    def _get(self, n: int) -> int:
        found = self._limits()
        return self.points.get(found[0], LIMITS[found[0]][n]) if found else (PCT_FULL, 0)[n]

    @property
    def pct(self) -> int:
        """The limit that its registers read, in 1/100 %."""
        return self._get(0)

    @pct.setter
    def pct(self, value: int) -> None:
        self.points.put(self._limits()[0], "WMaxLimPct", value)

    @property
    def ena(self) -> int:
        """Whether that limit is enabled."""
        return self._get(1)

    @ena.setter
    def ena(self, value: int) -> None:
        model = self._limits()[0]
        self.points.put(model, LIMITS[model][1], value)

    @property
    def conn(self) -> int:
        """1, or 0 where a register takes it off the grid."""
        return int(self._connect())

    @property
    def rvrt_s(self) -> int:
        """Its reversion time."""
        model = self._limits()[0]
        return self.points.get(model, "WMaxLimPct_RvrtTms" if model == 123
                               else "WMaxLimPctRvrtTms")

    @property
    def cap_w(self) -> float:
        """The cap that the registers ask for, in W."""
        return self._cap_w(0.0)[0]

    # -- orders ---------------------------------------------------------------

    def _connect(self) -> bool:
        get, there = self.points.get, self.points.models
        return all(get(model, name) for model, name in _SWITCHES if model in there)

    def _cap_w(self, now: float) -> tuple[float, bool]:
        """The least of all limits in force, and whether one of them means standby."""
        cap, standby = float(self.wmax_w), False
        for model in self._limits():
            pct, ena = self.points.acting(model)
            if not ena:
                continue
            coarse = self.faults("coarse")
            pct -= pct % coarse if coarse else 0
            standby = standby or pct < 100 * self.faults("floor_standby")
            cap = min(cap, self.wmax_w * pct / PCT_FULL)
        return (min(cap, self._block_cap_w(now)) if self.block else cap), standby

    def _block_cap_w(self, now: float) -> float:
        """The cap of a maker's own registers; an export limit is kept at its own meter."""
        b, wmax = self.block, self.wmax_w
        cap = float(wmax)
        if "dynamic_pct" in b:
            cap = wmax * self._static_pct / 100
            if b["enable"]:
                late = b["timeout_s"] and now - self._block_at > b["timeout_s"]
                cap = min(cap, wmax * b["fallback_pct" if late else "dynamic_pct"] / 100)
        if b.get("pct_enable") == _ON[1]:
            cap = min(cap, wmax * b["pct_permille"] / 1000)
        if b.get("export_enable") in _ON:
            export = b["export_w"] if "export_w" in b else wmax * b["export_permille"] / 1000
            cap = min(cap, max(export + self.watts + self.plant.site_w, 0.0))
        return cap

    def _target_w(self, cap: float) -> float | None:
        """The set point of 704, within the cap, or None."""
        if 704 not in self.points.models or not self.points.get(704, "WSetEna"):
            return None
        watts = self.points.get(704, "WSet") if self.points.get(704, "WSetMod") \
            else self.wmax_w * self.points.get(704, "WSetPct") / PCT_FULL
        return min(float(watts), cap)

    def order(self, now: float) -> None:
        """Registers to power stages; the reversion timers run."""
        self.points.tick(now)
        news = self.points.version, self._faults.version, self.plant.alive
        if news == self._ordered and not self.block and not self.cell:
            return
        self._ordered = news
        alive = self.plant.alive and not (self.faults("off") or self.faults("tripped"))
        for stage in self.stages:
            stage.alive = alive
        if self.machine:
            self.machine.sunny = not (self.faults("no_source") or self.faults("asleep"))
        if self.faults("writes_ignored"):
            return
        cap, standby = self._cap_w(now)
        connect, more = self._connect() and not standby, self.faults("action_ms")
        target = self._target_w(cap)
        if self.machine:
            most = cap if target is None or self.cell else max(target, 0.0)
            charging = min(self.cell.w, 0.0) if self.cell else 0.0
            self.machine.order(most - charging, connect, more)
        if self.cell:
            low, high = self._band_w(cap)
            if target is not None and self.machine:
                target -= self.machine.w
            self.cell.order(connect, low, high, target, more)

    def _band_w(self, cap: float) -> tuple[float, float]:
        """What model 124 lets the battery do; percents are of WChaMax."""
        low, high = -self.cell.charge_w, min(self.cell.discharge_w, cap)
        if 124 not in self.points.models:
            return low, high
        get, full = self.points.get, self.cell.charge_w / PCT_FULL
        mode = get(124, "StorCtl_Mod")
        if mode & 1:
            low = max(low, -full * get(124, "InWRte"))
        if mode & 2:
            high = min(high, full * get(124, "OutWRte"))
        if self.machine and not get(124, "ChaGriSet"):
            low = max(low, -self.machine.w)
        return min(low, high), high

    # -- registers ------------------------------------------------------------

    def asleep(self) -> bool:
        """By fault, or at night where its settings say so."""
        return bool(self.faults("asleep")) or self._night() == "asleep"

    def silent(self) -> bool:
        """At night where its settings say so."""
        return self._night() == "silent"

    def _night(self) -> str:
        dark = self.machine and self.machine.available_w < _DARK_W
        return self.settings.night if dark else "awake"

    def look(self) -> None:
        """Count energy."""
        self.watts = sum(stage.w for stage in self.stages)
        if self.watts > 0:
            self.out_wh += self.watts / _HOUR_TICKS
        else:
            self.in_wh -= self.watts / _HOUR_TICKS

    @property
    def state(self) -> int:
        """St as models 101 to 113 have it; 701's InvSt is one less."""
        if self.faults("tripped"):
            return FAULT
        if self.faults("off") or not self.plant.alive or not self._connect():
            return OFF
        if self.faults("no_source"):
            return STANDBY
        stage = self.stages[0]
        if not stage.contactor.closed:
            return STANDBY if self._cap_w(0.0)[1] else STARTING
        return THROTTLED if self.machine and self.machine.throttled else MPPT

    def models(self, now: float = 0.0, ticks: int = 0) -> list[tuple[int, list[int]]]:
        """Its chain at this instant."""
        if self._seen is None or not self.faults("frozen"):
            seen = self.plant.source(self.watts, self.settings.phases, self.out_wh, self.in_wh)
            self._seen = seen, self.state
        more = ticks % 2 if self.faults("sf_moves") else 0
        made = []
        for model in self.chain:
            if model in LIVE:
                words = self.live(model, self._measured(model, more))
            else:
                words = self._still(model, now)
            made.append((model, words))
        return made

    def _still(self, model: int, now: float) -> list[int]:
        """A model that does not measure, kept where it changes by writes and faults alone."""
        version = self.points.version + self._faults.version
        kept = self._kept.get(model)
        if kept is None or kept[0] != version or model not in _KEPT:
            kept = version, self.common() if model == 1 else STATIC[model](self, now)
            self._kept[model] = kept
        return kept[1]

    def _measured(self, model: int, more: int) -> dict:
        seen, state = self._seen
        q = quantities(seen, self.settings.phases)
        q["st"] = state
        values = scaled(model, q, self.wmax_w if model > 700 else 0, more)
        if model > 700:
            running = state in (MPPT, THROTTLED)
            values.update({
                "ACType": 2 if self.settings.phases > 1 else 0, "St": int(running),
                "InvSt": state - 1, "ConnSt": int(self.stages[0].contactor.closed),
                "Alrm": 0, "DERMode": 1, "ThrotPct": 0, "ThrotSrc": 0})
            if self.machine and self.machine.throttled:
                values.update(DERMode=5, ThrotSrc=1)
        return values

    def areas(self, function: int) -> list[tuple[int, list[int]]]:
        """The maker's own registers."""
        return self.block.areas() if self.block and function == 3 else []

    def write_model(self, model: int, offset: int, words: list[int], now: float) -> int:
        """Into the settable points."""
        if model not in self.points.models:
            return ILLEGAL_ADDRESS
        return self.points.write(model, offset, words, now, self.faults)

    def write_area(self, address: int, words: list[int], now: float) -> int:
        """Into the maker's own registers."""
        code = self.block.write(address, words)
        if not code:
            if address in _RESTARTS:
                self._block_at = now
            if self.block.get("commit"):
                self._static_pct, self.block["commit"] = self.block["static_pct"], 0
        return code
