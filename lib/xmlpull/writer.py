"""Writes one XML document into a buffer that is lent.

Enters: names and values.  Leaves: UTF-8 in buf[:n].

    writer = Writer(bytearray(1024))
    writer.start(b"Response")
    writer.attribute(b"xmlns", b"urn:ieee:std:2030.5:ns")
    writer.leaf(b"status", 1)
    writer.end()                         # buf[:writer.n] is <Response xmlns="..."><status>...

Limit: names are written as they come; values are escaped.
"""

from array import array

from micropython import const

from .error import XMLError

# Each character that cannot stand for itself and then its reference (XML 1.0, 2.2, 2.4, 3.3.3);
# white space would be read back as blanks or line ends.
_REFERENCES = b"&&amp;<&lt;>&gt;\"&quot;\n&#10;\r&#13;\t&#9;"
_SMALL = const(100000000)  # integers below are written digit by digit, without allocating


class Writer:
    """One document at a time in `buf`, a bytearray of at most 2**20 bytes, `depth` elements deep.

    `n` is the length so far.  XMLError "full" when something does not fit, "depth" when one
    element too many is open, "character" for what XML cannot hold; buf is then unspecified.
    Names and values that are bytes do not allocate, str are encoded first.
    """

    def __init__(self, buf, depth=16):
        self._buf = buf
        self._size = len(buf)
        self._depth_max = depth
        self._starts = array("i", bytes(4 * depth))  # where the names of the open elements are
        self._stops = array("i", bytes(4 * depth))
        self.reset()

    def reset(self):
        """Begin anew at the start of the buffer.  Does not allocate."""
        self.n = 0
        self._depth = 0
        self._tag = False  # the start tag last written still lacks its '>'

    def start(self, name):
        """Open an element."""
        depth = self._depth
        self._content()
        if depth == self._depth_max:
            raise XMLError("depth", self.n)
        self._put(b"<")
        self._starts[depth] = self.n
        self._put(name)
        self._stops[depth] = self.n
        self._depth = depth + 1
        self._tag = True

    def attribute(self, name, value):
        """Add an attribute to the element just opened; ValueError when it has content already."""
        if not self._tag:
            raise ValueError("attribute")
        self._put(b" ")
        self._put(name)
        self._put(b'="')
        self._value(value)
        self._put(b'"')

    def end(self):
        """Close the innermost element; ValueError when none is open."""
        depth = self._depth - 1
        if depth < 0:
            raise ValueError("end")
        self._depth = depth
        if self._tag:
            self._tag = False
            self._put(b"/>")
            return
        self._put(b"</")
        self._again(self._starts[depth], self._stops[depth])
        self._put(b">")

    def leaf(self, name, value):
        """A whole element that holds `value`, an int, bool (true, false), bytes (UTF-8) or str."""
        self._content()
        self._put(b"<")
        start = self.n
        self._put(name)
        stop = self.n
        self._put(b">")
        self._value(value)
        self._put(b"</")
        self._again(start, stop)
        self._put(b">")

    def raw(self, data):
        """Add `data` as it is: markup made elsewhere, or the XML declaration."""
        self._content()
        self._put(data)

    def _content(self):
        """End the start tag, as something other than an attribute follows."""
        if self._tag:
            self._tag = False
            self._put(b">")

    def _put(self, data):
        """Add bytes or str unchanged."""
        if isinstance(data, str):
            data = data.encode()
        n = self.n
        end = n + len(data)
        if end > self._size:
            raise XMLError("full", n)
        self._buf[n:end] = data
        self.n = end

    def _again(self, start, stop):
        """Add once more what is at buf[start:stop]."""
        n = self.n
        if n + stop - start > self._size:
            raise XMLError("full", n)
        buf = self._buf
        for i in range(start, stop):
            buf[n] = buf[i]
            n += 1
        self.n = n

    def _value(self, value):
        """Add an int or bool, or bytes or str with the escapes of XML."""
        if value is True or value is False:  # no int on the device
            self._put(b"true" if value else b"false")
            return
        if isinstance(value, int):
            self._int(value)
            return
        if isinstance(value, str):
            value = value.encode()
        buf = self._buf
        n = self.n
        for i in range(len(value)):
            c = value[i]
            if c < 32 or (c < 63 and c in b"&<>\""):
                self.n = n
                self._refer(c)
                n = self.n
                continue
            if n >= self._size:
                raise XMLError("full", n)
            buf[n] = c
            n += 1
        self.n = n

    def _refer(self, c):
        """Add the reference for the character `c`."""
        at = 0
        while _REFERENCES[at] != c:
            at = _REFERENCES.find(b";", at) + 1
            if at == len(_REFERENCES):
                raise XMLError("character", self.n)
        c = 0
        while c != 59:  # ";"
            at += 1
            c = _REFERENCES[at]
            if self.n >= self._size:
                raise XMLError("full", self.n)
            self._buf[self.n] = c
            self.n += 1

    def _int(self, value):
        """Add a decimal integer; beyond eight digits it allocates."""
        if value <= -_SMALL or value >= _SMALL:
            self._put(str(value))
            return
        if value < 0:
            self._put(b"-")
            value = -value
        n = self.n
        rest = value
        while rest > 9:
            rest //= 10
            n += 1
        if n >= self._size:
            raise XMLError("full", self.n)
        self.n = n + 1
        while n >= 0 and (value or n + 1 == self.n):
            self._buf[n] = 48 + value % 10
            value //= 10
            n -= 1
