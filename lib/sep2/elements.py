"""Every element that the client reads, in one table: its name, its place, what becomes of it.

Enters: nothing.  Leaves: columns by row, and ROWS from the `key` of a name to its first row.

    row = ROWS.get(xml.key, NONE)           # then NEXT[row], the next row of the same key
    if TABLE[row] == table: kind, dest = KIND[row], DEST[row]

Rows stand in tables: what may stand within one element.  Keys are shared, even within a table, so
a name has to be compared in full.  Limit: 254 rows, and names of less than 64 bytes.
"""

from array import array

from micropython import const
from xmlpull import key as name_key

from .record import DURATION_MAX

NONE = const(255)  # no row

# Kinds, in the order of the letters of _KINDS. First plain text: integers by their range ...
BYTE = const(0)
PRIMACY = const(1)
SHORT = const(2)
PIN = const(3)
STATUS_OF = const(4)
SHIFT = const(5)
SECONDS = const(6)  # held at the highest
PERCENT = const(7)  # mode of hundredths of a percent
SIGNED_PERCENT = const(8)
MULTIPLIER = const(9)
FLAG = const(10)  # boolean, to 1 or 0
SWITCH = const(11)  # mode of a boolean
# ... then text of other kinds ...
TIME = const(12)  # Int64 Unix time, to s since EPOCH
MRID = const(13)
BITMAP = const(14)  # hex digits, to int
POWER_VALUE = const(15)
DIGITS = const(16)  # decimal digits, to bytes
HEX_DIGITS = const(17)  # hex digits, to bytes in upper case
# ... then elements that may hold others.
LINK = const(18)  # with an href, to str
GROUP = const(19)
LIST_ITEM = const(20)
LIMIT = const(21)  # mode of an ActivePower that is not below zero
TARGET = const(22)  # mode of an ActivePower
ROOT = const(23)

_KINDS = b"bphiursPQmfwtkcvdxlgoLTR"
LOWEST = (0, 0, 0, 0, 0, -3600, 0, 0, -10000, -9, 0, 0)
HIGHEST = (255, 255, 65535, 0xFFFFFFFF, 4, 3600, DURATION_MAX, 10000, 10000, 9, 1, 1)

# Tables, as they are counted in _TEXT.
IN_POWER = const(0)
IN_BASE = const(3)
ROOTS = const(4)

# A name, the letter of its kind, and one digit of 0-9 a-z: the index in a record, the mode, the
# place in ATTRIBUTES or, of what holds others, their table.  "|" begins the next table.
_TEXT = (
    b"value v0 multiplier m0"
    b"|currentStatus u1"
    b"|duration s3 start t2"
    b"|opModImpLimW L6 opModExpLimW L5 opModGenLimW L7 opModLoadLimW L8 opModTargetW T4 "
    b"opModStorageTargetW T9 opModConnect w0 opModEnergize w1 opModFixedW Q2 opModMaxLimW P3 "
    b"rampTms h8"
    b"|DERControlList R5 DefaultDERControl R7 DeviceCapability R8 Time R9 Registration Ra "
    b"EndDeviceList Rb EndDevice oc FunctionSetAssignmentsList Rd DERProgramList Rf"
    b"|DERControl o6"
    b"|mRID k0 creationTime t0 EventStatus g1 interval g2 DERControlBase g3 deviceCategory c7 "
    b"randomizeStart r4 randomizeDuration r5"
    b"|mRID k0 DERControlBase g3 setGradW h9"
    b"|TimeLink l0 EndDeviceListLink l1 MirrorUsagePointListLink l2"
    b"|currentTime t3 quality b4"
    b"|pIN i5"
    b"|EndDevice oc"
    b"|lFDI x7 sFDI d9 enabled fa DERListLink l6 LogEventListLink l8 RegistrationLink lc "
    b"FunctionSetAssignmentsListLink lb ConnectionPointLink ld"
    b"|FunctionSetAssignments oe"
    b"|DERProgramListLink le TimeLink l0"
    b"|DERProgram og"
    b"|primacy ph DefaultDERControlLink lf DERControlListLink lg"
)

ATTRIBUTES = (
    "time_href", "edev_href", "mup_href", "current", "quality", "pin", "der_href", "lfdi",
    "log_href", "sfdi", "enabled", "fsa_href", "registration_href", "cp_href", "derp_href",
    "dderc_href", "derc_href", "primacy",
)

ROWS = {}
KIND = bytearray()
DEST = bytearray()
TABLE = bytearray()
NEXT = bytearray()
_AT = array("H")  # where the name stands in _TEXT
# The names of long lists as bytes: window.find() compares those ten times faster than a loop.
QUICK_TABLES = const(7)
QUICK = []


def _read_text():
    at = 0
    for table, line in enumerate(_TEXT.split(b"|")):
        words = line.split()
        for i in range(0, len(words), 2):
            name, code = words[i], words[i + 1]
            at = _TEXT.find(name, at)
            row = len(KIND)
            KIND.append(_KINDS.find(code[:1]))
            DEST.append(int(code[1:], 36))
            TABLE.append(table)
            _AT.append(at)
            NEXT.append(ROWS.get(name_key(name), NONE))
            ROWS[name_key(name)] = row
            at += len(name)
            if table < QUICK_TABLES and table != ROOTS:
                QUICK.append(name)
