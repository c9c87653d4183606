"""What a device measures, as the points of its SunSpec model, with scale factors that fit.

Enters: an Instant.  Leaves: raw values by point name.

    scaled(203, quantities(now, phases=3))         # {"W": -7500, "W_SF": 0, "PhVphA": 2301, ...}

Scale factors of 10x and 20x are dynamic and follow the values, those of 7xx stay (`rating_w`).
"""

from __future__ import annotations

import math

from tools.site.layout import layout
from tools.site.plant import Instant

_INT16 = 32767
_FACTORS = {"A_SF": -2, "V_SF": -1, "Hz_SF": -2, "Tmp_SF": -1}
_POWER = ("W_SF", "VA_SF", "VAR_SF", "VAr_SF", "Var_SF", "DCW_SF")
_WIDE = ("acc32", "acc64", "uint32", "uint64", "bitfield32")

_ACS = {"A": "a", "AphA": "a1", "AphB": "a2", "AphC": "a3", "PhVphA": "v1", "PhVphB": "v2",
        "PhVphC": "v3", "W": "w", "Hz": "hz", "VA": "va"}
_INVERTER = {**_ACS, "VAr": "var", "WH": "wh_out", "DCW": "dcw", "TmpCab": "tmp", "St": "st",
             "Evt1": "none"}
_METER = {**_ACS, "PhV": "v_ln", "PPV": "v_ll", "WphA": "w1", "WphB": "w2", "WphC": "w3",
          "VAR": "var", "VARphA": "var1", "VARphB": "var2", "VARphC": "var3",
          "TotWhExp": "wh_out", "TotWhImp": "wh_in", "Evt": "none"}
_DER = {"W": "w", "VA": "va", "Var": "var", "A": "a", "LLV": "v_ll", "LNV": "v_ln", "Hz": "hz",
        "TotWhInj": "wh_out", "TotWhAbs": "wh_in", "TmpCab": "tmp",
        **{f"{name}L{i}": f"{key}{i}" for i in (1, 2, 3)
           for name, key in (("W", "w"), ("Var", "var"), ("A", "a"), ("V", "v"))}}
TABLES = {**{m: _INVERTER for m in (101, 102, 103, 111, 112, 113)},
          **{m: _METER for m in (201, 202, 203, 204, 211, 212, 213, 214)}, 701: _DER}
LIVE = tuple(TABLES)
_PARTS = {"W": ("WphA", "WphB", "WphC"), "VAR": ("VARphA", "VARphB", "VARphC")}
_PARTS_DER = {"W": ("WL1", "WL2", "WL3"), "Var": ("VarL1", "VarL2", "VarL3")}


def quantities(now: Instant, phases: int = 3, sign: int = 1) -> dict[str, float | None]:
    """W, var, VA, A, V, Hz and Wh by short names; phases that are not there are None."""
    amps = [abs(w) / v if v else 0.0 for w, v in zip(now.phases_w, now.volts)]
    q: dict[str, float | None] = {
        "w": now.watts * sign, "var": now.vars * sign, "va": math.hypot(now.watts, now.vars),
        "a": sum(amps), "hz": now.hertz, "wh_out": int(now.export_wh),
        "wh_in": int(now.import_wh), "v_ln": sum(now.volts[:phases]) / phases,
        "dcw": now.watts * 1.02, "tmp": 41.2, "none": 0,
    }
    q["v_ll"] = q["v_ln"] * math.sqrt(3) if phases > 1 else None
    for i in range(3):
        there = i < phases
        for name, values in (("w", now.phases_w), ("var", now.phases_var)):
            q[f"{name}{i + 1}"] = values[i] * sign if there else None
        q[f"a{i + 1}"] = amps[i] if there else None
        q[f"v{i + 1}"] = now.volts[i] if there else None
    return q


def scaled(model: int, q: dict, rating_w: int = 0, more: int = 0) -> dict[str, float | None]:
    """Raw values of a live model; `more` is added to the power scale factors of 10x and 20x."""
    points = layout(model).points
    rows = [(points[name], q.get(key)) for name, key in TABLES[model].items() if name in points]
    factors = _factors(rows, rating_w, more if model < 700 else 0)
    made: dict[str, float | None] = {name: sf for name, sf in factors.items() if name in points}
    for point, value in rows:
        if value is None or point.type == "float32":
            made[point.name] = value
        else:
            made[point.name] = round(value / 10 ** factors[point.sf]) if point.sf \
                else round(value)
    if points["W"].type != "float32":
        _add_up(made, _PARTS_DER if model > 700 else _PARTS)
    return made


def _factors(rows, rating_w: int, more: int) -> dict[str, int]:
    """The scale factor of each name: the least that lets every value fit into 16 bits."""
    largest: dict[str, float] = {}
    for point, value in rows:
        if point.sf:
            narrow = abs(value or 0) if point.type not in _WIDE else 0
            largest[point.sf] = max(largest.get(point.sf, 0), narrow)
    made = {}
    for name, top in largest.items():
        power = name in _POWER
        sf = fitting(max(top, 1.2 * rating_w if power else 0), _FACTORS.get(name, 0))
        made[name] = sf + more if power else sf
    return made


def fitting(top: float, sf: int = 0, limit: int = _INT16) -> int:
    """The least scale factor from `sf` on with which `top` is at most `limit`."""
    while top / 10.0 ** sf > limit:
        sf += 1
    return sf


def _add_up(made: dict, groups: dict) -> None:
    """Let rounded parts have their rounded total as sum."""
    for total, parts in groups.items():
        values = [made.get(name) for name in parts]
        if None not in values and made.get(total) is not None:
            made[parts[0]] += made[total] - sum(values)
