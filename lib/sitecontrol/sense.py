"""Tells whether the meter counts the right way, by what it shows when the inverters change.

Enters, each 200 ms: the power of the inverters and the export at the meter.  Leaves: `way`, and
the most that may be made until that is known.

    sense = Sense(10000)
    sense.step(5300, 4900, 5300, 0, 5000, 10000)  # all W; ABSENT where unknown
    sense.way                                     # -1: what is called export is import
    sense.most_w                                  # 5000, at times less; ABSENT once way is 1

An inverter that stood, moved by much and stands again was an experiment.  The meter moved with
it: it counts the right way.  As far against it: the wrong way.  Else loads moved too, and nothing
is learned.  The larger the change, the more it tells: loads are small.

    STANDS --power moves--> MOVES --power and meter stand--> STANDS, judged
    MOVES --20 s--> STANDS

Until the right way is known, no more is made than the site may export, so that no sign can break
the limit, and an experiment is made: for up to 12 s by 1/8 of the rating less, each time twice as
much where the limit binds, or, where next to nothing is made for what others may make, up to a
quarter.  Its time is ours, so it counts as a great change, and what the meter shows first is
enough: a battery may make up for it.  The pause after it doubles.  Import beyond all that could be
made tells as well.

A load that made the law move an inverter was seen at the meter before that moved, so it is in the
base that the change is counted from.  Limit: of nothing may power_w consist that follows a meter
by itself, as the own control of a battery does, or an inverter with an export limit of its own:
they answer loads before the meter is read, and a load that they meet by half looks like a meter
that counts the wrong way.
"""

from array import array

from micropython import const

ABSENT = const(-0x3FFFFFFF)  # as in site.py
_POWER_MAX = const(2000000)  # as in site.py; ABSENT is far beyond it
_RATING_MIN = const(64)
_STILL = const(11)  # steps: 2.2 s, more than a sample of the meter is late
_LONG = const(100)  # steps: a change that takes longer is none
_SURE = const(3)  # one change of a quarter of the rating, or three of 1/16
_NEAR_W = const(100)
_IMPORTS = const(25)  # steps of import beyond all that is made; in a trial _STILL
_TRIAL = const(60)  # steps
_PAUSE = const(75)  # steps between two trials at first
_PAUSE_MAX = const(3000)


class Sense:
    """`way`: 1 right, -1 wrong, 0 not known. `rating_w`: of the inverters, W, may be changed.

    It turns -1 when the changes against outweigh those for it by 3, and from there 0 when those
    for it outweigh, 1 by 3; no more than 3 of either are remembered.  A change of 1/16 of the
    rating counts 1, of a quarter 3, of half 6: where 1 makes the law go blind, and cut, that is
    itself a proof.  Allocates once.
    """

    def __init__(self, rating_w):
        self.rating_w = self._rating = rating_w
        self.way = 0
        self.most_w = ABSENT
        self._score = 0
        self._seen = array("i", bytes(4 * _STILL))  # the meter, of the last steps
        self._at = 0
        self._level = 0  # where the power stands
        self._still = 0  # for so many steps
        self._moves = 0  # steps since it began to move; 0: it stands
        self._power = self._export = self._drift = 0  # the base, and how the meter moved before
        self._low = self._high = 0  # the meter since then
        self._size = 0  # of the last change against
        self._imports = self._trial = self._wait = self._down_w = self._up_w = 0
        self._pause = _PAUSE

    def step(self, power_w, export_w, made_w, others_w, exp_w, rated_w):
        """One step of 200 ms. Does not allocate.

        power_w: of the inverters that follow us alone, made_w: of all that is steered, others_w:
        the most that others make, exp_w: the most that the site may export, rated_w: the rating of
        all that generates.
        """
        self._rating = self.rating_w
        if self.rating_w < _RATING_MIN:  # batteries alone: what they do tells in a trial alone
            self._rating, power_w = rated_w, made_w
        known = -_POWER_MAX <= export_w <= _POWER_MAX
        self.most_w = max(0, exp_w - others_w)
        if known and self.way < 1:
            self._try(max(power_w, made_w), others_w)
            made_w += others_w
            beyond = 0 <= made_w < _POWER_MAX and -export_w > made_w + (made_w >> 3) + _NEAR_W
            self._imports = (self._imports + 1) * beyond
            if self._imports >= (_STILL if self._trial else _IMPORTS):
                self._score, self.way = _SURE, 1
        if known and abs(power_w) <= _POWER_MAX and self._rating >= _RATING_MIN:
            self._look(power_w, export_w)
        else:
            self._still = self._moves = 0
        if self.way > 0:
            self.most_w = ABSENT
            self._trial = self._wait = 0
            self._pause = _PAUSE

    def _try(self, made_w, others_w):
        # A trial begins where the inverters and the meter stand, and there is something to learn:
        # a shallow one, and a deeper one each time where the bound may bind.
        rating, most = self._rating, self.most_w
        binds = (most < rating or made_w > rating) and made_w + (rating >> 5) + _NEAR_W >= most
        if self._trial:
            self._trial -= 1
        elif self._wait:
            self._wait -= 1
        elif (not self._moves and self._still > _STILL
                and (binds or made_w > rating >> 2)):
            deep = (rating >> 3) * (self._pause // _PAUSE if binds else 1)
            self._trial, self._wait = _TRIAL, self._pause
            self._pause = min(2 * self._pause, _PAUSE_MAX)
            self._down_w, self._up_w = max(rating >> 6, made_w - deep), 0
            if made_w <= rating >> 4 and others_w > 0:
                self._up_w = rating >> 2
        if self._trial:
            self.most_w = max(min(most, self._down_w), self._up_w)

    def _look(self, power_w, export_w):
        seen, last = self._seen, self._seen[self._at]
        self._at = (self._at + 1) % _STILL
        before = seen[self._at]
        seen[self._at] = export_w
        self._still += 1
        if abs(power_w - self._level) > self._rating >> 6:
            if self._still > _STILL and not self._moves:
                self._power, self._export = self._level, last
                self._drift = abs(last - before)
                self._low = self._high = last
                self._moves = 1
            self._level, self._still = power_w, 0
            self._imports = 0
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
        if move < self._rating >> (5 if self._trial else 4) or not (
                self._trial or self.rating_w >= _RATING_MIN):
            self._moves = 0
            return
        if self._trial:  # how far it went with them and against, at most
            weight, drift_w = _SURE, 0
            rose, fell = self._high - self._export, self._export - self._low
            if power_w < 0:
                rose, fell = fell, rose
            right = rose >= max(near, 4 * fell)
            wrong = fell >= max(near, 4 * rose)
            stood = self._drift <= near
        else:
            weight = max(1, 4 * move // self._rating * _SURE)
            right = abs(export_w - power_w) <= near
            wrong = abs(export_w + power_w) <= near and abs(move - self._size) > move >> 3
            stood = max(self._drift, self._high - self._low - abs(export_w)) <= near
        if drift_w > near:
            return
        self._moves = 0
        if stood and right:
            self._score = min(self._score + weight, _SURE)
        elif stood and wrong:
            self._size = move
            self._score = max(self._score - weight, -_SURE)
        if self._score == _SURE:
            self.way = 1
        elif self._score == -_SURE:
            self.way = -1
        elif self._score * self.way < 0:
            self.way = 0
