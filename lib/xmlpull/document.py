"""A document around its tags: the window, the prolog, comments, and what may stand where.

Enters: bytes, in pieces of any size.  Leaves: the place of the next tag, for `Reader`, which is
made on this class and adds what tags mean.

    class Reader(Document): ...          # adds _text, _skip_on, next_event
    event = self._between()              # _TAG: a tag begins at _pos

Limit: nothing but the XML declaration must fit the window; comments and the like stream through.

    BEGIN -> DECLARATION -> PROLOG --start tag--> CONTENT --root ends--> EPILOG --close()--> EOF
    CONTENT --skip()--> SKIP --its end tag--> CONTENT or EPILOG
    any of PROLOG, CONTENT, SKIP, EPILOG --comment, PI, CDATA--> PASS --its end--> back
    any --XMLError--> DEAD --reset()--> BEGIN
"""

from micropython import const

from .error import XMLError

_NEED_DATA = const(0)  # as in reader.py
_EOF_EVENT = const(5)
_TAG = const(-1)  # no event yet: a start or end tag is at hand
_AGAIN = const(-2)  # no event yet: the state has changed, look again

_BEGIN = const(0)
_DECLARATION = const(1)
_PROLOG = const(2)
_CONTENT = const(3)
_SKIP = const(4)
_EPILOG = const(5)
_PASS = const(6)
_EOF = const(7)
_DEAD = const(8)

_LT = const(60)
_SLASH = const(47)
_BANG = const(33)
_QUESTION = const(63)
_LETTER = const(65)  # no name begins with an ASCII character below 'A'

_ENCODINGS = (b"UTF-8", b"utf-8", b"US-ASCII", b"us-ascii")


class Document:
    """The window, a bytearray of at least 64 bytes that is lent, and the state of the reading."""

    def __init__(self, window):
        if len(window) < 64:
            raise ValueError("window")
        self._window = window
        self._size = len(window)

    def reset(self):
        """Forget the document and its error, begin a new one.  Does not allocate."""
        self._state = _BEGIN
        self._resume = _BEGIN  # state before PASS
        self._until = b""  # what ends PASS
        self._closed = False
        self._error = None
        self._pos = self._end = self._open = 0  # unread: window[_pos:_end]; open elements
        self.offset = 0

    def room(self):
        """Move what is unread to the front; returns the index for the next bytes.

        After NEED_DATA the index is below the window's length.  Spans are void from here on.
        Does not allocate.
        """
        pos = self._pos
        rest = self._end - pos
        if pos:
            window = self._window
            for i in range(rest):  # short: mostly a part of one element
                window[i] = window[pos + i]
            self.offset += pos
            self._pos = 0
            self._end = rest
        return rest

    def feed(self, n):
        """Say that `n` bytes were put where room() said.  ValueError when they cannot fit."""
        end = self._end + n
        if n < 0 or end > self._size or self._closed:
            raise ValueError("feed")
        self._end = end

    def close(self):
        """Say that no more bytes will come: an unfinished document is an error then."""
        self._closed = True

    def _more(self, start):
        """NEED_DATA with window[start:] unread; an error if none can come or be held."""
        self._pos = start
        if self._closed:
            raise XMLError("end", self._end)
        if self._end - start >= self._size:
            raise XMLError("window", start)
        return _NEED_DATA

    def _between(self):
        """Go on to the next tag (_TAG) or to an event that is no tag."""
        while True:
            state = self._state
            if state == _PASS:
                event = self._pass()
            elif state == _SKIP:
                event = self._skip_on()
            elif state == _BEGIN:
                event = self._begin()
            elif state == _DECLARATION:
                event = self._declaration()
            elif state == _EOF:
                return _EOF_EVENT
            elif state == _DEAD:
                raise self._error
            else:
                event = self._white(state)
            if event != _AGAIN:
                return event

    def _white(self, state):
        """Pass white space; what follows is a tag, text, or something to pass over."""
        window = self._window
        pos = self._pos
        end = self._end
        while pos < end and window[pos] <= 32:
            pos += 1
        if pos == end and state == _EPILOG and self._closed:
            self._pos = pos
            self._state = _EOF
            return _AGAIN
        if pos < end and window[pos] != _LT:
            if state == _CONTENT:
                return self._text(pos)
            raise XMLError("outside", pos)
        if end - pos < 2:
            return self._more(pos)
        self._pos = pos
        c = window[pos + 1]
        if c in b"!?":
            return self._pass_from(pos)
        if state == _EPILOG:
            raise XMLError("outside", pos)
        if c < _LETTER and (c != _SLASH or state == _PROLOG):
            raise XMLError("name", pos + 1)
        self._state = _CONTENT
        return _TAG

    def _pass_from(self, start):
        """Begin to pass over the comment, CDATA section or PI at `start`."""
        window = self._window
        kind = window[start + 1]
        need = 2
        if kind == _BANG:
            if self._end - start < 3:
                return self._more(start)
            kind = window[start + 2]
            need = 9 if kind == 91 else 4  # '<![CDATA[' or '<!--'
        if self._end - start < need:
            return self._more(start)
        if kind == _QUESTION:
            self._until = b"?>"
        elif kind == 45 and window[start + 3] == 45:
            self._until = b"-->"
        elif kind == 91 and self._open and window.find(b"[CDATA[", start, start + 9) == start + 2:
            self._until = b"]]>"
        else:
            raise XMLError("doctype", start)
        self._pos = start + need
        self._resume = self._state
        self._state = _PASS
        return _AGAIN

    def _pass(self):
        """Pass over what ends with `_until`, however long it is."""
        at = self._window.find(self._until, self._pos, self._end)
        n = len(self._until)
        if at < 0:
            return self._more(max(self._pos, self._end - n + 1))
        self._pos = at + n
        self._state = self._resume
        return _AGAIN

    def _begin(self):
        """Pass the byte order mark of UTF-8, refuse those of UTF-16 (XML 1.0, appendix F)."""
        window = self._window
        n = self._end
        if n < 1:
            return self._more(0)
        c = window[0]
        if c == 0xEF:
            if n < 3:
                return self._more(0)
            if window[1] != 0xBB or window[2] != 0xBF:
                raise XMLError("encoding", 0)
            self._pos = 3
        elif c >= 0xFE or c == 0:
            raise XMLError("encoding", 0)
        self._state = _DECLARATION
        return _AGAIN

    def _declaration(self):
        """Pass the XML declaration if there is one; only UTF-8 will do (XML 1.0, 2.8, 4.3.3)."""
        window = self._window
        pos = self._pos
        end = self._end
        n = end - pos
        if (n and window[pos] != _LT) or (n > 1 and window[pos + 1] != _QUESTION):
            self._state = _PROLOG
            return _AGAIN
        if n < 6:
            return self._more(pos)
        if window.find(b"<?xml", pos, end) == pos and window[pos + 5] <= 32:
            stop = window.find(b"?>", pos, end)
            if stop < 0:
                return self._more(pos)
            at = window.find(b"encoding", pos, stop)
            if at >= 0 and not self._utf8(at, stop):
                raise XMLError("encoding", at)
            self._pos = stop + 2
        self._state = _PROLOG
        return _AGAIN

    def _utf8(self, at, stop):
        """True when an encoding that is a part of UTF-8 is named between quotes."""
        window = self._window
        for name in _ENCODINGS:
            i = window.find(name, at, stop)
            if i > 0 and window[i - 1] in (34, 39) and window[i - 1] == window[i + len(name)]:
                return True
        return False
