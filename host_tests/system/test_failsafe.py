"""No failure loosens a limit: boots without server, identity, network or a whole flash."""

import re

import pytest
from house import living, tolerance_w
from procedure import steps
from tools.pki import Authority

FAILSAFE_W, DEFAULT_W = 1000, 1500
TOL_W = tolerance_w(10000)
DOWN = ("refuse", "drop")


def before_talking(house):
    """The part of the story before the first connection to the server."""
    return house.story[:house.first("connect", "utility.test")]


def cap_before_talking(house):
    """The cap in W that was written to the inverter last before the server was called."""
    writes = [what for _, kind, what in before_talking(house) if kind == "write"]
    assert writes, "the server was called before a limit was written:\n" + house.tail()
    return caps(writes)[-1]


def caps(writes):
    """Caps in W of register writes that carry WMaxLimPct; model 123's points in order."""
    found = []
    for frame in map(bytes.fromhex, writes):
        if frame[7] == 16 and frame[12] >= 10:
            pct, _, _, _, ena = (int.from_bytes(frame[i:i + 2], "big") for i in range(13, 23, 2))
            found.append(pct if ena else 10000)
        elif frame[7] == 6:
            found.append(int.from_bytes(frame[10:12], "big"))
    return found


@pytest.mark.parametrize("how", DOWN)
def test_first_boot_without_a_server_holds_the_failsafe(tmp_path, how):
    with living(tmp_path) as house:
        house.server_up(False, how)
        house.boot()
        house.run(200)
        assert cap_before_talking(house) <= FAILSAFE_W
        assert house.limits() == [(0, FAILSAFE_W, "failsafe")]
        assert house.worst_export(15, 200) <= FAILSAFE_W + TOL_W
        assert len(house.said("LINK_DOWN")) == 1  # once an outage
        tried = [row[0] for row in house.story if row[1:] == ("connect", "utility.test")]
        assert len(tried) >= 4 and max(b - a for a, b in zip(tried, tried[1:])) < 85


@pytest.mark.parametrize("name", ["key.der", "cert0.der", "ca.der"])
def test_board_without_an_identity_says_so_and_holds_the_failsafe(tmp_path, name):
    with living(tmp_path) as house:
        (house.flash / name).unlink()
        house.boot()
        house.run(60)
        assert name in house.said("NO_IDENTITY")[0].pairs["why"]
        assert house.limits()[-1][1:] == (FAILSAFE_W, "failsafe")
        assert house.worst_export(15, 60) <= FAILSAFE_W + TOL_W
        assert house.first("connect", "utility.test") == len(house.story)


def test_default_of_another_identity_is_as_none(tmp_path):
    # Requirements D6: a board that moved to another site, or whose certificate is another one.
    with living(tmp_path) as house:
        house.default(exp_w=4000)
        house.boot()
        house.run_until(lambda: house.said("DEFAULT_KEPT"), 10)
        house.power_cut()
        other = Authority.create().device()
        other.write(house.flash)
        house.server_up(False)
        house.story.clear()
        house.log.clear()
        again = house.now
        house.boot()
        house.run(60)
        assert house.said("IDENTITY", lfdi=other.lfdi)
        assert house.said("DEFAULT_NOT_OURS", lfdi=house.lfdi)
        assert not house.said("DEFAULT_RESTORED")
        assert cap_before_talking(house) <= FAILSAFE_W
        assert {row[1:] for row in house.limits()} == {(FAILSAFE_W, "failsafe")}
        assert house.worst_export(again + 15, house.now) <= FAILSAFE_W + TOL_W


@pytest.mark.parametrize("default_w", [700, 4000])
def test_board_that_lost_its_identity_holds_the_lower_of_default_and_failsafe(tmp_path, default_w):
    with living(tmp_path) as house:
        house.default(exp_w=default_w)
        house.boot()
        house.run_until(lambda: house.said("DEFAULT_KEPT"), 10)
        house.power_cut()
        (house.flash / "key.der").unlink()
        house.log.clear()
        again = house.now
        house.boot()
        house.run(60)
        low = min(default_w, FAILSAFE_W)
        assert house.said("NO_IDENTITY")
        assert {w for _, w, _ in house.limits()} == {low}
        assert house.worst_export(again + 15, house.now) <= low + TOL_W


@pytest.mark.parametrize("name", ["key.der", "cert0.der", "ca.der"])
def test_broken_certificate_file_is_as_none(tmp_path, name):
    with living(tmp_path) as house:
        data = (house.flash / name).read_bytes()
        (house.flash / name).write_bytes(data[:len(data) // 2])
        house.boot()
        house.run(40)
        assert house.said("NO_IDENTITY")
        assert house.worst_export(15, 40) <= FAILSAFE_W + TOL_W


def test_settings_that_cannot_be_used_are_named(tmp_path):
    with living(tmp_path) as house:
        house.configure(server="https://utility.test/dcap")
        house.boot(ends=True)
        house.run(1)
        assert house.ended.code == 2
        assert re.match("CONFIG_WRONG key [a-z_]+ is missing", house.ended.output)


@pytest.mark.parametrize("cut_s", [0.05, 0.16, 0.6, 1.25])
def test_cut_before_anything_was_kept_boots_into_the_failsafe(tmp_path, cut_s):
    with living(tmp_path) as house:
        house.default(exp_w=DEFAULT_W, imp_w=DEFAULT_W)
        house.publish(0, 600, exp_w=4000)
        house.boot()
        house.run(cut_s)
        house.power_cut()
        house.server_up(False)
        house.run(5)
        house.story.clear()
        house.log.clear()
        house.boot()
        house.run(40)
        assert cap_before_talking(house) <= FAILSAFE_W
        assert {w for _, w, _ in house.limits()} == {FAILSAFE_W}
        assert house.worst_export(house.now - 25, house.now) <= FAILSAFE_W + TOL_W


def test_cut_at_any_moment_afterwards_boots_into_the_persisted_default(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=DEFAULT_W, imp_w=DEFAULT_W)
        house.publish(20, 600, exp_w=4000)
        house.boot()
        house.run_until(lambda: house.said("DEFAULT_KEPT"), 10)
        for wait_s in (0, 0.03, 0.15, 0.21, 1, 25, 60):
            house.run(wait_s)
            house.power_cut()
            house.run(3)
            house.story.clear()
            house.log.clear()
            house.boot()
            house.run(0.6)
            assert cap_before_talking(house) <= DEFAULT_W
            assert house.limits()[0][1:] == (DEFAULT_W, "persisted")
        house.run(20)
        assert house.limits()[-1][1:] == (4000, "event")  # every program was polled again


def test_reboot_without_network_forgets_the_event_and_holds_the_default(tmp_path):
    # Handbook 7.7.2, ALL-30.
    with living(tmp_path) as house:
        house.default(exp_w=3000)
        event = house.publish(5, 900, exp_w=5000)
        house.boot()
        house.run(60)
        assert house.statuses(event) == [1, 2]
        house.server_up(False)
        house.power_cut()
        house.run(10)
        again = house.now
        house.boot()
        house.run(300)
        assert {w for at, w, _ in house.limits() if at >= again} == {3000}
        assert house.judge((again, again + 300, 3000)).passed
        house.server_up(True)
        back = house.run_until(lambda: house.limits()[-1][1:] == (5000, "event"), 90)
        house.run_to(back + 30)
        assert house.judge((back, back + 30, 5000)).passed
        assert house.statuses(event) == [1, 2, 1, 2]  # it was forgotten, so it is new (D9)
        assert all(at >= back - 1 for status, _, at in house.answers(event)[2:])


def test_all_30_settings_persist_through_reconnection(tmp_path):
    with living(tmp_path, config={"site_exp_w": 20000}) as house:
        house.default(exp_w=3000)
        first = house.publish(30, 120, exp_w=20000)
        house.boot()
        house.run_to(70)
        assert house.limits()[-1][1:] == (20000, "event") and house.statuses(first) == [1, 2]
        house.cancel(first)
        house.run_until(lambda: house.statuses(first) == [1, 2, 6], 70)
        cancelled = house.now
        house.run_until(lambda: house.requests("dderc", "GET", cancelled), 70)
        house.run(30)
        assert house.limits()[-1][1:] == (3000, "default")
        house.utility.faults.add("status", status=500)
        house.run(60)
        house.power_cut()
        house.run(10)
        again = house.now
        house.boot()
        house.run(120)
        assert {row[1:] for row in house.limits() if row[0] >= again} == {(3000, "persisted")}
        assert house.judge((again, again + 120, 3000)).passed
        proceeds = int(house.now)
        late = house.publish(proceeds - 60, 900, exp_w=5000)
        house.utility.faults.clear()
        house.run_until(lambda: house.statuses(late) == [1, 2], 90)
        steps(house, "GET dercl", "POST rsp", "POST rsp", since=proceeds)
        begun = house.answers(late)[1]
        assert proceeds <= begun[1] <= begun[2]  # not the start that had passed by then
        house.run_to(proceeds + 300)
        assert house.limits()[-1][1:] == (5000, "event")
        assert house.judge((round(begun[2]), proceeds + 300, 5000)).passed
        assert house.statuses(first) == [1, 2, 6]
        assert {e["verdict"] for e in house.requests("rsp")} == {"ok"}


def test_torn_or_changed_default_counts_as_none(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=DEFAULT_W)
        house.boot()
        house.run(5)
        house.power_cut()
        house.server_up(False)
        kept = house.flash / "default.bin"
        good = kept.read_bytes()
        bad = [good[:n] for n in (0, 1, 5, len(good) // 2, len(good) - 1)]
        bad += [good + b"\0", b"\xff" * len(good)]
        bad += [good[:i] + bytes([good[i] ^ 0x40]) + good[i + 1:]
                for i in range(0, len(good), len(good) // 9)]
        for data in bad:
            kept.write_bytes(data)
            house.log.clear()
            house.story.clear()
            house.boot()
            house.run(0.3)
            assert house.limits() == [(house.log[0].at, FAILSAFE_W, "failsafe")], data.hex()
            assert cap_before_talking(house) <= FAILSAFE_W
            house.power_cut()
        kept.write_bytes(good)
        house.log.clear()
        house.boot()
        house.run(0.3)
        assert house.limits()[0][1:] == (DEFAULT_W, "persisted")


def test_clean_stop_leaves_the_floor_in_the_inverter(tmp_path):
    with living(tmp_path, load=[[0, 3000], [110, 0]]) as house:
        house.default(exp_w=DEFAULT_W)
        house.publish(10, 600, exp_w=5000)
        house.boot()
        house.run_to(100)
        assert house.site.inverter.cap_w > 4000
        assert house.stop() == 0
        assert house.said("STOPPED", floor="written")
        house.run(300)
        assert house.site.inverter.cap_w <= DEFAULT_W
        assert house.worst_export(125, house.now) <= DEFAULT_W + TOL_W


def test_unset_board_clock_changes_nothing(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=DEFAULT_W)
        event = house.publish(20, 20, exp_w=2500)
        house.boot(clock=False)
        house.run(50)
        assert house.statuses(event) == [1, 2, 3]
