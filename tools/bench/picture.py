"""`python -m tools.bench.picture [PATH]`: a cloudy quarter of an hour under two laws, as a PNG.

Enters: nothing.  Leaves: build/cloudy.png: export, output and cap by our law above those by
open-dynamic-export's on the same quarter of an hour of the bench's hard day.

Limit: a picture; the figures are those of `python -m tools.bench --only controller`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from tools.bench.laws import OpenDynamicExport, Ours
from tools.bench.plant import TICK_MS, TOLERANCE_W, Books, Day, Devices, run
from tools.check_imports import ROOT

PATH = ROOT / "build" / "cloudy.png"
LIMIT_W = 1500
SEED, FROM_S, SECONDS = 1, 300, 900
_LAWS = (("microsep2", Ours), ("open-dynamic-export's law", OpenDynamicExport))
_EXPORT, _SUN, _PV, _LOAD, _OVER = "#1b4965", "#f3d58a", "#d99000", "#8a979e", "#c1121f"


class Traced(Books):
    """Books that remember each tick."""

    def __init__(self):
        """Nothing yet."""
        super().__init__()
        self.ticks: list[tuple[float, float, float]] = []

    def note(self, limit_w: float, sun_w: float, load_w: float, pv_w: float) -> None:
        """One tick."""
        super().note(limit_w, sun_w, load_w, pv_w)
        self.ticks.append((sun_w, load_w, pv_w))


def traced(make) -> Traced:
    """That law through the quarter of an hour; it has steered for five minutes before."""
    return run(make(), Day(SEED, FROM_S + SECONDS), Devices(inverter_ms=make.inverter_ms), LIMIT_W,
               FROM_S, Traced())


def draw(path: Path) -> None:
    """Write the PNG."""
    figure, panels = plt.subplots(len(_LAWS), 1, figsize=(13, 8.5), dpi=110, sharex=True,
                                  sharey=True, layout="constrained")
    for axes, (name, make) in zip(panels, _LAWS):
        books = traced(make)
        minutes = [i * TICK_MS / 60000 for i in range(len(books.ticks))]
        sun, load, pv = zip(*books.ticks)
        export = [made - used for made, used in zip(pv, load)]
        axes.fill_between(minutes, sun, color=_SUN, alpha=0.45, lw=0, label="sun")
        axes.plot(minutes, pv, color=_PV, lw=1.1, label="inverter")
        axes.plot(minutes, load, color=_LOAD, lw=0.9, label="load")
        axes.plot(minutes, export, color=_EXPORT, lw=1.3, label="export")
        axes.axhline(LIMIT_W, color="black", lw=1, ls="--", label=f"export limit {LIMIT_W} W")
        axes.fill_between(minutes, LIMIT_W, export, color=_OVER, lw=0, alpha=0.85,
                          where=[w > LIMIT_W + TOLERANCE_W for w in export], label="above it")
        axes.set_title(f"{name}: {books.over_s:.0f} s and {books.over_wh:.1f} Wh above the limit, "
                       f"longest {books.longest_s:.1f} s, {books.curtailed_wh:.0f} Wh not made, "
                       f"{books.writes} writes", loc="left", fontsize=11, fontweight="bold")
        axes.set_ylabel("W")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(ncols=6, loc="lower right", fontsize=9)
    panels[-1].set_xlabel("minutes")
    panels[0].set_xlim(0, SECONDS / 60)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else PATH
    draw(where)
    print(where)
