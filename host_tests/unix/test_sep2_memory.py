# heap: 184k
"""A list of any length is read in the same small memory, whatever the page and the pieces."""

_WORKING_MEMORY = 16384  # bytes for the readers, the window and all garbage of a list

# Taken before compiling leaves holes in the heap; test_live_and_garbage... gives it back.
RESERVE = [bytearray(_WORKING_MEMORY // 2)]

import gc

import check
import lists
import sep2
import sep2_feed

gc.collect()
BEFORE = gc.mem_alloc()
XML, WINDOW = sep2_feed.make()
CONTROLS = sep2.DERControlList(XML)
READERS = [cls(XML) for cls in (
    sep2.DeviceCapability, sep2.Time, sep2.EndDeviceList, sep2.Registration,
    sep2.FunctionSetAssignmentsList, sep2.DERProgramList, sep2.DefaultDERControl,
    sep2.DERList, sep2.MirrorUsagePointList, sep2.ConnectionPoint)]
gc.collect()
LIVE = gc.mem_alloc() - BEFORE

PAGES = (1, 10, 255)
PIECES = (1, 100, 1024)
SHORT = 58
LONG = 580


class Checker:
    """Compares each control with the list's plan, and keeps none."""

    def __init__(self):
        self.i = 0
        self.text = bytearray(32)

    def take(self, r):
        i, rec = self.i, r.rec
        assert r.bad is None, r.bad
        assert rec[sep2.START] == lists.start_of(i) - sep2.EPOCH
        assert rec[sep2.DURATION] == lists.duration_of(i)
        assert rec[sep2.VALUE + sep2.IMP_LIM_W] == lists.import_of(i)
        assert rec[sep2.VALUE + sep2.EXP_LIM_W] == lists.export_of(i)
        self.i = i + 1


def read_pages(n, page, piece):
    """Read a list of n events page by page, each cut into pieces; all values are compared."""
    checker = Checker()
    while checker.i < n:
        at = checker.i
        chunks = sep2_feed.split(lists.controls(n, at, page), piece)
        sep2_feed.drive(CONTROLS, XML, WINDOW, chunks, checker.take)
        assert CONTROLS.all == n
        assert CONTROLS.results == CONTROLS.items_read == checker.i - at == min(page, n - at)


class Feeder:
    """Puts a list of n like events into the window in pieces: allocates nothing while it does."""

    def __init__(self):
        self.parts = tuple(lists.controls(1))  # head, one event, end
        self.n = 0
        self.begin(0)

    def begin(self, n):
        self.n = n
        self.part = self.at = self.events = 0

    def feed(self, piece):
        room = XML.room()
        end = room + min(piece, len(WINDOW) - room)
        i = room
        while i < end and self.part < 3:
            data = self.parts[self.part]
            if self.at < len(data) and (self.part != 1 or self.events < self.n):
                WINDOW[i] = data[self.at]
                self.at += 1
                i += 1
                continue
            self.at = 0
            self.events += self.part
            if self.part != 1 or self.events >= self.n:
                self.part += 1
        if i > room:
            XML.feed(i - room)
        else:
            XML.close()


FEEDER = Feeder()


def read_like(n, piece):
    """Read a list of n like events; returns how many came out."""
    FEEDER.begin(n)
    CONTROLS.begin()
    items = 0
    while True:
        event = CONTROLS.next_record()
        if event == sep2.ITEM:
            assert CONTROLS.bad is None
            items += 1
        elif event == sep2.DONE:
            return items
        else:
            FEEDER.feed(piece)


def test_the_readers_and_the_window_fit():
    assert LIVE < _WORKING_MEMORY // 2, LIVE


def test_58_events_are_about_39500_bytes():
    assert 39000 < sum(len(chunk) for chunk in lists.controls(58)) < 40000


def test_every_page_and_piece_of_58_events_gives_the_same_records():
    for page in PAGES:
        for piece in PIECES:
            read_pages(SHORT, page, piece)


def test_580_events_are_read_like_58():
    for page, piece in ((1, 1024), (10, 100), (255, 1024), (255, 1)):
        read_pages(LONG, page, piece)


def test_a_list_of_any_length_is_read_under_a_locked_heap():
    # No allocation at all: neither garbage nor memory that grows with the list.
    read_like(1, 1024)  # replyTo is known from here on
    for n in (1, SHORT, LONG):
        for piece in PIECES:
            assert check.locked(read_like, n, piece) == n, (n, piece)


def test_what_is_kept_does_not_grow_with_the_list():
    read_pages(10, 10, 100)
    gc.collect()
    before = gc.mem_alloc()
    read_pages(LONG, 255, 1024)
    gc.collect()
    assert gc.mem_alloc() - before <= 128, gc.mem_alloc() - before


def fill(sizes):
    """Take all of the heap that is left, in pieces that keep each other alive."""
    kept = None
    for size in sizes:
        try:
            while True:
                kept = (kept, bytearray(size))
        except MemoryError:
            gc.collect()
    return kept


def test_live_and_garbage_together_stay_in_the_working_memory():
    gc.collect()
    ballast = fill((4096, 256, 16))
    RESERVE[0] = None
    gc.collect()
    # What is alive of ours is less than one half, and what is free little more than the other.
    assert gc.mem_free() < _WORKING_MEMORY // 2 + 512, gc.mem_free()
    for page, piece in ((255, 1024), (10, 100)):
        read_pages(LONG, page, piece)
    assert ballast


check.run(globals())
