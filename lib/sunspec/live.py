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

# Rows of the tables of points.py: 2 + 3 * place in tools/points.py's lists.
_W = const(2)
_VAR = const(5)
_HZ = const(8)
_V_A = const(11)
_V_B = const(14)
_V_C = const(17)
_VA = const(20)  # inverter
_ST = const(23)
_W_A = const(20)  # meter
_W_B = const(23)
_W_C = const(26)
_VAR_A = const(29)
_VAR_B = const(32)
_VAR_C = const(35)

_ST_LAST = const(8)  # STANDBY
_REPEATS_MAX = const(1 << 20)

_INVERTERS = (101, 103, 111, 113)
_METERS = (201, 204, 211, 214)


class _Live:
    # What both have: the model, its block, and the values that every one of them measures.

    def __init__(self, walk, device, spans, ints, floats):
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
        self._forget()

    def take(self, regs):
        """Decode a frame: OK, ABSENT_ALL (the device sleeps) or NULL_FRAME (nothing but zeros).

        After NULL_FRAME every value is ABSENT.  `repeats` counts the frames in a row that said
        the same power, voltage and frequency as the one before: a frozen value.  SunspecError
        when `regs` is shorter than the block. Does not allocate.
        """
        if len(regs) < self.live_count:
            raise SunspecError("frame")
        # Fronius: a gateway short of time sends zeros, scale factors and all.
        if _zeros(regs, self.live_count):
            self._forget()
            self.repeats = 0
            return NULL_FRAME
        w = self.w
        mhz = self.mhz
        dv_a = self.dv_a
        self._decode(regs, self._table)
        if self._asleep():
            self.repeats = 0
            return ABSENT_ALL
        same = w == self.w and mhz == self.mhz and dv_a == self.dv_a
        self.repeats = min(self.repeats + 1, _REPEATS_MAX) if same else 0
        return OK

    def _forget(self):
        self.w = self.var = self.mhz = self.dv_a = self.dv_b = self.dv_c = ABSENT

    def _decode(self, regs, table):
        self.w = number(regs, table, _W, 0)
        self.var = number(regs, table, _VAR, 0)
        self.mhz = number(regs, table, _HZ, 3)
        self.dv_a = number(regs, table, _V_A, 1)
        self.dv_b = number(regs, table, _V_B, 1)
        self.dv_c = number(regs, table, _V_C, 1)

    def _asleep(self):
        return (self.w == ABSENT and self.var == ABSENT and self.mhz == ABSENT
                and self.dv_a == ABSENT and self.dv_b == ABSENT and self.dv_c == ABSENT)


class Inverter(_Live):
    """An inverter: the device's first of 101..103, else of 111..113.

    `w` and `var`: generation and injection positive, `va`, `mhz`, `dv_a` `dv_b` `dv_c` (phase to
    neutral).  `phases`: 1, 2 (split phase) or 3.  `st` is the operating state from a block of its
    own, `state_count` registers at `state_addr`, since once a second is often enough.
    SunspecError when the device has no such model.
    """

    def __init__(self, walk, device):
        super().__init__(walk, device, _INVERTERS, INVERTER_INT, INVERTER_FLOAT)
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

    def _forget(self):
        super()._forget()
        self.va = ABSENT

    def _decode(self, regs, table):
        super()._decode(regs, table)
        self.va = number(regs, table, _VA, 0)


class Meter(_Live):
    """A meter at the connection point: the device's first of 201..204, else of 211..214.

    `w` and `var`, in total and by phase (`w_a` .. `var_c`): import positive.  The models leave the
    direction open, so it is settled at commissioning: `sign` is 1, or -1 for a meter that counts
    export positive.  Voltages are those of the phases; the average of the model also counts
    phases that are not wired. SunspecError for another sign or a device without such a model.
    """

    def __init__(self, walk, device, sign=1):
        if sign not in (1, -1):
            raise SunspecError("sign")
        self._sign = sign
        super().__init__(walk, device, _METERS, METER_INT, METER_FLOAT)

    def _forget(self):
        super()._forget()
        self.w_a = self.w_b = self.w_c = ABSENT
        self.var_a = self.var_b = self.var_c = ABSENT

    def _decode(self, regs, table):
        super()._decode(regs, table)
        self.w = self._toward(self.w)
        self.var = self._toward(self.var)
        self.w_a = self._toward(number(regs, table, _W_A, 0))
        self.w_b = self._toward(number(regs, table, _W_B, 0))
        self.w_c = self._toward(number(regs, table, _W_C, 0))
        self.var_a = self._toward(number(regs, table, _VAR_A, 0))
        self.var_b = self._toward(number(regs, table, _VAR_B, 0))
        self.var_c = self._toward(number(regs, table, _VAR_C, 0))

    def _toward(self, value):
        return -value if self._sign < 0 and value != ABSENT else value


def _zeros(regs, count):
    for i in range(count):
        if regs[i]:
            return False
    return True
