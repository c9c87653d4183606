# heap: 220k
"""A provider's bundle on the target: what it says, in which order, and what is refused."""

BIG = bytes(16385)  # first, while there is room in one piece

import check
import p256
from p256 import P256Error, run
from p256.asn1 import Reader, dotted

# A device's key, its certificate, MICA, MCA and SERCA, policies critical (handbook Annex C).
TEXT = check.vector("p256_device.pem")
NOW = 200000000  # s since 2020: a day in May 2026


def parts():
    """(private key, the four certificates)."""
    blocks = p256.blocks(TEXT)
    assert [label for label, _ in blocks] == ["EC PRIVATE KEY"] + 4 * ["CERTIFICATE"]
    return p256.read_key(TEXT), [p256.Certificate(der) for _, der in blocks[1:]]


D, (LEAF, MICA, MCA, SERCA) = parts()
OWN = run(p256.public(D))


def test_what_the_certificates_say():
    assert LEAF.subject == ""
    assert LEAF.issuer == MICA.subject == "O=microsep2 test, CN=Example MICA"
    assert LEAF.hardware == ("1.3.6.1.4.1.32473.1", b"MS2-0042")
    assert LEAF.policies == ["1.3.6.1.4.1.40732.1.1", "1.3.6.1.4.1.40732.2.1"]
    assert LEAF.not_after == p256.FOREVER and LEAF.key == OWN and LEAF.image
    assert [one.path for one in (LEAF, MICA, MCA, SERCA)] == [-1, 0, 1, 2]
    assert [one.ca for one in (LEAF, MICA, MCA, SERCA)] == [False, True, True, True]


def test_any_order_comes_out_leaf_first():
    want = [LEAF, MICA, MCA]
    for bag in ([LEAF, MICA, MCA, SERCA], [SERCA, MCA, MICA, LEAF], [MCA, LEAF, MICA]):
        assert run(p256.chain(bag, OWN, SERCA, NOW)) == (want, SERCA)
    assert run(p256.chain([SERCA, LEAF, MCA, MICA], OWN, None, NOW)) == (want, SERCA)


def refused(bag, own=OWN, root=SERCA, now=NOW):
    return str(check.raises(P256Error, run, p256.chain(bag, own, root, now)))


def spoilt(one, at, value):
    der = bytearray(one.der)
    der[at] = value
    return p256.Certificate(der)


def test_what_is_missing_or_wrong_has_its_code():
    assert refused([LEAF, MCA]) == "NO_ISSUER:O=microsep2 test, CN=Example MICA"
    assert refused([LEAF, MICA, MCA], root=None) == "NO_ISSUER:O=microsep2 test, CN=Example SERCA"
    assert refused([MICA, MCA]) == refused([]) == "WRONG_KEY"
    assert refused([LEAF, MICA, MCA], own=MICA.key[:64] + b"\0") == "WRONG_KEY"
    assert refused([LEAF, MICA, MCA], now=LEAF.not_before - 1) == "NOT_YET_VALID:"
    assert refused([MICA, LEAF, MCA], own=MICA.key).startswith("LEAF_IS_CA:")
    wrong = spoilt(MICA, -1, MICA.der[-1] ^ 1)
    assert refused([LEAF, wrong, MCA]) == "BAD_SIGNATURE:O=microsep2 test, CN=Example MICA"


def test_each_byte_of_the_leaf_is_covered():
    # Every third byte changed: read as MALFORMED, or the chain is refused; never taken.
    for at in range(0, len(LEAF.der), 3):
        try:
            one = spoilt(LEAF, at, LEAF.der[at] ^ 4)
            run(p256.chain([one, MICA, MCA], OWN, SERCA, NOW))
        except P256Error as exc:
            assert str(exc).split(":")[0] in (
                "MALFORMED", "WRONG_KEY", "NO_ISSUER", "BAD_SIGNATURE", "NOT_P256", "POLICY",
                "CRITICAL_EXTENSION", "NOT_YET_VALID", "EXPIRED", "KEY_USAGE", "LEAF_IS_CA",
                "SIGNATURE_ALGORITHM"), exc
        else:
            raise AssertionError("byte %d" % at)


def test_a_reader_keeps_to_its_span_and_to_the_forms_of_der():
    assert Reader(b"\4\3abcd").take(4) == b"abc" and Reader(b"\2\2\0\xff").unsigned(1) == b"\xff"
    assert Reader(b"\2\1\0").unsigned(1) == b"\0" and Reader(b"\3\2\0a").bits() == b"a"
    assert Reader(b"\4\x81\x80" + bytes(128)).take(4) == bytes(128)
    for data, at, end in ((b"\4\3ab", 0, -1), (b"\4\3abc", 0, 4), (b"\4", 0, -1), (b"", 0, -1),
                          (b"\4\3abc", 3, -1), (b"\5\3abc", 0, -1), (b"\4\x81\3abc", 0, -1),
                          (b"\4\x81", 0, -1), (b"\4\x82\0\3abc", 0, -1), (b"\4\x80\0\0", 0, -1),
                          (b"\4\x82\0\x80" + bytes(128), 0, -1), (b"\4\x83\0\0\3abc", 0, -1)):
        assert str(check.raises(P256Error, Reader(data, at, end).take, 4)) == "MALFORMED", data
    for data in (b"\2\2\1\0", b"\2\0", b"\2\1\x80", b"\2\2\0\x7f", b"\2\3\0\xff\xff"):
        check.raises(P256Error, Reader(data).unsigned, 1)
    for data in (b"\3\0", b"\3\2\1a", b"\4\2\0a"):
        check.raises(P256Error, Reader(data).bits)
    for oid, text in ((b"\x2a\x86\x48", "1.2.840"), (b"\x88\x37\3", "2.999.3"), (b"\0", "0.0")):
        assert dotted(oid) == text
    for oid in (b"", b"\x80\1", b"\x2a\x80\1", b"\x2a\x86", b"\x2a" + bytes(64)):
        check.raises(P256Error, dotted, oid)


def test_hostile_lengths_and_nesting_cost_nothing():
    deep = b"\x30\x00"
    for _ in range(250):
        deep = b"\x30\x82" + len(deep).to_bytes(2, "big") + deep
    for der in (deep, deep[:-1], b"\x30\x80\0\0", b"\x30\x82\xff\xff\x30", b"\x30",
                b"\x30\x84\x7f\xff\xff\xff", b"\x30\x82\x0f\xf0" + bytes(4080),
                b"\x1f\x81\x01\0", bytes(4097)):
        assert str(check.raises(P256Error, p256.Certificate, der)) == "MALFORMED"
    for text in (b"-----BEGIN X-----\n", b"-----BEGIN X-----\nMAA=\n-----END Y-----\n",
                 b"-----BEGIN X-----\n-----BEGIN X-----\nMAA=\n-----END X-----\n",
                 b"-----BEGIN X-----\nMAB=\n-----END X-----\n", b"-----END X-----\n",
                 b"-----BEGIN X-----\nMA!A=\n-----END X-----\n", b"",
                 b"-----BEGIN X-----\n-----END X-----\n"):
        assert str(check.raises(P256Error, p256.blocks, text)) == "MALFORMED", text
    assert str(check.raises(P256Error, p256.blocks, 9 * SERCA.der)) == "TOO_LARGE"
    assert str(check.raises(P256Error, p256.blocks, BIG)) == "TOO_LARGE"


check.run(globals())
