"""The harness itself: the same seed gives the same story, and a hung firmware fails a test."""

import os
import signal

import device
import pytest
from house import living


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


def test_time_of_the_house_is_the_time_of_the_device(tmp_path):
    with living(tmp_path) as house:
        house.run(100)  # the board is switched on later
        house.boot()
        house.run(200.5)
        assert house.now == 300.5 and house.log[0].at == 100
        polled = house.said("POLL", what="tm")
        assert all(abs(line.at - entry["at"]) < 0.5
                   for line, entry in zip(polled, house.requests("tm")))
