"""A battery behind an inverter that has a power limit too, and perhaps panels of its own.

Enters: a band in W, discharge positive.  Leaves: the inverter's limit, then the battery's band.

    hybrid = Hybrid(Storage(inverter, ratings), Limit(inverter, ratings), True)
    hybrid.begin(-3000, 500)                  # take in at most 3 kW, give at most 500 W, sun included
    ...                                       # run it as sequence.py shows

The rates of model 124 say nothing about panels: what the device gives to the grid is bounded by its
limit alone.  Limit: of 704, while the grid may charge it with less than it can, it gives nothing.
"""

from .sequence import OK, PENDING, UNREAD, Sequence
from .values import ABSENT


class Hybrid(Sequence):
    """See the module's text; one sequence of two.

    `panels`: power may come from more than the battery.  `charge_w`, `discharge_w`: the most that
    it takes in and gives, in W.  `rvrt_s`: of its limit.  `result`: as Limit; that of the limit
    where it was not taken, else that of the band.
    """

    def __init__(self, storage, limit, panels):
        super().__init__()
        self.storage = storage
        self.limit = limit
        self.panels = panels
        self.charge_w = storage.charge_w
        self.discharge_w = limit.wmax_w if panels else storage.discharge_w
        self.rvrt_s = limit.rvrt_s
        storage.capped = True
        self._now = storage

    def begin(self, low_w, high_w):
        """Keep its power between these, in W; as Storage.begin(). Does not allocate."""
        if low_w > high_w or low_w == ABSENT:
            low_w = high_w = 0
        self.result = PENDING
        self.storage.begin(low_w, high_w)
        self.limit.begin(max(0, min(high_w, self.discharge_w)))
        self._now = self.limit

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
