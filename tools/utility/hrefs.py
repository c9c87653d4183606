"""Addresses that cannot be guessed, and what stands behind each.

Enters: kinds of resource and their objects.  Leaves: paths with random parts, from a seed.
Usage: `href = hrefs.mint("derp", target, owner=lfdi)`, then `hrefs.find(path)`.
Limit: a dropped address is never given out again.
"""

from typing import Any, NamedTuple


class Place(NamedTuple):
    """What stands behind an address."""

    kind: str  # the short name of the resource: dcap, edev, derc ...
    target: Any
    owner: str | None  # LFDI of the only device that may see it; None: every device


class Hrefs:
    """The table of addresses of one run."""

    def __init__(self, rng):
        self._rng = rng
        self._places = {}
        self._prefix = "/" + self.token(6)

    def token(self, digits=10):
        """A random lower-case hex number of so many digits."""
        return f"{self._rng.getrandbits(4 * digits):0{digits}x}"

    def mint(self, kind, target=None, owner=None, path=None):
        """Make an address, or take `path`; gives the path."""
        path = path or f"{self._prefix}/{self.token()}/{kind}"
        self._places[path] = Place(kind, target, owner)
        return path

    def find(self, path):
        """The place behind `path`, or None."""
        return self._places.get(path)

    def drop(self, path):
        """Forget an address."""
        self._places.pop(path, None)
