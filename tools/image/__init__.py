"""Firmware images: MicroPython with our user module, TLS settings and frozen code.

Enters: a board's folder and Debian's source packages of MicroPython and mbedTLS.  Leaves:
build/<board>/micropython.

    path = image("unix32")        # seconds once the sources are there, under a minute without

Limit: boards built on the unix port; Linux on x86-64 with Debian's apt-get and a C compiler.
"""

from tools.image.build import image
from tools.image.sources import source_tree

__all__ = ["image", "source_tree"]
