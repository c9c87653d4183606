"""What an inverter and a meter measure now, from one contiguous block of registers each.

Enters: `live_count` registers read at `live_addr` by function `live_kind`, as one frame.  Leaves:
attributes in W, var, VA, 0.1 V and mHz, each ABSENT when the device does not have it.

    meter = Meter(walk, 0, sign=1)
    if meter.take(regs) == OK:
        site_w = meter.w

Value and scale factor come from the same frame, for some devices change the factor from read to
read; those of model 701 are static and read once, by Ratings.  Integers (10x, 20x, 701), float32
(11x, 21x) and maps without SunSpec (quirks.py) decode alike.  Limit: a frame of zeros only counts
as none, so a meter with its own supply is unknown while its line is dead.
"""

from micropython import const

from .quirks import METERS, row_of
from .points import (
    CONNECTION,
    FACTORS,
    INVERTER_DER,
    INVERTER_FLOAT,
    INVERTER_INT,
    METER_FLOAT,
    METER_INT,
    STATE_DER,
    STATE_FLOAT,
    STATE_INT,
)
from .sequence import OK, READ
from .values import ABSENT, ABSENT_ALL, NULL_FRAME, SunspecError, number, scale_factor, zeros

LIVE_MAX = const(84)  # registers of the longest block: model 701

# Rows of the tables: 2 + 3 * place in tools/points.py's lists.
_W = const(2)
_VAR = const(5)
_HZ = const(8)
_V_A = const(11)
_V_B = const(14)
_V_C = const(17)
_W_A = const(20)
_W_B = const(23)
_W_C = const(26)
_VAR_A = const(29)
_VAR_B = const(32)
_VAR_C = const(35)
_VA = const(38)
_END = const(41)
_NOTHING = b"\x00\x01" + b"\x00\x00\x05" * 13  # a table of points that are not there
# As a row of METERS: a register is read to see that it answers (OK), and no value comes of it.
UNREAD = ("", 0, READ, _NOTHING)

_ST = const(2)
_ALARM = const(5)
_CONN = const(8)
_TYPE = const(11)
_ON = const(14)
_PV = const(2)
_STOR = const(5)
_ECP = const(8)

_ST_LAST = const(8)  # STANDBY
_MPPT = const(4)
_THROTTLED = const(5)
_FAULT = const(7)
_RUNNING = const(7)  # genConnectStatus: connected, available, operating
_FAULTY = const(16)
_REPEATS_MAX = const(1 << 20)
_TOP_W = const(0x3FFFFFFE)

_NONE = const(5)
_APART = const(8)
_TWO = const(0x14)  # bits of the kinds of two registers: float32 and uint32

_INVERTERS = (
    (101, 103, INVERTER_INT), (111, 113, INVERTER_FLOAT), (701, 701, INVERTER_DER),
)
_METERS = ((201, 204, METER_INT), (211, 214, METER_FLOAT))

# Bits of Evt1 and Alrm (AC_OVER_VOLT ...) that IEEE 2030.5's alarmStatus has too: bit there, bit
# here. A manual shutdown is its "emergency local".
_ALARMS = b"\x0a\x01\x0b\x02\x08\x03\x09\x04\x06\x07"


class _Live:
    # What all of them have: a block, and the values that every one of them may measure.

    def __init__(self, base, table, sign, brief):
        if sign not in (1, -1):
            raise SunspecError("sign")
        self.sign = sign
        self._table = bytearray(table)
        if brief:
            _narrow(self._table)
        self.top_w = _TOP_W
        self.live_kind = READ
        self.live_addr = base + self._table[0]
        self.live_count = self._table[1]
        self.repeats = 0
        self._decode(None, _NOTHING)

    def take(self, regs):
        """Decode a frame: OK, ABSENT_ALL (the device sleeps) or NULL_FRAME (nothing but zeros).

        After NULL_FRAME every value is ABSENT, and so is a power beyond `top_w`.  `repeats`
        counts the frames in a row that said the same power, voltage and frequency as the one
        before: a frozen value; -1 after a frame of zeros.  SunspecError when `regs` is shorter
        than the block. Does not allocate.
        """
        if len(regs) < self.live_count:
            raise SunspecError("frame")
        if self.device is UNREAD:
            return OK
        # Fronius: a gateway short of time sends zeros, scale factors and all.
        if zeros(regs, self.live_count):
            self._decode(regs, _NOTHING)
            self.repeats = -1
            return NULL_FRAME
        w = self.w
        mhz = self.mhz
        dv_a = self.dv_a
        self._decode(regs, self._table)
        if (self.w == ABSENT and self.var == ABSENT and self.mhz == ABSENT
                and self.dv_a == ABSENT and self.dv_b == ABSENT and self.dv_c == ABSENT):
            self.repeats = 0
            return ABSENT_ALL
        same = w == self.w and mhz == self.mhz and dv_a == self.dv_a
        self.repeats = min(self.repeats + 1, _REPEATS_MAX) if same else 0
        return OK

    def _decode(self, regs, table):
        self.mhz = number(regs, table, _HZ, 3)
        self.dv_a = number(regs, table, _V_A, 1)
        self.dv_b = number(regs, table, _V_B, 1)
        self.dv_c = number(regs, table, _V_C, 1)
        self.va = number(regs, table, _VA, 0)
        self.w = self._power(regs, table, _W)
        self.var = self._power(regs, table, _VAR)
        self.w_a = self._power(regs, table, _W_A)
        self.w_b = self._power(regs, table, _W_B)
        self.w_c = self._power(regs, table, _W_C)
        self.var_a = self._power(regs, table, _VAR_A)
        self.var_b = self._power(regs, table, _VAR_B)
        self.var_c = self._power(regs, table, _VAR_C)

    def _power(self, regs, table, row):
        value = number(regs, table, row, 0)
        if not -self.top_w <= value <= self.top_w:
            return ABSENT
        return -value if self.sign < 0 else value


class Inverter(_Live):
    """An inverter: the device's first of 101..103, else of 111..113, else 701.

    `w` and `var`: generation and injection positive, `va`, `mhz`, `dv_a` `dv_b` `dv_c` (phase to
    neutral).  `phases`: 1, 2 (split phase) or 3.  `w_a` .. `var_c` are the device's own where it
    has them (701); with one phase that phase is all of it; `balanced` says that an inverter with
    more is known to share its power equally.  `brief`: read power and frequency only, for a slow
    line.  Of model 701 nothing is known before Ratings has run.

    What it is doing comes from two blocks of their own, since once a second is often enough:
    `state_count` registers at `state_addr` and, with model 122, `conn_count` at `conn_addr`.
    SunspecError when the device has no such model.
    """

    def __init__(self, walk, device, balanced=False, brief=False):
        i, table = walk.pick(device, _INVERTERS)
        self.walk = walk
        self.device = device
        self.index = i
        self._der = table is INVERTER_DER
        self.phases = 3 if self._der else walk.ids[i] % 10
        self._equal = balanced
        super().__init__(walk.addrs[i], table, 1, brief)
        state = STATE_DER if self._der else STATE_FLOAT if table is INVERTER_FLOAT else STATE_INT
        self._state = state
        self.state_addr = walk.addrs[i] + state[0]
        self.state_count = state[1] if state[0] + state[1] <= walk.lengths[i] + 2 else 0
        i = walk.find(device, 122, 122)
        self.conn_count = 3 if i >= 0 and walk.lengths[i] >= 3 else 0
        self.conn_addr = walk.addrs[i] + CONNECTION[0] if self.conn_count else 0
        self.st = self.alarms = self.gen_conn = self.stor_conn = self.ecp_conn = ABSENT

    def take_state(self, regs):
        """Decode what it is doing; OK, or ABSENT_ALL when it does not say.

        `st`: 1 OFF, 2 SLEEPING, 3 STARTING, 4 MPPT (running), 5 THROTTLED, 6 SHUTTING_DOWN,
        7 FAULT, 8 STANDBY.  `alarms`: bits of IEEE 2030.5's alarmStatus.  Of model 701 `phases`
        and `gen_conn` too. Does not allocate.
        """
        table = self._state
        st = number(regs, table, _ST, 0)
        if self._der:
            st += 1  # InvSt counts from 0
            if st < 0:
                on = number(regs, table, _ON, 0)
                st = _MPPT if on == 1 else 1 if on == 0 else ABSENT
            phases = number(regs, table, _TYPE, 0)
            if 0 <= phases < 3:
                self.phases = phases + 1
            conn = number(regs, table, _CONN, 0)
            self.gen_conn = conn if 0 <= conn <= 1 else ABSENT
            if conn == 1 and (st == _MPPT or st == _THROTTLED):  # noqa: PLR1714 (no tuple)
                self.gen_conn = _RUNNING
            if self.gen_conn != ABSENT and st == _FAULT:
                self.gen_conn |= _FAULTY
        # Power-One says 0 where it has none; a frame of zeros of a Fronius has a fault beside it.
        if st == _FAULT and self.repeats < 0:
            st = ABSENT
        self.st = st if 1 <= st <= _ST_LAST else ABSENT
        self.alarms = _alarms(number(regs, table, _ALARM, 0))
        return ABSENT_ALL if self.st == ABSENT else OK

    def take_conn(self, regs):
        """Decode model 122: `gen_conn`, `stor_conn` (bit 0 connected, 1 available, 2 operating,
        3 test, as in IEEE 2030.5) and `ecp_conn` (0, 1). Returns OK. Does not allocate.
        """
        self.gen_conn = number(regs, CONNECTION, _PV, 0)
        self.stor_conn = number(regs, CONNECTION, _STOR, 0)
        self.ecp_conn = number(regs, CONNECTION, _ECP, 0)
        return OK

    def take_factors(self, regs):
        """Keep the static scale factors of model 701; Ratings does this. Does not allocate."""
        table = self._table
        for row in range(_W, _END, 3):
            if table[row + 2] & _APART:
                sf = scale_factor(regs[INVERTER_DER[row + 1] - FACTORS])
                table[row + 1] = 255 if sf == ABSENT else sf + 16

    def _decode(self, regs, table):
        super()._decode(regs, table)
        n = self.phases
        if n > 1 and not self._equal:
            return
        if self.w_a == ABSENT and self.w != ABSENT:
            self.w_a = self.w // n
            if n > 1:
                self.w_b = self.w_a
                self.w_c = self.w - 2 * self.w_a if n > 2 else ABSENT
        if self.var_a == ABSENT and self.var != ABSENT:
            self.var_a = self.var // n
            if n > 1:
                self.var_b = self.var_a
                self.var_c = self.var - 2 * self.var_a if n > 2 else ABSENT


class Meter(_Live):
    """A meter at the connection point: the device's first of 201..204, else of 211..214.

    `w` and `var`, in total and by phase (`w_a` .. `var_c`): import positive.  The models leave the
    direction open, so it is settled at commissioning: `sign` is 1, or -1 for a meter that counts
    export positive.  Voltages are those of the phases; the average of the model also counts
    phases that are not wired.  With `walk` None it is a meter without SunSpec, and `device` the
    name of its row in quirks.py ("sdm630") or such a row.  SunspecError for another sign, a device
    without such a model or a name that is not there.
    """

    def __init__(self, walk, device, sign=1, brief=False):
        self.walk = walk
        self.device = device
        if walk:
            self.index, table = walk.pick(device, _METERS)
            self.phases = min(3, walk.ids[self.index] % 10)  # 204: three phases in delta
            super().__init__(walk.addrs[self.index], table, sign, brief)
            return
        row = row_of(METERS, device)
        self.index = -1
        self.phases = row[1]
        super().__init__(0, row[3], sign, brief)
        self.live_kind = row[2]


def _alarms(events):
    if events == ABSENT:
        return ABSENT
    bits = 0
    for i in range(0, 10, 2):
        bits |= (events >> _ALARMS[i] & 1) << _ALARMS[i + 1]
    return bits


def _narrow(table):
    # The least block that holds W, var and Hz; all that lies outside it becomes none.
    first = 255
    last = 0
    end = table[0] + table[1]
    for row in range(_W, _V_A, 3):
        sf = table[row + 1]
        size = 2 if 1 << (table[row + 2] & 7) & _TWO else 1
        first = min(first, table[row])
        last = max(last, table[row] + size, sf + 1 if sf < end else 0)
    table[0] = first
    table[1] = last - first
    for row in range(_V_A, _END, 3):
        sf = table[row + 1]
        size = 2 if 1 << (table[row + 2] & 7) & _TWO else 1
        if not first <= table[row] <= last - size or last <= sf < end:
            table[row + 2] = _NONE
