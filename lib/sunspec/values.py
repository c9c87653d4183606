"""Registers to integers: scale factors, float32, and what a device says when it has no value.

Enters: a frame of registers and a table of points.py.  Leaves: a small int, in ten to the minus
`places` of the unit, or ABSENT.

    mhz = number(regs, INVERTER_INT, 8, 3)      # the row at index 8 of the table: Hz

Nothing here allocates: float32 is taken apart in integers, because a float is an object on the
heap of a 32-bit board.  Limit: what does not fit a small int is ABSENT, not saturated, since a
power of 10**9 W is a broken frame and no power.
"""

from micropython import const

ABSENT = const(-0x3FFFFFFF)  # a value that is not there: never zero

# What take() of a live block says besides OK (0).
ABSENT_ALL = const(1)  # every value is a sentinel: the device sleeps
NULL_FRAME = const(2)  # every register is zero: the gateway had no frame

_TOP = const(0x3FFFFFFF)
_TOP_TENTH = const(107374182)

# Kinds of points.py.
_INT16 = const(0)
_FLOAT32 = const(2)
_UINT32 = const(4)
_NONE = const(5)
_APART = const(8)  # added: the scale factor is the second byte itself, 16 standing for 0
_UPPER_TOP = const(0x4000)  # of a uint32: what has more is no small int on a 32-bit board

_TENS = (1, 10, 100, 1000)


class SunspecError(Exception):
    """A device without a model that is needed, or a frame shorter than its block."""


def signed(word):
    """A register as int16, -32768 .. 32767. Does not allocate."""
    return word - 0x10000 if word & 0x8000 else word


def scale_factor(word):
    """A sunssf register as -10 .. 10, ABSENT for its sentinel and anything outside."""
    sf = signed(word)
    return sf if -10 <= sf <= 10 else ABSENT


def number(regs, table, row, places):
    """The point at index `row` of a table, in 10**-places of its unit, toward zero.

    `regs` holds the table's block from index 0 on.  ABSENT when the value or its scale factor is
    a sentinel (SunSpec information model, data types), or 2**30 and more.  places: 0 .. 3.
    Does not allocate.
    """
    kind = table[row + 2]
    if kind == _NONE:
        return ABSENT
    at = table[row] - table[0]
    raw = regs[at]
    if kind == _FLOAT32:
        return float32(raw, regs[at + 1], places)
    sf = table[row + 1]
    if kind & _APART:
        sf -= 16
        kind -= _APART
    elif sf:
        sf = scale_factor(regs[sf - table[0]])
    if kind == _UINT32:
        raw = raw << 16 | regs[at + 1] if raw < _UPPER_TOP else ABSENT
    elif raw == (0x8000 if kind == _INT16 else 0xFFFF):
        raw = ABSENT
    elif kind == _INT16:
        raw = signed(raw)
    return ABSENT if raw == ABSENT or not -10 <= sf <= 10 else shifted(raw, sf + places)


def zeros(regs, count):
    """True when the first `count` registers are 0. Does not allocate."""
    for i in range(count):
        if regs[i]:
            return False
    return True


def shifted(value, power):
    """value * 10**power toward zero, ABSENT when it leaves the small ints. Does not allocate."""
    size = -value if value < 0 else value
    while power > 0 and size:
        if size > _TOP_TENTH:
            return ABSENT
        size *= 10
        power -= 1
    while power < 0 and size:
        size //= 10
        power += 1
    return -size if value < 0 else size


def float32(high, low, places):
    """An IEEE 754 single in two registers times 10**places, toward zero. Does not allocate.

    ABSENT for NaN (the sentinel), infinity and what leaves the small ints.  places: 0 .. 3.
    """
    exponent = (high >> 7) & 0xFF
    if exponent == 0:
        return 0  # zero, or below 10**-37
    # The value is mantissa * 2**-down, mantissa below 2**24; NaN and infinity have the largest
    # exponent of all, and are absent because they are enormous.
    size = _decimal((high & 0x7F | 0x80) << 16 | low, 150 - exponent, _TENS[places])
    return -size if high & 0x8000 and size != ABSENT else size


def _decimal(mantissa, down, ten):
    # floor(mantissa * ten / 2**down), every step exact and below 2**30.
    if down >= 12:
        # Multiplied in two halves of 12 bits.
        upper = (mantissa >> 12) * ten + ((mantissa & 0xFFF) * ten >> 12)
        return upper >> min(down - 12, 30)
    if down < -6:
        return ABSENT
    if down > 0:
        whole = mantissa >> down
        rest = (mantissa & (1 << down) - 1) * ten >> down
    else:
        whole = mantissa << -down
        rest = 0
    if whole >= _TOP // ten:
        return ABSENT
    return whole * ten + rest
