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

from sitecontrol import PV, Site  # noqa: E402

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


class Settling:
    """Cuts by the whole excess and waits `settle_ms`; raises by half of the room in between.

    While it waits it cuts again only for what got worse by a sixteenth of WMAX.  The cap never
    stands further above the output than room and a fiftieth of WMAX.
    """

    inverter_ms = 1000
    _MARGIN_W = _BAND_W = WMAX_W // 200
    _SLACK_W = WMAX_W // 50
    _STALE_MS = 2000
    _FRESH_MS = 1500

    def __init__(self, settle_ms=1200):
        """Uncapped, no cut made."""
        self._settle_ms = settle_ms
        self._cap, self._seen, self._excess = WMAX_W, None, 0
        self._cut = self._raised = -10 ** 6

    def step(self, now, meter, inverter, limit_w):
        """See the module's text."""
        if not meter or now - meter[0] > self._STALE_MS:
            self._cap = min(limit_w, WMAX_W)
            return self._cap
        if meter[0] == self._seen:
            return None
        self._seen = meter[0]
        fresh = inverter is not None and now - inverter[0] < self._FRESH_MS
        room = limit_w - self._MARGIN_W - meter[1]
        if room < -self._MARGIN_W:
            return self._lower(now, -room, inverter[1] if fresh else None)
        if self._excess and now - self._cut < self._settle_ms:
            return None
        self._excess = 0
        if room <= self._BAND_W or now - self._raised < self._settle_ms // 2:
            return None
        self._raised = now
        rise = room // 2 if room > 2 * self._BAND_W else room
        self._cap = min(WMAX_W, self._cap + rise)
        if fresh:
            self._cap = min(self._cap, max(0, inverter[1]) + room + self._SLACK_W)
        return self._cap

    def _lower(self, now, excess, output):
        if now - self._cut >= self._settle_ms:
            base = self._cap if output is None else min(self._cap, output + self._SLACK_W)
            self._cap, self._cut, self._excess = max(0, base - excess), now, excess
            return self._cap
        if excess > self._excess + (WMAX_W >> 4):
            self._cap, self._excess = max(0, self._cap - (excess - self._excess)), excess
            return self._cap
        return None


class Ours:
    """lib/sitecontrol with one inverter: each change of its band is a write.

    Ages are those that the firmware knows, of the answer: what the meter shows may be older.
    """

    inverter_ms = 200

    def __init__(self, interval_ms=_SECOND_MS):
        """`interval_ms`: least time between two writes; a second, as the firmware has it."""
        self.site = Site(1)
        self.site.add(PV, WMAX_W, interval_ms=interval_ms)
        self.site.imp_w = 1 << 29

    def step(self, now, meter, inverter, limit_w):
        """See the module's text."""
        if not meter or not inverter:
            return None
        site = self.site
        site.export_w, site.import_w, site.meter_age_ms = meter[1], -meter[1], now - meter[0]
        site.power_w[0], site.age_ms[0], site.exp_w = inverter[1], now - inverter[0], limit_w
        site.step()
        return site.high_w[0]


def _mean(samples):
    return sum(w for _, w in samples) / len(samples)
