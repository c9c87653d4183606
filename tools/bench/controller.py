"""Figures of the controller: our law and others on the hard days, and on a load that vanishes.

Enters: laws, and the plant on which each of them lives through the same days.  Leaves: readings,
and a table of all laws for people.

    measure(quick=False)                # {"j.5000.nominal": Reading(...), ...}

Limit: the score depends on the days that were drawn; only the laws of one run can be compared.
"""

from __future__ import annotations

from dataclasses import replace

from tools.bench.house import steered
from tools.bench.laws import (
    FeedForward,
    FFMin,
    Integral,
    OpenDynamicExport,
    OpenEMS,
    Ours,
    Settling,
)
from tools.bench.plant import Books, Day, Devices, OrdinaryDay, Step, run
from tools.bench.port import Port
from tools.bench.row import Aim, BenchError, Reading, Row

LIMITS_W = (5000, 1500, 0)
SEEDS = (1, 2, 3)                           # `--seeds` of the command sets others
SECONDS, QUICK_SECONDS = 1800, 120

# Each with the time that the settling law waits after a cut.
INVERTERS = {
    "nominal": (Devices(), 1200),
    "slow": (Devices(dead_ms=1500, tau_ms=2000, meter_ms=1000, meter_age_ms=300), 4000),
    "coarse": (Devices(step_w=100, slew_w_s=1000), 1200),
    "drop-outs": (Devices(lost=0.05, null=0.01), 1200),
}
OURS = "ours"

# A load that vanishes: the inverter of the promise has no dead time, only its slew.
SLEWING = Devices(dead_ms=0, tau_ms=0, slew_w_s=8000)
_REST_S, _AFTER_S, _SETTLED_S = 60, 60, 20

_DAY_LIMIT_W, _DAY_HOURS, _QUICK_DAY_HOURS = 1500, OrdinaryDay.HOURS, 0.2
_FLASH_MS = 10000

_HEAP = 96 * 1024
_STEPS, _QUICK_STEPS = 5000, 500
_SLOT_US = 200_000

_PAGE = "docs/figures.md"
_DESIGN = "docs/figures.md"
_BEST = Aim("<", None, "< every other law")
_ODE = "open-dynamic-export's law, same run"
_UNSTEERED = "the same house unsteered, same run"

ROWS = [
    Row(f"j.{limit}.{name}", f"score J, limit {limit} W, {name} inverter", "", _BEST,
        "best of seven other laws, same run", _DESIGN)
    for limit in LIMITS_W for name in INVERTERS
] + [
    Row("longest", "longest run above limit + tolerance, all of these", "s", Aim("<=", 15),
        _ODE, _PAGE + " G1"),
    Row("writes.rate", "writes to the inverter, worst of these", "/s", Aim("<=", 1),
        _ODE, _PAGE + " G4"),
    Row("drop.time", "load drops 2.5 kW under 5 kW, slew 8 kW/s: above it", "s", Aim("<=", 1.5),
        _ODE, _DESIGN, 6.0),
    Row("drop.energy", "the same: energy above the limit", "Wh", Aim("<=", 0.7),
        _ODE, _DESIGN, 2.5),
    Row("drop.rest", "the same: writes from 20 s on (no limit cycle)", "", Aim("<=", 2),
        _ODE, _DESIGN),
    Row("drop.nominal", "the same drop, nominal inverter: above the limit", "s", Aim("<=", 4),
        _ODE, _DESIGN),
    Row("drop.slow", "the same drop, slow inverter: above the limit", "s", Aim("<=", 15),
        _ODE, _DESIGN),
    Row("day.writes", f"writes of an ordinary day of 12 h, limit {_DAY_LIMIT_W} W", "",
        Aim("<=", 3000), _ODE, _DESIGN),
    Row("day.flash", "the same, flash-backed inverter: most writes in 10 s", "", Aim("<=", 1),
        _ODE, _DESIGN),
    Row("import.longest", "import limit 5 kW, battery and load: longest run above", "s",
        Aim("<=", 15), _UNSTEERED, _PAGE),
    Row("import.energy", "import limit 5 kW, battery and load: energy above", "Wh",
        Aim("<", None), _UNSTEERED, _PAGE),
    Row("load.longest", "load limit 4 kW, battery and load: longest run above", "s",
        Aim("<=", 15), _UNSTEERED, _PAGE),
    Row("step.bytes", "allocation in one step of the law, 4 devices", "B", Aim("<=", 0),
        "a heap that is locked", _DESIGN, 0),
] + [
    Row(f"step.us.{n}", f"one step of the law, {n} device{'s' * (n > 1)}, mean", "us",
        Aim("<=", _SLOT_US // 100, "<= 1 % of the slot"), "the slot of 200 ms",
        "docs/figures.md", _SLOT_US) for n in (1, 4)
]


def laws(settle_ms: int) -> dict:
    """What makes each law; the settling one waits as long as its description has it."""
    return {OURS: Ours, "open-dynamic-export": OpenDynamicExport, "OpenEMS": OpenEMS,
            "feed-forward": FeedForward, "integral": Integral,
            "settling": lambda: Settling(settle_ms),
            "FFMin K=10": lambda: FFMin(10), "FFMin K=25": lambda: FFMin(25)}


def measure(quick: bool) -> dict[str, Reading]:
    """Every law through every scenario; readings by row."""
    seeds, seconds = (SEEDS[:1], QUICK_SECONDS) if quick else (SEEDS, SECONDS)
    days = [Day(seed, seconds) for seed in seeds]
    found, every = {}, {}
    for limit in LIMITS_W:
        for name, (devices, settle_ms) in INVERTERS.items():
            books = {law: _live(make, days, devices, limit)
                     for law, make in laws(settle_ms).items()}
            every[limit, name] = books
            found[f"j.{limit}.{name}"] = _score(books)
    found["longest"] = _worst(every, lambda books: books.longest_s)
    found["writes.rate"] = _worst(every, lambda books: books.writes / seconds / len(days))
    found.update(load_drop())
    found.update(ordinary(_QUICK_DAY_HOURS if quick else _DAY_HOURS))
    found.update(consumption(seconds))
    found.update(cost(_QUICK_STEPS if quick else _STEPS))
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

    def both(devices, from_s=_REST_S):
        return [run(make(), day, replace(devices, inverter_ms=make.inverter_ms), 5000, from_s)
                for make in (Ours, OpenDynamicExport)]

    ours, theirs = both(SLEWING)
    after, theirs_after = both(SLEWING, _REST_S + _SETTLED_S)
    found = {
        "drop.time": Reading(ours.strict_s, theirs.strict_s, "recorded for the whole program: "
                             "6.0 s; here its law alone"),
        "drop.energy": Reading(ours.strict_wh, theirs.strict_wh,
                               "recorded for the whole program: 2.5 to 2.7 Wh"),
        "drop.rest": Reading(after.writes, theirs_after.writes),
    }
    for name in ("nominal", "slow"):
        ours, theirs = both(INVERTERS[name][0])
        found[f"drop.{name}"] = Reading(ours.strict_s, theirs.strict_s)
    return found


def ordinary(hours: float) -> dict[str, Reading]:
    """An ordinary day's writes; those of a flash-backed inverter by their distance."""
    day = OrdinaryDay(hours)
    ours, flash, theirs = (
        run(law, day, Devices(inverter_ms=law.inverter_ms), _DAY_LIMIT_W)
        for law in (Ours(), Ours(_FLASH_MS), OpenDynamicExport()))
    return {
        "day.writes": Reading(ours.writes, theirs.writes,
                              f"over the limit {ours.over_wh:.0f} Wh, theirs {theirs.over_wh:.0f};"
                              f" not made {ours.curtailed_wh:.0f} Wh, {theirs.curtailed_wh:.0f}"),
        "day.flash": Reading(flash.most_in(_FLASH_MS), theirs.most_in(_FLASH_MS),
                             f"{flash.writes} writes, {flash.over_wh:.0f} Wh over, longest run "
                             f"{flash.longest_s:.1f} s"),
    }


def consumption(seconds: int) -> dict[str, Reading]:
    """Import and load limits, a house with a battery and a charger, steered and not."""
    found = {}
    for name, imp_w, load_w in (("import", 5000, None), ("load", None, 4000)):
        ours, free = (steered(bands, seconds, imp_w, load_w) for bands in (True, False))
        found[f"{name}.longest"] = Reading(ours.longest_s, free.longest_s)
        if name == "import":
            found["import.energy"] = Reading(ours.over_wh, free.over_wh)
    return found


def cost(steps: int) -> dict[str, Reading]:
    """A step of the law on the unix port. BenchError when it was idle."""
    port, found = Port("step"), {}
    for n in (1, 4):
        said = port.run(_HEAP, n, steps)
        if said is None or said["state"] != 1 or said["changes"] < steps // 100:
            raise BenchError(f"the law was idle or did not run in {_HEAP} bytes of heap: {said}")
        note = f"x86-64, unix port; the longest {said['worst_us']} us"
        found[f"step.us.{n}"] = Reading(said["us"] / steps, note=note, detail=said)
    lock = "held" if said["locked"] else "did not hold: something allocates"
    found["step.bytes"] = Reading(said["bytes"] / steps, note=f"the locked heap {lock}")
    return found


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
