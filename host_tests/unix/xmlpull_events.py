"""Feeds documents to an xmlpull Reader in pieces and writes down what it reports.

Enters: a Reader and bytes.  Leaves: a list of short tuples, the last one ("EOF",) or an error:

    events(make(), b"<a>1</a>", 1) == [("LEAF", 1, 0, "a", "1"), ("EOF",)]

Runs on MicroPython and CPython.
"""

from xmlpull import END, EOF, LEAF, NEED_DATA, START, TEXT, Reader, XMLError

NS = b"urn:ieee:std:2030.5:ns"
CSIPAUS = b"https://csipaus.org/ns"
_NAMES = {START: "START", LEAF: "LEAF", TEXT: "TEXT", END: "END"}


def make(size=128, **limits):
    """A reader of a new window that knows NS as 0 and CSIPAUS as 1."""
    reader = Reader(bytearray(size), (NS, CSIPAUS), **limits)
    reader.lent = reader._window  # the caller's own buffer
    return reader


def span(reader, start, stop):
    return bytes(reader.lent[start:stop]).decode()


def row(reader, event):
    """What one event tells, as a tuple."""
    name = _NAMES[event]
    if event == TEXT:
        return (name, reader.depth, span(reader, reader.value_start, reader.value_end))
    head = (name, reader.depth, reader.ns, span(reader, reader.name_start, reader.name_end))
    if event == LEAF:
        return head + (span(reader, reader.value_start, reader.value_end),)
    return head


def more(reader, data, at, step):
    """Feed at most `step` bytes of data[at:], close at its end; returns the new at."""
    put = reader.room()
    assert put < len(reader.lent), "no room after NEED_DATA"
    n = min(step, len(data) - at, len(reader.lent) - put)
    if n:
        reader.lent[put:put + n] = data[at:at + n]
        reader.feed(n)
    else:
        reader.close()
    return at + n


def events(reader, data, step=1 << 20, visit=row):
    """All events of `data`, fed `step` bytes at a time, then EOF or (what, at) of the error."""
    found = []
    at = 0
    # Each byte gives at most one event and one NEED_DATA: more would be a hang.
    for _ in range(3 * len(data) + 10):
        try:
            event = reader.next_event()
        except XMLError as exc:
            found.append((exc.what, exc.at))
            return found
        if event == EOF:
            found.append(("EOF",))
            return found
        if event == NEED_DATA:
            at = more(reader, data, at, step)
        else:
            found.append(visit(reader, event))
    raise AssertionError("reader makes no progress")
