"""A serial line of Linux, which is loaded where the settings name one.

    stream = Tty("/dev/ttyUSB0", 9600, 0, 1)     # parity 0 none, 1 odd, 2 even
"""

import select
import termios

from micropython import const

# Of Linux's termios, which MicroPython's module does not name.
_CC = const(6)  # where tcgetattr() has the control characters, and of them:
_VTIME = const(5)
_VMIN = const(6)
_CS8_CREAD_CLOCAL = const(0x8B0)
_CSTOPB = const(0x40)
_PARITY = (0, 0x300, 0x100)  # none, odd (PARODD with PARENB), even
_SPEEDS = {1200: 9, 2400: 11, 4800: 12, 9600: 13, 19200: 14, 38400: 15, 57600: 4097, 115200: 4098}


class Tty:
    """An open tty that never waits. `file` is what is polled."""

    def __init__(self, name, baud, parity, stop):
        speed, flags = _SPEEDS[baud], _PARITY[parity] | _CSTOPB * (stop - 1)
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
