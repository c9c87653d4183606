"""What was reported against what truly was: the averages that the utility has, and the record.

Enters: the utility's usage points (admin command `readings`), rows of the site's record.  Leaves:
averages of W by interval, and a picture.

    averages = reported(said["usage_points"], "03")     # [(start, seconds, W), ...]
    draw("build/demo/reported.png", {"site": averages}, rows)

Limit: active power; an interval counts when every phase of it was reported.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.patheffects import withStroke

W = 38
_HALO = [withStroke(linewidth=3, foreground="white")]
COLOURS = {"site": "#1b4965", "DER": "#d99000"}
TRUTHS = {"site": lambda row: row.site_w, "DER": lambda row: row.pv_w + row.battery_w}
ROLES = {"site": 0x03, "DER": 0x49}


def reported(usage_points: list[dict], what: str) -> list[tuple[float, float, float]]:
    """(Unix second, seconds, W) of each interval, summed over the phases; `what`: site or DER."""
    found: dict[int, dict] = {}
    for point in usage_points:
        if int(point["role"], 16) != ROLES[what]:
            continue
        powers = {mrid: kind for mrid, kind in point["types"].items() if kind["uom"] == W}
        for reading in point["readings"]:
            kind = powers.get(reading["mrid"])
            if kind is None:
                continue
            scale = 10 ** (kind.get("powerOfTenMultiplier") or 0)
            row = found.setdefault(reading["start"], {"seconds": reading["duration"], "w": {}})
            row["w"][reading["mrid"]] = reading["value"] * scale
        whole = len(powers)
        found = {s: r for s, r in found.items() if len(r["w"]) == whole}
    return [(s, r["seconds"], sum(r["w"].values())) for s, r in sorted(found.items())]


def true_mean(rows, what: str, start: float, end: float) -> float | None:
    """The mean of the record over that time, None where it does not reach."""
    part = [TRUTHS[what](row) for row in rows if start <= row.time < end]
    covered = rows and rows[0].time <= start + 1 and rows[-1].time >= end - 1
    return sum(part) / len(part) if part and covered else None


def errors(averages, rows, what: str) -> list[tuple[float, float]]:
    """(middle of the interval, reported minus true) in W of each that the record covers."""
    found = []
    for start, seconds, watts in averages:
        truth = true_mean(rows, what, start, start + seconds)
        if truth is not None:
            found.append((start + seconds / 2, watts - truth))
    return found


def lines(averages: dict[str, list], rows) -> list[str]:
    """For the report: how many averages the utility has, and how far they are from the record."""
    said = []
    for what, found in averages.items():
        apart = [abs(e) for _, e in errors(found, rows, what)]
        spans = "/".join(str(round(s)) for s in sorted({s for _, s, _ in found}))
        text = (f"{len(found)} averages of {spans} s at the server, {len(apart)} in the record"
                if found else "no average at the server: no interval was whole and posted in time")
        if apart:
            text += f", at most {max(apart):.0f} W from it"
        said.append(f"  readings, {what:<4} {text}")
    return said


def draw(path: str | Path, averages: dict[str, list], rows) -> None:
    """Above: the record and the reported averages; below: how far they are apart.

    Time is shown from the record's first row; without a row the picture is empty.
    """
    zero = rows[0].time if rows else 0
    figure, (top, low) = plt.subplots(2, 1, figsize=(13, 7), dpi=110, sharex=True,
                                      height_ratios=(3, 1), layout="constrained")
    worst = 0.0
    for what, found in averages.items():
        colour = COLOURS[what]
        top.plot([r.time - zero for r in rows], [TRUTHS[what](r) for r in rows], color=colour,
                 lw=1, alpha=0.5, label=f"{what}: what truly was, every 100 ms")
        for i, (start, seconds, watts) in enumerate(found):
            left, right = start - zero, start + seconds - zero
            top.plot([left, right], [watts, watts], color=colour, lw=4, solid_capstyle="butt",
                     label=None if i else f"{what}: average reported")
            top.annotate(f"{watts:.0f}", ((left + right) / 2, watts), xytext=(0, 4),
                         textcoords="offset points", ha="center", va="bottom", fontsize=9,
                         color=colour, fontweight="bold", path_effects=_HALO, zorder=5)
        apart = errors(found, rows, what)
        worst = max([worst] + [abs(e) for _, e in apart])
        low.plot([s - zero for s, _ in apart], [e for _, e in apart], "o", color=colour,
                 label=what)
    top.axhline(0, color="black", lw=0.6)
    top.set_ylabel("W, import and generation positive")
    low.set_ylabel("reported - true, W")
    low.axhline(0, color="black", lw=0.6)
    low.set_ylim(-max(5, 1.3 * worst), max(5, 1.3 * worst))
    low.set_xlabel("seconds since the record began")
    for axes in (top, low):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    top.margins(y=0.18)
    top.legend(loc="upper right", fontsize=9, ncols=2, framealpha=0.9)
    figure.suptitle("microsep2: averages as the utility has them, and the site's own record",
                    fontsize=14, fontweight="bold", x=0.01, ha="left")
    top.set_title("   ".join(" ".join(text.split()) for text in lines(averages, rows)),
                  fontsize=10, loc="left")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
