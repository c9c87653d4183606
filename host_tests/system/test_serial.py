"""The firmware's bus on a real pty: raw mode, framing, writes, faults, a line that goes away."""

import json
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from host_tests.conftest import MICROPYTHON, ROOT, micropython_env
from host_tests.system.pty_units import Units

SCRIPT = Path(__file__).with_name("serial_line.py")
METER = {40069 + i: 1000 + i for i in range(26)}
INVERTER = {40080 + i: 0x0A0D + 0x0101 * i for i in range(12)}  # bytes that a cooked tty changes
CRC, WRONG, LATE, CONNECTS = 6, 7, 8, 9


def run(link, ms, line=(19200, 2, 1), period_ms=50, timeout_ms=150):
    """What serial_line.py prints."""
    env = micropython_env(ROOT / "boards" / "unix")
    argv = [MICROPYTHON, "-X", "heapsize=160k", SCRIPT, link, ms, *line, period_ms, timeout_ms]
    done = subprocess.run([str(word) for word in argv], env=env, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def units(tmp_path):
    """A meter and an inverter on one line."""
    with Units({200: dict(METER), 1: dict(INVERTER)}, tmp_path / "rs485") as served:
        yield served


def test_two_units_are_read_and_one_is_written(units):
    got = run(units.link, 4000)
    assert got["results"] == [0, 0, 0], got
    assert got["meter"] == list(METER.values()) and got["inverter"] == list(INVERTER.values())
    assert len(got["values"]) >= 15
    assert units.writes and units.writes[0] == (1, 40240, [1018, 0, 0, 0, 0])
    assert got["counts"][1:9] == [0] * 8, got


def test_the_line_is_set_up_as_it_was_asked_for(units):
    seen = []
    obey = units._obey

    def look(unit, request):
        seen.append(units.modes())
        return obey(unit, request)

    units._obey = look
    for line, speed, flags in (((38400, 1, 2), termios.B38400, termios.PARODD | termios.CSTOPB),
                               ((19200, 2, 1), termios.B19200, 0),
                               ((115200, 0, 2), termios.B115200, termios.CSTOPB)):
        run(units.link, 250, line)
        iflag, oflag, cflag, lflag, ispeed, ospeed, _cc = seen[-1]
        assert ispeed == ospeed == speed
        # A pty has no parity: it takes PARENB away, but not what says which.
        assert cflag & (termios.PARODD | termios.CSTOPB) == flags
        assert cflag & termios.CSIZE == termios.CS8 and cflag & termios.CREAD
    assert not oflag & termios.OPOST and not lflag & (termios.ICANON | termios.ECHO)
    assert not iflag & (termios.ICRNL | termios.IXON)


@pytest.mark.parametrize("fault, index", [("crc", CRC), ("foreign", WRONG), ("short", 3),
                                          ("silent", 2)])
def test_each_fault_is_counted_and_the_reading_goes_on(units, fault, index):
    units.faults = [None] * 6 + [fault]
    got = run(units.link, 1500)
    assert got["counts"][index] >= 1 and got["counts"][CONNECTS] == 1, got
    assert set(got["values"]) == {1018} and got["results"][:2] == [0, 0], got


def test_noise_of_the_turning_line_costs_nothing(units):
    units.faults = ["noise"] * 1000
    got = run(units.link, 800)
    assert got["counts"][2:9] == [0] * 7 and got["results"][:2] == [0, 0], got


def test_an_echoing_line_is_read_and_written(units):
    units.echo = True
    got = run(units.link, 1200)
    assert got["results"] == [0, 0, 0] and got["counts"][2:9] == [0] * 7, got
    assert units.writes


def test_a_line_that_goes_away_is_opened_again(units):
    units.faults = [None] * 8 + ["hang up"]
    got = run(units.link, 2500)
    assert got["counts"][CONNECTS] == 2, got
    assert got["results"][:2] == [0, 0] and len(got["values"]) > 10
    assert any("BUS_DOWN" in line for line in got["said"])


def test_what_is_no_terminal_is_refused_and_tried_again(tmp_path):
    (tmp_path / "file").write_bytes(bytes(300))
    got = run(tmp_path / "file", 1400)
    assert got["counts"][CONNECTS] == 0 and got["results"][0] == -1
    assert sum("BUS_DOWN" in line for line in got["said"]) >= 2, got["said"]
    assert (tmp_path / "file").read_bytes() == bytes(300)


@pytest.fixture
def site(request):
    """The simulated site's pty, at the pace of 9600 baud, with the faults that are asked for."""
    faults = [word for name in request.param for word in ("--fault", name)]
    argv = [sys.executable, "-m", "tools.site", "--rtu", "--baud", "9600", *faults]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as served:
        yield json.loads(served.stdout.readline())["rtu"]
        served.terminate()


@pytest.mark.parametrize("site", [(), ("echo",), ("garbage",), ("echo", "garbage")], indirect=True)
def test_a_line_at_the_pace_of_9600_baud_carries_meter_and_inverter(site):
    got = run(site, 3000, (9600, 2, 1), 200, 400)
    assert got["results"][:2] == [0, 0] and len(got["values"]) >= 12, got
    assert got["counts"][2:9] == [0] * 7, got
    assert 170 <= got["real_ms"][0] <= 260 and got["real_ms"][1] <= 600, got


@pytest.mark.parametrize("site", [("silent=4",), ("bad_crc", "200.bad_crc=0"),
                                  ("meter_wrong_unit",), ("late", "late_ms=300")], indirect=True)
def test_the_faults_of_the_site_end_in_counts(site):
    got = run(site, 4000, (9600, 2, 1), 200, 150)
    lost = sum(got["counts"][2:4])
    assert lost >= 2 and got["counts"][CONNECTS] == 1, got
    assert all(result in (0, -1, -2, -3) for result in got["results"]), got
