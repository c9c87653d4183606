"""Holds the export at the connection point under its limit by capping one inverter.

Enters, each 200 ms: export at the meter and power of the inverter with their ages, and the limits
in force.  Leaves: the inverter's cap in W.

    law = Controller(wmax_w=10000)
    cap_w = law.step(export_w, 100, p_w, 100, exp_limit_w, gen_limit_w)

The load behind the meter is observed as inverter power minus export.  It does not depend on the
cap, so feeding it forward closes no loop that could swing.  The least load of the last `window`
steps decides: a load that just appeared is not trusted until the window has passed, one that
vanished counts at once.  The cap therefore falls at once and rises slowly.

    STALE --fresh and sane samples--> TRACKING --old or absurd sample--> STALE

STALE is open loop: the inverter alone, with all generation that nobody steers, stays under the
limit whatever the load does.  Limit: ratings up to 1 MW, so that every value is a small int.
"""

from array import array

from micropython import const

STALE = const(0)
TRACKING = const(1)

ABSENT = const(-0x3FFFFFFF)  # a measurement that is not there

_STALE_MS = const(2000)  # ten steps: an older sample tells nothing about now
_HOLD = const(5)  # steps that a cut stands before the cap may rise
_WMAX = const(1000000)
_POWER_MAX = const(2000000)  # no site beyond it is real
_LIMIT_MAX = const(8000000)  # a higher limit binds nowhere: export and load are below 4 MW each


class SiteControlError(Exception):
    """A rating or a window that the controller cannot work with."""


class Controller:
    """One inverter of `wmax_w` W (1 .. 1,000,000) behind one meter.

    `window`: steps over which the least load counts (2 .. 64); as long as the meter's age, the
    inverter's dead time and its lag together.  `uncontrolled_gen_w`: rating of generation behind
    the meter that is not steered (0 .. 2,000,000).  `site_max_w`: a meter value beyond it is
    absurd (the rating of the service fuse and half as much again); so is an inverter's beyond
    twice its rating.  SiteControlError when out of range.  Allocates its window once.
    """

    def __init__(self, wmax_w, window=10, uncontrolled_gen_w=0, site_max_w=_POWER_MAX):
        if not 1 <= wmax_w <= _WMAX:
            raise SiteControlError("wmax_w: 1 to 1000000")
        if not 2 <= window <= 64:
            raise SiteControlError("window: 2 to 64")
        if not 0 <= uncontrolled_gen_w <= _POWER_MAX or site_max_w < 1:
            raise SiteControlError("uncontrolled_gen_w: 0 to 2000000, site_max_w: from 1")
        self.wmax_w = wmax_w
        self._others_w = uncontrolled_gen_w
        self._site_max_w = min(site_max_w, _POWER_MAX)
        self._margin_w = wmax_w >> 7
        self._trim_step_w = max(1, wmax_w >> 13)
        self._band_w = max(1, wmax_w >> 9)  # changes below this are not worth a write
        self._loads = array("i", bytes(4 * window))
        self._window = window
        self._at = 0
        self._filled = 0
        self._hold = 0
        self._trim_w = 0
        self.state = STALE
        self.cap_w = 0

    def step(self, export_w, export_age_ms, p_w, p_age_ms, exp_limit_w, gen_limit_w):
        """One step; returns the cap in W, 0 .. wmax_w. Does not allocate.

        export_w: export at the meter (negative = import), p_w: power of the inverter, ABSENT or
        older than 2 s = not known.  Limits in W, below 0 counts as 0 (CSIP-AUS opModExpLimW at
        the connection point, opModGenLimW for the inverter itself).
        """
        exp_limit_w = max(0, min(exp_limit_w, _LIMIT_MAX))
        top = min(self.wmax_w, max(0, gen_limit_w))
        if (_unknown(export_w, export_age_ms, self._site_max_w)
                or _unknown(p_w, p_age_ms, 2 * self.wmax_w)):
            return self._open_loop(exp_limit_w, top)
        if self.state == STALE:
            self.state = TRACKING
            self._filled = 0
            self._trim_w = 0
        load = self._least_load(p_w - export_w)
        self._track_scale_error(export_w - exp_limit_w, p_w)
        target = load + exp_limit_w - self._margin_w - self._trim_w
        self._move(max(0, min(top, target)), top)
        return self.cap_w

    def _open_loop(self, exp_limit_w, top):
        # At once, in both directions: whatever the load is, the export stays lawful.
        self.state = STALE
        self.cap_w = max(0, min(top, exp_limit_w - self._others_w))
        return self.cap_w

    def _least_load(self, load):
        # The window is filled with the first value: nothing older is known.
        loads, window = self._loads, self._window
        if self._filled == 0:
            for i in range(window):
                loads[i] = load
            self._filled = 1
        self._at = (self._at + 1) % window
        loads[self._at] = load
        least = load
        for i in range(window):
            if loads[i] < least:  # noqa: PLR1730 (min() is a call in the hot path)
                least = loads[i]
        return least

    def _track_scale_error(self, over_w, p_w):
        # An inverter never makes exactly its cap: a slow integral takes up what is left, only
        # while the cap binds and the export is near its limit.  It aims at half to one and a half
        # margins below the limit, a zone rather than a point, so that it comes to rest.
        if p_w + (self.wmax_w >> 5) < self.cap_w or abs(over_w) >= self.wmax_w >> 4:
            return
        margin = self._margin_w
        trim = self._trim_w
        if over_w > 0:
            trim += 4 * self._trim_step_w
        elif over_w > -(margin >> 1):
            trim += self._trim_step_w
        elif over_w < -(margin + (margin >> 1)):
            trim -= self._trim_step_w
        # Sun just below the cap looks like an inverter that makes too little: what is given back
        # stays within the margin, so that the clear sky finds a cap that is lawful.
        self._trim_w = max(-(margin >> 1), min(self.wmax_w >> 5, trim))

    def _move(self, target, top):
        # Down at once; up by a quarter of the way a step, when no cut was due for _HOLD steps.
        cap = self.cap_w
        if target <= cap:
            if cap - target >= self._band_w or target == 0 or cap > top:
                self.cap_w = target
            if target < cap:
                self._hold = _HOLD
        elif self._hold:
            self._hold -= 1
        elif target - cap >= self._band_w or target == top:
            rise = (target - cap) >> 2
            self.cap_w = cap + rise + 1 if rise else target


def _unknown(power_w, age_ms, most_w):
    # Absent, too old, or beyond what the site can carry.
    return power_w == ABSENT or age_ms > _STALE_MS or power_w > most_w or power_w < -most_w
