"""One power limit, written and read back: models 123 and 704, and maps without SunSpec.

Enters: a cap in W.  Leaves: a write, a readback, and `result`.

    limit = Limit(inverter, ratings, quirks(common))
    limit.begin(cap_w)
    ...                                       # run it as sequence.py shows
    if limit.result == OK: ...                # limit.written_w now stands in the device

How it is written and read back is setting.py's; here is what: of model 123 in one function 16
percentage, no window, reversion time, no ramp, enabled; of model 704 enabled, percentage, what it
reverts to, whether and after how many seconds.  Model 123 reverts to full power, so its reversion
time is 0 unless the caller knows of a static limit in the device; 704 reverts to `rvrt_w`.

Some refuse what is below 1 % in every way of writing.  They are told 1 % then, and from the first
refusal on, until that is refused too; `written_w` says what they let through.

Limit: ratings up to 10 MW, a scale factor of -2 .. 2 that was read once.
"""

from micropython import const

from .quirks import BIT_FLOAT, BIT_REVERTS, BIT_SITE, LIMITS, Q_FLOOR, Q_GRAIN, row_of
from .points import LIMIT_DER, LIMIT_INT
from .sequence import OK, REFUSED
from .setting import Setting
from .values import ABSENT, SunspecError, float32

# Words: WMaxLimPct, WinTms, RvrtTms, RmpTms, WMaxLim_Ena.
_INT = (LIMIT_INT, b"\x00\x05", b"\x00\x01\x02\x01\x04\x01", 0b10001, 4)
# WMaxLimPctEna, WMaxLimPct, ..Rvrt, ..EnaRvrt, ..RvrtTms in two.
_DER = (LIMIT_DER, b"\x00\x06", b"\x01\x01\x02\x01\x04\x02\x03\x01\x00\x01", 0b11, 0)

FULL_PCT = (10000, 1000, 100, 10, 1)  # what 100 % is at a scale factor of -2 .. 2
WMAX_W = const(10000000)
_WORD = const(0xFFFE)  # the most that a register holds
_TMS = const(0xFFFE)  # s; 0xFFFF is a sentinel


class Limit(Setting):
    """The power limit of an inverter: model 123, else 704.

    `ratings` must have been read.  `quirk`: a row of quirks.py, its grain and floor round down.
    `rvrt_s`: 0, or the seconds after which the device falls back unless it is written again;
    `rvrt_w`: to what, where `reverts` is True (704); to full power where it is not (123).  Both
    may be changed between two begin().  `written_w`: what stands in the device in W, ABSENT when
    that is not known.  SunspecError when the device has neither model, no rating or a scale
    factor outside -2 .. 2.
    """

    of_site = False

    def __init__(self, inverter, ratings, quirk=None, rvrt_w=0, rvrt_s=0):
        walk = inverter.walk
        i = walk.find(inverter.device, 123, 123)
        form = _INT
        sf = ratings.pct_sf
        if i < 0 or not -2 <= sf <= 2:
            der = walk.find(inverter.device, 704, 704)
            if der >= 0:
                i = der
                form = _DER
                sf = ratings.der_sf
        if i < 0 or walk.lengths[i] + 2 <= form[0][-1]:
            raise SunspecError("no model 123 or 704")
        if not -2 <= sf <= 2:
            raise SunspecError("no scale factor of WMaxLimPct")
        self.index = i
        self._made(walk.addrs[i], form, FULL_PCT[sf + 2], ratings.wmax_w, quirk, rvrt_w, rvrt_s)
        self.reverts = form is _DER

    def _made(self, at, form, full, wmax_w, quirk, rvrt_w, rvrt_s):
        if not 1 <= wmax_w <= WMAX_W:
            raise SunspecError("no WMax")
        Setting.__init__(self, at, form, quirk)
        self.wmax_w = wmax_w
        self.rvrt_w = rvrt_w
        self.rvrt_s = rvrt_s
        self.written_w = ABSENT
        self._full = full
        self._grain = self._floor = 1
        self._least = 0  # the lowest that it takes, where it refused 0
        self._slack = full // 100
        if quirk:
            self._grain = max(1, full * quirk[Q_GRAIN] // 100)
            self._floor = full * quirk[Q_FLOOR] // 100
        self._on = 1
        self._out = 0
        self._bits = 0

    def raw_of(self, cap_w):
        """The register for that cap, rounded down: it never lets more through, save the least that
        the device takes. Does not allocate.

        Below 0 (and ABSENT) counts as 0, above WMax as WMax.
        """
        wmax = self.wmax_w
        full = self._full
        raw = max(0, min(cap_w, wmax))
        if full != wmax:
            # cap * full / wmax in two divisions, each product at most 10**9 and so below 2**30.
            upper = min(full, 100)
            lower = full // upper
            part = raw * upper
            raw = part // wmax * lower + part % wmax * lower // wmax
        raw -= raw % self._grain
        return raw if raw >= max(self._floor, self._least) else self._least

    def watts_of(self, raw):
        """What a register lets through in W, rounded up. Does not allocate."""
        full = self._full
        return self.wmax_w // full * raw - -(self.wmax_w % full * raw) // full

    def found_w(self):
        """The limit that stood in the device when it was first read, in W; ABSENT: none."""
        enable = self._form[4]
        if not self._readable & self._value or self.found[enable] != self._on:
            return ABSENT
        return self._meaning(self.found)

    def begin(self, cap_w, ena=1):
        """Write this cap, in W; `ena` 0 lifts it (decommissioning). Does not allocate."""
        form = self._form
        raw = self.raw_of(cap_w)
        rvrt_s = max(0, min(self.rvrt_s, _TMS))
        if self._bits & BIT_FLOAT:
            self._put(0, raw)
        else:
            self.want(0 if self._value & 1 else 1, raw)
        self.want(form[4], self._on if ena else self._out)
        if form is _INT:
            self.want(2, rvrt_s)
        elif form is _DER:
            self.want(2, self.raw_of(self.rvrt_w))
            self.want(3, 1 if rvrt_s else 0)
            self.want(5, rvrt_s)
        elif self._bits & BIT_REVERTS:
            self.want(2, rvrt_s)
            self._put(4, self.raw_of(self.rvrt_w))
        self.written_w = ABSENT
        self.go()

    def _fall_back(self):
        super()._fall_back()
        if self.result != REFUSED:
            return
        # The limit of before may be a high one: 1 % is as good as 0, within the tolerance.
        least = self._full // 100
        if self._least:
            self._least = 0
        elif self._meaning(self.wanted) < self.watts_of(least):
            self._least = least
            self.begin(0, self.wanted[self._form[4]] == self._on)

    def _put(self, i, raw):
        # 64ths as float32, low word first, exact: the mantissa holds 24 bits.
        bits = 0
        while raw >> bits:
            bits += 1
        mantissa = raw << 24 - bits
        self.want(i, mantissa & 0xFFFF)
        self.want(i + 1, (120 + bits) << 7 | mantissa >> 16 & 0x7F if raw else 0)

    def _meaning(self, words):
        if self._bits & BIT_FLOAT:
            thousandths = float32(words[1], words[0], 3)
            if not 0 <= thousandths <= 100000:
                return ABSENT
            return self.watts_of(-(-thousandths * 64 // 1000))
        return self.watts_of(min(words[0 if self._value & 1 else 1], self._full))

    def _finish(self, result):
        super()._finish(result)
        self.written_w = self._meaning(self._seen) if result == OK else ABSENT


class MappedLimit(Limit):
    """The limit of a device without SunSpec, by a row of quirks.py or its name: as Limit.

    `wmax_w`: its rating.  `of_site`: the number is the export limit that the device keeps by
    itself at its own meter, and no limit of its generation.  SunspecError for an unknown name, or
    a rating that does not fit the register.
    """

    def __init__(self, name, wmax_w, quirk=None, rvrt_w=0, rvrt_s=0):
        row = row_of(LIMITS, name)
        full = row[3]
        if full == 0:
            full = wmax_w
            if wmax_w > _WORD:
                raise SunspecError("register")
        self.index = -1
        self._made(row[1], row[2], full, wmax_w, quirk, rvrt_w, rvrt_s)
        self._bits = row[4]
        self._on = row[5]
        self._out = row[6]
        self.of_site = bool(row[4] & BIT_SITE)
        self.reverts = bool(row[4] & BIT_REVERTS)
        if row[4] & BIT_FLOAT:
            self._slack = 0
            if not rvrt_s:  # its timeout stays as it is
                self._all = self._present = row[2][3]
