"""Modbus RTU: unit, PDU and a CRC-16, on a serial line without any mark of begin or end.

Enters and leaves: see pdu.py.

    codec = Rtu(echo=True)        # RS-485 whose receiver hears our own request
    n = codec.read(200, READ, 40069, 26)

The length of an answer follows from its first three bytes: no silence is timed.  What differs
from the expected answer is BROKEN at once; then, as after give_up(), all bytes are passed over
until the next request.  Limit: the caller keeps the silence between two frames, and lets the
line fall quiet after BROKEN or no answer: a late answer bears no number.
"""

from array import array

from micropython import const

from .pdu import BROKEN, NEED_DATA, READ_INPUT, Codec

_START = const(0xFFFF)  # MODBUS over Serial Line 1.02, 2.5.1.2 and appendix B
_POLYNOMIAL = const(0xA001)
_UNIT_MAX = const(247)  # 2.2; 0 is the broadcast, which nobody answers
_HEAD = const(3)  # bytes that tell how long an answer is


def _make_table():
    table = array("H", bytes(512))
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
        table[i] = crc
    return table


class Rtu(Codec):
    """Codec of a serial line; units 1..247. Allocates two buffers of 260 bytes once.

    echo: each byte that is sent comes back before the answer, and must.
    """

    _table = None  # made by the first line, shared by all

    def __init__(self, echo=False):
        Codec.__init__(self, 0, 1, _UNIT_MAX)
        if Rtu._table is None:
            Rtu._table = _make_table()
        self._crc_of = Rtu._table
        self._echo = echo
        self._sent = 0  # bytes of the request
        self._echoed = 0  # of them, how many came back
        self._total = 0  # bytes of the answer, once its head is there

    def _seal(self, n):
        crc = self._crc(self.buf, n)
        self.buf[n] = crc & 0xFF
        self.buf[n + 1] = crc >> 8
        self._sent = n + 2
        self._echoed = 0 if self._echo else self._sent
        self._n = 0
        self._waiting = True
        return n + 2

    def _crc(self, buf, n):
        # Over a frame with its CRC, low byte first, it is 0.
        table, crc = self._crc_of, _START
        for i in range(n):
            crc = crc >> 8 ^ table[(crc ^ buf[i]) & 0xFF]
        return crc

    def feed(self, data, start, end):
        """See Codec.feed."""
        code = NEED_DATA
        while start < end and self._waiting:
            byte = data[start]
            start += 1
            code = self._answer(byte) if self._echoed == self._sent else self._own(byte)
            if code != NEED_DATA:
                self._waiting = False
                self.at = start
                return code
        self.at = end
        return NEED_DATA

    def _own(self, byte):
        # Another byte than we sent: two talk at once.
        if byte != self.buf[self._echoed]:
            return BROKEN
        self._echoed += 1
        return NEED_DATA

    def _answer(self, byte):
        n = self._n
        self._rx[n] = byte
        self._n = n = n + 1
        if n < _HEAD:
            return NEED_DATA
        if n == _HEAD:
            self._total = self._length()
            return NEED_DATA if self._total else BROKEN
        if n < self._total:
            return NEED_DATA
        return self._judge(n - 2) if self._crc(self._rx, n) == 0 else BROKEN

    def _length(self):
        # Of the whole answer by its head; 0 when it does not begin as our answer must.
        rx, asked = self._rx, self.buf[1]
        if rx[0] != self.buf[0]:
            return 0
        if rx[1] == asked | 0x80:
            return 5
        if rx[1] != asked:
            return 0
        if asked > READ_INPUT:
            return 8
        return 5 + rx[2] if rx[2] == 2 * self._second else 0
