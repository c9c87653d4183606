"""P-03 and ALL-25-EXT: controls of hours and days, programs outside any assignment."""

from house import living
from procedure import followed, settled, sound, steps

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
