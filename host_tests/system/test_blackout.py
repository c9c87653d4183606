"""The connection point loses its power while the board, with a battery of its own, stays up."""

from house import living

TOL_W = 100


def test_every_control_is_forgotten_and_the_default_rules_until_power_is_back(tmp_path):
    with living(tmp_path, pv=8000, load=500) as house:
        house.default(exp_w=1500)
        running = house.publish(20, 600, exp_w=4000)
        coming = house.publish(170, 60, "p2", exp_w=3000)
        house.boot()
        house.run_to(60)
        assert house.limits()[-1][1:] == (4000, "event")
        house.site.fault(grid_lost=True)
        dark = house.run_until(lambda: house.said("POWER_LOST"), 15)
        house.run_to(180)
        assert house.limits()[-1][1] == 1500 and house.limits()[-1][2] in {"default", "persisted"}
        assert not [row for row in house.limits() if row[0] > dark + 2 and row[2] == "event"]
        assert not house.requests("dercl", "GET", dark + 5)  # programs rest, the rest is polled
        assert house.requests("dcap", "GET", dark + 5)
        house.site.fault(grid_lost=False)
        lit = house.run_until(lambda: house.said("POWER_BACK"), 30)
        house.run(20)
        assert house.requests("dercl", "GET", lit)
        assert house.limits()[-1][1:] == (4000, "event")
        house.run_to(400)
        assert house.worst_export(lit + 15, 400) <= 4000 + TOL_W
        # What was started before is told again as a new one would be: it was forgotten (7.7.2).
        assert house.statuses(running)[:2] == [1, 2] and 3 not in house.statuses(running)
        assert house.statuses(coming)[:1] == [1]
        assert {e["verdict"] for e in house.requests()} <= {"ok", "ok, but: sent before"}


def test_boards_that_batteries_kept_up_do_not_return_all_at_once(tmp_path):
    # Handbook 7.7: each comes in its turn, and until then the default holds.
    back = []
    for seed in (1, 2, 3):
        (tmp_path / str(seed)).mkdir()
        with living(tmp_path / str(seed), seed=seed, config={"spread_s": 300}) as house:
            house.default(exp_w=1500)
            house.publish(20, 900, exp_w=4000)
            house.boot()
            house.run_until(lambda house=house: house.limits()[-1:] and
                            house.limits()[-1][1:] == (4000, "event"), 60)
            house.site.fault(grid_lost=True)
            house.run_until(lambda house=house: house.said("POWER_LOST"), 15)
            house.run(20)
            house.site.fault(grid_lost=False)
            lit = house.run_until(lambda house=house: house.said("POWER_BACK"), 30)
            house.run(310)
            read = house.requests("fsal", "GET", lit)[0]["at"]
            assert house.limits()[-1][1:] == (4000, "event")
            assert [row[1] for row in house.limits() if lit <= row[0] < read] == []
            assert house.worst_export(lit + 15, read) <= 1500 + TOL_W
            back.append(read - lit)
            said = house.said("SPREAD", since=lit)
            assert len(said) == 1 and 0 <= back[-1] - int(said[0].pairs["first_contact_in_s"]) <= 2
    assert max(back) <= 301 and len({round(s / 5) for s in back}) == 3, back


def test_a_meter_that_only_goes_silent_is_no_blackout(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        house.publish(20, 600, exp_w=4000)
        house.boot()
        house.run_to(60)
        house.site.fault(meter_silent=True)
        house.run_to(120)
        assert not house.said("POWER_LOST") and house.limits()[-1][1:] == (4000, "event")
        assert house.worst_export(75, 120) <= 4000 + TOL_W
