"""Who the device is: model 1.

Enters: four short reads.  Leaves: `manufacturer`, `model`, `version`, `serial` as str.

    who = Common(walk, 0)
    ...                                       # run it as sequence.py shows
    print(who.manufacturer, who.serial)

Limit: ASCII; any other byte becomes "?".
"""

from micropython import const

from .points import COMMON
from .sequence import READ, Reads
from .values import SunspecError

_STRINGS = const(4)


class Common(Reads):
    """Model 1 of a device of the walk; "" for a string that is absent or refused.

    A length of 65 or 66 makes no difference, a string beyond a shorter model is left out.
    SunspecError when the device has no model 1. The strings allocate.
    """

    def __init__(self, walk, device):
        super().__init__(_STRINGS)
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
        text = _text(regs, self.count) if outcome == 0 else ""
        if step == 0:
            self.manufacturer = text
        elif step == 1:
            self.model = text
        elif step == 2:
            self.version = text
        else:
            self.serial = text


def _text(regs, count):
    # Up to the first NUL, without blanks at either end.
    chars = bytearray(2 * count)
    n = 0
    while n < 2 * count:
        char = regs[n >> 1] & 0xFF if n & 1 else regs[n >> 1] >> 8
        if char == 0:
            break
        chars[n] = char if 32 <= char < 127 else 63
        n += 1
    return chars[:n].decode().strip()
