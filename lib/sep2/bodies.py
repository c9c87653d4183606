"""Writes every body that a client sends, from the templates of fields.py.

Enters: a kind, a dict of values and the server's profile.  Leaves: XML in the writer's buffer.

    write(writer, fields.DER_STATUS, {fields.AT: now, fields.OPERATIONAL: (since, 2)}, profile)
    body = buf[:writer.n]

A body may be longer than the buffer: it comes in pieces then, each begun with the number that the
call before gave; run it once for the Content-Length and once to send.

    at, length = 0, 0
    while True:
        at = write(writer, kind, values, profile, at)
        length += writer.n
        if not at: break

Limit: no value is checked for more than its range and length.
"""

from micropython import const
from xmlpull import XMLError

from .fields import COUNT, TEMPLATES
from .profiles import SEP2_NS
from .record import ABSENT, EPOCH
from .resource import Sep2Error

# Letters of the templates, and what bounds their values: the number or its magnitude ...
_LETTERS = b"fbphukmnxwXgslPNUVFt"
_BOUNDS = (
    1, 255, 10000, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 9, 0x7FFFFFFFFFFF,
    0xFF, 0xFFFF, 0xFFFFFFFF,  # hex digits, 2, 4 and 8
    6, 32, 40,  # characters of text
    32767, 32767, 65535, 65535, 65535,  # what stands beside a multiplier
    1 << 33,  # a time
)
# ... by their place.
_SIGNED = const(6)  # m, n
_HEX = const(8)
_TEXT = const(11)
_SCALED = const(14)
_TIME = const(19)


def write(writer, kind, values, profile=None, at=0):
    """Write the body, or as much as fits the buffer; `writer.n` is its length in bytes.

    values: dict by the numbers of fields.py; one that is missing, None or ABSENT is left out.
    profile: a Profile, None for a part of a document: it gets no xmlns then.
    at: 0, or what the call before returned.  Returns 0 when the body is whole.
    Sep2Error: a value is missing that may not be, or beyond its range.  XMLError: one element
    does not fit the buffer, or a text holds what XML cannot.  Allocates.
    """
    writer.reset()
    template = TEMPLATES[kind]
    done = 0
    try:
        while at < len(template):
            mid = template.find(b" ", at)
            end = template.find(b" ", mid + 1)
            _element(writer, template[at:mid], template[mid + 1:end], values, profile)
            at = end + 1
            done = writer.n
    except XMLError:
        if not done:
            raise
        writer.n = done
        return at
    return 0


def _element(writer, name, code, values, profile):
    """One pair of a template."""
    if name[0] == 60:  # "<"
        if name[1] == 47:  # "/"
            writer.raw(name)
        else:
            _open(writer, name[1:], code[0], values, profile)
    elif code[0] == 61:  # "="
        writer.leaf(name, code[1:])
    elif 43 not in code or profile.storage:  # "+"
        value = values.get(code[1] - 48)
        if value is None or value == ABSENT:
            if 33 in code:  # "!"
                raise Sep2Error(str(name, "ascii") + ": missing")
        elif 42 in code:  # "*"
            writer.start(name)
            writer.leaf(b"dateTime", value[0] + EPOCH)
            _value(writer, b"value", code[:1], value[1])
            writer.end()
        else:
            _value(writer, name, code[:1], value)


def _open(writer, name, bits, values, profile):
    """A start tag, closed, so that a piece can end behind it."""
    writer.start(name)
    if profile is not None:
        if bits & 1:
            writer.attribute(b"xmlns", SEP2_NS)
        if bits & 2:
            writer.attribute(b"xmlns:c", profile.csipaus_ns)
        if bits & 4:
            writer.attribute(b"xmlns", profile.csipaus_ns)
    if bits & 8:
        writer.attribute(b"all", values[COUNT])
        writer.attribute(b"results", values[COUNT])
    writer.raw(b"")


def _value(writer, name, letter, value):
    """One value by the letter of its kind; Sep2Error beyond its bounds."""
    kind = _LETTERS.find(letter)
    bound = _BOUNDS[kind]
    if kind >= _SCALED:
        if kind != _TIME:
            _scaled(writer, name, letter, value, bound)
            return
        value += EPOCH
    elif kind >= _TEXT:
        if len(value) > bound:
            raise Sep2Error(str(name, "ascii") + ": too long")
        writer.leaf(name, value)
        return
    value = int(value)
    if not (-bound if _HEX > kind >= _SIGNED else 0) <= value <= bound:
        raise Sep2Error(str(name, "ascii") + ": out of range")
    if _HEX <= kind < _TEXT:
        value = ("0000000%X" % value)[-2 << kind - _HEX:]
    writer.leaf(name, value)


def _scaled(writer, name, letter, value, bound):
    """A value and its multiplier, the smallest that fits, rounded to the nearest (F3)."""
    multiplier, scale = 0, 1
    if letter == b"F":
        multiplier = -2
    elif letter == b"V":
        multiplier = -1
        if value % 10 == 0:
            multiplier, value = 0, value // 10
    size = abs(value)
    if letter == b"N":
        value = -size
    if value < 0 and bound > 32767:
        raise Sep2Error(str(name, "ascii") + ": out of range")
    while (size + scale // 2) // scale > bound:
        scale *= 10
        multiplier += 1
    size = (size + scale // 2) // scale
    writer.start(name)
    if letter == b"F":
        writer.leaf(b"displacement", size)
    writer.leaf(b"multiplier", multiplier)
    if letter != b"F":
        writer.leaf(b"value", -size if value < 0 else size)
    writer.end()
