"""The unix board in virtual time: the clock, the poll and the entropy of a test.

Enters: the command line, `FLASH fd_in fd_out ticks unix_s seed gzip`.  Leaves: the names that
every board has; device.py puts the sizes of boards/unix/board.py in front of this text.
"""

import sys

from lockstep import Lockstep

NAME = "virtual"

ticks = Lockstep(*[int(a) for a in sys.argv[2:6]])

_state = [int(sys.argv[6]) * 40503 + 1]


def flash():
    """The folder that is the device's flash."""
    return sys.argv[1]


def poller():
    """The clock and the poll are one object."""
    return ticks


def entropy(n):
    """n bytes of a generator that the seed starts: a scenario runs alike each time."""
    out = bytearray(n)
    for i in range(n):
        _state[0] = (_state[0] * 1103515245 + 12345) & 0x7FFFFFFF
        out[i] = _state[0] >> 16 & 0xFF
    return bytes(out)


def set_clock(s2020):
    """The test keeps the clock."""


def watchdog():
    """None: nothing bites here."""
    return None


def online():
    """The network is that of the test."""
    return True


def serial(name, baud, _parity, _stop):
    """A line that is there at once, with the site's units at its other end."""
    sock = ticks.new_socket(name, baud // 100)
    sock.opened = True
    return sock
