"""The demonstration's verdict: what passes, and for each reason to fail a record that has it."""

import pytest

from demo_plant import obedient, played, unix_segments
from tools.demo.story import WMAX_W, Segment, Story
from tools.demo.verdict import judge, tolerance_w
from tools.site import Row

LENGTHS = [2, 3, 4, 10]
LIMITS = [Segment(0, 60, 2000, "default", ""), Segment(60, 120, 4000, "event", "A1: only")]


def record(export_w, *, sun_w=8000, load_w=lambda t: 500, end=120.0):
    """Rows each 100 ms; `export_w(t)` and `load_w(t)` are functions of time."""
    rows = []
    for tick in range(round(end * 10)):
        t = tick / 10
        load = load_w(t)
        rows.append(Row(t, sun_w, export_w(t) + load, load, -export_w(t), WMAX_W))
    return rows


def lawful(t):
    return 1950 if t < 60 else 3950


def test_a_clean_record_passes():
    verdict = judge(record(lawful), LIMITS, WMAX_W)
    assert verdict.reasons == [] and verdict.passed
    assert verdict.line() == ("PASS: above the limit for 0.0 of 120 s, longest run 0.0 s, "
                              "not excused 0.0 s")
    assert verdict.seconds == pytest.approx(120) and verdict.above_s == 0
    assert verdict.used == pytest.approx(0.99, abs=0.01)


def test_above_beyond_the_grace_fails():
    verdict = judge(record(lambda t: 2300 if 40 <= t < 43 else lawful(t)), LIMITS, WMAX_W)
    assert verdict.reasons == ["above the limit beyond 15 s of a change"]
    assert verdict.beyond_s == pytest.approx(3) and verdict.worst_w == 300
    assert verdict.beyond_wh == pytest.approx(300 * 3 / 3600)
    assert verdict.line().startswith("FAIL: above the limit for 3.0 of 120 s")
    assert verdict.line().endswith("(above the limit beyond 15 s of a change)")


@pytest.mark.parametrize("change", ["limit", "load"])
def test_above_within_the_grace_of_a_change_passes(change):
    at = 60 if change == "limit" else 30
    limits = [Segment(0, 60, 4000, "event", ""), Segment(60, 120, 2000, "default", "")]
    if change == "load":
        limits = [Segment(0, 120, 2000, "default", "")]

    def load(t):
        return 2500 if change == "load" and t < 30 else 500

    def export(t):
        return 4000 if at <= t < at + 14.9 else 1900

    verdict = judge(record(export, load_w=load), limits, WMAX_W)
    assert verdict.reasons == [] and verdict.above_s == pytest.approx(14.9)


def test_a_long_run_fails_although_changes_excuse_every_second_of_it():
    def load(t):
        return 500 if int(t / 10) % 2 else 1500

    def export(t):
        return 2500 if 20 <= t < 45 else lawful(t)

    verdict = judge(record(export, load_w=load), LIMITS, WMAX_W)
    assert verdict.reasons == ["one run above the limit lasted 25.0 s"]
    assert verdict.beyond_s == 0


def test_a_limit_that_is_never_kept_fails_although_changes_and_dips_excuse_it():
    limits = [Segment(0, 60, 4000, "event", ""), Segment(60, 76, 0, "event", ""),
              Segment(76, 120, 4000, "event", "")]

    def load(t):
        return 500 if t < 68 else 1500

    def export(t):
        if t < 60:
            return 3900
        return 0 if 68 <= t < 69 or t >= 76 else 2000

    verdict = judge(record(export, load_w=load), limits, WMAX_W)
    assert verdict.beyond_s == 0 and verdict.longest_s < 15
    assert verdict.reasons == ["the limit of 0 W was kept for only 6 % of its time"]


def test_the_tolerance_is_the_lower_of_four_percent_and_100_w():
    assert (tolerance_w(10000), tolerance_w(1000)) == (100, 40)
    assert judge(record(lambda t: lawful(t) + 150), LIMITS, WMAX_W).passed
    assert not judge(record(lambda t: lawful(t) + 151), LIMITS, WMAX_W).passed


@pytest.mark.parametrize("rows", [
    [r for r in record(lawful) if not 50 <= r.time < 52],     # a hole of two seconds
    [r for r in record(lawful) if not 50 <= r.time < 50.6],   # a hole that the cover forgives
    record(lawful, end=110.0),                                # ends early
    [r for r in record(lawful) if r.time >= 3],               # begins late
    record(lawful)[::2],                                      # every second row
    [],
], ids=["hole", "short-hole", "early-end", "late-start", "halved", "empty"])
def test_a_record_with_gaps_fails(rows):
    verdict = judge(rows, LIMITS, WMAX_W)
    assert not verdict.passed
    assert any(r.startswith("the record covers") for r in verdict.reasons)


def test_a_dead_inverter_keeps_every_limit_and_fails():
    verdict = judge(record(lambda t: -500), LIMITS, WMAX_W)
    assert verdict.reasons == ["only 0 % of the lawful energy was made"]
    assert verdict.above_s == 0 and verdict.curtailed_wh == pytest.approx(verdict.lawful_wh)


def test_without_sun_nothing_lawful_is_missed():
    rows = record(lambda t: -500, sun_w=0)
    assert judge(rows, LIMITS, WMAX_W).passed


def test_energy_above_the_limit_does_not_count_as_lawful():
    rows = record(lambda t: 7500 if t < 60 else -500)
    verdict = judge(rows, LIMITS, WMAX_W)
    assert verdict.used < 0.5 and len(verdict.reasons) == 4


def test_rows_outside_the_timeline_are_not_judged():
    rows = record(lambda t: lawful(t) if t < 120 else 8000, end=130.0)
    assert judge(rows, LIMITS, WMAX_W).passed


def test_every_figure_has_a_name_and_a_value():
    figures = judge(record(lawful), LIMITS, WMAX_W).figures()
    assert len(figures) == 8 and all(name and value for name, value in figures)


@pytest.mark.parametrize("minutes", LENGTHS)
def test_an_obedient_controller_passes_the_story(minutes):
    story = Story(minutes)
    verdict = judge(played(story, obedient(story)), unix_segments(story), WMAX_W)
    assert verdict.passed, verdict.line()


@pytest.mark.parametrize("minutes", LENGTHS)
@pytest.mark.parametrize("cap", [
    lambda story: lambda now, load_w: WMAX_W,
    lambda story: lambda now, load_w: 0,
    lambda story: lambda now, load_w: 5000 + load_w,
    lambda story: lambda now, load_w: 2500 + load_w,
    lambda story: lambda now, load_w: max(story.ruling(now)[0], 1500) + load_w,
    lambda story: lambda now, load_w: story.ruling(min(now, story.outage[0]))[0] * 2 + load_w,
], ids=["none", "off", "first-event", "second-event", "never-zero", "twice"])
def test_a_bad_controller_fails_the_story(minutes, cap):
    story = Story(minutes)
    assert not judge(played(story, cap(story)), unix_segments(story), WMAX_W).passed
