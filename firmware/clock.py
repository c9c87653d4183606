"""Time: the port's ticks for waiting, the server's clock for everything that is dated.

Enters: ticks, the port's own wall clock, and the server's currentTime.  Leaves: seconds since
2020-01-01T00:00:00Z (EPOCH) on the server's clock, and where that time comes from.

    clock = Clock(time, RELEASED)      # MicroPython's time module; it is no earlier than that
    clock.set_server(s2020, ticks)     # on each Time resource
    clock.now()                        # s since EPOCH, or -1 until a server told it

IEEE 2030.5 10.x (Time): events run on the server's clock.  Limit: call now() at least once in
six days, else the ticks wrap unseen (the one-second step does).
"""

from micropython import const

EPOCH = const(1577836800)  # Unix time of 2020-01-01T00:00:00Z
_Y2020_IN_2000 = const(631152000)  # the same instant on ports whose epoch is 2000

RELEASED = const(215654400)  # s since EPOCH: 2026-11-01, a day on which this code was not yet out

TIME = "clock.txt"  # the last time that was known for sure
GUESS = b"?"  # at its end: the port's clock was set to that for want of a better one
NEVER = const((1 << 30) - 1)  # a floor above every clock

NONE = const(0)  # nothing is known
BOARD = const(1)  # the port's wall clock: for certificates, the log, and readings marked so
SERVER = const(2)  # the utility server's clock

_STEP_MS = const(2000)  # beyond this the clock is stepped, else slewed (requirements C4)
_QUANTUM_MS = const(1000)  # currentTime has whole seconds: less is noise
_SLEW_MS = const(50)  # correction in one second while slewing


def kept(store):
    """(floor in s since EPOCH, True when the port's clock was set to a guess) by TIME. Allocates.

    A guess may have outlived a restart in the port's clock; it is none after that.
    """
    try:
        said = store.read(TIME, 16)
        guessed = said[-1:] == GUESS
        return max(RELEASED, int(said[:-1] if guessed else said)), guessed
    except (OSError, TypeError, ValueError):  # TypeError: there is none
        return RELEASED, False


class Clock:
    """The board's clock. `port` has ticks_ms, ticks_add, ticks_diff, time and gmtime.

    `floor`: s since EPOCH.  A wall clock that says less was never set, and is not believed.
    """

    def __init__(self, port, floor=0):
        self._port = port
        self.source = NONE
        self._base_s = 0  # s since EPOCH at the instant _base_t
        self._base_t = port.ticks_ms()
        self._slew_ms = 0
        self.steps = 0  # how often the clock was stepped after it was first set
        self._from_board(floor)

    def _from_board(self, floor):
        # unix and rp2 count from 1970, esp32 and stm32 from 2000 (port documentation).
        start = EPOCH if self._port.gmtime(0)[0] == 1970 else _Y2020_IN_2000
        seconds = self._port.time() - start
        if seconds > floor:  # unset it reads 2000, 1970 or 2021
            self._base_s = seconds
            self.source = BOARD

    def _advance(self, ticks):
        # Moves the base forward by whole seconds so that differences stay small ints.
        whole = self._port.ticks_diff(ticks, self._base_t) // 1000
        if whole <= 0:
            return
        self._base_s += whole
        self._base_t = self._port.ticks_add(self._base_t, whole * 1000)
        if self._slew_ms:
            part = max(-_SLEW_MS * whole, min(_SLEW_MS * whole, self._slew_ms))
            self._slew_ms -= part
            self._base_t = self._port.ticks_add(self._base_t, -part)

    def now(self):
        """Seconds since EPOCH on the server's clock, -1 until a server told it. No allocation."""
        if self.source != SERVER:
            return -1
        self._advance(self._port.ticks_ms())
        return self._base_s

    def best(self):
        """As now(), before that by the board's own clock: `source` says which. No allocation."""
        if self.source == NONE:
            return -1
        self._advance(self._port.ticks_ms())
        return self._base_s

    def set_server(self, current, ticks):
        """Take the server's currentTime (s since EPOCH), read at the instant `ticks`.

        Returns the step in s (0 when slewed or within the resolution of the resource).
        """
        self._advance(ticks)
        if self.source != SERVER:
            self.source = SERVER
            self._step(current, ticks)
            return 0
        # The resource has whole seconds: on average the server is half a second further.
        ahead = current - self._base_s
        if abs(ahead) > 86400:
            return self._stepped(current, ticks)
        error_ms = ahead * 1000 + 500 - self._port.ticks_diff(ticks, self._base_t)
        if abs(error_ms) > _STEP_MS:
            return self._stepped(current, ticks)
        self._slew_ms = error_ms if abs(error_ms) > _QUANTUM_MS else 0
        return 0

    def _stepped(self, current, ticks):
        before = self._base_s
        self._step(current, ticks)
        self.steps += 1
        return current - before

    def _step(self, current, ticks):
        self._base_s = current
        self._base_t = self._port.ticks_add(ticks, -500)
        self._slew_ms = 0

    def iso(self):
        """The best known time as text for the log, `-` when there is none. Allocates."""
        seconds = self.best()
        return "-" if seconds < 0 else iso(seconds)


def iso(seconds):
    """ISO 8601 of seconds since EPOCH. Allocates."""
    days, rest = divmod(seconds, 86400)
    year = 2020
    while days >= _days(year):
        days -= _days(year)
        year += 1
    month = 1
    for length in (31, 28 + _days(year) - 365, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
        if days < length:
            break
        days -= length
        month += 1
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % (
        year, month, days + 1, rest // 3600, rest // 60 % 60, rest % 60)


def _days(year):
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365
