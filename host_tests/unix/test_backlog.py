# heap: 304k
"""Readings on flash: cut at every byte, replayed in order, the oldest dropped and counted."""

import binascii
import os
import random

import check
import store
from array import array
from backlog import Backlog
from edges import Flash
from metering import ABSENT, LAST, MEAN, RMS, SPAN, START, VALUES, Ring
from store import Store

SITE = bytes((MEAN,) * 6 + (RMS,) * 3)
SMALL = bytes((MEAN, LAST))
P = 300
T0 = 200000100  # a multiple of P: a day in May 2026


class Power:
    """The supply of the flash: `left` bytes and file operations from now on, then all fails.

    It stands between the real Store and the system: what `store` calls as open() and os.
    """

    def __init__(self):
        self.left = -1
        self.spent = 0
        self.deaf = None  # a file that cannot be read

    def on(self):
        self.left = -1

    def take(self, n):
        """n bytes are asked for: as many as there is power for."""
        if self.left >= 0:
            n = min(n, self.left)
            self.left -= n
        self.spent += n
        return n

    def operation(self, function, *args):
        if self.take(1) == 0:
            raise OSError(5)
        return function(*args)

    def open(self, path, mode):
        if mode == "rb":
            if self.left == 0 or path == self.deaf:
                raise OSError(5)
            return open(path, mode)
        return self.operation(Written, self, path, mode)

    def rename(self, old, new):
        return self.operation(os.rename, old, new)

    def remove(self, path):
        return self.operation(os.remove, path)

    def stat(self, path):
        return os.stat(path)

    def listdir(self, path):
        return os.listdir(path)


class Written:
    """A file that is written while there is power: the bytes before the cut are in it."""

    def __init__(self, power, path, mode):
        self._power = power
        self._f = open(path, mode)

    def write(self, data):
        data = bytes(data)
        n = self._power.take(len(data))
        self._f.write(data[:n])
        if n < len(data):
            raise OSError(5)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._f.close()
        if error[0] is None and self._power.take(1) == 0:
            raise OSError(5)  # all of it is there, and nobody knows


power = Power()


class Folder:
    """An empty folder in /tmp behind the switch; gone at the end of the `with`."""

    def __enter__(self):
        self.path = "/tmp/microsep2-backlog-" + binascii.hexlify(os.urandom(6)).decode()
        os.mkdir(self.path)
        power.on()
        power.spent = 0
        store.open = power.open
        store.os = power
        return self

    def __exit__(self, *error):
        store.os = os
        store.open = open
        for name in os.listdir(self.path):
            os.remove(self.path + "/" + name)
        os.rmdir(self.path)


def row_of(i, channels):
    """The i-th interval: its values tell it from every other."""
    row = array("i", bytes(4 * (VALUES + channels)))
    row[START] = T0 + P * i
    row[SPAN] = P
    row[2] = i & 1
    for c in range(channels):
        value = (i * 37 + c * 1009) * (-1 if c & 1 else 1)
        row[VALUES + c] = ABSENT if (i + c) % 7 == 0 else value
    return row


class Server:
    """What was delivered: a post of the same start is the same reading (requirements G9)."""

    def __init__(self, channels):
        self.channels = channels
        self.starts = []  # in the order in which they were new
        self.again = 0
        self.ring = Ring(channels, 10)

    def take(self, backlog):
        """One request of at most ten; False when nothing waits."""
        n = backlog.load(self.ring)
        assert n <= 10 and n == self.ring.n
        given = self.ring.batch()
        assert given == n
        for k in range(n):
            row = self.ring.rows[k * self.ring.stride:(k + 1) * self.ring.stride]
            i = (row[START] - T0) // P
            assert row == row_of(i, self.channels), row  # none is invented
            if row[START] in self.starts:
                self.again += 1
            else:
                self.starts.append(row[START])
        self.ring.done()
        if n:
            backlog.done()
        return n > 0 or backlog.waiting > 0

    def drain(self, backlog):
        while self.take(backlog):
            pass

    def indexes(self):
        return [(s - T0) // P for s in self.starts]


def rows(indexes, kinds, backlog):
    for i in indexes:
        assert backlog.append(row_of(i, len(kinds)), 0)


def test_nothing_is_written_until_a_post_fails():
    with Folder() as folder:
        backlog = Backlog(Store(folder.path), "site", SITE)
        ring = Ring(9, 10)
        assert backlog.load(ring) == 0 and ring.n == 0 and backlog.waiting == 0
        backlog.done()
        assert power.spent == 0 and os.listdir(folder.path) == []


def test_what_was_put_comes_back_in_order_with_its_true_time_and_then_no_more():
    with Folder() as folder:
        files = Store(folder.path)
        backlog = Backlog(files, "site", SITE)
        all_rows = array("i")
        for i in range(3):
            all_rows.extend(row_of(i, 9))
        for k in range(3):  # as they lie in a Ring
            assert backlog.append(all_rows, k * (VALUES + 9))
        assert backlog.waiting == 3
        server = Server(9)
        server.drain(backlog)
        assert server.indexes() == [0, 1, 2] and server.again == 0 and backlog.waiting == 0
        assert [n for n in os.listdir(folder.path) if n != "site.done"] == []
        server.drain(Backlog(files, "site", SITE))
        assert server.indexes() == [0, 1, 2] and server.again == 0


def test_a_batch_that_was_not_delivered_comes_again():
    with Folder() as folder:
        files = Store(folder.path)
        backlog = Backlog(files, "site", SITE)
        rows(range(25), SITE, backlog)
        ring = Ring(9, 10)
        first = []
        for _ in range(3):
            assert backlog.load(ring) == 10 and backlog.waiting == 25
            first.append(list(ring.rows))
            ring.batch()
            ring.done()
        assert first[0] == first[1] == first[2] and first[0][START] == T0
        assert backlog.load(ring, 4) == 4
        ring.batch()
        ring.done()
        backlog.done()
        assert backlog.waiting == 21
        again = Backlog(files, "site", SITE)  # the mark outlives a boot
        assert again.waiting == 21
        server = Server(9)
        server.drain(again)
        assert server.indexes() == list(range(4, 25))


def test_two_usage_points_do_not_meet():
    with Folder() as folder:
        files = Store(folder.path)
        site, der = Backlog(files, "site", SITE), Backlog(files, "der", SMALL)
        rows(range(5), SITE, site)
        rows(range(3), SMALL, der)
        site, der = Backlog(files, "site", SITE), Backlog(files, "der", SMALL)
        assert (site.waiting, der.waiting) == (5, 3)
        for backlog, n, channels in ((site, 5, 9), (der, 3, 2)):
            server = Server(channels)
            server.drain(backlog)
            assert server.indexes() == list(range(n))


def test_an_interval_that_comes_while_a_batch_is_under_way_stays():
    with Folder() as folder:
        files = Store(folder.path)
        backlog = Backlog(files, "site", SMALL, 4, 60)
        rows(range(2), SMALL, backlog)
        server = Server(2)
        assert backlog.load(server.ring) == 2
        rows([2], SMALL, backlog)
        backlog.done()
        assert backlog.waiting == 1
        server.ring.batch()
        server.ring.done()
        server.drain(backlog)
        assert server.indexes() == [2]
        # And when the batch's own file gave way meanwhile.
        rows(range(3, 11), SMALL, backlog)
        assert backlog.load(server.ring, 1) == 1
        server.ring.batch()
        server.ring.done()
        rows(range(11, 15), SMALL, backlog)
        assert backlog.dropped > 0
        backlog.done()
        server.drain(backlog)
        assert server.indexes()[-1] == 14 and len(server.indexes()) == 1 + backlog_room(4, 60, 2)


def backlog_room(segments, segment, channels):
    """Records that are held when the oldest file has just given way to the last full one."""
    return segments * (segment // (4 * channels + 16))


def test_the_oldest_gives_way_and_is_counted():
    with Folder() as folder:
        files = Store(folder.path)
        backlog = Backlog(files, "site", SMALL, 4, 75)  # three records of 24 bytes a file
        rows(range(100), SMALL, backlog)
        assert len(os.listdir(folder.path)) == 4
        assert backlog.dropped + backlog.waiting == 100 and 10 <= backlog.waiting <= 12
        kept = backlog.waiting
        server = Server(2)
        backlog = Backlog(files, "site", SMALL, 4, 75)
        server.drain(backlog)
        assert server.indexes() == list(range(100 - kept, 100))
        # Fewer files after an update: the oldest go at boot.
        rows(range(100, 112), SMALL, backlog)
        backlog = Backlog(files, "site", SMALL, 2, 75)
        assert len(backlog._numbers) == 2 and backlog.dropped + backlog.waiting == 12


def test_what_is_delivered_is_not_counted_as_dropped():
    with Folder() as folder:
        backlog = Backlog(Store(folder.path), "site", SMALL, 2, 75)
        rows(range(6), SMALL, backlog)
        server = Server(2)
        assert backlog.load(server.ring, 2) == 2
        server.ring.batch()
        server.ring.done()
        backlog.done()
        rows([6], SMALL, backlog)  # the first file gives way: one of its three was waiting
        assert backlog.dropped == 1 and backlog.waiting == 4
        server.drain(backlog)
        assert server.indexes() == [3, 4, 5, 6]


def test_a_mark_of_a_file_that_is_gone_says_nothing_about_a_new_one():
    with Folder() as folder:
        files = Store(folder.path)
        backlog = Backlog(files, "site", SMALL)
        rows(range(15), SMALL, backlog)
        Server(2).drain(backlog)  # a mark after ten, then all
        assert os.listdir(folder.path) == ["site.done"]
        backlog = Backlog(files, "site", SMALL)
        rows(range(20, 35), SMALL, backlog)
        server = Server(2)
        backlog = Backlog(files, "site", SMALL)
        assert backlog.waiting == 15
        server.drain(backlog)
        assert server.indexes() == list(range(20, 35))


def test_one_load_reads_no_more_than_twenty_records_however_many_are_of_no_use():
    with Folder() as folder:
        files = Store(folder.path)
        rows(range(100), SMALL, Backlog(files, "site", SMALL))
        backlog = Backlog(files, "site", bytes((MEAN, MEAN)))
        ring = Ring(2, 10)
        for left in (80, 60, 40, 20, 0):
            assert backlog.load(ring) == 0 and backlog.waiting == left
        assert backlog.torn == 100


def test_it_holds_48_hours_of_15_channels_and_ten_cuts():
    with Folder() as folder:
        kinds = bytes(15)
        backlog = Backlog(Store(folder.path), "site", kinds)
        rows(range(48 * 12 + 10), kinds, backlog)
        assert backlog.dropped == 0 and backlog.waiting == 586
        sizes = [os.stat(folder.path + "/" + name)[6] for name in os.listdir(folder.path)]
        assert max(sizes) <= 4096 and len(sizes) <= 16


def test_every_flipped_bit_costs_one_record_and_invents_none():
    with Folder() as folder:
        files = Store(folder.path)
        backlog = Backlog(files, "site", SMALL)
        rows(range(3), SMALL, backlog)
        name = folder.path + "/site.1"
        with open(name, "rb") as f:
            good = bytearray(f.read())
        for i in range(len(good)):
            for bit in (0, 5, 7):
                good[i] ^= 1 << bit
                with open(name, "wb") as f:
                    f.write(good)
                good[i] ^= 1 << bit
                backlog = Backlog(files, "site", SMALL)
                server = Server(2)
                assert backlog.load(server.ring) == 2
                server.ring.batch()
                server.ring.done()
                server.take(backlog)
                backlog.done()  # nothing more was loaded
                # The top two bits of a check sum are zero, and set they are wrong.
                assert len(server.starts) == 2 and backlog.torn == 1, (i, bit)
                with open(name, "wb") as f:
                    f.write(good)
                for left in ("/site.done", "/site.1"):
                    try:
                        os.remove(folder.path + left)
                    except OSError:
                        pass


def test_other_channels_and_strange_files_are_passed_over():
    with Folder() as folder:
        files = Store(folder.path)
        rows(range(50), SITE, Backlog(files, "site", SITE))
        for name in ("site.txt", "site.", "site.0", "site.-4", "site.12345678901234567890"):
            with open(folder.path + "/" + name, "wb") as f:
                f.write(b"\xff" * 100)
        for kinds in (SMALL, bytes((MEAN,) * 7 + (RMS,) * 2)):
            backlog = Backlog(files, "site", kinds)
            rows(range(2), kinds, backlog)
            server = Server(len(kinds))
            server.drain(backlog)
            assert server.indexes() == [0, 1] and backlog.waiting == 0
        assert Store(folder.path).size("site.txt") == 100


def test_a_flash_that_refuses_says_so_and_takes_again_later():
    with Folder() as folder:
        backlog = Backlog(Store(folder.path), "site", SMALL)
        rows(range(2), SMALL, backlog)
        power.left = 9  # it takes a part
        assert not backlog.append(row_of(2, 2), 0)
        assert backlog.waiting == 2 and not backlog.append(row_of(2, 2), 0)
        power.on()
        rows(range(2, 5), SMALL, backlog)
        server = Server(2)
        power.left = 0
        assert backlog.load(server.ring) == 0  # nothing can be read
        power.on()
        server.take(backlog)
        assert server.indexes() == [0, 1, 2, 3, 4] and backlog.torn == 1 and backlog.waiting == 0


def test_only_a_full_flash_gives_up_the_oldest():
    with Folder() as folder:
        backlog = Backlog(Store(folder.path), "site", SMALL, 4, 75)
        rows(range(9), SMALL, backlog)
        power.left = 0
        assert not backlog.append(row_of(9, 2), 0)
        power.on()
        assert backlog.dropped == 0 and backlog.waiting == 9


def test_a_record_that_is_there_although_the_flash_refused_is_counted():
    with Folder() as folder:
        backlog = Backlog(Store(folder.path), "site", SMALL)
        power.left = 1 + 24  # opened and written, and not closed
        assert not backlog.append(row_of(0, 2), 0)
        power.on()
        assert backlog.waiting == 1
        rows(range(2), SMALL, backlog)  # it was kept, and tried again
        server = Server(2)
        server.drain(backlog)
        assert server.indexes() == [0, 1] and server.again == 1
        torn = backlog.torn
        backlog.done()
        assert backlog.torn == torn == 0


def test_a_file_that_cannot_be_read_for_a_while_is_not_given_up():
    with Folder() as folder:
        files = Store(folder.path)
        backlog = Backlog(files, "site", SMALL, 4, 75)
        rows(range(9), SMALL, backlog)
        server = Server(2)
        power.deaf = folder.path + "/site.2"
        for _ in range(3):
            server.take(backlog)
        assert server.indexes() == [0, 1, 2] and backlog.waiting == 6
        power.deaf = None
        server.drain(backlog)
        assert server.indexes() == list(range(9)) and backlog.torn == backlog.dropped == 0


def test_a_mark_that_cannot_be_written_costs_a_repetition_after_a_boot_and_nothing_else():
    with Folder() as folder:
        files = Store(folder.path)
        backlog = Backlog(files, "site", SMALL)
        rows(range(15), SMALL, backlog)
        server = Server(2)
        assert backlog.load(server.ring) == 10
        power.left = 0
        backlog.done()
        power.on()
        assert backlog.waiting == 5
        server.ring.batch()
        server.ring.done()
        server.drain(backlog)
        assert server.indexes() == list(range(10, 15))
        assert Backlog(files, "site", SMALL).waiting == 0  # the file has gone all the same


# -- power cuts ----------------------------------------------------------------


def life(files, truth, server, segments, segment):
    """A script of outage, return and outage that ends where the power does. Small files."""
    try:
        backlog = Backlog(files, "site", SMALL, segments, segment)
        for part in range(3):
            for _ in range(7):
                i = len(truth)
                truth.append(None)  # under way: it may be there or not
                if not backlog.append(row_of(i, 2), 0):
                    return False
                truth[i] = True
            for _ in range(1 + part):
                server.take(backlog)
        return True
    except OSError:
        return False


def judge(truth, server, dropped):
    """Every interval that was safely on flash is there, in order, save the oldest dropped."""
    got = server.indexes()
    assert got == sorted(got), got
    missing = [i for i in range(len(truth)) if truth[i] and i not in got]
    assert len(missing) <= dropped, (missing, dropped)
    assert len(got) == len(set(got)) and max(got + [-1]) < len(truth)


def test_a_cut_at_every_byte_of_every_write():
    with Folder() as folder:
        files = Store(folder.path)
        cut = 0
        done = False
        torn = 0
        while not done:
            for name in os.listdir(folder.path):
                os.remove(folder.path + "/" + name)
            power.left = cut
            truth, server = [], Server(2)
            done = life(files, truth, server, 16, 75)
            power.on()
            backlog = Backlog(files, "site", SMALL, 16, 75)
            i = len(truth)
            rows([i, i + 1], SMALL, backlog)  # and it goes on after it
            assert max([files.size(name) for name in files.names("site.")]) <= 75
            server.drain(backlog)
            judge(truth + [True, True], server, 0)
            assert server.again <= 10
            torn += backlog.torn
            again = server.again
            backlog.done()
            assert backlog.waiting == 0 and backlog.torn <= 1
            server.drain(Backlog(files, "site", SMALL, 16, 75))
            assert server.again == again
            cut += 1
        assert cut > 500 and torn > 100, (cut, torn)


def test_a_cut_at_every_byte_while_the_oldest_give_way():
    with Folder() as folder:
        files = Store(folder.path)
        cut = 0
        done = False
        while not done:
            for name in os.listdir(folder.path):
                os.remove(folder.path + "/" + name)
            power.left = cut
            truth, server = [], Server(2)
            done = life(files, truth, server, 2, 50)  # two files of two records
            power.on()
            backlog = Backlog(files, "site", SMALL, 2, 50)
            rows([len(truth)], SMALL, backlog)
            server.drain(backlog)
            got = server.indexes()
            assert got == sorted(got) and got[-1] == len(truth)
            # The newest file is never given up: what went into it last is there.
            safe = [i for i in range(len(truth)) if truth[i]]
            assert not safe or safe[-1] in got, (cut, safe, got)
            cut += 1
        assert cut > 400, cut


def test_48_hours_without_a_server_and_ten_cuts_at_random_bytes():
    for seed in range(4):
        random.seed(seed)
        with Folder() as folder:
            files = Store(folder.path)
            n = 48 * 12
            cuts = sorted([random.randrange(n * 52) for _ in range(10)])
            truth = [False] * n
            server = Server(9)
            backlog = Backlog(files, "site", SITE)
            torn = hit = 0
            for i in range(n):
                if cuts and cuts[0] < (i + 1) * 52:
                    power.left = cuts.pop(0) % 52
                    hit += 1
                kept = backlog.append(row_of(i, 9), 0)
                assert kept or power.left == 0
                truth[i] = kept or None
                if power.left >= 0:
                    torn += backlog.torn
                    power.on()
                    backlog = Backlog(files, "site", SITE)
            # The server is back; two more cuts come while the backlog goes out.
            for _ in range(2):
                for _ in range(12):
                    server.take(backlog)
                power.left = random.randrange(12)
                server.take(backlog)
                power.on()
                backlog = Backlog(files, "site", SITE)
            server.drain(backlog)
            judge(truth, server, 0)
            lost = n - len(server.starts)
            assert lost <= 10 and hit >= 8 and server.again <= 40, (lost, hit, server.again)


def test_littlefs_cut_at_every_block_that_is_written():
    done = False
    cut = 0
    while not done:
        flash = Flash(blocks=48)
        files = Store(flash.folder)
        flash.left = cut
        truth, server = [], Server(2)
        done = life(files, truth, server, 6, 480)
        flash.reboot()
        backlog = Backlog(files, "site", SMALL, 6, 480)
        rows([len(truth)], SMALL, backlog)
        server.drain(backlog)
        judge(truth + [True], server, 0)
        cut += 1
    assert cut > 40, cut


def test_a_full_littlefs_gives_up_the_oldest_and_counts_it():
    flash = Flash(blocks=24)
    files = Store(flash.folder)
    backlog = Backlog(files, "site", SITE, 64, 1024)  # more than there is room for
    for i in range(200):
        assert backlog.append(row_of(i, 9), 0), i
    assert backlog.dropped > 0 and backlog.dropped + backlog.waiting == 200
    server = Server(9)
    server.drain(backlog)
    assert server.indexes() == list(range(backlog.dropped, 200))


# -- wear ----------------------------------------------------------------------


class Counted(Flash):
    """A littlefs of 4 KiB blocks that counts what is erased and programmed."""

    SIZE = 4096

    def __init__(self, blocks):
        self.erases = self.programmed = 0
        super().__init__(blocks)

    def readblocks(self, n, buf, offset=0):
        at = n * self.SIZE + offset
        buf[:] = self._data[at:at + len(buf)]

    def writeblocks(self, n, buf, offset=0):
        self.programmed += len(buf)
        return super().writeblocks(n, buf, offset)

    def ioctl(self, op, arg):
        if op == 6:
            self.erases += 1
            return 0  # littlefs reads nothing from an erased block
        return super().ioctl(op, arg)


def test_wear_of_a_day_without_a_server_on_the_flash_itself():
    flash = Counted(16)
    backlog = Backlog(Store(flash.folder), "site", SITE)
    flash.erases = flash.programmed = 0
    rows(range(288), SITE, backlog)
    # One block for each append (littlefs copies the last one), 2 KiB of it on average.
    assert 250 < flash.erases <= 300 and flash.programmed < 288 * 2300, (
        flash.erases, flash.programmed)
    flash.erases = flash.programmed = 0
    server = Server(9)
    server.drain(backlog)
    assert len(server.starts) == 288
    assert flash.erases <= 10 and flash.programmed < 10000, (flash.erases, flash.programmed)
    Flash(4)  # takes its place


def test_wear_of_a_day_without_a_server_is_one_append_an_interval():
    with Folder() as folder:
        backlog = Backlog(Store(folder.path), "site", SITE)
        power.spent = 0
        rows(range(288), SITE, backlog)
        assert backlog.appends == 288 and backlog.written == 288 * (4 * 9 + 16)
        assert power.spent == backlog.written + 2 * 288  # to open and to close a file counts one
        server = Server(9)
        server.drain(backlog)
        marks = backlog.appends - 288
        assert 0 < marks <= 29 and backlog.written == 288 * 52 + 12 * marks
        before = power.spent
        server.drain(backlog)
        assert power.spent == before


check.run(globals())
