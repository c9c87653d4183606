"""The unix port as a board: the sizes that memory depends on, and what the hardware would give.

Every board has these same names.  Enters: nothing.  Leaves: constants, the flash's folder, the
time module, a poller, entropy, serial lines, the network's state and a watchdog (None: this port
has none, and nothing pretends).
"""

import os
import select
import sys
import termios
import time

from micropython import const

NAME = "unix"

SLOTS = 64  # DERControls held: a program of 58 and some more; 132 take 10 KiB more of heap
PROGRAMS = 16  # DERPrograms followed
FSAS = 4  # FunctionSetAssignments followed
REPLIES = 18  # different replyTo addresses: one for each program and two more
PAGE = 10  # items of a list asked for in one request
XML_WINDOW = 1024  # bytes: the longest tag or text that can be read
HTTP_RX = 768  # bytes: the longest header line is below this
HTTP_TX = 640  # bytes: the longest head of a request
GZIP = 0  # bytes of a compressed body that can be held; 0: none is asked for
MODELS = 40  # SunSpec models remembered of one device

ticks = time

# Of Linux's termios, which MicroPython's module does not name.
_CC = const(6)  # where tcgetattr() has the control characters, and of them:
_VTIME = const(5)
_VMIN = const(6)
_CS8_CREAD_CLOCAL = const(0x8B0)
_CSTOPB = const(0x40)
_PARITY = (0, 0x300, 0x100)  # none, odd (PARODD with PARENB), even
_SPEEDS = {1200: 9, 2400: 11, 4800: 12, 9600: 13, 19200: 14, 38400: 15, 57600: 4097, 115200: 4098}


def flash():
    """The folder that is the device's flash: the first argument of the command line."""
    return sys.argv[1] if len(sys.argv) > 1 else "."


def poller():
    """A new poll object."""
    return select.poll()


def entropy(n):
    """n random bytes from the operating system."""
    return os.urandom(n)


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
    return _Tty(name, _SPEEDS[baud], _PARITY[parity] | _CSTOPB * (stop - 1))


class _Tty:
    """An open tty that never waits. `file` is what is polled."""

    def __init__(self, name, speed, flags):
        self.file = open(name, "r+b")
        try:
            fd = self.file.fileno()
            termios.setraw(fd)
            modes = termios.tcgetattr(fd)
            modes[2] = _CS8_CREAD_CLOCAL | flags
            modes[4] = modes[5] = speed
            modes[_CC][_VMIN] = modes[_CC][_VTIME] = 0  # a read takes what is there
            termios.tcsetattr(fd, termios.TCSANOW, modes)
        except OSError:
            self.file.close()
            raise
        self._poll = select.poll()
        self._poll.register(self.file, select.POLLIN)

    def readinto(self, buf):
        """How many bytes came into buf, None for none, 0 when the line is gone."""
        n = self.file.readinto(buf)
        if n:
            return n
        for event in self._poll.ipoll(0):
            if event[1] & (select.POLLHUP | select.POLLERR):
                return 0
        return None

    def write(self, buf, n):
        """Send buf[:n]; returns how many went. OSError when the line is gone."""
        return self.file.write(buf, n)

    def close(self):
        """Close it."""
        self.file.close()
