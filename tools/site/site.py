"""The site as a whole: the plant, its two Modbus units, the faults, the counts and the record.

Enters: time (seconds on any clock, never going back) and Modbus requests by unit.  Leaves:
registers or a refusal, and the true record.

    site = Site(Settings(wmax_w=10000), profile, start=time.time())
    site.advance(time.time())
    site.write(1, site.inverter.controls + 5, [2500, 0, 0, 0, 1])     # 25 % of WMax

Limit: one inverter and one meter; function codes 3, 6 and 16.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from tools.site.devices import (
    BASE,
    ILLEGAL_ADDRESS,
    Inverter,
    Meter,
    inverter_instant,
    meter_instant,
)
from tools.site.plant import TICK_MS, Plant
from tools.site.profile import Profile
from tools.site.record import Record, Row

ILLEGAL_FUNCTION = 1
NO_RESPONSE = 0x0B
READ, WRITE_ONE, WRITE_MANY = 3, 6, 16
LOG_ROWS = 20000
FAULTS = {
    "inverter_silent": "the inverter does not answer",
    "meter_silent": "the meter does not answer",
    "meter_frozen": "the meter repeats its last values",
    "writes_ignored": "the inverter takes writes and does not act on them",
    "null_frames": "model 103 reads all zero with St = FAULT",
    "fc16_refused": "function 16 is refused (exception 1): write registers one by one",
    "fc6_refused": "function 6 is refused (exception 1)",
    "sf_moves": "power scale factors change from tick to tick",
}


@dataclass(frozen=True)
class Settings:
    """The devices of a site; times in ms, power in W."""

    wmax_w: int = 10000
    dead_ms: int = 400
    tau_ms: int = 800
    slew_w_s: float | None = None
    noise_w: float = 15
    meter_period_ms: int = 200
    meter_age_ms: int = 100
    meter_sign: int = 1
    inverter_unit: int = 1
    meter_unit: int = 200
    seed: int = 1


class Refused(Exception):
    """A Modbus exception: `code` is 1, 2, 3 or 0x0B."""

    def __init__(self, code: int):
        """Keep the exception code."""
        super().__init__(f"Modbus exception {code}")
        self.code = code


class Site:
    """A whole site, stepped by `advance`; every request sees the instant last stepped to."""

    def __init__(self, settings: Settings, profile: Profile, start: float, csv=None):
        """Stand at time `start`; `csv` names the file of the record, if one is wanted."""
        s = settings
        self.settings = s
        self.plant = Plant(profile, s.wmax_w, s.dead_ms, s.tau_ms, s.slew_w_s, s.noise_w,
                           seed=s.seed)
        self.inverter = Inverter(s.inverter_unit, self.plant)
        self.meter = Meter(s.meter_unit, s.meter_sign)
        self.record = Record(csv)
        self.faults = dict.fromkeys(FAULTS, False)
        self.counts: Counter[str] = Counter(reads=0, writes=0, refused=0)
        self.write_log: deque[dict] = deque(maxlen=LOG_ROWS)
        self._start = start
        self._wh = {"made": 0.0, "export": 0.0, "import": 0.0}
        self._ages: deque = deque(maxlen=s.meter_age_ms // TICK_MS + 1)
        self._images: dict[int, list[int]] = {}
        self._measure()
        self._meter_seen = self._ages[0]

    @property
    def now(self) -> float:
        """The instant that the site has reached, on the clock of `start`."""
        return self._start + self.plant.ticks * TICK_MS / 1000

    def advance(self, now: float) -> None:
        """Live up to `now` in whole ticks; what is already lived is not lived again."""
        due = int((now - self._start) * 1000 / TICK_MS + 1e-6)
        while self.plant.ticks < due:
            self._tick()

    def fault(self, **switches: bool) -> None:
        """Switch faults by name; KeyError for a name that is none."""
        unknown = switches.keys() - FAULTS.keys()
        if unknown:
            raise KeyError(f"no such fault: {', '.join(sorted(unknown))}")
        self.faults.update({k: bool(v) for k, v in switches.items()})

    def silent(self, unit: int) -> bool:
        """Whether that unit gives no answer now."""
        muted = {self.inverter.unit: "inverter_silent", self.meter.unit: "meter_silent"}
        return unit in muted and self.faults[muted[unit]]

    def size(self, unit: int) -> int:
        """Number of registers of a unit, from BASE on."""
        return len(self._image(unit))

    def status(self) -> dict:
        """This instant for a display: true powers, the inverter's registers, counts, faults."""
        plant, inverter = self.plant, self.inverter
        return {"time": round(self.now, 3), "wmax_w": plant.wmax_w,
                "pv_available_w": round(plant.pv_available_w), "pv_w": round(plant.pv_w),
                "load_w": round(plant.load_w), "site_w": round(plant.site_w),
                "WMaxLimPct": inverter.pct, "WMaxLim_Ena": inverter.ena, "Conn": inverter.conn,
                "counts": dict(self.counts), "faults": dict(self.faults)}

    def read(self, unit: int, address: int, count: int) -> list[int]:
        """`count` registers of one instant; raises Refused outside the map."""
        self.counts["reads"] += 1
        image = self._image(unit)
        start = address - BASE
        if start < 0 or start + count > len(image):
            raise self._refusal(ILLEGAL_ADDRESS)
        return image[start:start + count]

    def write(self, unit: int, address: int, values: list[int],
              function: int = WRITE_MANY) -> None:
        """Write registers; raises Refused, and then nothing has changed."""
        self.counts["writes"] += 1
        code = self._write(unit, address, values, function)
        self.write_log.append({"time": round(self.now, 3), "unit": unit, "address": address,
                               "values": list(values), "function": function, "refused": code})
        if code:
            raise self._refusal(code)
        self._images.clear()

    def _write(self, unit: int, address: int, values: list[int], function: int) -> int:
        """0 or the exception code."""
        if unit not in (self.inverter.unit, self.meter.unit):
            return NO_RESPONSE
        if self.faults["fc16_refused" if function == WRITE_MANY else "fc6_refused"]:
            return ILLEGAL_FUNCTION
        if unit == self.meter.unit:
            return ILLEGAL_ADDRESS
        return self.inverter.write(self.now, address, values)

    def _refusal(self, code: int) -> Refused:
        self.counts["refused"] += 1
        return Refused(code)

    def _tick(self) -> None:
        """100 ms: order, physics, measurement, record."""
        self.inverter.tick(self.now, obey=not self.faults["writes_ignored"])
        plant = self.plant
        plant.tick()
        hours = TICK_MS / 3.6e6
        self._wh["made"] += plant.pv_w * hours
        self._wh["import" if plant.site_w > 0 else "export"] += abs(plant.site_w) * hours
        self._measure()
        pv, load = round(plant.pv_w), round(plant.load_w)
        self.record.add(Row(round(self.now, 3), round(plant.pv_available_w), pv, load,
                            load - pv, round(plant.effective_w)))

    def _measure(self) -> None:
        """Let the meter look when its period is over; registers are built when asked for."""
        self._images.clear()
        self._ages.append(meter_instant(self.plant, self._wh["export"], self._wh["import"]))
        due = self.plant.ticks % max(self.settings.meter_period_ms // TICK_MS, 1) == 0
        if due and not self.faults["meter_frozen"]:
            self._meter_seen = self._ages[0]

    def _image(self, unit: int) -> list[int]:
        """All registers of a unit at this instant, built once an instant."""
        if unit not in self._images:
            sf = self.plant.ticks % 2 if self.faults["sf_moves"] else 0
            if unit == self.meter.unit:
                self._images[unit] = self.meter.image(self._meter_seen, sf)
            elif unit == self.inverter.unit:
                now = inverter_instant(self.plant, self._wh["made"])
                self._images[unit] = self.inverter.image(now, sf)
            else:
                raise self._refusal(NO_RESPONSE)
        image = self._images[unit]
        if unit == self.inverter.unit and self.faults["null_frames"]:
            return self.inverter.null_frame(image)
        return image
