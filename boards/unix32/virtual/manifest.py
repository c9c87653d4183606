"""The image in virtual time: the whole firmware with the harness of host_tests/system/virtual.

Run by MicroPython's makemanifest in this folder.
"""

import sys

sys.path.insert(0, "../../../host_tests/system")
sys.path.insert(0, "../../..")

from device import texts
from tools.build.frozen import frozen

metadata(version="0.1.0", description="microsep2 for 32-bit words, in virtual time")
freeze(frozen("unix32/virtual", texts("unix32")), opt=3)
