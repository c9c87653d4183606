"""Command line: `python -m tools.build unix`."""

import sys

from tools.build import bundle

if __name__ == "__main__":
    print(bundle(sys.argv[1] if len(sys.argv) > 1 else "unix"))
