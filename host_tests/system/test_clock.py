"""The board's clock from boot to the first handshake and over power cuts, in virtual time.

A board without a battery for its clock starts no earlier than it last ran; what it keeps comes
from the server alone, so that it is never later than the truth; the flash is written each hour.
"""

import datetime

import pytest
from house import START, living
from tools.pki import Authority

EPOCH = 1577836800
RELEASED = 215654400  # of firmware/clock.py, which this code must be later than
FLOOR_S = 3600 + 60  # kept each hour


def kept(house):
    file = house.flash / "clock.txt"
    return int(file.read_bytes()) + EPOCH - START if file.exists() else None


def said(house, code):
    return [line for line in house.log if line.code == code]


def test_a_board_with_a_clock_believes_it_and_keeps_the_servers_time_each_hour(tmp_path):
    with living(tmp_path, slow=True, poll_s=300) as house:
        house.boot()
        house.run(30)
        assert not said(house, "CLOCK_NOT_SET")
        writes = {kept(house)}
        while house.now < 2 * 3600 + 300:
            house.run(300)
            assert kept(house) <= house.now, "later than the truth"
            writes.add(kept(house))
        assert [at // 3600 for at in sorted(writes)] == [0, 1, 2], writes
        assert house.stop() == 0
        assert house.now - 15 < kept(house) <= house.now


def test_a_board_without_one_starts_no_earlier_than_it_last_ran(tmp_path):
    with living(tmp_path, slow=True) as house:
        house.boot(clock=False)
        house.run(60)
        first, = said(house, "CLOCK_NOT_SET")
        # The certificates of this house are younger than the firmware.
        floor = int(first.pairs["s2020"])
        assert RELEASED <= floor <= START - EPOCH
        assert 0 <= kept(house) <= house.now, "at once, for who knows how long it runs"
        house.run(3600 + 600)
        house.power_cut()
        ran = house.now
        house.run(3600)
        house.boot(clock=False)
        house.run(5)
        _, again = said(house, "CLOCK_NOT_SET")
        floor = int(again.pairs["s2020"]) + EPOCH - START
        assert ran - FLOOR_S < floor <= ran
        house.run(60)
        assert house.now - 70 < kept(house) <= house.now


def test_a_clock_that_was_set_to_a_guess_is_not_believed_after_a_restart(tmp_path):
    with living(tmp_path, slow=True) as house:
        house.server_up(False, "drop")
        house.boot(clock=False)
        house.run(200)
        first, = said(house, "CLOCK_NOT_SET")
        guess = int(first.pairs["s2020"])
        assert (house.flash / "clock.txt").read_bytes() == b"%d?" % guess
        # A watchdog's restart: the port's clock went on from what it was set to.
        house.power_cut()
        house.boot(clock=guess + EPOCH + 200)
        house.run(200)
        assert [line.pairs["s2020"] for line in said(house, "CLOCK_NOT_SET")] == [str(guess)] * 2
        assert not [line for line in said(house, "FLASH") if line.pairs["file"].startswith("site")]
        house.server_up(True)
        house.run(120)
        assert said(house, "TIME") and 0 <= kept(house) <= house.now
        house.power_cut()
        house.server_up(False, "drop")
        house.boot()
        house.run(200)
        assert len(said(house, "CLOCK_NOT_SET")) == 2  # it is a clock again
        assert [line for line in said(house, "FLASH") if line.pairs["file"].startswith("site")]


@pytest.mark.parametrize("text", [b"", b"soon", b"-5", b"9" * 17, b"\xff\xfe"])
def test_a_file_that_holds_no_time_is_passed_over(tmp_path, text):
    with living(tmp_path) as house:
        (house.flash / "clock.txt").write_bytes(text)
        house.boot(clock=False)
        house.run(30)
        line, = said(house, "CLOCK_NOT_SET")
        assert RELEASED <= int(line.pairs["s2020"]) <= START - EPOCH
        assert 0 <= kept(house) <= house.now


def test_a_certificate_that_ends_is_warned_of_at_boot_and_once_a_day(tmp_path):
    now = datetime.datetime.fromtimestamp(START, datetime.timezone.utc).replace(tzinfo=None)
    day = datetime.timedelta(days=1)
    authority = Authority.create(now=now - 100 * day)
    with living(tmp_path, slow=60000, poll_s=3600) as house:
        # Counted from the midnight before, so that no warning comes late.
        for left, live_s, days in ((92, 30, []), (40, 41 * 3600, [39, 39, 38]), (-2, 30, [-5])):
            issued = authority.device(until=now + left * day)
            for file in issued.write(tmp_path / "made").glob("*.der"):
                (house.flash / file.name).write_bytes(file.read_bytes())
            house.log.clear()
            house.boot()
            house.run(live_s)
            assert [int(line.pairs["days"]) for line in said(house, "CERT_ENDS")] == days
            house.power_cut()
