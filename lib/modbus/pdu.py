"""What both framings share: a request is written, its answer is held against it.

Enters: what to ask, then received bytes in any pieces.  Leaves: the frame to send, one code for
the answer, and its registers.

    codec = Tcp()                              # or Rtu()
    n = codec.read(1, READ, 40000, 2)          # send codec.buf[0:n]
    code = codec.feed(rx, 0, got)              # OK, then:
    codec.copy(regs, 0)                        # regs is an array('H')

One request at a time: the next one takes the place of the last.  Limit: functions 3, 4, 6 and 16.

    IDLE --read, write, write1--> WAITING --answer or give_up--> IDLE
    any --framing lost (Tcp)--> dead --reset--> IDLE
"""

from micropython import const

READ = const(3)  # holding registers
READ_INPUT = const(4)
WRITE1 = const(6)
WRITE = const(16)

# What feed() returns.
NEED_DATA = const(0)
OK = const(1)
EXCEPTION = const(2)  # the device refused: `exception` is its code
BROKEN = const(3)  # no frame, or no answer to what was asked: `why` says which
LATE = const(4)  # an answer to an earlier request was passed over; ours may follow

# `why` an answer was BROKEN.
CRC = const(1)  # damaged, or two talked at once
WRONG = const(2)  # of another unit, function or length, or it repeats other fields

_FAILED = const(0x80)  # Modbus Application Protocol 1.1b3, 7: set in the function of a refusal
_READ_MAX = const(125)  # 6.3
_WRITE_MAX = const(123)  # 6.12
_ADDRESSES = const(65536)
_SIZE = const(260)  # of the longest frame of both framings


def put16(buf, at, value):
    """Store 0..65535 at buf[at], high byte first; does not allocate."""
    buf[at] = value >> 8
    buf[at + 1] = value & 0xFF


def get16(buf, at):
    """The number 0..65535 at buf[at], high byte first; does not allocate."""
    return buf[at] << 8 | buf[at + 1]


class Codec:
    """The part of Tcp and Rtu that knows registers; made by those two only.

    `buf` holds the request, `expect` is how many bytes its answer has on a serial line.
    `exception` is the device's code (1..255) after EXCEPTION, `why` the cause after BROKEN (CRC,
    WRONG, 0 for a framing that is none), `at` the index of the first byte not taken by feed().
    `dead`: the stream cannot be followed any more, close it.  `numbered`: an answer names its
    request, so that a late one is known for what it is.  `patient`, set before a request: without
    numbers too, a whole answer to another request is passed over (LATE).
    """

    numbered = False

    def __init__(self, unit_at, unit_min, unit_max):
        self.buf = bytearray(_SIZE)
        self._rx = bytearray(_SIZE)
        self._unit_at = unit_at  # where the unit stands in a frame; the function follows it
        self._unit_min = unit_min
        self._unit_max = unit_max
        self._addr = 0
        self._second = 0  # the count, or the value of WRITE1
        self._waiting = False
        self._n = 0  # bytes of a frame in _rx
        self.exception = 0
        self.expect = 0
        self.why = 0
        self.at = 0
        self.dead = False
        self.patient = False

    def reset(self):
        """Begin with a new line: nothing sent, nothing received. Does not allocate."""
        self._waiting = False
        self._n = 0
        self.dead = False

    def read(self, unit, function, addr, count):
        """Ask for `count` (1..125) registers from `addr` (0..65535), READ or READ_INPUT.

        Returns n: send buf[0:n].  ValueError for what no frame can carry.  Does not allocate.
        """
        if not READ <= function <= READ_INPUT:
            raise ValueError("function")
        _check_span(addr, count, _READ_MAX)
        self._put(unit, function, addr, count)
        return self._seal(6)

    def write(self, unit, addr, regs, start, count):
        """Write regs[start : start + count] (1..123 of an array('H')) to `addr` on (FC16).

        Returns n: send buf[0:n].  ValueError for what no frame can carry.  Does not allocate.
        """
        _check_span(addr, count, _WRITE_MAX)
        if start < 0 or start + count > len(regs):
            raise ValueError("start")
        self._put(unit, WRITE, addr, count)
        buf, at = self.buf, self._unit_at + 7
        buf[at - 1] = 2 * count
        for i in range(start, start + count):
            put16(buf, at, regs[i])
            at += 2
        return self._seal(7 + 2 * count)

    def write1(self, unit, addr, value):
        """Write one register (FC6), value 0..65535.

        Returns n: send buf[0:n].  ValueError for what no frame can carry.  Does not allocate.
        """
        _check_span(addr, 1, 1)
        if not 0 <= value < _ADDRESSES:
            raise ValueError("value")
        self._put(unit, WRITE1, addr, value)
        return self._seal(6)

    def feed(self, data, start, end):
        """Take data[start:end], as far as one answer goes; `at` is where it stopped.

        Returns NEED_DATA, OK, EXCEPTION, BROKEN or LATE.  Bytes that belong to no request are
        passed over.  Keeps nothing of `data`.  Does not allocate.
        """
        raise NotImplementedError

    def give_up(self):
        """Wait for no answer any more. BROKEN if a part of one had come, else NEED_DATA."""
        part = self._waiting and self._n > 0
        self._waiting = False
        return BROKEN if part else NEED_DATA

    def copy(self, regs, at):
        """Copy the registers of a read that was OK to regs[at:]; returns their count.

        Holds until the next feed().  ValueError when they do not fit.  Does not allocate.
        """
        count = self._second
        if at < 0 or at + count > len(regs):
            raise ValueError("at")
        rx, i = self._rx, self._unit_at + 3
        for k in range(at, at + count):
            regs[k] = get16(rx, i)
            i += 2
        return count

    def _put(self, unit, function, addr, second):
        if not self._unit_min <= unit <= self._unit_max:
            raise ValueError("unit")
        buf, at = self.buf, self._unit_at
        buf[at] = unit
        buf[at + 1] = function
        put16(buf, at + 2, addr)
        put16(buf, at + 4, second)
        self._addr = addr
        self._second = second

    def _judge(self, n):
        # The n bytes from the unit on, held against the request: every field of it that the
        # answer repeats (6.3, 6.6, 6.12 and 7) must be the same.
        rx, at = self._rx, self._unit_at
        asked = self.buf[at + 1]
        self.why = WRONG
        if rx[at] != self.buf[at]:
            return BROKEN
        if rx[at + 1] == asked | _FAILED:
            self.exception = rx[at + 2]
            return EXCEPTION if n == 3 and self.exception else BROKEN
        if rx[at + 1] != asked:
            return BROKEN
        if asked <= READ_INPUT:
            size = 2 * self._second
            return OK if n == 3 + size and rx[at + 2] == size else BROKEN
        if n != 6 or get16(rx, at + 2) != self._addr or get16(rx, at + 4) != self._second:
            return BROKEN
        return OK


def _check_span(addr, count, most):
    if not 1 <= count <= most:
        raise ValueError("count")
    if addr < 0 or addr + count > _ADDRESSES:
        raise ValueError("addr")
