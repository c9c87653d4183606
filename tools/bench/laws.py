"""Export control laws of others, from their description, and ours as the firmware drives it.

Enters: samples of meter and inverter, (when in ms, W), and the limit.  Leaves: a cap in W, or
None to leave the cap as it is.  Export is positive.

    cap = OpenDynamicExport().step(now_ms, meter, inverter, limit_w)

Limit: each is a law alone, in a few lines, not the program that it was described from; all are
for one inverter of plant.WMAX_W.
"""

from __future__ import annotations

import sys

from tools.bench.plant import WMAX_W
from tools.check_imports import ROOT

# The firmware's own package; `micropython` is the stand-in that the tests use.
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests" / "cpython")]

from sitecontrol import Controller  # noqa: E402

_SECOND_MS = 1000


class OpenDynamicExport:
    """Once a second: mean output - (mean export - limit) of 5 s, at most 10 % of WMAX a step."""

    inverter_ms = 1000
    _WINDOW_MS = 5000

    def __init__(self):
        """No samples."""
        self._exports, self._outputs, self._cap, self._due = [], [], None, 0

    def step(self, now, meter, inverter, limit_w):
        """See the module's text."""
        for kept, new in ((self._exports, meter), (self._outputs, inverter)):
            if new and (not kept or kept[-1] != new):
                kept.append(new)
            while kept and now - kept[0][0] > self._WINDOW_MS:
                kept.pop(0)
        if now < self._due or not self._exports or not self._outputs:
            return None
        self._due = now + _SECOND_MS
        cap = max(0, min(WMAX_W, _mean(self._outputs) - (_mean(self._exports) - limit_w)))
        if self._cap is not None:
            cap = max(self._cap - WMAX_W / 10, min(self._cap + WMAX_W / 10, cap))
        self._cap = cap
        return cap


class OpenEMS:
    """Once a second: output - export + limit, at most 20 % of the last limit away from it."""

    inverter_ms = 1000
    _FREE_W = 100                           # below this the 20 % are not asked for

    def __init__(self):
        """No limit given yet."""
        self._last, self._due = 0, 0

    def step(self, now, meter, inverter, limit_w):
        """See the module's text."""
        if now < self._due or not meter or not inverter:
            return None
        self._due = now + _SECOND_MS
        cap = inverter[1] - meter[1] + limit_w
        if min(abs(self._last), abs(cap)) > self._FREE_W:
            most = int(abs(self._last) * 0.2)
            cap = max(self._last - most, min(self._last + most, cap))
        self._last = cap
        return max(cap, WMAX_W // 100)      # its percentage is never below 1


class FeedForward:
    """Each time it is asked: output - export + limit, as it stands."""

    inverter_ms = 200

    def step(self, now, meter, inverter, limit_w):
        """See the module's text."""
        return inverter[1] - meter[1] + limit_w if meter and inverter else None


class Integral:
    """Each new sample of the meter moves the cap by an eighth of the error; nothing else."""

    inverter_ms = 1000

    def __init__(self):
        """Uncapped."""
        self._cap, self._seen = WMAX_W, None

    def step(self, now, meter, inverter, limit_w):
        """See the module's text."""
        if not meter or meter[0] == self._seen:
            return None
        self._seen = meter[0]
        self._cap = max(0, min(WMAX_W, self._cap + (limit_w - meter[1]) // 8))
        return self._cap


class FFMin:
    """Feed-forward of the least load of `window` samples; down at once, up by a quarter a step."""

    inverter_ms = 200

    def __init__(self, window=10):
        """Uncapped, no load seen."""
        self._window, self._loads = window, []
        self._cap, self._trim, self._hold, self._seen = WMAX_W, 0, 0, None

    def step(self, now, meter, inverter, limit_w):
        """See the module's text."""
        if not meter or not inverter or meter[0] == self._seen:
            return None
        self._seen = meter[0]
        self._loads = (self._loads + [inverter[1] - meter[1]])[-self._window:]
        margin, band, over = WMAX_W >> 7, WMAX_W >> 9, meter[1] - limit_w
        if inverter[1] + (WMAX_W >> 5) >= self._cap and abs(over) < WMAX_W >> 4:
            trim = self._trim + (1 if over > -margin else -1)
            self._trim = max(-(WMAX_W >> 5), min(WMAX_W >> 5, trim))
        target = max(0, min(WMAX_W, min(self._loads) + limit_w - margin - self._trim))
        return self._move(target, band)

    def _move(self, target, band):
        cap = self._cap
        if target < cap:
            self._hold = 5
            if cap - target < band and target:
                return None
            self._cap = target
            return target
        if self._hold:
            self._hold -= 1
        elif target - cap >= band:
            rise = (target - cap) >> 2
            self._cap += rise + 1 if rise else target - cap
            return self._cap
        return None


class Ours:
    """lib/sitecontrol at its defaults, written as firmware/control.py writes: up once a second.

    Ages are those that the firmware knows, of the answer: what the meter shows may be older.
    """

    inverter_ms = 200

    def __init__(self, window=10, paced=True):
        """`paced` False: every change of the cap is a write."""
        self._law = Controller(WMAX_W, window=window)
        self._rest_ms = _SECOND_MS if paced else 0
        self._target, self._raised = WMAX_W, -_SECOND_MS

    def step(self, now, meter, inverter, limit_w):
        """See the module's text."""
        if not meter or not inverter:
            return None
        cap = self._law.step(meter[1], 0, inverter[1], now - inverter[0], limit_w, WMAX_W)
        if cap > self._target:
            if now - self._raised < self._rest_ms:
                return None
            self._raised = now
        self._target = cap
        return cap


def _mean(samples):
    return sum(w for _, w in samples) / len(samples)
