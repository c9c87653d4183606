"""GEN-01 to GEN-04 with their ramps, GEN-11 to GEN-13: export and generation held to the line."""

import pytest
from house import living
from procedure import SETTLE_S, TOL_W, followed, settled, sound
from test_procedures_control import on_each_list

WMAX_W = 10000
MODES = {"exp_w": "exp", "gen_w": "gen"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("grad", [None, 600])
def test_gen_01_and_02_active_limit_of_zero(tmp_path, mode, grad):
    with living(tmp_path, pv=9000, load=800, config={"site_exp_w": WMAX_W}) as house:
        house.default(grad=grad)
        house.boot()
        house.run_to(20)
        made = [house.publish(20, 600, **{mode: 2 * WMAX_W})]
        house.run_to(150)
        before = house.rows(148, 150)[-1]
        assert before.pv_w > WMAX_W // 2 and -before.site_w > WMAX_W // 2
        zero = lambda: made.append(house.publish(round(house.now), 600, **{mode: 0}))  # noqa: E731
        called = on_each_list(house, [zero])
        house.run_until(lambda: called, 70)
        seen = house.run_until(lambda: house.statuses(made[0])[-1:] == [7], 10)
        house.run(120)
        # 6 % a second from the rating: 16.7 s; without setGradW 15 s is what the soft limit has.
        end = seen + (WMAX_W / 600 if grad else 0)
        if grad:
            followed(house, [(seen + 1, WMAX_W), (end + 1, 0)], MODES[mode], 600, None)
        followed(house, [(end + (2 if grad else SETTLE_S), 0), (house.now, 0)], MODES[mode],
                 TOL_W, None)
        assert [house.statuses(event) for event in made] == [[1, 2, 7], [1, 2]]
        sound(house)


@pytest.mark.parametrize("mode", MODES)
def test_gen_03_and_04_default_limit_by_its_ramp(tmp_path, mode):
    what = MODES[mode]
    grad = 50  # hundredths of a percent a second: 50 W
    with living(tmp_path, pv=12000, load=0, config={"site_exp_w": WMAX_W}) as house:
        house.boot()
        house.run_to(10)
        one = house.publish(10, 900, **{mode: 2 * WMAX_W})
        house.run_to(150)
        house.default(grad=grad, **{mode: 3000})
        house.run_to(230)
        assert house.rows(228, 230)[-1].pv_w > 9700  # the event rules yet
        house.cancel(one)
        off = house.run_until(lambda: 6 in house.statuses(one), 70)
        house.run_to(off + 160)
        followed(house, [(off, WMAX_W), (off + 140, 3000), (off + 160, 3000)], what)
        start = round(house.now)
        two = house.publish(start, 600, **{mode: 2 * WMAX_W})
        on = house.run_until(lambda: 1 in house.statuses(two), 70)
        house.run_to(start + 600 + 160)
        followed(house, [(on + 1, 3000), (on + 141, WMAX_W), (start + 600, WMAX_W)], what,
                 behind_w=700)
        followed(house, [(start + 601, WMAX_W), (start + 741, 3000), (start + 760, 3000)], what)
        house.default()
        start = round(house.now)
        three = house.publish(start, 300, **{mode: 0})
        on = house.run_until(lambda: 1 in house.statuses(three), 70)
        house.run(120)
        settled(house, on, house.now, 0, what)  # with the default its setGradW is gone as well
        assert [house.statuses(event) for event in (one, two, three)] == [
            [1, 2, 6], [1, 2, 3], [1, 2]]
        sound(house)


@pytest.mark.parametrize("mode", MODES)
def test_gen_11_and_12_variable_limit(tmp_path, mode):
    shares, made = (200, 100, 40, 25, 0), []
    with living(tmp_path, pv=9500, load=[[0, 500], [200, 2500], [400, 200]]) as house:
        house.boot()
        house.run_to(20)
        called = on_each_list(house, [
            lambda share=share: made.append(house.publish(
                round(house.now), 120, **{mode: WMAX_W * share // 100})) for share in shares], 120)
        house.run_until(lambda: len(called) == 5, 900)
        house.run(150)
        for share, event, at in zip(shares, made, called):
            got = house.answers(event)
            assert [status for status, _, _ in got] == [1, 2, 3], share
            assert got[2][1] == round(at) + 120
            watts, end = WMAX_W * share // 100, min(at + 115, house.now)
            if mode == "exp_w":
                assert house.judge((at + 1, end, watts)).longest_s < SETTLE_S
            else:
                settled(house, at + 1, end, watts, "gen")
        sound(house)


@pytest.mark.parametrize("mode", MODES)
def test_gen_13_tracking_through_variable_load(tmp_path, mode):
    load = [[0, 0], [180, 2000], [300, 1000], [420, 0]]
    with living(tmp_path, pv=9500, load=load) as house:
        house.boot()
        house.run_to(20)
        wide = house.publish(60, 60, **{mode: 2 * WMAX_W})
        tight = house.publish(120, 420, **{mode: WMAX_W // 5})
        house.run_to(560)
        if mode == "gen_w":
            settled(house, 120, 540, WMAX_W // 5, "gen")
            assert min(row.pv_w for row in house.rows(150, 540)) > 1800  # whatever the load does
        if mode == "exp_w":
            verdict = house.judge((60, 120, 2 * WMAX_W), (120, 540, WMAX_W // 5))
            assert verdict.passed, verdict.line()
            # Load is used: what it takes is generated on top.
            for start, extra in ((150, 0), (260, 2000), (380, 1000), (480, 0)):
                made = [row.pv_w for row in house.rows(start, start + 30)]
                assert min(made) > 2000 + extra - 300 and max(made) < 2000 + extra + TOL_W
        assert house.statuses(wide) == [1, 2, 3] and house.statuses(tight) == [1, 2, 3]
        assert house.answers(tight)[1][1] == 120 and house.answers(tight)[2][1] == 540
        sound(house)
