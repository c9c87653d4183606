"""The demonstration's picture and table, from a run on the plant alone."""

import csv

import matplotlib.image
import pytest
from demo_plant import ZERO, obedient, played, unix_segments
from tools.demo.picture import draw, write_csv
from tools.demo.story import WMAX_W, Story
from tools.demo.verdict import judge


def run(minutes, cap=None):
    story = Story(minutes)
    rows = played(story, (cap or obedient)(story))
    return story, rows, unix_segments(story)


@pytest.mark.parametrize("minutes", [2, 10])
def test_the_picture_is_drawn(tmp_path, minutes):
    story, rows, segments = run(minutes)
    outage = (ZERO + story.outage[0], ZERO + story.outage[1])
    draw(tmp_path / "demo.png", rows, segments, outage, judge(rows, segments, WMAX_W))
    image = matplotlib.image.imread(tmp_path / "demo.png")
    assert image.shape[:2] == (880, 1430)
    assert 0.02 < (image[:, :, :3].min(axis=2) < 0.9).mean() < 0.6


def test_what_is_above_the_limit_is_red(tmp_path):
    reds = []
    for cap in (obedient, lambda story: lambda now, load_w: WMAX_W):
        _, rows, segments = run(2, cap)
        draw(tmp_path / "demo.png", rows, segments)
        image = matplotlib.image.imread(tmp_path / "demo.png")
        red = (image[:, :, 0] > 0.85) & (image[:, :, 1] < 0.75) & (image[:, :, 2] < 0.8)
        reds.append(red.mean())
    assert reds[1] > 5 * reds[0]


def test_a_run_without_a_record_is_drawn_too(tmp_path):
    _, _, segments = run(2)
    draw(tmp_path / "demo.png", [], segments, None, judge([], segments, WMAX_W))
    assert (tmp_path / "demo.png").stat().st_size > 10000


def test_the_table_has_each_judged_row_with_its_limit(tmp_path):
    story, rows, segments = run(2)
    write_csv(tmp_path / "demo.csv", rows[:5] + rows[600:605], segments)
    with (tmp_path / "demo.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == 10
    assert {(r["limit_w"], r["source"]) for r in table} == {("1000", "failsafe"), ("0", "event")}
    assert all(int(r["export_w"]) == -int(r["site_w"]) for r in table)
    write_csv(tmp_path / "demo.csv", [r for r in rows if r.time > ZERO + story.length], segments)
    assert len((tmp_path / "demo.csv").read_text().splitlines()) == 1
