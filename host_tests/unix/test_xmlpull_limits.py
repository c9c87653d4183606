# heap: 224k
"""The reader of XML at its limits: the window's size, depth, names, text, and what is skipped."""

import check
from xmlpull import END, LEAF, NEED_DATA, START, XMLError, key
from xmlpull_events import events, make, row

STEPS = (1 << 20, 1, 3, 64)


def same(data, expected, size=128, visit=row, **limits):
    """`data` gives `expected` in pieces of every kind."""
    for step in STEPS:
        found = events(make(size, **limits), data, step, visit)
        assert found == expected, (step, found)


def passed(data, size=128, **limits):
    same(data, [("START", 1, -1, "a"), ("LEAF", 2, -1, "b", "1"), ("END", 1, -1, "a"), ("EOF",)],
         size, **limits)


def last(data, size=128, **limits):
    """The last event of `data`, the same in pieces of every kind."""
    found = [events(make(size, **limits), data, step) for step in STEPS]
    for other in found:
        assert other == found[0], (data, found)
    return found[0][-1]


def test_comments_pis_and_cdata_of_any_length_are_passed():
    for n in (0, 1, 2, 3, 120, 128, 1000):
        for mark in (b"<!-- %s -->", b"<?x %s?>", b"<![CDATA[%s]]>"):
            for filling in (b"-", b">", b"<", b"]", b"?", b"</a>", b"&", b"'"):
                if b"--" in mark and filling == b"-":
                    continue
                long = mark.replace(b"%s", filling * n)
                passed(b"<a>" + long + b"<b>1</b>" + long + long + b"</a>")
                if b"[" not in mark:
                    passed(long + b"<a><b>1</b></a>" + long)


def test_an_unfinished_comment_is_an_error_at_the_end():
    for bad in (b"<a><!-- ->", b"<a><!", b"<a><!-", b"<a><![CDATA[x]>", b"<a><?x", b"<a/><!--",
                b"<?xml version='1.0'", b"<!--x--"):
        assert last(bad) == ("end", len(bad)), bad


def test_many_comments_in_one_window_need_no_stack():
    passed(b"<a>" + b"<!---->" * 500 + b"<b>1</b></a>", 4096)
    passed(b"<!---->" * 500 + b"<a><b>1</b></a>" + b"<??>" * 500, 4096)


def test_white_space_of_any_length_is_passed():
    white = b" \t\r\n" * 300
    passed(white + b"<a>" + white + b"<b>1</b>" + white + b"</a>" + white)
    passed(b"<a>" + white + b"<b" + b" " * 90 + b">1</b" + b"\n" * 20 + b"></a  >")


def test_a_leaf_is_one_only_when_it_fits_the_window():
    for n in range(50, 140):
        text = "x" * n
        data = b"<r><a>" + text.encode() + b"</a></r>"
        leaf = [("LEAF", 2, -1, "a", text)]
        parts = [("START", 2, -1, "a"), ("TEXT", 2, text), ("END", 2, -1, "a")]
        expected = leaf if n + 7 <= 128 else parts
        if n >= 128:
            # The text alone and the '<' after it do not fit either.
            assert last(data) == ("window", 6)
            continue
        same(data, [("START", 1, -1, "r")] + expected + [("END", 1, -1, "r"), ("EOF",)])


def test_a_leaf_with_attributes_is_decoded_once():
    # The leaf does not fit where it stands first: it is looked at before and after it moved.
    for n in range(64):
        data = b"<r>" + b"<b/>" * n + b'<a c="&amp;lt;">&amp;gt;</a></r>'
        found = events(make(64), data, 1 << 20)
        assert found[-3] == ("LEAF", 2, -1, "a", "&gt;"), found

    def visit(reader, event):
        return event in (START, LEAF) and reader.attribute(b"c") and reader.equals(b"&lt;")

    for n in (1, 40, 60, 100):
        data = b'<a c="&amp;lt;">' + b"x" * n + b"</a>"
        for step in STEPS:
            assert events(make(64, text=20), data, step, visit)[0] is True


def test_the_text_limit_holds_for_text_and_makes_a_leaf_a_start():
    same(b"<r><a>12345678</a></r>", [
        ("START", 1, -1, "r"), ("LEAF", 2, -1, "a", "12345678"), ("END", 1, -1, "r"), ("EOF",)],
        text=8)
    assert last(b"<r><a>123456789</a></r>", text=8) == ("text", 6)
    assert last(b"<r><a b='c'>123456789</a></r>", text=8) == ("text", 12)
    assert last(b"<r>123456789<a/></r>", text=8) == ("text", 3)
    same(b"<r>12345678<a/></r>", [
        ("START", 1, -1, "r"), ("TEXT", 1, "12345678"), ("LEAF", 2, -1, "a", ""),
        ("END", 1, -1, "r"), ("EOF",)], text=8)


def test_a_start_tag_must_fit_the_window():
    tag = b"<a b='" + b"x" * 120 + b"'>"
    assert len(tag) == 128
    same(tag + b"</a>", [("START", 1, -1, "a"), ("END", 1, -1, "a"), ("EOF",)])
    tag = b"<a b='" + b"x" * 121 + b"'>"
    assert last(tag + b"</a>") == ("window", 0)
    assert last(b"<r><a" + b" " * 500 + b"></a></r>") == ("window", 3)
    assert last(b"<r><a></a" + b" " * 500 + b"></r>") == ("window", 6)
    assert last(b"<a" + b"b" * 500) == ("window", 0)
    assert last(b"<?xml " + b" " * 500 + b"?><a/>") == ("window", 0)
    assert last(b"<?xnl " + b" " * 500 + b"?><a/>") == ("EOF",)


def test_depth_is_limited():
    def nested(n):
        return b"<a>" * n + b"<b/>" + b"</a>" * n

    assert last(nested(3), depth=4) == ("EOF",)
    assert last(nested(4), depth=4) == ("depth", 12)
    assert last(b"<a>" * 6, depth=4) == ("depth", 12)
    assert last(nested(15)) == ("EOF",)
    assert last(nested(16)) == ("depth", 48)


def test_names_are_limited():
    for name, limit in ((b"x" * 63, 64), (b"x" * 20, 20), (b"p:" + b"x" * 18, 20)):
        head = b"<r xmlns:p='u'>"
        data = head + b"<" + name + b"/><" + name + b"><b/></" + name + b"></r>"
        assert last(data, name=limit) == ("EOF",)
        longer = head + b"<" + name + b"y/></r>"
        assert last(longer, name=limit) == ("name", len(head) + 1)
        longer = head + b"<" + name + b"y><b/></" + name + b"y></r>"
        assert last(longer, name=limit) == ("name", len(head) + 1)
    assert last(b"<a " + b"b" * 20 + b"=''/>", name=20) == ("EOF",)
    assert last(b"<a " + b"b" * 21 + b"=''/>", name=20) == ("name", 3)
    # An end tag whose length is the same but for the bits that a key holds.
    assert last(b"<x><b/></" + b"x" * 65 + b">") == ("end tag", 7)


def test_attributes_are_limited_and_xmlns_is_not_counted():
    assert last(b"<a xmlns='u' b='' c='' xmlns:p='u'/>", attributes=2) == ("EOF",)
    assert last(b"<a b='' c='' d=''/>", attributes=2) == ("attributes", 13)


def test_bindings_are_limited_to_those_in_force():
    leaf = b"<b xmlns:p='u'/>"
    assert last(b"<a xmlns:q='u'>" + leaf * 20 + b"</a>", bindings=2) == ("EOF",)
    within = b"<b xmlns:p='u'><c xmlns:r='u'/></b>"
    assert last(b"<a xmlns:q='u'>" + within + b"</a>", bindings=3) == ("EOF",)
    assert last(b"<a xmlns:q='u'>" + within + b"</a>", bindings=2) == ("namespaces", 39)
    # Prefixes share 16 bytes each.
    assert last(b"<a xmlns:" + b"p" * 32 + b"='u'/>", bindings=2) == ("EOF",)
    assert last(b"<a xmlns:" + b"p" * 33 + b"='u'/>", bindings=2) == ("namespaces", 9)


def skipping(name):
    """A visit that skips elements called `name`."""
    wanted = key(name)

    def visit(reader, event):
        found = row(reader, event)
        if event == START and reader.key == wanted:
            reader.skip()
        return found

    return visit


def test_skip_passes_the_rest_of_an_element():
    inside = (b"<s>1</s><s/><s b='>' /><s><s>2</s></s>text &unknown; <!-- </s> --><?x </s>?>"
              b"<![CDATA[</s>]]>" + b"<t>" + b"y" * 900 + b"</t>" + b"z" * 900 + b"<p:q r='/>'/>"
              b"<u a='' b='' c=\"</s\n >'>\"></u\n>" + b"</t >"[5:])
    inside = inside.replace(b"\"</s\n >'>\"", b"\"s\n >'>\"")  # no '<' in a value
    data = b"<r><a>1</a><s c='d'>" + inside + b"</s><b>2</b></r>"
    expected = [("START", 1, -1, "r"), ("LEAF", 2, -1, "a", "1"), ("START", 2, -1, "s"),
                ("LEAF", 2, -1, "b", "2"), ("END", 1, -1, "r"), ("EOF",)]
    same(data, expected, visit=skipping(b"s"), attributes=2)
    same(b"<s>" + inside + b"</s> ", [("START", 1, -1, "s"), ("EOF",)], visit=skipping(b"s"))


def test_skip_passes_a_leaf_that_does_not_fit():
    for n in (127, 128, 129, 5000):
        data = b"<r><s>" + b"x" * n + b"</s><b>2</b></r>"
        same(data, [("START", 1, -1, "r"), ("START", 2, -1, "s"), ("LEAF", 2, -1, "b", "2"),
                    ("END", 1, -1, "r"), ("EOF",)], visit=skipping(b"s"))


def test_bindings_end_with_the_element_that_was_skipped():
    data = (b"<r xmlns='urn:ieee:std:2030.5:ns'><s xmlns='u' xmlns:p='v'><b xmlns:q='w'/> </s>"
            b"<b/></r>")
    same(data, [("START", 1, 0, "r"), ("START", 2, -1, "s"), ("LEAF", 2, 0, "b", ""),
                ("END", 1, 0, "r"), ("EOF",)], visit=skipping(b"s"), bindings=3)


def test_skip_inside_an_element_and_again_after():
    data = b"<r><s><x/></s><s><x/></s><t><s><s><x/></s></s></t></r>"
    same(data, [("START", 1, -1, "r"), ("START", 2, -1, "s"), ("START", 2, -1, "s"),
                ("START", 2, -1, "t"), ("START", 3, -1, "s"), ("END", 2, -1, "t"),
                ("END", 1, -1, "r"), ("EOF",)], visit=skipping(b"s"))


def test_what_is_skipped_is_still_held_to_its_structure():
    for inside, what, at in ((b"<x>1</y>", "end tag", 7), (b"<x></s>", "end tag", 6),
                             (b"<!DOCTYPE>12", "doctype", 3), (b"<1/>", "name", 4),
                             (b"<x <y/>", "tag", 6), (b"<x" + b" " * 200 + b"/>", "window", 3),
                             (b"<x><x><x>", "depth", 9), (b"<" + b"x" * 70 + b"/>", "name", 4)):
        data = b"<s>" + inside + b"</s>"
        for step in STEPS:
            found = events(make(128, depth=3), data, step, skipping(b"s"))
            assert found[-1] == (what, at), (inside, found)
    for n in range(3, 40):
        data = b"<s><x>1</x><!-- <s> --><y a='b>'/></s>"[:n]
        for step in STEPS:
            found = events(make(128), data, step, skipping(b"s"))
            if n < 38:
                assert found[-1] == ("end", n), found


def test_skip_is_for_the_element_that_has_just_begun():
    reader = make()
    check.raises(ValueError, reader.skip)

    def visit(reader, event):
        if event in (LEAF, END):
            check.raises(ValueError, reader.skip)
        return event

    events(reader, b"<r><a>1</a><b><c/></b><d/></r>", 1, visit)
    check.raises(ValueError, reader.skip)


def test_need_data_always_leaves_room_for_a_byte():
    # A window as small as can be, fed full at each call.
    item = b"<abc:defgh i='12345678901' j='k'><lm>123456789012345678901234567890</lm></abc:defgh>"
    data = b"<r xmlns:abc='u'>" + item * 20 + b"</r>"
    reader = make(64)
    at = 0
    seen = 0
    while at < len(data):
        event = reader.next_event()
        if event != NEED_DATA:
            seen += 1
            continue
        put = reader.room()
        assert put < 64
        n = min(64 - put, len(data) - at)
        reader.lent[put:put + n] = data[at:at + n]
        reader.feed(n)
        at += n
    assert seen > 50


def test_a_broken_byte_never_hangs_and_never_raises_another_error():
    data = (b"<?xml version='1.0'?><a xmlns='u' xmlns:p='v' b='&lt;'><!-- c --><p:d e='f'/>"
            b"<g>1&#65;2</g><![CDATA[x]]> text <h><i/></h></a>")
    for n in range(len(data)):
        for c in b"<>/&'\"= !?;:-\0x":
            broken = data[:n] + bytes((c,)) + data[n + 1:]
            whole = events(make(), broken)
            assert whole == events(make(), broken, 1), broken


def test_an_error_tells_what_and_where():
    exc = XMLError("text", 3)
    assert exc.what == "text" and exc.at == 3 and isinstance(exc, Exception)


check.run(globals())
