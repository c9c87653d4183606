# heap: 256k
"""When a resource is read again: its own rate, a bounded retry, the server's wish."""

import check
from edges import WRAP, World
from loop import Loop
from polls import Poll

_EVEN = 32768  # the draw that means no jitter


def make(rate_s=300, start=0):
    world = World(start)
    return world, Loop(world, world), Poll("derp", rate_s)


def test_a_new_link_is_due_at_once_and_one_that_is_known_changes_nothing():
    world, loop, poll = make()
    assert not poll.is_due(loop, 0)
    poll.want("/derp", 0)
    assert poll.is_due(loop, 0)
    poll.succeeded(loop, 0, _EVEN)
    poll.want("/derp", 1000)
    assert not poll.is_due(loop, 1000) and poll.was_read
    poll.want("/other", 2000)
    assert poll.is_due(loop, 2000) and not poll.was_read
    poll.want(None, 2000)
    assert not poll.is_due(loop, 900000)


def test_a_changed_rate_counts_from_the_last_read():
    world, loop, poll = make()
    poll.want("/derp", 0)
    poll.succeeded(loop, 1000, _EVEN)
    assert poll.due == 301000
    world.t = 50000
    poll.set_rate(loop, 60)
    assert poll.due == 61000
    poll.set_rate(loop, 20)
    assert poll.is_due(loop, world.t)  # overdue by now: read it at once
    poll.set_rate(loop, 900)
    assert poll.due == 901000


def test_a_rate_that_comes_with_the_first_read_counts_from_its_beginning():
    world, loop, poll = make()
    poll.want("/derp", 0)
    poll.set_rate(loop, 60)
    assert poll.is_due(loop, 0)
    world.t = 700
    poll.succeeded(loop, 100, _EVEN)
    assert poll.due == 60100


def test_rates_stay_within_bounds_and_an_absent_one_is_the_default():
    _world, loop, poll = make(300)
    for said, taken in ((-1, 300), (0, 300), (1, 5), (5, 5), (60, 60), (10 ** 6, 86400),
                        (0x3FFFFFFF, 86400)):
        poll.set_rate(loop, said)
        assert poll.rate_s == taken, said


def test_jitter_is_five_percent_either_way():
    for rate_s in (5, 60, 300, 86400):
        _world, loop, poll = make(rate_s)
        poll.set_rate(loop, rate_s)
        waits = []
        for random16 in (0, 1, 20000, _EVEN, 65535):
            poll.succeeded(loop, 0, random16)
            waits.append(poll.due)
        assert waits == sorted(waits)
        assert waits[0] == rate_s * 950 and waits[3] == rate_s * 1000
        assert rate_s * 1049 <= waits[4] <= rate_s * 1050, (rate_s, waits)


def test_a_retry_comes_after_2_4_8_and_never_later_than_a_minute_or_the_rate():
    for rate_s, expected in ((300, [2, 4, 8, 16, 32, 60, 60, 60]),
                             (20, [2, 4, 8, 16, 20, 20, 20, 20]),
                             (5, [2, 4, 5, 5, 5, 5, 5, 5])):
        world, loop, poll = make(rate_s)
        poll.want("/derp", 0)
        for wait_s in expected:
            poll.failed(loop, -1, 0)
            assert poll.due - world.t == wait_s * 1000, (rate_s, wait_s)
            world.t = poll.due
        poll.succeeded(loop, world.t, _EVEN)
        assert poll.due - world.t == rate_s * 1000
        poll.failed(loop, -1, 0)
        assert poll.due - world.t == 2000  # the count began anew


def test_a_link_that_comes_again_and_leads_nowhere_is_retried_more_and_more_slowly():
    world, loop, poll = make()
    waits = []
    for _ in range(4):
        poll.want("/derp", world.t)
        poll.failed(loop, -1, 0)
        waits.append((poll.due - world.t) // 1000)
        poll.want(None, world.t)
    assert waits == [2, 4, 8, 16]


def test_jitter_of_a_retry_only_shortens_it_and_by_an_eighth_at_most():
    world, loop, poll = make()
    poll.failed(loop, -1, 65535)
    assert 1750 <= poll.due - world.t <= 1751
    for _ in range(10):
        poll.failed(loop, -1, 65535)
    assert 52500 <= poll.due - world.t <= 52501


def test_the_servers_own_wish_is_never_undercut():
    world, loop, poll = make(60)
    for wait_s in (3, 120, 3600):
        poll.fails = 0
        for random16 in (0, _EVEN, 65535):
            poll.fails = 0
            poll.failed(loop, wait_s, random16)
            assert poll.due - world.t >= wait_s * 1000, (wait_s, random16)
    poll.fails = 5
    poll.failed(loop, 1, 0)  # a shorter one does not hurry us
    assert poll.due - world.t == 60000


def test_due_times_hold_across_the_wrap_of_the_ticks():
    world, loop, poll = make(300, WRAP - 1000)
    poll.want("/derp", world.t)
    poll.succeeded(loop, world.t, _EVEN)
    assert poll.due == 299000
    assert not poll.is_due(loop, WRAP - 1) and not poll.is_due(loop, 298999)
    assert poll.is_due(loop, 299000)


check.run(globals())
