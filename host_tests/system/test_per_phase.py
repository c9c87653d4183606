"""Limits of each phase: of a site's limit no phase carries more than a third.

Half of the load is on phase A, a fifth on phase C, which is the one that exports first.
"""

from house import living, tolerance_w
from procedure import sound

LIMIT_W, LOAD_W = 3000, 3000


def settled(tmp_path, **config):
    with living(tmp_path, config=config, load=LOAD_W, pv=9000) as house:
        house.default(exp_w=LIMIT_W)
        event = house.publish(60, 60, exp_w=900)
        house.boot()
        house.run_to(130)
        assert house.statuses(event) == [1, 2, 3]
        sound(house)
        return house


def test_no_phase_exports_more_than_its_third(tmp_path):
    house = settled(tmp_path, per_phase=1)
    for since, until, limit in ((25, 60, LIMIT_W), (75, 118, 900)):
        for row in house.rows(since, until):
            made = row.pv_w / 3
            worst = made - row.load_w / 5
            assert worst <= (limit + tolerance_w(10000)) / 3, row
            assert worst >= limit / 3 * 0.85 - 50, row


def test_without_the_setting_the_sum_counts(tmp_path):
    house = settled(tmp_path)
    rows = house.rows(25, 60)
    assert max(row.pv_w / 3 - row.load_w / 5 for row in rows) > LIMIT_W / 3 + 100
    assert max(-row.site_w for row in rows) <= LIMIT_W + tolerance_w(10000)
