"""References in text, such as &amp; and &#x3C;, replaced in place by the bytes they stand for.

Enters: a bytearray and a span of it.  Leaves: the end of the shorter span.

    stop = decode(window, start, stop)

Limit: the five names of XML and characters by number; no DTD, hence no other entity.
"""

from .error import XMLError

# XML 1.0, 4.6: the predefined entities, each with its character behind it.
_NAMES = b"amp;&lt;<gt;>quot;\"apos;'"


def decode(window, start, stop):
    """Decode all references of window[start:stop] in place; returns the new stop, never larger.

    XMLError "entity" with the index of the reference when it is unknown, unfinished or no
    character of XML.  Does not allocate.
    """
    put = at = window.find(b"&", start, stop)
    while 0 <= at < stop:
        c = window[at]
        if c != 38:
            window[put] = c
            put += 1
            at += 1
            continue
        semicolon = window.find(b";", at, stop)
        if semicolon < 0:
            raise XMLError("entity", at)
        # What is written is never longer than the reference, so nothing unread is overwritten.
        code = _code(window, at, semicolon)
        put = _utf8(window, put, code)
        at = semicolon + 1
    return stop if put < 0 else put


def _code(window, at, semicolon):
    """Code point of the reference from the & at `at` to its semicolon."""
    if window[at + 1] != 35:  # '#'
        return _named(window, at)
    pos = at + 2
    base = 10
    if window[pos] == 120:  # 'x'
        base = 16
        pos += 1
    code = -1 if pos == semicolon else 0
    while pos < semicolon and 0 <= code < 0x110000:
        digit = window[pos] - 48
        if digit > 9:
            digit = (window[pos] | 32) - 87
            if digit < 10:
                digit = 16
        code = code * base + digit if 0 <= digit < base else -1
        pos += 1
    # XML 1.0, 2.2: the characters a document may hold.
    if (code < 32 and code not in (9, 10, 13)) or 0xD800 <= code < 0xE000 or code > 0x10FFFF \
            or code in (0xFFFE, 0xFFFF):
        raise XMLError("entity", at)
    return code


def _named(window, at):
    """Character of the reference by name from the & at `at` on."""
    i = 0
    while i < len(_NAMES):
        pos = at + 1
        while _NAMES[i] == window[pos] != 59:  # ";"
            i += 1
            pos += 1
        if _NAMES[i] == window[pos]:
            return _NAMES[i + 1]
        i = _NAMES.find(b";", i) + 2
    raise XMLError("entity", at)


def _utf8(window, put, code):
    """Write `code` as UTF-8 at `put`; returns the index after it."""
    if code < 0x80:
        window[put] = code
        return put + 1
    if code < 0x800:
        window[put] = 0xC0 | code >> 6
    else:
        if code < 0x10000:
            window[put] = 0xE0 | code >> 12
        else:
            window[put] = 0xF0 | code >> 18
            put += 1
            window[put] = 0x80 | code >> 12 & 63
        put += 1
        window[put] = 0x80 | code >> 6 & 63
    window[put + 1] = 0x80 | code & 63
    return put + 2
