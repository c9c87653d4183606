"""The merged DefaultDERControl on flash: what holds at once after a power cut (handbook 7.7.2).

Enters: a record of `der` (array of ints), and whose it is.  Leaves: the same record at the next
boot of the same device.

    keep = Keep(Store("."), me.lfdi)
    keep.load(rec)             # True: rec is what was in force before the cut
    keep.save(rec)             # writes only what differs from what is there

A file that is torn, of another length or version, or of another LFDI reads as none: the failsafe
then rules.  Events are never kept (requirements D6, D9).  Limit: one small file, replaced by
renaming.
"""

import binascii
import struct

import log
from micropython import const

NAME = "default.bin"
_MAGIC = b"MS2D\x02"  # then the LFDI, the record and the CRC of all that
_LFDI_SIZE = const(40)
_CRC_SIZE = const(4)
_FILE_MAX = const(512)


class Keep:
    """See the module's text. `store` is a store.Store.

    `lfdi`: 40 digits as bytes; None for a board without an identity, which loads whosever record
    there is and saves none.
    """

    def __init__(self, store, lfdi):
        self._store = store
        self.lfdi = lfdi
        self._last = None
        self.writes = 0

    def load(self, rec):
        """Fill `rec` from flash; False when there is nothing usable. Allocates."""
        try:
            data = self._store.read(NAME, _FILE_MAX)
        except OSError:
            return False
        start = len(_MAGIC) + _LFDI_SIZE
        size = start + 4 * len(rec)
        if data is None or len(data) != size + _CRC_SIZE or data[:len(_MAGIC)] != _MAGIC:
            return False
        if struct.unpack_from("<I", data, size)[0] != binascii.crc32(data[:size]):
            return False
        whose = data[len(_MAGIC):start]
        if self.lfdi and whose != self.lfdi:
            log.warn("DEFAULT_NOT_OURS", "lfdi", whose)
            return False
        for i in range(len(rec)):
            rec[i] = struct.unpack_from("<i", data, start + 4 * i)[0]
        self._last = data
        return True

    def save(self, rec):
        """Write `rec` unless it is there already. OSError when the flash refuses. Allocates."""
        if not self.lfdi:
            return False
        body = bytearray(_MAGIC + self.lfdi)
        for value in rec:
            body += struct.pack("<i", value)
        body += struct.pack("<I", binascii.crc32(body))
        if self._last is not None and body == self._last:
            return False
        self._store.write(NAME, body)
        self._last = bytes(body)
        self.writes += 1
        return True
