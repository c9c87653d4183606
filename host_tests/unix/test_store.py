# heap: 64k
"""Files on flash: what is read back after a write, a cut and a file too large."""

import os

import check
from store import Store


def test_a_write_leaves_old_or_new():
    folder = "/tmp/microsep2-store-%d" % (id(object()) & 0xFFFFFF)
    os.mkdir(folder)
    try:
        store = Store(folder)
        assert store.read("state.bin") is None
        store.write("state.bin", b"one")
        # A power cut while the new file is being written: the old one stands.
        with open(folder + "/state.bin.new", "wb") as f:
            f.write(b"tw")
        assert store.read("state.bin") == b"one"
        store.write("state.bin", b"two")
        assert store.read("state.bin") == b"two"
        assert os.listdir(folder) == ["state.bin"]
        assert check.raises(OSError, store.read, "state.bin", 2).errno == 27
    finally:
        for name in os.listdir(folder):
            os.remove(folder + "/" + name)
        os.rmdir(folder)


def test_a_file_grows_is_read_in_part_found_and_removed():
    folder = "/tmp/microsep2-store-%d" % (id(object()) & 0xFFFFFF)
    os.mkdir(folder)
    try:
        store = Store(folder)
        assert store.size("site.1") == -1 and store.names("site.") == []
        buf = bytearray(4)
        assert store.read_into("site.1", 0, buf) == 0
        store.append("site.1", b"abc")
        store.append("site.1", b"defg")
        store.append("site.12", b"")
        store.write("other", b"x")
        assert store.size("site.1") == 7 and store.size("site.12") == 0
        assert store.read_into("site.1", 2, buf) == 4 and buf == b"cdef"
        assert store.read_into("site.1", 5, buf) == 2 and buf[:2] == b"fg"
        assert store.read_into("site.1", 9, buf) == 0
        assert sorted(store.names("site.")) == ["site.1", "site.12"]
        assert sorted(store.names("")) == ["other", "site.1", "site.12"]
        store.remove("site.1")
        assert store.size("site.1") == -1
        check.raises(OSError, store.remove, "site.1")
    finally:
        for name in os.listdir(folder):
            os.remove(folder + "/" + name)
        os.rmdir(folder)


def test_the_top_of_the_flash_has_names_too():
    before = os.getcwd()
    folder = "/tmp/microsep2-store-%d" % (id(object()) & 0xFFFFFF)
    os.mkdir(folder)
    try:
        os.chdir(folder)
        Store("").append("site.1", b"a")
        assert Store("").names("site") == Store(".").names("site") == ["site.1"]
    finally:
        os.chdir(before)
        os.remove(folder + "/site.1")
        os.rmdir(folder)


check.run(globals())
