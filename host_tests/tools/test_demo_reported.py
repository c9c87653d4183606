"""What was reported against what truly was: figures and picture, from a run on the plant alone."""

import matplotlib.image
from demo_plant import ZERO, obedient, played
from tools.demo.reported import draw, errors, lines, reported, true_mean
from tools.demo.story import Story

STORY = Story(4)
ROWS = played(STORY, obedient(STORY))


def usage_point(role, phases, off_w=0, ten=0, first=-(-ZERO // 60) * 60):
    """As the utility's `readings` gives it: minutes of the truth, `off_w` beside it."""
    types = {f"{role}{i}": {"uom": 38, "phase": p, "powerOfTenMultiplier": ten}
             for i, p in enumerate(phases)}
    types[role + "v"] = {"uom": 29, "powerOfTenMultiplier": -1}
    readings = []
    for start in range(first, first + 180, 60):
        truth = true_mean(ROWS, "site" if role == "03" else "DER", start, start + 60)
        for mrid in types:
            value = 2300 if mrid.endswith("v") else round(
                (truth + off_w) / len(phases) / 10 ** ten)
            readings.append({"mrid": mrid, "start": start, "duration": 60, "value": value,
                             "quality": None})
    return {"mrid": "x", "role": role, "types": types, "readings": readings}


def test_phases_are_added_and_multipliers_count():
    points = [usage_point("03", (128, 64, 32)), usage_point("49", (0,), ten=1)]
    for what, room_w in (("site", 2), ("DER", 6)):
        found = reported(points, what)
        assert [seconds for _, seconds, _ in found] == [60] * 3
        apart = errors(found, ROWS, what)
        assert len(apart) == 3 and all(abs(e) <= room_w for _, e in apart)
        assert [at for at, _ in apart] == [start + 30 for start, _, _ in found]


def test_an_interval_with_a_phase_missing_does_not_count():
    point = usage_point("03", (128, 64, 32))
    point["readings"] = [r for r in point["readings"] if r is not point["readings"][1]]
    assert len(reported([point], "site")) == 2


def test_the_lines_say_how_far_reported_and_true_are_apart():
    found = {"site": reported([usage_point("03", (0,), off_w=50)], "site"), "DER": []}
    site, der = lines(found, ROWS)
    assert "3 averages of 60 s" in site and "at most 50 W" in site
    assert "no average at the server" in der


def test_what_the_record_does_not_reach_is_not_judged():
    late = usage_point("03", (0,))
    for reading in late["readings"]:
        reading["start"] += 10000
    (line,) = lines({"site": reported([late], "site")}, ROWS)
    assert "3 averages of 60 s at the server, 0 in the record" in line and " W from" not in line


def test_the_picture_is_drawn_with_and_without_readings_and_record(tmp_path):
    found = {"site": reported([usage_point("03", (0,))], "site"),
             "DER": reported([usage_point("49", (0,))], "DER")}
    for name, averages, rows in (("full", found, ROWS), ("none", {"site": [], "DER": []}, ROWS),
                                 ("empty", found, [])):
        draw(tmp_path / f"{name}.png", averages, rows)
        assert matplotlib.image.imread(tmp_path / f"{name}.png").shape[:2] == (770, 1430)
