"""The devices on the lines: what all of them have, the meter, the controllable load.

Enters: the plant, writes.  Leaves: SunSpec models and other registers of one instant, orders to
the power stages, what each device truly does.

    meter.measure(instant, ticks)           # each tick
    meter.models()                          # [(1, registers), (203, registers)]

A device that does not measure or sleeps reads sentinels.  Inverters and batteries: tools.site.der.
"""

from __future__ import annotations

from collections import deque

from tools.site.controls import ILLEGAL_ADDRESS
from tools.site.layout import layout
from tools.site.machine import TICK_MS, Flex
from tools.site.maps import LOAD, SDM120, SDM630, Block
from tools.site.plant import Instant, Plant
from tools.site.settings import LoadSettings, MeterSettings
from tools.site.values import LIVE, quantities, scaled

FAULT = 7
_UNLIMITED = 0xFFFF
_ABSURD = 30
_FEW = ("W", "W_SF", "St", "InvSt", "ConnSt")
_NULL = {model: {"St": FAULT} for model in LIVE if model < 200}


class Device:
    """What all devices have; `faults(name)` is the value that holds for this one."""

    kind = ""
    sunspec = False

    def __init__(self, settings, name: str, faults):
        """`faults` is the site's Faults."""
        self.settings, self.name, self.unit = settings, name, settings.unit
        self._faults = faults
        self.watts = 0.0            # what it truly does now, for the record

    def faults(self, name: str) -> int:
        """0 when that fault is off here, else True's 1 or its number."""
        return self._faults.of(self, name)

    def silent(self) -> bool:
        """Whether it answers nothing at all, faults of the line apart."""
        return False

    def order(self, now: float) -> None:
        """What its registers say, to its power stage."""

    def look(self) -> None:
        """Measure, once a tick."""

    def models(self, now: float = 0.0, ticks: int = 0) -> list[tuple[int, list[int]]]:
        """Its SunSpec models with all registers, in the order of the chain."""
        return []

    def areas(self, function: int) -> list[tuple[int, list[int]]]:
        """(address, registers) outside SunSpec that this function reads."""
        return []

    def write_model(self, model: int, offset: int, words: list[int], now: float) -> int:
        """Write into a model from that offset: 0, or the exception code."""
        return ILLEGAL_ADDRESS

    def write_area(self, address: int, words: list[int], now: float) -> int:
        """The same outside SunSpec."""
        return ILLEGAL_ADDRESS

    def common(self) -> list[int]:
        """Registers of model 1."""
        s = self.settings
        return layout(1).registers({"Mn": s.maker, "Md": s.model, "Vr": s.version,
                                    "SN": s.serial, "DA": self.unit})

    def live(self, model: int, values: dict) -> list[int]:
        """A live model as the faults let it be."""
        if self.faults("sentinels") or self.asleep():
            values = {}
        elif self.faults("null_frames"):
            return [model, layout(model).size - 2] + self._nulls(model)
        elif self.faults("st_zero"):
            gone = [name for name in ("VA", "VAr", "PF", "DCW") if name in layout(model).points]
            values = {**values, **dict.fromkeys(gone)}
            if "St" in layout(model).points:  # a meter has none
                values["St"] = 0
        elif self.faults("w_only"):
            values = {name: values[name] for name in _FEW if name in values}
        return layout(model).registers(values)

    def asleep(self) -> bool:
        """Whether it is night for it."""
        return False

    def _nulls(self, model: int) -> list[int]:
        """Registers behind L, all zero but St."""
        made = [0] * layout(model).size
        for name, value in _NULL.get(model, {}).items():
            made[layout(model).points[name].offset] = value
        return made[2:]


class Meter(Device):
    """The meter at the connection point; `sign` -1 makes export positive."""

    kind = "meter"

    def __init__(self, settings: MeterSettings, name: str, faults, phases: int):
        """Nothing measured yet."""
        super().__init__(settings, name, faults)
        self._sign = settings.sign
        rows = {"sdm120": SDM120, "sdm630": SDM630}.get(settings.kind)
        self._block = Block(rows) if rows else None
        self._model = 0 if rows else int(settings.kind)
        self.sunspec = not rows
        single = settings.kind in ("201", "211", "sdm120")
        self._phases = 1 if single else phases
        self._ages: deque[Instant] = deque(maxlen=settings.age_ms // TICK_MS + 1)
        self._every = max(settings.period_ms // TICK_MS, 1)
        self._seen: Instant | None = None

    def measure(self, now: Instant, ticks: int) -> None:
        """Take the instant in; show one of its age when its period is over."""
        self._ages.append(now)
        self.watts = now.watts
        due = ticks % self._every == 0 and not self.faults("frozen")
        if self._seen is None or due:
            self._seen = self._ages[0]

    def _quantities(self) -> dict:
        sign = -self._sign if self.faults("sign_flip") else self._sign
        q = quantities(self._seen, self._phases, sign)
        factor, offset = _ABSURD if self.faults("absurd") else 1, self.faults("offset_w")
        if factor != 1 or offset:
            q["w"] = q["w"] * factor + offset
            q["w1"] = q["w1"] * factor + offset
        return q

    def models(self, now: float = 0.0, ticks: int = 0) -> list[tuple[int, list[int]]]:
        """Model 1 and its own."""
        if not self._model:
            return []
        more = ticks % 2 if self.faults("sf_moves") else 0
        values = scaled(self._model, self._quantities(), 0, more)
        return [(1, self.common()), (self._model, self.live(self._model, values))]

    def areas(self, function: int) -> list[tuple[int, list[int]]]:
        """Input registers of an Eastron."""
        if self._block is None or function != 4:
            return []
        q = self._quantities()
        q["kwh_in"], q["kwh_out"] = q["wh_in"] / 1000, q["wh_out"] / 1000
        zero = self.faults("null_frames")
        nan = self.faults("sentinels")
        for name in self._block:
            value = q.get(name)
            self._block[name] = float("nan") if nan else 0.0 if zero or value is None else value
        return self._block.areas()


class Load(Device):
    """A load that takes a limit in W."""

    kind = "load"

    def __init__(self, settings: LoadSettings, name: str, faults, flex: Flex, plant: Plant):
        """Unlimited."""
        super().__init__(settings, name, faults)
        self.flex, self._plant = flex, plant
        self.block = Block(LOAD)
        self.block["rated_w"] = settings.rated_w
        self._written_at = 0.0

    def order(self, now: float) -> None:
        """The limit, and at most `late_w` once its watchdog has run out."""
        self.flex.alive = self._plant.alive and not self.faults("off")
        if self.faults("writes_ignored"):
            return
        limit = self.block["limit_w"]
        watchdog = self.block["watchdog_s"]
        late = watchdog and now - self._written_at > watchdog
        if limit == _UNLIMITED:
            limit = self.settings.rated_w
        if late:
            limit = self.settings.late_w
        self.flex.order(limit, self.faults("action_ms"))

    def look(self) -> None:
        """Take its power."""
        self.watts = self.flex.w

    def areas(self, function: int) -> list[tuple[int, list[int]]]:
        """Its four registers."""
        if function != 3:
            return []
        if not self.faults("frozen"):
            self.block["power_w"] = self.flex.w
        return self.block.areas()

    def write_area(self, address: int, words: list[int], now: float) -> int:
        """Limit and watchdog."""
        self._written_at = now
        return self.block.write(address, words)
