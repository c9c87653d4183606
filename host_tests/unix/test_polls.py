# heap: 256k
"""When a resource is read again: its own rate, a bounded retry, the server's wish."""

import check
from edges import WRAP, World
from loop import Loop
from polls import Polls

_EVEN = 32768  # the draw that means no jitter


def make(rate_s=300, start=0):
    world = World(start)
    return world, Polls(Loop(world, world), (86400, rate_s))


def test_a_new_link_is_due_at_once_and_one_that_is_known_changes_nothing():
    world, polls = make()
    assert not polls.is_due(1, 0)
    polls.want(1, "/derp")
    assert polls.is_due(1, 0)
    polls.succeeded(1, 0, _EVEN)
    polls.want(1, "/derp")
    assert not polls.is_due(1, 1000) and polls.was_read[1]
    polls.want(1, "/other")
    assert polls.is_due(1, 2000) and not polls.was_read[1]
    polls.want(1, None)
    assert not polls.is_due(1, 900000)


def test_a_changed_rate_counts_from_the_last_read():
    world, polls = make()
    polls.want(1, "/derp")
    polls.succeeded(1, 1000, _EVEN)
    assert polls.due[1] == 301000
    world.t = 50000
    polls.set_rate(1, 60)
    assert polls.due[1] == 61000
    polls.set_rate(1, 20)
    assert polls.is_due(1, world.t)  # overdue by now: read it at once
    polls.set_rate(1, 900)
    assert polls.due[1] == 901000


def test_a_rate_that_comes_with_the_first_read_counts_from_its_beginning():
    world, polls = make()
    polls.want(1, "/derp")
    polls.set_rate(1, 60)
    assert polls.is_due(1, 0)
    world.t = 700
    polls.succeeded(1, 100, _EVEN)
    assert polls.due[1] == 60100


def test_rates_stay_within_bounds_and_an_absent_one_is_the_default():
    _world, polls = make(300)
    for said, taken in ((-1, 300), (0, 300), (1, 5), (5, 5), (60, 60), (10 ** 6, 86400),
                        (0x3FFFFFFF, 86400)):
        polls.set_rate(1, said)
        assert polls.rate_s[1] == taken, said


def test_jitter_is_five_percent_either_way():
    for rate_s in (5, 60, 300, 86400):
        _world, polls = make(rate_s)
        polls.set_rate(1, rate_s)
        waits = []
        for random16 in (0, 1, 20000, _EVEN, 65535):
            polls.succeeded(1, 0, random16)
            waits.append(polls.due[1])
        assert waits == sorted(waits)
        assert waits[0] == rate_s * 950 and waits[3] == rate_s * 1000
        assert rate_s * 1049 <= waits[4] <= rate_s * 1050, (rate_s, waits)


def test_a_retry_comes_after_2_4_8_and_never_later_than_a_minute_or_the_rate():
    for rate_s, expected in ((300, [2, 4, 8, 16, 32, 60, 60, 60]),
                             (20, [2, 4, 8, 16, 20, 20, 20, 20]),
                             (5, [2, 4, 5, 5, 5, 5, 5, 5])):
        world, polls = make(rate_s)
        polls.want(1, "/derp")
        for wait_s in expected:
            polls.failed(1, -1, 0)
            assert polls.due[1] - world.t == wait_s * 1000, (rate_s, wait_s)
            world.t = polls.due[1]
        polls.succeeded(1, world.t, _EVEN)
        assert polls.due[1] - world.t == rate_s * 1000
        polls.failed(1, -1, 0)
        assert polls.due[1] - world.t == 2000  # the count began anew


def test_a_link_that_comes_again_and_leads_nowhere_is_retried_more_and_more_slowly():
    world, polls = make()
    waits = []
    for _ in range(4):
        polls.want(1, "/derp")
        polls.failed(1, -1, 0)
        waits.append((polls.due[1] - world.t) // 1000)
        polls.want(1, None)
    assert waits == [2, 4, 8, 16]


def test_jitter_of_a_retry_only_shortens_it_and_by_an_eighth_at_most():
    world, polls = make()
    polls.failed(1, -1, 65535)
    assert 1750 <= polls.due[1] - world.t <= 1751
    for _ in range(10):
        polls.failed(1, -1, 65535)
    assert 52500 <= polls.due[1] - world.t <= 52501


def test_the_servers_own_wish_is_never_undercut():
    world, polls = make(60)
    for wait_s in (3, 120, 3600):
        polls.fails[1] = 0
        for random16 in (0, _EVEN, 65535):
            polls.fails[1] = 0
            polls.failed(1, wait_s, random16)
            assert polls.due[1] - world.t >= wait_s * 1000, (wait_s, random16)
    polls.fails[1] = 5
    polls.failed(1, 1, 0)  # a shorter one does not hurry us
    assert polls.due[1] - world.t == 60000


def test_what_is_put_off_is_due_at_random_within_the_spread():
    world, polls = make(start=WRAP - 1000)
    polls.want(1, "/fsa")
    for spread_s, random16, ms in ((300, 0, 0), (300, _EVEN, 150000), (300, 65535, 299995),
                                   (900, 65535, 899986), (0, 65535, 0)):
        assert polls.put_off(1, spread_s, random16) == ms
        assert polls.due[1] == (world.t + ms) % WRAP
        assert polls.is_due(1, polls.due[1])
        assert not ms or not polls.is_due(1, (world.t + ms - 1) % WRAP)


def test_due_times_hold_across_the_wrap_of_the_ticks():
    world, polls = make(300, WRAP - 1000)
    polls.want(1, "/derp")
    polls.succeeded(1, world.t, _EVEN)
    assert polls.due[1] == 299000
    assert not polls.is_due(1, WRAP - 1) and not polls.is_due(1, 298999)
    assert polls.is_due(1, 299000)


check.run(globals())
