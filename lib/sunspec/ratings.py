"""What is read once: nameplate (120), settings (121), both in one (702), scale factors; DC inputs.

Enters: a handful of short reads.  Leaves: `rtg` and `set`, attributes in W, VA, var, Wh and
0.1 V, ABSENT where the device does not say.

    ratings = Ratings(inverter)
    ...                                       # run it as sequence.py shows
    print(ratings.rtg[RTG_VA], ratings.wmax_w)

    inputs = Modules(walk, 0)                 # the same way; inputs.of(PV) in W

A model that is missing or refuses to be read costs its values only.  Limit: ratings beyond 10 MW
are for no device of ours.
"""

from array import array

from micropython import const

from .points import (
    BATTERY_DER,
    CHARGE,
    DER_RATINGS,
    DER_SETTINGS,
    NAMEPLATE,
    ONCE,
    RATES_SF,
    SETTINGS,
)
from .sequence import READ, Reads
from .values import ABSENT, SunspecError, number, scale_factor, shifted, signed

# Places in `rtg` and `set`, in the order of the rows of points.py.
RTG_W = const(0)
RTG_VA = const(1)
RTG_VAR = const(2)
RTG_VAR_NEG = const(3)
RTG_CHA = const(4)
RTG_DIS = const(5)
RTG_WH = const(6)
RTG_DV = const(7)
_N = const(8)

_DERTYP = const(26)  # row of NAMEPLATE
_WH_ROW = const(5)  # row of BATTERY_DER
_TOP_W = const(0x1FFFFFFF)


# Kinds of a port of model 714; a module of 160 is PV.
PV = const(0)
ESS = const(1)
EV = const(2)

_MOST = const(8)
_UNAN = const(0xFFFF)
_NAN = const(0x8000)
# Of each model: first register and number of the head, where in it the number of modules and the
# scale factors of A, V and W stand, the first module, what a module takes, its block's first
# register and count, and where in that A, V, W and its state stand.
_MPPT = (2, 8, 6, 0, 1, 2, 10, 20, 9, 9, 0, 1, 2, 8)
_DER = (4, 15, 0, 11, 12, 13, 20, 25, 0, 23, 10, 11, 12, 22)


class Ratings(Reads):
    """Ratings and settings of an inverter.

    `rtg` (ratings: 120, 702, 713) and `set` (settings: 121, 702, 124) hold at RTG_W W, RTG_VA VA,
    RTG_VAR var injected, RTG_VAR_NEG var absorbed (0 or negative), RTG_CHA and RTG_DIS W of charge
    and discharge, RTG_WH Wh, RTG_DV nominal voltage in 0.1 V (of 702 between the lines where it
    has more than one phase).  `wmax_w`: what percents mean, the WMax of the settings, else the
    rating; the larger one where two models say it, a fraction rounded up.  `dertyp`: 4 PV, 82 PV
    with storage.  `pct_sf` (123), `der_sf`, `wset_sf` (704), `rate_sf` (124): scale factors.
    Of model 701 the inverter gets its factors and its first state.
    `result` SILENT: a lost answer left a gap, run it again. Does not allocate once it is made.
    """

    def __init__(self, inverter):
        self._inverter = inverter
        self.rtg = array("i", bytes(4 * _N))
        self.set = array("i", bytes(4 * _N))
        super().__init__(len(ONCE) >> 2)

    def begin(self):
        """Forget all and start over."""
        super().begin()
        for i in range(_N):
            self.rtg[i] = self.set[i] = ABSENT
        self.wmax_w = self.dertyp = ABSENT
        self.pct_sf = self.der_sf = self.wset_sf = self.rate_sf = ABSENT
        self._rated_w = self._set_w = ABSENT

    def place(self, step):
        at = 4 * step
        model = 100 * ONCE[at] + ONCE[at + 1]
        walk = self._inverter.walk
        i = walk.find(self._inverter.device, model, model)
        return i >= 0 and ONCE[at + 2] + ONCE[at + 3] <= walk.lengths[i] + 2 and self._ask(
            READ, walk.addrs[i] + ONCE[at + 2], ONCE[at + 3])

    def answer(self, step, outcome, regs):
        if outcome != 0:
            return
        if step == 0:
            self._fill(self.rtg, NAMEPLATE, regs)
            self.dertyp = number(regs, NAMEPLATE, _DERTYP, 0)
        elif step == 1:
            self._fill(self.set, SETTINGS, regs)
        elif step == 2:
            self._fill(self.rtg, DER_RATINGS, regs)
            self._fill(self.set, DER_SETTINGS, regs)
        elif step == 3:
            self.pct_sf = scale_factor(regs[0])
        elif step == 4:
            self.der_sf = scale_factor(regs[0])
            self.wset_sf = scale_factor(regs[1])
        elif step == 5:
            self.set[RTG_CHA] = number(regs, CHARGE, 2, 0)
            self.rate_sf = scale_factor(regs[RATES_SF - CHARGE[0]])
        elif step == 6:
            self.rtg[RTG_WH] = number(regs, BATTERY_DER, _WH_ROW, 0)
        elif step == 7:
            self._inverter.take_factors(regs)
        else:
            self._inverter.take_state(regs)

    def differs(self, other):
        """True where a number means another power than by `other`; absent factors tell nothing.

        Does not allocate.
        """
        return (self.wmax_w != other.wmax_w
                or ABSENT != self.pct_sf != other.pct_sf or ABSENT != self.der_sf != other.der_sf
                or ABSENT != self.wset_sf != other.wset_sf
                or ABSENT != self.rate_sf != other.rate_sf)

    def _fill(self, values, table, regs):
        for i in range(_N):
            value = number(regs, table, 2 + 3 * i, 1 if i == RTG_DV else 0)
            if i == RTG_VAR_NEG and value > 0:
                value = -value
            if value != ABSENT:
                values[i] = value
        # A WMax taken too low would make every percentage too high. 0 W is as good as absent.
        whole = number(regs, table, 2, 0)
        milli = number(regs, table, 2, 3)
        if milli != ABSENT and milli > whole * 1000:
            whole += 1
        if whole > 0 and values is self.set:
            self._set_w = max(self._set_w, whole)
        elif whole > 0:
            self._rated_w = max(self._rated_w, whole)
        self.wmax_w = self._rated_w if self._set_w == ABSENT else self._set_w
        if 0 < self.wmax_w < _TOP_W:
            self._inverter.top_w = 2 * self.wmax_w


class Modules(Reads):
    """The DC inputs: model 160 of a device of the walk, else 714; run again to read anew.

    The length of 714 differs by day and night on some devices (SMA STP X): run Header first when
    more than a minute has passed.  At most 8 modules are read; `there` counts those beyond too.
    `there`: modules that the device says it has; `n`: how many were read, of which `w` (W), `dv`
    (0.1 V), `ma` (mA), `kinds` (PV, ESS, EV, ...) and `st` (160: DCSt, 714: DCSta) are arrays with
    ABSENT for what a module does not have.  Signs are the device's.  SunspecError when it has
    neither model.  `result` as Reads; what was not answered is ABSENT.
    """

    def __init__(self, walk, device):
        i = walk.find(device, 160, 160)
        self._form = _MPPT
        if i < 0:
            i = walk.find(device, 714, 714)
            self._form = _DER
        if i < 0:
            raise SunspecError("no model 160 or 714")
        form = self._form
        self.index = i
        self._addr = walk.addrs[i]
        room = max(0, walk.lengths[i] + 2 - form[6]) // form[7]
        super().__init__(1 + min(room, _MOST))
        self.there = self.n = 0
        self._sf = array("i", (0, 0, 0))
        self.w, self.dv, self.ma, self.kinds, self.st = (
            array("i", (ABSENT for _ in range(_MOST))) for _ in range(5))

    def begin(self):
        """Start over: read them all anew. Does not allocate."""
        super().begin()
        self.n = 0

    def of(self, kind):
        """The power of all modules of that kind in W; ABSENT when none of them says it."""
        total = ABSENT
        for i in range(self.n):
            w = self.w[i]
            if self.kinds[i] == kind and w != ABSENT:
                total = w if total == ABSENT else total + w
        return total

    def place(self, step):
        form = self._form
        if step == 0:
            return self._ask(READ, self._addr + form[0], form[1])
        if step > self.there:
            return False
        return self._ask(READ, self._addr + form[6] + form[7] * (step - 1) + form[8], form[9])

    def answer(self, step, outcome, regs):
        form = self._form
        if step == 0:
            self.there = 0
            if outcome == 0 and regs[form[2]] != _UNAN:
                self.there = regs[form[2]]
                for k in range(3):
                    self._sf[k] = scale_factor(regs[form[3 + k]])
            return
        i = step - 1
        self.n = step
        good = outcome == 0
        self.ma[i] = self._value(regs, 0, 3, form is _DER) if good else ABSENT
        self.dv[i] = self._value(regs, 1, 1, False) if good else ABSENT
        self.w[i] = self._value(regs, 2, 0, form is _DER) if good else ABSENT
        self.kinds[i] = (regs[0] if form is _DER else PV) if good else ABSENT
        self.st[i] = regs[form[13]] if good and regs[form[13]] != _UNAN else ABSENT

    def _value(self, regs, k, places, has_sign):
        raw, sf = regs[self._form[10 + k]], self._sf[k]
        if sf == ABSENT or raw == (_NAN if has_sign else _UNAN):
            return ABSENT
        return shifted(signed(raw) if has_sign else raw, sf + places)
