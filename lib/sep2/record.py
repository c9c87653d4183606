"""A control as plain ints and an mRID as 21 bytes: what `sep2` fills and `der` reads.

Enters: spans of text as the XML reader leaves them.  Leaves: the numbers of docs/DESIGN.md.

    key = bytearray(KEY_SIZE)
    pack_mrid(key, b"dc1B27", 0, 6)     # True
    mrid_text(key)                      # b"dc1B27"

Limit: powers within +-W_MAX W, times from 1986 to 2054; what lies beyond is held at the bound.
"""

from micropython import const

EPOCH = const(1577836800)  # 2020-01-01T00:00:00Z in Unix time
ABSENT = const(-0x3FFFFFFF)  # no value: never zero and never unlimited
W_MAX = const(0x3FFFFFFE)  # bound of powers and times: a small int on 32-bit boards
DURATION_MAX = const(0x3FFFFFFF)

# Indexes of a record.
CREATED = const(0)
STATUS = const(1)
START = const(2)
DURATION = const(3)
RAND_START = const(4)
RAND_DURATION = const(5)
RESPONSE = const(6)
CATEGORY = const(7)
RAMP = const(8)
GRAD = const(9)
MODES = const(10)
VALUE = const(11)  # the value of mode m stands at VALUE + m

# Modes of a DERControlBase.
CONNECT = const(0)
ENERGIZE = const(1)
FIXED_W = const(2)
MAX_LIM_W = const(3)
TARGET_W = const(4)
EXP_LIM_W = const(5)
IMP_LIM_W = const(6)
GEN_LIM_W = const(7)
LOAD_LIM_W = const(8)
STORAGE_TARGET_W = const(9)
MODES_N = const(10)
REC_SIZE = const(21)

KEY_SIZE = const(21)
_DIGITS_AT = const(16)  # in a key: the number of digits
_CASE_AT = const(17)  # in a key: one bit a digit, first digit highest, set for a..f
_MRID_MAX = const(32)

# By character: the value of a hex digit, 16 more when in lower case, 128 for all others.
HEX = (
    bytes([128] * 48) + bytes(range(10)) + bytes([128] * 7) + bytes(range(10, 16))
    + bytes([128] * 26) + bytes(range(26, 32)) + bytes([128] * 153)
)


def pack_mrid(key, buf, start, end):
    """Pack the 1 to 32 hex digits buf[start:end] into `key` (KEY_SIZE bytes, layout of DESIGN.md).

    False when they are too many, none, or not hex; `key` is then worthless.  Does not allocate.
    """
    n = end - start
    if not 0 < n <= _MRID_MAX:
        return False
    table, at, case = HEX, 0, 0
    i = start
    whole = end - (n & 1)
    while i < whole:
        high = table[buf[i]]
        low = table[buf[i + 1]]
        both = high | low
        if both < 16:
            key[at] = high << 4 | low
            case <<= 2
        elif both < 32:
            key[at] = (high & 15) << 4 | low & 15
            case = case << 2 | high >> 3 & 2 | low >> 4
        else:
            return False
        at += 1
        i += 2
        if not at & 3:  # eight digits: their case bits are a byte
            key[_DIGITS_AT + (at >> 2)] = case
            case = 0
    key[_DIGITS_AT] = n
    return n == _MRID_MAX or _pack_rest(key, n, case, table[buf[end - 1]])


def _pack_rest(key, n, case, last):
    """The odd digit and the zero fill of an mRID of less than 32 digits."""
    at = n >> 1
    if n & 1:
        if last > 31:
            return False
        key[at] = (last & 15) << 4
        case = case << 1 | last >> 4
        at += 1
    for i in range(at, _DIGITS_AT):
        key[i] = 0
    at = _CASE_AT + (n >> 3)
    key[at] = case << (8 - (n & 7)) & 0xFF
    for i in range(at + 1, KEY_SIZE):
        key[i] = 0
    return True


def mrid_text(key):
    """The mRID exactly as the server wrote it, as bytes (requirements E1). Allocates."""
    text = bytearray(key[_DIGITS_AT])
    for i in range(len(text)):
        digit = key[i >> 1] & 15 if i & 1 else key[i >> 1] >> 4
        lower = key[_CASE_AT + (i >> 3)] >> (7 - (i & 7)) & 1
        text[i] = (b"0123456789abcdef" if lower else b"0123456789ABCDEF")[digit]
    return bytes(text)


def watts(value, multiplier):
    """value x 10**multiplier (-9..9) in whole W, exact, rounded toward zero, within +-W_MAX.

    Toward zero is the floor for limits, since a limit below zero is refused.  Does not allocate
    while value is a small int.
    """
    if multiplier < 0:
        scale = 10 ** -multiplier
        value = value // scale if value >= 0 else -(-value // scale)
        return clamp(value)
    scale = 10 ** multiplier
    top = W_MAX // scale
    if value > top:
        return W_MAX
    return value * scale if value >= -top else -W_MAX


def clamp(value):
    """The value within +-W_MAX."""
    if value > W_MAX:
        return W_MAX
    return value if value >= -W_MAX else -W_MAX
