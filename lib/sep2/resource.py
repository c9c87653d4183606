"""The engine that reads every resource: XML events in, the fields that a table names out.

Enters: the events of an xmlpull.Reader.  Leaves: NEED_DATA, ITEM and DONE, with the values in the
attributes of the reader.  A resource is a table, which `table()` makes from rows such as

    (b"primacy", INT, "primacy", 0, 255)        # name on the wire, kind, where to, lowest, highest

Elements are found by the `key` of their name in one dict lookup; the name itself is compared then,
so that no other element can pass for one of ours.  Names count in the sep2 namespace and in every
csipaus one; all others, and names that no table has, are passed over (requirements B0).

    root START -> fields of the resource            (single)
               -> item START ... END -> ITEM, again (list)   -> EOF -> DONE

Limit: hrefs of HREF_MAX printable ASCII characters, and five levels of elements.
"""

from micropython import const
from xmlpull import END, EOF, LEAF, START, XMLError
from xmlpull import NEED_DATA as _MORE
from xmlpull import key as name_key

from .record import ABSENT, EPOCH, HEX, clamp

NEED_DATA = _MORE
ITEM = const(1)
DONE = const(2)

HREF_MAX = const(255)
INT_MAX = const(0x3FFFFFFF)

# Kinds of fields. Below LINK: plain text; from LINK on: elements that may hold others.
INT = const(0)  # integer lowest..highest
SATURATED = const(1)  # integer from lowest on, held at highest
FLAG = const(2)  # boolean, to 1 or 0
TIME = const(3)  # Int64 Unix time, to s since EPOCH
DIGITS = const(4)  # decimal digits, at most `highest`, to bytes
HEX_DIGITS = const(5)  # hex digits, at most `highest`, to bytes in upper case
OTHER = const(16)  # kinds from here to LINK belong to a reader of its own
LINK = const(32)  # element with an href, to str
GROUP = const(33)  # element of fields: the table is in place of `where to`, its bit in `lowest`
LIST_ITEM = const(34)
ACTIVE_POWER = const(35)
ROOT = const(36)

_UNSET = (None, -1, ABSENT)
_DEPTH = const(8)
_TIME_DIGITS = const(10)  # of a Unix time from 2001 to 2286
_EPOCH_HIGH = const(15778)  # EPOCH by halves of five digits
_EPOCH_LOW = const(36800)


class Sep2Error(Exception):
    """A document that is not the resource that was asked for, or lacks what it must have.

    Its arguments: what is wrong, and for the reason "root" the name that came instead.
    """


def table(*rows):
    """{key of the name: field}, a field being (name, kind, dest, low, high, field of same key)."""
    made = {}
    for name, kind, dest, low, high in rows:
        key = name_key(name)
        made[key] = (name, kind, dest, low, high, made.get(key))
    return made


class Resource:
    """One kind of resource, read with the xmlpull.Reader `xml`. Made once, begun often.

    Of lists: `all` and `results` as the root says them, `items_read` as handed out.  `bad`: why
    the item cannot be used, None when all is well.  What is no list raises Sep2Error then, save
    DefaultDERControl.

    A class of a resource gives ROOTS and what differs of clear(), item_attributes() and finish().
    """

    ROOTS = None
    LIST = False

    def __init__(self, xml):
        self._xml = xml
        self._window = xml._window
        self._tables = [None] * _DEPTH  # by depth: what may stand there
        self._opened = bytearray(_DEPTH)  # by depth: kind of the element that is open
        self._rooted = False
        self._in_item = False
        self._groups = 0
        self.all = self.results = self.poll_rate = -1
        self.items_read = 0
        self.bad = None
        self.clear()

    def begin(self):
        """Begin a new document, with the XML reader. Does not allocate."""
        self._xml.reset()
        self._rooted = False
        self._in_item = False
        self._groups = 0
        self.all = self.results = self.poll_rate = -1
        self.items_read = 0
        self.bad = None
        self.clear()

    def clear(self):
        """Forget the fields of the item before."""

    def finish(self):
        """The item, or the single resource, is whole: refuse what is missing with lack()."""

    def item_attributes(self):
        """Take the attributes of the item's start tag."""

    def next_record(self):
        """NEED_DATA, ITEM or DONE; values are valid until the next call.

        Sep2Error and XMLError end the document.  Allocates what is kept as str or bytes, no more.
        """
        xml = self._xml
        if not self._rooted and not self._root():
            return _MORE
        tables = self._tables
        while True:
            event = xml.next_event()
            if event == LEAF:
                field = tables[xml.depth].get(xml.key)
                if field is not None and self._leaf(field):
                    return ITEM
            elif event == START:
                self._open(xml.depth)
            elif event == END:
                if self._opened[xml.depth] > GROUP and self._close(xml.depth):
                    return ITEM
            elif event == _MORE:
                return _MORE
            elif event == EOF:
                if not self.LIST:
                    self.finish()
                return DONE
            else:  # TEXT between elements
                self.wrong(b"text", "out of place")

    def wrong(self, name, what):
        """The value of `name` cannot be used: the item is bad, a single resource an error."""
        reason = str(name, "ascii") + ": " + what
        if not self._in_item:
            raise Sep2Error(reason)
        if self.bad is None:
            self.bad = reason

    def lack(self, name):
        """`name` is missing in what was read."""
        self.wrong(name, "missing")

    def value(self, field):
        """Take the text of a leaf. XMLError when it should be a number and is none."""
        name, kind, dest, low, high, _other = field
        if getattr(self, dest) not in _UNSET:
            self.wrong(name, "twice")
            return
        if kind <= FLAG:
            value = self.flag() if kind == FLAG else self._xml.to_int()
            if kind == SATURATED and value > high:
                value = high
            if not low <= value <= high:
                self.wrong(name, "out of range")
                return
        elif kind == TIME:
            value = self.seconds()
        else:
            value = self._digits(16 if kind == HEX_DIGITS else 10, high)
            if value is None:
                self.wrong(name, "unreadable")
        setattr(self, dest, value)

    # What follows reads the value span of the XML reader, which an attribute or a leaf has left.

    def seconds(self):
        """Unix time as s since EPOCH within +-W_MAX. XMLError when it is no integer.

        The ten digits of our years go by halves, for they are no small int on 32-bit boards.
        """
        xml, window = self._xml, self._window
        start = xml.value_start
        if xml.value_end - start != _TIME_DIGITS:
            return clamp(xml.to_int() - EPOCH)
        high = low = 0
        for i in range(start, start + 5):
            digit = window[i] - 48
            other = window[i + 5] - 48
            if not 0 <= digit <= 9 or not 0 <= other <= 9:
                return clamp(xml.to_int() - EPOCH)
            high = high * 10 + digit
            low = low * 10 + other
        high -= _EPOCH_HIGH
        if high > 10737:  # beyond 2054
            return clamp(INT_MAX)
        return clamp(high * 100000 + low - _EPOCH_LOW)

    def flag(self):
        """1 for true and 1, 0 for false and 0, else -1. Does not allocate."""
        start = self.trim()
        n = self._xml.value_end - start
        window = self._window
        if n == 1:
            digit = window[start] - 48
            return digit if 0 <= digit <= 1 else -1
        if n == 4 and window.find(b"true", start, start + 4) == start:
            return 1
        return 0 if n == 5 and window.find(b"false", start, start + 5) == start else -1

    def hex(self, most):
        """The low 30 bits of 1 to `most` hex digits, -1 when they are none. Does not allocate."""
        start = self.trim()
        end = self._xml.value_end
        if not 0 < end - start <= most:
            return -1
        value = 0
        for i in range(start, end):
            digit = HEX[self._window[i]]
            if digit > 31:
                return -1
            value = (value << 4 | digit & 15) & INT_MAX
        return value

    def trim(self):
        """Take white space off both ends of the value span (XSD: collapsed); returns its start."""
        xml, window = self._xml, self._window
        start, end = xml.value_start, xml.value_end
        while start < end and window[start] <= 32:
            start += 1
        while start < end and window[end - 1] <= 32:
            end -= 1
        xml.value_start, xml.value_end = start, end
        return start

    def uri(self, name):
        """The value span as str; wrong() and None when it is no href. Allocates."""
        start, end = self._xml.value_start, self._xml.value_end
        if not 0 < end - start <= HREF_MAX:
            self.wrong(name, "no href")
            return None
        for i in range(start, end):
            # It is sent in a request line: no white space, no control characters.
            if not 32 < self._window[i] < 127:
                self.wrong(name, "no href")
                return None
        return str(bytes(self._window[start:end]), "ascii")

    def own_href(self, name):
        """The href attribute of the element `name`, None when it has none."""
        return self.uri(name) if self._xml.attribute(b"href") else None

    def count(self, name):
        """An attribute of the root as int, -1 when absent, held at 2**30 - 1."""
        if not self._xml.attribute(name):
            return -1
        try:
            value = self._xml.to_int()
        except XMLError:
            value = -1
        if value < 0:
            self.wrong(name, "no count")
        return min(value, INT_MAX)

    def _digits(self, base, most):
        start = self.trim()
        end = self._xml.value_end
        if not 0 < end - start <= most:
            return None
        for i in range(start, end):
            if HEX[self._window[i]] & 0xEF >= base:
                return None
        return bytes(self._window[start:end]).upper()

    # The walk through the document.

    def _root(self):
        xml = self._xml
        event = xml.next_event()
        if event == _MORE:
            return False
        field = self._match(self.ROOTS.get(xml.key))
        if field is None:
            end = min(xml.name_end, xml.name_start + 32)
            raise Sep2Error("root", bytes(self._window[xml.name_start:end]))
        self._rooted = True
        kind = field[1]
        if event == LEAF and (kind == LIST_ITEM or self.trim() != xml.value_end):
            raise Sep2Error("root: no content")
        self.poll_rate = self.count(b"pollRate")
        if kind == LIST_ITEM:
            self.all = self.results = 1
        elif self.LIST:
            self.all = self.count(b"all")
            self.results = self.count(b"results")
        self._opened[1] = kind
        self._tables[2] = field[2]
        if kind == LIST_ITEM:
            self._begin_item()
        return True

    def _match(self, field):
        """The field of the element's full name among those of its key, None when there is none."""
        xml = self._xml
        if field is None or xml.ns < 0:
            return None
        # Equal keys have equal lengths: a name can be found at its start alone.
        while self._window.find(field[0], xml.name_start, xml.name_end) < 0:
            field = field[5]
            if field is None:
                return None
        return field

    def _leaf(self, field):
        """An element without others inside. True when it was a whole item."""
        xml = self._xml
        if xml.ns < 0 or self._window.find(field[0], xml.name_start, xml.name_end) < 0:
            field = self._match(field)
            if field is None:
                return False
        kind = field[1]
        if kind < LINK or kind == ACTIVE_POWER:
            try:
                self.value(field)
            except XMLError:
                self.wrong(field[0], "no number")
            return False
        if kind == LINK:
            self._link(field)
            return False
        text = self.trim() != self._xml.value_end  # now: attributes take the span
        if kind == GROUP:
            self._group(field)
        else:
            self._begin_item()
        if text:
            self.wrong(field[0], "plain text")
        return kind == LIST_ITEM and self._end_item()

    def _open(self, depth):
        """An element with others inside begins."""
        field = self._match(self._tables[depth].get(self._xml.key))
        kind = -1 if field is None else field[1]
        if kind < GROUP:
            if kind == LINK:
                self._link(field)
            elif field is not None:
                self.wrong(field[0], "no plain text")
            self._xml.skip()
            return
        self._opened[depth] = kind
        self._tables[depth + 1] = field[2]
        if kind == GROUP:
            self._group(field)
        elif kind == LIST_ITEM:
            self._begin_item()
        else:
            self.begin_power(field)

    def _close(self, depth):
        """An element with others inside ends. True when it was an item."""
        kind = self._opened[depth]
        if kind == LIST_ITEM:
            return self._end_item()
        if kind == ACTIVE_POWER:
            self.end_power()
        return False

    def _begin_item(self):
        self._in_item = True
        self._groups = 0
        self.bad = None
        self.clear()
        self.item_attributes()

    def _end_item(self):
        self.finish()
        self._in_item = False
        self.items_read += 1
        return True

    def _group(self, field):
        if self._groups & field[3]:
            self.wrong(field[0], "twice")
        self._groups |= field[3]

    def _link(self, field):
        name, _kind, dest, _low, _high, _other = field
        if getattr(self, dest) is not None:
            self.wrong(name, "twice")
            return
        if not self._xml.attribute(b"href"):
            self.wrong(name, "no href")
            return
        setattr(self, dest, self.uri(name))
