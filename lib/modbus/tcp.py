"""Modbus TCP: the header with the transaction's number, its protocol and its length.

Enters and leaves: see pdu.py.

    codec = Tcp()
    n = codec.write1(1, 40236, 1)

    | transaction 2 | protocol 2 (0) | length 2 | unit 1 | function 1 | ...

A late answer to an earlier request carries an earlier number: it is passed over, whole or in any
pieces (LATE).  A header that is none means that the stream is out of step: `dead`, until reset().
Limit: a device that does not repeat the number is never heard.
"""

from micropython import const

from .pdu import BROKEN, LATE, NEED_DATA, Codec, get16, put16

# MODBUS Messaging on TCP/IP Implementation Guide 1.0b, 3.1.3.
_HEADER = const(6)  # bytes before the unit
_LENGTH_MIN = const(3)  # unit, function and one byte
_LENGTH_MAX = const(254)  # unit and the longest PDU


class Tcp(Codec):
    """Codec of a Modbus TCP connection; units 0..255. Allocates two buffers of 260 bytes once."""

    numbered = True

    def __init__(self):
        Codec.__init__(self, _HEADER, 0, 255)
        self._number = 0  # of the last request, 0..65535
        self._total = 0  # bytes of the frame in _rx, once its header is there

    def _seal(self, n):
        # The header of n bytes from the unit on.
        buf = self.buf
        self._number = (self._number + 1) & 0xFFFF
        put16(buf, 0, self._number)
        put16(buf, 2, 0)
        put16(buf, 4, n)
        self._waiting = True
        return _HEADER + n

    def feed(self, data, start, end):
        """See Codec.feed; BROKEN with `dead` set when the stream is out of step."""
        code = BROKEN if self.dead else NEED_DATA
        while start < end and code == NEED_DATA:
            want = _HEADER if self._n < _HEADER else self._total
            count = min(end - start, want - self._n)
            self._store(data, start, count)
            start += count
            if self._n == want:
                code = self._open() if want == _HEADER else self._close()
        self.at = end if self.dead else start
        return code

    def _store(self, data, start, count):
        rx, n = self._rx, self._n
        for i in range(count):
            rx[n + i] = data[start + i]
        self._n = n + count

    def _open(self):
        # A whole header: how long is its frame?
        rx = self._rx
        length = get16(rx, 4)
        self._total = _HEADER + length
        if get16(rx, 2) == 0 and _LENGTH_MIN <= length <= _LENGTH_MAX:
            return NEED_DATA
        self.dead = True
        self._waiting = False
        self.why = 0
        return BROKEN

    def _close(self):
        # A whole frame: the answer that is waited for, or one that came too late?
        self._n = 0
        if not self._waiting or get16(self._rx, 0) != self._number:
            return LATE
        self._waiting = False
        return self._judge(self._total - _HEADER)
