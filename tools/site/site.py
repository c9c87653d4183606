"""The site as a whole: the plant, its devices on their units, faults, counts and the record.

Enters: time (seconds on any clock, never going back) and Modbus requests by unit.  Leaves:
registers or a refusal, and the true record.

    site = Site(Settings(wmax_w=10000), profile, start=time.time())
    site.advance(time.time())
    site.write(1, site.inverter.controls + 5, [2500, 0, 0, 0, 1])     # 25 % of WMax
    site.fault(unit=1, writes_ignored=True)

`Settings` says which devices there are; function codes 3, 4, 6 and 16.
"""

from __future__ import annotations

from collections import Counter, deque

from tools.site.chain import READ, WRITE_MANY, Refused, Unit
from tools.site.der import Der
from tools.site.devices import Load, Meter
from tools.site.faults import Faults
from tools.site.machine import TICK_MS, Cell, Flex, Machine
from tools.site.plant import Plant
from tools.site.profile import Profile
from tools.site.record import Record, Row
from tools.site.settings import STORAGE, InverterSettings, Settings
from tools.site.waves import Waves

NO_RESPONSE = 0x0B
LOG_ROWS = 20000
_HOUR_TICKS = 3_600_000 / TICK_MS


class Site:
    """A whole site, stepped by `advance`; every request sees the instant last stepped to."""

    def __init__(self, settings: Settings, profile: Profile | Waves, start: float, csv=None):
        """Stand at time `start`; `csv` names the file of the record, if one is wanted."""
        self.settings = settings
        self.profile = profile
        self.faults = Faults()
        self.counts: Counter[str] = Counter(reads=0, writes=0, refused=0)
        self.write_log: deque[dict] = deque(maxlen=LOG_ROWS)
        self.hits: Counter[tuple[int, str]] = Counter()     # of the line's faults, see frames
        self.answered: dict[int, float] = {}                # unit -> when it answered last
        self._start = start
        self._export_wh = self._import_wh = 0.0
        self._build(profile)
        self.record = Record(csv, tuple(d.name for d in self.inverters), settings.keep_s)
        self.units = self._units()
        for device in self.devices:
            self.faults.switch(device.unit, **device.settings.faults)
        self._measure()

    # -- what stands there ----------------------------------------------------

    def _build(self, profile) -> None:
        """The plant and its devices."""
        s = self.settings
        inverters = s.all_inverters()
        total = sum(i.wmax_w for i in inverters)
        shares = [i.wmax_w / total if i.share is None else i.share for i in inverters]
        sun = profile.pv_w(0.0)
        machines = [Machine(i.wmax_w, i.dead_ms, i.tau_ms, i.slew_w_s, i.reconnect_s,
                            i.ramp_pct_min, i.noise_w, sun * share, s.seed + n)
                    for n, (i, share) in enumerate(zip(inverters, shares))]
        hosts = {i.unit: machine for i, machine in zip(inverters, machines)}
        b = s.battery
        cell = Cell(b.capacity_wh, b.soc_pct, b.reserve_pct, b.charge_w, b.discharge_w,
                    b.control == "self", b.dead_ms, b.tau_ms, b.efficiency, b.reconnect_s,
                    b.ramp_pct_min) if b else None
        load = s.load
        flex = Flex(load.rated_w, load.kind == "relay", load.dead_ms, load.tau_ms) \
            if load else None
        self.plant = Plant(profile, noise_w=s.noise_w, seed=s.seed, machines=machines,
                           shares=shares, cell=cell, host=hosts.get(b.unit) if b else None,
                           flex=flex, want_w=load.want_w if load else None, phases=s.phases)
        self.inverters = [self._inverter(i, machine, n) for n, (i, machine)
                          in enumerate(zip(inverters, machines))]
        self.inverter = self.inverters[0]
        self.meter = Meter(s.the_meter(), "meter", self.faults, s.phases)
        self.battery = self.load = None
        self.devices = [*self.inverters, self.meter]
        if b and b.unit not in hosts:
            self.battery = Der(b, "battery", self.faults, b.models or STORAGE[b.family],
                               self.plant, None, cell)
            self.devices.append(self.battery)
        if load:
            self.load = Load(load, "load", self.faults, flex, self.plant)
            self.devices.append(self.load)

    def _inverter(self, i: InverterSettings, machine: Machine, n: int) -> Der:
        b = self.settings.battery
        cell = self.plant.cell if b and b.unit == i.unit else None
        return Der(i, f"inverter{n + 1}", self.faults, self.settings.chain(i), self.plant,
                   machine, cell)

    def _units(self) -> dict[int, Unit]:
        """Devices by unit id; those that share one stand in one chain."""
        by_unit: dict[int, list] = {}
        for device in self.devices:
            by_unit.setdefault(device.unit, []).append(device)
        return {unit: Unit(devices) for unit, devices in by_unit.items()}

    # -- time -----------------------------------------------------------------

    @property
    def now(self) -> float:
        """The instant that the site has reached, on the clock of `start`."""
        return self._start + self.plant.ticks * TICK_MS / 1000

    def advance(self, now: float) -> None:
        """Live up to `now` in whole ticks; what is already lived is not lived again."""
        due = int((now - self._start) * 1000 / TICK_MS + 1e-6)
        while self.plant.ticks < due:
            self._tick()

    def _tick(self) -> None:
        """100 ms: orders, physics, measurement, record."""
        plant, now = self.plant, self.now
        plant.alive = not self.faults["grid_lost"]
        for device in self.devices:
            device.order(now)
        plant.tick()
        for device in self.devices:
            device.look()
        site_w = plant.site_w
        if site_w > 0:
            self._import_wh += site_w / _HOUR_TICKS
        else:
            self._export_wh -= site_w / _HOUR_TICKS
        seen = self._measure()
        pv, load, battery, flex = (round(w) for w in (plant.pv_w, plant.load_w, plant.battery_w,
                                                      plant.flex_w))
        self.record.add(
            Row(round(self.now, 3), round(plant.pv_available_w), pv, load,
                load + flex - pv - battery, round(plant.effective_w), battery, flex,
                round(plant.cell.soc_pct * 100) if plant.cell else 0),
            seen, (plant.pv_w, plant.load_w, plant.battery_w, plant.flex_w,
                   *[inverter.watts for inverter in self.inverters]))

    def _measure(self):
        """Let the meter look; registers are built when asked for."""
        for unit in self.units.values():
            unit.forget()
        seen = self.plant.connection(self._export_wh, self._import_wh)
        self.meter.measure(seen, self.plant.ticks)
        return seen

    # -- what may be asked ----------------------------------------------------

    def fault(self, unit: int | None = None, **switches) -> None:
        """Switch faults by name, of one unit or as the name says; KeyError for none such."""
        self.faults.switch(unit, **switches)
        for each in self.units.values():
            each.forget()

    def silent(self, unit: int) -> bool:
        """Whether that unit gives no answer now."""
        found = self.units.get(unit)
        if found is None:
            return False
        dead = self.faults["grid_silences"] and not self.plant.alive
        return bool(dead) or found.first.faults("silent") == 1 or found.silent()

    def size(self, unit: int) -> int:
        """Number of registers of a unit's chain, from its base on."""
        return len(self._unit(unit).build(self.now, self.plant.ticks))

    def mean(self, name: str, t0: float, t1: float) -> float:
        """True mean between two instants of the site's clock: `record.names`, in W, var, V, Hz."""
        return self.record.mean(name, t0, t1)

    def status(self) -> dict:
        """This instant for a display: true powers, the inverter's registers, counts, faults."""
        plant, inverter = self.plant, self.inverter
        said = {"time": round(self.now, 3), "wmax_w": plant.wmax_w,
                "pv_available_w": round(plant.pv_available_w), "pv_w": round(plant.pv_w),
                "load_w": round(plant.load_w), "site_w": round(plant.site_w),
                "WMaxLimPct": inverter.pct, "WMaxLim_Ena": inverter.ena, "Conn": inverter.conn,
                "counts": dict(self.counts), "faults": dict(self.faults), "grid": plant.alive,
                "volts": [round(v, 1) for v in plant.volts()], "hz": round(plant.freq_hz, 3),
                "devices": [self._said(device) for device in self.devices]}
        if plant.cell:
            said["battery"] = {"w": round(plant.battery_w), "wh": round(plant.cell.wh),
                               "soc_pct": round(plant.cell.soc_pct, 2)}
        if plant.flex:
            said["load"] = {"w": round(plant.flex_w), **self.load.block}
        return said

    @staticmethod
    def _said(device) -> dict:
        made = {"name": device.name, "unit": device.unit, "kind": device.kind,
                "w": round(device.watts)}
        if isinstance(device, Der):
            made.update(cap_w=round(device.cap_w), St=device.state, WMaxLimPct=device.pct,
                        WMaxLim_Ena=device.ena, Conn=device.conn, wh=round(device.out_wh))
        return made

    # -- Modbus ---------------------------------------------------------------

    def _unit(self, unit: int) -> Unit:
        found = self.units.get(unit)
        if found is None:
            raise self._refusal(NO_RESPONSE)
        return found

    def read(self, unit: int, address: int, count: int, function: int = READ) -> list[int]:
        """`count` registers of one instant; raises Refused outside the map."""
        self.counts["reads"] += 1
        try:
            return self._unit(unit).read(function, address, count, self.now, self.plant.ticks)
        except Refused as refused:
            if refused.code != NO_RESPONSE:
                self.counts["refused"] += 1
            raise

    def write(self, unit: int, address: int, values: list[int],
              function: int = WRITE_MANY) -> None:
        """Write registers; raises Refused, and then nothing has changed."""
        self.counts["writes"] += 1
        found = self.units.get(unit)
        code = found.write(address, values, function, self.now, self.plant.ticks) if found \
            else NO_RESPONSE
        self.write_log.append({"time": round(self.now, 3), "unit": unit, "address": address,
                               "values": list(values), "function": function, "refused": code})
        if code:
            raise self._refusal(code)
        found.forget()

    def _refusal(self, code: int) -> Refused:
        self.counts["refused"] += 1
        return Refused(code)
