"""tools.pki as a provider: authorities kept in a folder, CSRs in bulk, and the wrong bundles."""

import csv
import datetime
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tools.pki import Authority, lfdi
from tools.pki.__main__ import main
from tools.pki.provider import RequestError, issue_all_requests, read_request, requests_in
from tools.pki.wrong import bundles

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
NOW = datetime.datetime(2026, 5, 3, 12)


def request(key=None, digest=None, subject=""):
    """A CSR as the handbook's example makes it."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = [x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)] if subject else []
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name(name)).sign(
        key, digest or hashes.SHA256())


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "critical"])
def authority(request, tmp_path_factory):
    """(Authority, its folder)."""
    made = Authority.create(critical_policies=request.param)
    return made, made.write(tmp_path_factory.mktemp("authority"))


def test_an_authority_comes_back_from_its_folder(authority):
    made, folder = authority
    again = Authority.read(folder)
    assert (again.serca, again.mca, again.mica) == (made.serca, made.mca, made.mica)
    assert again.critical == made.critical
    issued = again.device(serial="7")
    for below, above in zip([*issued.chain, issued.root], [*issued.chain[1:], made.serca]):
        below.verify_directly_issued_by(above)
    for name in ("serca", "mca", "mica"):
        assert (folder / f"{name}.key.pem").stat().st_mode & 0o077 == 0


def test_to_issue_the_micas_key_is_enough(authority, tmp_path):
    for file in authority[1].iterdir():
        if file.name not in ("serca.key.pem", "mca.key.pem"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    Authority.read(tmp_path).device().chain[0].verify_directly_issued_by(authority[0].mica)


def test_each_request_of_a_folder_becomes_a_whole_chain(authority, tmp_path):
    folder, out = tmp_path / "csr", tmp_path / "issued"
    folder.mkdir()
    keys = {}
    for i, encoding in enumerate((PEM, DER, PEM)):
        made = request(subject="ignored" if i == 2 else "")
        keys[f"board{i}"] = made.public_key()
        suffix = (".csr", ".der", ".pem")[i]
        (folder / f"board{i}{suffix}").write_bytes(made.public_bytes(encoding))
    (folder / "notes.txt").write_text("no request")
    rows = issue_all_requests(authority[1], requests_in([folder]), out, first_serial=40)
    assert [row.name for row in rows] == list(keys)
    with (out / "devices.csv").open() as file:
        listed = list(csv.DictReader(file))
    for i, (row, told) in enumerate(zip(rows, listed)):
        chain = x509.load_pem_x509_certificates((out / f"board{i}.pem").read_bytes())
        assert chain[1:] == [authority[0].mica, authority[0].mca, authority[0].serca]
        leaf = chain[0]
        assert leaf.public_key() == keys[row.name] and leaf.subject == x509.Name([])
        assert row.why == "" and row.lfdi == lfdi(leaf.public_bytes(DER)) == told["lfdi"]
        assert (told["serial"], told["sfdi"]) == (str(40 + i), str(row.sfdi))
        assert told["not_after"] == "9999-12-31T23:59:59Z"
        policies = leaf.extensions.get_extension_for_class(x509.CertificatePolicies)
        assert policies.critical == authority[0].critical
        assert [p.policy_identifier.dotted_string for p in policies.value] == [
            "1.3.6.1.4.1.40732.1.1", "1.3.6.1.4.1.40732.2.4"]  # generic, bulk: 6.11.7
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        assert names.value[0].value.endswith(str(40 + i).encode())


def test_one_request_alone_is_no_bulk_certificate(authority, tmp_path):
    path = tmp_path / "one.csr"
    path.write_bytes(request().public_bytes(PEM))
    issue_all_requests(authority[0], [path], tmp_path)
    leaf = x509.load_pem_x509_certificates((tmp_path / "one.pem").read_bytes())[0]
    policies = leaf.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert policies[1].policy_identifier.dotted_string == "1.3.6.1.4.1.40732.2.1"


def spoilt(made):
    der = bytearray(made.public_bytes(DER))
    der[-1] ^= 1
    return bytes(der)


@pytest.mark.parametrize(("data", "why"), [
    (b"", "not a PKCS#10 request"),
    (b"-----BEGIN CERTIFICATE REQUEST-----\n", "not a PKCS#10 request"),
    (request(ec.generate_private_key(ec.SECP384R1())).public_bytes(PEM), "not on P-256"),
    (request(rsa.generate_private_key(65537, 2048)).public_bytes(PEM), "not on P-256"),
    (spoilt(request()), "signature is wrong"),
])
def test_a_bad_request_is_refused(data, why):
    with pytest.raises(RequestError, match=why):
        read_request(data)


def test_a_bad_request_does_not_hold_up_the_others(authority, tmp_path, capsys):
    good = request().public_bytes(PEM)
    for name, data in (("a", b"junk"), ("b", good), ("c", good)):
        (tmp_path / f"{name}.csr").write_bytes(data)
    status = main(["issue", "--authority", str(authority[1]), "--csr", str(tmp_path),
                   "--out", str(tmp_path / "out")])
    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert lines[0] == "a refused: not a PKCS#10 request" and lines[1].startswith("b LFDI ")
    assert lines[2] == "c refused: another request has the same key"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["b.pem", "devices.csv"]


def test_the_command_line_makes_an_authority_and_issues(tmp_path):
    def run(*argv):
        return subprocess.run([sys.executable, "-m", "tools.pki", *map(str, argv)],
                              capture_output=True, text=True, check=True).stdout

    run("authority", tmp_path / "ca", "--name", "Some", "--critical-policies")
    (tmp_path / "one.csr").write_bytes(request().public_bytes(PEM))
    said = run("issue", "--authority", tmp_path / "ca", "--csr", tmp_path / "one.csr",
               "--out", tmp_path / "out")
    leaf = x509.load_pem_x509_certificates((tmp_path / "out" / "one.pem").read_bytes())[0]
    assert said.split()[:3] == ["one", "LFDI", lfdi(leaf.public_bytes(DER))]
    assert leaf.issuer.rfc4514_string() == "CN=Some MICA,O=microsep2 test"
    said = run(tmp_path / "all")
    assert said.startswith("LFDI ") and (tmp_path / "all" / "device" / "cert0.der").exists()


def openssl(folder, bundle, at):
    """Whether OpenSSL takes the bundle's leaf at a time (Unix), and what it says."""
    parsed = [x509.load_der_x509_certificate(der) for der in bundle.ders]
    (folder / "leaf.pem").write_bytes(parsed[0].public_bytes(PEM))
    (folder / "rest.pem").write_bytes(b"".join(c.public_bytes(PEM) for c in parsed[1:]))
    done = subprocess.run(
        ["openssl", "verify", "-attime", str(at), "-CAfile", str(folder / "root.pem"),
         "-untrusted", str(folder / "rest.pem"), str(folder / "leaf.pem")],
        capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_openssl_agrees_about_the_bundles(authority, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    made = authority[0]
    root = made.serca.public_bytes(PEM)
    (tmp_path / "root.pem").write_bytes(root)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    at = int(now.replace(tzinfo=datetime.timezone.utc).timestamp())
    # What only we refuse: the key is not ours, the curve or the hash is not the standard's.
    ours = {"wrong key", "P-384 device", "P-384 MICA", "MICA signed with SHA-384"}
    seen = set()
    for name, bundle in bundles(made, key.public_key(), now).items():
        # Its own order has to be leaf first; some bundles begin with a CA or cannot be parsed.
        if name in ("good, shuffled", "CAs alone", "cut short"):
            continue
        taken, said = openssl(tmp_path, bundle, at)
        if name == "policy of another arc":
            assert taken, said  # OpenSSL does not judge policies unless asked
        else:
            assert taken == (not bundle.code or name in ours), (name, said)
        seen.add(name)
    assert len(seen) > 20
