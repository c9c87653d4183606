# heap: 128k
"""Server time as an offset to the ticks, over steps, slews, wraps and both epochs."""

import check
import clock as module
from clock import BOARD, EPOCH, NONE, SERVER, Clock, iso

_WRAP = 1 << 30
_MASK = _WRAP - 1
_HALF = _WRAP >> 1


class Port:
    """A port's time module; `epoch` is the year that its wall clock counts from."""

    def __init__(self, wall, epoch=1970, ticks=0):
        self.wall = wall
        self.epoch = epoch
        self.t = ticks

    def time(self):
        return self.wall

    def gmtime(self, _seconds):
        return (self.epoch, 1, 1, 0, 0, 0, 0, 1)

    def ticks_ms(self):
        return self.t

    def ticks_add(self, t, ms):
        d = t - _MASK - 1 + ms  # never above a small int of 32-bit words
        return d if d >= 0 else d + _MASK + 1 & _MASK

    def ticks_diff(self, a, b):
        d = a - b
        return d if -_HALF <= d < _HALF else d - _MASK - 1 if d > 0 else d + _MASK + 1


def test_iso_text():
    assert iso(0) == "2020-01-01T00:00:00Z"
    assert iso(1682475300 - EPOCH) == "2023-04-26T02:15:00Z"
    assert iso(59 * 86400 + 3661) == "2020-02-29T01:01:01Z"
    assert iso(366 * 86400 - 1) == "2020-12-31T23:59:59Z"


def test_boards_of_both_epochs_know_the_same_time():
    unix = Clock(Port(1682475300))
    esp = Clock(Port(1682475300 - 946684800, 2000))
    assert unix.iso() == esp.iso() == "2023-04-26T02:15:00Z"
    assert unix.source == esp.source == BOARD


def test_an_unset_clock_is_said_to_be_unset():
    clock = Clock(Port(10))
    assert clock.source == NONE and clock.iso() == "-" and clock.now() == -1


def test_a_clock_that_says_less_than_the_floor_is_not_believed():
    floor = 1682475300 - EPOCH
    for wall, epoch in ((1609459200, 1970), (1682475300, 1970), (0, 2000)):
        # an RP2350 without power begins in 2021, an ESP32 in 2000
        clock = Clock(Port(wall, epoch), floor)
        assert clock.source == NONE and clock.best() == -1
    clock = Clock(Port(1682475301), floor)
    assert clock.source == BOARD and clock.best() == floor + 1


def test_events_have_no_time_until_a_server_told_it():
    clock = Clock(Port(1682475300))
    assert clock.now() == -1
    clock.set_server(1000, 0)
    assert clock.source == SERVER and clock.now() == 1000


def test_time_runs_on_with_the_ticks_over_their_wrap():
    port = Port(0, ticks=_WRAP - 1500)
    clock = Clock(port)
    clock.set_server(5000, port.t)
    for _ in range(100):
        port.t = (port.t + 86400000) % _WRAP
        clock.now()
    assert clock.now() == 5000 + 100 * 86400


def test_a_large_difference_steps_and_says_by_how_much():
    port = Port(0)
    clock = Clock(port)
    clock.set_server(5000, 0)
    port.t = 10000
    assert clock.set_server(5100, port.t) in (89, 90)
    assert clock.now() == 5100 and clock.steps == 1
    assert clock.set_server(5100 - 86400 * 3, port.t) == -86400 * 3


def test_the_resolution_of_the_resource_is_no_error():
    port = Port(0)
    clock = Clock(port)
    clock.set_server(5000, 0)
    for second in range(1, 50):
        port.t = second * 1000 + 300
        assert clock.set_server(5000 + second, port.t) == 0
    assert clock.steps == 0


def test_a_small_difference_is_slewed_without_a_jump():
    port = Port(0)
    clock = Clock(port)
    clock.set_server(5000, 0)
    port.t = 10000
    assert clock.set_server(5012, port.t) == 0  # some 1.5 s ahead of us
    before = clock.now()
    for _ in range(60):
        port.t += 1000
        now = clock.now()
        assert now - before in (1, 2)
        before = now
    assert clock.now() >= 5071 and clock.steps == 0


def test_reading_the_time_does_not_allocate():
    port = Port(0)
    clock = Clock(port)
    clock.set_server(5000, 0)
    port.t = 2000000
    assert check.locked(clock.now) == 7000


def test_the_epoch_is_the_year_2020():
    assert module.EPOCH == 1577836800


check.run(globals())
