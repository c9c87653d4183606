"""An hour of the whole client in virtual time, counted on its sockets: what a day costs.

Enters: `python host_tests/system/day.py [--gzip N] [--closes] [--cut] [--away]`.  Leaves: JSON:
bytes and requests by kind, readings, connections, slots of 200 ms, bytes written to the flash.

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
CUT_S = 60


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


def written(made, since):
    """Bytes that went to the flash: those of telemetry, and all."""
    rows = [(row.pairs["file"].partition(".")[0], int(row.pairs["bytes"]))
            for row in made.said("FLASH", since=since)]
    return {"telemetry": sum(n for name, n in rows if name in {"site", "der"}),
            "all": sum(n for _, n in rows)}


def go(made, args):
    """The time that counts: an hour as it is, with a cut of the line, or without a server."""
    half, end = args.warm + 30 * args.minutes, args.warm + 60 * args.minutes
    made.run_to(args.warm)
    if args.away:
        made.server_up(False, "drop")
    elif args.cut:
        made.run_to(half)
        made.server_up(False, "drop")
        made.run(CUT_S)
        made.server_up(True)
    made.run_to(end)


def connects(made):
    """Instants of connections to the server, refused ones too."""
    return [row[0] for row in made.story if row[1] == "connect" and row[2] == "utility.test"]


def main():
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gzip", type=int, default=0)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--warm", type=int, default=WARM_S, help="seconds before it counts")
    parser.add_argument("--closes", action="store_true", help="lines idle for 75 s are closed")
    parser.add_argument("--cut", action="store_true", help="no server for a minute, half-way")
    parser.add_argument("--away", action="store_true", help="no server in all of the hour")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wave = [[60 * i, 500 + 400 * (i % 5)] for i in range(args.warm // 60 + args.minutes + 2)]
        made = house(folder, args.gzip, wave, not args.closes)
        made.boot()
        go(made, args)
        rows = count(made, args.warm)
        values = len([1 for point in made.utility.site().usage_points.values()
                      for (_, start) in point.readings
                      if start - 1_800_000_000 >= args.warm - 300])
        again = sum(at > args.warm for at in connects(made))
        slots = {ms // SLOT_MS for ms in made.metered if ms >= args.warm * 1000}
        flash = written(made, args.warm)
        made.close()
    print(json.dumps({"minutes": args.minutes, "kinds": rows, "values": values,
                      "connects": again, "flash": flash, "slots": len(slots),
                      "slots_due": args.minutes * 60 * 1000 // SLOT_MS}))


if __name__ == "__main__":
    main()
