# heap: 160k
"""The reader of XML: events, names and values, whatever the pieces a document comes in."""

import check
from xmlpull import END, EOF, LEAF, NEED_DATA, START, TEXT, Reader, XMLError, key
from xmlpull_events import CSIPAUS, NS, events, make

LIST = (
    b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n<!-- a > b < c -->\n'
    b'<DERControlList xmlns="urn:ieee:std:2030.5:ns" all="1">\n'
    b'  <DERControl href="/d/1&amp;2" replyTo=\'/r"s\'>\n'
    b'    <mRID>ab&lt;CD</mRID>\n    <description/>\n    <extra  />'
    b'<c:opModExpLimW xmlns:c="https://csipaus.org/ns"><multiplier>0</multiplier>'
    b'<c:value >-25</c:value\n></c:opModExpLimW>\n'
    b'  </DERControl>\n  mixed <?pi ?>text<![CDATA[<no>]]>\n'
    b'</DERControlList>\n<!-- end -->\n')

LIST_EVENTS = [
    ("START", 1, 0, "DERControlList"),
    ("START", 2, 0, "DERControl"),
    ("LEAF", 3, 0, "mRID", "ab<CD"),
    ("LEAF", 3, 0, "description", ""),
    ("LEAF", 3, 0, "extra", ""),
    ("START", 3, 1, "opModExpLimW"),
    ("LEAF", 4, 0, "multiplier", "0"),
    ("LEAF", 4, 1, "value", "-25"),
    ("END", 3, 1, "opModExpLimW"),
    ("END", 2, 0, "DERControl"),
    ("TEXT", 1, "mixed "),
    ("TEXT", 1, "text"),
    ("END", 1, 0, "DERControlList"),
    ("EOF",),
]


def same(data, expected, size=128, **limits):
    """`data` gives `expected` in pieces of every kind."""
    for step in (1 << 20, 1, 2, 7, 50):
        found = events(make(size, **limits), data, step)
        assert found == expected, (step, found)


def fails(data, what, at, size=128, **limits):
    """`data` ends in XMLError(what, at), in pieces of every kind."""
    first = None
    for step in (1 << 20, 1, 3):
        found = events(make(size, **limits), data, step)
        assert found[-1] == (what, at), (data, step, found)
        first = first or found
        assert found == first


def test_a_document_gives_its_events_whole_and_in_pieces():
    same(LIST, LIST_EVENTS)
    for size in (90, 200, 1024):
        same(LIST, LIST_EVENTS, size)


def test_every_truncation_is_an_error_at_its_end():
    whole = len(LIST) - len(b"\n<!-- end -->\n")
    for n in range(whole):
        for step in (1 << 20, 1):
            found = events(make(), LIST[:n], step)
            assert found[-1] == ("end", n), (n, found)
            assert found[:-1] == LIST_EVENTS[:len(found) - 1]


def test_truncation_between_events_needs_data_while_not_closed():
    reader = make()
    data = b"<a><b>1</b>"
    reader.lent[:len(data)] = data
    reader.feed(len(data))
    assert [reader.next_event() for _ in range(4)] == [START, LEAF, NEED_DATA, NEED_DATA]


def test_eof_comes_after_close_only_and_stays():
    reader = make()
    reader.lent[:4] = b"<a/>"
    reader.feed(4)
    assert [reader.next_event() for _ in range(3)] == [LEAF, NEED_DATA, NEED_DATA]
    reader.close()
    assert [reader.next_event() for _ in range(2)] == [EOF, EOF]
    check.raises(ValueError, reader.feed, 1)


def test_a_key_is_made_alike_on_the_host_and_in_the_document():
    for name in (b"a", b"bc", b"DERControl", b"x" * 63, b"opModExpLimW", b"_.-9"):
        reader = make(256)
        for data in (b"<" + name + b"/>", b"<" + name + b"><b/></" + name + b">",
                     b'<p:' + name[:55] + b' xmlns:p="u"/>'):
            reader.reset()
            keys = events(reader, data, visit=lambda r, e: r.key)
            short = name[:55] if b":" in data else name
            assert keys[0] == key(short), (name, data)
    assert key(b"abc") == 3 << 24 | 97 << 16 | 98 << 8 | 99
    check.raises(ValueError, key, b"")
    check.raises(ValueError, key, b"x" * 64)


def test_end_gives_key_and_namespace_of_its_start():
    reader = make()
    data = b'<a xmlns="urn:ieee:std:2030.5:ns"><c:bcd xmlns:c="https://csipaus.org/ns"><d/></c:bcd></a>'
    seen = events(reader, data, visit=lambda r, e: (e, r.key, r.ns, r.depth))
    assert seen[0][1:] == seen[4][1:] and seen[1][1:] == seen[3][1:], seen
    assert seen[3] == (END, key(b"bcd"), 1, 2)


def test_prefixes_are_bound_to_uris_and_fall_out_of_scope():
    same(b'<a><b xmlns="urn:ieee:std:2030.5:ns"><c/><d xmlns=""><e/></d><f/></b><g/></a>', [
        ("START", 1, -1, "a"), ("START", 2, 0, "b"), ("LEAF", 3, 0, "c", ""),
        ("START", 3, -1, "d"), ("LEAF", 4, -1, "e", ""), ("END", 3, -1, "d"),
        ("LEAF", 3, 0, "f", ""), ("END", 2, 0, "b"), ("LEAF", 2, -1, "g", ""),
        ("END", 1, -1, "a"), ("EOF",)])
    # A prefix bound anew inside, on a leaf and on an element with content.
    same(b'<p:a xmlns:p="https://csipaus.org/ns" xmlns:q="urn:other"><p:b xmlns:p='
         b'"urn:ieee:std:2030.5:ns">1</p:b><q:c/><p:d/></p:a>', [
             ("START", 1, 1, "a"), ("LEAF", 2, 0, "b", "1"), ("LEAF", 2, -1, "c", ""),
             ("LEAF", 2, 1, "d", ""), ("END", 1, 1, "a"), ("EOF",)])
    same(b'<xml:a/>', [("LEAF", 1, -1, "a", ""), ("EOF",)])
    fails(b'<a><p:b xmlns:p="u"/><p:c/></a>', "prefix", 22)
    fails(b'<a><p:b xmlns:p="u"><c/></p:b><p:c/></a>', "prefix", 31)


def test_prefixes_alike_in_length_and_ends_stay_apart():
    same(b'<a xmlns:ns100="https://csipaus.org/ns" xmlns:ns110="urn:ieee:std:2030.5:ns">'
         b'<ns100:b/><ns110:b/></a>', [
             ("START", 1, -1, "a"), ("LEAF", 2, 1, "b", ""), ("LEAF", 2, 0, "b", ""),
             ("END", 1, -1, "a"), ("EOF",)])


def test_a_uri_is_compared_whole():
    same(b'<a xmlns="urn:ieee:std:2030.5:ns1"/>', [("LEAF", 1, -1, "a", ""), ("EOF",)])
    same(b'<a xmlns="urn:ieee:std:2030.5:n"/>', [("LEAF", 1, -1, "a", ""), ("EOF",)])
    same(b'<a xmlns="urn:ieee:std:2030.5:&#110;s"/>', [("LEAF", 1, 0, "a", ""), ("EOF",)])


def test_attributes_are_found_by_their_literal_name():
    data = (b'<p:a href = "/x?a=1>2" xmlns:p="u" p:href=\'"q"\' hrefs="" b="&lt;&#65;"\n>'
            b"<c/></p:a>")

    def visit(reader, event):
        if event == END:
            assert not reader.attribute(b"href")
            return None
        found = []
        for name in (b"href", b"p:href", b"hrefs", b"b", b"hre", b"xmlns:p", b"value"):
            if reader.attribute(name):
                found.append(bytes(reader.lent[reader.value_start:reader.value_end]))
            else:
                found.append(None)
        return found

    for step in (1 << 20, 1):
        found = events(make(), data, step, visit)
        assert found[0] == [b"/x?a=1>2", b'"q"', b"", b"<A", None, None, None], found
        assert found[1] == [None] * 7


def test_an_attribute_that_is_absent_leaves_the_text_of_a_leaf():
    reader = make()
    data = b'<a b="1">text</a>'
    reader.lent[:len(data)] = data
    reader.feed(len(data))
    assert reader.next_event() == LEAF
    assert not reader.attribute(b"c") and reader.equals(b"text")
    assert reader.attribute(b"b") and reader.to_int() == 1


def test_references_are_decoded_in_text_and_leaves():
    text = b"&lt;&gt;&amp;&quot;&apos;&#x41;&#66;&#xe9;&#8364;&#x1F600;&amp;lt;x&#9;"
    plain = "<>&\"'AB\u00e9\u20ac\U0001f600&lt;x\t"
    same(b"<a>" + text + b"</a>", [("LEAF", 1, -1, "a", plain), ("EOF",)])
    same(b"<a>" + text + b"<b/></a>", [
        ("START", 1, -1, "a"), ("TEXT", 1, plain), ("LEAF", 2, -1, "b", ""),
        ("END", 1, -1, "a"), ("EOF",)])


def test_a_reference_that_is_none_is_an_error():
    for bad in (b"&nbsp;", b"&", b"&;", b"&#;", b"&#x;", b"&#xg;", b"&#-1;", b"&#1a;", b"&lt",
                b"&#0;", b"&#x1F;", b"&#xD800;", b"&#xFFFE;", b"&#x110000;", b"&LT;", b"&amps;",
                b"&#x4@;", b"&#6@;", b"&#x4:;", b"&#6:;", b"&#x4`;", b"&#x41G;",
                b"&# 65;", b"&#99999999999999999999;"):
        fails(b"<a>12" + bad + b"</a>", "entity", 5)
        fails(b"<a>12" + bad + b"<b/></a>", "entity", 5)
        fails(b'<a b="' + bad + b'"/>', "entity", 6)


def test_end_tags_must_match():
    for bad in (b"<a>1</b>", b"<a>1</ab>", b"<ab>1</a>", b"<ab>1</aa>", b"<abc>1</adc>",
                b"<abc>1</abd>", b"<a>1</A>", b"<a>1</>", b"<a>1</a b>", b"<abcde>1</abXde >"):
        fails(bad, "end tag", bad.index(b"</"))
    for bad in (b"<a><b/></b>", b"<a><b/></ab>", b"<abc><b/></aXc>", b"<a><b/></>",
                b"<x><a><b/></x></a>"):
        at = bad.index(b"</")
        fails(bad, "end tag", at)
    fails(b'<x xmlns:p="u" xmlns:q="u"><p:a>1</q:a></x>', "end tag", 33)
    fails(b'<x xmlns:p="u" xmlns:q="u"><p:a><b/></q:a></x>', "end tag", 36)


def test_what_stands_outside_the_root_is_an_error():
    fails(b"<a/><b/>", "outside", 4)
    fails(b"<a>1</a> x", "outside", 9)
    fails(b"<a/></a>", "outside", 4)
    fails(b"x<a/>", "outside", 0)
    fails(b"<!-- -->x<a/>", "outside", 8)
    fails(b"</a>", "name", 1)
    fails(b"", "end", 0)
    fails(b" \n ", "end", 3)
    fails(b"<!-- -->", "end", 8)
    fails(b"<![CDATA[x]]><a/>", "doctype", 0)
    fails(b"<a/><![CDATA[x]]>", "doctype", 4)
    same(b"<a/> <?x?><!----> ", [("LEAF", 1, -1, "a", ""), ("EOF",)])


def test_encodings_other_than_utf8_are_refused():
    fails(b"\xff\xfe<\0a\0", "encoding", 0)
    fails(b"\xfe\xff\0<\0a", "encoding", 0)
    fails(b"\0<\0a\0/\0>", "encoding", 0)
    fails(b"<\0a\0/\0>\0", "name", 1)
    fails(b"\xef\xbb<a/>", "encoding", 0)
    fails(b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "encoding", 20)
    fails(b"<?xml version='1.0' encoding='UTF-16'?><a/>", "encoding", 20)
    for head in (b"<?xml version='1.0' encoding='utf-8' standalone='yes' ?>", b"\xef\xbb\xbf",
                 b'<?xml version="1.0"?>', b'<?xml version="1.0" encoding="US-ASCII"?>'):
        same(head + b"<a/>", [("LEAF", 1, -1, "a", ""), ("EOF",)])


def test_doctype_and_stray_markup_are_refused():
    fails(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "doctype", 0)
    for bad in (b"<!a>", b"<!- x -->", b"<![CDAT[x]]>", b"<!ELEMENT a ANY>"):
        fails(b"<a>" + bad + b"         </a>", "doctype", 3)
    for bad in (b"< a/>", b"<1a/>", b"<-a/>", b"<.a/>", b"<\"/>", b"<:a/>"):
        fails(b"<a>" + bad + b"</a>", "name", 4)
        fails(bad, "name", 1)


def test_malformed_tags_are_errors():
    for bad, at in ((b"<a b>", 3), (b"<a b=c>", 5), (b'<a b="c"d="e">', 8), (b"<a ='c'>", 3),
                    (b"<a b='c' b='d'>", 9), (b"<a/ >", 2), (b"<a b = >", 7), (b"<a//>", 2),
                    (b"<a b c='d'>", 3), (b"<a b='c''>'>", 8), (b"<a='b'>", 2)):
        fails(b"" + bad + b"</a>", "attribute", at)
    fails(b"<a <b/>", "tag", 3)
    fails(b"<a b='<'/>", "tag", 6)
    fails(b"<a b='<' c='>'/>", "tag", 6)
    fails(b"<a xmlns:p=''/>", "prefix", 9)
    fails(b"<a xmlns:p='u' xmlns:p='v'/>", "prefix", 21)
    fails(b"<p:/>", "prefix", 1)
    fails(b"<a xmlns:p='u'><p:/></a>", "name", 16)
    fails(b"<a xmlns:p='u'><p:q:r/></a>", "name", 16)


def test_to_int_reads_decimals_with_white_space_around():
    for text, value in ((b"0", 0), (b"-0", 0), (b" 12\n", 12), (b"+7", 7), (b"-300", -300),
                        (b"0000000000000000000000012", 12), (b"1073741824", 1 << 30),
                        (b"4611686018427387904", 1 << 62), (b"-4611686018427387904", -(1 << 62)),
                        (b"999999999999999999", 999999999999999999)):
        reader = make()
        assert events(reader, b"<a>" + text + b"</a>", visit=lambda r, e: r.to_int())[0] == value


def test_to_int_refuses_what_is_no_integer_and_the_reader_lives_on():
    texts = (b"", b" ", b"-", b"+", b"1.0", b"1 2", b"--1", b"0x1", b"1e3", b"a", b"12a", b"1:",
             b"4611686018427387905", b"-4611686018427387905", b"9999999999999999999999",
             b"1/2", b"99999999999999999999999999999a")

    def visit(reader, event):
        if event == LEAF:
            exc = check.raises(XMLError, reader.to_int)
            assert exc.what == "int"
        return event

    for text in texts:
        found = events(make(), b"<r><a>" + text + b"</a></r>", visit=visit)
        assert found == [START, LEAF, END, ("EOF",)], (text, found)


def test_equals_compares_the_whole_value():
    seen = events(make(), b"<r><a>true</a><a></a></r>", visit=lambda r, e: e == LEAF and (
        r.equals(b"true"), r.equals(b"tru"), r.equals(b"truer"), r.equals(b"false"),
        r.equals(b"")))
    assert seen[1] == (True, False, False, False, False)
    assert seen[2] == (False, False, False, False, True)


def test_an_error_stays_until_reset():
    reader = make()
    assert events(reader, b"<a><b></c></a>")[-1] == ("end tag", 6)
    for _ in range(2):
        exc = check.raises(XMLError, reader.next_event)
        assert (exc.what, exc.at) == ("end tag", 6)
    reader.reset()
    assert events(reader, LIST, 5) == LIST_EVENTS


def test_offset_places_the_window_in_the_document():
    data = b"<a>" + b"<b>123456789</b>" * 40 + b"</a>"

    def visit(reader, event):
        at = reader.offset + reader.name_start
        return data[at:at + 1]

    found = events(make(), data, 1 << 20, visit)
    assert found == [b"a"] + [b"b"] * 40 + [b"a", ("EOF",)]


def test_feeding_more_than_there_is_room_for_is_misuse():
    reader = make(64)
    check.raises(ValueError, reader.feed, 65)
    check.raises(ValueError, reader.feed, -1)
    check.raises(ValueError, Reader, bytearray(63), (NS, CSIPAUS))


def test_reading_a_document_does_not_allocate():
    # Some values are there only to be decoded; every int stays small.
    item = (b'<c:Limit href="/a/b?c=1&amp;d" xmlns:d="urn:x"><multiplier>-2</multiplier>'
            b"<c:value>12345</c:value><!-- > --><name>a&#233;b</name> mixed <d:e/></c:Limit>\n")
    data = (b'<?xml version="1.0"?><List xmlns="urn:ieee:std:2030.5:ns" xmlns:c="https://'
            b'csipaus.org/ns" all="9">' + item * 9
            + b"<Unknown><a><b c='>'/></a></Unknown></List>")
    reader = make(256)
    window = reader.lent
    total = [0, 0, 0]
    unknown = key(b"Unknown")

    def whole():
        at = 0
        n = len(data)
        while True:
            event = reader.next_event()
            if event == NEED_DATA:
                put = reader.room()
                while put < 256 and at < n:
                    window[put] = data[at]
                    put += 1
                    at += 1
                    reader.feed(1)
                if at == n:
                    reader.close()
            elif event == EOF:
                return True
            elif event == START:
                total[0] += reader.attribute(b"href")
                if reader.key == unknown:
                    reader.skip()
            elif event == LEAF and reader.ns == 1:
                total[1] += reader.to_int()
            elif event == TEXT:
                total[2] += reader.equals(b"mixed ")

    assert check.locked(whole)
    assert total == [9, 9 * 12345, 9], total
    reader.reset()
    assert check.locked(whole), "reset allocates"


check.run(globals())
