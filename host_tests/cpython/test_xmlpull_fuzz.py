"""xmlpull on CPython against lxml, on random documents, random windows and random pieces.

The expected events are made from lxml's tree; CDATA sections, which the reader passes over, are
comments in what lxml gets.
"""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
for _folder in ("host_tests/unix", "lib", "host_tests/cpython"):
    sys.path.insert(0, str(_ROOT / _folder))

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree
from xmlpull import END, LEAF, START, TEXT, Reader, Writer, XMLError, key
from xmlpull_events import events

URIS = ("urn:ieee:std:2030.5:ns", "https://csipaus.org/ns", "urn:other")
PREFIXES = ("", "c", "ns2", "csipaus")
LIMITS = ("window", "text", "depth", "name", "attributes", "namespaces")
SLOW = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

names = st.sampled_from(("a", "ab", "value", "multiplier", "opModExpLimW", "x-1.y", "_9"))
white = st.sampled_from(("", "", " ", "\n", "\t  ", " " * 40))
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12) | \
    st.sampled_from(("12", "-5", " a ", "\t\n", "x" * 70, "y" * 150))
references = st.sampled_from(("&#32;", "&#x9;", "&#xE9;", "&#x20AC;", "&#128512;", "&apos;"))


def _escape(text, quote=""):
    for raw, name in (("&", "&amp;"), ("<", "&lt;"), ("]]>", "]]&gt;"), (quote, "&quot;")):
        text = text.replace(raw, name) if raw else text
    # Newer line ends of Unicode are kept by both; XML 1.0 normalises CR alone.
    return "".join(c for c in text if c not in "\ufffe\uffff")


@st.composite
def passages(draw):
    """A comment, PI or CDATA section of any length."""
    inside = draw(st.sampled_from(("", "x", "<b>", "</a>", "a='>'", "&", " > " * 60)))
    return draw(st.sampled_from(("<!--%s-->", "<?pi %s?>", "<![CDATA[%s]]>"))) % inside


@st.composite
def elements(draw, depth=0, bound=frozenset()):
    """One element as a string; `bound` are the prefixes in force."""
    bound = set(bound)
    tag = ""
    for prefix in draw(st.sets(st.sampled_from(PREFIXES), max_size=2 if depth else 3)):
        uri = draw(st.sampled_from(URIS if prefix else (*URIS, "")))
        tag += " xmlns%s='%s'" % (":" + prefix if prefix else "", uri)
        bound.add(prefix)
    for name in draw(st.sets(names, max_size=2)):
        quote = draw(st.sampled_from("'\""))
        value = _escape(draw(texts), '"').replace("'", "&#39;")
        value = value.replace("\t", "&#9;").replace("\n", "&#10;")
        value = value[:60] if "&" not in value else value
        tag += " %s%s=%s%s%s" % (name, draw(white), draw(white), quote, value + quote)
    prefix = draw(st.sampled_from(sorted(bound | {""})))
    name = (prefix + ":" if prefix else "") + draw(names)
    head = "<" + name + tag + draw(white)
    inside = ""
    for _ in range(draw(st.integers(0, 4 if depth < 3 else 1))):
        kind = draw(st.integers(0, 5))
        if kind == 0:
            inside += _escape(draw(texts))
        elif kind == 1:
            inside += draw(passages())
        elif kind == 2:
            inside += draw(references) + draw(white)
        elif depth < 4:
            inside += draw(elements(depth + 1, frozenset(bound)))
    if not inside and draw(st.booleans()):
        return head + "/>"
    return head + ">" + inside + "</" + name + draw(white) + ">"


@st.composite
def documents(draw):
    head = draw(st.sampled_from(("", "\ufeff", '<?xml version="1.0" encoding="UTF-8"?>', "\n")))
    between = [draw(white) + p for p in draw(st.lists(passages(), max_size=2)) if "[C" not in p]
    body = draw(elements())
    return (head + "".join(between) + body + "".join(reversed(between))).encode()


def make(size, **limits):
    reader = Reader(bytearray(size), tuple(u.encode() for u in URIS), **limits)
    reader.lent = reader._window
    return reader


def span(reader):
    return bytes(reader.lent[reader.value_start:reader.value_end]).decode()


def visit(reader, event):
    """An event in the terms of lxml: text without the white space before it."""
    name = bytes(reader.lent[reader.name_start:reader.name_end])
    if event == TEXT:
        return "TEXT", reader.depth, span(reader)
    assert reader.key == key(name)
    row = (event, reader.depth, reader.ns, name.decode())
    if event == LEAF:
        return (*row, span(reader))
    return row


def flat(found):
    """Events with each LEAF as START, TEXT, END; text that is white space alone left out."""
    rows = []
    for row in found:
        if row[0] == LEAF:
            rows.append((START, *row[1:4]))
            rows.append(("TEXT", row[1], row[4]))
            rows.append((END, *row[1:4]))
        else:
            rows.append(row)
    rows = [(*r[:2], r[2].lstrip(" \t\r\n")) if r[0] == "TEXT" else r for r in rows]
    return [r for r in rows if r[0] != "TEXT" or r[2]]


def tree(data):
    """What `flat` should give for `data`, by lxml; None when lxml refuses it."""
    plain = data.replace(b"<![CDATA[", b"<!--").replace(b"]]>", b"-->")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(plain, parser)
    except etree.XMLSyntaxError:
        return None
    rows = []
    _walk(root, 1, rows)
    return flat([*rows, ("EOF",)])


def _walk(node, depth, rows):
    name = etree.QName(node)
    ns = URIS.index(name.namespace) if name.namespace in URIS else -1
    rows.append((START, depth, ns, name.localname))
    rows.append(("TEXT", depth, node.text or ""))
    for child in node:
        if isinstance(child.tag, str):
            _walk(child, depth + 1, rows)
        rows.append(("TEXT", depth, child.tail or ""))
    rows.append((END, depth, ns, name.localname))


@SLOW
@given(documents(), st.integers(64, 2000), st.integers(1, 400))
def test_events_are_those_of_lxml_whatever_the_window_and_the_pieces(data, size, step):
    expected = tree(data)
    assert expected is not None, data
    limits = {"text": size, "attributes": 8, "depth": 16, "bindings": 20}
    found = events(make(size, **limits), data, step, visit)
    assert found == events(make(size, **limits), data, 1 << 20, visit)
    if found[-1] != ("EOF",):
        assert found[-1][0] in ("window", "text") and size < 700, found[-1]
        rows = flat(found[:-1])
        assert rows == expected[:len(rows)]
        return
    assert flat(found) == expected


@SLOW
@given(documents(), st.integers(64, 2000), st.integers(1, 400), st.data())
def test_skip_leaves_out_exactly_one_element(data, size, step, draw):
    limits = {"text": size, "bindings": 20}
    plain = events(make(size, **limits), data, step, visit)
    starts = [i for i, row in enumerate(plain) if row[0] == START]
    assume(starts and plain[-1] == ("EOF",))
    chosen = draw.draw(st.sampled_from(starts))
    count = [0]

    def skipping(reader, event):
        row = visit(reader, event)
        if count[0] == chosen:
            reader.skip()
        count[0] += 1
        return row

    end = next(i for i in range(chosen, len(plain))
               if plain[i][:2] == (END, plain[chosen][1]))
    expected = plain[:chosen + 1] + plain[end + 1:]
    assert events(make(size, **limits), data, step, skipping) == expected


@SLOW
@given(documents(), st.integers(64, 900), st.integers(1, 90), st.data())
def test_a_damaged_document_ends_alike_in_all_pieces(data, size, step, draw):
    at = draw.draw(st.integers(0, len(data)))
    cut = draw.draw(st.integers(0, 9))
    put = draw.draw(st.binary(max_size=3) | st.sampled_from(
        (b"<", b">", b"</", b"/>", b"<!--", b"]]>", b"&", b";", b"'", b'"', b"=", b"xmlns")))
    data = data[:at] + put + data[at + cut:]

    def raw(reader, event):
        return event, reader.key, reader.ns, reader.depth, reader.offset + reader.value_start

    whole = events(make(size), data, 1 << 20, raw)
    assert [r[:4] for r in events(make(size), data, step, raw)] == [r[:4] for r in whole]


@SLOW
@given(documents(), st.data())
def test_a_damaged_document_that_lxml_takes_is_read_alike(data, draw):
    at = draw.draw(st.integers(0, len(data)))
    put = draw.draw(st.sampled_from((b"<", b">", b"/", b" ", b"&", b"'", b'"', b"=", b"a", b"")))
    data = data[:at] + put + data[at + draw.draw(st.integers(0, 2)):]
    assume(b"CDATA" not in data)  # `tree` knows it whole only
    expected = tree(data)
    assume(expected is not None)
    found = events(make(4000, text=4000, bindings=20), data, 99, visit)
    assert flat(found) == expected


@SLOW
@given(st.binary(max_size=200), st.integers(1, 90))
def test_noise_ends_in_an_error_or_the_end(data, step):
    found = events(make(64), data, step, lambda r, e: e)
    assert found == events(make(64), data, 1 << 20, lambda r, e: e)


@SLOW
@given(st.integers(-(1 << 64), 1 << 64), white, white)
def test_integers_are_read_as_python_reads_them(value, before, after):
    data = ("<a>%s%d%s</a>" % (before, value, after)).encode()

    def number(reader, event):
        try:
            return reader.to_int()
        except XMLError:
            return None

    found = events(make(200), data, 5, number)
    assert found[0] == (value if abs(value) <= 1 << 62 else None)


def _write(writer, node):
    """Write the tree (name, attributes, text or children) with a Writer."""
    name, attributes, inside = node
    if not attributes and not isinstance(inside, list):
        writer.leaf(name, inside)
        return
    writer.start(name)
    for key_, value in attributes.items():
        writer.attribute(key_, value)
    for child in inside if isinstance(inside, list) else []:
        _write(writer, child)
    writer.end()


values = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"),
                               exclude_characters="\ufffe\uffff"), max_size=30) | \
    st.integers(-(1 << 70), 1 << 70) | st.sampled_from(("\r\n\t", "]]>", "&amp;", "\"'"))
trees = st.recursive(
    st.tuples(names, st.just({}), values),
    lambda inner: st.tuples(names, st.dictionaries(names, values, max_size=3),
                            st.lists(inner, max_size=4)), max_leaves=12)


def _agrees(element, node):
    name, attributes, inside = node
    assert element.tag == name
    assert dict(element.attrib) == {k: str(v) for k, v in attributes.items()}
    if isinstance(inside, list):
        assert len(element) == len(inside) and not element.text
        for child, wanted in zip(element, inside):
            _agrees(child, wanted)
    else:
        assert (element.text or "") == str(inside)


@SLOW
@given(trees)
def test_what_the_writer_writes_is_read_by_lxml(node):
    buf = bytearray(1 << 16)
    writer = Writer(buf)
    _write(writer, node)
    data = bytes(buf[:writer.n])
    _agrees(etree.fromstring(data), node)
    small = Writer(bytearray(len(data)))
    _write(small, node)
    assert small._buf == data
