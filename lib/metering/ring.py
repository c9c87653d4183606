"""Closed intervals that wait to be posted: the current one first, then the backlog, oldest first.

Enters: rows of a Window.  Leaves: the same rows, in the order in which they are to be posted.

    ring = Ring(channels=9, slots=12)
    ring.put(window.row)
    for k in range(ring.at, ring.at + ring.batch()):    # post ring.rows[k * ring.stride:]
        ...
    ring.done()                                         # delivered; ring.keep() when it failed

A row is START, SPAN, QUESTIONABLE and a value for each channel from VALUES on; it covers
[START, START + SPAN).  Limit: when it is full the oldest row is dropped, and counted.
"""

from array import array

from micropython import const

START = const(0)  # s since 2020-01-01T00:00:00Z
SPAN = const(1)  # s
QUESTIONABLE = const(2)  # bitmap of channels: too few samples were seen
VALUES = const(3)

_BATCH = const(10)  # intervals in one request (requirements G12)


class Ring:
    """At most `slots` rows of `channels` values, 4 * slots * (channels + 3) bytes, made once.

    `rows` is an array of ints, row k from `k * stride` on, the oldest first; `n` rows wait.
    `dropped` counts those that were never delivered for want of room.
    """

    def __init__(self, channels, slots):
        self.stride = VALUES + channels
        self.rows = array("i", bytes(4 * slots * self.stride))
        self._slots = slots
        self.n = 0
        self.at = 0  # the batch: `_given` rows from `at` on
        self._given = 0
        self._current = False  # the newest row was never in a batch that failed
        self.dropped = 0

    def put(self, row):
        """Copy a row in as the newest; the oldest is dropped when full. Does not allocate."""
        if self.n == self._slots:
            self._take_out(0, 1)
            self.dropped += 1
            if self.at:
                self.at -= 1
            elif self._given:
                self._given -= 1
        rows, to = self.rows, self.n * self.stride
        for i in range(self.stride):
            rows[to + i] = row[i]
        self.n += 1
        self._current = True

    def batch(self, most=_BATCH):
        """How many rows to post now, from `at` on: 1 when the newest is current, else the oldest.

        0 when none waits.  They may be read until the next put(). Does not allocate.
        """
        self.at = self.n - 1 if self._current else 0
        self._given = min(self.n - self.at, most)
        return self._given

    def done(self):
        """The batch is delivered, or safe elsewhere: it leaves the ring. Does not allocate."""
        if self.at + self._given == self.n:
            self._current = False
        self._take_out(self.at, self._given)
        self._given = 0

    def keep(self):
        """The batch was not delivered: its rows wait with the others. Does not allocate."""
        if self.at + self._given == self.n:
            self._current = False
        self._given = 0

    def _take_out(self, at, count):
        rows, stride = self.rows, self.stride
        gap = count * stride
        for i in range(at * stride, self.n * stride - gap):
            rows[i] = rows[i + gap]
        self.n -= count
