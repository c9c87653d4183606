"""Feeds documents to the readers of `sep2` as a session would.

Enters: bytes, in chunks of any size.  Leaves: what the reader handed out.

    xml, window = sep2_feed.make()
    rows = sep2_feed.whole(sep2.DERControlList(xml), xml, window, data, 1)
"""

import sep2
import xmlpull


def make(window=1024):
    """An XML reader over a window of that many bytes, and the window."""
    buf = bytearray(window)
    return xmlpull.Reader(buf, sep2.NAMESPACES), buf


def drive(reader, xml, window, chunks, take):
    """Read a document from an iterable of bytes; take(reader) at each item."""
    reader.begin()
    source = iter(chunks)
    rest = b""
    while True:
        event = reader.next_record()
        if event == sep2.ITEM:
            take(reader)
        elif event == sep2.DONE:
            return
        else:
            rest = rest or next(source, b"")
            at = xml.room()
            n = min(len(rest), len(window) - at)
            window[at:at + n] = rest[:n]
            rest = rest[n:]
            if n:
                xml.feed(n)
            else:
                xml.close()


def parts(data, size):
    """`data` in parts of `size` bytes."""
    for i in range(0, len(data), size):
        yield data[i:i + size]


def split(chunks, size):
    """The same bytes in parts of at most `size`, from an iterable of bytes."""
    for chunk in chunks:
        for part in parts(chunk, size):
            yield part


def whole(reader, xml, window, data, size, row):
    """Read `data` in parts of `size`; [row(reader) of each item]."""
    rows = []
    drive(reader, xml, window, parts(data, size), lambda r: rows.append(row(r)))
    return rows


def control(base="", parts="", attributes='replyTo="/r" responseRequired="03"', mrid="AB12",
            status="<EventStatus><currentStatus>0</currentStatus></EventStatus>",
            interval="<interval><duration>300</duration><start>1682475300</start></interval>"):
    """A DERControlList of one control: `base` is the content of its DERControlBase."""
    return (
        '<DERControlList xmlns="urn:ieee:std:2030.5:ns" xmlns:c="https://csipaus.org/ns" '
        'all="1" results="1"><DERControl ' + attributes + "><mRID>" + mrid + "</mRID>"
        "<creationTime>1682475000</creationTime>" + status + interval + parts +
        "<DERControlBase>" + base + "</DERControlBase></DERControl></DERControlList>"
    ).encode()
