"""What a server no longer says stays in force: its default after a restart, and what it said to
a device that it then struck off."""

from house import living, tolerance_w

TOL_W = tolerance_w(10000)


def test_a_restart_without_a_link_to_the_default_holds_the_one_on_flash(tmp_path):
    # Handbook 7.4: after maintenance a server may lack its defaults.
    with living(tmp_path, poll_s=60) as house:
        house.default("p2", exp_w=700)
        house.boot()
        house.run_until(lambda: house.limits()[-1:] and house.limits()[-1][1] == 700, 60)
        for program in house.utility.site().programs.values():
            program.has_default = False
        house.power_cut()
        house.run(5)
        again = house.now
        house.boot()
        house.run(400)
        assert house.said("TREE_COMPLETE", since=again)
        assert {w for at, w, _ in house.limits() if at >= again} == {700}
        assert house.worst_export(again + 20, house.now) <= 700 + TOL_W
        # Its link is back, and says that there is no limit: the contract rules.
        house.utility.site().programs["p2"].has_default = True
        house.utility.set_default("p2", {})
        house.run_until(lambda: house.limits()[-1][2] == "contract", 180)


def test_a_device_that_is_struck_off_talks_no_more_and_what_is_known_runs_out(tmp_path):
    with living(tmp_path, poll_s=60) as house:
        house.default(exp_w=1500)
        event = house.publish(60, 300, exp_w=4000)
        house.boot()
        house.run_to(100)
        assert house.limits()[-1][1:] == (4000, "event")
        house.utility.site().enabled = False
        house.run_until(lambda: house.said("NOT_REGISTERED"), 120)
        off = house.now
        house.run(600)
        asked = {row["resource"] for row in house.requests(since=off + 1)}
        assert asked <= {"dcap", "tm", "edevl", "rsp"}, asked
        assert house.limits()[-1][1:] == (1500, "default")
        assert house.statuses(event) == [1, 2, 3]
        house.utility.site().enabled = True
        house.run(180)
        back = {row["resource"] for row in house.requests(since=off + 600)}
        assert {"fsal", "derpl", "dercl", "dderc", "derl", "mupl"} <= back, sorted(back)
