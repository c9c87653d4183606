"""The firmware and its unit tests in one image: what was moved to flash is tested there.

Run by MicroPython's makemanifest in this folder.
"""

import sys

sys.path.insert(0, "../../../host_tests/tools")
sys.path.insert(0, "../../..")

import equal
from tools.build.frozen import frozen

metadata(version="0.1.0", description="microsep2's unit tests for 32-bit words")
freeze(frozen("unix32/units", equal.texts("unix32"), equal.ROOTS), opt=0)
