"""The models of an inverter or battery that do not measure: ratings, states, controls, storage.

Enters: the device and the time.  Leaves: registers of one model.

    words = STATIC[120](inverter, now)

Limit: percents are 1/100 % in all of them; W in steps that fit 16 bits.
"""

from __future__ import annotations

from tools.site.layout import layout
from tools.site.values import fitting

_UINT16 = 65534
_CTRL_MODES = 0b11              # 702: limit and set point of active power
_RECONNECT_RAMP_S = 375         # 16 % a minute
_PV, _PV_STOR = 4, 82
_EMPTY, _DISCHARGING, _CHARGING, _FULL, _HOLDING = 2, 3, 4, 5, 6
_ESS = 1
_PCT_FULL = 10000


def _watts(*values: float) -> tuple[int, list[int]]:
    """A scale factor and the values in it."""
    sf = fitting(max(values), 0, _UINT16)
    return sf, [int(v // 10 ** sf) for v in values]


def _rated(der) -> int:
    return getattr(der.settings, "wrtg_w", None) or der.wmax_w


def model_120(der, _now: float) -> list[int]:
    """Nameplate ratings."""
    sf, (rating,) = _watts(_rated(der))
    values = {"DERTyp": _PV_STOR if der.cell else _PV, "WRtg": rating, "WRtg_SF": sf,
              "VARtg": rating, "VARtg_SF": sf, "VArRtgQ1": 0, "VArRtgQ4": 0, "VArRtg_SF": 0,
              "ARtg": round(_rated(der) / 690), "ARtg_SF": 0}
    if der.cell:
        wh_sf, (wh,) = _watts(der.cell.capacity_wh)
        cha_sf, (charge, discharge) = _watts(der.cell.charge_w, der.cell.discharge_w)
        values.update({"WHRtg": wh, "WHRtg_SF": wh_sf, "MaxChaRte": charge,
                       "MaxChaRte_SF": cha_sf, "MaxDisChaRte": discharge,
                       "MaxDisChaRte_SF": cha_sf})
    return layout(120).registers(values)


def model_121(der, _now: float) -> list[int]:
    """Basic settings."""
    sf, (wmax,) = _watts(der.wmax_w)
    return layout(121).registers({"WMax": wmax, "WMax_SF": sf, "VRef": 230, "VRef_SF": 0,
                                  "VRefOfs": 0, "VRefOfs_SF": 0})


def model_122(der, _now: float) -> list[int]:
    """Connection states and energy."""
    closed = 7 if der.stages[0].contactor.closed else 0
    if der.faults("no_source") or der.asleep():
        closed &= 1
    return layout(122).registers({
        "PVConn": closed if der.machine else 0, "StorConn": closed if der.cell else 0,
        "ECPConn": int(closed & 1), "ActWh": int(der.out_wh)})


def model_123(der, now: float) -> list[int]:
    """Immediate controls."""
    values = der.points.values(123, now, der.faults("no_rvrt"))
    if der.faults("conn_zero"):
        values["Conn"] = 0
    tenths = bool(der.faults("pct_tenths"))
    if tenths:
        values["WMaxLimPct"] //= 10
    return layout(123).registers({**values, "OutPFSet_Ena": 0, "VArPct_Ena": 0,
                                  "WMaxLimPct_SF": tenths - 2, "OutPFSet_SF": -4})


def model_124(der, now: float) -> list[int]:
    """Storage controls and state."""
    cell = der.cell
    sf, (wcha,) = _watts(cell.charge_w)
    return layout(124).registers({
        **der.points.values(124, now), "WChaMax": wcha, "WChaMax_SF": sf, "WChaGra": _PCT_FULL,
        "WDisChaGra": _PCT_FULL, "WChaDisChaGra_SF": -2, "MinRsvPct_SF": -2,
        "ChaState": round(cell.soc_pct * 100), "ChaState_SF": -2, "InBatV": 4800, "InBatV_SF": -1,
        "ChaSt": _charge_state(cell), "InOutWRte_SF": -2})


def _charge_state(cell) -> int:
    """ChaSt."""
    if cell.w > 20:
        return _DISCHARGING
    if cell.w < -20:
        return _CHARGING
    if cell.wh <= cell.reserve_wh:
        return _EMPTY
    return _FULL if cell.wh >= cell.capacity_wh else _HOLDING


def model_160(der, _now: float) -> list[int]:
    """Two strings, with two thirds and one third of the sun."""
    rows = [{"ID": i + 1, "IDStr": f"String {i + 1}", "DCA": round(der.watts * part / 5),
             "DCV": 5000, "DCW": round(der.watts * part / 10), "DCSt": der.state}
            for i, part in enumerate((2 / 3, 1 / 3))]
    rows = [{**row, "DCA": max(row["DCA"], 0), "DCW": max(row["DCW"], 0)} for row in rows]
    return layout(160).registers({"DCA_SF": -2, "DCV_SF": -1, "DCW_SF": 1, "DCWH_SF": 0, "Evt": 0,
                                  "N": 2}, rows)


def model_702(der, _now: float) -> list[int]:
    """Capacity: ratings and settings."""
    cell, rated = der.cell, _rated(der)
    rates = (cell.charge_w, cell.discharge_w) if cell else (0, 0)
    sf, (rating, wmax, charge, discharge) = _watts(rated, der.wmax_w, *rates)
    storage = {"WChaRteMaxRtg": charge, "WDisChaRteMaxRtg": discharge, "WChaRteMax": charge,
               "WDisChaRteMax": discharge} if cell else {}
    var = round(rating * 0.44)
    return layout(702).registers({
        "WMaxRtg": rating, "VAMaxRtg": rating, "VarMaxInjRtg": var, "VarMaxAbsRtg": var,
        "VNomRtg": 2300, "AMaxRtg": round(rated / 23), "CtrlModes": _CTRL_MODES, "WMax": wmax,
        "VAMax": rating, "VarMaxInj": var, "VarMaxAbs": var, "VNom": 2300,
        "AMax": round(rated / 23), **storage, "W_SF": sf, "PF_SF": -2, "VA_SF": sf,
        "Var_SF": sf, "V_SF": -1, "A_SF": -1})


def model_703(der, now: float) -> list[int]:
    """Enter service."""
    wait = der.stages[0].contactor.wait
    return layout(703).registers({
        **der.points.values(703, now), "ESVHi": 1100, "ESVLo": 880, "ESHzHi": 5010,
        "ESHzLo": 4750, "ESDlyTms": round(der.settings.reconnect_s), "ESRmpTms": _RECONNECT_RAMP_S,
        "ESDlyRemTms": max(round(wait / 10), 0), "V_SF": -1, "Hz_SF": -2})


def model_704(der, now: float) -> list[int]:
    """AC controls."""
    return layout(704).registers({
        **der.points.values(704, now), "WRmpRef": 1, "VarSetEna": 0, "AntiIslEna": 1,
        "PFWInjEna": 0, "PFWAbsEna": 0, "PF_SF": -3, "WMaxLimPct_SF": -2, "WSet_SF": 0,
        "WSetPct_SF": -2})


def model_713(der, _now: float) -> list[int]:
    """Storage capacity."""
    cell = der.cell
    sf, (rated, stored) = _watts(cell.capacity_wh, cell.wh)
    return layout(713).registers({"WHRtg": rated, "WHAvail": stored,
                                  "SoC": round(cell.soc_pct * 100), "SoH": _PCT_FULL,
                                  "Sta": 0, "WH_SF": sf, "Pct_SF": -2})


def model_714(der, _now: float) -> list[int]:
    """DC ports: panels first, then the battery; one more where it grows."""
    rows = []
    if der.machine:
        rows.append(_port(len(rows), 0, der.machine.w * 1.02))
    rows.append(_port(len(rows), _ESS, der.cell.w) if der.cell else _port(len(rows), 0, 0.0))
    if der.faults("der_714_grows"):
        rows.append(_port(len(rows), 0, 0.0))
    total = sum(row["DCW"] for row in rows)
    return layout(714).registers({"PrtAlrms": 0, "NPrt": len(rows), "DCA": round(total / 5),
                                  "DCW": total, "DCA_SF": -1, "DCV_SF": -1, "DCW_SF": 1,
                                  "DCWH_SF": 0, "Tmp_SF": -1}, rows)


def _port(i: int, kind: int, watts: float) -> dict:
    return {"PrtTyp": kind, "ID": i, "IDStr": f"DC {i}", "DCA": round(watts / 50), "DCV": 5000,
            "DCW": round(watts / 10), "DCSta": 1, "DCAlrm": 0}


def model_802(der, _now: float) -> list[int]:
    """Battery: what a storage controller of its own says."""
    cell = der.cell
    sf, (rated,) = _watts(cell.capacity_wh)
    rate_sf, (charge, discharge) = _watts(cell.charge_w, cell.discharge_w)
    w_sf = fitting(abs(cell.w))
    return layout(802).registers({
        "AHRtg": round(cell.capacity_wh / 48), "AHRtg_SF": 0, "WHRtg": rated, "WHRtg_SF": sf,
        "WChaRteMax": charge, "WDisChaRteMax": discharge, "WChaDisChaMax_SF": rate_sf,
        "SoC": round(cell.soc_pct * 100), "SoC_SF": -2, "ChaSt": _charge_state(cell),
        "LocRemCtl": 0, "Typ": 4, "State": 3, "Evt1": 0, "Evt2": 0, "V": 480, "V_SF": -1,
        "A": round(cell.w / 48), "A_SF": 0, "W": round(cell.w / 10 ** w_sf), "W_SF": w_sf,
        "ReqW": 0})


STATIC = {120: model_120, 121: model_121, 122: model_122, 123: model_123, 124: model_124,
          160: model_160, 702: model_702, 703: model_703, 704: model_704, 713: model_713,
          714: model_714, 802: model_802}
