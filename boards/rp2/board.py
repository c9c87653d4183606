"""An RP2350 or RP2040 with a W5500 or Wi-Fi as a board: sizes for its memory, and its hardware.

Every board has these same names.  Enters: with Wi-Fi `wifi.txt` on the flash (the network's name
in its first line, the key in its second).  Leaves: constants, the flash's folder, the time module,
a poller, entropy, serial lines, the network's state and the watchdog.

The pins are those of W5500-EVB-Pico2 and Pico 2 W; see README.md.
"""

import os
import select
import time

import machine
import network
from micropython import const

NAME = "rp2"

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

_KEY_BYTES = const(16)  # from so many on, random bytes are those of a key
_WATCHDOG_MS = const(8388)  # the longest that the port gives
_RXBUF = const(512)  # bytes: an answer of 260 is not lost while a handshake runs
_COUNTRY = "AU"

# The pins of a UART: TX, RX, and the one that is high while we send.
_UARTS = {"0": (0, 1, 2), "1": (4, 5, 6)}
_PARITY = (None, 1, 0)  # MicroPython's for none, odd, even

_nic = None
_wifi = None  # (name, key) where that is the network


def flash():
    """The folder of the device's files: the top of the flash."""
    return ""


def poller():
    """A new poll object."""
    return select.poll()


def entropy(n):
    """n random bytes from the ring oscillator; None while it gives none fit for keys.

    The port has no better source (README.md).  For 16 bytes and more an oscillator that stands
    still, or runs in step with the processor, is found out: too few of the bytes differ.
    """
    found = os.urandom(n)
    if n >= _KEY_BYTES and len(set(found)) <= n // 2:
        return None
    return found


def set_clock(s2020):
    """Set the wall clock, by which TLS judges certificates; s since 2020-01-01 UTC."""
    t = time.gmtime(time.mktime((2020, 1, 1, 0, 0, 0, 2, 1)) + s2020)
    machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))


def watchdog():
    """The hardware watchdog; once started it cannot be stopped."""
    return machine.WDT(timeout=_WATCHDOG_MS)


def online():
    """True while there is a network to use; starts it, and joins Wi-Fi again when it was lost.

    Call it each few seconds; it does not wait.
    """
    global _nic
    if _nic is None:
        _nic = _start()
    elif not _nic.isconnected() and _wifi and _nic.status() != network.STAT_CONNECTING:
        _nic.connect(_wifi[0], _wifi[1])
    return _nic.isconnected()


def _start():
    global _wifi
    if hasattr(network, "WIZNET5K"):
        nic = network.WIZNET5K()
        nic.active(True)
        nic.ipconfig(dhcp4=True)
        return nic
    with open("wifi.txt") as f:
        _wifi = f.readline().strip(), f.readline().strip()
    network.country(_COUNTRY)
    nic = network.WLAN(network.STA_IF)
    nic.active(True)
    nic.config(pm=nic.PM_NONE)  # else each answer waits for the next beacon
    nic.connect(_wifi[0], _wifi[1])
    return nic


def serial(name, baud, parity, stop):
    """A stream on UART "0" or "1"; parity 0 none, 1 odd, 2 even. OSError for another name."""
    if name not in _UARTS:
        raise OSError("no UART " + name)
    tx, rx, send = _UARTS[name]
    uart = machine.UART(int(name), baudrate=baud, bits=8, parity=_PARITY[parity], stop=stop,
                        tx=machine.Pin(tx), rx=machine.Pin(rx), rxbuf=_RXBUF, timeout=0)
    return _Rs485(uart, machine.Pin(send, machine.Pin.OUT, value=0))


class _Rs485:
    """A UART and the pin that turns its RS-485 line. `file` is what is polled."""

    def __init__(self, uart, pin):
        self.file = uart
        self._pin = pin

    def readinto(self, buf):
        """How many bytes came into buf, None for none; never waits."""
        n = self.file.any()
        return self.file.readinto(buf, min(n, len(buf))) if n else None

    def write(self, buf, n):
        """Send buf[:n] and turn the line round; returns how many went.

        It waits until the last bit is out, 8 ms for a request at 9600 baud: a line that is turned
        late takes the first bytes off the answer.
        """
        self._pin(1)
        sent = self.file.write(buf, n)
        self.file.flush()
        self._pin(0)
        return sent

    def close(self):
        """Close it."""
        self.file.deinit()
