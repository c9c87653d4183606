"""Every element that the client reads, in one table: its name, its place, what becomes of it.

Enters: nothing.  Leaves: columns by row, and ROWS from the `key` of a name to its first row.

    row = ROWS.get(xml.key, NONE)           # then NEXT[row], the next row of the same key
    if TABLE[row] == table: kind, dest = KIND[row], DEST[row]

Rows stand in tables: what may stand within one element.  Keys are shared, even within a table, so
a name has to be compared in full: with QUICK[row] if there is one, else byte by byte with TEXT
from AT[row] on.  Limit: 254 rows, and names of less than 64 bytes.
"""

from array import array

from micropython import const
from xmlpull import key as name_key

from .record import DURATION_MAX

NONE = const(255)  # no row

# Kinds, in the order of their letters. First numbers, with their ranges ...
TIME = const(0)  # Int64 Unix time, to s since EPOCH
SECONDS = const(7)  # held at the highest
FLAG = const(8)  # boolean, to 1 or 0
BITMAP = const(9)  # hex digits
SWITCH = const(10)  # mode of a boolean
PERCENT = const(11)  # mode of hundredths of a percent; the next is signed
# ... then other text ...
MULTIPLIER = const(13)  # of an ActivePower, -9..9
POWER_VALUE = const(14)
MRID = const(15)
DIGITS = const(16)  # decimal digits, to bytes
HEX_DIGITS = const(17)  # hex digits, to bytes in upper case
PLAIN = const(18)  # up to 32 bytes of text, to bytes
# ... then elements that may hold others.
LINK = const(19)  # with an href, to str
GROUP = const(20)
LIST_ITEM = const(21)
LIMIT = const(22)  # mode of an ActivePower that is not below zero
TARGET = const(23)  # mode of an ActivePower
ROOT = const(24)

_LETTERS = b"tbphiursfcwPQmvkdxnlgoLTR"
LOWEST = (0, 0, 0, 0, 0, 0, -3600, 0, 0, 0, 0, 0, -10000)
HIGHEST = (
    0, 255, 255, 65535, 0xFFFFFFFF, 4, 3600, DURATION_MAX, 1, DURATION_MAX, 1, 10000, 10000,
)

# A name, the letter of its kind, and a digit of 0-9 a-z: an index of a record, a mode, a place in
# ATTRIBUTES or, for what holds others, their table.  "|" begins the next table.
TEXT = (
    # What long lists are made of: power, status, interval, list, control, base.
    b"value v0 multiplier m0"
    b"|currentStatus u1"
    b"|duration s3 start t2"
    b"|DERControl o4"
    b"|mRID k0 creationTime t0 EventStatus g1 interval g2 DERControlBase g5 deviceCategory c7 "
    b"randomizeStart r4 randomizeDuration r5"
    b"|opModImpLimW L6 opModExpLimW L5 opModGenLimW L7 opModLoadLimW L8 opModTargetW T4 "
    b"opModStorageTargetW T9 opModConnect w0 opModEnergize w1 opModFixedW Q2 opModMaxLimW P3 "
    b"rampTms h8"
    # The roots of all documents, and then what stands in them.
    b"|DERControlList R3 DefaultDERControl R7 DeviceCapability R8 Time R9 Registration Ra "
    b"EndDeviceList Rb EndDevice oc FunctionSetAssignmentsList Rd DERProgramList Rf DERList Rh "
    b"MirrorUsagePointList Rj ConnectionPoint Rl"
    b"|mRID k0 DERControlBase g5 setGradW h9"
    b"|TimeLink l0 EndDeviceListLink l1 MirrorUsagePointListLink l2"
    b"|currentTime t3 quality b4"
    b"|pIN i5"
    b"|EndDevice oc"
    b"|lFDI x7 sFDI d9 enabled fa DERListLink l6 LogEventListLink l8 RegistrationLink lc "
    b"FunctionSetAssignmentsListLink lb ConnectionPointLink ld postRate si"
    b"|FunctionSetAssignments oe"
    b"|DERProgramListLink le TimeLink l0"
    b"|DERProgram og"
    b"|mRID kn primacy ph DefaultDERControlLink lf DERControlListLink lg"
    b"|DER oi"
    b"|AssociatedDERProgramListLink le DERCapabilityLink lj DERSettingsLink lk DERStatusLink ll "
    b"DERAvailabilityLink lm"
    b"|MirrorUsagePoint ok"
    b"|mRID xn deviceLFDI x7 postRate si"
    b"|connectionPointId no id no"
)
IN_BASE = const(5)  # tables by their place in the text
ROOTS = const(6)
_QUICK_ROWS = const(18)

# A list: a constant tuple has its own copy of each string.
ATTRIBUTES = [
    "time_href", "edev_href", "mup_href", "current", "quality", "pin", "der_href", "lfdi",
    "log_href", "sfdi", "enabled", "fsa_href", "registration_href", "cp_href", "derp_href",
    "dderc_href", "derc_href", "primacy", "post_rate", "dercap_href", "derg_href", "ders_href",
    "dera_href", "mrid", "cp_id",
]


def _columns():
    table, kind, dest, after = bytearray(), bytearray(), bytearray(), bytearray()
    place, quick, rows = array("H"), [], {}
    at = number = 0
    for line in TEXT.split(b"|"):
        words = line.split()
        for i in range(0, len(words), 2):
            name, code = words[i], words[i + 1]
            at = TEXT.find(name + b" ", at)
            key = name_key(name)
            last = rows.setdefault(key, len(kind))  # then to the end of that key's chain
            while last < len(after) and after[last] != NONE:
                last = after[last]
            if last < len(after):
                after[last] = len(kind)
            table.append(number)
            kind.append(_LETTERS.find(code[:1]))
            dest.append(int(code[1:], 36))
            place.append(at)
            after.append(NONE)
            if len(quick) < _QUICK_ROWS:
                quick.append(name)
        number += 1
    return rows, tuple(quick), bytes(table), bytes(kind), bytes(dest), place, bytes(after)


ROWS, QUICK, TABLE, KIND, DEST, AT, NEXT = _columns()
