"""Counts of writes over a life: kept at a clean stop and each hour, gone on with after a cut."""

from house import living


def sent(house):
    """Register writes that the device sent since the beginning."""
    return sum(kind == "write" for _, kind, _what in house.story)


def kept(house):
    """What the flash holds: the count of the inverter."""
    count, unit, _line, _serial = (house.flash / "writes.txt").read_text().rstrip("\n").split("\t")
    assert unit == "1"
    return int(count)


def test_counts_go_on_over_a_stop_an_hour_and_a_power_cut(tmp_path):
    with living(tmp_path, poll_s=300, load=[[0, 500], [30, 2500], [60, 0]]) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run(100)
        assert house.said("WRITES", unit=1, n=0), house.tail()
        assert house.stop() == 0
        assert kept(house) == sent(house) >= 3
        before = house.now
        stopped = sent(house)
        house.boot()
        house.run(3600 - house.unix % 3600 + 10)
        assert house.said("WRITES", since=before, n=stopped), house.tail()
        hour = kept(house)
        assert stopped < hour <= sent(house)
        house.power_cut()
        house.boot()
        house.run(20)
        assert house.said("WRITES", since=house.now - 20, n=hour), house.tail()
