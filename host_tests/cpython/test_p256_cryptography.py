"""lib/p256 against the cryptography package: keys, signatures, requests, certificates, chains.

Enters: what either side makes.  Leaves: the proof that the other side reads it as it was meant,
and that each bundle that a provider could get wrong is refused with its own code.
"""

import datetime
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import p256
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from p256 import P256Error, run
from p256.asn1 import Reader, dotted

from tools.pki import Authority
from tools.pki.wrong import _with_mica, bundles

EPOCH = datetime.datetime(2020, 1, 1)
NOW = datetime.datetime(2026, 5, 3, 12)
NOW_S = int((NOW - EPOCH).total_seconds())
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
SHA256 = ec.ECDSA(hashes.SHA256())
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
CLEAR = serialization.NoEncryption()
FORMS = (serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8)
POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)

few = settings(max_examples=25, deadline=None)
scalars = st.one_of(st.integers(1, N - 1), st.integers(1, 40), st.integers(N - 40, N - 1))


def key_of(d):
    return ec.derive_private_key(d, ec.SECP256R1())


@few
@given(scalars)
@example(1)
@example(N - 1)
def test_a_public_key_is_the_one_of_its_private_key(d):
    assert run(p256.public(d)) == key_of(d).public_key().public_bytes(*POINT)


@few
@given(scalars, st.binary(max_size=200))
def test_a_signature_is_verified_by_either_side(d, message):
    key = key_of(d)
    own = key.public_key().public_bytes(*POINT)
    key.public_key().verify(run(p256.sign(d, message)), message, SHA256)
    theirs = key.sign(message, SHA256)
    assert run(p256.verify(own, message, theirs))
    assert not run(p256.verify(own, message + b"x", theirs))


@few
@given(st.integers(1, N - 1), st.integers(0, 1 << 32), st.integers(1, 255))
def test_a_signature_with_a_byte_changed_is_judged_as_the_other_side_does(d, at, change):
    key = key_of(d)
    spoilt = bytearray(key.sign(b"message", SHA256))
    spoilt[at % len(spoilt)] ^= change
    try:
        key.public_key().verify(bytes(spoilt), b"message", SHA256)
        fits = True
    except InvalidSignature:
        fits = False
    assert run(p256.verify(key.public_key().public_bytes(*POINT), b"message", spoilt)) == fits


@few
@given(st.integers(1, N - 1), st.sampled_from(FORMS), st.sampled_from([PEM, DER]))
def test_keys_are_read_in_every_form_and_written_as_openssl_writes_them(d, form, encoding):
    theirs = key_of(d).private_bytes(encoding, form, CLEAR)
    assert p256.read_key(theirs) == d
    own = run(p256.public(d))
    ours = (p256.sec1 if form is FORMS[0] else p256.pkcs8)(d, own)
    if encoding is PEM:
        label = "EC PRIVATE KEY" if form is FORMS[0] else "PRIVATE KEY"
        ours = p256.pem(label, ours).encode()
    assert ours == theirs


def test_a_key_file_with_the_curve_in_front_is_read():
    parameters = p256.pem("EC PARAMETERS", bytes.fromhex("06082a8648ce3d030107"))
    key = key_of(5).private_bytes(PEM, FORMS[0], CLEAR).decode()
    assert p256.read_key(parameters + key) == 5


@pytest.mark.parametrize(("data", "code"), [
    (key_of(7).private_bytes(PEM, FORMS[1], serialization.BestAvailableEncryption(b"word")),
     "ENCRYPTED"),
    (key_of(7).private_bytes(PEM, FORMS[0], serialization.BestAvailableEncryption(b"word")),
     "ENCRYPTED"),
    (ec.generate_private_key(ec.SECP384R1()).private_bytes(DER, FORMS[0], CLEAR), "NOT_P256"),
    (ec.generate_private_key(ec.SECP384R1()).private_bytes(PEM, FORMS[1], CLEAR), "NOT_P256"),
    (ec.generate_private_key(ec.SECP256K1()).private_bytes(DER, FORMS[1], CLEAR), "NOT_P256"),
    (key_of(7).public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
     "NO_KEY"),
    (p256.sec1(0, bytes(65)), "BAD_KEY"),
    (p256.sec1(N, bytes(65)), "BAD_KEY"),
    (p256.pkcs8(N + 1, bytes(65)), "BAD_KEY"),
    (b"\x30\x78\2\1\1\4\x21\0" + p256.sec1(7, bytes(65))[7:], "BAD_KEY"),
    (b"", "MALFORMED"), (b"rubbish", "MALFORMED"), (p256.sec1(7, bytes(65))[:-1], "MALFORMED"),
    (p256.sec1(7, bytes(65)) * 9, "TOO_LARGE"), (b"0" * 16385, "TOO_LARGE"),
])
def test_a_key_that_cannot_be_used_says_why(data, code):
    with pytest.raises(P256Error, match=r"^" + code):
        p256.read_key(data)


@few
@given(st.integers(1, N - 1))
def test_a_request_is_one_that_a_provider_takes(d):
    request = x509.load_der_x509_csr(run(p256.csr(d, run(p256.public(d)))))
    assert request.is_signature_valid
    assert request.subject == x509.Name([])
    assert request.public_key().public_numbers() == key_of(d).public_key().public_numbers()
    assert not list(request.extensions)


def test_entropy_that_is_none_or_stuck_makes_no_key():
    for entropy in (lambda n: None, bytes, lambda n: b"", lambda n: os.urandom(n - 1),
                    lambda n: b"\xa5" * n):
        with pytest.raises(P256Error, match=r"^NO_ENTROPY$"):
            p256.generate(entropy)
    first, second = p256.generate(os.urandom), p256.generate(os.urandom)
    assert first != second and 0 < first < N
    seeds = [bytes(40), b"\1" * 40]
    assert p256.generate(lambda n: seeds.pop(0)) == 1  # the least; n - 1 is the most
    seeds = [(N - 2).to_bytes(40, "big"), b"\1" * 40]
    assert p256.generate(lambda n: seeds.pop(0)) == N - 1


# -- certificates -----------------------------------------------------------

@pytest.fixture(scope="module", params=[False, True], ids=["plain", "critical"])
def house(request):
    authority = Authority.create(now=NOW, critical_policies=request.param)
    d = p256.generate(os.urandom)
    return authority, d, bundles(authority, key_of(d).public_key(), NOW)


def read(certificate):
    return p256.Certificate(certificate.public_bytes(DER))


def test_a_certificate_says_what_it_says(house):
    authority, d, _bundles = house
    theirs = authority.device(serial="42", public_key=key_of(d).public_key()).chain[0]
    ours = read(theirs)
    assert ours.subject == "" and ours.issuer == "O=microsep2 test, CN=Example MICA"
    assert int(ours.serial, 16) == theirs.serial_number
    assert ours.not_before == NOW_S - 86400 and ours.not_after == p256.FOREVER
    assert (ours.ca, ours.path, ours.usage) == (False, -1, 0x88)
    assert ours.policies == ["1.3.6.1.4.1.40732.1.1", "1.3.6.1.4.1.40732.2.1"]
    assert ours.image == authority.critical and ours.odd_policy is None
    assert ours.hardware == ("1.3.6.1.4.1.32473.1", b"42")
    assert ours.key == run(p256.public(d))
    assert ours.own_id == x509.SubjectKeyIdentifier.from_public_key(theirs.public_key()).digest
    assert ours.issuer_id == read(authority.mica).own_id
    serca = read(authority.serca)
    assert (serca.ca, serca.path, serca.usage) == (True, 2, 0x06)
    assert serca.policies == ["2.5.29.32.0"] and not serca.image


def test_signatures_are_checked_as_the_other_side_does(house):
    authority = house[0]
    mica, mca, serca = map(read, (authority.mica, authority.mca, authority.serca))
    assert run(mica.signed_by(mca)) and run(mca.signed_by(serca)) and run(serca.signed_by(serca))
    assert not run(mica.signed_by(serca)) and not run(mca.signed_by(mca))


def judged(house, name, root, now=NOW_S):
    """The code that a bundle is refused with, "" when it is taken; and the chain."""
    own = run(p256.public(house[1]))
    try:
        bag = [p256.Certificate(der) for der in house[2][name].ders]
        path, root = run(p256.chain(bag, own, root, now))
    except P256Error as exc:
        return str(exc).split(":", maxsplit=1)[0], []
    return "", [one.der for one in path]


def test_each_bundle_is_refused_with_its_own_code(house):
    root = read(house[0].serca)
    got = {name: judged(house, name, root) for name in house[2]}
    assert {n: code for n, (code, _) in got.items()} == {n: b.code for n, b in house[2].items()}
    good = house[2]["good"].ders[:3]
    for name in ("good", "good, shuffled", "good, no SERCA", "good, each twice"):
        assert got[name][1] == good, name


def test_without_a_ca_on_the_device_the_self_signed_one_of_the_bundle_counts(house):
    for name, code in (("good", ""), ("good, shuffled", ""), ("foreign root", ""),
                       ("good, no SERCA", "NO_ISSUER"), ("no MICA", "NO_ISSUER"),
                       ("bit wrong in the MCA", "BAD_SIGNATURE")):
        assert judged(house, name, None)[0] == code, name
    leaf, mica, mca, serca = house[2]["good"].ders
    spoilt = serca[:-1] + bytes([serca[-1] ^ 1])
    bag = [p256.Certificate(der) for der in (leaf, mica, mca, spoilt)]
    with pytest.raises(P256Error, match=r"^BAD_SIGNATURE:.*SERCA$"):
        run(p256.chain(bag, bag[0].key, None, NOW_S))


def test_of_two_certificates_for_our_key_the_later_counts(house):
    authority, d, found = house
    later = authority.device(public_key=key_of(d).public_key(), since=NOW).chain[0]
    good = [p256.Certificate(der) for der in found["good"].ders]
    for bag in ([read(later), *good], [*good, read(later)]):
        path, _root = run(p256.chain(bag, bag[0].key, read(authority.serca), NOW_S))
        assert path[0].not_before == NOW_S and len(path) == 3


def test_a_ca_below_the_root_can_be_the_anchor(house):
    assert judged(house, "good", read(house[0].mica)) == ("", house[2]["good"].ders[:1])
    assert judged(house, "leaf alone", read(house[0].mica))[0] == ""


def test_dates_are_those_of_every_certificate_of_the_chain(house):
    root = read(house[0].serca)
    assert judged(house, "good", root, NOW_S - 86401)[0] == "NOT_YET_VALID"
    assert judged(house, "good", root, NOW_S - 86400)[0] == ""
    assert judged(house, "good", root, p256.FOREVER - 1)[0] == ""
    late = Authority.create(now=NOW + datetime.timedelta(days=2))
    leaf = late.device(public_key=key_of(house[1]).public_key(), since=NOW)
    bag = [read(c) for c in leaf.chain]
    with pytest.raises(P256Error, match=r"^NOT_YET_VALID:O=microsep2 test, CN=Example MICA$"):
        run(p256.chain(bag, run(p256.public(house[1])), read(late.serca), NOW_S))


def test_work_is_handed_back_in_small_pieces(house):
    bag = [p256.Certificate(der) for der in house[2]["good"].ders]
    steps = p256.chain(bag, run(p256.public(house[1])), read(house[0].serca), NOW_S)
    assert len(list(steps)) >= 3 * 64  # three signatures


class Saying(Authority):
    """Puts other policies into the certificates of devices."""

    said = None

    def _policies(self, builder, oids=None):
        if self.said is None:
            return super()._policies(builder, oids)
        return builder.add_extension(x509.CertificatePolicies(self.said), critical=True)


def policy(last, qualifiers=None):
    return x509.PolicyInformation(x509.ObjectIdentifier(last), qualifiers)


IN_ARC, ANY = "1.3.6.1.4.1.40732.1.1", "2.5.29.32.0"


@pytest.mark.parametrize(("said", "odd", "image"), [
    ([policy(IN_ARC)], None, True),
    ([policy(IN_ARC), policy("1.3.6.1.4.1.40732.2.300.1")], None, True),
    ([policy(ANY)], None, False),
    ([policy(ANY, ["https://example.com/cps"])], None, False),
    ([policy(ANY), policy(IN_ARC)], ANY, True),
    ([policy(IN_ARC), policy("1.3.6.1.4.1.40733.1.1")], "1.3.6.1.4.1.40733.1.1", True),
    ([policy("1.3.6.1.4.1.40732")], "1.3.6.1.4.1.40732", True),
    ([policy("1.3.6.1.4.1.407321.1")], "1.3.6.1.4.1.407321.1", True),
    ([policy(IN_ARC, ["https://example.com/cps"])], IN_ARC, True),
])
def test_critical_policies_are_judged_as_the_image_judges_them(said, odd, image):
    authority = Saying.create(now=NOW)
    authority.said = said
    issued = authority.device(public_key=key_of(9).public_key())
    leaf = read(issued.chain[0])
    assert (leaf.odd_policy, leaf.image) == (odd, image)
    steps = p256.chain([read(c) for c in issued.chain], leaf.key, read(issued.root), NOW_S)
    if odd is None:
        assert len(run(steps)[0]) == 3
    else:
        with pytest.raises(P256Error, match="^POLICY:" + odd):
            run(steps)


def ladder(levels):
    """Device and `levels` CAs without path lengths, keys 9, 10 ..., leaf first; no key ids."""
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"CA {i}")])
             for i in range(levels)]
    made = []
    for i in range(levels + 1):
        above = min(i, levels - 1)
        builder = x509.CertificateBuilder().subject_name(
            names[i - 1] if i else x509.Name([])).issuer_name(names[above]).public_key(
            key_of(9 + i).public_key()).serial_number(i + 1).not_valid_before(
            NOW).not_valid_after(NOW + datetime.timedelta(days=30))
        if i:
            builder = builder.add_extension(
                x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made.append(read(builder.sign(key_of(10 + above), hashes.SHA256())))
    return made


def test_a_chain_has_at_most_four_certificates_below_the_root():
    own = run(p256.public(9))
    for levels in (1, 2, 4):
        made = ladder(levels)
        path, root = run(p256.chain(made[::-1], own, made[-1], NOW_S))
        assert path == made[:-1] and root is made[-1]
        assert run(p256.chain(made, own, None, NOW_S)) == (path, root)
    made = ladder(5)
    for root in (made[-1], None):
        with pytest.raises(P256Error, match=r"^TOO_LONG$"):
            run(p256.chain(made, own, root, NOW_S))


def test_a_cas_certificate_for_its_own_new_key_is_no_root_and_not_counted():
    authority = Authority.create(now=NOW)
    again = _with_mica(authority, key=key_of(11), above=(authority.mica, authority._keys[2]))
    issued = again.device(public_key=key_of(9).public_key())
    bag = [read(c) for c in [*issued.chain, authority.mica]]
    path, _root = run(p256.chain(bag, bag[0].key, read(authority.serca), NOW_S))
    assert path == [bag[0], bag[1], bag[3], bag[2]]


def test_an_end_is_inclusive_and_names_who_has_ended():
    made = ladder(2)
    own = made[0].key
    end = NOW_S + 30 * 86400
    assert run(p256.chain(made, own, made[-1], end))[0] == made[:2]
    made[1].not_after += 10
    made[0].not_after += 10
    with pytest.raises(P256Error, match=r"^EXPIRED:CN=CA 1$"):
        run(p256.chain(made, own, made[2], end + 1))


# -- times ------------------------------------------------------------------

def certificate_with(since, until):
    key = key_of(3)
    return x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(
        x509.Name([])).public_key(key.public_key()).serial_number(1).not_valid_before(
        since).not_valid_after(until).sign(key, hashes.SHA256())


@few
@given(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)))
@example(datetime.datetime(2024, 2, 29, 23, 59, 59))
@example(datetime.datetime(2049, 12, 31, 23, 59, 59))
@example(datetime.datetime(2050, 1, 1))
@example(datetime.datetime(2054, 1, 10, 13, 37, 3))
@example(datetime.datetime(9999, 12, 31, 23, 59, 59))
def test_dates_are_seconds_since_2020(moment):
    moment = moment.replace(microsecond=0)
    ours = read(certificate_with(moment, moment))
    seconds = int((moment - EPOCH).total_seconds())
    assert abs(ours.not_after) <= p256.FOREVER
    if abs(seconds) < p256.FOREVER - 86400:
        assert ours.not_before == ours.not_after == seconds
    else:
        assert abs(ours.not_after - seconds) <= abs(seconds) - p256.FOREVER + 86400


def test_dates_that_are_none_are_malformed():
    der = certificate_with(datetime.datetime(2024, 2, 29), datetime.datetime(2024, 2, 29))
    der = der.public_bytes(DER)
    assert der.count(b"240229000000Z") == 2
    for wrong in (b"230229000000Z", b"240230000000Z", b"241301000000Z", b"240001000000Z",
                  b"240100000000Z", b"240431000000Z", b"240101240000Z", b"240101006000Z",
                  b"240101000060Z", b"24010100000 Z", b"2401010000000", b"-40101000000Z",
                  b"24010100+100Z"):
        with pytest.raises(P256Error, match=r"^MALFORMED$"):
            p256.Certificate(der.replace(b"240229000000Z", wrong))
    for right in (b"240131235959Z", b"241231000000Z", b"000229000000Z", b"240630000000Z"):
        p256.Certificate(der.replace(b"240229000000Z", right))


# -- hostile ----------------------------------------------------------------

@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_certificate_with_bytes_changed_is_read_or_malformed(house, data):
    der = bytearray(data.draw(st.sampled_from(house[2]["good"].ders)))
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        p256.Certificate(der)
    except P256Error as exc:
        assert str(exc) == "MALFORMED"


def test_an_extension_twice_or_two_algorithms_are_malformed(house):
    extra = [(x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.6.1.4.1.32473.{n}"), b"\5\0"),
              False) for n in (7, 8)]
    der = house[0].device(public_key=key_of(9).public_key(), extra=extra).chain[0]
    der = der.public_bytes(DER)
    oid = bytes.fromhex("2b0601040181fd59")
    assert p256.Certificate(der) and der.count(oid + b"\7") == der.count(oid + b"\x08") == 1
    sha256 = bytes.fromhex("2a8648ce3d040302")
    head, middle, tail = der.split(sha256)
    for wrong in (der.replace(oid + b"\x08", oid + b"\7"),
                  head + sha256 + middle + sha256[:-1] + b"\3" + tail,
                  head + sha256[:-1] + b"\3" + middle + sha256 + tail):
        with pytest.raises(P256Error, match=r"^MALFORMED$"):
            p256.Certificate(wrong)


def test_each_part_cut_off_is_malformed(house):
    der = house[2]["good"].ders[0]
    for n in range(len(der)):
        with pytest.raises(P256Error, match=r"^MALFORMED$"):
            p256.Certificate(der[:n])


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda b: b"\x30" + b)))
def test_bytes_by_chance_are_malformed_everywhere(data):
    for read_it in (p256.Certificate, p256.read_key, p256.blocks):
        try:
            read_it(data)
        except P256Error as exc:
            assert str(exc) in ("MALFORMED", "NO_KEY", "NOT_P256", "BAD_KEY", "ENCRYPTED",
                                "TOO_LARGE")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="-BEGINENDCERTIFICATE aA+/=\n:Proc", max_size=200))
def test_text_by_chance_is_malformed(text):
    try:
        p256.blocks("-----BEGIN CERTIFICATE-----\n" + text)
    except P256Error as exc:
        assert str(exc) in ("MALFORMED", "ENCRYPTED", "TOO_LARGE")


@few
@given(st.lists(st.tuples(st.text("ABC ", min_size=1, max_size=9).map(str.strip).filter(bool),
                          st.binary(min_size=1, max_size=300)), min_size=1, max_size=8))
def test_blocks_come_out_as_they_went_in(parts):
    text = "".join("some words\n" + p256.pem(label, der) + "\n" for label, der in parts)
    assert p256.blocks(text) == parts
    assert p256.blocks(text.replace("\n", "\r\n").encode()) == parts


@few
@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 1 << 40), max_size=6))
def test_object_identifiers_are_those_of_the_other_side(first, second, rest):
    text = ".".join(map(str, [first, second, *rest]))
    name = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(text), "v")])
    reader = Reader(name.public_bytes()).enter(0x30).enter(0x31).enter(0x30)
    assert dotted(reader.take(6)) == text
