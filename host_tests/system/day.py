"""An hour of the whole client in virtual time, counted on its sockets: what a day costs.

Enters: `python host_tests/system/day.py [--gzip N] [--closes]`.  Leaves: JSON: bytes and requests
by kind, readings, connections, slots of 200 ms, what lies on the flash.

A site with three phases (nine values) and a DER with three (six), two programs, a list of 58
events or a few more, everything polled and posted each five minutes.  The virtual lines are in
the clear; a record of TLS 1.2 with CCM-8, the mandatory suite, is 21 bytes longer than what it
carries (29 with GCM).
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from house import House
from tools.site import InverterSettings, MeterSettings, Settings

RECORD = 21
SLOT_MS = 200
EVENTS = 70  # 58 are left after the hour
WARM_S = 600


def house(folder, gzip, wave, keeps):
    """A house as a distributor would see it, with a load that changes."""
    settings = Settings(inverters=(InverterSettings(1, "7xx", 10000),), meter=MeterSettings())
    made = House(folder, settings=settings, poll_s=300, gzip=gzip, load=wave)
    made.keepalive_s = 86400 if keeps else 75
    for kind in ("tm", "rg"):  # the schema's default, where servers say none
        made.utility.set_rate(kind, 900)
    made.default("p2", exp_w=1500, imp_w=5000)
    for i in range(EVENTS):
        made.publish(300 * i, 300, exp_w=1500 + 100 * (i % 30), imp_w=5000)
    return made


def count(made, since):
    """Requests and bytes, TLS included, by what they are for."""
    rows = {}
    for at, method, kind, sent, writes, received in made.wire:
        if at < since:
            continue
        what = ("polls" if method == "GET" else "telemetry" if kind in {"mup", "mupl"}
                else "answers and DER")
        row = rows.setdefault(what, {"requests": 0, "bytes": 0})
        row["requests"] += 1
        row["bytes"] += sent + received + RECORD * (writes + 1)
    return rows


def main():
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gzip", type=int, default=0)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--warm", type=int, default=WARM_S, help="seconds before it counts")
    parser.add_argument("--closes", action="store_true", help="lines idle for 75 s are closed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wave = [[60 * i, 500 + 400 * (i % 5)] for i in range(args.warm // 60 + args.minutes + 2)]
        made = house(folder, args.gzip, wave, not args.closes)
        made.boot()
        made.run_to(args.warm)
        connects = len([row for row in made.story if row[1] == "connect"
                        and row[2] == "utility.test"])
        made.run_to(args.warm + 60 * args.minutes)
        rows = count(made, args.warm)
        values = len([1 for point in made.utility.site().usage_points.values()
                      for (_, start) in point.readings
                      if start - 1_800_000_000 >= args.warm - 300])
        again = len([row for row in made.story if row[1] == "connect"
                     and row[2] == "utility.test"]) - connects
        slots = {ms // SLOT_MS for ms in made.metered if ms >= args.warm * 1000}
        flash = sum(p.stat().st_size for p in made.flash.iterdir() if "." in p.name
                    and p.name.partition(".")[0] in {"site", "der"})
        made.close()
    print(json.dumps({"minutes": args.minutes, "kinds": rows, "values": values,
                      "connects": again, "flash": flash, "slots": len(slots),
                      "slots_due": args.minutes * 60 * 1000 // SLOT_MS}))


if __name__ == "__main__":
    main()
