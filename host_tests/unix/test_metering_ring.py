# heap: 76k
"""The ring of rows to post: the current one first, then the oldest; when full it drops."""

from array import array

import check
from metering import SPAN, START, VALUES, Ring


def row(i):
    return array("i", [i, 300, 1, -i, 10 * i])


def batch(ring, most=10):
    """The starts of the batch; each row must be whole."""
    n = ring.batch(most)
    starts = []
    for k in range(ring.at, ring.at + n):
        at = k * ring.stride
        start = ring.rows[at + START]
        assert list(ring.rows[at:at + ring.stride]) == list(row(start))
        assert ring.rows[at + SPAN] == 300 and ring.rows[at + VALUES] == -start
        starts.append(start)
    return starts


def filled(slots, upto):
    """All of them have failed."""
    ring = Ring(2, slots)
    for i in range(1, upto + 1):
        ring.put(row(i))
        ring.batch()
        ring.keep()
    return ring


def test_an_empty_ring_has_nothing_to_post():
    ring = Ring(2, 3)
    assert ring.batch() == 0 and ring.n == 0
    ring.done()
    ring.keep()
    assert ring.batch() == 0 and ring.n == 0


def test_the_current_one_goes_first_and_alone_then_the_oldest_ten_in_order():
    ring = filled(20, 13)
    ring.put(row(14))
    assert batch(ring) == [14]
    ring.done()
    assert batch(ring) == list(range(1, 11))
    ring.done()
    assert batch(ring) == [11, 12, 13]
    ring.done()
    assert batch(ring) == [] and ring.n == 0 and ring.dropped == 0


def test_a_batch_is_done_once():
    ring = filled(5, 4)
    assert batch(ring, 2) == [1, 2]
    ring.done()
    ring.done()
    assert batch(ring) == [3, 4]


def test_what_failed_waits_in_its_place_in_time():
    ring = filled(20, 3)
    ring.put(row(4))
    assert batch(ring) == [4]
    ring.keep()
    assert batch(ring) == [1, 2, 3, 4]
    ring.keep()
    assert batch(ring, 2) == [1, 2]
    ring.done()
    assert batch(ring) == [3, 4]


def test_a_batch_without_an_answer_may_be_asked_for_again():
    ring = filled(5, 2)
    ring.put(row(3))
    for _ in range(3):
        assert batch(ring) == [3]
    ring.done()
    for _ in range(3):
        assert batch(ring) == [1, 2]


def test_an_interval_that_ends_while_a_batch_is_under_way_is_the_current_one():
    ring = filled(20, 3)
    ring.put(row(4))
    assert batch(ring) == [4]
    ring.put(row(5))
    ring.done()
    assert batch(ring) == [5]
    ring.done()
    assert batch(ring) == [1, 2, 3]
    ring.put(row(6))
    ring.done()
    assert batch(ring) == [6]
    ring.keep()
    assert batch(ring) == [6]  # the last of the backlog
    ring.put(row(7))
    ring.keep()
    assert batch(ring) == [7]


def test_the_oldest_is_dropped_and_counted():
    ring = filled(4, 9)
    assert ring.n == 4 and ring.dropped == 5 and batch(ring) == [6, 7, 8, 9]
    # Of a batch under way the rows that were dropped are not taken out a second time.
    ring.put(row(10))
    ring.put(row(11))
    ring.done()
    assert ring.dropped == 7 and batch(ring) == [11]
    ring.done()
    assert batch(ring) == [10]
    ring = filled(4, 4)
    ring.put(row(5))
    assert batch(ring) == [5]
    for i in range(6, 9):
        ring.put(row(i))
    ring.done()  # 5 has moved to the front, and goes from there
    assert batch(ring) == [8]
    ring.done()
    assert batch(ring) == [6, 7]
    ring.done()
    assert ring.n == 0 and ring.dropped == 4


def test_a_batch_that_was_dropped_as_a_whole_takes_nothing_with_it():
    ring = filled(2, 2)
    assert batch(ring) == [1, 2]
    for i in range(3, 6):
        ring.put(row(i))
    ring.done()
    assert ring.n == 2 and batch(ring) == [5]


class Life:
    def __init__(self):
        self.ring = Ring(2, 12)
        self.row = row(1)

    def run(self):
        ring = self.ring
        for i in range(200):
            ring.put(self.row)
            ring.batch()
            if i % 3:
                ring.keep()
            else:
                ring.done()
        return ring.dropped


def test_it_does_not_allocate():
    assert check.locked(Life().run) > 100


def test_its_memory_is_that_of_its_rows():
    ring = Ring(9, 12)
    assert len(ring.rows) * 4 == 12 * 4 * (9 + 3)


check.run(globals())
