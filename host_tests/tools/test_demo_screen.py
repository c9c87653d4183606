"""The demonstration's view, screen and report, from the recorded log of a run."""

import io
import json
from pathlib import Path

import pytest
from demo_plant import obedient, played, unix_segments
from rich.console import Console
from tools.demo.report import answers, report
from tools.demo.screen import plain, render
from tools.demo.story import WMAX_W, Story
from tools.demo.verdict import judge
from tools.demo.view import FAULT, OK, REFUSED, REMARK, View, kind_of

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
SIZES = [(80, 24), (100, 30), (200, 60)]
SITE = {"wmax_w": 10000, "pv_available_w": 8700, "pv_w": 5312, "load_w": 2912, "site_w": -2400,
        "WMaxLimPct": 5420, "WMaxLim_Ena": 1, "Conn": 1,
        "counts": {"reads": 12345, "writes": 1321, "refused": 0}}


def recorded(story, until, site=SITE):
    """The view as it was `until` seconds after the firmware's start."""
    run = json.loads((VECTORS / "demo_run.json").read_text())
    view = View(story, run["names"])
    view.now, view.server, view.site = until, "up", dict(site)
    for at, line in run["lines"]:
        if at <= until:
            view.take_line(line)
    view.take_requests([r for r in run["requests"] if r["time"] - run["zero"] <= until])
    return view


def drawn(view, width, height):
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None)
    console.print(render(view, width, height))
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("now", range(0, 120, 5))
def test_the_screen_fills_its_size_at_every_moment(now, width, height):
    lines = drawn(recorded(Story(2), now), width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert all(line[-1] in "│╮╯" for line in lines[2:])


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("now", range(6, 120, 3))
def test_nothing_but_long_log_lines_is_cut(now, width, height):
    view = recorded(Story(2), now)
    head = drawn(view, width, height)[:12]
    assert not [line for line in head if "…" in line]
    text = "\n".join(head)
    watts, source, _, event = view.published()
    assert f"{watts} W" in text and (event.label if event else source) in text
    assert view.story.chapter(now) in text
    assert "left" in head[0] and "12345 reads  1321 writes  0 refused" in text


@pytest.mark.parametrize("width, height", SIZES)
def test_the_newest_lines_and_requests_are_seen(width, height):
    view = recorded(Story(2), 60)
    lines = drawn(view, width, height)
    newest = view.lines[-1]
    assert any(newest.time in line and newest.code in line for line in lines)
    assert any(view.requests[-1]["resource"] in line for line in lines)
    assert any(f"utility server (up): {view.kinds[OK]} ok" in line for line in lines)


def test_before_anything_is_known_the_screen_says_so():
    lines = "\n".join(drawn(View(Story(2), {}), 80, 24))
    assert "the site has said nothing yet" in lines and "none known yet" in lines
    assert "not up yet" in lines and "Traceback" not in lines


@pytest.mark.parametrize("export_w, bar", [
    (-3000, "imports  3000 W of  2500 W  ·"), (0, "exports     0 W of  2500 W  ·"),
    (2000, "exports  2000 W of  2500 W  ██"), (9999, "exports  9999 W of  2500 W  ██"),
])
def test_the_bar_shows_export_against_the_limit(export_w, bar):
    view = recorded(Story(2), 40, {**SITE, "site_w": -export_w})
    line = next(x for x in drawn(view, 80, 24) if bar in x)
    room = line[30:-2]
    assert room.index("┃") == round(0.25 * len(room))
    filled = room.count("█") + (export_w > 2500)
    assert filled == max(round(export_w / WMAX_W * len(room)), 0)


def test_the_view_follows_limit_events_and_answers():
    view = recorded(Story(2), 40)
    assert view.firmware_limit()[0] == "2500 W" and view.firmware_limit()[1] == "event A2"
    assert view.agrees()
    assert view.events["A1"] == "completed" and view.events["A2"] == "started"
    assert view.answers >= 4
    assert recorded(Story(2), 1.9).firmware_limit()[1] == "failsafe"


def test_unknown_and_broken_lines_are_shown_and_change_nothing():
    view = recorded(Story(2), 40)
    before = view.firmware_limit()
    for raw in ("- I UNHEARD_OF a=1", "Traceback (most recent call last):", "", "- I EVENT is=x",
                "- I ANSWER", "- I LIMIT", "\x1b[2J\x07bell"):
        view.take_line(raw)
    assert before[0] == "2500 W" and view.firmware_limit() == ("-", "-", "")
    text = "\n".join(drawn(view, 100, 30))
    assert "UNHEARD_OF a=1" in text and "Traceback (most" in text and "\x1b" not in text


@pytest.mark.parametrize("verdict, kind", [
    ("ok", OK), ("ok, but: sent before", REMARK), ("refused: no such resource", REFUSED),
    ("fault: 500", FAULT), ("ok (fault: slow)", OK),
])
def test_verdicts_of_the_server_are_told_apart(verdict, kind):
    assert kind_of(verdict) == kind


def test_the_plain_line_says_limit_power_and_counts():
    line = plain(recorded(Story(2), 40))
    assert line.startswith("0:40  limit 2500 W (A2), firmware 2500 W (event A2), export 2400 W")
    assert "\n" not in line and "Modbus 12345 reads 1321 writes" in line
    assert plain(View(Story(2), {})).startswith("0:00  limit 1000 W (failsafe), firmware -")


def test_the_report_has_verdict_figures_answers_and_what_was_refused():
    story = Story(2)
    view = recorded(story, 120)
    view.take_requests([{"n": 9000 + i, "time": 0, "method": "POST", "resource": "rsp", "out": 0,
                         "status": 400, "verdict": "refused: made up"} for i in range(12)])
    names = {"AA": "A1", "BB": "B1"}
    got = [{"subject": "AA", "status": s} for s in (1, 2, 3, 3)] + [{"subject": "BB", "status": 7}]
    verdict = judge(played(story, obedient(story)), unix_segments(story), WMAX_W)
    lines = report(verdict, view, got, names)
    text = "\n".join(lines)
    assert lines[0] == verdict.line() and lines[0].startswith("PASS: ")
    assert all(name in text for name, _ in verdict.figures())
    assert "1 received, 1 started, 2 completed, 1 superseded" in text
    assert "A1  network   5000 W    14 to   30 s   received, started, completed x2" in text
    assert max(map(len, lines)) < 80
    assert text.count("POST rsp 400: refused: made up") <= 8 and "more: see requests.log" in text
    assert "12 refused" in text and "Modbus: 12345 reads" in text


def test_no_answer_at_all_is_said():
    lines = answers(Story(2), [], {})
    assert lines[0].endswith("0 received, 0 started, 0 completed")
    assert len(lines) == 8 and all(line.endswith("none") for line in lines[1:])
