"""A utility that takes less than others do: no lists, not every usage point, or loses them."""

import pytest
from house import START, living
from lxml import etree
from procedure import DER, SITE, W, readings

MINUTES = [60, 120, 180, 240, 300]


def posted(house, since=0.0):
    """Names of the roots of what was posted to usage points."""
    return [etree.QName(etree.fromstring(body)).localname
            for at, kind, body in house.sent if kind == "mup" and at >= since]


def starts(house, role):
    return [start for start in readings(house, role, W) if start >= 60]


def refusals(house):
    return {(e["resource"], e["status"]) for e in house.requests() if e["status"] >= 400}


@pytest.mark.parametrize("status", [400, 501])
def test_a_server_without_lists_gets_each_reading_by_itself(tmp_path, status):
    with living(tmp_path, no_lists=status) as house:
        house.boot()
        house.run_to(400)
        assert starts(house, SITE) == starts(house, DER) == MINUTES
        late = posted(house, since=200)
        assert late and set(late) == {"MirrorMeterReading"}
        assert posted(house).count("MirrorMeterReadingList") <= 4  # two of each usage point
        assert refusals(house) == {("mup", status)}
        truth = house.site.mean("site_w", 180, 240)
        assert abs(readings(house, SITE, W)[180] - truth) <= 60
        points = house.utility.site().usage_points.values()
        for point in points:  # all its channels, each minute
            assert {(mrid, START + s) for mrid in point.types for s in MINUTES} <= set(
                point.readings)
        assert len(points) == 2 and not house.said("READINGS_DROPPED")


def test_a_server_that_refuses_the_sites_point_still_hears_of_the_der(tmp_path):
    with living(tmp_path, no_role=SITE) as house:
        house.boot()
        house.run_to(400)
        assert starts(house, DER) == MINUTES and not starts(house, SITE)
        tried = [e["at"] for e in house.requests("mupl", "POST") if e["status"] == 403]
        assert 4 <= len(tried) <= 12
        house.utility.options.no_role = 0
        house.run_to(560)
        assert starts(house, SITE)[:5] == MINUTES  # it had waited on flash
        assert starts(house, DER)[-1] >= 480


def test_a_server_that_lost_its_usage_points_keeps_the_period(tmp_path):
    with living(tmp_path) as house:
        house.boot()
        house.run_to(130)
        site = house.utility.site()
        for point in list(site.usage_points.values()):
            site._hrefs.drop(point.href)
            del site.usage_points[point.mrid]
        house.run_to(400)
        assert len(house.said("POST_RATE")) == 1 and house.said("POST_RATE")[0].pairs == {
            "period_s": "60"}
        assert not [start for start in MINUTES[1:] if start not in starts(house, SITE)]
        durations = {row["duration"] for point in site.usage_points.values()
                     for row in point.readings.values()}
        assert durations == {60}
