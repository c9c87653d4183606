# heap: 160k
"""Counts of writes on flash: who they belong to, what is lost, what a damaged file does."""

import check
import wear
from edges import Flash, Said
from store import Store


class Bus:
    def __init__(self, name):
        self.name = name


class Device:
    """What wear.py sees of a Steered."""

    def __init__(self, unit, line="10.0.0.9:502"):
        self.unit = unit
        self.bus = Bus(line)
        self.serial = None
        self.writes = 0


class Found:
    def __init__(self, store, serial):
        self.store = store
        self.serial = serial


def board():
    flash = Flash(32)
    return flash, Store(flash.folder), Said()


def recalled(store, unit, serial, line="10.0.0.9:502"):
    device = Device(unit, line)
    wear.recall(Found(store, serial), device)
    return device


def test_a_count_goes_on_after_a_restart_and_belongs_to_its_device():
    flash, store, said = board()
    first, other = recalled(store, 1, "A-1"), recalled(store, 2, "A-1")
    assert (first.writes, other.writes) == (0, 0)
    first.writes, other.writes = 40, 7
    wear.keep(store, [first, other])
    assert store.read("writes.txt") == b"40\t1\t10.0.0.9:502\tA-1\n7\t2\t10.0.0.9:502\tA-1\n"
    flash.reboot()
    assert recalled(store, 1, "A-1").writes == 40
    assert said.count("WRITES", "unit=1", "n=40")
    assert recalled(store, 1, "B-9").writes == 0  # another device in its place
    assert recalled(store, 1, "A-1", "/dev/ttyS0").writes == 0


def test_lost_and_found_it_counts_on_and_a_new_one_begins():
    _, store, _ = board()
    device = recalled(store, 1, "A-1")
    device.writes = 12
    wear.recall(Found(store, "A-1"), device)
    assert device.writes == 12
    wear.recall(Found(store, "A-2"), device)
    assert device.writes == 0
    device.writes = 3
    wear.keep(store, [device])
    assert store.read("writes.txt") == b"3\t1\t10.0.0.9:502\tA-2\n"


def test_what_was_not_found_since_boot_keeps_its_count():
    _, store, _ = board()
    device = recalled(store, 1, "A-1")
    device.writes = 12
    wear.keep(store, [device])
    asleep, awake = Device(1), recalled(store, 3, "a\nb")
    awake.writes = 5
    wear.keep(store, [asleep, awake])
    assert recalled(store, 1, "A-1").writes == 12
    assert recalled(store, 3, "a\nb").writes == 5


def test_nothing_is_written_while_nothing_grew():
    flash, store, _ = board()
    wear.keep(store, [Device(1)])
    assert store.read("writes.txt") is None
    device = recalled(store, 1, "A-1")
    device.writes = 12
    wear.keep(store, [device])
    before = flash.writes
    wear.keep(store, [device])
    assert flash.writes == before


def test_a_damaged_file_is_said_and_counted_anew():
    for data in (b"\xff\xfe", b"12\t1\n", b"x\t1\t10.0.0.9:502\tA-1\n", b"1" * 2000):
        _, store, said = board()
        store.write("writes.txt", data)
        device = recalled(store, 1, "A-1")
        assert device.writes == 0 and said.count("WRITES_UNREAD"), data
        device.writes = 2
        wear.keep(store, [device])
        assert recalled(store, 1, "A-1").writes == 2


def test_a_power_cut_at_any_block_leaves_the_old_count_or_the_new():
    flash, store, _ = board()
    device = recalled(store, 1, "A-1")
    device.writes = last = 1
    wear.keep(store, [device])
    for left in range(12):
        device.writes += 1
        flash.left = left
        try:
            wear.keep(store, [device])
        except OSError:
            pass
        flash.reboot()
        count = recalled(store, 1, "A-1").writes
        assert count in (last, device.writes), (left, count, device.writes)
        last = count
    assert last == device.writes
    flash.left = 0
    device.writes += 1
    check.raises(OSError, wear.keep, store, [device])


def test_one_that_cannot_say_who_it_is_counts_as_the_one_that_was_there():
    _, store, _ = board()
    device = recalled(store, 1, "A-1")
    device.writes = 12
    wear.keep(store, [device])
    again = recalled(store, 1, "")
    assert again.writes == 12
    again.writes += 1
    wear.keep(store, [again])
    assert store.read("writes.txt") == b"13\t1\t10.0.0.9:502\tA-1\n"
    wear.recall(Found(store, "A-1"), again)
    wear.recall(Found(store, ""), again)
    assert again.writes == 13 and recalled(store, 2, "").writes == 0


def test_a_serial_number_of_any_kind_stays_one_line():
    _, store, _ = board()
    device = recalled(store, 1, "a\tb c")
    device.writes = 9
    wear.keep(store, [device])
    assert recalled(store, 1, "a\tb c").writes == 9


check.run(globals())
