"""A backlog that is loaded only when there is one: code and all, 3 KB that most days nobody needs.

Enters: rows that could not be posted.  Leaves: backlog.Backlog, at boot where its files are on the
flash, else made with the first row.

    spill = Spill(store, "site", kinds)         # append(), load(), done(), waiting: as of Backlog

Limit: once loaded it stays.
"""


class Spill:
    """See the module's text. `waiting`, `dropped`, `torn`: of Backlog."""

    def __init__(self, store, name, kinds):
        self._of = store, name, kinds
        self._backlog = None
        self.waiting = self.dropped = self.torn = 0
        if store.names(name + "."):
            self._loaded()
            self._count()

    def append(self, rows, at):
        """Put the row at `rows[at]` on flash; False when the flash refuses it. Allocates."""
        good = self._loaded().append(rows, at)
        self._count()
        return good

    def load(self, ring, most):
        """Copy the oldest `most` records into `ring`, which is empty; how many came. Allocates."""
        n = self._loaded().load(ring, most)
        self._count()
        return n

    def done(self):
        """What the last load() gave is delivered."""
        self._loaded().done()
        self._count()

    def _count(self):
        self.waiting = self._backlog.waiting
        self.dropped = self._backlog.dropped
        self.torn = self._backlog.torn

    def _loaded(self):
        if self._backlog is None:
            from backlog import Backlog
            self._backlog = Backlog(*self._of)
        return self._backlog
