"""Figures of the controller: our law and others on the hard days, and on a load that vanishes.

Enters: laws, and the plant on which each of them lives through the same days.  Leaves: readings,
and a table of all laws for people.

    measure(quick=False)                # {"j.5000.nominal": Reading(...), ...}

Limit: the score depends on the days that were drawn; only the laws of one run can be compared.
"""

from __future__ import annotations

from dataclasses import replace

from tools.bench.laws import FeedForward, FFMin, Integral, OpenDynamicExport, OpenEMS, Ours
from tools.bench.plant import Books, Day, Devices, Step, run
from tools.bench.row import Aim, Reading, Row

LIMITS_W = (5000, 1500, 0)
SEEDS = (1, 2, 3)
SECONDS, QUICK_SECONDS = 1800, 120

INVERTERS = {
    "nominal": (Devices(), 25),
    "slow": (Devices(dead_ms=1500, tau_ms=2000, meter_ms=1000, meter_age_ms=300), 10),
}
OURS = "ours"

# A load that vanishes: the inverter of the promise has no dead time, only its slew.
SLEWING = Devices(dead_ms=0, tau_ms=0, slew_w_s=8000)
_REST_S, _AFTER_S, _SETTLED_S = 60, 60, 20

_PAGE = "southbound.md 6.5"
_DESIGN = "design.md, Figures"
_BEST = Aim("<", None, "< every other law")

ROWS = [
    Row(f"j.{limit}.{name}", f"score J, limit {limit} W, {name} inverter", "", _BEST,
        "best of five other laws, same run", _DESIGN)
    for limit in LIMITS_W for name in INVERTERS
] + [
    Row("longest", "longest run above limit + tolerance, all of these", "s", Aim("<=", 15),
        "open-dynamic-export's law, same run", _PAGE + " G1"),
    Row("writes.rate", "writes to the inverter, worst of these", "/s", Aim("<=", 1),
        "open-dynamic-export's law, same run", _PAGE + " G4"),
    Row("drop.time", "load drops 2.5 kW under 5 kW, slew 8 kW/s: above it", "s", Aim("<=", 1.5),
        "open-dynamic-export's law, same run", _DESIGN, 6.0),
    Row("drop.energy", "the same: energy above the limit", "Wh", Aim("<=", 0.7),
        "open-dynamic-export's law, same run", _DESIGN, 2.5),
    Row("drop.rest", "the same: writes from 20 s on (no limit cycle)", "", Aim("<=", 2),
        "open-dynamic-export's law, same run", _DESIGN),
]


def laws(ffmin_window: int) -> dict:
    """What makes each law; FFMin with the window that its description tunes for the inverter."""
    return {OURS: Ours, "open-dynamic-export": OpenDynamicExport, "OpenEMS": OpenEMS,
            "feed-forward": FeedForward, "integral": Integral,
            f"FFMin K={ffmin_window}": lambda: FFMin(ffmin_window)}


def measure(quick: bool) -> dict[str, Reading]:
    """Every law through every scenario; readings by row."""
    days = [Day(seed, QUICK_SECONDS if quick else SECONDS) for seed in SEEDS[:1 if quick else 3]]
    found, every = {}, {}
    for limit in LIMITS_W:
        for name, (devices, window) in INVERTERS.items():
            books = {law: _live(make, days, devices, limit)
                     for law, make in laws(window).items()}
            every[limit, name] = books
            found[f"j.{limit}.{name}"] = _score(books)
    seconds = len(days) * len(days[0].sun) / 10
    found["longest"] = _worst(every, lambda books: books.longest_s)
    found["writes.rate"] = _worst(every, lambda books: books.writes / seconds)
    found.update(load_drop())
    return found


def _live(make, days, devices: Devices, limit: int) -> Books:
    """One law through all days, each day from its start."""
    total = Books()
    for day in days:
        law = make()
        total.add(run(law, day, replace(devices, inverter_ms=law.inverter_ms), limit))
    return total


def _score(books: dict[str, Books]) -> Reading:
    best = min((b.score, law) for law, b in books.items() if law != OURS)
    rows = {law: {"over_s": round(b.over_s, 1), "longest_s": round(b.longest_s, 1),
                  "over_wh": round(b.over_wh, 1), "curtailed_wh": round(b.curtailed_wh, 1),
                  "writes": b.writes, "j": round(b.score)} for law, b in books.items()}
    return Reading(books[OURS].score, best[0], f"the best other law is {best[1]}", rows)


def _worst(every, what) -> Reading:
    """Our worst over all scenarios, beside open-dynamic-export's."""
    ours, theirs = (max((what(books[law]), key) for key, books in every.items())
                    for law in (OURS, "open-dynamic-export"))
    return Reading(ours[0], theirs[0], f"ours at limit {ours[1][0]} W, {ours[1][1]} inverter")


def load_drop() -> dict[str, Reading]:
    """Both laws at rest under 5 kW when 2.5 kW of load vanish."""
    day = Step(_REST_S + _AFTER_S, 9500, 2800, 300, _REST_S)
    rest = Step(_REST_S + _AFTER_S, 9500, 2800, 300, _REST_S)
    pair = []
    for make in (Ours, OpenDynamicExport):
        devices = replace(SLEWING, inverter_ms=make.inverter_ms)
        pair.append((run(make(), day, devices, 5000, _REST_S),
                     run(make(), rest, devices, 5000, _REST_S + _SETTLED_S)))
    (ours, after), (theirs, theirs_after) = pair
    return {
        "drop.time": Reading(ours.strict_s, theirs.strict_s, "recorded for the whole program: "
                             "6.0 s; here its law alone"),
        "drop.energy": Reading(ours.strict_wh, theirs.strict_wh,
                               "recorded for the whole program: 2.5 to 2.7 Wh"),
        "drop.rest": Reading(after.writes, theirs_after.writes),
    }


def text(rows: list[Row]) -> str:
    """The laws of every scenario as a table; empty when they were not measured."""
    out = []
    for row in rows:
        if row.key.startswith("controller.j.") and row.detail:
            out.append(f"{row.name}\n  {'law':20} {'s over':>8} {'longest':>8} {'Wh over':>8} "
                       f"{'Wh lost':>8} {'writes':>7} {'J':>6}")
            for law, b in sorted(row.detail.items(), key=lambda item: item[1]["j"]):
                out.append(f"  {law:20} {b['over_s']:8} {b['longest_s']:8} {b['over_wh']:8} "
                           f"{b['curtailed_wh']:8} {b['writes']:7} {b['j']:6}")
    return "\n".join(out)
