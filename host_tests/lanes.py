"""Which worker runs which file: what waits in real time beside what computes, never in its way.

Enters: the files that wait, and how many workers there are.  Leaves: for `-n auto` half as many
workers more than cores, a scheduler that keeps every third for the files that wait as long as
there are any, and a low priority of what computes.

    Lanes(config, log, {"test_demo"})       # what pytest_xdist_make_scheduler gives

A demonstration leaves most of a core idle for minutes; two of them at once leave two.  So those
lanes run one after the other, at full priority, and the cores are filled by the other workers.
A worker that computes has given its priority away for good: it is not to run what waits, and does
so only when nothing else is left, and nothing else runs then.
Limit: fewer than three workers take the files in their order, all at one priority.
"""

import os
from pathlib import PurePath

from xdist.scheduler import LoadFileScheduling

NICE = 5
WORKERS_A_LANE = 3


def workers():
    """How many for `-n auto`: 3 on two cores, 6 on four."""
    cores = len(os.sched_getaffinity(0))
    return cores + cores // 2


class Lanes(LoadFileScheduling):
    """By file; the first workers begin with the files of `waits` (names without .py)."""

    def __init__(self, config, log, waits):
        """As the scheduler that it extends."""
        super().__init__(config, log)
        self._waits = waits

    def _assign_work_unit(self, node):
        """Put the next file of this worker's kind in front, if there is one left."""
        lanes = self.numnodes // WORKERS_A_LANE
        if lanes:
            waiting = int(node.gateway.id.removeprefix("gw")) < lanes
            scope = next((scope for scope in self.workqueue
                          if (PurePath(scope).stem in self._waits) == waiting), None)
            if scope:
                self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


class Yielding:
    """A worker's plugin: from its first file that computes on, it gives way to those that wait."""

    def __init__(self, waits):
        """Full priority as yet."""
        self._waits, self._gave = waits, False

    def pytest_runtest_logstart(self, nodeid):
        """Before a test and its fixtures."""
        if not self._gave and PurePath(nodeid.split("::")[0]).stem not in self._waits:
            os.nice(NICE)
            self._gave = True
