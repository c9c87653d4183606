"""Which of many events rules each mode, and what is answered: GEN-10's log, in short."""

from house import living

WMAX_W = 10000


def layout():
    """Two assignments, the network's programs in the first, others in the second (D4 to D6)."""
    first = [(f"n{i}", 1, "fsa1") for i in range(5)]
    second = [(f"m{i}", 2, "fsa2") for i in range(10)]
    return first + second


def test_gen_10_primacy_over_two_assignments(tmp_path):
    with living(tmp_path, poll_s=30, layout=layout(), load=500, pv=9000) as house:
        house.default("n0", exp_w=3000)
        house.default("m0", exp_w=2000)
        house.boot()
        house.run_to(20)
        assert house.limits()[-1][1:] == (3000, "default")  # the lower primacy, not the minimum

        def at(program, start, duration, **modes):
            return house.publish(start, duration, program, **modes)

        def export(second):
            return [w for t, w, _ in house.limits() if t <= second][-1]

        one = at("m0", 60, 600, exp_w=8000)
        two = at("n0", 120, 120, exp_w=5000)
        three = at("m1", 300, 60, exp_w=6000)
        house.run_to(290)
        assert house.statuses(one) == [1, 2, 7], "superseded by the lower primacy, for good"
        assert house.answers(one)[2][1] == 120
        assert house.statuses(two) == [1, 2, 3] and export(289) == 3000
        house.run_to(400)
        assert house.statuses(three) == [1, 2, 3] and export(330) == 6000

        # Disjoint modes run together.
        four = at("n0", 440, 60, gen_w=0, connect=False)
        five = at("m0", 440, 400, exp_w=2 * WMAX_W)
        house.run_to(520)
        assert house.statuses(four) == [1, 2, 3] and house.statuses(five) == [1, 2]
        assert export(470) == 0

        # A newer one of the same program supersedes, as the server marks it.
        six = at("m0", 560, 300, exp_w=WMAX_W // 2)
        house.run_to(620)
        assert house.statuses(five) == [1, 2, 7] and house.statuses(six) == [1, 2]
        assert export(610) == 5000

        # One mode lost, the other kept: started all the same.
        seven = at("n0", 660, 100, exp_w=0)
        eight = at("m1", 680, 60, exp_w=5000, gen_w=3000)
        house.run_to(800)
        assert house.statuses(six) == [1, 2, 7]
        assert house.statuses(seven) == [1, 2, 3] and house.statuses(eight) == [1, 2, 3]
        assert export(700) == 0

        nine = at("n0", 840, 600, gen_w=5000)
        ten = at("m0", 840, 600, exp_w=2000)
        house.run_to(900)
        house.cancel(nine)
        house.cancel(ten)
        house.run_to(960)
        assert house.statuses(nine) == [1, 2, 6] and house.statuses(ten) == [1, 2, 6]
        assert export(960) == 3000
        assert {e["verdict"] for e in house.requests("rsp")} == {"ok"}
        assert house.judge((120, 240, 5000), (240, 300, 3000), (300, 360, 6000),
                           (360, 440, 3000)).longest_s <= 15


def test_newer_of_two_in_one_program_rules_from_its_start(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        older = house.publish(60, 300, exp_w=5000)
        house.boot()
        house.run_to(100)
        newer = house.publish(200, 60, exp_w=2500)
        house.run_to(420)
        assert house.statuses(older) == [1, 2, 7]
        assert house.statuses(newer) == [1, 2, 3]
        assert {e["verdict"] for e in house.requests("rsp")} == {"ok"}


def test_default_that_loses_its_link_stays_known(tmp_path):
    # Requirements D6: defaults may be absent after the server's maintenance.
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(30)
        house.utility.site().programs["p1"].has_default = False
        house.run_to(200)
        assert house.limits()[-1][1:] == (1500, "default")


def test_default_that_opens_is_ruled_by_the_contract(tmp_path):
    with living(tmp_path, load=0, pv=9000) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(30)
        house.default()
        house.run_to(200)
        assert house.limits()[-1][1:] == (5000, "contract")
        assert house.judge((120, 200, 5000)).longest_s <= 15


def test_max_lim_w_is_a_share_of_the_rating(tmp_path):
    with living(tmp_path, load=0, pv=9000) as house:
        house.default(exp_w=8000)
        event = house.publish(30, 120, max_pct100=2500)
        house.boot()
        house.run_to(200)
        assert house.judge((30, 150, 2500), (150, 200, 8000)).passed
        assert house.statuses(event) == [1, 2, 3]


def test_disconnect_takes_all_power_and_gives_it_back(tmp_path):
    with living(tmp_path, load=0, pv=9000) as house:
        house.default(exp_w=3000)
        event = house.publish(30, 120, connect=False)
        house.boot()
        house.run_to(260)
        assert max(row.pv_w for row in house.rows(45, 150)) <= 100
        assert min(row.pv_w for row in house.rows(235, 260)) > 2000
        assert house.statuses(event) == [1, 2, 3]
