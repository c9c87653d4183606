"""What `sep2` writes, and the documents it is tested with, are valid by the schemas."""

import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "lib"), str(ROOT / "host_tests" / "unix")]

import lists
import sep2
import xmlpull
from sep2 import elements
from sep2.resource import name_of
from tools.utility import profiles
from tools.utility.schema import Schema

VECTORS = ROOT / "host_tests" / "vectors"
LFDI = b"4075DE6031E562ACF4D9EAA765A5B2ED00057269"

# Documents that the handbook shows and the schema refuses, with what it says of them: the client
# has to read what servers send.
INVALID = {
    "annex_d_dderc.xml": "opModEnergize",  # after the csipaus elements, which come last
    "handbook_7_5_derc.xml": "mRID",  # bare numbers, no potentiallySuperseded, start first
}


def response(mrid, status=1):
    key = bytearray(sep2.KEY_SIZE)
    assert sep2.pack_mrid(key, mrid, 0, len(mrid))
    buf = bytearray(300)
    n = sep2.write_response(xmlpull.Writer(buf), key, status, 1682475000 - sep2.EPOCH, LFDI)
    return bytes(buf[:n])


@pytest.fixture(params=sorted(profiles.PROFILES))
def profile(request):
    return profiles.PROFILES[request.param]


def test_responses_are_valid(profile):
    schema = Schema.of(profile)
    for mrid in (b"DC1B27AC943B44AC87DAF7E162B6F6D4", b"33b710b2e8c2424997f8ea1e00057269", b"A1"):
        for status in (1, 2, 3, 6, 7):
            assert schema.errors(response(mrid, status)) == []


def test_the_schema_refuses_another_order(profile):
    body = response(b"A1")
    swapped = re.sub(rb"(<status>.*</status>)(<subject>.*</subject>)", rb"\2\1", body)
    assert swapped != body
    assert Schema.of(profile).errors(swapped)


def test_the_schema_refuses_a_response_without_a_subject(profile):
    body = re.sub(rb"<subject>.*</subject>", b"", response(b"A1"))
    assert Schema.of(profile).errors(body)


def test_profiles_are_those_of_the_stand_in_server():
    assert set(sep2.PROFILES) == set(profiles.PROFILES)
    for name, ours in sep2.PROFILES.items():
        theirs = profiles.PROFILES[name]
        assert ours.csipaus_ns.decode() == theirs.namespace
        assert ours.media_type == theirs.media_type
        assert ours.storage == theirs.storage
        assert ours.well_known == (theirs.dcap is None)


@pytest.mark.parametrize("name", sorted(p.name for p in VECTORS.glob("annex_d_*.xml")))
def test_documents_of_the_handbook_are_valid(name):
    errors = Schema.of(profiles.PROFILES["eql"]).errors((VECTORS / name).read_bytes())
    if name in INVALID:
        assert errors and INVALID[name] in errors[0]
    else:
        assert errors == []


def test_the_other_documents_are_valid():
    for name, profile in (("mup_list.xml", "v1.3"), ("cp_v13.xml", "v1.3")):
        data = (VECTORS / name).read_bytes()
        assert Schema.of(profiles.PROFILES[profile]).errors(data) == []
    # The name of v1.1, which the schema of v1.2 no longer knows.
    old = Schema.of(profiles.PROFILES["eql"]).errors((VECTORS / "cp_v11.xml").read_bytes())
    assert old and "connectionPointId" in old[0]


def test_the_long_lists_are_valid():
    body = b"".join(lists.controls(58))
    assert Schema.of(profiles.PROFILES["eql"]).errors(body) == []


def test_no_name_of_ours_shares_its_key_with_another_in_one_table():
    """Names are compared in full; only these are told apart by that alone."""
    shared = []
    for row, table in enumerate(elements.TABLE):
        other = elements.NEXT[row]
        while other != elements.NONE:
            if elements.TABLE[other] == table:
                shared.append({name_of(row), name_of(other)})
            other = elements.NEXT[other]
    assert shared == [{"opModMaxLimW", "opModTargetW"}, {"DERControlList", "DERProgramList"}]


def test_every_row_is_found_by_the_key_of_its_name():
    words = [word for line in elements.TEXT.split(b"|") for word in line.split()[::2]]
    assert [name_of(row).encode() for row in range(len(elements.KIND))] == words
    for row, name in enumerate(words):
        at = elements.ROWS[xmlpull.key(name)]
        while at != row:
            at = elements.NEXT[at]
            assert at != elements.NONE, name
        if row < len(elements.QUICK):
            assert elements.QUICK[row] == name
