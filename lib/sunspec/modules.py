"""The DC inputs of an inverter: models 160 and 714.

Enters: a read of the model's head and one of each module.  Leaves: power, voltage, current, kind
and state of each.

    inputs = Modules(walk, 0)
    ...                                       # run it as sequence.py shows, again to read anew
    print(inputs.n, inputs.w[0], inputs.of(PV))

The length of 714 differs by day and night on some devices (SMA STP X): run Header first when more
than a minute has passed.  Limit: 8 modules; those beyond are counted in `there` and not read.
"""

from array import array

from micropython import const

from .sequence import READ, Reads
from .values import ABSENT, SunspecError, scale_factor, shifted, signed

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


class Modules(Reads):
    """Model 160 of a device of the walk, else 714.

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

    def _place(self, step):
        form = self._form
        if step == 0:
            return self._ask(READ, self._addr + form[0], form[1])
        if step > self.there:
            return False
        return self._ask(READ, self._addr + form[6] + form[7] * (step - 1) + form[8], form[9])

    def _answer(self, step, outcome, regs):
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
