"""Who the device is: model 1.

Enters: four short reads.  Leaves: `manufacturer`, `model`, `version`, `serial` as str.

    who = Common(walk, 0)
    ...                                       # run it as sequence.py shows
    print(who.manufacturer, who.serial)

Limit: ASCII; any other byte becomes "?".
"""

from .points import COMMON
from .sequence import READ, Reads
from .values import SunspecError

# A list: a constant tuple has its own copy of each string.
_NAMES = ["manufacturer", "model", "version", "serial"]


class Common(Reads):
    """Model 1 of a device of the walk; "" for a string that is absent or refused.

    A length of 65 or 66 makes no difference, a string beyond a shorter model is left out.
    SunspecError when the device has no model 1. The strings allocate.
    """

    def __init__(self, walk, device):
        super().__init__(len(_NAMES))
        i = walk.find(device, 1, 1)
        if i < 0:
            raise SunspecError("no model 1")
        self._at = walk.addrs[i]
        self._end = walk.lengths[i] + 2
        self.manufacturer = self.model = self.version = self.serial = ""

    def _place(self, step):
        offset = COMMON[2 + 3 * step]
        size = COMMON[3 + 3 * step]
        return offset + size <= self._end and self._ask(READ, self._at + offset, size)

    def _answer(self, step, outcome, regs):
        # Up to the first NUL, without blanks at either end.
        chars = bytearray(2 * self.count)
        n = 0
        while outcome == 0 and n < len(chars):
            char = regs[n >> 1] & 0xFF if n & 1 else regs[n >> 1] >> 8
            if char == 0:
                break
            chars[n] = char if 32 <= char < 127 else 63
            n += 1
        setattr(self, _NAMES[step], chars[:n].decode().strip())
