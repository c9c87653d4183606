# heap: 176k
"""The start path of the one version that we speak, or an error of ours: SDVN-01."""

import gc

import check
import sep2
from sep2 import PROFILES, Sep2Error, dcap_path

V13 = PROFILES["v1.3"].csipaus_ns
SERVED = check.vector("wellknown.json")


def refused(data, namespace=V13):
    """Why it is refused."""
    return check.raises(Sep2Error, dcap_path, data, namespace).args[0]


def offer(paths):
    return b'{"supportedSchemaVersions":{"https://csipaus.org/ns/v1.3":{"dcap":' + paths + b"}}}"


def test_the_first_path_of_exactly_that_version():
    assert dcap_path(SERVED, V13) == "/v13/dcap"
    assert dcap_path(SERVED, PROFILES["eql"].csipaus_ns) == "/old/dcap"
    assert dcap_path(bytearray(SERVED), V13) == "/v13/dcap"


def test_a_version_that_is_not_offered_is_told():
    assert refused(SERVED, PROFILES["v1.3b-sto"].csipaus_ns) == "csipaus versions: not offered"
    for namespace in (b"", b"v1.3", b"https://csipaus.org/ns/v9", b"dcap",
                      b"https://csipaus.org/ns/v1.3 ", b"https://csipaus.org/ns/v1"):
        assert refused(SERVED, namespace) in {
            "csipaus versions: not offered", "csipaus versions: unreadable"}, namespace
    assert refused(b'{"supportedSchemaVersions":{}}') == "csipaus versions: not offered"


def test_what_is_no_json_of_that_form_is_unreadable():
    for data in (b"", b" ", b"<html/>", b"null", b"7", b"[]", b'"a"', b"{}", b"{", b"\xff\xfe",
                 b'{"supportedSchemaVersions":null}', b'{"supportedSchemaVersions":[]}',
                 b'{"supportedSchemaVersions":"https://csipaus.org/ns/v1.3"}',
                 b'{"supportedSchemaVersions":{"https://csipaus.org/ns/v1.3":7}}',
                 b'{"supportedSchemaVersions":{"https://csipaus.org/ns/v1.3":"dcap"}}',
                 b'{"supportedSchemaVersions":{"https://csipaus.org/ns/v1.3":["/a"]}}',
                 b'{"supportedSchemaVersions":{"https://csipaus.org/ns/v1.3":{"x":["/a"]}}}',
                 offer(b"[]"), SERVED + b"x"):
        assert refused(data) == "csipaus versions: unreadable", data


def test_a_document_cut_anywhere_gives_the_path_or_an_error():
    # MicroPython 1.25 does not miss closing brackets; a text without its quote it does.
    told = 0
    for n in range(len(SERVED)):
        try:
            assert dcap_path(SERVED[:n], V13) == "/v13/dcap", n
            assert n >= SERVED.find(b'"/v13/dcap"') + 11
            told += 1
        except Sep2Error:
            pass
    assert told < len(SERVED) // 2


def test_a_path_must_be_one_that_can_be_requested():
    assert dcap_path(offer(b'["/d?a=1&b=2"]'), V13) == "/d?a=1&b=2"
    assert dcap_path(offer(b'["https://other.example/d"]'), V13) == "https://other.example/d"
    longest = b"/" + b"a" * (sep2.HREF_MAX - 1)
    assert dcap_path(offer(b'["' + longest + b'"]'), V13) == str(longest, "ascii")
    for paths in (b'["/a b"]', b'["/a\\r\\nHost: x"]', b'["/\\u00e9"]', b'["/a\\u0000"]', b"[7]",
                  b'[["/a"]]', b'[{"a":1}]', b"[true]", b'["' + longest + b'a"]'):
        assert refused(offer(paths)) == "csipaus versions: no path", paths
    for paths in (b'[""]', b"[null]", b"[0]", b'"/dcap"', b"null", b"{}"):
        assert refused(offer(paths)) in {
            "csipaus versions: not offered", "csipaus versions: unreadable"}, paths


def test_nests_are_held_to_a_number():
    for nest in (b"[" * 1000, b'{"a":' * 1000, b"[" * 70 + b"]" * 70):
        assert refused(nest) == "csipaus versions: too many"
    assert refused(b"[" * 64) == "csipaus versions: unreadable"


def test_no_body_takes_more_than_some_heap():
    gc.collect()
    for part in (b'"",', b"0,", b'"a":1,', b"1.5,", b"null,"):
        data = b"[" + part * (1000 // len(part)) + b"0]"
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        try:
            refused(data)
            used = gc.mem_alloc() - before
        finally:
            gc.enable()
        assert used < 32 * len(data), (part, used)
        gc.collect()
        assert gc.mem_alloc() - before <= 128


def test_damaged_documents_give_a_path_that_was_there_or_an_error():
    x = 20305
    outcomes = {}
    for i in range(1500):
        data = bytearray(SERVED)
        for _ in range(1 + i % 3):
            x ^= x << 13 & 0xFFFFFFFF
            x ^= x >> 17
            x ^= x << 5 & 0xFFFFFFFF
            at = x % len(data)
            if x & 0x10000:
                data[at] = b'{}[],:"\\/ 019aeun\0\xff'[(x >> 20) % 19]
            else:
                data = data[:at] + data[at + 1 + (x >> 20) % 30:]
        try:
            said = dcap_path(bytes(data), V13)
            assert isinstance(said, str) and 0 < len(said) <= sep2.HREF_MAX
            assert all(32 < ord(c) < 127 for c in said)
        except Sep2Error as exc:
            said = exc.args[0]
        outcomes[said] = outcomes.get(said, 0) + 1
    assert outcomes["/v13/dcap"] > 50 and outcomes["csipaus versions: unreadable"] > 500, outcomes


check.run(globals())
