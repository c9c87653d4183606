"""A DERControlList from bytes to der.Schedule on the unix port: how long, or in how much memory.

argv: `time` FILE RUNS, or `fit` FILE BYTES.  FILE: pages, each after its length in four bytes.
Leaves: one line of JSON.  `fit` leaves BYTES of the heap free, takes all the rest, and reads:
MemoryError when that is too little.
"""

import gc
import json
import sys
import time

import board
import sep2
import xmlpull
from der import Schedule

_PIECE = 1024  # what one read of a socket brings
_NOW = 1682475300 - 900 - sep2.EPOCH


class Pages:
    """The file's pages one after another, in pieces, into a window."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.size = bytearray(4)
        self.left = 0

    def next(self):
        if self.file.readinto(self.size) != 4:
            return False
        self.left = int.from_bytes(self.size, "big")
        return True

    def readinto(self, view, start, end):
        end = min(end, start + _PIECE, start + self.left)
        n = self.file.readinto(view[start:end]) if end > start else 0
        self.left -= n
        return n


class Held(Pages):
    """The same from memory, so that no file is timed."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.all = memoryview(file.read())
        self.at = 0
        self.left = 0

    def next(self):
        at = self.at
        if at >= len(self.all):
            self.at = 0
            return False
        self.left = int.from_bytes(self.all[at:at + 4], "big")
        self.at = at + 4
        return True

    def readinto(self, view, start, end):
        n = min(end - start, _PIECE, self.left)
        view[start:start + n] = self.all[self.at:self.at + n]
        self.at += n
        self.left -= n
        return n


class Client:
    """What the firmware has for it: the window, the reader, the list's reader."""

    def __init__(self, schedule):
        window = bytearray(board.XML_WINDOW)
        self.size = len(window)
        self.view = memoryview(window)
        self.xml = xmlpull.Reader(window, sep2.NAMESPACES)
        self.controls = sep2.DERControlList(self.xml)
        self.schedule = schedule

    def read(self, pages):
        """Read the list to its end; returns how many controls it had."""
        self.schedule.begin(0)
        n = 0
        while pages.next():
            n += self._page(pages)
        self.schedule.end(0, _NOW)
        return n

    def _page(self, pages):
        xml, controls, schedule, n = self.xml, self.controls, self.schedule, 0
        controls.begin()
        while True:
            event = controls.next_record()
            if event == sep2.NEED_DATA:
                got = pages.readinto(self.view, xml.room(), self.size)
                if got:
                    xml.feed(got)
                else:
                    xml.close()
            elif event == sep2.ITEM:
                if controls.bad is not None:
                    raise ValueError(controls.bad)
                schedule.put(0, controls.key, controls.rec, 0, _NOW, n, n)
                n += 1
            else:
                return n


def timed(path, runs):
    """Each run fills an empty table; all times in us."""
    pages, schedule = Held(path), table()
    client = Client(schedule)
    times = []
    for _ in range(runs):
        schedule.drop_program(0)
        schedule.set_program(0, 1)
        begun = time.ticks_us()
        n = client.read(pages)
        times.append(time.ticks_diff(time.ticks_us(), begun))
    return {"n": n, "us": times, "held": held(schedule)}


def table():
    """The empty table, with one program."""
    schedule = Schedule(board.SLOTS, board.PROGRAMS)
    schedule.set_program(0, 1)
    return schedule


def held(schedule):
    """How many events the table has."""
    return sum(1 for slot in range(schedule.slots) if schedule.state(slot) > 0)


def fill():
    """Take all that is left of the heap, in pieces that keep each other alive."""
    kept = None
    for size in (4096, 256, 16):
        try:
            while True:
                kept = (kept, bytearray(size))
        except MemoryError:
            gc.collect()
    return kept


def fit(path, size):
    """Read with `size` bytes of heap and little else: `free` says how much it was in all."""
    schedule = table()
    before_table = gc.mem_free()
    pages = Pages(path)
    gc.collect()
    reserve = bytearray(size)
    ballast = fill()
    reserve = None  # noqa: F841 (this gives it back)
    gc.collect()
    free = gc.mem_free()
    client = Client(schedule)
    gc.collect()
    live = free - gc.mem_free()
    n = client.read(pages)
    gc.collect()
    return {"n": n, "free": free, "live": live, "kept": free - live - gc.mem_free(),
            "held": held(schedule), "ballast": ballast is not None, "before": before_table}


mode, source, number = sys.argv[1:4]
print(json.dumps((timed if mode == "time" else fit)(source, int(number))))
