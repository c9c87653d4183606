"""What an inverter and a meter measure now, from one contiguous block of registers each.

Enters: `live_count` registers read at `live_addr` as one frame.  Leaves: attributes in W, var, VA,
0.1 V and mHz, each ABSENT when the device does not have it.

    meter = Meter(walk, 0, sign=1)
    if meter.take(regs) == OK:
        site_w = meter.w

Value and scale factor come from the same frame, for some devices change the factor from read to
read.  Models with integers (10x, 20x) and with float32 (11x, 21x) decode alike.  Limit: a frame
of zeros only counts as none, so a meter with its own supply is unknown while its line is dead.
"""

from micropython import const

from .points import INVERTER_FLOAT, INVERTER_INT, METER_FLOAT, METER_INT
from .sequence import OK
from .values import ABSENT, ABSENT_ALL, NULL_FRAME, SunspecError, number

# Attributes in the order of the tables of points.py, two bytes and then three for each, and the
# decimal places of those that all have.  Lists: a constant tuple has its own copy of each string.
_PLACES = b"\x00\x00\x03\x01\x01\x01"
_COMMON = const(6)
_INVERTER = ["w", "var", "mhz", "dv_a", "dv_b", "dv_c", "va"]
_METER = [
    "w", "var", "mhz", "dv_a", "dv_b", "dv_c", "w_a", "w_b", "w_c", "var_a", "var_b", "var_c",
]
_ST = const(23)  # row of St in the table of an inverter

_ST_LAST = const(8)  # STANDBY
_REPEATS_MAX = const(1 << 20)

_INVERTERS = (101, 103, 111, 113)
_METERS = (201, 204, 211, 214)


class _Live:
    # What both have: the model, its block, and the values that every one of them measures.

    def __init__(self, walk, device, spans, names, ints, floats, sign):
        table = ints
        i = walk.find(device, spans[0], spans[1])
        if i < 0:
            table = floats
            i = walk.find(device, spans[2], spans[3])
        if i < 0:
            raise SunspecError("no model to read")
        if table[0] + table[1] > walk.lengths[i] + 2:
            raise SunspecError("model too short")
        self.walk = walk
        self.device = device
        self.index = i
        self.phases = min(3, walk.ids[i] % 10)  # 204 is a three-phase meter in delta
        self.live_addr = walk.addrs[i] + table[0]
        self.live_count = table[1]
        self.repeats = 0
        self._table = table
        self._names = names
        self._sign = sign
        self._decode(None)

    def take(self, regs):
        """Decode a frame: OK, ABSENT_ALL (the device sleeps) or NULL_FRAME (nothing but zeros).

        After NULL_FRAME every value is ABSENT.  `repeats` counts the frames in a row that said
        the same power, voltage and frequency as the one before: a frozen value.  SunspecError
        when `regs` is shorter than the block. Does not allocate.
        """
        if len(regs) < self.live_count:
            raise SunspecError("frame shorter than its block")
        # Fronius: a gateway short of time sends zeros, scale factors and all.
        n = self.live_count
        while n and not regs[n - 1]:
            n -= 1
        w = self.w
        mhz = self.mhz
        dv_a = self.dv_a
        absent = self._decode(regs if n else None)
        same = w == self.w and mhz == self.mhz and dv_a == self.dv_a and absent < _COMMON
        self.repeats = min(self.repeats + 1, _REPEATS_MAX) if same else 0
        if not n:
            return NULL_FRAME
        return OK if absent < _COMMON else ABSENT_ALL

    def _decode(self, regs):
        # Every value, ABSENT where there are no registers. Returns how many common ones are.
        absent = 0
        for i in range(len(self._names)):
            places = _PLACES[i] if i < _COMMON else 0
            value = ABSENT if regs is None else number(regs, self._table, 2 + 3 * i, places)
            if value == ABSENT:
                absent += i < _COMMON
            elif self._sign < 0 and not places:  # power, not voltage or frequency
                value = -value
            setattr(self, self._names[i], value)
        return absent


class Inverter(_Live):
    """An inverter: the device's first of 101..103, else of 111..113.

    `w` and `var`: generation and injection positive, `va`, `mhz`, `dv_a` `dv_b` `dv_c` (phase to
    neutral).  `phases`: 1, 2 (split phase) or 3.  `st` is the operating state from a block of its
    own, `state_count` registers at `state_addr`, since once a second is often enough.
    SunspecError when the device has no such model.
    """

    def __init__(self, walk, device):
        super().__init__(walk, device, _INVERTERS, _INVERTER, INVERTER_INT, INVERTER_FLOAT, 1)
        offset = self._table[_ST]
        self.state_addr = walk.addrs[self.index] + offset
        self.state_count = 1 if offset < walk.lengths[self.index] + 2 else 0
        self.st = ABSENT

    def take_state(self, regs):
        """Decode St: 1 OFF .. 4 MPPT, 5 THROTTLED, 7 FAULT, 8 STANDBY; OK or ABSENT_ALL.

        Power-One says 0 where it has none. Does not allocate.
        """
        self.st = regs[0] if 1 <= regs[0] <= _ST_LAST else ABSENT
        return ABSENT_ALL if self.st == ABSENT else OK


class Meter(_Live):
    """A meter at the connection point: the device's first of 201..204, else of 211..214.

    `w` and `var`, in total and by phase (`w_a` .. `var_c`): import positive.  The models leave the
    direction open, so it is settled at commissioning: `sign` is 1, or -1 for a meter that counts
    export positive.  Voltages are those of the phases; the average of the model also counts
    phases that are not wired. SunspecError for another sign or a device without such a model.
    """

    def __init__(self, walk, device, sign=1):
        if sign not in (1, -1):
            raise SunspecError("sign: 1 or -1")
        super().__init__(walk, device, _METERS, _METER, METER_INT, METER_FLOAT, sign)
