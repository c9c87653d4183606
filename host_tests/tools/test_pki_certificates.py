"""tools.pki: what the certificates say, and which of them a TLS peer takes or refuses."""

import datetime
import hashlib
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tools.pki import Authority, lfdi, registration_pin, sfdi, write_folder

POLICY = x509.CertificatePolicies


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pki")
    return path, write_folder(path)


def shake(server_folder, client_folder, root, host="localhost"):
    """Whole TLS 1.2 handshake in memory; raises ssl.SSLError where either side refuses."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server_folder / "cert.pem", server_folder / "key.pem")
    serving.load_verify_locations(root)
    serving.verify_mode = ssl.CERT_REQUIRED
    asking = ssl.create_default_context(cafile=root)
    asking.maximum_version = ssl.TLSVersion.TLSv1_2
    asking.load_cert_chain(client_folder / "cert.pem", client_folder / "key.pem")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(up, down, server_side=True)
    client = asking.wrap_bio(down, up, server_hostname=host)
    todo = [client, server]
    for _ in range(10):
        for side in list(todo):
            try:
                side.do_handshake()
                todo.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert not todo
    return server.getpeercert(binary_form=True)


def test_identifiers_follow_the_handbooks_vectors():
    for digits, number in (
        ("4075DE6031", 173034634270), ("4AECA0BBB7", 201123460434),
        ("B1857F74B5", 476530583793), ("3E4F45AB31", 167261211391),
    ):
        assert sfdi(digits + "0" * 30) == number
    assert lfdi(b"leaf") == hashlib.sha256(b"leaf").digest()[:20].hex().upper()


def test_pin_ends_in_the_sum_of_its_digits():
    assert [registration_pin(n) for n in (11111, 33221, 12345)] == [111115, 332211, 123455]
    with pytest.raises(ValueError):
        registration_pin(100000)


def test_device_certificate_is_what_annex_c_asks_for(folder):
    leaf = folder[1]["device"].chain[0]
    assert leaf.subject == x509.Name([])
    assert str(leaf.not_valid_after_utc).startswith("9999-12-31")
    assert isinstance(leaf.public_key().curve, ec.SECP256R1)
    critical = {e.oid._name for e in leaf.extensions if e.critical}
    assert critical == {"basicConstraints", "keyUsage", "subjectAltName"}
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.key_agreement and not usage.key_cert_sign
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    other = names.get_values_for_type(x509.OtherName)[0]
    assert other.type_id.dotted_string == "1.3.6.1.5.5.7.8.4"
    # SEQUENCE, OID 1.3.6.1.4.1.32473.1, OCTET STRING "1"
    assert other.value.hex() == "300e" + "06092b0601040181fd5901" + "040131"


@pytest.mark.parametrize("critical", [False, True])
def test_policies_are_critical_in_every_certificate_or_in_none(critical):
    authority = Authority.create(critical_policies=critical)
    chains = authority.device().chain + authority.server("localhost").chain + [authority.serca]
    assert {c.extensions.get_extension_for_class(POLICY).critical for c in chains} == {critical}


def test_certificates_chain_to_the_serca(folder):
    for name in ("device", "server"):
        issued = folder[1][name]
        links = [*issued.chain, issued.root]
        for below, above in zip(links, [*links[1:], issued.root]):
            below.verify_directly_issued_by(above)


def test_files_in_pem_and_der_say_the_same(folder):
    path, issued = folder
    device = path / "device"
    chain = x509.load_pem_x509_certificates((device / "cert.pem").read_bytes())
    files = [(device / f"cert{i}.der").read_bytes() for i in range(3)]
    assert [c.public_bytes(serialization.Encoding.DER) for c in chain] == files
    assert issued["device"].lfdi == lfdi(files[0])
    pem = serialization.load_pem_private_key((device / "key.pem").read_bytes(), None)
    der = serialization.load_der_private_key((device / "key.der").read_bytes(), None)
    assert pem.private_numbers() == der.private_numbers()
    assert pem.public_key() == chain[0].public_key()
    assert (path / "ca.der").read_bytes() == (path / "server" / "ca.der").read_bytes()


def test_a_csrs_key_is_certified_without_its_private_half():
    key = ec.generate_private_key(ec.SECP256R1())
    issued = Authority.create().device(serial="9", public_key=key.public_key())
    assert issued.key is None and issued.chain[0].public_key() == key.public_key()


def test_device_and_server_accept_each_other(folder):
    path, issued = folder
    for host in ("localhost", "127.0.0.1"):
        peer = shake(path / "server", path / "device", path / "ca.pem", host)
        assert lfdi(peer) == issued["device"].lfdi


@pytest.mark.parametrize("server, client, why", [
    ("wrong/foreign-server", "device", "unable to get|self.signed"),
    ("wrong/expired-server", "device", "expired"),
    ("wrong/future-server", "device", "not yet valid"),
    ("wrong/other-host-server", "device", "mismatch"),
    ("server", "wrong/foreign-device", "unable to get|self.signed"),
])
def test_wrong_certificates_are_refused_for_their_own_reason(folder, server, client, why):
    path = folder[0]
    with pytest.raises(ssl.SSLError, match=why):
        shake(path / server, path / client, path / "ca.pem")


def test_validity_follows_the_time_passed_in():
    authority = Authority.create(now=datetime.datetime(2030, 1, 2))
    assert str(authority.serca.not_valid_before_utc).startswith("2030-01-01")
