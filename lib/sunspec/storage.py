"""A battery: what is in it, and a band that its power is held in.

Enters: a frame of model 802, 713 or 124; a band in W, discharge positive, charge negative.
Leaves: state of charge and energy; writes to model 124 or 704, a readback, and `result`.

    battery = Battery(walk, 0, ratings)
    if battery.take(regs) == OK: ...          # battery.soc_pct100

    storage = Storage(inverter, ratings)
    storage.begin(-3000, 0)                   # charge with at most 3 kW, do not discharge
    hybrid = Hybrid(storage, Limit(inverter, ratings), True)
    hybrid.begin(-3000, 500)                  # the same, and give at most 500 W, sun included
    ...                                       # run it as sequence.py shows

Model 124 has two rates in percent of WChaMax, and a sign for each: OutWRte is the upper end of
the band (negative: charge at least so much), InWRte the lower one turned round (negative:
discharge at least so much).  Model 704 has a set point only, of all that the device gives to the
grid, its PV included.  Percentages are cut toward zero.  Limit: batteries up to 10 MW and 10 MWh.
"""

from micropython import const

from .limit import FULL_PCT, WMAX_W
from .points import BATTERY, BATTERY_DER, BATTERY_INT, RATES, WATTS_DER
from .ratings import RTG_CHA, RTG_DIS, RTG_WH
from .sequence import OK, PENDING, READ, UNREAD, Sequence
from .setting import Setting
from .values import (
    ABSENT,
    ABSENT_ALL,
    NULL_FRAME,
    SunspecError,
    number,
    shifted,
    signed,
    zeros,
)

_BATTERIES = ((802, 802, BATTERY), (713, 713, BATTERY_DER), (124, 124, BATTERY_INT))

# Rows of the tables of points.py.
_SOC = const(2)
_WH_RTG = const(5)
_WH = const(8)
_CHA_ST = const(11)
_W = const(14)

_SOC_FULL = const(10000)
_CHA_LAST = const(7)  # TESTING
_TMS = const(0xFFFE)  # s; 0xFFFF is a sentinel

# Words: OutWRte, InWRte, RvrtTms, StorCtl_Mod: rates first, the mode last.
_RATES = (RATES, b"\x00\x02\x02\x01\x03\x01", b"\x00\x01\x01\x01\x02\x01\x03\x01", 0b1011, 3)
# WSetMod, WSet, WSetRvrt, WSetEnaRvrt, RvrtTms, WSetEna: no half of a number by itself.
_WATTS = (WATTS_DER, b"\x00\x05\x05\x03\x08\x01",
          b"\x00\x01\x01\x02\x03\x02\x05\x01\x06\x02\x08\x01", 0b100000111, 8)
_BOTH = const(3)  # StorCtl_Mod: obey both rates
_IN_WATTS = const(1)  # WSetMod


class Battery:
    """A battery's state: the device's 802, else 713, else 124.

    `soc_pct100`: state of charge, 0 .. 10000; `wh_rtg`: what it can hold, `wh`: what is in it;
    `cha_st`: 1 OFF, 2 EMPTY, 3 DISCHARGING, 4 CHARGING, 5 FULL, 6 HOLDING, 7 TESTING; `w`: DC
    power, discharge positive (802 only).  `ratings` stands in for a missing `wh_rtg`.
    SunspecError when the device has no such model.
    """

    def __init__(self, walk, device, ratings=None):
        i, table = walk.pick(device, _BATTERIES)
        self.walk = walk
        self.device = device
        self.index = i
        self._table = table
        self._wh_rtg = ratings.rtg[RTG_WH] if ratings else ABSENT
        self.live_kind = READ
        self.live_addr = walk.addrs[i] + table[0]
        self.live_count = table[1]
        self.soc_pct100 = self.wh_rtg = self.wh = self.cha_st = self.w = ABSENT

    def take(self, regs):
        """Decode a frame: OK, ABSENT_ALL or NULL_FRAME, as those of live.py. Does not allocate.

        SunspecError when `regs` is shorter than the block.
        """
        if len(regs) < self.live_count:
            raise SunspecError("frame")
        self.soc_pct100 = self.wh_rtg = self.wh = self.cha_st = self.w = ABSENT
        if zeros(regs, self.live_count):
            return NULL_FRAME
        table = self._table
        soc = number(regs, table, _SOC, 2)
        if 0 <= soc <= _SOC_FULL:
            self.soc_pct100 = soc
        state = number(regs, table, _CHA_ST, 0)
        if 1 <= state <= _CHA_LAST:
            self.cha_st = state
        self.w = number(regs, table, _W, 0)
        rated = number(regs, table, _WH_RTG, 0)
        if rated == ABSENT:
            rated = self._wh_rtg
        self.wh_rtg = rated
        self.wh = number(regs, table, _WH, 0)
        if self.wh == ABSENT and rated >= 0 and self.soc_pct100 >= 0:
            soc = self.soc_pct100
            self.wh = rated // _SOC_FULL * soc + rated % _SOC_FULL * soc // _SOC_FULL
        return ABSENT_ALL if self.soc_pct100 == self.cha_st == ABSENT else OK


class Storage(Setting):
    """Holds a battery's power in a band: model 124, else the set point of 704.

    `ratings` must have been read.  `rvrt_s`: 0, or the seconds after which the device forgets it.
    `charge_w`, `discharge_w`: the most it can, in W.  `banded`: False where there is only a set
    point.  `capped`: something else sees to the upper end (Hybrid).  `low_w`, `high_w`: what
    stands in the device, ABSENT when that is not known.
    `result`: as Limit.  SunspecError when the device has neither model, or does not say how much
    it can.
    """

    panels = False

    def __init__(self, inverter, ratings, quirk=None, rvrt_s=0):
        walk = inverter.walk
        i = walk.find(inverter.device, 124, 124)
        form = _RATES
        sf = ratings.rate_sf
        charge_w = ratings.set[RTG_CHA]
        discharge_w = charge_w
        if i < 0 or not -2 <= sf <= 2:
            i = walk.find(inverter.device, 704, 704)
            form = _WATTS
            sf = ratings.wset_sf
            discharge_w = max(ratings.set[RTG_DIS], ratings.rtg[RTG_DIS])
            charge_w = max(charge_w, ratings.rtg[RTG_CHA])
        if i < 0 or walk.lengths[i] + 2 <= max(form[0]):
            raise SunspecError("no model 124 or 704")
        if not -2 <= sf <= 2:
            raise SunspecError("no scale factor of the rate")
        if not 1 <= charge_w <= WMAX_W or not 0 <= discharge_w <= WMAX_W:
            raise SunspecError("no rate")
        super().__init__(walk.addrs[i], form, quirk)
        self.index = i
        self.banded = form is _RATES
        self.charge_w = charge_w
        self.discharge_w = discharge_w
        self.rvrt_s = rvrt_s
        self.capped = False
        self.low_w = self.high_w = ABSENT
        self._sf = sf

    def begin(self, low_w, high_w):
        """Hold the power between these, in W; equal ones are a set point. Does not allocate.

        Both are cut to what the battery can.  With `low_w` above `high_w`, and with ABSENT, it is
        to rest: 0 .. 0.
        """
        if low_w > high_w or low_w == ABSENT:
            low_w = high_w = 0
        low_w = max(-self.charge_w, min(low_w, self.discharge_w))
        high_w = max(-self.charge_w, min(high_w, self.discharge_w))
        rvrt_s = max(0, min(self.rvrt_s, _TMS))
        if self.banded:
            self.want(0, self._rate(high_w) & 0xFFFF)
            self.want(1, self._rate(-low_w) & 0xFFFF)
            self.want(2, rvrt_s)
            self.want(3, _BOTH)
        else:
            free = low_w == -self.charge_w and (
                high_w >= 0 if self.capped else high_w == self.discharge_w)
            raw = shifted(low_w if low_w > 0 else high_w if high_w < 0 else 0, -self._sf)
            self.want(0, _IN_WATTS)
            self.want(1, raw >> 16 & 0xFFFF)
            self.want(2, raw & 0xFFFF)
            self.want(5, 1 if rvrt_s else 0)
            self.want(7, rvrt_s)
            self.want(8, 0 if free else 1)
        self.low_w = self.high_w = ABSENT
        self.go()

    def same(self, low_w, high_w, low, high):
        """True where both bands, in W, are the same words in its registers. Does not allocate."""
        if self.banded:
            return self._rate(low_w) == self._rate(low) and self._rate(high_w) == self._rate(high)
        return low_w == low and high_w == high

    def _rate(self, watts):
        # Percent of WChaMax, toward zero; the products stay at or below 10**9.
        full = FULL_PCT[self._sf + 2]
        size = -watts if watts < 0 else watts
        upper = min(full, 100)
        part = size * upper
        raw = part // self.charge_w * (full // upper)
        raw += part % self.charge_w * (full // upper) // self.charge_w
        return -raw if watts < 0 else raw

    def _watts(self, word):
        # What a rate means, rounded away from zero: nothing is more than said.
        raw = signed(word)
        full = FULL_PCT[self._sf + 2]
        size = min(-raw if raw < 0 else raw, full)
        size = self.charge_w // full * size - -(self.charge_w % full * size) // full
        return -size if raw < 0 else size

    def _finish(self, result):
        super()._finish(result)
        self.low_w = self.high_w = ABSENT
        if result == OK and self.banded:
            self.high_w = self._watts(self._seen[0])
            self.low_w = -self._watts(self._seen[1])
        elif result == OK and self._seen[8] == 0:
            self.low_w = -self.charge_w
            self.high_w = self.discharge_w
        elif result == OK and not self.banded:
            raw = self._seen[1]
            if 0x2000 <= raw < 0xE000:
                return  # beyond the small ints
            self.low_w = self.high_w = shifted(
                signed(raw) * 65536 + self._seen[2], self._sf)


class Hybrid(Sequence):
    """A battery behind an inverter with a power limit, and perhaps panels: one sequence of two.

    The rates of model 124 say nothing about panels: what the device gives to the grid is bounded
    by its limit alone.  By 704, while the grid may charge it with less than it can, it gives
    nothing.

    `aims`: from the next begin() on its low_w is a set point of the battery alone, and high_w
    bounds what it gives to the grid, sun included (124).  `panels`: power may come from more
    than the battery.  `banded`: as of Storage.  `charge_w`, `discharge_w`: the most that it takes
    in and gives, in W.  `rvrt_s`: of its limit.  `result`: as Limit; that of the limit where it
    was not taken, else that of the band.
    """

    def __init__(self, storage, limit, panels):
        super().__init__()
        self.storage = storage
        self.limit = limit
        self.panels = panels
        self.index = storage.index
        self.banded = storage.banded
        self.charge_w = storage.charge_w
        self.discharge_w = limit.wmax_w if panels else storage.discharge_w
        self.rvrt_s = limit.rvrt_s
        self.rvrt_w = limit.rvrt_w
        storage.capped = True
        self.aims = self._aimed = False
        self._now = storage

    def begin(self, low_w, high_w):
        """Keep its power between these, in W; as Storage.begin(). Does not allocate."""
        if low_w > high_w or low_w == ABSENT:
            low_w = high_w = 0
        self.result = PENDING
        self._aimed = self.aims
        self.storage.begin(low_w, low_w if self.aims else high_w)
        self.limit.rvrt_w = self.rvrt_w
        self.limit.begin(max(0, min(high_w, self.discharge_w)))
        self._now = self.limit

    def same(self, low_w, high_w, low, high):
        """As of Storage, and the same limit. Does not allocate."""
        limit = self.limit
        return (limit.raw_of(high_w) == limit.raw_of(high) and self.aims == self._aimed
                and self.storage.same(low_w, high_w, low, high))

    def next(self, regs):
        """As of every sequence. Does not allocate."""
        now = self._now
        if not now.next(regs):
            if now is self.storage:
                self._end()
                return False
            self._now = now = self.storage
            if not now.next(regs):
                self._end()
                return False
        self.kind, self.addr = now.kind, now.addr
        self.count = now.count
        return True

    def took(self, outcome, regs):
        """As of every sequence. Does not allocate."""
        self._now.took(outcome, regs)

    def _end(self):
        # What went wrong first; UNREAD counts as taken, and is said where nothing went wrong.
        cap, band = self.limit.result, self.storage.result
        good = cap == OK or cap == UNREAD  # noqa: PLR1714 (no tuple)
        self.result = band if good and (band != OK or cap == OK) else cap
