"""Names: the packed key of a local name, and which prefix stands for which namespace where.

Enters: names of the document as spans of the window, xmlns attributes with their depth.  Leaves:
the index of a namespace in the tuple that the reader was made with.

    names.bind(window, start, stop, uri_start, uri_stop, depth)
    ns = names.lookup(window, start, stop)

Limit: `limit` bindings in force at once, with prefixes of 16 bytes each on average.
"""

from array import array

from .error import XMLError


def key(name):
    """Packed key of a local name of 1 to 63 bytes: length, first, middle and last byte.

    Below 2**30.  For tables that are made once; ValueError when the name is too long or empty.
    """
    n = len(name)
    if not 0 < n < 64:
        raise ValueError("name")
    return n << 24 | name[0] << 16 | name[n >> 1] << 8 | name[n - 1]


class Bindings:
    """Prefixes in force, the newest last (Namespaces in XML 1.0, 6.1: scope of a declaration).

    `default` is the namespace of unprefixed names, `depth` the depth of the newest binding.
    Allocates its columns once.
    """

    def __init__(self, uris, limit):
        self._uris = uris
        self._limit = limit
        self._store = bytearray(16 * limit)  # the prefixes, one after the other
        self._ends = array("i", bytes(4 * (limit + 1)))
        self._spaces = array("i", bytes(4 * limit))
        self._depths = array("i", bytes(4 * limit))
        self.reset()

    def reset(self):
        """Forget all bindings."""
        self._n = 0
        self.default = -1
        self.depth = 0

    def bind(self, window, start, stop, uri_start, uri_stop, depth):
        """Let window[start:stop] (empty: the default) stand for a URI inside element `depth`.

        XMLError "namespaces" when the table is full, "prefix" when one element binds it twice or
        to nothing.  Does not allocate.
        """
        n = self._n
        at = self._ends[n]
        size = stop - start
        if n == self._limit or at + size > len(self._store):
            raise XMLError("namespaces", start)
        same = self._search(window, start, size)
        if (same >= 0 and self._depths[same] == depth) or (size and uri_start == uri_stop):
            raise XMLError("prefix", start)
        for i in range(size):
            self._store[at + i] = window[start + i]
        self._ends[n + 1] = at + size
        self._spaces[n] = ns = self._index(window, uri_start, uri_stop)
        self._depths[n] = depth
        self._n = n + 1
        self.depth = depth
        if not size:
            self.default = ns

    def unbind(self, depth):
        """Drop what element `depth`, which ends, has bound.  Does not allocate."""
        n = self._n
        while n and self._depths[n - 1] == depth:
            n -= 1
        self._n = n
        self.depth = self._depths[n - 1] if n else 0
        i = self._search(b"", 0, 0)
        self.default = self._spaces[i] if i >= 0 else -1

    def lookup(self, window, start, stop):
        """Namespace index of a prefix, -1 for a URI nobody asked for.  Does not allocate.

        XMLError "prefix" when it is not bound (Namespaces in XML 1.0, 5: "prefix declared").
        """
        i = self._search(window, start, stop - start)
        if i >= 0:
            return self._spaces[i]
        if stop - start == 3 and window.find(b"xml", start, stop) == start:
            return -1  # bound by definition
        raise XMLError("prefix", start)

    def _search(self, window, start, size):
        """Row of the newest binding of a prefix, -1 when there is none."""
        ends = self._ends
        store = self._store
        i = self._n
        while i:
            at = ends[i] - size
            i -= 1
            if at == ends[i]:
                j = 0
                while j < size and store[at + j] == window[start + j]:
                    j += 1
                if j == size:
                    return i
        return -1

    def _index(self, window, start, stop):
        """Index of a URI among those asked for, or -1."""
        i = 0
        for uri in self._uris:
            if len(uri) == stop - start and window.find(uri, start, stop) == start:
                return i
            i += 1
        return -1
