"""Power limits of the site out of what the schedule says, and what holds where it says nothing.

Enters: an evaluated Schedule and setMaxW.  Leaves: W per limit, and where each comes from.

    envelope = Envelope(site_exp_w, site_imp_w, failsafe_exp_w, failsafe_imp_w)
    envelope.update(schedule, complete, wmax_w)
    if export_w > envelope.exp_w: ...

Export and import are never without a limit: what a completely read tree leaves open is ruled by
the connection contract, an unread tree by the persisted default, else by the fail-safe values.
Until the tree was read once since boot the lower of both rules, as an unread program may be
tighter.  Every rounding is toward the lower limit.  Limit: ratings up to 1 MW.
"""

from array import array

from micropython import const

from .record import (
    ABSENT, CONNECT, ENERGIZE, EXP_LIM_W, FIXED_W, GEN_LIM_W, IMP_LIM_W, LOAD_LIM_W, MAX_LIM_W,
    MODES, STORAGE_TARGET_W, TARGET_W, VALUE,
)

# Indexes of `source` and `ramp`.
EXP = const(0)
IMP = const(1)
GEN = const(2)
LOAD = const(3)

# Where a limit comes from.
EVENT = const(0)
DEFAULTED = const(1)
PERSISTED = const(2)
CONTRACT = const(3)
FAILSAFE = const(4)
OPEN = const(5)  # no limit: generation and load alone


def part_w(pct100, wmax_w):
    """pct100 (-10000 .. 10000) of wmax_w (0 .. 1,000,000), toward zero, within the small ints."""
    if pct100 < 0:
        return -part_w(-pct100, wmax_w)
    return wmax_w // 10000 * pct100 + wmax_w % 10000 * pct100 // 10000


class Envelope:
    """Contract and fail-safe limits are W, 0 or more; allocates once.

    exp_w, imp_w: limits at the connection point, always a number.  gen_w, load_w: limits of the
    DER, ABSENT when open.  max_w: opModMaxLimW in W, ABSENT when open; it is in exp_w and gen_w
    already.  target_w, storage_w: signed set points as they were said, ABSENT when none.
    connect, energize: 1, or 0 when the DER has to leave the grid or cease to energise.
    source[EXP .. LOAD]: EVENT, DEFAULTED, PERSISTED, CONTRACT, FAILSAFE or OPEN.
    ramp[EXP .. LOAD]: rampTms of the event that supplies the limit, else -1 (then setGradW holds).
    """

    def __init__(self, site_exp_w, site_imp_w, failsafe_exp_w, failsafe_imp_w):
        self._site_exp_w = max(0, site_exp_w)
        self._site_imp_w = max(0, site_imp_w)
        self._failsafe_exp_w = max(0, failsafe_exp_w)
        self._failsafe_imp_w = max(0, failsafe_imp_w)
        self.source = bytearray(b"\x04\x04\x05\x05")
        self.ramp = array("i", (-1, -1, -1, -1))
        self.exp_w = self._failsafe_exp_w
        self.imp_w = self._failsafe_imp_w
        self.gen_w = self.load_w = self.max_w = ABSENT
        self.target_w = self.storage_w = ABSENT
        self.connect = self.energize = 1
        self._w = ABSENT  # the limit being worked out, with its source and ramp
        self._source = OPEN
        self._ramp = -1

    def update(self, schedule, complete, wmax_w, charge_w=0):
        """Work out every limit. Does not allocate.

        complete: programs, controls and defaults were all read to their ends since boot.
        wmax_w: setMaxW, 0 .. 1,000,000.  charge_w: setMaxChargeRateW, for a negative opModFixedW.
        """
        self.connect = self._switch(schedule, CONNECT, complete)
        self.energize = self._switch(schedule, ENERGIZE, complete)
        self.exp_w = self._site(schedule, EXP, EXP_LIM_W, complete, wmax_w)
        self.imp_w = self._site(schedule, IMP, IMP_LIM_W, complete, -1)
        self.gen_w = self._device(schedule, GEN, GEN_LIM_W, complete, wmax_w)
        self.load_w = self._device(schedule, LOAD, LOAD_LIM_W, complete, -1)
        pct = schedule.values[MAX_LIM_W]
        self.max_w = ABSENT if pct == ABSENT else max(0, part_w(pct, wmax_w))
        self._set_points(schedule, wmax_w, charge_w)
        if not self.connect or not self.energize:  # they dominate everything (D7)
            mode = ENERGIZE if self.connect else CONNECT
            self.exp_w = self.gen_w = 0
            for limit in (0, 2):
                self.source[limit] = self._origin(schedule, mode)
                self.ramp[limit] = -1

    # Until the tree was read, a persisted "off" counts as well as one that was read.
    def _switch(self, schedule, mode, complete):
        persisted = schedule.defaults.persisted
        if not complete and persisted[MODES] >> mode & 1 and not persisted[VALUE + mode]:
            return 0
        return 0 if schedule.values[mode] == 0 else 1  # absent is allowed (J38)

    def _site(self, schedule, limit, mode, complete, wmax_w):
        self._known(schedule, mode, wmax_w)
        if complete:
            if self._w == ABSENT:
                self._lower(self._site_exp_w if limit == EXP else self._site_imp_w, CONTRACT, -1)
        elif not self._persisted(schedule, mode, wmax_w):
            failsafe = self._failsafe_exp_w if limit == EXP else self._failsafe_imp_w
            self._lower(failsafe, FAILSAFE, -1)
        return self._say(limit)

    def _device(self, schedule, limit, mode, complete, wmax_w):
        self._known(schedule, mode, wmax_w)
        if not complete:
            self._persisted(schedule, mode, wmax_w)
        return self._say(limit)

    # What the schedule has for a limit: its own mode and, where wmax_w is not -1, opModMaxLimW
    # (J25: the handbook's site export and the standard's generation, both).
    def _known(self, schedule, mode, wmax_w):
        self._w = ABSENT
        self._source = OPEN
        self._ramp = -1
        w = schedule.values[mode]
        if w != ABSENT:
            self._lower(w, self._origin(schedule, mode), schedule.ramp[mode])
        pct = schedule.values[MAX_LIM_W]
        if pct != ABSENT and wmax_w >= 0:
            origin = self._origin(schedule, MAX_LIM_W)
            self._lower(part_w(pct, wmax_w), origin, schedule.ramp[MAX_LIM_W])

    # The persisted default's limit counts; False when it has none.
    def _persisted(self, schedule, mode, wmax_w):
        rec = schedule.defaults.persisted
        found = False
        if rec[MODES] >> mode & 1:
            self._lower(rec[VALUE + mode], PERSISTED, -1)
            found = True
        if rec[MODES] >> MAX_LIM_W & 1 and wmax_w >= 0:
            self._lower(part_w(rec[VALUE + MAX_LIM_W], wmax_w), PERSISTED, -1)
            found = True
        return found

    def _lower(self, w, source, ramp):
        w = max(0, w)
        if self._w == ABSENT or w < self._w:
            self._w = w
            self._source = source
            self._ramp = ramp

    def _say(self, limit):
        self.source[limit] = self._source
        self.ramp[limit] = self._ramp
        return self._w

    def _origin(self, schedule, mode):
        if schedule.winner[mode] >= 0:
            return EVENT
        return PERSISTED if schedule.defaults.from_persisted >> mode & 1 else DEFAULTED

    # Whoever carries them out keeps them within the limits, and these have ramps (D7).
    def _set_points(self, schedule, wmax_w, charge_w):
        target = schedule.values[TARGET_W]
        pct = schedule.values[FIXED_W]
        if target == ABSENT and pct != ABSENT:
            target = part_w(pct, charge_w if pct < 0 else wmax_w)
        self.target_w = target
        self.storage_w = schedule.values[STORAGE_TARGET_W]
