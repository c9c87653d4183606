"""Documents that a server should never send, made by chance, on CPython: sep2's readers.

Enters: the handbook's documents, with their elements in another order, missing, double, in other
namespaces, nested deeper, with other texts, and lists that lie about their length.  Leaves: the
proof that each ends in a record within its ranges, or in an error of ours; and that no control
that is handed out as sound has lost or changed a limit.
"""

import copy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "lib"), str(ROOT / "host_tests" / "unix")]

import pytest
import sep2
import sep2_feed
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from xmlpull import XMLError

VECTORS = {
    "annex_d_dcap.xml": sep2.DeviceCapability, "annex_d_time.xml": sep2.Time,
    "annex_d_edev.xml": sep2.EndDeviceList, "annex_d_rg.xml": sep2.Registration,
    "annex_d_fsa.xml": sep2.FunctionSetAssignmentsList, "annex_d_derl.xml": sep2.DERList,
    "mup_list.xml": sep2.MirrorUsagePointList, "cp_v13.xml": sep2.ConnectionPoint,
    "annex_d_derp.xml": sep2.DERProgramList, "annex_d_dderc.xml": sep2.DefaultDERControl,
    "annex_d_derc.xml": sep2.DERControlList, "handbook_7_5_derc.xml": sep2.DERControlList,
}
CONTROLS = ("annex_d_derc.xml", "handbook_7_5_derc.xml")
NAMESPACES = ("urn:ieee:std:2030.5:ns", "https://csipaus.org/ns", "https://csipaus.org/ns/v1.3",
              "https://csipaus.org/ns/v9", "urn:other", "")
OURS = NAMESPACES[:3]
TEXTS = ("", " ", "0", "-1", "1", "true", "9" * 19, "-" + "9" * 25, "9" * 400, "1.5", "0x1F",
         "1e9", "NaN", "\u0663", "G1", "ab" * 40, "a" * 600, "/x y", "2147483648", "-32769")
SIZES = st.sampled_from((1, 7, 64, 5000))
FUZZ = settings(max_examples=150, deadline=None)


def root_of(name):
    """The document, without comments and without the white space between elements."""
    parser = etree.XMLParser(remove_blank_text=True, remove_comments=True)
    return etree.fromstring((ROOT / "host_tests" / "vectors" / name).read_bytes(), parser)


def read(cls, data, size, take=lambda reader: None):
    """The reader after the document; None when it ended in an error of ours."""
    xml, window = sep2_feed.make()
    reader = cls(xml)
    try:
        sep2_feed.drive(reader, xml, window, sep2_feed.parts(data, size), take)
    except (XMLError, sep2.Sep2Error):
        return None
    return reader


def in_range(reader):
    """Every number that a sound item or resource hands out is small, every text bounded."""
    if reader.bad is not None:
        assert 0 < len(reader.bad) < 60
        return
    for name, value in vars(reader).items():
        if name.startswith("_") or value is None or isinstance(value, ARRAYS):
            continue
        if isinstance(value, int):
            assert name in {"pin", "mrid"} or abs(value) < 1 << 30, (name, value)
        else:
            assert isinstance(value, (str, bytes)) and len(value) <= 255, (name, value)
    for number in getattr(reader, "rec", ()):
        assert abs(number) < 1 << 30


ARRAYS = (type(sep2.DERControlList(sep2_feed.make()[0]).rec), bytearray)


def put(draw, root):
    """One change of the tree, of any kind; gives its name."""
    nodes = [node for node in root.iter() if node is not root]
    node = draw(st.sampled_from(nodes))
    parent = node.getparent()
    what = draw(st.sampled_from(("order", "double", "drop", "namespace", "text", "deep", "lie")))
    if what == "order":
        for each in root.iter():
            each[:] = draw(st.permutations(list(each)))
    elif what == "double":
        parent.insert(draw(st.integers(0, len(parent))), copy.deepcopy(node))
    elif what == "drop":
        parent.remove(node)
    elif what == "namespace":
        node.tag = f"{{{draw(st.sampled_from(NAMESPACES))}}}{etree.QName(node).localname}"
    elif what == "text":
        leaf = draw(st.sampled_from([each for each in nodes if not len(each)]))
        leaf.text = draw(st.sampled_from(TEXTS))
    elif what == "deep":
        at = parent.index(node)
        for _ in range(draw(st.sampled_from((1, 5, 40)))):
            outer = etree.Element(draw(st.sampled_from(("a", node.tag))))
            outer.append(node)
            node = outer
        parent.insert(at, node)
    else:
        name = draw(st.sampled_from(("all", "results", "href", "pollRate")))
        root.set(name, draw(st.sampled_from(TEXTS)))
    return what


@pytest.mark.parametrize("name", VECTORS)
def test_any_document_ends_in_records_within_their_ranges_or_in_our_error(name):
    sound = etree.tostring(root_of(name))
    assert read(VECTORS[name], sound, 64) and not read(VECTORS[name], sound[:-9], 64)

    @FUZZ
    @given(st.data(), st.integers(1, 4), SIZES)
    def run(data, changes, size):
        root = root_of(name)
        for _ in range(changes):
            if len(root):
                put(data.draw, root)
        body = etree.tostring(root)
        reader = read(VECTORS[name], body, size, in_range)
        if reader is not None:
            in_range(reader)
        whole = read(VECTORS[name], body, len(body))  # whatever the pieces
        assert (reader is None) == (whole is None)

    run()


def records(data, size):
    """{mRID: (record, bad)} of a list, None when it ended in an error."""
    found = {}

    def keep(reader):
        found.setdefault(bytes(reader.key), []).append((list(reader.rec), reader.bad))

    return None if read(sep2.DERControlList, data, size, keep) is None else found


def limits(rec):
    """The modes of a record, with their values."""
    return {m: rec[sep2.VALUE + m] for m in range(sep2.MODES_N) if rec[sep2.MODES] >> m & 1}


@pytest.mark.parametrize("name", CONTROLS)
def test_no_sound_control_has_lost_or_changed_a_limit(name):
    sound = records(etree.tostring(root_of(name)), 5000)
    judged = []

    @FUZZ
    @given(st.data(), SIZES)
    def run(data, size):
        root = root_of(name)
        what = put(data.draw, root)
        if what in {"drop", "deep"}:  # a whole mode may be gone then, or inside another element
            return
        found = records(etree.tostring(root), size)
        for key, items in (found or {}).items():
            for rec, bad in items:
                if bad is None and key in sound:
                    was = limits(sound[key][0][0])
                    now = limits(rec)
                    if what == "text":  # what was put there, if it can be a number at all
                        assert was.keys() == now.keys()
                        assert sum(was[m] != now[m] for m in was) <= 1
                    else:
                        assert now == was, (what, was, now)
                judged.append((what, bad is None))

    run()
    assert judged and ("order", False) not in judged  # another order is as good as any


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("space", [each for each in NAMESPACES if each and each not in OURS])
def test_a_limit_that_stands_in_a_foreign_namespace_or_twice_is_bad(name, space):
    for at, node in enumerate(root_of(name).iter("{*}opModExpLimW", "{*}opModImpLimW")):
        local = etree.QName(node).localname
        for twice in (False, True):
            root = root_of(name)
            each = list(root.iter("{*}opModExpLimW", "{*}opModImpLimW"))[at]
            if twice:
                each.addnext(copy.deepcopy(each))
            else:
                each.tag = f"{{{space}}}{local}"
            event = each.xpath("ancestor::*[local-name()='DERControl']")[0]
            mrid = bytes.fromhex(event.find("{*}mRID").text)
            found = records(etree.tostring(root), 64)
            bad = [items[0][1] for key, items in (found or {}).items() if key.startswith(mrid)]
            assert found is None or (bad and bad[0] is not None), (local, twice)
