"""Pulls the elements of one XML document out of a window that is much smaller than it.

Enters: bytes, in pieces of any size.  Leaves: events, and spans of the window.

    reader = Reader(bytearray(1024), (b"urn:ieee:std:2030.5:ns",))
    at = reader.room()                   # put n bytes at window[at:], then
    reader.feed(n)
    event = reader.next_event()          # NEED_DATA, START, LEAF, TEXT, END or EOF

Limit: well-formedness is checked as far as structure goes: the characters inside names, the
bytes of UTF-8, "--" in comments and "]]>" in text are not, and line ends are not normalised.
"""

from array import array

from micropython import const

from .attributes import Attributes, equal, name_end
from .document import Document
from .entities import decode
from .error import XMLError
from .names import Bindings

NEED_DATA = const(0)
START = const(1)
LEAF = const(2)
TEXT = const(3)
END = const(4)
EOF = const(5)

_AGAIN = const(-2)  # these six are as in document.py, where the states are drawn
_CONTENT = const(3)
_SKIP = const(4)
_EPILOG = const(5)
_DEAD = const(8)
_LETTER = const(65)

_LT = const(60)
_GT = const(62)
_SLASH = const(47)


class Reader(Document):
    """One document at a time through `window`, a bytearray of at least 64 bytes that is lent.

    `namespaces`: URIs, bytes, that `ns` indexes.  Limits, each an XMLError when passed: `depth`
    elements inside one another; `name` bytes of a name with its prefix, at most 63; `attributes`
    of one tag, xmlns not counted; `text` bytes of one run of text; `bindings` of prefixes in
    force.  Allocates here and when it raises, else never.

    After START, LEAF and END: `key`, `ns`, `name_start`, `name_end`, `depth`.  After LEAF and
    TEXT: `value_start`, `value_end`.  `offset` is the place of window[0] in the document.
    """

    def __init__(self, window, namespaces, depth=16, name=64, attributes=8, text=512, bindings=8):
        super().__init__(window)
        self._depth_max = depth
        self._name_max = min(name, 63)  # the six bits of a key
        self._leaf_max = text + 1
        self._attributes = Attributes(attributes, self._name_max)
        self._names = Bindings(namespaces, bindings)
        # Of each open element: key of its name with prefix, key of the local name, namespace.
        self._tags = array("i", bytes(4 * (depth + 1)))
        self._keys = array("i", bytes(4 * (depth + 1)))
        self._spaces = array("i", bytes(4 * (depth + 1)))
        self.reset()

    def reset(self):
        """Forget the document and its error, begin a new one.  Does not allocate."""
        super().reset()
        self._names.reset()
        self._skip = 0  # depth of the element that SKIP passes
        self._count = 0  # attributes of the tag
        self.depth = self.key = 0
        self.ns = -1
        self.name_start = self.name_end = self.value_start = self.value_end = 0

    def next_event(self):
        """The next event; NEED_DATA when bytes must be fed first.

        XMLError for a malformed document or a limit, and again at each call until reset().
        """
        try:
            window = self._window
            start = self._pos
            end = self._end
            mark = 0
            if self._state == _CONTENT and end - start > 1:
                while window[start] <= 32 and start + 2 < end:
                    start += 1
                if window[start] == _LT:
                    mark = window[start + 1]
            if mark < _LETTER and mark != _SLASH:
                event = self._between()
                if event >= 0:
                    return event
                start = self._pos
                mark = window[start + 1]
            if mark == _SLASH:
                return self._end_tag(start)
            # XML 1.0, 2.4: no '<' inside a tag, not even in a value.  So '>' comes before it.
            after = window.find(b"<", start + 1, end)
            gt = window.find(b">", start, end if after < 0 else after)
            if gt < 0 or window[gt - 1] <= _SLASH or window.find(b"=", start, gt) >= 0 \
                    or window.find(b" ", start, gt) >= 0:
                return self._rich(start, after)
            # A tag that is a name alone.  Its end tag, if it comes next, is `by` further on;
            # it is compared by length, first, middle and last byte.
            by = after - start + 1
            close = gt + by
            middle = start + gt + 1 >> 1
            if after > 0 and close < end and window[close] == _GT \
                    and window[after + 1] == _SLASH and window[after + 2] == mark \
                    and window[close - 1] == window[gt - 1] \
                    and window[middle + by] == window[middle] and after - gt <= self._leaf_max:
                close += 1
            else:
                close = self._ahead(start, gt, gt, after)
                if close < 0:
                    return self._more(start)
            self._count = 0
            return self._element(start, gt, gt, after, close)
        except XMLError as exc:
            if self._state != _DEAD:  # helpers know the index in the window alone
                self._error = XMLError(exc.what, self.offset + exc.at)
                self._state = _DEAD
            raise self._error

    def attribute(self, name):
        """True when the tag of this START or LEAF has attribute `name` (bytes, as written).

        The value span is then the attribute's, so read a LEAF's text first.  Does not allocate.
        """
        i = self._attributes.find(self._window, name, self._count)
        if i < 0:
            return False
        self.value_start = self._attributes.span(i)
        self.value_end = self._attributes.span(i + 1)
        return True

    def skip(self):
        """Pass the rest of the element whose START (or TEXT) was last; no END will be reported.

        Of what it holds only the nesting of tags is checked.  ValueError after other events.
        """
        if self._state != _CONTENT or not self._open or self.depth != self._open:
            raise ValueError("skip")
        self._skip = self._open
        self._state = _SKIP

    def to_int(self):
        """The value span as a decimal integer, white space around it allowed.

        XMLError "int" (the reader lives on) when it is none or leaves -2**62..2**62.  Does not
        allocate as long as the value is a small int of the port.
        """
        window = self._window
        pos = self.value_start
        stop = self.value_end
        while pos < stop and window[stop - 1] <= 32:
            stop -= 1
        while pos < stop and window[pos] <= 32:
            pos += 1
        sign = window[pos] if pos < stop else 0
        if sign in b"-+":  # XML Schema 2, 3.3.13
            pos += 1
        good = pos < stop
        while pos < stop - 1 and window[pos] == 48:
            pos += 1
        digits = stop - pos
        value = 0
        while pos < stop and digits < 20:
            c = window[pos] - 48
            good = good and 0 <= c <= 9
            value = value * 10 + c
            pos += 1
        if not good or (digits > 18 and (digits > 19 or value > 1 << 62)):
            raise XMLError("int", self.offset + self.value_start)
        return -value if sign == 45 else value

    def equals(self, data):
        """True when the value span holds exactly `data` (bytes).  Does not allocate."""
        start = self.value_start
        stop = self.value_end
        return stop - start == len(data) and self._window.find(data, start, stop) == start

    def _element(self, start, stop, gt, after, close):
        """Report the start tag with name window[start + 1:stop] and '>' at gt.

        `close` > 0: it is a LEAF with text up to `after`, and reading goes on at `close`.
        """
        window = self._window
        first = start + 1
        n = stop - first
        if n > self._name_max:
            raise XMLError("name", first)
        tag = n << 24 | window[first] << 16 | window[first + (n >> 1)] << 8 | window[stop - 1]
        key = tag
        colon = window.find(b":", first, stop)
        if colon < 0:
            ns = self._names.default
        else:
            ns = self._names.lookup(window, first, colon)
            first = colon + 1
            n = stop - first
            if n < 1 or window.find(b":", first, stop) >= 0:
                raise XMLError("name", start + 1)
            key = n << 24 | window[first] << 16 | window[first + (n >> 1)] << 8 | tag & 255
        depth = self._open + 1
        if depth > self._depth_max:
            raise XMLError("depth", start)
        self.key = key
        self.ns = ns
        self.name_start = first
        self.name_end = stop
        self.depth = depth
        if close:
            gt += 1
            self.value_start = gt
            self.value_end = after if window.find(b"&", gt, after) < 0 \
                else decode(window, gt, after)
            self._pos = close
            if depth == 1:
                self._state = _EPILOG
            return LEAF
        self._tags[depth] = tag
        self._keys[depth] = key
        self._spaces[depth] = ns
        self._open = depth
        self._pos = gt + 1
        return START

    def _rich(self, start, after):
        """Report a start tag that has attributes or white space, or is empty (or unfinished)."""
        window = self._window
        gt = self._tag_end(start, after)
        if gt < 0:
            return self._more(start)
        stop = name_end(window, start + 1, gt)
        last = gt
        if window[gt - 1] == _SLASH:
            last -= 1
            after = close = gt + 1
        else:
            close = self._ahead(start, stop, gt, after)
            if close < 0:
                return self._more(start)
        # From here on the event is sure: values are decoded in place, which is done but once.
        names = self._names
        depth = self._open + 1
        self._count = self._attributes.scan(window, stop, last, names, depth)
        event = self._element(start, stop, gt, after, close)
        if event == LEAF and names.depth == depth:
            names.unbind(depth)
        return event

    def _tag_end(self, start, after):
        """Index of the '>' that ends the start tag, -1 when it has not come yet.

        `after`: index of the next '<', which must not lie inside the tag, or -1.
        """
        window = self._window
        limit = self._end if after < 0 else after
        pos = start
        while True:
            gt = window.find(b">", pos, limit)
            if gt < 0:
                break
            double = window.find(b'"', pos, gt)
            single = window.find(b"'", pos, gt)
            if double < 0 and single < 0:
                return gt
            if single < 0 or 0 <= double < single:
                pos = window.find(b'"', double + 1, limit) + 1
            else:
                pos = window.find(b"'", single + 1, limit) + 1
            if not pos:
                break
        if after >= 0:
            raise XMLError("tag", after)
        return -1

    def _ahead(self, start, stop, gt, after):
        """Where reading goes on after the LEAF that begins at `start`.

        0 when it is no LEAF, -1 when that cannot be told yet.  Only what fits the window and
        the text limit is a LEAF, and only a full window tells that it does not fit: so the
        answer does not depend on the pieces in which the document came.
        """
        window = self._window
        end = self._end
        short = 0 if end - start >= self._size else -1
        if (end if after < 0 else after) - gt > self._leaf_max:
            return 0
        if after < 0 or after + 1 >= end:
            return short
        if window[after + 1] != _SLASH:
            return 0
        close = window.find(b">", after, end)
        if close < 0:
            return short
        last = close
        while window[last - 1] <= 32:
            last -= 1
        n = stop - start - 1
        if last - after - 2 != n or not equal(window, start + 1, after + 2, n):
            raise XMLError("end tag", after)
        return close + 1

    def _end_tag(self, start):
        """Close the innermost element by the end tag at `start`."""
        window = self._window
        gt = window.find(b">", start, self._end)
        if gt < 0:
            return self._more(start)
        stop = gt
        while window[stop - 1] <= 32:
            stop -= 1
        depth = self._open
        if self._tag_key(start + 2, stop) != self._tags[depth]:
            raise XMLError("end tag", start)
        key = self._keys[depth]
        self.key = key
        self.ns = self._spaces[depth]
        self.name_start = stop - (key >> 24)
        self.name_end = stop
        self.depth = depth
        self._count = 0
        self._open = depth - 1
        self._pos = gt + 1
        if self._names.depth == depth:
            self._names.unbind(depth)
        if depth == 1:
            self._state = _EPILOG
        return END

    def _tag_key(self, first, stop):
        """Packed key of a name with its prefix, 0 when it is empty or too long."""
        window = self._window
        n = stop - first
        if not 0 < n <= self._name_max:
            return 0
        return n << 24 | window[first] << 16 | window[first + (n >> 1)] << 8 | window[stop - 1]


    def _text(self, pos):
        """Report the text from `pos`, which is no white space, to the next '<'."""
        window = self._window
        stop = window.find(b"<", pos, self._end)
        if (self._end if stop < 0 else stop) - pos >= self._leaf_max:
            raise XMLError("text", pos)
        if stop < 0:
            return self._more(pos)
        self._pos = stop
        self.depth = self._open
        self._count = 0
        self.value_start = pos
        self.value_end = stop if window.find(b"&", pos, stop) < 0 else decode(window, pos, stop)
        return TEXT

    def _skip_on(self):
        """Pass over tags and text until the end tag of the element that is skipped."""
        window = self._window
        end = self._end
        while self._open >= self._skip:
            pos = window.find(b"<", self._pos, end)
            if pos < 0:
                return self._more(end)
            if end - pos < 2:
                return self._more(pos)
            c = window[pos + 1]
            if c in b"!?":
                return self._pass_from(pos)
            if c == _SLASH:
                event = self._end_tag(pos)
            else:
                event = self._skip_tag(pos, c)
            if event == NEED_DATA:
                return event
        if self._state == _SKIP:
            self._state = _CONTENT
        return _AGAIN

    def _skip_tag(self, start, c):
        """Go into an element inside the one that is skipped."""
        window = self._window
        if c < _LETTER:
            raise XMLError("name", start + 1)
        gt = self._tag_end(start, window.find(b"<", start + 1, self._end))
        if gt < 0:
            return self._more(start)
        tag = self._tag_key(start + 1, name_end(window, start + 1, gt))
        if not tag:
            raise XMLError("name", start + 1)
        self._pos = gt + 1
        if window[gt - 1] == _SLASH:
            return LEAF
        depth = self._open + 1
        if depth > self._depth_max:
            raise XMLError("depth", start)
        self._tags[depth] = tag
        self._open = depth
        return START
