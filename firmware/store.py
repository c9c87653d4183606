"""Files of the device's flash: every write leaves the old file or the new one, never a torn one.

Enters: names and bytes.  Leaves: bytes.

    store = Store(".")
    store.write("default.bin", data)
    store.read("default.bin")

Limit: a file of at most FILE_MAX bytes.  The only firmware module that imports os.
"""

import os

from micropython import const

FILE_MAX = const(8192)
_EFBIG = const(27)  # of errno, which not every port names


class Store:
    """The files of one folder. `root` is the folder, "" for the top of the flash."""

    def __init__(self, root):
        self._root = root.rstrip("/") + "/" if root else ""

    def path(self, name):
        """The path of a file of this store."""
        return self._root + name

    def read(self, name, limit=FILE_MAX):
        """The file's bytes, None when there is none. OSError(EFBIG) above `limit` bytes."""
        try:
            size = os.stat(self.path(name))[6]
        except OSError:
            return None
        if size > limit:
            raise OSError(_EFBIG)
        with open(self.path(name), "rb") as f:
            return f.read()

    def write(self, name, data):
        """Replace a file: written beside it, then renamed, so that a power cut leaves old or new.

        OSError when the flash is full or read-only; the old file then stands.
        """
        new = self.path(name + ".new")
        with open(new, "wb") as f:
            f.write(data)
        os.rename(new, self.path(name))
