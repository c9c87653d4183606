"""ALL-06, ALL-07, ALL-08, ALL-10 to ALL-13: readings, states, and what rate and ramp change."""

import pytest
from house import START, living
from procedure import (
    DER,
    SITE,
    W,
    counted,
    followed,
    polled,
    readings,
    settled,
    sound,
    steps,
    told,
    told_bits,
    true_readings,
)

WMAX_W = 10000
CONNECTED, OPERATING = 1, 4
RATES = dict.fromkeys(("dcap", "edevl", "fsal", "derl", "derpl", "dderc", "mupl"), 60)


@pytest.mark.parametrize("profile", ["eql", "v1.3"])
def test_all_06_individual_readings(tmp_path, profile):
    with living(tmp_path, profile=profile, layout=[("p1", 1, "fsa1")], load=1500) as house:
        house.default(exp_w=200000, imp_w=200000)
        house.boot()
        house.run_to(20)
        steps(house, "GET mupl", "POST mupl", "GET mupl")
        event = house.publish(320, 300, exp_w=0, imp_w=0)
        house.run_to(550)
        counted(house, 6)
        made, site = readings(house, DER, W), true_readings(house)
        assert made[180] > 7000 and site[180] < -5000  # generating +, exporting - (G5)
        assert abs(made[420] - 1500) < 150 and abs(site[420]) < 150
        true_readings(house, DER, "pv_w")
        for kind, wanted in (("mup", "POST"), ("mupl", "GET")):
            assert house.requests(kind, wanted)
        polled(house, RATES, 20, 550)
        assert house.statuses(event) == [1, 2]
        settled(house, 320, 550, 0)
        sound(house)


def test_all_06_first_and_cut_intervals_are_not_posted(tmp_path):
    # J32: whole minutes of whole measurement only.
    with living(tmp_path) as house:
        house.boot()
        house.run_to(150)
        house.power_cut()
        house.run_to(190)
        house.boot()
        house.run_to(320)
        assert list(readings(house, SITE, W)) == [60, 240]
        # Both usage points are posted after each boot, the second time as known ones (J11).
        assert [e["status"] for e in house.requests("mupl", "POST")] == [201, 201, 204, 204]
        true_readings(house)
        sound(house)


@pytest.mark.parametrize("how", ["off", "silent"])
def test_all_07_connection_status(tmp_path, how):
    with living(tmp_path) as house:
        house.default(exp_w=5000)
        house.boot()
        house.run_to(40)
        assert told_bits(house)[-1] & CONNECTED
        house.site.fault(unit=1, **{how: True})
        gone = house.run_until(lambda: not told_bits(house)[-1] & CONNECTED, 30)
        assert gone < 60  # on the change, not with the next list (J44)
        assert told(house, "ders")[-1].hex("genConnectStatus") & (CONNECTED | OPERATING) == 0
        house.run_to(130)
        house.site.fault(unit=1, **{how: False})
        back = house.run_until(lambda: told_bits(house)[-1] & CONNECTED, 110)
        assert told(house, "ders")[-1]["genConnectStatus/dateTime"] >= house.unix - (back - 130)
        house.run(20)
        settled(house, back, house.now, 5000)
        sound(house)


def test_all_08_operational_mode_status(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=WMAX_W)
        house.boot()
        house.run_to(40)
        mode = lambda: told(house, "ders")[-1]["operationalModeStatus"]  # noqa: E731
        assert mode() == 2 and house.rows(39, 40)[-1].pv_w >= WMAX_W // 2
        house.site.fault(unit=1, no_source=True)
        assert house.run_until(lambda: mode() == 1, 30) < 60
        house.run_to(130)
        assert mode() == 1  # also with the next list
        house.site.fault(unit=1, no_source=False)
        house.run_until(lambda: mode() == 2, 110)
        sound(house)


def test_all_08_curtailed_to_nothing_is_operating_all_the_same(tmp_path):
    # J8.
    with living(tmp_path, load=0) as house:
        house.publish(20, 300, exp_w=0, gen_w=0)
        house.boot()
        house.run_to(150)
        assert max(row.pv_w for row in house.rows(50, 150)) <= 100
        for one in told(house, "ders", 60):
            assert one["operationalModeStatus"] == 2
            assert one.hex("genConnectStatus") == 7
        sound(house)


def test_all_10_post_rate_change(tmp_path):
    with living(tmp_path) as house:
        house.boot()
        house.run_to(30)
        changed = []

        def on_list(kind, asked):
            if kind == "mupl" and asked.method == "GET" and len(changed) < 2:
                if not changed or house.now - changed[0] >= 600:
                    changed.append(house.now)
                    for rate in ("post", "mup"):
                        house.utility.set_rate(rate, 60 if len(changed) == 2 else 300)

        house.heard = on_list
        house.run_until(lambda: len(changed) == 2, 1000)
        house.run(150)
        (posted,) = [e["at"] for e in house.requests("mup", "POST", changed[1])][:1]
        assert posted - changed[1] <= 90
        counted(house, 3)
        durations = {row["duration"] for point in house.utility.site().usage_points.values()
                     for row in point.readings.values()}
        assert durations == {60, 300}
        for point in house.utility.site().usage_points.values():
            for (_, start), row in point.readings.items():
                assert start % row["duration"] == 0
        got = readings(house, SITE, W)
        assert sorted(got)[-1] >= changed[1] - changed[1] % 60  # the pending 300 s were cut
        sound(house)


def test_all_11_deenergise_and_energise(tmp_path):
    layout = [("p1", 0, "fsa1"), ("p2", 0, "fsa1")]
    with living(tmp_path, layout=layout, load=500) as house:
        house.default("p2", exp_w=0, imp_w=0)
        for rate in ("der", "derp"):
            house.utility.set_rate(rate, 300)
        on = house.publish(0, 310, energize=True)
        off = house.publish(310, 300, energize=False)
        house.boot()
        house.run_to(310)
        assert told_bits(house)[-1] & OPERATING
        house.run_to(330)
        assert not told_bits(house)[-1] & OPERATING  # although both lists come each 300 s
        assert told(house, "ders", 310)[0].at < 330
        house.run_to(610)
        assert max(row.pv_w for row in house.rows(325, 610)) <= 20
        back = house.run_until(lambda: told_bits(house)[-1] & OPERATING, 90)
        house.run(130)
        # The default allows no export: running, and bit 2 is there all the same (J8).
        settled(house, back, house.now, 0)
        assert told_bits(house)[-1] & OPERATING
        assert house.statuses(on) == [1, 2, 3] and house.statuses(off) == [1, 2, 3]
        assert house.answers(off)[1][1] == 310 and house.answers(off)[2][1] == 610
        sound(house)


def test_all_12_disconnect(tmp_path):
    with living(tmp_path, load=500) as house:
        house.default(exp_w=3000)
        house.boot()
        house.run_to(10)
        event = house.publish(310, 600, connect=False)
        house.run_to(305)
        assert told_bits(house)[-1] == 7
        off = house.run_until(lambda: not told_bits(house)[-1] & CONNECTED, 25)
        house.run_to(909)
        assert told_bits(house, off) == [told(house, "ders")[-1].hex("genConnectStatus")]
        assert max(row.pv_w for row in house.rows(325, 909)) <= 20
        assert not any(row.pv_w for row in house.rows(400, 909))  # open, not curtailed
        back = house.run_until(lambda: told_bits(house)[-1] & CONNECTED, 90)
        assert back >= 910 + 55  # AS/NZS 4777.2: a minute from release
        house.run(60)
        assert told_bits(house)[-1] == 7
        assert house.statuses(event) == [1, 2, 3] and house.answers(event)[2][1] == 910
        settled(house, back, house.now, 3000)
        assert house.rows(house.now - 2, house.now)[-1].pv_w > 3000
        sound(house)


def test_all_13_default_ramp_rate(tmp_path):
    with living(tmp_path) as house:
        house.boot()
        house.run_to(30)
        assert told(house, "derg")[-1]["setGradW"] == 27  # until a default says another (J45)
        for grad in (100, 27):
            begun = house.now
            house.default(grad=grad)
            read = house.run_until(lambda t=begun: house.requests("dderc", "GET", t), 70)
            house.run(10)
            changed = told(house, "derg", read)[-1]
            assert changed["setGradW"] == grad and changed.at < read + 5
            assert changed["updatedTime"] >= START + int(read)
            house.run(60)
            assert {one["setGradW"] for one in told(house, "derg", read + 2)} == {grad}
        sound(house)


def test_all_13_the_default_moves_the_limit_at_its_rate(tmp_path):
    with living(tmp_path, pv=12000, load=0, config={"site_exp_w": WMAX_W}) as house:
        house.default(exp_w=WMAX_W, grad=100)
        house.boot()
        house.run_to(150)
        house.default(exp_w=5000, grad=100)
        at = house.run_until(lambda: house.limits()[-1][1] == 5000, 70)
        house.run(80)
        # A write a second: behind by what the limit moves in it, beside the law's own margin.
        followed(house, [(at + 2, 10100), (at + 52, 5100), (at + 75, 5000)], behind_w=550)
        sound(house)
