"""Firmware images: MicroPython with our user module, TLS settings and frozen code.

Enters: a board's folder and, for the unix ports, Debian's source packages of MicroPython and
mbedTLS; for rp2 and esp32 a MicroPython checkout and its port's toolchain.  Leaves: build/<board>.

    path = image("unix32")        # seconds once the sources are there, under a minute without
    path = port_image("rp2", Path("../micropython"))

Limit: Linux on x86-64; the unix ports with Debian's apt-get and a C compiler.
"""

from tools.image.build import image
from tools.image.port import port_image
from tools.image.sources import source_tree

__all__ = ["image", "port_image", "source_tree"]
