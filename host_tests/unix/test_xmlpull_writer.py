# heap: 112k
"""The writer of XML: what it writes, what it escapes, and a buffer that is too small."""

import check
from xmlpull import Writer, XMLError
from xmlpull_events import NS, events, make


def text(writer):
    return bytes(writer._buf[:writer.n])


def fill(writer):
    """A document with everything in it."""
    writer.raw(b'<?xml version="1.0" encoding="UTF-8"?>')
    writer.start(b"Response")
    writer.attribute(b"xmlns", NS)
    writer.attribute(b"href", b'/a?b=1&c="2"')
    writer.leaf(b"createdDateTime", 1700000000)
    writer.start("empty")
    writer.end()
    writer.start(b"outer")
    writer.start(b"inner")
    writer.attribute("n", -5)
    writer.raw(b"<b/>")
    writer.leaf("subject", "a<b>\u00e9")
    writer.end()
    writer.end()
    writer.leaf(b"none", b"")
    writer.end()


WHOLE = (b'<?xml version="1.0" encoding="UTF-8"?><Response xmlns="urn:ieee:std:2030.5:ns" '
         b'href="/a?b=1&amp;c=&quot;2&quot;"><createdDateTime>1700000000</createdDateTime><empty/>'
         b'<outer><inner n="-5"><b/><subject>a&lt;b&gt;\xc3\xa9</subject></inner></outer>'
         b"<none></none></Response>")


def test_a_document_is_written():
    writer = Writer(bytearray(400))
    fill(writer)
    assert text(writer) == WHOLE, text(writer)
    assert writer.n == len(WHOLE)


def test_a_buffer_of_just_the_size_will_do_and_any_smaller_one_is_full():
    fill(Writer(bytearray(len(WHOLE))))
    for n in range(len(WHOLE)):
        buf = bytearray(n)
        exc = check.raises(XMLError, fill, Writer(buf))
        assert exc.what == "full" and exc.at <= n, (n, exc)
        assert len(buf) == n


def test_reset_begins_anew():
    writer = Writer(bytearray(len(WHOLE)), depth=3)
    writer.start(b"x")
    writer.start(b"y")
    writer.reset()
    assert writer.n == 0
    fill(writer)
    assert text(writer) == WHOLE


def test_integers_are_written_in_decimal():
    writer = Writer(bytearray(60))
    for value in (0, 1, 9, 10, -1, -10, 99, 100, 123456, 99999999, 100000000, -99999999,
                  -100000000, 1 << 30, 1 << 62, -(1 << 62), 1 << 70):
        writer.reset()
        writer.leaf(b"v", value)
        assert text(writer) == b"<v>" + str(value).encode() + b"</v>", value
    for n, value in ((9, 12), (9, -1), (8, 1)):
        Writer(bytearray(n)).leaf(b"v", value)
        check.raises(XMLError, Writer(bytearray(n - 1)).leaf, b"v", value)
    for value, said in ((True, b"true"), (False, b"false")):
        writer.reset()
        writer.leaf(b"v", value)
        assert text(writer) == b"<v>" + said + b"</v>"


def test_escapes_are_read_back_by_the_reader():
    value = "&<>\"' \t\r\n]]>&amp;\u20ac\U0001f600"
    for given in (value, value.encode()):
        writer = Writer(bytearray(300))
        writer.start(b"a")
        writer.attribute(b"b", given)
        writer.leaf(b"c", given)
        writer.end()

        def visit(reader, event):
            found = reader.equals(value.encode())
            return found, reader.attribute(b"b") and reader.equals(value.encode())

        found = events(make(256), text(writer), visit=visit)
        assert found[0][1] and found[1][0], text(writer)
    assert b"\r" not in text(writer) and b"\n" not in text(writer)


def test_what_xml_cannot_hold_is_refused():
    for bad in (0, 1, 8, 11, 12, 14, 31):
        writer = Writer(bytearray(60))
        exc = check.raises(XMLError, writer.leaf, b"a", b"x" + bytes((bad,)))
        assert exc.what == "character" and exc.at == 4


def test_depth_is_limited():
    writer = Writer(bytearray(60), depth=2)
    writer.start(b"a")
    writer.start(b"b")
    writer.leaf(b"c", 1)
    assert check.raises(XMLError, writer.start, b"d").what == "depth"


def test_calls_in_the_wrong_order_are_misuse():
    writer = Writer(bytearray(60))
    check.raises(ValueError, writer.end)
    check.raises(ValueError, writer.attribute, b"a", 1)
    writer.start(b"a")
    writer.leaf(b"b", 1)
    check.raises(ValueError, writer.attribute, b"a", 1)
    writer.end()
    check.raises(ValueError, writer.end)
    check.raises(ValueError, writer.attribute, b"a", 1)


def test_writing_bytes_and_small_integers_does_not_allocate():
    writer = Writer(bytearray(200))

    def write():
        writer.reset()
        writer.raw(b"<!---->")
        writer.start(b"a")
        writer.attribute(b"b", b"x&y")
        writer.attribute(b"c", -12345678)
        writer.start(b"d")
        writer.end()
        writer.leaf(b"e", 99999999)
        writer.leaf(b"f", b"<\n>")
        writer.end()
        return writer.n

    assert check.locked(write) == len(text(writer))
    assert text(writer).endswith(b"<e>99999999</e><f>&lt;&#10;&gt;</f></a>")


check.run(globals())
