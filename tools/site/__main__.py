"""`python -m tools.site`: the simulated site as a process.

Enters: arguments, SIGTERM or SIGINT.  Leaves: one JSON line with ports and paths when ready, the
record as CSV where `--csv` names a file, exit status 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from dataclasses import replace
from pathlib import Path

from tools.site.faults import FAULTS, Faults
from tools.site.profile import Profile, profile_from, random_profile
from tools.site.server import SiteServer
from tools.site.settings import Settings, settings_from
from tools.site.site import Site
from tools.site.waves import Waves, waves_from

_EPILOG = """faults (POST /faults on the admin port, or --fault NAME or NAME=N): each for all
devices, for a kind (meter_frozen; inverter_ battery_ load_ meter_) or a unit (2.delay_ms=3000)
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    faults = "\n".join(f"  {name:18} {what}" for name, what in FAULTS.items())
    p = argparse.ArgumentParser(
        prog="python -m tools.site", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Inverters, battery and meter on Modbus TCP and RTU, over a simulated plant.",
        epilog=_EPILOG + faults)
    p.add_argument("--port", type=int, default=0, help="Modbus TCP port (0: any free one)")
    p.add_argument("--admin-port", type=int, default=0, help="admin HTTP port (0: any)")
    p.add_argument("--rtu", action="store_true", help="a pty with RTU as well; prints its path")
    p.add_argument("--rtu-unit", type=int, action="append", metavar="N",
                   help="of the units, only this on the pty (again for more)")
    p.add_argument("--baud", type=int, default=19200, help="pace of the pty")
    p.add_argument("--turnaround-ms", type=float, default=5, help="of the devices on the pty")
    p.add_argument("--csv", metavar="FILE", help="write the true record there, each 100 ms")
    p.add_argument("--script", metavar="FILE",
                   help='JSON: {"pv_w": [[s, W]..], "load_w": [[s, W]..], "repeat_s": s} or '
                   '{"waves": {"load_w": {"sine": [middle, amplitude, period_s]}, ..}}')
    p.add_argument("--site", metavar="FILE",
                   help='JSON with settings: {"inverters": [{"unit": 1, "family": "7xx"}], '
                   '"battery": {"unit": 10}, "load": {}, "meter": {"kind": "sdm630"}}')
    p.add_argument("--pv", type=int, metavar="W", help="constant sun instead of clouds")
    p.add_argument("--load", type=int, metavar="W", help="constant load instead of appliances")
    p.add_argument("--fault", action="append", default=[], type=fault_of, metavar="NAME[=N]",
                   help="on from start")
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


def fault_of(text: str) -> tuple[str, int]:
    """NAME or NAME=N as a name and a value; an argparse error for what is no fault."""
    name, given, number = text.partition("=")
    try:
        value = int(number) if given else True
        Faults().switch(**{name: value})
    except (KeyError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name, value


def profile_of(args: argparse.Namespace) -> Profile | Waves:
    """The profile that the arguments ask for: a script, constants, or a seeded day."""
    if args.script:
        script = json.loads(Path(args.script).read_text())
        return waves_from(script["waves"]) if "waves" in script else profile_from(script)
    made = random_profile(args.seed, args.wmax)
    pv = Profile([[0, args.pv]], [[0, 0]]).pv_w if args.pv is not None else made.pv_w
    load = Profile([[0, 0]], [[0, args.load]]).load_w if args.load is not None else made.load_w
    made.pv_w, made.load_w = pv, load
    return made


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings that the arguments ask for; a file's devices replace the default ones."""
    said = json.loads(Path(args.site).read_text()) if args.site else {}
    base = Settings(args.wmax, args.dead_ms, args.tau_ms, args.slew, args.noise,
                    args.meter_period_ms, args.meter_age_ms, args.meter_sign,
                    args.inverter_unit, args.meter_unit, args.seed)
    made = settings_from(said)
    return replace(base, **{name: getattr(made, name) for name in said})


async def serve(args: argparse.Namespace) -> None:
    """Run until a signal comes."""
    # Wall time at the start, monotonic from then on: the record never jumps.
    offset = time.time() - time.monotonic()

    def clock() -> float:
        return time.monotonic() + offset

    site = Site(settings_of(args), profile_of(args), clock(), args.csv)
    site.fault(**dict(args.fault))
    server = SiteServer(site, clock)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await server.start(args.port, args.admin_port)
    ready = {"port": server.port, "admin_port": server.admin_port,
             "inverter": f"127.0.0.1:{server.port}/{site.inverter.unit}",
             "meter": f"127.0.0.1:{server.port}/{site.meter.unit}",
             "units": {device.name: device.unit for device in site.devices}}
    if args.rtu:
        units = tuple(args.rtu_unit) if args.rtu_unit else None
        ready["rtu"] = server.open_rtu(args.baud, args.turnaround_ms, units)
        ready["baud"] = args.baud
    print(json.dumps(ready), flush=True)
    await ended.wait()
    await server.stop()


def main() -> None:
    """Entry point."""
    asyncio.run(serve(parser().parse_args()))


if __name__ == "__main__":
    main()
