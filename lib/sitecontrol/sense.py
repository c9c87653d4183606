"""Tells whether the meter counts the right way, by what it shows when the inverters change.

Enters, each 200 ms: the power of the inverters and the export at the meter.  Leaves: `wrong`.

    sense = Sense(10000)
    sense.step(5300, 4900)                     # W, W; ABSENT where unknown
    sense.wrong                                # 1: what is called export is import

An inverter that stood, moved by much and stands again was an experiment.  The meter moved with
it: it counts the right way.  As far against it: the wrong way.  Else loads moved too, and nothing
is learned.  The larger the change, the more it tells: loads are small.

    STANDS --power moves--> MOVES --power and meter stand--> STANDS, judged
    MOVES --20 s--> STANDS

A load that made the law move an inverter was seen at the meter before that moved, so it is in the
base that the change is counted from.  Limit: of nothing may power_w consist that follows a meter
by itself, as the own control of a battery does, or an inverter with an export limit of its own:
they answer loads before the meter is read, and a load that they meet by half looks like a meter
that counts the wrong way.
"""

from array import array

from micropython import const

_POWER_MAX = const(2000000)  # as in site.py; ABSENT is far beyond it
_RATING_MIN = const(64)
_STILL = const(11)  # steps: 2.2 s, more than a sample of the meter is late
_LONG = const(100)  # steps: a change that takes longer is none
_SURE = const(3)  # one change of a quarter of the rating, or three of 1/16


class Sense:
    """`wrong`: 0 or 1. `rating_w`: of the inverters together, W, may be changed; allocates once.

    It turns 1 when the changes against outweigh those for it by 3, and 0 when those for it
    outweigh; no more than 3 of either are remembered.  A change of 1/16 of the rating counts 1, of
    a quarter 3, of half 6: where 1 makes the law go blind, and cut, that is itself a proof.
    """

    def __init__(self, rating_w):
        self.rating_w = rating_w
        self.wrong = 0
        self._score = 0
        self._seen = array("i", bytes(4 * _STILL))  # the meter, of the last steps
        self._at = 0
        self._level = 0  # where the power stands
        self._still = 0  # for so many steps
        self._moves = 0  # steps since it began to move; 0: it stands
        self._power = self._export = self._drift = 0  # the base, and how the meter moved before
        self._low = self._high = 0  # the meter since then
        self._size = 0  # of the last change against

    def step(self, power_w, export_w):
        """One step of 200 ms. Does not allocate."""
        if not (-_POWER_MAX <= export_w <= _POWER_MAX and abs(power_w) <= _POWER_MAX
                and self.rating_w >= _RATING_MIN):
            self._still = self._moves = 0
            return
        seen, last = self._seen, self._seen[self._at]
        self._at = (self._at + 1) % _STILL
        before = seen[self._at]
        seen[self._at] = export_w
        self._still += 1
        if abs(power_w - self._level) > self.rating_w >> 6:
            if self._still > _STILL and not self._moves:
                self._power, self._export = self._level, last
                self._drift = abs(last - before)
                self._low = self._high = last
                self._moves = 1
            self._level, self._still = power_w, 0
        if self._moves:
            self._moves = (self._moves + 1) % _LONG
            self._low, self._high = min(self._low, export_w), max(self._high, export_w)
            if self._still >= _STILL:
                self._judge(power_w - self._power, export_w - self._export,
                            abs(export_w - before))

    def _judge(self, power_w, export_w, drift_w):
        # The changes of both.  The meter stood before, stands now, and did nothing else between.
        move = abs(power_w)
        near = move >> 2
        if move < self.rating_w >> 4:
            self._moves = 0
            return
        if drift_w > near:
            return
        self._moves = 0
        if max(self._drift, self._high - self._low - abs(export_w)) > near:
            return
        weight = max(1, 4 * move // self.rating_w * _SURE)
        if abs(export_w - power_w) <= near:
            self._score = min(self._score + weight, _SURE)
        elif abs(export_w + power_w) <= near and abs(move - self._size) > move >> 3:
            self._size = move
            self._score = max(self._score - weight, -_SURE)
        if self._score > 0:
            self.wrong = 0
        elif self._score == -_SURE:
            self.wrong = 1
