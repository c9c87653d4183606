"""What is read once: nameplate (120), settings (121), both in one (702), and scale factors.

Enters: a handful of short reads.  Leaves: `rtg` and `set`, attributes in W, VA, var, Wh and
0.1 V, ABSENT where the device does not say.

    ratings = Ratings(inverter)
    ...                                       # run it as sequence.py shows
    print(ratings.rtg[RTG_VA], ratings.wmax_w)

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
from .values import ABSENT, number, scale_factor

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

    def _place(self, step):
        at = 4 * step
        model = 100 * ONCE[at] + ONCE[at + 1]
        walk = self._inverter.walk
        i = walk.find(self._inverter.device, model, model)
        return i >= 0 and ONCE[at + 2] + ONCE[at + 3] <= walk.lengths[i] + 2 and self._ask(
            READ, walk.addrs[i] + ONCE[at + 2], ONCE[at + 3])

    def _answer(self, step, outcome, regs):
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
