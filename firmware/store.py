"""Files of the device's flash: whole ones, replaced without ever being torn, and growing ones.

Enters: names and bytes.  Leaves: bytes.

    store = Store(".")
    store.write("default.bin", data)       # leaves the old file or the new one
    store.read("default.bin")
    store.append("site.1", record)         # may leave a part of the record: who reads must know

Limit: a whole file of at most FILE_MAX bytes.  The only firmware module that imports os.
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

    def size(self, name):
        """The file's length in bytes, -1 when there is none."""
        try:
            return os.stat(self.path(name))[6]
        except OSError:
            return -1

    def read(self, name, limit=FILE_MAX):
        """The file's bytes, None when there is none. OSError(EFBIG) above `limit` bytes."""
        size = self.size(name)
        if size < 0:
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

    def append(self, name, data):
        """Put bytes at the end of a file, which is made when there is none.

        OSError when the flash refuses; any part of `data` may then be there, as after a power cut.
        """
        with open(self.path(name), "ab") as f:
            f.write(data)

    def read_into(self, name, offset, buf):
        """Fill `buf` from `offset` on; how many bytes came, 0 when the file cannot be read."""
        try:
            with open(self.path(name), "rb") as f:
                f.seek(offset)
                return f.readinto(buf)
        except OSError:
            return 0

    def names(self, prefix):
        """The names of the files that begin with `prefix`, in no order."""
        listed = os.listdir(self._root) if self._root else os.listdir()
        return [name for name in listed if name.startswith(prefix)]

    def remove(self, name):
        """Take a file away. OSError when there is none."""
        os.remove(self.path(name))
