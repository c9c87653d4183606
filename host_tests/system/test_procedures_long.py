"""P-03 and ALL-25-EXT: controls of hours and days, programs outside any assignment."""

from house import living
from procedure import TOL_W, followed, settled, sound, steps, true_readings

WMAX_W = 10000


def test_p_03_long_running_control_of_a_site_wide_program(tmp_path):
    with living(tmp_path, layout=[("p1", 1, "fsa1")], pv=12000, load=0,
                config={"site_exp_w": WMAX_W}) as house:
        site = house.utility.site()
        site.assignments.clear()  # no assignment leads to the program, our DER alone does
        house.default(exp_w=3000, grad=100)
        event = house.publish(60, 86400, exp_w=0)
        house.boot()
        house.run_to(300)
        steps(house, "GET derl", "GET derpl", "GET dercl", "GET dderc")
        assert {e["path"].split("?")[0] for e in house.requests("derpl")} == {site.derpl}
        assert house.statuses(event) == [1, 2] and house.answers(event)[1][1] == 60
        followed(house, [(60, 3000), (91, 0), (300, 0)], behind_w=None)
        house.run_to(600)
        settled(house, 100, 600, 0)
        house.cancel(event)
        gone = house.run_until(lambda: 6 in house.statuses(event), 70)
        house.run(90)
        followed(house, [(gone + 1, 0), (gone + 31, 3000), (house.now, 3000)])
        assert house.statuses(event) == [1, 2, 6]
        sound(house)


def test_all_25_ext_three_days_of_six_hour_controls(tmp_path):
    """Sampled and evaluated each 10 s, and the site lives 3 s of each 10 s (House: slow).

    At that pace the law counts every sample as old: the inverter alone keeps under the limit,
    whatever the load.  All else is as long as the procedure says: 72 hours, rates of an hour.
    """
    hour, begun = 3600, 120
    watts = [(i * 3700) % 9000 + 500 for i in range(12)]
    load = [[hour * i, 300 + 700 * (i % 4)] for i in range(73)]
    with living(tmp_path, slow=True, poll_s=hour, pv=9500, load=load,
                config={"site_exp_w": WMAX_W}) as house:
        house.default(exp_w=1500, imp_w=WMAX_W)
        events = [house.publish(begun + 6 * hour * i, 6 * hour, exp_w=w)
                  for i, w in enumerate(watts)]
        house.boot()
        for i, (event, limit) in enumerate(zip(events, watts)):
            start, end = begun + 6 * hour * i, begun + 6 * hour * (i + 1)
            house.run_to(end - 5)
            assert house.statuses(event) == [1, 2]
            rows = house.rows(start + 30, end)
            assert len(rows) > 30 * 6 * 300 and rows[0].time < start + 2700  # as far as it is kept
            assert max(-row.site_w for row in rows) <= limit + TOL_W
            # A meter that is read so seldom is tried again and again: less is made meanwhile.
            less = sum(row.pv_w <= limit * 0.95 - TOL_W for row in rows)
            assert less < 0.05 * len(rows), (i, less)
        house.run(360)
        for i, event in enumerate(events):
            (one, two, three) = house.answers(event)
            assert (one[0], two[0], three[0]) == (1, 2, 3)
            assert (two[1], three[1]) == (begun + 6 * hour * i, begun + 6 * hour * (i + 1))
            assert two[2] - two[1] <= 120 and three[2] - three[1] <= 60
        assert len(house.answers()) == 36
        got = true_readings(house)
        assert len(got) >= 70 and all(start % hour == 0 for start in got)
        assert house.limits()[-1][1:] == (1500, "default")
        for kind in ("dcap", "edevl", "fsal", "derl", "derpl", "dderc", "mupl"):
            gaps = house.gaps(kind, 100)
            assert len(gaps) >= 70 and max(gaps) <= 1.1 * hour, (kind, gaps)
        assert len({line.text for line in house.said("BOOT")}) == 1
        sound(house)
