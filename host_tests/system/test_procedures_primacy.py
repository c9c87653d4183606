"""GEN-10 and LOA-10 in full: fifteen programs in two assignments, an hour, the answers of D11."""

import pytest
from house import living
from procedure import settled, sound, steps, told_bits
from test_procedures_storage import RATE_W, store
from tools.site import InverterSettings, Settings

# The order of the answers over all events (requirements D11).
LOG = """1:1 1:2 2:1 1:7 2:2 2:3 3:1 3:2 3:3 4:1 5:1 4:2 5:2 4:3 6:1 5:7 6:2 7:1 8:1 6:7 7:2 8:2
7:3 8:3 9:1 10:1 9:2 10:2 9:6 10:6"""
# What may change places: answers of one second, or to lists that are read one after the other.
TOGETHER = [{"4:1", "5:1"}, {"4:2", "5:2"}, {"7:1", "8:1"}, {"7:1", "6:7"},
            {"7:2", "8:2"}, {"7:3", "8:3"}, {"9:1", "10:1"}, {"9:2", "10:2"}, {"9:6", "10:6"}]


SELDOM = {"sample_ms": 1000}  # an hour in a third of the time


def layout():
    """The network's five programs in one assignment, ten of others in the second."""
    return [(f"n{i}", 1, "fsa1") for i in range(5)] + [(f"m{i}", 2, "fsa2") for i in range(10)]


def generating():
    """An inverter of 10 kW that reconnects as AS/NZS 4777.2 wants it, and how it is limited."""
    inverter = InverterSettings(1, wmax_w=10000, ramp_pct_min=16)
    house = {"settings": Settings(inverters=(inverter,)), "pv": 9500, "load": 400,
             "config": {"site_exp_w": 10000, **SELDOM}}
    return house, 10000, {}, ("exp_w", "gen_w"), ("exp", "gen")


def consuming():
    """A battery of 5 kW that charges, and how it is limited."""
    house = store(capacity_wh=40000)
    house["config"].update(SELDOM)
    return {**house, "load": 300}, RATE_W, {"storage_w": -RATE_W}, (
        "imp_w", "load_w"), ("imp", "taken")


def in_order(said):
    """The answers, with what may change places as it stands in LOG."""
    place = {answer: i for i, answer in enumerate(LOG.split())}
    said = list(said)
    for _ in said:
        for i, pair in enumerate(zip(said, said[1:])):
            if set(pair) in TOGETHER and place[pair[0]] > place[pair[1]]:
                said[i:i + 2] = pair[::-1]
    return said


@pytest.mark.parametrize("kind", [generating, consuming])
def test_gen_10_and_loa_10_primacy(tmp_path, kind):
    options, top_w, always, (site, own), (at_site, at_own) = kind()
    share = top_w // 100
    with living(tmp_path, layout=layout(), **options) as house:
        made = []

        def publish(program, start, duration, **modes):
            made.append(house.publish(start, duration, program, **modes))

        house.default("n0", **{site: 30 * share}, **always)
        house.default("m0", **{site: 20 * share})
        house.boot()
        house.run_to(30)
        steps(house, "GET fsal", "GET derpl", "GET derpl")
        publish("m0", 120, 3000, **{site: 80 * share})
        house.run_to(220)
        publish("n0", 300, 840, **{site: 50 * share})
        house.run_to(1180)
        publish("m0", 1260, 120, **{site: 60 * share})
        house.run_to(1400)
        publish("n0", 1500, 300, connect=False, **{own: 0})
        publish("m0", 1500, 1200, **{site: 200 * share})
        house.run_to(1790)
        assert not told_bits(house)[-1] & 1
        house.run_to(2260)
        assert told_bits(house)[-1] == 7
        house.run_to(2265)
        publish("m0", 2340, 900, **{site: 50 * share})
        house.run_to(2440)
        publish("n0", 2520, 300, **{site: 0})
        publish("m0", 2520, 300, **{site: 50 * share, own: 30 * share})
        house.run_to(2860)
        publish("n0", 2940, 600, **{own: 50 * share})
        publish("m0", 2940, 600, **{site: 20 * share})
        house.run_to(3100)
        house.default("n0", **{site: 50 * share}, **always)
        house.default("m0", **{site: 20 * share})
        house.run_to(3180)
        house.cancel(made[8])
        house.cancel(made[9])
        house.run_to(3360)

        number = {event.mrid: i for i, event in enumerate(made, 1)}
        said = [f"{number[row['subject']]}:{row['status']}"
                for row in house.utility.site().responses]
        assert in_order(said) == LOG.split(), " ".join(said)

        for start, end, w in ((120, 300, 80), (300, 1140, 50), (1140, 1260, 30), (1260, 1380, 60),
                              (1380, 1500, 30), (1800, 2340, 200), (2340, 2520, 50),
                              (2520, 2820, 0), (2820, 2940, 30), (2940, 3180, 20),
                              (3245, 3360, 50)):
            settled(house, start, end, w * share, at_site)
        settled(house, 1500, 1800, 0, at_own)
        settled(house, 2520, 2820, 30 * share, at_own)
        settled(house, 2940, 3180, 50 * share, at_own)
        assert not any(row.pv_w or row.battery_w for row in house.rows(1530, 1859))
        power = [-row.site_w if at_site == "exp" else row.site_w for row in house.rows(2250, 2260)]
        assert min(power) > 60 * share  # the wider event is seen once reconnected
        assert (-1 if at_site == "exp" else 1) * house.rows(3355)[0].site_w > 45 * share
        sound(house)
