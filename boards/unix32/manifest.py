"""What the image carries: every package of lib/, the modules of firmware/ and board.py.

Paths are relative to this file, as MicroPython's manifests are.  A package is taken as its own
manifest says, so a folder without one is left out.
"""

import os

metadata(version="0.1.0", description="microsep2 for 32-bit words, on the unix port")

add_library("microsep2", "../../lib")  # noqa: F821
for name in sorted(os.listdir("../../lib")):
    if os.path.exists("../../lib/" + name + "/manifest.py"):
        require(name, library="microsep2")

for name in sorted(os.listdir("../../firmware")):
    if name.endswith(".py") and name != "manifest.py":
        module(name, base_path="../../firmware")

module("board.py")
