"""The demonstration as a visitor starts it: a whole story without a terminal, and an early end."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tools.check_imports import ROOT

STORY_S = 120
SLACK_S = 60


def start(*args):
    """The demo as a process, its output as text."""
    return subprocess.Popen([sys.executable, "-m", "tools.demo", *args], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def children(pid):
    """The pids of the living processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_minutes_pass_and_leave_picture_table_and_verdict(tmp_path):
    demo = start("--minutes", "2", "--out", str(tmp_path))
    said, _ = demo.communicate(timeout=STORY_S + SLACK_S)
    assert demo.returncode == 0, said
    line = next(x for x in said.splitlines() if x.startswith(("PASS", "FAIL")))
    assert line.startswith("PASS: above the limit for ")
    assert line.endswith("not excused 0.0 s")
    assert (tmp_path / "demo.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "reported.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    for what in ("site", "DER"):  # two minutes hold a whole one, be it posted in time or not
        line = next(x for x in said.splitlines() if x.startswith(f"  readings, {what}"))
        assert "average" in line, line
    with (tmp_path / "demo.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert abs(len(rows) - STORY_S * 10) < 20
    assert {r["source"] for r in rows} == {"failsafe", "default", "event"}
    assert "LIMIT" in (tmp_path / "firmware.log").read_text()
    assert (tmp_path / "requests.log").stat().st_size > 0
    assert " 0 refused, " in said and "errors in the firmware's own log: none" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_early_it_leaves_no_process(tmp_path, number):
    demo = start("--minutes", "2", "--out", str(tmp_path))
    deadline = time.monotonic() + SLACK_S
    while len(children(demo.pid)) < 3:
        assert demo.poll() is None and time.monotonic() < deadline, demo.communicate()[0]
        time.sleep(0.1)
    pids = children(demo.pid)
    demo.send_signal(number)
    said, _ = demo.communicate(timeout=20)
    assert demo.returncode == 130 and "no verdict" in said and "Traceback" not in said
    assert not [pid for pid in pids if alive(pid)]


@pytest.mark.parametrize("minutes, why", [("1", "at least 2 minutes"), ("x", "no number"),
                                          ("nan", "no number")])
def test_a_length_that_cannot_be_is_refused(minutes, why):
    demo = start("--minutes", minutes)
    said, _ = demo.communicate(timeout=20)
    assert demo.returncode == 2 and why in said
