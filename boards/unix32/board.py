"""The image on the unix port, 32-bit words: the sizes that memory depends on, and its hardware.

Every board has these same names.  Enters: nothing.  Leaves: constants, the flash's folder, the
time module, a poller, entropy, serial lines, the network's state and a watchdog (None: this port
has none, and nothing pretends).
"""

import os
import select
import sys
import time

NAME = "unix32"

SLOTS = 132  # DERControls held: two programs of 58 and 16 more
PROGRAMS = 16  # DERPrograms followed
FSAS = 4  # FunctionSetAssignments followed
REPLIES = 18  # different replyTo addresses: one for each program and two more
PAGE = 10  # items of a list asked for in one request
XML_WINDOW = 1024  # bytes: the longest tag or text that can be read
HTTP_RX = 1024  # bytes: the longest header line is below this
HTTP_TX = 768  # bytes: the longest head of a request
GZIP = 0  # bytes of a compressed body that can be held; 0: none is asked for
MODELS = 40  # SunSpec models remembered of one device

ticks = time


def flash():
    """The folder that is the device's flash: the first argument of the command line."""
    return sys.argv[1] if len(sys.argv) > 1 else "."


def poller():
    """A new poll object."""
    return select.poll()


def entropy(n):
    """n random bytes from the operating system; None while a board has none fit for keys.

    Never None here: Linux waits until its generator is seeded.
    """
    return os.urandom(n)


def set_clock(s2020):
    """Set the wall clock, s since 2020: not here, the operating system keeps it."""


def watchdog():
    """The hardware watchdog, or None where there is none."""
    return None


def online():
    """True while there is a network to use: here that is the operating system's business."""
    return True


def serial(name, baud, parity, stop):
    """A stream on the serial line `name` (a tty or pty), raw; parity 0 none, 1 odd, 2 even.

    OSError when it cannot be opened or is no terminal, KeyError for another baud than config's.
    The direction of RS-485 is the adapter's business.
    """
    from tty import Tty

    return Tty(name, baud, parity, stop)
