"""Judges spans of a head without taking them out of the buffer.

Enters: a bytearray and the span at .. to in it.  Leaves: a bool or an int; nothing allocates.

    spells(buf, at, to, b"content-length")

Limit: names are compared without regard to case in ASCII only, which is all that a name may hold.
"""

from micropython import const

BLANKS = b" \t"  # OWS of RFC 9110 5.6.3
_SEPARATORS = b'"(),/:;<=>?@[\\]{}'  # visible, yet not allowed in a token

# Numbers stay small ints on every board: a digit more than these and 2**30 could be reached.
_TENTH = const(107374181)
_SIXTEENTH = const(67108863)


def is_token(c):
    """Whether the byte may stand in a method or a field name: RFC 9110 5.6.2."""
    return 32 < c < 127 and c not in _SEPARATORS


def spells(buf, at, to, word):
    """Whether the span, blanks at its end aside, is the lower-case `word` in any case."""
    while to > at and buf[to - 1] in BLANKS:
        to -= 1
    if to - at != len(word):
        return False
    for i in range(len(word)):
        c = buf[at + i]
        if (c | 32 if 65 <= c <= 90 else c) != word[i]:
            return False
    return True


def lists(buf, at, to, word):
    """Whether the span is a comma-separated list that holds `word`: RFC 9110 5.6.1."""
    while at < to:
        comma = buf.find(b",", at, to)
        if comma < 0:
            comma = to
        while at < comma and buf[at] in BLANKS:
            at += 1
        if spells(buf, at, comma, word):
            return True
        at = comma + 1
    return False


def decimal(buf, at, to):
    """The decimal number of the span, -1 when it is none or above 2**30 - 5: RFC 9110 8.6."""
    value = 0 if at < to else -1
    for i in range(at, to):
        c = buf[i]
        if not 48 <= c <= 57 or value > _TENTH:
            return -1
        value = value * 10 + c - 48
    return value


def chunk_size(buf, at, to):
    """The size before any extension, -1 when there is none or it reaches 2**30: RFC 9112 7.1."""
    size, i = 0, at
    while i < to:
        digit = _hex(buf[i])
        if digit < 0:
            break
        if size > _SIXTEENTH:
            return -1
        size = size << 4 | digit
        i += 1
    if i == at:
        return -1
    while i < to and buf[i] in BLANKS:
        i += 1
    return size if i == to or buf[i] == 59 else -1  # ";" begins an extension


def _hex(c):
    if 48 <= c <= 57:
        return c - 48
    c |= 32
    return c - 87 if 97 <= c <= 102 else -1
