"""The layout of a control record: where each number of a DERControl stands in its array.

Enters: nothing.  Leaves: indexes into an `array('i')` of REC_SIZE, mode numbers, ABSENT.

    rec[MODES] |= 1 << EXP_LIM_W
    rec[VALUE + EXP_LIM_W] = 5000

`sep2/record.py` has the same names and numbers; a test compares them.  Limit: every number is a
small int (below 2**30), so times count from 2020-01-01T00:00:00Z.
"""

from micropython import const

CREATED = const(0)  # creationTime, s
STATUS = const(1)  # EventStatus.currentStatus 0..4
START = const(2)  # interval.start, s
DURATION = const(3)  # interval.duration, s
RAND_START = const(4)  # randomizeStart, s, -3600..3600
RAND_DURATION = const(5)  # randomizeDuration, s, -3600..3600
RESPONSE = const(6)  # responseRequired bitmap
CATEGORY = const(7)  # deviceCategory bitmap, -1 when absent
RAMP = const(8)  # rampTms, 1/100 s, -1 when absent
GRAD = const(9)  # setGradW of a default, 0.01 %/s of setMaxW, -1 when absent
MODES = const(10)  # bitmap of the modes present
VALUE = const(11)  # the value of mode m stands at VALUE + m

CONNECT = const(0)  # 0 or 1
ENERGIZE = const(1)  # 0 or 1
FIXED_W = const(2)  # pct100, signed
MAX_LIM_W = const(3)  # pct100 of setMaxW
TARGET_W = const(4)  # W, signed
EXP_LIM_W = const(5)  # W
IMP_LIM_W = const(6)  # W
GEN_LIM_W = const(7)  # W
LOAD_LIM_W = const(8)  # W
STORAGE_TARGET_W = const(9)  # W, signed

MODES_N = const(10)
REC_SIZE = const(21)
KEY_SIZE = const(21)  # 16 bytes packed hex, number of digits, 4 bytes of letter case
ABSENT = const(-0x3FFFFFFF)  # unknown: never zero, never unlimited
