"""Readings on flash: intervals that could not be posted, through any number of power cuts.

Enters: rows of metering, when a post has failed.  Leaves: the same rows, the oldest first.

    backlog = Backlog(Store("."), "site", kinds)
    backlog.append(ring.rows, k * ring.stride)
    n = backlog.load(ring)             # at most ten; post them, then
    backlog.done()                     # they are delivered

The records lie in files site.1, site.2 ... of 4 KiB at most.  A record ends in a check sum that
stands for its layout too: what a power cut left, or another set of channels, is passed over.
site.done says how far the oldest file is delivered.  A cut before it is written makes some
readings go out again, and the server knows them by mRID and start (requirements G9).

Wear: one append of 4 * channels + 16 bytes for each interval that could not be posted, one mark of
12 bytes for each batch that could be later; nothing while posts succeed at once.  In RAM are the
numbers of the files and one record.  Limit: the oldest file gives way to a new one, and its
records are counted.
"""

import binascii
from array import array

from metering import VALUES
from micropython import const

_SUM = const(0x3FFFFFFF)  # of a check sum: a small int everywhere
_INT = const(4)  # bytes of an int in an array
_MARK = const(3)  # ints of the mark: number of a file, records of it delivered, check sum
_TRIES = const(2)
_LOOK = const(20)  # records read in one load(): no more, however many of them are torn
_ENOSPC = const(28)  # of errno, which not every port names


class Backlog:
    """The backlog of one usage point: `kinds` are its Window's, `name` that of its files.

    At most `segments` files of `segment` bytes.  `waiting` records are not delivered yet.  Since
    boot: `dropped` records gave way undelivered, `torn` ones could not be read, `appends` writes
    took `written` bytes to the flash, marks included.  Every method allocates.
    """

    def __init__(self, store, name, kinds, segments=16, segment=4096):
        self._store = store
        self._name = name + "."
        self._segments = segments
        self._sum = binascii.crc32(kinds) & _SUM
        self._row = VALUES + len(kinds)
        self._record = array("i", bytes(_INT * (self._row + 1)))
        self._size = _INT * (self._row + 1)
        self._most = segment // self._size  # records of a file
        self._at = 0  # records of the oldest file that are delivered
        self._next = self._found = 0, 0  # of load(): file and record to go on at; passed, sound
        self.waiting = self.dropped = self.torn = self.appends = self.written = 0
        self._numbers = self._present()  # of the files, the oldest first
        mark = array("i", bytes(_INT * _MARK))
        if store.read_into(self._file("done"), 0, mark) != _INT * _MARK or not self._sound(mark):
            mark[0] = mark[1] = 0
        self._newest = max(self._numbers + [mark[0]])  # no number comes twice: a mark may name it
        self._pass(mark[0], mark[1])
        while len(self._numbers) > segments:
            self._drop()
        self._count()

    def append(self, rows, at):
        """Put the row at `rows[at]` on flash; False when the flash refuses it."""
        record, size = self._record, self._size
        for i in range(self._row):
            record[i] = rows[at + i]
        self._seal(record)
        for _ in range(_TRIES):
            used = self._used()
            try:
                # What a cut left of a record is filled up, so that each one is at its place.
                data = bytes(-used % size) + bytes(record)
                self.appends += 1
                self.written += len(data)
                self._store.append(self._file(self._newest), data)
                self.waiting += 1
                return True
            except OSError as exc:
                if exc.errno != _ENOSPC or len(self._numbers) < 2:
                    break
                self._drop()
        self._count()
        return False

    def load(self, ring, most=10):
        """Copy the oldest `most` records into `ring`, which is empty; how many came.

        They stay on flash until done().  The ring has room for them, and as many channels.  0 says
        that none waits, or (`waiting` is not 0) that what was read could not be used.
        """
        record = self._record
        sound = passed = k = 0
        at = self._at
        while sound < most and passed < _LOOK and k < len(self._numbers):
            number = self._numbers[k]
            if at < self._slots(number):
                if self._store.read_into(self._file(number), at * self._size,
                                         record) != self._size:
                    break  # the flash does not answer: what it holds is not given up
                at += 1
                passed += 1
                if self._sound(record):
                    ring.put(record)
                    sound += 1
            else:
                k += 1
                if k < len(self._numbers):
                    at = 0
        if passed:
            self._next = number, at
        self._found = passed, sound
        ring.batch()
        ring.keep()  # none of them is current
        if not sound and passed:
            self.done()
        return sound

    def done(self):
        """What the last load() gave is delivered: its files go, or the mark says how far."""
        passed, sound = self._found
        self._found = 0, 0
        self.torn += passed - sound
        if passed:
            self._pass(self._next[0], self._next[1])
            self._count()
            if self._at:
                mark = array("i", (self._numbers[0], self._at, 0))
                self._seal(mark)
                try:
                    self.appends += 1
                    self.written += _INT * _MARK
                    self._store.write(self._file("done"), mark)
                except OSError:
                    pass  # they go out once more after a cut

    # -- what it is made of ----------------------------------------------------

    def _file(self, number):
        return self._name + str(number)

    def _present(self):
        numbers = []
        for name in self._store.names(self._name):
            try:
                numbers.append(int(name[len(self._name):]))
            except ValueError:
                pass  # the mark
        numbers.sort()
        return numbers

    def _slots(self, number):
        # Records of a file, without what a cut has left of one.
        return max(0, self._store.size(self._file(number))) // self._size

    def _count(self):
        self.waiting = sum([self._slots(number) for number in self._numbers]) - self._at

    def _used(self):
        # Bytes of the file that takes the next record; a new one when the newest is full.
        if self._numbers:
            used = max(0, self._store.size(self._file(self._newest)))
            if (used + self._size - 1) // self._size < self._most:
                return used
        while len(self._numbers) >= self._segments:
            self._drop()
        self._newest += 1
        self._numbers.append(self._newest)
        return 0

    def _pass(self, number, at):
        # All before record `at` of file `number` is delivered.
        numbers = self._numbers
        while numbers and (numbers[0] < number or (numbers[0] == number
                                                  and self._slots(number) <= at)):
            self._remove_oldest()
        if numbers and numbers[0] == number:
            self._at = at

    def _drop(self):
        self.dropped += self._slots(self._numbers[0]) - self._at
        self._remove_oldest()
        self._count()

    def _remove_oldest(self):
        self._at = 0
        try:
            self._store.remove(self._file(self._numbers.pop(0)))
        except OSError:
            pass  # it was never made, or is found again at the next boot

    # The layout goes into the sum in the place of the sum.

    def _seal(self, ints):
        ints[-1] = self._sum
        ints[-1] = binascii.crc32(ints) & _SUM

    def _sound(self, ints):
        said = ints[-1]
        self._seal(ints)
        return said == ints[-1]
