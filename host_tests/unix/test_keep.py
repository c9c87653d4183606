# heap: 320k
"""The persisted default on a littlefs in RAM: torn files, power cuts, needless writes."""

import binascii
import struct
from array import array

import check
from der.record import REC_SIZE
from edges import Flash, Said
from keep import NAME, Keep
from store import Store

_OURS = b"0123456789ABCDEF0123456789ABCDEF01234567"
_OTHER = b"0123456789ABCDEF0123456789ABCDEF01234568"


def record(first=7):
    rec = array("i", bytes(4 * REC_SIZE))
    for i in range(REC_SIZE):
        rec[i] = (first + i) * (1 << 24 if i & 1 else -3)
    return rec


def make():
    flash = Flash()
    return flash, Store(flash.folder)


def loaded(store, lfdi=_OURS):
    """The record that a boot finds, as a list; None for none."""
    rec = array("i", bytes(4 * REC_SIZE))
    return list(rec) if Keep(store, lfdi).load(rec) else None


def test_a_new_flash_has_none():
    flash, store = make()
    assert loaded(store) is None


def test_what_was_saved_is_there_at_the_next_boot():
    flash, store = make()
    assert Keep(store, _OURS).save(record())
    flash.reboot()
    assert loaded(store) == list(record())


def test_the_record_of_another_identity_is_as_none_said_and_replaced():
    flash, store = make()
    said = Said()
    Keep(store, _OURS).save(record())
    data = store.read(NAME)
    rec = record(900)
    other = Keep(store, _OTHER)
    assert not other.load(rec) and rec == record(900)
    assert said.count(" W DEFAULT_NOT_OURS", _OURS.decode()) == 1 and len(said.lines) == 1
    assert store.read(NAME) == data  # it stands until there is another
    assert other.save(record()) and loaded(store, _OTHER) == list(record())
    assert loaded(store) is None


def test_a_board_without_an_identity_loads_whosever_record_and_saves_none():
    flash, store = make()
    nobody = Keep(store, None)
    assert not nobody.save(record()) and store.read(NAME) is None
    for lfdi in (_OURS, _OTHER):
        Keep(store, lfdi).save(record())
        assert loaded(store, None) == list(record())
    assert not nobody.save(record(900)) and loaded(store, _OTHER) == list(record())


def test_a_file_of_the_layout_without_an_lfdi_is_as_none():
    flash, store = make()
    body = bytearray(b"MS2D\x01")
    for value in record():
        body += struct.pack("<i", value)
    for more in (0, 40):  # of its own length, and of ours
        data = body + bytes(more)
        store.write(NAME, data + struct.pack("<I", binascii.crc32(data)))
        assert loaded(store) is None and loaded(store, None) is None


def test_every_truncation_reads_as_none():
    flash, store = make()
    Keep(store, _OURS).save(record())
    data = store.read(NAME)
    for n in range(len(data)):
        store.write(NAME, data[:n])
        assert loaded(store) is None, n
    for more in (b"\0", data):
        store.write(NAME, data + more)
        assert loaded(store) is None
    store.write(NAME, data)
    assert loaded(store) == list(record())


def test_every_flipped_bit_reads_as_none():
    flash, store = make()
    Keep(store, _OURS).save(record())
    data = bytearray(store.read(NAME))
    for i in range(len(data)):
        for bit in range(8):
            data[i] ^= 1 << bit
            store.write(NAME, data)
            assert loaded(store) is None, (i, bit)
            data[i] ^= 1 << bit
    store.write(NAME, data)
    assert loaded(store) == list(record())


def test_a_failed_load_leaves_the_record_alone():
    flash, store = make()
    store.write(NAME, b"x" * 93)
    rec = record()
    assert not Keep(store, _OURS).load(rec) and rec == record()


def test_a_file_too_large_to_be_ours_does_not_stop_the_boot():
    flash, store = make()
    store.write(NAME, bytes(9000))
    assert loaded(store) is None
    assert Keep(store, _OURS).save(record()) and loaded(store) == list(record())


def test_only_differences_are_written():
    flash, store = make()
    keep = Keep(store, _OURS)
    rec = record()
    assert keep.save(rec) and keep.writes == 1
    before = flash.writes
    assert not keep.save(rec) and not keep.save(record())
    assert flash.writes == before and keep.writes == 1
    rec[3] += 1
    assert keep.save(rec) and keep.writes == 2 and flash.writes > before
    again = Keep(store, _OURS)  # after a boot, what was loaded counts as written
    assert again.load(array("i", bytes(4 * REC_SIZE)))
    before = flash.writes
    assert not again.save(rec) and flash.writes == before


def test_a_power_cut_at_any_block_leaves_old_or_new():
    old, new = list(record(7)), list(record(900))
    seen = []
    for cut in range(40):
        flash, store = make()
        keep = Keep(store, _OURS)
        keep.save(record(7))
        flash.left = cut
        try:
            done = keep.save(record(900))
        except OSError:
            done = False
        flash.reboot()
        found = loaded(store)
        assert found in (old, new), cut
        assert not done or found == new
        seen.append(found == new)
        if done:
            break
    assert done and not seen[0] and len(seen) > 2, seen


def test_a_save_that_failed_is_tried_again():
    flash, store = make()
    keep = Keep(store, _OURS)
    keep.save(record(7))
    flash.left = 0
    check.raises(OSError, keep.save, record(900))
    assert keep.writes == 1
    flash.reboot()
    assert keep.save(record(900)) and loaded(store) == list(record(900))
    assert keep.writes == 2


check.run(globals())
