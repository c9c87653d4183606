"""The engine that reads every resource: XML events in, the fields that elements.py names out.

Enters: the events of an xmlpull.Reader.  Leaves: NEED_DATA, ITEM and DONE, with the values in the
attributes of the reader:

    reader = DERProgramList(xml)
    reader.begin()
    while reader.next_record() != DONE: ...   # at ITEM: reader.href, reader.primacy ...

Names count in the sep2 namespace and in every csipaus one; all others, and names that no table
has, are passed over (requirements B0).  Numbers that are absent are -1, hrefs and bytes None.

    root START -> fields of the resource            (single)
               -> item START ... END -> ITEM, again (list)   -> EOF -> DONE

Limit: hrefs of HREF_MAX printable ASCII characters, and five levels of elements.
"""

from micropython import const
from xmlpull import END, EOF, LEAF, START, XMLError
from xmlpull import NEED_DATA as _MORE

from .elements import (
    AT,
    ATTRIBUTES,
    BITMAP,
    DEST,
    DIGITS,
    FLAG,
    GROUP,
    HIGHEST,
    IN_BASE,
    KIND,
    LIMIT,
    LINK,
    LIST_ITEM,
    LOWEST,
    MRID,
    NEXT,
    NONE,
    PLAIN,
    QUICK,
    ROOT,
    ROOTS,
    ROWS,
    SECONDS,
    SWITCH,
    TABLE,
    TEXT,
    TIME,
)
from .record import ABSENT, EPOCH, HEX, clamp

NEED_DATA = _MORE
ITEM = const(1)
DONE = const(2)

HREF_MAX = const(255)
INT_MAX = const(0x3FFFFFFF)
_TEXT_MAX = const(32)  # of a String32

_DEPTH = const(8)
_FOREIGN = const(256)
_TIME_DIGITS = const(10)  # of a Unix time from 2001 to 2286
_EPOCH_HIGH = const(15778)  # EPOCH by halves of five digits
_EPOCH_LOW = const(36800)

_UNSET = (None, -1, ABSENT)
_END_DEVICE = const(12)  # the one table whose items need no href


class Sep2Error(Exception):
    """A document that is not the resource that was asked for, or lacks what it must have.

    Its arguments: what is wrong, and for the reason "root" the name that came instead.
    """


def name_of(row):
    """The name of a row as str. Allocates."""
    return str(TEXT[AT[row]:TEXT.find(b" ", AT[row])], "ascii")


class Resource:
    """One kind of resource, read with the xmlpull.Reader `xml`. Made once, begun often.

    A class gives `content`, the table of what the root holds, and `item`, that of an item, the
    same when it is no list.

    Of lists: `all` and `results` as the root says them, `items_read` as handed out.  `bad`: why
    the item cannot be used, None when all is well.  What is no list raises Sep2Error then, save
    DefaultDERControl.
    """

    content = item = NONE

    def __init__(self, xml):
        self._xml = xml
        self._window = xml._window
        # By depth: the table of what may stand there; from _DEPTH on the kind that is open there.
        self._levels = bytearray(2 * _DEPTH)
        self.begin()

    def begin(self):
        """Begin a new document, with the XML reader. Does not allocate."""
        self._xml.reset()
        self._rooted = False
        self._in_item = False
        # Bitmap of the tables that were met in this item; above, of modes of other namespaces.
        self._groups = 0
        self.all = self.results = self.poll_rate = -1
        self.items_read = 0
        self.bad = None
        self.clear()

    def clear(self):
        """Forget the fields of the item before."""
        self.href = None
        for row in range(len(TABLE)):
            if TABLE[row] == self.item:
                kind = KIND[row]
                value = ABSENT if kind == TIME else -1 if kind < DIGITS else None
                setattr(self, ATTRIBUTES[DEST[row]], value)

    def finish(self):
        """The item, or the single resource, is whole: refuse what is missing."""
        if self.item == _END_DEVICE:  # of no use when it can be told by neither identifier
            if self.lfdi is None and self.sfdi is None:
                self.wrong("lFDI", "missing")
        elif self.item != self.content and self.href is None:
            self.wrong("href", "missing")
        for row in range(len(TABLE)):
            # Mandatory are the kinds t, p and i: a time, a primacy and a PIN.
            if TABLE[row] == self.item and KIND[row] in b"\x00\x02\x04" \
                    and getattr(self, ATTRIBUTES[DEST[row]]) in _UNSET:
                self.wrong(row, "missing")

    def item_attributes(self, row):
        """Take the attributes of the item's start tag."""
        self.href = self.uri(row) if self._xml.attribute(b"href") else None

    def next_record(self):
        """NEED_DATA, ITEM or DONE; values are valid until the next call.

        Sep2Error and XMLError end the document.  Allocates what is kept as str or bytes, no more.
        """
        xml = self._xml
        if not self._rooted and not self._root():
            return _MORE
        rows = ROWS
        while True:
            event = xml.next_event()
            if event == LEAF:
                row = rows.get(xml.key, NONE)
                if row != NONE and self._leaf(row):
                    return ITEM
            elif event == START:
                self._open(xml.depth)
            elif event == END:
                kind = self._levels[_DEPTH + xml.depth]
                if kind == LIST_ITEM:
                    self._end_item()
                    return ITEM
                if LIMIT <= kind < ROOT:
                    self.end_power()
            elif event == _MORE:
                return _MORE
            elif event == EOF:
                if self.item == self.content:
                    self.finish()
                return DONE
            else:  # TEXT between elements
                self.wrong("text", "out of place")

    def wrong(self, name, what):
        """`name` (str, or a row) is wrong: the item is bad, a single resource an error."""
        reason = (name if isinstance(name, str) else name_of(name)) + ": " + what
        if not self._in_item:
            raise Sep2Error(reason)
        if self.bad is None:
            self.bad = reason

    def value(self, row):
        """Take the text of a leaf. XMLError when it should be a number and is none."""
        kind, name = KIND[row], ATTRIBUTES[DEST[row]]
        if getattr(self, name) not in _UNSET:
            self.wrong(row, "twice")
        elif kind == MRID:
            start = self.trim()
            setattr(self, name, hash(bytes(self._window[start:self._xml.value_end])))
        elif kind < DIGITS:
            setattr(self, name, self.number(row))
        elif kind == PLAIN:
            start, end = self.trim(), self._xml.value_end
            if end - start > _TEXT_MAX:
                self.wrong(row, "too long")
            setattr(self, name, bytes(self._window[start:end]))
        elif self.digits(10 if kind == DIGITS else 16, 12 if kind == DIGITS else 40) < 0:
            self.wrong(row, "unreadable")
        else:
            xml = self._xml
            setattr(self, name, bytes(self._window[xml.value_start:xml.value_end]).upper())

    # What follows reads the value span of the XML reader, which an attribute or a leaf has left.

    def number(self, row):
        """The value of a row whose kind is a number, None and wrong() beyond its range."""
        kind = KIND[row]
        if kind == TIME:
            return self.seconds()
        if kind < FLAG or kind > SWITCH:
            value = self._xml.to_int()
        else:
            value = self.digits(16, 8) if kind == BITMAP else self.flag()
        if kind == SECONDS and value > HIGHEST[SECONDS]:
            return HIGHEST[SECONDS]
        if LOWEST[kind] <= value <= HIGHEST[kind]:
            return value
        self.wrong(row, "out of range")
        return None

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

    def digits(self, base, most):
        """The low 30 bits, by four for each of 1 to `most` digits of `base` (10 or 16).

        -1 when the text is none.  Does not allocate.
        """
        start = self.trim()
        end = self._xml.value_end
        if not 0 < end - start <= most:
            return -1
        value = 0
        for i in range(start, end):
            digit = HEX[self._window[i]] & 0xEF
            if digit >= base:
                return -1
            value = (value << 4 | digit) & INT_MAX
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
        sound = 0 < end - start <= HREF_MAX
        for i in range(start, end):
            # It is sent in a request line: no white space, no control characters.
            sound = sound and 32 < self._window[i] < 127
        if sound:
            return str(bytes(self._window[start:end]), "ascii")
        self.wrong(name, "no href")
        return None

    def count(self, name):
        """An attribute of the root as int, -1 when absent, held at 2**30 - 1."""
        if not self._xml.attribute(name):
            return -1
        try:
            value = self._xml.to_int()
        except XMLError:
            value = -1
        if value < 0:
            self.wrong(str(name, "ascii"), "no count")
        return min(value, INT_MAX)

    # The walk through the document.

    def _root(self):
        xml = self._xml
        event = xml.next_event()
        if event == _MORE:
            return False
        row = self._match(ROWS.get(xml.key, NONE), ROOTS)
        if row == NONE or (DEST[row] != self.content and DEST[row] != self.item):
            end = min(xml.name_end, xml.name_start + 32)
            raise Sep2Error("root", bytes(self._window[xml.name_start:end]))
        self._rooted = True
        kind = KIND[row]
        if event == LEAF and (kind == LIST_ITEM or self.trim() != xml.value_end):
            raise Sep2Error("root: no content")
        self.poll_rate = self.count(b"pollRate")
        self._levels[_DEPTH + 1] = kind
        self._levels[2] = DEST[row]
        if kind == LIST_ITEM:
            self.all = self.results = 1
            self._begin_item(row)
        elif self.item != self.content:
            self.all = self.count(b"all")
            self.results = self.count(b"results")
        return True

    def _match(self, row, table):
        """The row, or one of those after it, that has the element's full name; else NONE.

        A mode's name in another namespace is remembered: it may be a limit that we cannot read.
        """
        xml, window = self._xml, self._window
        first, end = xml.name_start, xml.name_end
        while row != NONE:
            if TABLE[row] == table and (xml.ns >= 0 or table == IN_BASE):
                # Equal keys have equal lengths: a name can be found at its start alone.
                if row < len(QUICK):
                    if window.find(QUICK[row], first, end) >= 0:
                        break
                else:
                    i, at = first, AT[row]
                    while i < end and window[i] == TEXT[at]:
                        i += 1
                        at += 1
                    if i == end:
                        break
            row = NEXT[row]
        if row != NONE and xml.ns < 0:
            if KIND[row] >= SWITCH:
                self._groups |= _FOREIGN << DEST[row]
            return NONE
        return row

    def _leaf(self, row):
        """An element without others inside. True when it was a whole item."""
        xml = self._xml
        # As a rule it is the first of its key; _match() costs a call.
        if TABLE[row] != self._levels[xml.depth] or row >= len(QUICK) or xml.ns < 0 \
                or self._window.find(QUICK[row], xml.name_start, xml.name_end) < 0:
            row = self._match(row, self._levels[xml.depth])
            if row == NONE:
                return False
        kind = KIND[row]
        if kind < LINK or kind >= LIMIT:
            try:
                self.value(row)
            except XMLError:
                self.wrong(row, "no number")
            return False
        if kind == LINK:
            self._link(row)
            return False
        text = self.trim() != xml.value_end  # now: attributes take the span
        if kind == GROUP:
            self._group(row)
        else:
            self._begin_item(row)
        if text:
            self.wrong(row, "plain text")
        return kind == LIST_ITEM and self._end_item()

    def _open(self, depth):
        """An element with others inside begins."""
        row = self._match(ROWS.get(self._xml.key, NONE), self._levels[depth])
        kind = 0 if row == NONE else KIND[row]
        if kind < GROUP:
            if kind == LINK:
                self._link(row)
            elif row != NONE:
                self.wrong(row, "no plain text")
            self._xml.skip()
            return
        self._levels[_DEPTH + depth] = kind
        self._levels[depth + 1] = DEST[row]
        if kind == GROUP:
            self._group(row)
        elif kind == LIST_ITEM:
            self._begin_item(row)
        else:
            self._levels[depth + 1] = 0  # the table of an ActivePower
            self.begin_power(row)

    def _begin_item(self, row):
        self._in_item = True
        self._groups = 0
        self.bad = None
        self.clear()
        self.item_attributes(row)

    def _end_item(self):
        self.finish()
        self._in_item = False
        self.items_read += 1
        return True

    def _group(self, row):
        bit = 1 << DEST[row]
        if self._groups & bit:
            self.wrong(row, "twice")
        self._groups |= bit

    def _link(self, row):
        name = ATTRIBUTES[DEST[row]]
        if getattr(self, name) is not None:
            self.wrong(row, "twice")
        elif not self._xml.attribute(b"href"):
            self.wrong(row, "no href")
        else:
            setattr(self, name, self.uri(row))
