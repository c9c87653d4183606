"""The log of requests, with the verdict on each.

Enters: one entry a request.  Leaves: entries since a number, and lines of JSON in a file.
Usage: `journal.note(method="GET", ...)`, `journal.since(0)`.
Limit: the newest 20,000 entries are kept in memory; the file keeps all.
"""

import collections
import json

KEPT = 20_000


class Journal:
    """Entries are dicts: n, time, method, path, resource, status, verdict, in, out, session."""

    def __init__(self, path=None):
        self._entries = collections.deque(maxlen=KEPT)
        self._file = open(path, "a", buffering=1) if path else None
        self._number = 0

    def note(self, **entry):
        """Add an entry; gives it with its number."""
        self._number += 1
        entry = {"n": self._number, **entry}
        self._entries.append(entry)
        if self._file:
            self._file.write(json.dumps(entry) + "\n")
        return entry

    def since(self, number=0):
        """Entries after that number."""
        return [e for e in self._entries if e["n"] > number]

    def close(self):
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None
