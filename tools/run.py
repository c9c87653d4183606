"""Starts the firmware on the unix port: `make run FLASH=dir`, and what tests and the demo call.

Enters: a flash folder (config.txt, certificates, state).  Leaves: the running firmware, its log
on stdout.

    argv, env = firmware_command("flash")      # HEAP of it, code included
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tools.build import ROOT, bundle

MICROPYTHON = Path(sys.executable).parent / "micropython"
HEAP = "256k"  # an inverter and a meter, two programs of 58 events
ANY_HEAP = "288k"  # room for a battery, more inverters, serial lines


def firmware_command(flash: str | Path, heap: str = HEAP) -> tuple[list[str], dict[str, str]]:
    """The command line and environment that run the compiled firmware on a flash folder."""
    code = bundle("unix")
    env = {**os.environ, "MICROPYPATH": f"{code}:.frozen"}
    argv = [str(MICROPYTHON), "-X", f"heapsize={heap}", "-m", "main", str(Path(flash).resolve())]
    return argv, env


def main() -> None:
    """Replace this process by the firmware, so that signals reach it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("flash", help="the folder that is the device's flash")
    parser.add_argument("--heap", default=ANY_HEAP,
                        help=f"size of the heap (default {ANY_HEAP})")
    args = parser.parse_args()
    if not Path(args.flash).is_dir():
        raise SystemExit(f"{args.flash} is no folder: make one with config.txt, see the README")
    argv, env = firmware_command(args.flash, args.heap)
    os.umask(0o077)  # the key that it makes is nobody else's
    os.chdir(ROOT)
    os.execve(argv[0], argv, env)


if __name__ == "__main__":
    main()
