"""An ESP32 with Ethernet or Wi-Fi as a board: sizes that memory depends on, and its hardware.

Every board has these same names.  Enters: `wifi.txt` on the flash where there is no cable (the
network's name in its first line, the key in its second).  Leaves: constants, the flash's folder,
the time module, a poller, entropy, serial lines, the network's state and the watchdog.

The pins are those of Olimex' ESP32-POE(-ISO); see README.md.
"""

import gc
import os
import select
import time

import machine
import network
from micropython import const

NAME = "esp32"

SLOTS = 132  # DERControls held: two programs of 58 and 16 more
PROGRAMS = 16  # DERPrograms followed
FSAS = 4  # FunctionSetAssignments followed
REPLIES = 18  # different replyTo addresses: one for each program and two more
PAGE = 10  # items of a list asked for in one request
XML_WINDOW = 1024  # bytes: the longest tag or text that can be read
HTTP_RX = 1024  # bytes: the longest header line is below this
HTTP_TX = 768  # bytes: the longest head of a request
# Bytes of a compressed body that can be held, where PSRAM makes room; 0: none is asked for.
GZIP = 8192 if gc.mem_free() > 1048576 else 0
MODELS = 40  # SunSpec models remembered of one device

ticks = time

_KEY_BYTES = const(16)  # from so many on, random bytes are those of a key
_WATCHDOG_MS = const(30000)  # a name look-up without an answer takes 15 s
_RXBUF = const(512)  # bytes: an answer of 260 is not lost while a handshake runs

# The pins of a UART: TX, RX, and the one that is high while we send.
_UARTS = {"1": (4, 36, 5), "2": (33, 35, 32)}
_PARITY = (None, 1, 0)  # MicroPython's for none, odd, even

_nic = None


def flash():
    """The folder of the device's files: the top of the flash."""
    return ""


def poller():
    """A new poll object."""
    return select.poll()


def entropy(n):
    """n random bytes from the chip's generator; None while it has none fit for keys.

    Its noise comes from the radio: for 16 bytes and more that is switched on, and without it there
    are none.  Fewer bytes, for delays, are always there.
    """
    if n < _KEY_BYTES:
        return os.urandom(n)
    radio = network.WLAN(network.STA_IF)
    was_on = radio.active()
    try:
        radio.active(True)
        found = os.urandom(n) if radio.active() else None
        radio.active(was_on)
    except OSError:
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
    """True while there is a network to use; the first call starts it. Call it now and then.

    Ethernet and DHCP, and Wi-Fi's joining again, then go on by themselves.
    """
    global _nic
    if _nic is None:
        _nic = _start()
    return _nic.isconnected()


def _start():
    try:
        with open("wifi.txt") as f:
            name, key = f.readline().strip(), f.readline().strip()
    except OSError:
        nic = network.LAN(mdc=machine.Pin(23), mdio=machine.Pin(18), power=machine.Pin(12),
                          phy_type=network.PHY_LAN8720, phy_addr=0)
        nic.active(True)
        return nic
    nic = network.WLAN(network.STA_IF)
    nic.active(True)
    nic.connect(name, key)
    return nic


def serial(name, baud, parity, stop):
    """A stream on UART "1" or "2"; parity 0 none, 1 odd, 2 even. OSError for another name."""
    if name not in _UARTS:
        raise OSError("no UART " + name)
    tx, rx, send = _UARTS[name]
    uart = machine.UART(int(name), baudrate=baud, bits=8, parity=_PARITY[parity], stop=stop,
                        tx=machine.Pin(tx), rx=machine.Pin(rx), rxbuf=_RXBUF, timeout=0)
    return _Rs485(uart, machine.Pin(send, machine.Pin.OUT, value=0), 12000000 // baud)


class _Rs485:
    """A UART and the pin that turns its RS-485 line. `file` is what is polled."""

    def __init__(self, uart, pin, char_us):
        self.file = uart
        self._pin = pin
        self._char_us = char_us

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
        time.sleep_us(self._char_us)  # this port's flush() can be one character early
        self._pin(0)
        return sent

    def close(self):
        """Close it."""
        self.file.deinit()
