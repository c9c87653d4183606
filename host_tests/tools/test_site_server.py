"""The site as a process: an independent SunSpec client reads and steers it over TCP."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from tools.check_imports import ROOT
from tools.site import read_csv

ARGS = ["--pv", "8000", "--load", "1000", "--noise", "0"]


@contextmanager
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
