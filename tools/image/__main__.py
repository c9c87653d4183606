"""Command line: `python -m tools.image unix32 [--tls-in-heap]`."""

import argparse
import time

from tools.image.build import ROOT, image


def main():
    """Build the image and say where it is, what it is made of and what it took."""
    parser = argparse.ArgumentParser(prog="python -m tools.image", description="firmware image")
    parser.add_argument("board", help="a folder of boards/ with an mpconfigvariant.mk")
    parser.add_argument("--tls-in-heap", action="store_true",
                        help="TLS memory from the GC heap, as on rp2 and stm32")
    said = parser.parse_args()
    since = time.monotonic()
    path = image(said.board, tls_in_heap=said.tls_in_heap)
    took = time.monotonic() - since
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes, built in {took:.0f} s")


if __name__ == "__main__":
    main()
