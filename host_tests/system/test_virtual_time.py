"""The harness itself: the same seed gives the same story; a hung firmware or a body that is not
valid fails a test."""

import os
import re
import signal

import device
import lines
import pytest
from house import living
from tools.utility.messages import Request


def story(folder, **options):
    with living(folder, **options) as house:
        house.default(exp_w=1500)
        house.publish(20, 30, exp_w=2500)
        house.boot()
        house.run(70)
        return house.story, house.rows()


def test_same_seed_gives_the_same_story(tmp_path):
    stories = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        stories.append(story(tmp_path / name, seed=seed))
    assert stories[0] == stories[1] != stories[2]


def test_firmware_that_hangs_fails_the_test(tmp_path, monkeypatch):
    with living(tmp_path) as house:
        house.boot()
        house.run(5)
        monkeypatch.setattr(device, "HUNG_S", 0.3)
        os.kill(house.device.pid, signal.SIGSTOP)
        with pytest.raises(device.Hung):
            house.run(5)


def test_firmware_that_ends_by_itself_fails_the_test(tmp_path):
    with living(tmp_path) as house:
        house.boot()
        house.run(5)
        os.kill(house.device.pid, signal.SIGKILL)
        with pytest.raises(AssertionError, match="the firmware ended"):
            house.run(5)


@pytest.mark.parametrize("seen", [True, False])
def test_run_with_a_body_that_is_not_valid_fails(tmp_path, monkeypatch, seen):
    """A DERStatus loses an element on its way; not `seen`: to a server that looks at none."""
    def spoilt(*said):
        asked = Request(*said)
        return asked._replace(body=re.sub(b"<readingTime>[0-9]+</readingTime>", b"", asked.body))

    def run(house):
        if not seen:
            house.utility.faults.add("status", resource="ders", method="PUT")
        house.boot()
        house.run(30)
        bodies = [body for _, kind, body in house.sent if kind == "ders"]
        assert bodies and not any(b"readingTime" in body for body in bodies)
        told = [entry["verdict"] for entry in house.requests("ders", "PUT")]
        assert all(verdict.startswith("refused: xsd") == seen for verdict in told), told

    (tmp_path / "b").mkdir()
    monkeypatch.setattr(lines, "Request", spoilt)
    with living(tmp_path / "b", validates=False) as house:  # it is this check alone that fails
        run(house)
    (tmp_path / "a").mkdir()
    said = "'ders', .refused: xsd" if seen else r"'ders', \[.*readingTime"
    wrong = pytest.raises(AssertionError, match=said)
    with wrong, living(tmp_path / "a") as house:
        run(house)


def test_time_of_the_house_is_the_time_of_the_device(tmp_path):
    with living(tmp_path) as house:
        house.run(100)  # the board is switched on later
        house.boot()
        house.run(200.5)
        assert house.now == 300.5 and house.log[0].at == 100
        polled = house.said("POLL", what="tm")
        assert all(abs(line.at - entry["at"]) < 0.5
                   for line, entry in zip(polled, house.requests("tm")))
