"""The national test procedures, polled control: each as its playlist says, by its criteria."""

import pytest
from house import PIN, living
from tools.pki import registration_pin

WMAX_W = 10000


def full(house):
    """The verdicts of the server on all that was sent."""
    return {e["verdict"] for e in house.requests() if e["method"] != "GET"}


def test_all_03_rej_wrong_pin_ends_all_talk(tmp_path):
    with living(tmp_path, static_pin=registration_pin(33221)) as house:
        house.default(exp_w=4000)
        house.publish(5, 900, exp_w=5000)
        house.boot()
        seen = house.run_until(lambda: house.requests("rg", "GET"), 30)
        house.run(600)
        assert not house.requests(since=seen + 0.1)
        assert not house.requests("fsal") and not house.answers()
        assert house.limits()[-1][1:] == (1000, "failsafe")
        assert house.worst_export(15, house.now) <= 1100
        assert [line.level for line in house.log if "PIN" in line.code] == ["E"]


def test_all_03_rej_pin_that_turns_wrong_later_ends_all_talk(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=4000)
        house.publish(5, 900, exp_w=5000)
        house.boot()
        house.run_to(30)
        house.utility.site().pin = registration_pin(33221)
        seen = house.run_until(lambda: house.requests("rg", "GET", 31), 70)
        house.run(300)
        assert not house.requests(since=seen + 0.1)
        assert house.limits()[-1][1] <= 4000
        assert house.worst_export(seen + 15, house.now) <= 4100


def test_all_04_right_pin_and_all_05_no_link_go_on(tmp_path):
    for link in (True, False):
        folder = tmp_path / str(link)
        folder.mkdir()
        with living(folder, registration_link=link) as house:
            house.boot()
            house.run(20)
            assert bool(house.requests("rg")) == link and house.utility.site().pin == PIN
            assert house.requests("fsal") and house.said("TREE_COMPLETE")


def test_all_18_control_responses(tmp_path):
    with living(tmp_path) as house:
        house.default("p2", exp_w=0, imp_w=0)
        house.boot()
        house.run_to(10)
        first = house.publish(10, 120, exp_w=8000)
        second = house.publish(310, 300, exp_w=6000)
        third = house.publish(610, 300, exp_w=5000)
        house.run_to(80)
        house.at(340, lambda: house.cancel(second))
        house.run_to(410)
        house.cancel(third)
        house.run_to(480)
        fourth = house.publish(610, 300, exp_w=4000)
        house.run_to(545)
        last = house.publish(640, 60, exp_w=3000)
        house.run_to(760)
        assert house.statuses(first) == [1, 2, 3]
        assert house.statuses(second) == [1, 2, 6]
        assert house.statuses(third) == [1, 6]
        assert house.statuses(fourth) == [1, 7]
        assert house.answers(fourth)[1][2] < 610  # on the poll that showed it
        assert house.statuses(last) == [1, 2, 3]
        assert full(house) == {"ok"}


def test_all_21_schedule_of_24_controls(tmp_path):
    load = [[30 * i, 400 + 900 * (i % 3)] for i in range(60)]
    with living(tmp_path, pv=7000, load=load) as house:
        house.default(exp_w=1500)
        start, watts = 90, [(i * 3700) % 9000 for i in range(24)]
        events = [house.publish(start + 60 * i, 60, exp_w=w, imp_w=w + 1000)
                  for i, w in enumerate(watts)]
        house.boot()
        house.run_to(start + 24 * 60 + 30)
        for i, event in enumerate(events):
            at = start + 60 * i
            (one, two, three) = house.answers(event)
            assert (one[0], two[0], three[0]) == (1, 2, 3)
            assert (two[1], three[1]) == (at, at + 60)
            assert two[2] - at < 20 and three[2] - at - 60 < 20
        assert len(house.answers()) == 72 and full(house) == {"ok"}
        verdict = house.judge(*((start + 60 * i, start + 60 * i + 60, w)
                                for i, w in enumerate(watts)))
        assert verdict.passed, verdict.line()
        for kind in ("dcap", "edevl", "fsal", "derpl", "dderc"):
            gaps = house.gaps(kind, 10)
            late = [gap for gap in gaps if gap > 90]
            assert len(late) <= len(gaps) // 5, (kind, late)


@pytest.mark.parametrize("mode", ["exp_w", "gen_w"])
def test_gen_01_and_02_active_limit_of_zero(tmp_path, mode):
    with living(tmp_path, load=1000) as house:
        house.boot()
        house.run_to(20)
        house.publish(20, 600, **{mode: 2 * WMAX_W})
        house.run_until(lambda: house.said("LIMIT", since=20, **{mode: 2 * WMAX_W}), 80)
        zero = []

        def on_list(kind, _asked):
            if kind == "derpl" and not zero:
                zero.append(house.now)
                house.publish(round(house.now), 600, **{mode: 0})

        house.heard = on_list
        house.run_until(lambda: zero, 70)
        house.run(180)
        rows = house.rows(zero[0] + 15, house.now)
        power = [-row.site_w if mode == "exp_w" else row.pv_w for row in rows]
        assert max(power) <= 100
        before = [row.pv_w for row in house.rows(zero[0] - 10, zero[0])]
        assert min(before) > 4000  # there was something to take away


@pytest.mark.parametrize("mode", ["exp_w", "gen_w"])
def test_gen_03_and_04_default_after_cancelled_events(tmp_path, mode):
    # Its limits in their order, not its ramps.
    with living(tmp_path, load=0, config={"site_exp_w": 9000}) as house:
        house.boot()
        house.run_to(10)
        full_power = house.publish(10, 900, **{mode: 2 * WMAX_W})
        house.run_to(90)
        house.default(**{mode: 3000})
        house.run_to(160)
        house.cancel(full_power)
        house.run_to(250)
        assert house.statuses(full_power) == [1, 2, 6]
        assert house.judge((235, 250, 3000)).longest_s < 1
        again = house.publish(250, 600, **{mode: 2 * WMAX_W})
        house.run_to(400)
        house.cancel(again)
        house.default()  # an empty one
        house.run_to(480)
        zero = house.publish(480, 300, **{mode: 0})
        house.run_to(600)
        assert house.statuses(zero) == [1, 2]
        rows = house.rows(585, 600)
        assert max(row.pv_w for row in rows) <= 100


def test_gen_09_cancelled_control_falls_back_to_the_default(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=3000)
        event = house.publish(10, 900, exp_w=2 * WMAX_W)
        house.boot()
        house.run_to(150)
        house.cancel(event)
        seen = house.run_until(lambda: 6 in house.statuses(event), 70)
        house.run(120)
        assert house.statuses(event) == [1, 2, 6]
        assert house.limits()[-1][1:] == (3000, "default")
        assert house.judge((seen, house.now, 3000)).passed


def test_all_24_scaling_factors(tmp_path):
    shares = [{"value": 20000, "multiplier": 0}, {"value": 30, "multiplier": 2},
              {"value": 400, "multiplier": 1}]
    with living(tmp_path, poll_s=120, load=0, pv=9000) as house:
        house.default(exp_w=WMAX_W)
        house.boot()
        house.run_to(20)
        made = []

        def on_list(kind, _asked):
            if kind == "derpl" and len(made) < 3:
                made.append(house.publish(round(house.now), 120, exp_w=shares[len(made)]))

        house.heard = on_list
        house.run_until(lambda: len(made) == 3, 400)
        house.run(60)
        assert [house.statuses(event)[:2] for event in made] == [[1, 2]] * 3
        watts = [w for _, w, src in house.limits() if src == "event"]
        assert watts == [20000, 3000, 4000]
        assert house.judge((house.now - 45, house.now, 4000)).passed
        for kind in ("dcap", "edevl", "fsal", "derpl", "dderc"):
            assert max(house.gaps(kind, 10)) <= 180


def test_p_02_removed_assignment_is_left_in_silence(tmp_path):
    layout = [("p1", 1, "fsa1"), ("p2", 2, "fsa2")]
    with living(tmp_path, layout=layout) as house:
        house.default("p1", exp_w=3000)
        first = house.publish(20, 60, "p1", exp_w=5000)
        ruling = house.publish(100, 900, "p2", exp_w=2 * WMAX_W)
        house.boot()
        house.run_to(130)
        assert house.statuses(first) == [1, 2, 3] and house.statuses(ruling) == [1, 2]
        house.publish(140, 900, "p2", exp_w=1000)
        program = house.utility.site().programs["p2"]
        house.utility.site().remove_assignment("fsa2")
        gone = house.run_until(lambda: house.requests("fsal", "GET", 130), 70)
        asked = len(house.answers())
        house.run(240)
        assert len(house.answers()) == asked
        assert not house.requests("rsp", since=gone + 0.1)
        paths = [e["path"].split("?")[0] for e in house.requests(since=gone + 0.1)]
        assert program.list_href not in paths and program.default_href not in paths
        assert house.limits()[-1][1:] == (3000, "default")
        assert house.judge((gone + 1, house.now, 3000)).passed


def test_program_that_another_assignment_still_leads_to_stays(tmp_path):
    layout = [("p1", 1, "fsa1"), ("p2", 2, "fsa2"), ("p2", 2, "fsa1")]
    with living(tmp_path, layout=layout) as house:
        ruling = house.publish(20, 300, "p2", exp_w=2500)
        house.boot()
        house.run_to(60)
        house.utility.site().remove_assignment("fsa2")
        house.run_to(340)
        assert house.statuses(ruling) == [1, 2, 3]


def test_all_22_randomised_starts_are_kept_and_bounded(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        events = [house.publish(60 + 120 * i, 120, exp_w=2500 + 100 * i,
                                more={"randomize_start": 60}) for i in range(5)]
        house.boot()
        house.run_to(60 + 5 * 120 + 100)
        offsets = []
        for i, event in enumerate(events):
            assert house.statuses(event) == [1, 2, 3]
            offsets.append(house.answers(event)[1][1] - 60 - 120 * i)
        assert all(0 <= offset <= 60 for offset in offsets) and len(set(offsets)) > 2, offsets
