"""What stands on a site: its devices, each with its ratings, its manners and its unit.

Enters: numbers.  Leaves: frozen settings, which `Site` builds from.

    Settings(wmax_w=10000)                            # one inverter (unit 1) and one meter (200)
    Settings(inverters=(InverterSettings(1, "1xx", 6000), InverterSettings(2, "7xx", 5000)),
             battery=BatterySettings(unit=10), load=LoadSettings(unit=20))

Units that are equal share one SunSpec chain: a battery with an inverter's unit makes a hybrid of
it, a meter with an inverter's unit is the second device of that chain (a second model 1).

Limit: times in ms unless named otherwise; one battery, one controllable load, one meter.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

# The chain of each family; a one-phase device has 101 for 103 and 111 for 113.
FAMILIES = {
    "1xx": (1, 103, 120, 121, 122, 123),
    "float": (1, 113, 120, 121, 122, 123),
    "7xx": (1, 701, 702, 703, 704),
    "both": (1, 701, 702, 703, 704, 120, 121, 122, 123),
    "mppt": (1, 103, 160, 120, 121, 122, 123),
    "solaredge": (1, 103),
    "sungrow": (1, 103),
    "sungrow_permille": (1, 103),
    "goodwe": (1, 103),
}
STORAGE = {"1xx": (1, 103, 120, 121, 122, 123, 124),
           "802": (1, 103, 120, 121, 122, 123, 124, 802),
           "7xx": (1, 701, 702, 703, 704, 713, 714)}
# Makes as they are met: InverterSettings(**MAKES["sma"], wmax_w=8000).
MAKES = {
    "fronius": {"maker": "Fronius", "model": "Symo 10.0-3-M", "faults": {"model1_short": True}},
    "solaredge": {"maker": "SolarEdge", "model": "SE10K", "family": "solaredge",
                  "night": "asleep", "faults": {"model1_short": True, "sf_moves": True}},
    "sma": {"unit": 126, "maker": "SMA", "model": "STP10-3SE", "night": "asleep",
            "models": (1, 103, 120, 121, 122, 123, 160),
            "faults": {"no_rvrt": True, "controls_single": True, "end_missing": True}},
    "sma_x": {"unit": 126, "maker": "SMA", "model": "STP X", "models": (1, 701, 702, 714, 123),
              "faults": {"no_rvrt": True, "end_missing": True}},
    "kostal": {"unit": 71, "maker": "KOSTAL", "model": "PLENTICORE plus", "start_ena": 1,
               "faults": {"fc16_refused": 2, "end_zero": True}},
    "apsystems": {"maker": "APsystems", "model": "ECU-R", "faults": {"fc6_refused": True}},
    "huawei": {"maker": "Huawei", "model": "SUN2000-10KTL",
               "faults": {"gap_ms": 50, "delay_ms": 1000}},
    "enphase": {"maker": "Enphase", "model": "IQ Gateway", "models": (1, 701, 702, 704)},
    "power_one": {"maker": "Power-One", "model": "PVI-10.0", "faults": {"st_zero": True}},
    "fimer": {"maker": "FIMER", "model": "PVS-10", "faults": {"strangers": True}},
    "hoymiles": {"maker": "Hoymiles", "model": "DTU-Pro", "reconnect_s": 60,
                 "faults": {"floor_standby": 2, "action_ms": 25000}},
    "sungrow": {"unit": 247, "maker": "Sungrow", "model": "SH10RT", "family": "sungrow"},
    "sungrow_string": {"maker": "Sungrow", "model": "SG10RT", "faults": {"min_step": 100}},
    "goodwe": {"unit": 247, "maker": "GoodWe", "model": "GW10K-ET", "family": "goodwe"},
}
METERS = ("201", "202", "203", "204", "211", "212", "213", "214", "sdm120", "sdm630")


@dataclass(frozen=True)
class InverterSettings:
    """An inverter; `share` of the sun is by rating where it is None."""

    unit: int = 1
    family: str = "1xx"             # a key of FAMILIES
    wmax_w: int = 10000
    wrtg_w: int | None = None       # rating, where the setting WMax is lower
    phases: int = 3
    dead_ms: int = 400
    tau_ms: int = 800
    slew_w_s: float | None = None
    noise_w: float = 0
    share: float | None = None
    base: int = 40000               # of its SunSpec map: 0, 40000 or 50000
    reconnect_s: float = 60         # off the grid for so long after release
    ramp_pct_min: float | None = None   # 16: ramp after reconnection, AS/NZS 4777.2
    night: str = "awake"            # without sun: "awake" (0 W), "asleep" (sentinels), "silent"
    start_pct: int = 10000          # what stands in its limit at first, 1/100 %
    start_ena: int = 0
    maker: str = "microsep2"
    model: str = "Simulated inverter"
    version: str = "1.0"
    serial: str = "I-0001"
    models: tuple[int, ...] | None = None   # its chain, where the family's will not do
    faults: dict = field(default_factory=dict)   # on from the start, by names without prefix


@dataclass(frozen=True)
class BatterySettings:
    """A battery with its own inverter, or (unit of an inverter) that inverter's battery."""

    unit: int = 10
    family: str = "1xx"             # a key of STORAGE; a hybrid's is that of its inverter
    capacity_wh: int = 10000
    soc_pct: float = 50.0
    reserve_pct: float = 5.0
    charge_w: int = 5000
    discharge_w: int = 5000
    control: str = "self"           # "self": follows the meter to 0 W; "idle": waits for orders
    phases: int = 3
    dead_ms: int = 400
    tau_ms: int = 1000
    efficiency: float = 0.95        # each way
    base: int = 40000
    reconnect_s: float = 60
    ramp_pct_min: float | None = None
    maker: str = "microsep2"
    model: str = "Simulated battery"
    version: str = "1.0"
    serial: str = "B-0001"
    models: tuple[int, ...] | None = None
    faults: dict = field(default_factory=dict)


@dataclass(frozen=True)
class LoadSettings:
    """A load that can be limited: `relay` draws all or nothing, `modulating` what it may."""

    unit: int = 20
    rated_w: int = 3000
    kind: str = "modulating"
    dead_ms: int = 200
    tau_ms: int = 500
    want_w: int | None = None       # what it draws unlimited; None: rated_w, or the profile's
    late_w: int = 0                 # the most it draws once its watchdog has run out
    faults: dict = field(default_factory=dict)


@dataclass(frozen=True)
class MeterSettings:
    """The meter at the connection point; `sign` -1 counts export positive."""

    unit: int = 200
    kind: str = "203"               # one of METERS
    sign: int = 1
    period_ms: int = 200
    age_ms: int = 100
    base: int = 40000
    maker: str = "microsep2"
    model: str = "Simulated meter"
    version: str = "1.0"
    serial: str = "M-0001"
    faults: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """A site.  The first fields make the default inverter and meter where none are given."""

    wmax_w: int = 10000
    dead_ms: int = 400
    tau_ms: int = 800
    slew_w_s: float | None = None
    noise_w: float = 15             # of the load
    meter_period_ms: int = 200
    meter_age_ms: int = 100
    meter_sign: int = 1
    inverter_unit: int = 1
    meter_unit: int = 200
    seed: int = 1
    phases: int = 3
    inverters: tuple[InverterSettings, ...] = ()
    battery: BatterySettings | None = None
    load: LoadSettings | None = None
    meter: MeterSettings | None = None
    keep_s: float = 7200            # rows of the record that stay in memory

    def all_inverters(self) -> tuple[InverterSettings, ...]:
        """The inverters, or the default one."""
        return self.inverters or (InverterSettings(
            self.inverter_unit, wmax_w=self.wmax_w, dead_ms=self.dead_ms, tau_ms=self.tau_ms,
            slew_w_s=self.slew_w_s, phases=self.phases),)

    def the_meter(self) -> MeterSettings:
        """The meter, or the default one."""
        kind = "203" if self.phases == 3 else "201"
        return self.meter or MeterSettings(self.meter_unit, kind, self.meter_sign,
                                           self.meter_period_ms, self.meter_age_ms)

    def chain(self, inverter: InverterSettings) -> tuple[int, ...]:
        """The models of an inverter's chain, with those of a hybrid's battery at its end."""
        models = inverter.models or FAMILIES[inverter.family]
        if inverter.phases == 1:
            models = tuple({103: 101, 113: 111}.get(m, m) for m in models)
        if not inverter.models and self.battery and self.battery.unit == inverter.unit:
            models += (713,) if 704 in models else (124,)
        return models


def settings_from(script: dict) -> Settings:
    """Settings of a script (JSON): {"inverters": [{"unit": 1, "family": "7xx"}], "battery": {}}.

    KeyError for a name that is no setting.
    """
    made = {}
    for name, value in script.items():
        if name == "inverters":
            made[name] = tuple(_made(InverterSettings, v) for v in value)
        elif name in _PARTS:
            made[name] = _made(_PARTS[name], value)
        else:
            made[name] = value
    return _made(Settings, made)


_PARTS = {"battery": BatterySettings, "load": LoadSettings, "meter": MeterSettings}


def _made(kind, values: dict):
    unknown = values.keys() - {f.name for f in fields(kind)}
    if unknown:
        raise KeyError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    values = {k: tuple(v) if k == "models" and v else v for k, v in values.items()}
    return kind(**values)
