"""Attributes of one start tag: their spans, and the xmlns ones handed on as bindings.

Enters: the part of a start tag after its name.  Leaves: name and value spans in the window.

    n = attributes.scan(window, start, stop, names, depth)
    i = attributes.find(window, b"href", n)

Limit: white space inside a value stays as it is, where XML would make spaces of it.
"""

from array import array

from .entities import decode
from .error import XMLError

_XMLNS = b"xmlns"


class Attributes:
    """Spans of at most `limit` attributes, names of at most `name` bytes.  Allocates once."""

    def __init__(self, limit, name):
        self._limit = limit
        self._name = name
        self._spans = array("i", bytes(16 * limit))  # rows: name start, stop, value start, stop

    def scan(self, window, pos, stop, names, depth):
        """Read window[pos:stop], decode the values, bind xmlns at `depth`; returns how many.

        XMLError "attribute" (malformed or given twice), "attributes" (too many), "name" (too
        long), and what `decode` and `Bindings.bind` raise.  Does not allocate.
        """
        n = 0
        while True:
            first = _white(window, pos, stop)
            if first == stop:
                return n
            last = name_end(window, first, stop)
            equals = _white(window, last, stop)
            # White space before it, a name, and then '='.
            if pos == first or not first < last or equals == stop or window[equals] != 61:
                raise XMLError("attribute", first)
            value = _white(window, equals + 1, stop) + 1
            value_stop = self._close(window, value, stop)
            size = last - first
            if size > self._name:
                raise XMLError("name", first)
            pos = value_stop + 1
            if window.find(b"&", value, value_stop) >= 0:
                value_stop = decode(window, value, value_stop)
            if window[first] == 120 and window.find(_XMLNS, first, last) == first \
                    and (size == 5 or (size > 6 and window[first + 5] == 58)):
                prefix = first + 6 if size > 5 else last
                names.bind(window, prefix, last, value, value_stop, depth)
            else:
                self._keep(window, n, first, last, value, value_stop)
                n += 1

    def _close(self, window, value, stop):
        """Index of the quote that ends the value which begins at `value`."""
        at = -1
        if value <= stop:
            quote = window[value - 1]
            if quote == 34:
                at = window.find(b'"', value, stop)
            elif quote == 39:
                at = window.find(b"'", value, stop)
        if at < 0:
            raise XMLError("attribute", value - 1)
        return at

    def _keep(self, window, n, first, last, value, value_stop):
        """Store one more attribute; the same name twice is an error (XML 1.0, 3.1)."""
        spans = self._spans
        if n == self._limit:
            raise XMLError("attributes", first)
        i = 4 * n
        for other in range(0, i, 4):
            at = spans[other]
            if spans[other + 1] - at == last - first and window[at] == window[first] \
                    and equal(window, at, first, last - first):
                raise XMLError("attribute", first)
        spans[i] = first
        spans[i + 1] = last
        spans[i + 2] = value
        spans[i + 3] = value_stop

    def find(self, window, name, n):
        """Index into `spans` of the value's start of attribute `name` among `n`; -1: none."""
        spans = self._spans
        size = len(name)
        for i in range(0, 4 * n, 4):
            at = spans[i]
            if spans[i + 1] - at == size and window.find(name, at, at + size) == at:
                return i + 2
        return -1

    def span(self, i):
        """Index that row entry `i` holds."""
        return self._spans[i]


def equal(window, a, b, size):
    """True when the `size` bytes at `a` and at `b` are the same.  Does not allocate."""
    for i in range(size):
        if window[a + i] != window[b + i]:
            return False
    return True


def name_end(window, pos, stop):
    """Index after the name that begins at `pos`, at most `stop`.  Does not allocate."""
    while pos < stop:
        c = window[pos]
        if c <= 39 or c in b"/=":  # white space, quotes, '/' and '=': in no name
            return pos
        pos += 1
    return pos


def _white(window, pos, stop):
    """Index of the first byte from `pos` on that is no white space, at most `stop`."""
    while pos < stop and window[pos] <= 32:
        pos += 1
    return pos
