"""ALL-25 to ALL-29: ramps of events and defaults, energise, connect, a schedule reported."""

import pytest
from house import living
from procedure import (
    DER,
    SETTLE_S,
    SITE,
    W,
    followed,
    readings,
    settled,
    sound,
    told,
    told_bits,
    true_readings,
)

WMAX_W = 10000
FULL_SUN = {"pv": 12000, "load": 0, "config": {"site_exp_w": WMAX_W}}


def on_each_list(house, makers, apart=0):
    """Call the next of `makers` at each GET of the program list; gives when they were called.

    apart: seconds from one to the next at least.
    """
    called = []

    def on_list(kind, _asked):
        if kind == "derpl" and len(called) < len(makers) and (
                not called or house.now - called[-1] >= apart):
            called.append(house.now)
            makers[len(called) - 1]()

    house.heard = on_list
    return called


def test_all_25_active_control_ramp_rates(tmp_path):
    with living(tmp_path, **FULL_SUN) as house:
        house.default(grad=100)
        house.boot()
        house.run_to(150)
        assert house.rows(149, 150)[-1].pv_w > 9700
        first = house.publish(200, 120, exp_w=3000, ramp_tms=6000)
        second = house.publish(320, 120, exp_w=5000)
        house.run_to(520)
        # 7 kW in 60 s, then 2 kW at 1 % of 10 kW a second, and so back to what the contract has.
        followed(house, [(202, 10000), (260, 3150)], room_w=200)
        followed(house, [(260, 3150), (275, 3000)], room_w=200)
        followed(house, [(275, 3000), (320, 3000)])
        followed(house, [(321, 3000), (341, 5000), (440, 5000)])
        followed(house, [(441, 5000), (491, 10000), (520, 10000)], behind_w=600)
        assert house.statuses(first) == [1, 2, 3] and house.statuses(second) == [1, 2, 3]
        assert house.answers(first)[1][1] == 200 and house.answers(second)[1][1] == 320
        sound(house)


def test_all_25_started_is_said_while_the_ramp_is_on_its_way(tmp_path):
    # Obeyed means: not above the ramped target (the fourth promise).
    with living(tmp_path, **FULL_SUN) as house:
        house.boot()
        house.run_to(150)
        event = house.publish(200, 400, exp_w=1000, ramp_tms=30000)
        house.run_to(260)
        assert house.statuses(event) == [1, 2]
        assert house.answers(event)[1][1] == 200 and house.answers(event)[1][2] < 215
        assert 7000 < -house.rows(259, 260)[-1].site_w < 8500
        sound(house)


def test_successive_events_with_one_limit_have_no_gap_and_no_ramp(tmp_path):
    with living(tmp_path, **FULL_SUN) as house:
        house.default(grad=27)
        house.publish(150, 60, exp_w=4000, ramp_tms=0)
        house.publish(210, 60, exp_w=4000, ramp_tms=6000)
        house.publish(270, 60, exp_w=4000)
        house.boot()
        house.run_to(330)
        followed(house, [(165, 4000), (328, 4000)])
        assert len(house.answers()) == 3 + 3 + 2
        sound(house)


@pytest.mark.parametrize(("mode", "bit"), [("energize", 4), ("connect", 1)])
def test_all_26_deenergisation_and_all_27_disconnection(tmp_path, mode, bit):
    with living(tmp_path, pv=9000, load=0) as house:
        made = []

        def maker(duration, **modes):
            return lambda: made.append(house.publish(round(house.now), duration, **modes))

        house.boot()
        house.run_to(20)
        made.append(house.publish(20, 120, exp_w=2 * WMAX_W))
        house.run_to(100)
        called = on_each_list(house, [maker(300, **{mode: False})])
        house.run_until(lambda: called, 70)
        off = house.run_until(lambda: not told_bits(house)[-1] & bit, 20)
        assert off - called[0] < SETTLE_S
        house.run_to(called[0] + 150)
        assert max(row.pv_w for row in house.rows(off + 15, house.now)) <= 20
        assert house.statuses(made[1]) == [1, 2]
        # The new one supersedes the other in the same program and lets it go.
        called = on_each_list(house, [maker(300, **{mode: True})])
        house.run_until(lambda: called, 70)
        back = house.run_until(lambda: told_bits(house)[-1] & bit, 90)
        assert mode == "energize" or back - called[0] >= 55  # AS/NZS 4777.2
        house.run_to(back + 60)
        assert house.statuses(made[1]) == [1, 2, 7] and house.statuses(made[2]) == [1, 2]
        assert house.rows(house.now - 2, house.now)[-1].pv_w > 3000
        assert told(house, "ders")[-1].hex("genConnectStatus") == 7
        sound(house)


def test_all_28_changing_ramp_rates(tmp_path):
    with living(tmp_path, **FULL_SUN) as house:
        house.boot()
        house.run_to(20)
        first = house.publish(60, 120, exp_w=2 * WMAX_W)
        second = house.publish(180, 120, exp_w=3000)
        third = house.publish(300, 120, exp_w=1000)
        house.run_to(330)
        settled(house, 180, 300, 3000)  # no setGradW is known: at once (J24)
        settled(house, 300, 330, 1000)
        fourth = house.publish(420, 900, exp_w=5000, ramp_tms=6000)
        house.run_to(500)
        followed(house, [(421, 1000), (480, 4950), (500, 5000)], behind_w=600)
        house.default(exp_w=0, imp_w=0, grad=100)
        read = house.run_until(lambda: told(house, "derg")[-1]["setGradW"] == 100, 70)
        house.cancel(fourth)
        gone = house.run_until(lambda: 6 in house.statuses(fourth), 70)
        house.run_to(gone + 180)
        followed(house, [(gone + 1, 5000), (gone + 51, 0), (gone + 180, 0)], behind_w=500)
        fifth = house.publish(round(house.now), 300, exp_w=3000)
        on = house.run_until(lambda: house.limits()[-1][1] == 3000, 70)
        house.run(60)
        followed(house, [(on, 0), (on + 31, 3000), (on + 60, 3000)], behind_w=600)
        assert [house.statuses(event) for event in (first, second, third, fourth, fifth)] == [
            [1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 6], [1, 2]]
        assert read < gone
        sound(house)


@pytest.mark.parametrize("profile", ["eql", "v1.3b-sto"])
def test_all_29_operating_telemetry(tmp_path, profile):
    shares = (200, 30, 20, 10, 0)
    with living(tmp_path, pv=9000, load=500, profile=profile) as house:
        house.boot()
        house.run_to(50)
        events = [house.publish(60 + 120 * i, 120, exp_w=WMAX_W * share // 100)
                  for i, share in enumerate(shares)]
        house.run_to(700)
        site, made = true_readings(house), true_readings(house, DER, "pv_w")
        assert len(site) >= 8 and len(made) >= 8
        for i, share in enumerate(shares):  # the second minute of each is as the limit says
            assert -site[120 + 120 * i] <= WMAX_W * share // 100 + 100
        assert -site[120] > 7000 and abs(site[600]) < 120 and abs(made[600] - 500) < 120
        assert all(house.statuses(event) == [1, 2, 3] for event in events)
        assert readings(house, SITE, W) == site
        sound(house)
