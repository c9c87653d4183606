"""Command line: `python -m tools.image unix32 [--tls-in-heap]`, `... rp2 [--variant WIFI]`."""

import argparse
import os
import time
from pathlib import Path

from tools.image.build import ROOT, image
from tools.image.port import PORTS, port_image


def main():
    """Build the image and say where it is, what it is made of and what it took."""
    parser = argparse.ArgumentParser(prog="python -m tools.image", description="firmware image")
    parser.add_argument("board", help="a folder of boards/ with an mpconfigvariant.mk, or "
                                      + " or ".join(PORTS))
    parser.add_argument("--tls-in-heap", action="store_true",
                        help="TLS memory from the GC heap, as on rp2 and stm32 (unix ports)")
    parser.add_argument("--variant", help="of a hardware board: an mpconfigvariant_NAME.cmake")
    parser.add_argument("--mpy-dir", default=os.environ.get("MPY_DIR", ""),
                        help="MicroPython checkout for a hardware board (or MPY_DIR=)")
    said = parser.parse_args()
    since = time.monotonic()
    if said.board in PORTS:
        if not said.mpy_dir:
            parser.error(f"{said.board} needs a MicroPython checkout: MPY_DIR=dir")
        path = port_image(said.board, Path(said.mpy_dir), variant=said.variant)
    else:
        path = image(said.board, tls_in_heap=said.tls_in_heap)
    took = time.monotonic() - since
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes, built in {took:.0f} s")


if __name__ == "__main__":
    main()
