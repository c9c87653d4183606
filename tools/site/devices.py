"""The two Modbus units: a SunSpec inverter (1, 103, 120..123) and a meter (1, 203).

Enters: the plant's instant, register writes.  Leaves: the unit's whole register image at one
instant, so that a value and its scale factor are always of the same frame; orders to the plant.

The inverter obeys model 123's WMaxLimPct (hundredths of a percent of WMax), WMaxLim_Ena, RvrtTms
and Conn.  WinTms and RmpTms take 0 only.  Everything else refuses to be written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tools.site.layout import layout
from tools.site.plant import Plant

BASE = 40000
_SUNS = [0x5375, 0x6E53]
_END = [0xFFFF, 0]
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
_ST_OFF, _ST_MPPT, _ST_THROTTLED, _ST_FAULT = 1, 4, 5, 7
_U16_NAN = 0xFFFF
PCT_FULL = 10000
_COS_LOAD_TAN = 0.15


@dataclass(frozen=True)
class Instant:
    """What a device measures at one moment: W, var, V, Hz, Wh; phases in order."""

    watts: float
    vars: float
    volts: tuple[float, float, float]
    hertz: float
    phases_w: tuple[float, float, float]
    export_wh: float
    import_wh: float


def meter_instant(plant: Plant, export_wh: float, import_wh: float) -> Instant:
    """The connection point now; load is half on phase A, PV is symmetrical."""
    split = tuple(plant.load_w * part - plant.pv_w / 3 for part in (0.5, 0.3, 0.2))
    reactive = plant.load_w * _COS_LOAD_TAN - plant.pv_w * 0.01
    return Instant(plant.site_w, reactive, plant.volts(), plant.freq_hz, split,
                   export_wh, import_wh)


def inverter_instant(plant: Plant, made_wh: float) -> Instant:
    """The inverter's terminals now."""
    third = plant.pv_w / 3
    return Instant(plant.pv_w, plant.pv_w * 0.01, plant.volts(), plant.freq_hz,
                   (third, third, third), made_wh, 0)


def _whole(values, parts) -> tuple[int, list[int]]:
    """A total and its parts as integers that still add up."""
    ints = [round(p) for p in parts]
    ints[0] += round(values) - sum(ints)
    return round(values), ints


def _common(model: str, serial: str, unit: int) -> list[int]:
    return layout(1).registers({"Mn": "microsep2", "Md": model, "Vr": "1.0", "SN": serial,
                                "DA": unit})


class Meter:
    """A three-phase meter, model 203; `sign` -1 makes export positive."""

    def __init__(self, unit: int, sign: int = 1):
        """Take the unit id and the sign of its W."""
        self.unit = unit
        self._sign = sign

    def image(self, now: Instant, sf: int = 0) -> list[int]:
        """All registers from BASE on; `sf` is the power scale factor of this frame."""
        scale = self._sign / 10 ** sf
        watts, phases = _whole(now.watts * scale, [p * scale for p in now.phases_w])
        reactive = now.vars * scale
        third = reactive / 3
        apparent = math.hypot(now.watts, now.vars) / 10 ** sf
        volts = [round(v * 10) for v in now.volts]
        amps = [round(abs(p) / v * 100) for p, v in zip(now.phases_w, now.volts)]
        values = {
            "A": sum(amps), "AphA": amps[0], "AphB": amps[1], "AphC": amps[2], "A_SF": -2,
            "PhV": round(sum(volts) / 3), "PhVphA": volts[0], "PhVphB": volts[1],
            "PhVphC": volts[2], "PPV": round(sum(volts) / 3 * math.sqrt(3)), "V_SF": -1,
            "Hz": round(now.hertz * 100), "Hz_SF": -2,
            "W": watts, "WphA": phases[0], "WphB": phases[1], "WphC": phases[2], "W_SF": sf,
            "VA": round(apparent), "VA_SF": sf,
            "VAR": round(reactive), "VARphA": round(third), "VARphB": round(third),
            "VARphC": round(third), "VAR_SF": sf,
            "TotWhExp": int(now.export_wh), "TotWhImp": int(now.import_wh), "TotWh_SF": 0,
            "Evt": 0,
        }
        return (_SUNS + _common("Simulated meter", "M-0001", self.unit)
                + layout(203).registers(values) + _END)


class Inverter:
    """A three-phase inverter and its controls, model 123."""

    def __init__(self, unit: int, plant: Plant):
        """Start unlimited and connected, as such a device leaves the factory."""
        self.unit = unit
        self._plant = plant
        self.pct, self.ena, self.conn, self.rvrt_s = PCT_FULL, 0, 1, 0
        self._revert_at: float | None = None
        start, self._blocks = BASE + len(_SUNS), {}
        for model in (1, 103, 120, 121, 122, 123):
            self._blocks[model] = start
            start += layout(model).size
        self.controls = self._blocks[123]

    @property
    def cap_w(self) -> float:
        """The cap that the registers ask for, in W."""
        wmax = self._plant.wmax_w
        return wmax * self.pct / PCT_FULL if self.ena else float(wmax)

    def tick(self, now: float, obey: bool) -> None:
        """Run the reversion timer (its expiry means full power) and pass the order on."""
        if self._revert_at is not None and now >= self._revert_at:
            self.ena, self._revert_at = 0, None
        if obey:
            self._plant.cap(self.cap_w, bool(self.conn))

    def write(self, now: float, address: int, values: list[int]) -> int:
        """Write whole points of model 123 or nothing: 0, or the Modbus exception code."""
        asked = {}
        for i, value in enumerate(values):
            point = layout(123).at(address + i - self.controls)
            name = point.name if point else ""
            if name not in _ACCEPTS:
                return ILLEGAL_ADDRESS
            if value > _ACCEPTS[name]:
                return ILLEGAL_VALUE
            asked[name] = value
        self.conn = asked.get("Conn", self.conn)
        self.rvrt_s = asked.get("WMaxLimPct_RvrtTms", self.rvrt_s)
        self.pct = asked.get("WMaxLimPct", self.pct)
        self.ena = asked.get("WMaxLim_Ena", self.ena)
        if "WMaxLimPct" in asked or "WMaxLim_Ena" in asked:
            runs = self.ena and self.rvrt_s
            self._revert_at = now + self.rvrt_s if runs else None
        return 0

    def image(self, now: Instant, sf: int = 0) -> list[int]:
        """All registers from BASE on; `sf` is the power scale factor of this frame."""
        wmax_sf = 0 if self._plant.wmax_w < _U16_NAN else 1
        wmax = self._plant.wmax_w // 10 ** wmax_sf
        ratings = {"DERTyp": 4, "WRtg": wmax, "WRtg_SF": wmax_sf, "VARtg": wmax,
                   "VARtg_SF": wmax_sf, "VArRtgQ1": 0, "VArRtgQ4": 0, "VArRtg_SF": 0,
                   "ARtg": round(self._plant.wmax_w / 690), "ARtg_SF": 0}
        settings = {"WMax": wmax, "WMax_SF": wmax_sf, "VRef": 230, "VRef_SF": 0,
                    "VRefOfs": 0, "VRefOfs_SF": 0}
        status = {"PVConn": 7 if self.conn else 0, "StorConn": 0, "ECPConn": self.conn,
                  "ActWh": int(now.export_wh)}
        controls = {"Conn": self.conn, "WMaxLimPct": self.pct, "WMaxLimPct_WinTms": 0,
                    "WMaxLimPct_RvrtTms": self.rvrt_s, "WMaxLimPct_RmpTms": 0,
                    "WMaxLim_Ena": self.ena, "OutPFSet_Ena": 0, "VArPct_Ena": 0,
                    "WMaxLimPct_SF": -2, "OutPFSet_SF": -4}
        return (_SUNS + _common("Simulated inverter", "I-0001", self.unit)
                + layout(103).registers(self._live(now, sf)) + layout(120).registers(ratings)
                + layout(121).registers(settings) + layout(122).registers(status)
                + layout(123).registers(controls) + _END)

    def null_frame(self, image: list[int]) -> list[int]:
        """The image with model 103 all zero and St = FAULT, as an upset gateway sends it."""
        start = self._blocks[103] - BASE
        size = layout(103).size
        made = list(image)
        made[start + 2:start + size] = [0] * (size - 2)
        made[start + layout(103).points["St"].offset] = _ST_FAULT
        return made

    def _live(self, now: Instant, sf: int) -> dict[str, int]:
        """Model 103's values."""
        volts = [round(v * 10) for v in now.volts]
        amps = round(now.watts / 3 / 230 * 100)
        state = _ST_THROTTLED if self._plant.throttled else _ST_MPPT
        return {
            "A": 3 * amps, "AphA": amps, "AphB": amps, "AphC": amps, "A_SF": -2,
            "PhVphA": volts[0], "PhVphB": volts[1], "PhVphC": volts[2], "V_SF": -1,
            "W": round(now.watts / 10 ** sf), "W_SF": sf,
            "Hz": round(now.hertz * 100), "Hz_SF": -2,
            "VA": round(math.hypot(now.watts, now.vars) / 10 ** sf), "VA_SF": sf,
            "VAr": round(now.vars / 10 ** sf), "VAr_SF": sf,
            "WH": int(now.export_wh), "WH_SF": 0,
            "DCW": round(now.watts * 1.02 / 10 ** sf), "DCW_SF": sf,
            "TmpCab": 412, "Tmp_SF": -1,
            "St": state if self._plant.connected else _ST_OFF, "Evt1": 0,
        }


# Points of model 123 that may be written, and their largest raw value.
_ACCEPTS = {"Conn": 1, "WMaxLimPct": PCT_FULL, "WMaxLimPct_WinTms": 0,
            "WMaxLimPct_RvrtTms": 28800, "WMaxLimPct_RmpTms": 0, "WMaxLim_Ena": 1}
