"""What the image carries: the port's own start, lib/, firmware/ and board.py (tools/build).

Run by MicroPython's makemanifest in this folder.
"""

import sys

sys.path.insert(0, "../..")

from tools.build.frozen import frozen

metadata(version="0.1.0", description="microsep2 on RP2350 and RP2040")
freeze("$(PORT_DIR)/modules")
freeze(frozen("rp2"), opt=3)
