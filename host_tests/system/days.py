"""Days of the whole client in virtual time, its heap weighed: does anything ever stay behind?

Enters: `python host_tests/system/days.py --days 30 [--live MINUTES]`.  Leaves: JSON: bytes alive
after the first hour and in the last one, the largest free piece then, and what happened between.

`slow`, the days: the firmware samples and evaluates once a minute, the server's rates are an
hour.  In the first hour, `--busy` hours from then on and again at the end, rates are five minutes
and every event is replaced in each of them (handbook 7.5): 58 controls, each received and
superseded.  Once a day the server is lost and the line to the devices cut.  The ticks wrap after
45 s and then each 12.4 days.  `live`: minutes at the true pace, a sample each 200 ms, for what
each sample or each turn of the loop might leave behind.

The heap is weighed after a collection; the least of several looks counts, since any look may come
in the middle of a request.  At the true pace they fall on every phase of two minutes, for what is
held differs by 96 bytes between an event that is awaited and one that runs.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from house import START, House

HOUR, DAY = 3600, 86400
PACE_MS = 60000
SHORT = 0.1  # days: no more than the beginning and the end


def weigh(house, looks=12, every_s=53):
    """(bytes alive, largest free piece): the best of so many looks."""
    found = []
    for _ in range(looks):
        house.run(every_s)
        found.append(house.heap())
    return min(used for used, _ in found), max(piece for _, piece in found)


def rates(house, seconds):
    """Rates of the server, and of telemetry."""
    for kind in ("dcap", "tm", "edev", "rg", "fsa", "derp", "der", "mup", "post"):
        house.utility.set_rate(kind, seconds)


def busy(house, seconds):
    """Every event is replaced in each five minutes; then all are cancelled and gone."""
    house.utility.forecast.start(["p1"], house.unix)
    house.run(seconds)
    house.utility.forecast.stop()
    site = house.utility.site()
    for control in list(site.programs["p1"].controls):
        control.cancel(house.unix)
    house.run(700)
    for control in list(site.programs["p1"].controls):
        site.forget(site.programs["p1"], control)


def trouble(house):
    """A server that is lost for an hour, and a line to the devices that is cut."""
    house.server_up(False)
    house.run(HOUR)
    house.server_up(True)
    house.network("site.test", "refuse")
    house.run(300)
    house.network("site.test", "up")
    house.run(HOUR)


def _days(house, days):
    """Each with its trouble and its event, until three hours before the end."""
    rates(house, HOUR)
    end = max(days * DAY - 3 * HOUR, house.now)
    for day in range(1, 1 + math.ceil(days)):
        trouble(house)
        house.publish(round(house.now) + 2 * HOUR, HOUR, exp_w=1000 + 10 * day)
        house.run_to(min(day * DAY, end))
    rates(house, 300)
    house.run(1.2 * HOUR)  # each rate is known once its resource was read


def slow(days, busy_s):
    """So many days at the pace of PACE_MS; up to SHORT they are what they cannot do without."""
    round_s = min(HOUR / 2, days * DAY / 8)
    load = [[HOUR * i, 300 + 700 * (i % 4)] for i in range(round(days * 24) + 30)]
    with tempfile.TemporaryDirectory() as folder:
        house = House(folder, slow=PACE_MS, poll_s=300, pv=9500, load=load, tight=True)
        try:
            house.default(exp_w=1500, imp_w=5000)
            house.default("p2", exp_w=2000, grad=100)
            house.boot()
            house.run(600)
            busy(house, round_s)  # the first hour has met everything once
            first = weigh(house)
            busy(house, busy_s)
            after_busy = weigh(house)
            if days > SHORT:
                _days(house, days)
            busy(house, round_s)
            last = weigh(house)
            return {"days": house.now / DAY, "first": first[0], "busy": after_busy[0],
                    "last": last[0], "piece_first": first[1], "piece_last": last[1],
                    "answers": len(house.answers()), "requests": len(house.wire),
                    "boots": len(house.said("BOOT")), "failed": len(house.said("TASK_FAILED")),
                    "readings": sum(len(point.readings) for point in
                                    house.utility.site().usage_points.values())}
        finally:
            house.close()


def minute(house, exp_w):
    """A minute that ends as the event it brought begins."""
    house.publish(round(house.now) + 60, 60, exp_w=exp_w)
    house.run(60)


def live(minutes):
    """So many minutes at the true pace, after ten of them."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(folder, poll_s=60, pv=9500, load=500, tight=True)
        try:
            house.default(exp_w=1500, imp_w=5000)
            house.boot()
            house.run(480)
            minute(house, 998)
            minute(house, 999)  # what comes once has come; an event is under way in both looks
            first = weigh(house, 60, 2.07)
            for i in range(minutes):
                minute(house, 1000 + i)
            return {"minutes": minutes, "first": first[0], "last": weigh(house, 60, 2.07)[0],
                    "samples": len(house.metered)}
        finally:
            house.close()


def main():
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--busy", type=float, default=3, help="hours of replaced events")
    parser.add_argument("--live", type=int, default=0, help="minutes at the true pace")
    args = parser.parse_args()
    begun = time.monotonic()
    found = {}
    if args.days:
        found = slow(args.days, args.busy * HOUR)
    if args.live:
        found["live"] = live(args.live)
    print(json.dumps({**found, "took_s": round(time.monotonic() - begun), "start": START}))


if __name__ == "__main__":
    main()
