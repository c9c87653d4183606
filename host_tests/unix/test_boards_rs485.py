# heap: 80k
"""The hardware boards' board.py over recorded pins, UARTs and networks: this port has none."""

import os
import sys

import check
from edges import Flash

HERE = __file__.rsplit("/", 2)[0] + "/../boards/"


class Pin:
    """Writes down how it is set."""

    OUT = 1
    said = None

    def __init__(self, number, mode=None, value=None):
        self.number = number
        if value is not None:
            Machine.events.append((number, value))

    def __call__(self, value):
        Machine.events.append((self.number, value))


class UART:
    """Writes down what is sent; `rx` is what has come."""

    def __init__(self, number, **settings):
        self.number = number
        self.settings = settings
        self.rx = b""

    def any(self):
        return len(self.rx)

    def readinto(self, buf, n):
        for i in range(n):
            buf[i] = self.rx[i]
        Machine.read = n
        return n

    def write(self, buf, n):
        Machine.events.append(bytes(buf[:n]))
        return n

    def flush(self):
        Machine.events.append("flush")

    def deinit(self):
        Machine.events.append("deinit")


class Bare(UART):
    """Writes nothing down: what the board's stream does is then all that could allocate."""

    def write(self, buf, n):
        return n

    def flush(self):
        pass


class Machine:
    """Takes the place of the module."""

    events = []
    read = 0
    Pin = Pin
    UART = UART

    class RTC:
        """The wall clock: what it was set to."""

        def datetime(self, said):
            Machine.events.append(said)

    @staticmethod
    def WDT(timeout):
        return timeout


class Nic:
    """A LAN, W5500 or Wi-Fi interface."""

    PM_NONE = 0

    def __init__(self, *args, **settings):
        self.settings = settings
        self.calls = []
        self.up = False
        self.state = 0

    def isconnected(self):
        return self.up

    def status(self):
        return self.state

    def active(self, on):
        self.calls.append(("active", on))

    def connect(self, name, key):
        self.calls.append((name, key))

    def config(self, **settings):
        self.calls.append("pm")

    def ipconfig(self, **settings):
        self.calls.append(("dhcp4", settings["dhcp4"]))


class Network:
    """Takes the place of the module; `kinds` are the interfaces that a board has."""

    PHY_LAN8720 = STA_IF = 0
    STAT_CONNECTING = 1

    def __init__(self, *kinds):
        for kind in kinds:
            setattr(self, kind, Nic)

    def country(self, code):
        assert code == "AU"


class Board:
    """A board.py, run over the stand-ins."""

    def __init__(self, name, *kinds):
        sys.modules["machine"] = Machine
        sys.modules["network"] = Network(*kinds)
        Machine.events.clear()
        self.names = {"__name__": "board"}
        with open(HERE + name + "/board.py") as f:
            exec(f.read(), self.names)

    def __getattr__(self, name):
        return self.names[name]


BOARDS = (("esp32", "1", 5, (4, 36)), ("rp2", "1", 6, (4, 5)))


def test_a_request_is_sent_between_the_turns_of_the_line():
    for name, uart, send, pins in BOARDS:
        board = Board(name, "LAN", "WIZNET5K")
        stream = board.serial(uart, 9600, 2, 1)
        assert stream.write(b"request and more", 7) == 7
        assert Machine.events == [(send, 0), (send, 1), b"request", "flush", (send, 0)], name
        settings = stream.file.settings
        assert (settings["tx"].number, settings["rx"].number) == pins
        assert settings["baudrate"] == 9600 and settings["bits"] == 8 and settings["stop"] == 1
        assert settings["timeout"] == 0 and settings["rxbuf"] >= 260
        stream.close()
        assert Machine.events[-1] == "deinit"


def test_parity_is_that_of_the_port():
    for name, uart, _, _ in BOARDS:
        board = Board(name, "LAN", "WIZNET5K")
        got = [board.serial(uart, 19200, p, 1).file.settings["parity"] for p in (0, 1, 2)]
        assert got == [None, 1, 0]  # machine.UART: 1 odd, 0 even


def test_what_has_come_is_read_and_no_more_is_waited_for():
    for name, uart, _, _ in BOARDS:
        stream = Board(name, "LAN", "WIZNET5K").serial(uart, 9600, 0, 1)
        buf = bytearray(4)
        assert stream.readinto(buf) is None
        stream.file.rx = b"abc"
        assert stream.readinto(buf) == 3 and buf == b"abc\0" and Machine.read == 3
        stream.file.rx = b"abcdefgh"
        assert stream.readinto(buf) == 4


def test_another_uart_is_refused_by_name():
    for name, _, _, _ in BOARDS:
        board = Board(name, "LAN", "WIZNET5K")
        assert "/dev/ttyS0" in str(check.raises(OSError, board.serial, "/dev/ttyS0", 9600, 0, 1))


def talk(stream, buf):
    stream.write(buf, 8)
    stream.readinto(buf)


def test_sending_and_reading_do_not_allocate():
    Machine.UART = Bare
    try:
        for name, uart, _, _ in BOARDS:
            stream = Board(name, "LAN", "WIZNET5K").serial(uart, 115200, 0, 1)
            stream.file.rx = b"12345678"
            stream._pin = Quiet()
            check.locked(talk, stream, bytearray(260))
    finally:
        Machine.UART = UART


class Quiet:
    """A pin that writes nothing down."""

    def __call__(self, value):
        pass


def test_the_watchdog_is_real():
    assert Board("esp32", "LAN").watchdog() == 30000
    assert 2000 < Board("rp2", "WIZNET5K").watchdog() <= 8388


def test_ethernet_is_started_once():
    for name, kind in (("esp32", "LAN"), ("rp2", "WIZNET5K")):
        board = Board(name, kind)
        assert board.online() is False
        nic = board._nic
        nic.up = True
        assert board.online() is True and board._nic is nic
        assert nic.calls[0] == ("active", True) and nic.calls.count(("active", True)) == 1
    assert nic.calls[1:] == [("dhcp4", True)]


def test_wi_fi_is_joined_with_what_the_flash_says_and_on_rp2_again_when_lost():
    flash = Flash(16)
    with open(flash.folder + "/wifi.txt", "w") as f:
        f.write("house\nsecret words \n")
    before = os.getcwd()
    os.chdir(flash.folder)
    try:
        for name in ("esp32", "rp2"):
            board = Board(name, "LAN", "WLAN") if name == "esp32" else Board(name, "WLAN")
            assert board.online() is False
            nic = board._nic
            assert nic.calls.count(("house", "secret words")) == 1
            nic.state = 1  # it is joining
            board.online()
            assert nic.calls.count(("house", "secret words")) == 1
            nic.state = -2
            board.online()
            assert nic.calls.count(("house", "secret words")) == (2 if name == "rp2" else 1)
    finally:
        os.chdir(before)


def test_the_flash_is_its_top():
    for name, kind in (("esp32", "LAN"), ("rp2", "WIZNET5K")):
        assert Board(name, kind).flash() == ""
        assert len(Board(name, kind).entropy(2)) == 2


class Radio:
    """The interface that an ESP32's generator has its noise from."""

    calls = []
    on = works = True

    def __init__(self, _kind):
        pass

    def active(self, *on):
        if on:
            self.calls.append(on[0])
            if not self.works:
                raise OSError(12)
            Radio.on = on[0]
        return self.on


def test_an_esp32_has_no_bytes_for_a_key_without_its_radio():
    board = Board("esp32", "LAN")
    board.names["network"].WLAN = Radio
    for on, works, calls in ((True, True, [True, True]), (False, True, [True, False]),
                             (False, False, [True])):
        Radio.on, Radio.works, Radio.calls = on, works, []
        found = board.entropy(40)
        assert len(found) == 40 if works else found is None
        assert Radio.calls == calls and Radio.on == on
        assert len(board.entropy(2)) == 2 and Radio.calls == calls


class Oscillator:
    """In the place of os: random bytes of so many kinds."""

    kinds = 256

    def urandom(self, n):
        return bytes([b % self.kinds for b in os.urandom(n)])


def test_an_rp2_whose_oscillator_stands_still_has_no_bytes_for_a_key():
    board = Board("rp2", "WIZNET5K")
    board.names["os"] = noise = Oscillator()
    assert len(board.entropy(40)) == 40
    for noise.kinds in (1, 2, 16):
        assert board.entropy(40) is None and len(board.entropy(2)) == 2


def test_the_wall_clock_is_set_to_seconds_of_2020():
    for name, kind in (("esp32", "LAN"), ("rp2", "WIZNET5K")):
        board = Board(name, kind)
        board.set_clock(215654400 + 3661)
        assert Machine.events == [(2026, 11, 1, 6, 1, 1, 1, 0)], Machine.events


check.run(globals())
