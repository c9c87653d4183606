"""What is read once: nameplate (120), settings (121) and how the controls (123) are made.

Enters: a handful of short reads.  Leaves: attributes in W, VA and var, ABSENT where the device
does not say.

    ratings = Ratings(inverter)
    ...                                       # run it as sequence.py shows
    limit = Limit(inverter, ratings)

A model that is missing or refuses to be read costs its values only.  Limit: ratings beyond 10 MW
are for no device of ours.
"""

from micropython import const

from .points import CONTROLS, NAMEPLATE, SETTINGS
from .sequence import READ, Reads
from .values import ABSENT, number, scale_factor

_STEPS = const(9)
_NAMEPLATE = const(0)
_SETTINGS = const(1)
_SCALE = const(2)
_BLOCK = const(3)
_SINGLE = const(4)  # .. 8: the registers of the block one by one

_MODELS = (120, 121, 123, 123, 123, 123, 123, 123, 123)

# Rows of the tables of points.py.
_DERTYP = const(2)
_WRTG = const(5)
_VARTG = const(8)
_RTG_Q1 = const(11)
_RTG_Q4 = const(14)
_WMAX = const(2)
_VAMAX = const(5)
_MAX_Q1 = const(8)
_MAX_Q4 = const(11)

_NAN = const(0xFFFF)
_ALL = const(31)


class Ratings(Reads):
    """Ratings and settings of an inverter.

    Model 120: `dertyp` (4 PV, 82 PV with storage), `wrtg_w`, `vartg_va`, `varrtg_q1_var`
    (injected), `varrtg_q4_var` (absorbed).  121: `vamax_va`, `varmax_q1_var`, `varmax_q4_var`.
    `wmax_w`: 121's WMax, else 120's WRtg, a fraction rounded up; what percents of model 123 mean.
    Model 123: `pct_sf` (-10 .. 10); bits from WMaxLimPct (0) to WMaxLim_Ena (4): `implemented`
    (did not read as its sentinel), `readable`; `block`: all five can be read at once.
    `result` SILENT: a lost answer left a gap, run it again. Does not allocate once it is made.
    """

    def __init__(self, inverter):
        self._walk = inverter.walk
        self._device = inverter.device
        super().__init__(_STEPS)

    def begin(self):
        """Forget all and start over."""
        super().begin()
        self.dertyp = self.wrtg_w = self.vartg_va = ABSENT
        self.varrtg_q1_var = self.varrtg_q4_var = ABSENT
        self.wmax_w = self.vamax_va = self.varmax_q1_var = self.varmax_q4_var = ABSENT
        self.pct_sf = ABSENT
        self.implemented = _ALL
        self.readable = 0
        self.block = False

    def _place(self, step):
        walk = self._walk
        i = walk.find(self._device, _MODELS[step], _MODELS[step])
        if i < 0 or (step >= _SINGLE and self.block):
            return False
        if step == _NAMEPLATE:
            first, count = NAMEPLATE[0], NAMEPLATE[1]
        elif step == _SETTINGS:
            first, count = SETTINGS[0], SETTINGS[1]
        elif step == _SCALE:
            first, count = CONTROLS[3], 1
        elif step == _BLOCK:
            first, count = CONTROLS[0], CONTROLS[1]
        else:
            first, count = CONTROLS[0] + step - _SINGLE, 1
        return first + count <= walk.lengths[i] + 2 and self._ask(
            READ, walk.addrs[i] + first, count)

    def _answer(self, step, outcome, regs):
        if outcome != 0:
            return
        if step == _NAMEPLATE:
            self._took_nameplate(regs)
        elif step == _SETTINGS:
            self._took_settings(regs)
        elif step == _SCALE:
            self.pct_sf = scale_factor(regs[0])
        elif step == _BLOCK:
            self.block = True
            for i in range(CONTROLS[1]):
                self._took_control(i, regs[i])
        else:
            self._took_control(step - _SINGLE, regs[0])

    def _took_nameplate(self, regs):
        self.dertyp = number(regs, NAMEPLATE, _DERTYP, 0)
        self.wrtg_w = number(regs, NAMEPLATE, _WRTG, 0)
        self.vartg_va = number(regs, NAMEPLATE, _VARTG, 0)
        self.varrtg_q1_var = number(regs, NAMEPLATE, _RTG_Q1, 0)
        self.varrtg_q4_var = number(regs, NAMEPLATE, _RTG_Q4, 0)
        self.wmax_w = _rounded_up(regs, NAMEPLATE, _WRTG)

    def _took_settings(self, regs):
        # WMaxLimPct is a percentage of WMax (model 123); WRtg stands in for it where it is not.
        wmax_w = _rounded_up(regs, SETTINGS, _WMAX)
        if wmax_w != ABSENT:
            self.wmax_w = wmax_w
        self.vamax_va = number(regs, SETTINGS, _VAMAX, 0)
        self.varmax_q1_var = number(regs, SETTINGS, _MAX_Q1, 0)
        self.varmax_q4_var = number(regs, SETTINGS, _MAX_Q4, 0)

    def _took_control(self, i, value):
        self.readable |= 1 << i
        # Pct and Ena are mandatory: a sentinel there is a device asleep, not one without them.
        if value == _NAN and 0 < i < 4:
            self.implemented &= ~(1 << i)


def _rounded_up(regs, table, row):
    # A WMax taken too low would make every percentage too high. 0 W is as good as absent.
    whole = number(regs, table, row, 0)
    milli = number(regs, table, row, 3)
    if milli != ABSENT and milli > whole * 1000:
        whole += 1
    return whole if whole else ABSENT
