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


check.run(globals())
