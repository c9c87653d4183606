"""Command line of the stand-in: `python -m tools.utility --pki dir [--port 0] ...`.

Prints one line of JSON with the ports when it is ready; ends at once on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from pathlib import Path

from tools.pki.identity import lfdi
from tools.utility.core import Options, Utility
from tools.utility.journal import Journal
from tools.utility.profiles import PROFILES
from tools.utility.server import CIPHERS, Server


def arguments():
    """The parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.utility",
                                     description="stand-in CSIP-AUS utility server on loopback")
    add = parser.add_argument
    add("--pki", required=True, help="folder that tools.pki wrote")
    add("--server-cert", default="server", help="folder below it, e.g. wrong/expired-server")
    add("--profile", choices=list(PROFILES), default="eql")
    add("--port", type=int, default=0, help="TLS port, 0: any free one")
    add("--admin-port", type=int, default=0)
    add("--device", action="append", help="LFDI to register (default: the folder's device)")
    add("--no-device", action="store_true", help="register none: the device does it in band")
    add("--pin", type=int, help="registration PIN (default: random)")
    add("--in-band", action="store_true", help="take POST EndDevice")
    add("--no-registration-link", action="store_true")
    add("--program", action="append", metavar="NAME:PRIMACY[:FSA]",
        help="programs of a new site (default: p1:1:fsa1 p2:2:fsa1)")
    add("--poll", type=int, default=300, help="every poll rate, seconds")
    add("--seed", type=int, help="of addresses, mRIDs and the forecast")
    add("--log", help="file for the request log, JSON lines")
    add("--forecast", action="store_true", help="58 events in p1, replaced every five minutes")
    add("--ciphers", choices=list(CIPHERS), default="both")
    add("--keepalive", type=float, default=75, help="seconds until an idle line is closed")
    add("--mup-delay", type=int, default=0, help="seconds that a new usage point answers 404")
    add("--no-lists", type=int, default=0, metavar="STATUS",
        help="refuse a MirrorMeterReadingList with that status")
    add("--pen", type=int, help="PEN that mRIDs shall end in")
    add("--strict-media", action=argparse.BooleanOptionalAction, default=None,
        help="enforce media types (default: as the profile)")
    return parser


def layout(programs):
    """[(name, primacy, assignment)] from NAME:PRIMACY[:FSA]."""
    out = []
    for said in programs:
        name, primacy, *fsa = said.split(":")
        out.append((name, int(primacy), fsa[0] if fsa else "fsa1"))
    return out


def build(said):
    """The utility that the arguments ask for."""
    options = Options(
        in_band=said.in_band, registration_link=not said.no_registration_link,
        static_pin=said.pin, mup_delay=said.mup_delay, pen=said.pen,
        no_lists=said.no_lists,
        strict_media=said.strict_media,
    )
    if said.program:
        options.layout = layout(said.program)
    utility = Utility(PROFILES[said.profile], seed=said.seed, options=options,
                      poll_s=said.poll, journal=Journal(said.log))
    now = time.time()
    devices = said.device or [lfdi((Path(said.pki) / "device" / "cert0.der").read_bytes())]
    for device in [] if said.no_device else devices:
        utility.register(device.upper(), now)
    if said.forecast:
        utility.forecast.start(["p1"], now)
    return utility


async def serve(said):
    """Serve until a signal says to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    utility = build(said)
    folder = Path(said.pki) / said.server_cert
    server = Server(utility, folder, port=said.port, admin_port=said.admin_port,
                    ciphers=said.ciphers, keepalive_s=said.keepalive)
    async with server:
        ready = {"port": server.port, "admin_port": server.admin_port, "dcap": server.dcap,
                 "profile": said.profile}
        print(json.dumps(ready), flush=True)
        await stop.wait()


def main():
    """Run the server."""
    try:
        asyncio.run(serve(arguments().parse_args()))
    except OSError as error:
        sys.exit(f"utility: {error}")


if __name__ == "__main__":
    main()
