"""What a walk along a device's chain leaves: where its models stand.

Enters: the columns of a Walk (walk.py).  Leaves: the place of a model.

    chain = Chain(walk.ids[:n], walk.addrs[:n], walk.lengths[:n], walk.devices[:n], devices_n)
    i = chain.find(0, 101, 103)               # an index, -1 when there is none
    inverter = Inverter(chain, 0)

A Walk is a Chain that is being read, and does for one as it is.  What walks is not needed any more
once it has: a firmware may let go of walk.py and keep this.  Limit: 255 models.
"""

from .sequence import MOVED, READ, Reads, Sequence
from .values import SunspecError


class Chain(Sequence):
    """Columns `ids`, `addrs` (of the ID register), `lengths` (L: registers behind L), `devices`.

    `n` models of `devices_n` devices, in the order of the chain; `devices`: 0 for the first one.
    """

    def __init__(self, ids, addrs, lengths, devices, devices_n):
        super().__init__()
        self.ids = ids
        self.addrs = addrs
        self.lengths = lengths
        self.devices = devices
        self.n = len(ids)
        self.devices_n = devices_n

    def find(self, device, first_id, last_id):
        """Index of the device's first model with an id in that range, -1 when there is none."""
        for i in range(self.n):
            if self.devices[i] == device and first_id <= self.ids[i] <= last_id:
                return i
        return -1

    def pick(self, device, choices):
        """(index, table) of the device's first model of a row (first id, last id, table).

        SunspecError when it has none of them, or one that is shorter than its block. Allocates.
        """
        for first_id, last_id, table in choices:
            i = self.find(device, first_id, last_id)
            if i >= 0:
                if table[0] + table[1] > self.lengths[i] + 2:
                    raise SunspecError("model too short")
                return i, table
        raise SunspecError("no model to read")


class Header(Reads):
    """Whether a model still stands where the walk found it: SMA's 714 changes its length by night.

    `index` is one of find().  `result`: OK, MOVED (walk again), REFUSED or SILENT.
    """

    def __init__(self, walk, index):
        super().__init__(1)
        self._walk = walk
        self._index = index

    def place(self, step):
        return self._ask(READ, self._walk.addrs[self._index], 2)

    def answer(self, step, outcome, regs):
        i = self._index
        if outcome == 0 and (regs[0] != self._walk.ids[i] or regs[1] != self._walk.lengths[i]):
            self.result = MOVED
