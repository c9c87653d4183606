"""Real sockets, TLS and time: who is refused, who is let in, what outlives an outage or a kill."""

import re
import signal

import pytest
from live import Stage

FAILSAFE_W = 1000
DEFAULT_W = 1500
TOLERANCE_W = 100


@pytest.fixture
def stage(tmp_path):
    with Stage(tmp_path) as ready:
        yield ready


def inside(stage, limit_w):
    """Whether the inverter holds a limit and the site's true export is inside `limit_w`."""
    now = stage.status()
    return now["WMaxLim_Ena"] == 1 and -now["site_w"] <= limit_w + TOLERANCE_W


@pytest.mark.parametrize(("certificate", "reason"), [
    ("wrong/foreign-server", "CA_UNKNOWN"),
    ("wrong/expired-server", "CERT_EXPIRED"),
    ("wrong/future-server", "CLOCK_BEHIND"),
    ("wrong/other-host-server", "WRONG_HOST"),
])
def test_a_server_with_a_wrong_certificate_is_refused_and_the_log_says_which(
        stage, certificate, reason):
    stage.utility("--server-cert", certificate)
    stage.site()
    stage.flash()
    firmware = stage.firmware()
    assert f"why={reason} " in firmware.line("LINK_DOWN")
    firmware.line("LIMIT_TAKEN")
    stage.until(lambda: inside(stage, FAILSAFE_W))
    assert stage.operator("log")["log"] == []
    firmware.quiet()
    assert firmware.end(signal.SIGINT) == 0


def test_a_device_that_the_server_does_not_trust_stands_at_the_failsafe(stage):
    stage.utility()
    stage.site()
    stage.flash(identity="wrong/foreign-device")
    # The CA of the server is the right one: only our own certificate is foreign.
    (stage.folder / "flash" / "ca.der").write_bytes((stage.pki / "ca.der").read_bytes())
    firmware = stage.firmware()
    said = firmware.line("LINK_DOWN")
    assert "CLOSED_BY_SERVER" in said or "TLS_ALERT" in said
    stage.until(lambda: inside(stage, FAILSAFE_W))
    assert stage.operator("log")["log"] == []


@pytest.mark.parametrize("missing", ["key.der", "cert0.der", "ca.der"])
def test_a_missing_key_or_certificate_is_named_and_the_failsafe_holds(stage, missing):
    stage.site()
    (stage.flash() / missing).unlink()
    firmware = stage.firmware()
    assert missing in firmware.line("NO_IDENTITY")
    firmware.line("LIMIT_TAKEN")
    stage.until(lambda: inside(stage, FAILSAFE_W))
    assert "POLL" not in "\n".join(firmware.lines)


def test_a_wrong_setting_is_named_and_nothing_starts(stage):
    stage.site()
    flash = stage.flash(site_exp_w="5 kW")
    firmware = stage.firmware()
    assert "site_exp_w" in firmware.line("CONFIG_WRONG")
    assert firmware.end(0) == 2
    (flash / "config.txt").unlink()
    assert "README" in stage.firmware().line("CONFIG_WRONG")


def test_a_control_arrives_over_mutual_tls_and_is_answered(stage):
    stage.utility("--poll", "5")
    stage.site()
    stage.flash()
    stage.operator("default", program="p1", modes={"exp_w": DEFAULT_W, "imp_w": 5000})
    stage.operator("publish", program="p1", start="+6", duration=5, modes={"exp_w": 2500})
    firmware = stage.firmware()
    firmware.line("src=default")
    firmware.line("LIMIT exp_w=2500 .*src=event")
    firmware.line("ANSWER .*status=3")
    responses = stage.operator("responses")["responses"]
    assert [r["status"] for r in responses] == [1, 2, 3]
    assert responses[2]["created"] - responses[1]["created"] == 5
    verdicts = {entry["verdict"] for entry in stage.operator("log")["log"]}
    assert verdicts == {"ok"}
    stage.until(lambda: inside(stage, DEFAULT_W))


def test_a_device_registers_itself_over_mutual_tls(stage):
    stage.utility("--poll", "5", "--no-device", "--in-band")
    stage.site()
    stage.flash(register=1)
    firmware = stage.firmware()
    firmware.line("REGISTRATION_SENT")
    firmware.line("PIN checked=yes")
    firmware.line("TREE_COMPLETE")
    lfdi = re.search(r"lfdi=(\w+)", firmware.line("IDENTITY"))[1]
    assert [row["lfdi"] for row in stage.operator("state")["sites"]] == [lfdi]
    stage.operator("default", program="p1", modes={"exp_w": DEFAULT_W, "imp_w": 5000})
    firmware.line(f"LIMIT exp_w={DEFAULT_W} .*src=default")
    log = stage.operator("log")["log"]
    assert {entry["verdict"] for entry in log} == {"ok"}
    assert next(e["resource"] for e in log if e["method"] == "POST") == "edevl"
    stage.until(lambda: inside(stage, DEFAULT_W))


def test_an_event_runs_on_without_the_server_and_is_answered_once_it_is_back(stage):
    stage.utility("--poll", "5")
    stage.site()
    stage.flash()
    stage.operator("default", program="p1", modes={"exp_w": DEFAULT_W, "imp_w": 5000})
    stage.operator("publish", program="p1", start="+7", duration=5, modes={"exp_w": 2500})
    firmware = stage.firmware()
    firmware.line("ANSWER .*status=1")
    stage.operator("fault", kind="cut_before", reset=True)
    firmware.line("LINK_DOWN")
    firmware.line("LIMIT exp_w=2500 .*src=event")
    at = len(firmware.lines)
    stage.until(lambda: inside(stage, 2500))
    firmware.line("ANSWER_FAILED")
    firmware.line("READ_FAILED what=derp")
    stage.until(lambda: not firmware.poll() and any(
        "src=default" in line for line in firmware.lines[at:]))
    stage.operator("clear")
    firmware.line("ANSWER .*status=3")
    responses = stage.operator("responses")["responses"]
    assert [r["status"] for r in responses] == [1, 2, 3]
    assert responses[2]["created"] - responses[1]["created"] == 5  # not when it was sent
    assert responses[2]["time"] > responses[2]["created"]
    stage.until(lambda: inside(stage, DEFAULT_W))


def test_bodies_of_10_mb_leave_room_for_the_next_good_one(stage):
    stage.utility("--poll", "5")
    stage.site()
    stage.flash()
    stage.operator("default", program="p1", modes={"exp_w": DEFAULT_W, "imp_w": 5000})
    stage.operator("fault", kind="oversize", resource="dercl", count=2)
    firmware = stage.firmware()
    assert "body too long" in firmware.line("LINK_DOWN")
    firmware.line("TREE_COMPLETE")
    stage.operator("publish", program="p1", start="+0", duration=600, modes={"exp_w": 2500})
    firmware.line("ANSWER .*status=2")
    assert not [line for line in firmware.lines if "MemoryError" in line or "TASK_" in line]


def test_the_default_outlives_a_kill_and_a_server_that_is_gone(stage):
    utility = stage.utility("--poll", "5")
    stage.site()
    stage.flash()
    stage.operator("default", program="p1", modes={"exp_w": DEFAULT_W, "imp_w": 5000})
    firmware = stage.firmware()
    firmware.line("DEFAULT_KEPT")
    firmware.end(signal.SIGKILL)
    utility.end()
    again = stage.firmware()
    again.line("DEFAULT_RESTORED")
    assert f"exp_w={DEFAULT_W} " in again.line(" LIMIT exp_w")
    assert "NO_SERVER" in again.line("LINK_DOWN")
    taken = next(i for i, line in enumerate(again.lines) if "POLL" in line)
    assert any("INVERTER_READY" in line for line in again.lines[:taken])
    stage.until(lambda: inside(stage, DEFAULT_W))


def test_a_clean_stop_leaves_the_floor_in_the_inverter(stage):
    stage.site()
    stage.flash()
    firmware = stage.firmware()
    firmware.line("SIGHTED")
    firmware.quiet()
    assert firmware.end(signal.SIGINT) == 0
    assert "floor=written" in firmware.lines[-1]
    now = stage.status()
    assert now["WMaxLim_Ena"] == 1 and now["WMaxLimPct"] <= FAILSAFE_W
