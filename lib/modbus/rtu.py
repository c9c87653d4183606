"""Modbus RTU: unit, PDU and a CRC-16, on a serial line without any mark of begin or end.

Enters and leaves: see pdu.py.

    codec = Rtu()
    n = codec.read(200, READ, 40069, 26)

The length of an answer follows from its first three bytes: no silence is timed.  What differs
from the expected answer is BROKEN at once; then, as after give_up(), all bytes are passed over
until the next request.  Two things of real RS-485 lines are passed over in front of an answer:
bytes 0x00 and 0xFF, which a line makes when its direction turns and no unit can send there, and
our own request, where the receiver hears it: that is learned from the first read that comes back.
A `patient` one passes over whole answers to other requests, too.
Limit: the caller keeps the silence between two frames, and after BROKEN or no answer finds out
whether one is still to come: a late answer bears no number.
"""

from array import array

from micropython import const

from .pdu import BROKEN, CRC, LATE, NEED_DATA, READ, READ_INPUT, WRITE, WRITE1, WRONG, Codec

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

    echo: each byte that is sent comes back before the answer, and must.  Learned where not said,
    so begin with a read: an echoed WRITE1 looks like its answer.
    """

    _table = None  # made by the first line, shared by all

    def __init__(self, echo=False):
        Codec.__init__(self, 0, 1, _UNIT_MAX)
        if Rtu._table is None:
            Rtu._table = _make_table()
        self._crc_of = Rtu._table
        self._told = self._echo = echo
        self._sent = 0  # bytes of the request
        self._echoed = 0  # of them, how many came back
        self._total = 0  # bytes of the answer, once its head is there

    def reset(self):
        """See Codec.reset; an echo is learned anew."""
        Codec.reset(self)
        self._echo = self._told

    def _seal(self, n):
        crc = self._crc(self.buf, n)
        self.buf[n] = crc & 0xFF
        self.buf[n + 1] = crc >> 8
        self._sent = n + 2
        self._echoed = 0 if self._echo else self._sent
        self.expect = 5 + 2 * self._second if self.buf[1] <= READ_INPUT else 8
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
                self._waiting = code == LATE
                self.at = start
                return code
        self.at = end
        return NEED_DATA

    def _own(self, byte):
        # Another byte than we sent: two talk at once.
        if byte != self.buf[self._echoed]:
            self.why = CRC
            return BROKEN
        self._echoed += 1
        if self._echoed == self._sent:
            self._echo = True
        return NEED_DATA

    def _answer(self, byte):
        n = self._n
        if n == 0 and not 0 < byte < 0xFF:
            return NEED_DATA
        self._rx[n] = byte
        self._n = n = n + 1
        if n < _HEAD:
            return NEED_DATA
        if n == _HEAD:
            self._total = self._length()
            self.why = WRONG
            if self._total or self._unfit() == NEED_DATA:
                return NEED_DATA
            self._total = self._other() if self.patient else 0
            return NEED_DATA if self._total else BROKEN
        if n < self._total:
            return NEED_DATA
        if self._crc(self._rx, n) == 0:
            if self._length():
                return self._judge(n - 2)
            self._n = 0
            return LATE
        self.why = CRC
        return self._unfit()

    def _unfit(self):
        # No answer, unless it is the first time that our own request is heard.
        n = self._n
        if self._echo or n >= self._sent:
            return BROKEN
        for i in range(n):
            if self._rx[i] != self.buf[i]:
                return BROKEN
        self._n = 0
        self._echoed = n
        return NEED_DATA

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

    def _other(self):
        # The same of an answer to another request; 0 when it begins as none does.
        rx = self._rx
        if rx[1] & 0x80:
            return 5
        if rx[1] == WRITE1 or rx[1] == WRITE:
            return 8
        reads = READ <= rx[1] <= READ_INPUT and not rx[2] & 1 and rx[2] <= 250
        return 5 + rx[2] if reads else 0
