"""What the image carries: lib/, firmware/ and board.py, slimmed as one program (tools/build).

Run by MicroPython's makemanifest in this folder.
"""

import sys

sys.path.insert(0, "../..")

from tools.build.frozen import frozen

metadata(version="0.1.0", description="microsep2 for 32-bit words, on the unix port")
freeze(frozen("unix32"), opt=3)
