"""`python -m tools.site`: the simulated site as a process.

Enters: arguments, SIGTERM or SIGINT.  Leaves: one JSON line with the ports when ready, the record
as CSV where `--csv` names a file, exit status 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from pathlib import Path

from tools.site.profile import Profile, profile_from, random_profile
from tools.site.server import SiteServer
from tools.site.site import FAULTS, Settings, Site


def parser() -> argparse.ArgumentParser:
    """The command line."""
    faults = "\n".join(f"  {name:16} {what}" for name, what in FAULTS.items())
    p = argparse.ArgumentParser(
        prog="python -m tools.site", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="A SunSpec inverter and a meter on Modbus TCP, over a simulated plant.",
        epilog="faults (POST /faults on the admin port, or --fault):\n" + faults)
    p.add_argument("--port", type=int, default=0, help="Modbus TCP port (0: any free one)")
    p.add_argument("--admin-port", type=int, default=0, help="admin HTTP port (0: any)")
    p.add_argument("--csv", metavar="FILE", help="write the true record there, each 100 ms")
    p.add_argument("--script", metavar="FILE",
                   help='JSON: {"pv_w": [[s, W]..], "load_w": [[s, W]..], "repeat_s": s}')
    p.add_argument("--pv", type=int, metavar="W", help="constant sun instead of clouds")
    p.add_argument("--load", type=int, metavar="W", help="constant load instead of appliances")
    p.add_argument("--fault", action="append", default=[], choices=FAULTS, help="on from start")
    d = Settings()
    p.add_argument("--seed", type=int, default=d.seed, help="clouds, appliances and noise")
    p.add_argument("--wmax", type=int, default=d.wmax_w, metavar="W")
    p.add_argument("--dead-ms", type=int, default=d.dead_ms, help="inverter dead time")
    p.add_argument("--tau-ms", type=int, default=d.tau_ms, help="inverter first-order lag")
    p.add_argument("--slew", type=float, default=None, metavar="W/S", help="inverter slew limit")
    p.add_argument("--noise", type=float, default=d.noise_w, metavar="W", help="load noise")
    p.add_argument("--meter-period-ms", type=int, default=d.meter_period_ms)
    p.add_argument("--meter-age-ms", type=int, default=d.meter_age_ms)
    p.add_argument("--meter-sign", type=int, choices=(1, -1), default=d.meter_sign,
                   help="1: import positive; -1: export positive")
    p.add_argument("--inverter-unit", type=int, default=d.inverter_unit)
    p.add_argument("--meter-unit", type=int, default=d.meter_unit)
    return p


def profile_of(args: argparse.Namespace) -> Profile:
    """The profile that the arguments ask for: a script, constants, or a seeded day."""
    if args.script:
        return profile_from(json.loads(Path(args.script).read_text()))
    made = random_profile(args.seed, args.wmax)
    pv = Profile([[0, args.pv]], [[0, 0]]).pv_w if args.pv is not None else made.pv_w
    load = Profile([[0, 0]], [[0, args.load]]).load_w if args.load is not None else made.load_w
    made.pv_w, made.load_w = pv, load
    return made


async def serve(args: argparse.Namespace) -> None:
    """Run until a signal comes."""
    settings = Settings(args.wmax, args.dead_ms, args.tau_ms, args.slew, args.noise,
                        args.meter_period_ms, args.meter_age_ms, args.meter_sign,
                        args.inverter_unit, args.meter_unit, args.seed)
    # Wall time at the start, monotonic from then on: the record never jumps.
    offset = time.time() - time.monotonic()

    def clock() -> float:
        return time.monotonic() + offset

    site = Site(settings, profile_of(args), clock(), args.csv)
    site.fault(**dict.fromkeys(args.fault, True))
    server = SiteServer(site, clock)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await server.start(args.port, args.admin_port)
    print(json.dumps({"port": server.port, "admin_port": server.admin_port,
                      "inverter": f"127.0.0.1:{server.port}/{settings.inverter_unit}",
                      "meter": f"127.0.0.1:{server.port}/{settings.meter_unit}"}), flush=True)
    await ended.wait()
    await server.stop()


def main() -> None:
    """Entry point."""
    asyncio.run(serve(parser().parse_args()))


if __name__ == "__main__":
    main()
