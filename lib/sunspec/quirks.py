"""What makers do differently, as data: quirks of SunSpec devices, and maps of others.

Enters: nothing.  Leaves: what a row of quirks means; METERS and LIMITS, rows for `live.Meter` and
`limit.MappedLimit`.  The rows of makers stand in walk.py, which is let go of once they were met.

    row = quirks(common)                      # of walk.py
    limit = Limit(inverter, ratings, row)
    sign = -1 if row[Q_FLAGS] & F_EXPORT else 1

A quirk is seven bytes and a text "maker|model|version", each the beginning of what the device
says; the first that fits holds, the last one for all that have no row.  What is known of a whole
family of makes is in the code for everyone: frames of zeros, values that stand, sentinels, ends of
the chain, one connection at a time.

A meter: name, phases, function, table (layout of points.py, addresses from 0 on).  A limit: name,
address, form (setting.py), what 100 % of the rating is (0: the register takes W), bits, words for
"on" and "off", maker as in the table of quirks.  Addresses are those on the wire; where makers
count from 1, one less than theirs.
Limit: a row is as good as the maker's document; a response test at commissioning proves it.
"""

from micropython import const

from .values import SunspecError

Q_FLAGS = const(0)
Q_GRAIN = const(1)  # it resolves so many percents; 0: as fine as its register
Q_FLOOR = const(2)  # below so many percents it drops out, so 0 is written there
Q_EVERY = const(3)  # least time between two writes, in 100 ms; a second for any device (G4)
Q_CONNECT = const(4)  # it needs this after a connection, in 100 ms
Q_GAP = const(5)  # and this between two requests, in 10 ms
Q_TIMEOUT = const(6)  # how long an answer may take, in 100 ms; 0: as the line has it

F_FC6 = const(1)  # it takes function 6 for control registers
F_FC16 = const(2)  # it takes function 16 alone, for a single register too
F_TOGGLE = const(4)  # a new value counts only after disabling and enabling; see `toggles`
F_NO_CYCLIC = const(8)  # "enable" is not to be written again while it stands
F_NO_RVRT = const(16)  # window, reversion and ramp are not to be written
F_EXPORT = const(32)  # its meter counts export as positive

BIT_SITE = const(1)  # the number is the export limit that the device keeps at its own meter
BIT_FLOAT = const(2)  # percent as float32, low word first, in two registers
BIT_REVERTS = const(4)  # words 2 and 3 are a timeout, 4 and 5 what it falls back to

# Eastron, input registers (function 4), float32, high word first; energy is not read.
# One phase: 0 V, 12 W, 18 VA, 24 var, 70 Hz.
_SDM120 = (
    b"\x00\x48"  # block 0..71
    b"\x0c\x00\x02"  # W
    b"\x18\x00\x02"  # var
    b"\x46\x00\x02"  # Hz
    b"\x00\x00\x02"  # V
    b"\x00\x00\x05"
    b"\x00\x00\x05"
    b"\x0c\x00\x02"  # W of the phase
    b"\x00\x00\x05"
    b"\x00\x00\x05"
    b"\x18\x00\x02"  # var of the phase
    b"\x00\x00\x05"
    b"\x00\x00\x05"
    b"\x12\x00\x02"  # VA
)
# Three phases: 0, 2, 4 V; 12, 14, 16 W; 24, 26, 28 var; totals 52 W, 56 VA, 60 var; 70 Hz.
_SDM630 = (
    b"\x00\x48"  # block 0..71
    b"\x34\x00\x02"  # W
    b"\x3c\x00\x02"  # var
    b"\x46\x00\x02"  # Hz
    b"\x00\x00\x02"  # V
    b"\x02\x00\x02"
    b"\x04\x00\x02"
    b"\x0c\x00\x02"  # W of the phases
    b"\x0e\x00\x02"
    b"\x10\x00\x02"
    b"\x18\x00\x02"  # var of the phases
    b"\x1a\x00\x02"
    b"\x1c\x00\x02"
    b"\x38\x00\x02"  # VA
)

METERS = (
    ("sdm120", 1, 4, _SDM120),
    ("sdm630", 3, 4, _SDM630),
)

# SolarEdge 0xF300: 0x22 dynamic limit in percent (RAM, so it may be written often), 0x10 seconds
# after which it falls back, 0x12 percent to fall back to, 0 enable.  The fallback is safe: ours.
_DYNAMIC = (b"\x22\x23\x10\x11\x12\x13\x00", b"\x00\x02\x02\x04\x06\x01",
            b"\x00\x02\x02\x02\x04\x02\x06\x01", 0b1000011, 6)
# Sungrow's hybrids: 13073 export limit, 13086 enable (13074 and 13087 in the maker's counting).
# One firmware took W there and its update 0.1 %, hence two rows; a value out of range is refused.
_EXPORT = (b"\x00\x0d", b"\x00\x01\x01\x01", b"\x00\x01\x01\x01", 0b11, 1)
# GoodWe: 47509 enable, 47510 export limit in W; both outlive a restart, so they are flash.
_GOODWE = (b"\x00\x01", b"\x00\x02", b"\x01\x01\x00\x01", 0b11, 0)

LIMITS = (
    ("solaredge", 0xF300, _DYNAMIC, 6400, BIT_FLOAT | BIT_REVERTS, 1, 0,
     "SolarEdge"),
    ("sungrow", 13073, _EXPORT, 0, BIT_SITE, 0xAA, 0x55, "Sungrow"),
    ("sungrow_permille", 13073, _EXPORT, 1000, BIT_SITE, 0xAA, 0x55, "Sungrow"),
    ("goodwe", 47509, _GOODWE, 0, BIT_SITE, 1, 0, "GoodWe"),
)


def row_of(rows, name):
    """The row of that name; what is a row is taken as it is. SunspecError when there is none."""
    if isinstance(name, tuple):
        return name
    for row in rows:
        if row[0] == name:
            return row
    raise SunspecError("no such map")
