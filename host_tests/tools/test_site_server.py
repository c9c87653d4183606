"""The site as a process: an independent SunSpec client reads and steers it over TCP."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from tools.check_imports import ROOT
from tools.site import read_csv

ARGS = ["--pv", "8000", "--load", "1000", "--noise", "0"]


@contextlib.contextmanager
def running(*args):
    """The process and its ready line; ended by SIGTERM, promptly."""
    process = subprocess.Popen([sys.executable, "-m", "tools.site", *ARGS, *args], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=5)
        process.stdout.close()


def admin(ready, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{ready['admin_port']}{path}"
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=5) as reply:
        return json.load(reply)


def client(ready, unit):
    device = SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr="127.0.0.1",
                                          ipport=ready["port"], timeout=2)
    device.scan()
    return device


def raw(ready, frame, timeout=0.6):
    """One frame on a connection of its own; b"" when nothing comes."""
    with socket.create_connection(("127.0.0.1", ready["port"]), timeout=timeout) as s:
        s.sendall(bytes.fromhex(frame))
        try:
            return s.recv(300)
        except TimeoutError:
            return b""


def test_pysunspec2_finds_the_models_and_reads_the_powers():
    with running() as (_, ready):
        inverter, meter = client(ready, 1), client(ready, 200)
        assert [m for m in inverter.models if isinstance(m, int)] == [1, 103, 120, 121, 122, 123]
        assert [m for m in meter.models if isinstance(m, int)] == [1, 203]
        live, site = inverter.models[103][0], meter.models[203][0]
        live.read()
        site.read()
        assert live.points["W"].cvalue == 8000 and live.points["St"].value == 4
        assert site.points["W"].cvalue == -7000
        assert sum(site.points["Wph" + p].cvalue for p in "ABC") == -7000
        assert 220 < site.points["PhVphB"].cvalue < 240
        assert live.points["Hz"].cvalue == pytest.approx(50, abs=0.1)
        assert live.points["TmpSnk"].value is None
        assert inverter.models[121][0].points["WMax"].cvalue == 10000
        assert inverter.models[1][0].points["Mn"].value == "microsep2"
        inverter.close()
        meter.close()


def test_pysunspec2_limits_the_inverter_and_the_record_shows_it(tmp_path):
    path = tmp_path / "site.csv"
    with running("--csv", str(path), "--tau-ms", "100") as (process, ready):
        inverter = client(ready, 1)
        controls = inverter.models[123][0]
        controls.read()
        controls.points["WMaxLimPct"].cvalue = 20
        controls.points["WMaxLim_Ena"].value = 1
        controls.write()
        status, deadline = admin(ready, "/status"), time.monotonic() + 10
        while status["pv_w"] > 2050 and time.monotonic() < deadline:
            time.sleep(0.1)
            status = admin(ready, "/status")
        assert abs(status["pv_w"] - 2000) < 60 and status["WMaxLimPct"] == 2000
        assert status["counts"]["writes"] >= 2 and status["counts"]["refused"] == 0
        assert admin(ready, "/writes")[0]["values"] == [2000]
        rows = admin(ready, f"/record?since={status['time'] - 1}")
        assert rows["columns"][4] == "site_w" and 9 <= len(rows["rows"]) <= 12
        inverter.close()
    assert process.returncode == 0
    assert abs(read_csv(path)[-1].site_w + 1000) < 60


def test_faults_are_switched_over_http():
    read = "0001 0000 0006 {:02x} 03 9c40 0002"
    with running("--fault", "meter_silent") as (_, ready):
        assert raw(ready, read.format(200)) == b""
        assert raw(ready, read.format(1))[9:] == b"SunS"
        assert raw(ready, read.format(77))[7:] == b"\x83\x0b"
        faults = admin(ready, "/faults", {"meter_silent": False, "inverter_silent": True})
        assert faults["inverter_silent"] and not faults["meter_silent"]
        assert raw(ready, read.format(1)) == b""
        assert raw(ready, read.format(200))[9:] == b"SunS"
        with pytest.raises(urllib.error.HTTPError) as refused:
            admin(ready, "/faults", {"earthquake": True})
        assert refused.value.code == 400


def test_read_only_and_unmapped_registers_are_refused_on_the_wire():
    with running() as (_, ready):
        assert raw(ready, "0001 0000 0006 01 06 9c42 0001")[7:] == b"\x86\x02"
        assert raw(ready, "0001 0000 0006 01 03 0000 0002")[7:] == b"\x83\x02"
        assert raw(ready, "0001 0000 0009 01 10 9c56 0001 02 0001")[7:] == b"\x90\x02"


def test_one_client_at_a_time_and_resets():
    read = bytes.fromhex("0001 0000 0006 01 03 9c40 0002")
    with running("--fault", "one_client") as (_, ready):
        address = ("127.0.0.1", ready["port"])
        with socket.create_connection(address, timeout=2) as first:
            first.sendall(read)
            assert first.recv(300)[9:] == b"SunS"
            with socket.create_connection(address, timeout=2) as second:
                with contextlib.suppress(ConnectionError):
                    second.sendall(read)
                    assert second.recv(300) == b""
            first.sendall(read)
            assert first.recv(300)[9:] == b"SunS"
            admin(ready, "/faults", {"1.reset": True})
            first.sendall(read)
            with pytest.raises(ConnectionResetError):
                first.recv(300)


def test_slow_answers_come_late_and_several_units_are_on_one_port(tmp_path):
    site = tmp_path / "site.json"
    site.write_text(json.dumps({"inverters": [{"unit": 1}, {"unit": 2, "family": "7xx"}],
                                "battery": {"unit": 10}, "load": {"unit": 20}}))
    with running("--site", str(site), "--fault", "2.delay_ms=300") as (_, ready):
        assert ready["units"] == {"inverter1": 1, "inverter2": 2, "meter": 200, "battery": 10,
                                  "load": 20}
        read = "0001 0000 0006 {:02x} 03 9c40 0002"
        for unit in (1, 10, 200):
            assert raw(ready, read.format(unit))[9:] == b"SunS"
        begun = time.monotonic()
        assert raw(ready, read.format(2))[9:] == b"SunS"
        assert time.monotonic() - begun >= 0.3
        assert raw(ready, "0001 0000 0006 14 03 0003 0001")[9:] == b"\x0b\xb8"
        status = admin(ready, "/status")
        assert [d["name"] for d in status["devices"]] == list(ready["units"])
        now = status["time"]
        mean = admin(ready, f"/mean?name=load_w&from={now - 0.2}&to={now}")["mean"]
        assert mean == pytest.approx(3000, abs=3000)
        with pytest.raises(urllib.error.HTTPError):
            admin(ready, "/mean?name=moon&from=0&to=1")


def test_command_line_refuses_a_fault_that_is_none():
    for wrong in ("earthquake", "silent=x", "x.silent"):
        done = subprocess.run([sys.executable, "-m", "tools.site", "--fault", wrong], cwd=ROOT,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "--fault" in done.stderr
