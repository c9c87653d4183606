"""The picture of a run: the limit against what the site did, for people.

Enters: rows of the record, segments, the outage, the verdict.  Leaves: a PNG and a CSV.

    draw("build/demo/demo.png", rows, segments, outage=(136, 204), verdict=verdict)
"""

from __future__ import annotations

import csv
import textwrap
from dataclasses import astuple
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from tools.demo.story import Segment
from tools.demo.verdict import Verdict, limit_at
from tools.site.record import COLUMNS, Row

SOURCES = {"failsafe": "#7b3fa0", "default": "#c77700", "event": "#0a7e8c"}
_TITLE_WIDTH = 130
_HALO = [withStroke(linewidth=3, foreground="white")]
_EXPORT, _SUN, _PV, _LOAD, _OUTAGE = "#1b4965", "#e9b949", "#d99000", "#5c6b73", "#9aa5ab"


def draw(path: str | Path, rows: list[Row], segments: list[Segment],
         outage: tuple[float, float] | None = None, verdict: Verdict | None = None) -> None:
    """Write the PNG; times are Unix seconds, shown from the first segment's start."""
    zero, end = segments[0].start, segments[-1].end
    rows = [r for r in rows if zero <= r.time < end]
    seconds = [r.time - zero for r in rows]
    figure, (top, low) = plt.subplots(2, 1, figsize=(13, 8), dpi=110, sharex=True,
                                      height_ratios=(3, 2), layout="constrained")
    _limit(top, rows, seconds, segments, zero)
    _plant(low, rows, seconds)
    for axes in (top, low):
        axes.grid(alpha=0.25)
        axes.set_xlim(0, end - zero)
        axes.spines[["top", "right"]].set_visible(False)
        if outage:
            axes.axvspan(outage[0] - zero, outage[1] - zero, color=_OUTAGE, alpha=0.22, lw=0)
    if outage:
        top.annotate("server out of service", ((sum(outage) / 2) - zero, 0.985),
                     xycoords=("data", "axes fraction"), ha="center", va="top", fontsize=10,
                     color="#46525a", style="italic")
    low.set_xlabel("seconds since the firmware's start")
    title = "microsep2: the published export limit and what the connection point did"
    figure.suptitle(title, fontsize=14, fontweight="bold", x=0.01, ha="left")
    if verdict:
        top.set_title(textwrap.fill(verdict.line(), _TITLE_WIDTH), fontsize=10.5, loc="left",
                      fontweight="bold", color="#1a7f37" if verdict.passed else "#c1121f")
    figure.savefig(path)
    plt.close(figure)


def _limit(axes, rows: list[Row], seconds, segments: list[Segment], zero: float) -> None:
    """Export as a line, the limit as steps coloured by what set it, the excess in red."""
    export = [-r.site_w for r in rows]
    held = [limit_at(segments, r.time).limit_w for r in rows]
    axes.fill_between(seconds, 0, held, color="#2a9d8f", alpha=0.10, lw=0)
    axes.plot(seconds, export, color=_EXPORT, lw=1.5)
    axes.fill_between(seconds, held, export, where=[e > h for e, h in zip(export, held)],
                      color="#c1121f", alpha=0.35, lw=0)
    top_w = max([s.limit_w for s in segments] + export)
    last = None
    for s in segments:
        colour = SOURCES[s.source]
        if last is not None:
            axes.plot([s.start - zero] * 2, [last, s.limit_w], color=colour, lw=1, alpha=0.6)
        axes.plot([s.start - zero, s.end - zero], [s.limit_w] * 2, color=colour, lw=3,
                  solid_capstyle="butt")
        name = s.why.split(":")[0] if s.source == "event" else s.source
        short = s.end - s.start < (segments[-1].end - zero) / 20
        axes.annotate(f"{name}\n{s.limit_w} W",
                      (s.start - zero if short else (s.start + s.end) / 2 - zero, s.limit_w),
                      xytext=(2, 6), textcoords="offset points", va="bottom",
                      ha="left" if short else "center", fontsize=9, color=colour,
                      fontweight="bold", path_effects=_HALO, zorder=5)
        last = s.limit_w
    axes.set_ylabel("export at the connection point, W")
    axes.set_ylim(min(min(export, default=0), 0) - 300, top_w * 1.18)
    axes.axhline(0, color="black", lw=0.6)
    handles = [Line2D([], [], color=c, lw=3, label=f"limit set by {n}" if n != "event"
                      else "limit set by an event") for n, c in SOURCES.items()]
    handles += [Line2D([], [], color=_EXPORT, lw=1.5, label="export (the site's own record)"),
                Patch(color="#c1121f", alpha=0.35, label="above the limit")]
    axes.legend(handles=handles, loc="upper right", fontsize=9, framealpha=0.9)


def _plant(axes, rows: list[Row], seconds) -> None:
    """What sun and house did meanwhile."""
    axes.fill_between(seconds, [r.pv_w for r in rows], [r.pv_available_w for r in rows],
                      color=_SUN, alpha=0.35, lw=0, label="PV held back")
    axes.plot(seconds, [r.pv_available_w for r in rows], color=_SUN, lw=1.3,
              label="PV available")
    axes.plot(seconds, [r.pv_w for r in rows], color=_PV, lw=1.6, label="PV made")
    axes.plot(seconds, [r.load_w for r in rows], color=_LOAD, lw=1.3, label="load")
    axes.set_ylabel("W")
    axes.set_ylim(0, max([r.pv_available_w for r in rows] + [r.load_w for r in rows] + [1]) * 1.25)
    axes.legend(loc="upper right", fontsize=9, ncols=4, framealpha=0.9)


def write_csv(path: str | Path, rows: list[Row], segments: list[Segment]) -> None:
    """The judged rows, each with the limit that ruled and what set it."""
    with Path(path).open("w", newline="", encoding="ascii") as file:
        out = csv.writer(file)
        out.writerow([*COLUMNS, "export_w", "limit_w", "source"])
        for row in rows:
            segment = limit_at(segments, row.time)
            if segment:
                out.writerow([*astuple(row), -row.site_w, segment.limit_w, segment.source])
