"""The unix32 image against OpenSSL: mutual TLS with critical policies, and what it refuses.

Every certificate of these tests says what IEEE 2030.5 makes critical as critical.  The stock
interpreter is the control: what it refuses shows that the image's user module is at work, and
what the image refuses as well shows that nothing else was let in.  Left out where there is no
image of today, see host_tests/conftest.py.  Images that are spoilt: test_image_control.py.
"""

import ast
import errno
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from image_forger import (
    ANY_POLICY,
    FEATURE_UNAVAILABLE,
    GOOD,
    IN_ARC,
    NULL,
    OUTSIDE,
    POLICIES,
    REFUSED,
    UNKNOWN,
    UNKNOWN_CRITICAL,
    Forger,
    both,
    by_another_reader,
    policies,
    policies_der,
    raw,
)
from needed import image_or_skip

from tools.pki import Authority
from tools.pki.authority import Issued

ROOT = Path(__file__).resolve().parents[2]
BOARD = ROOT / "boards" / "unix32"
STOCK = Path(sys.executable).parent / "micropython"
TIMEOUT_S = 60
ANY = {}  # whatever firmware is in the image

CCM8 = "ECDHE-ECDSA-AES128-CCM8"
GCM = "ECDHE-ECDSA-AES128-GCM-SHA256"

ALERT = ["OSError", -0x7780]
INVALID = ["ValueError", "invalid cert"]

CLIENT = r"""
import json, socket, sys, tls
port, host, folder = sys.argv[1:4]
suites = sys.argv[4:]

def read(name):
    with open(folder + "/" + name, "rb") as file:
        return file.read()

def visit():
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    if suites:
        context.set_ciphers(suites)
    LOAD
    sock = socket.socket()
    sock.connect(socket.getaddrinfo("127.0.0.1", int(port))[0][-1])
    stream = context.wrap_socket(sock, server_hostname=host)
    stream.write(b"GET /dcap HTTP/1.1\r\n\r\n")
    return stream.read()

try:
    print(json.dumps(["", visit().decode()]))
except Exception as exc:
    print(json.dumps([type(exc).__name__, exc.args[0]]))
"""

DER = """key = read("key.der")
    for i in range(3):
        context.load_cert_chain(read("cert" + str(i) + ".der"), key)
    context.load_verify_locations(read("ca.der"))"""
PEM = """context.load_cert_chain(read("cert.pem"), read("key.pem"))
    context.load_verify_locations(read("ca.pem"))"""

# Loads each certificate beside one key and says which were taken.
LOADER = r"""
import json, os, sys, tls
folder = sys.argv[1]

def read(name):
    with open(folder + "/" + name, "rb") as file:
        return file.read()

def taken(name):
    try:
        tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_cert_chain(read(name), key)
        return True
    except ValueError as exc:
        if exc.args[0] != "invalid cert":
            raise
        return False

key = read("key.der")
print(json.dumps({name: taken(name) for name in os.listdir(folder) if name != "key.der"}))
"""


class Server:
    """An OpenSSL server on a free port that asks for a client certificate of the SERCA.

    It answers with the client's LFDI and the suite; a client that it refuses gets an alert.
    """

    def __init__(self, folder, suite=CCM8):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        # Newer OpenSSL count CCM-8 as weak, for its short tag.
        self._context.set_ciphers(suite + ":@SECLEVEL=0")
        self._context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        self._context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self._context.load_verify_locations(folder / "ca.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._thread.join(TIMEOUT_S)
        self._listening.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT_S)
            with connection:
                try:
                    self._answer(connection)
                except OSError:  # ssl.SSLError too: refused, by either side
                    pass

    def _answer(self, connection):
        with self._context.wrap_socket(connection, server_side=True) as stream:
            asked = b""
            while not asked.endswith(b"\r\n\r\n"):
                some = stream.recv(1000)
                if not some:
                    return
                asked += some
            peer = hashes.Hash(hashes.SHA256())
            peer.update(stream.getpeercert(binary_form=True))
            lfdi = peer.finalize().hex()[:40].upper()
            stream.sendall(f"{lfdi} {stream.cipher()[0]}".encode())


def image(name="micropython", code=ANY):
    """The image's path; left out, or failed under MICROSEP2_IMAGE=1, when there is none."""
    return image_or_skip("unix32", code, name.removeprefix("micropython"))


def run(interpreter, script, folder, *arguments, heap="256k", plain=False):
    """What a script prints, JSON unless `plain`; run in an empty folder, which shadows nothing."""
    place = folder / "empty"
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        [str(interpreter), "-X", "heapsize=" + heap, "-c", script, *map(str, arguments)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=str(place),
        env={**os.environ, "MICROPYPATH": ".frozen"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout if plain else json.loads(done.stdout)


def visit(interpreter, server, device, tmp_path, *suites, load=DER, host="localhost",
          heap="256k", **serving):
    """[error class or "", its first argument or the server's answer]"""
    with Server(server.write(tmp_path / "server"), **serving) as there:
        script = CLIENT.replace("LOAD", load)
        return run(interpreter, script, tmp_path, there.port, host, device, *suites, heap=heap)


@pytest.fixture(scope="module")
def device(issued, tmp_path_factory):
    """The folder with the device's certificates."""
    return issued.write(tmp_path_factory.mktemp("device"))


@pytest.fixture
def try_server(authority, device, tmp_path):
    """A function: what the image makes of a server certificate with this extension."""
    def attempt(instead):
        server = authority.forge(lambda: authority.server("localhost"), instead)
        return visit(image(), server, device, tmp_path)
    return attempt


# The image itself


def test_words_have_32_bits_and_the_user_module_is_there(tmp_path):
    script = "import json, sep2x509, sys\nprint(json.dumps([sys.maxsize, %s]))"
    said = run(image(), script % "sys.implementation._build", tmp_path)
    assert said == [2**31 - 1, "unix32"]


def test_the_firmware_is_frozen_and_its_code_takes_next_to_no_heap(tmp_path):
    """Functions, classes and constants are in flash: what is left is computed when it starts."""
    interpreter = image(code=None)
    told = run(interpreter, "help('modules')", tmp_path, plain=True).split()
    assert {"app", "app_rom", "board", "boot", "config", "main"} <= set(told)
    script = """
import gc, json
gc.collect()
before = gc.mem_alloc()
import app
gc.collect()
print(json.dumps([gc.mem_alloc() - before, len(dir(app.App)), len(dir(app))]))
"""
    taken, methods, names = run(interpreter, script, tmp_path, heap="32k")
    assert taken < 6 * 1024 and methods > 5 and names < 80


def test_the_board_has_the_names_of_the_other_boards():
    def names(path):
        tree = ast.parse(path.read_text())
        of_constants = {n.targets[0].id for n in tree.body if isinstance(n, ast.Assign)}
        functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
        return {name for name in of_constants | functions if not name.startswith("_")}
    assert names(BOARD / "board.py") == names(ROOT / "boards" / "unix" / "board.py")


def test_two_suites_are_offered_the_mandatory_one_first(tmp_path):
    script = "import json, tls\nprint(json.dumps(tls.SSLContext(0).get_ciphers()))"
    assert run(image(), script, tmp_path) == [
        "TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    ]


# What it takes


@pytest.mark.parametrize("name", ["micropython", "micropython-tls-in-heap"])
@pytest.mark.parametrize("suite", [CCM8, GCM])
def test_both_sides_know_each_other_by_critical_certificates(
        name, suite, authority, issued, device, tmp_path):
    said = visit(image(name), authority.server("localhost"), device, tmp_path, suite=suite)
    assert said == ["", f"{issued.lfdi} {suite}"]


def test_the_mandatory_suite_wins_where_the_server_lets_the_client_choose(
        authority, issued, device, tmp_path):
    said = visit(image(), authority.server("localhost"), device, tmp_path, suite=f"{GCM}:{CCM8}")
    assert said == ["", f"{issued.lfdi} {CCM8}"]


def test_a_pem_file_is_sent_as_a_whole_chain(authority, issued, device, tmp_path):
    said = visit(image(), authority.server("localhost"), device, tmp_path, load=PEM)
    assert said == ["", f"{issued.lfdi} {CCM8}"]


@pytest.mark.parametrize("instead", [
    pytest.param(policies(IN_ARC), id="one policy of the arc"),
    pytest.param(both(GOOD, raw(UNKNOWN, NULL, critical=False)), id="unknown, not critical"),
    pytest.param(policies(ANY_POLICY), id="anyPolicy alone"),
    pytest.param(policies(OUTSIDE, critical=False), id="outside the arc, not critical"),
    pytest.param(lambda builder: builder, id="no policies"),
])
def test_a_server_certificate_is_taken(instead, try_server, issued):
    assert try_server(instead) == ["", f"{issued.lfdi} {CCM8}"]


# What it refuses


@pytest.mark.parametrize("instead, error", REFUSED.values(), ids=REFUSED)
def test_a_server_certificate_is_refused(instead, error, try_server):
    assert try_server(instead) == error


def test_policies_that_stand_there_twice_are_refused(authority, device, tmp_path):
    server = authority.twice(lambda: authority.server("localhost"))
    assert visit(image(), server, device, tmp_path) == ["OSError", -0x2500]


@pytest.mark.parametrize("level", [1, 2], ids=["MICA", "MCA"])
@pytest.mark.parametrize("instead, error", [
    pytest.param(policies(OUTSIDE), FEATURE_UNAVAILABLE, id="outside the arc"),
    pytest.param(policies(IN_ARC, OUTSIDE), FEATURE_UNAVAILABLE, id="mixed"),
    pytest.param(both(GOOD, raw(UNKNOWN, NULL)), UNKNOWN_CRITICAL, id="unknown critical"),
    pytest.param(GOOD, None, id="none: the control"),
])
def test_an_intermediate_certificate_is_judged_alike(
        level, instead, error, authority, issued, device, tmp_path):
    server = authority.server("localhost")
    server.chain[level] = authority.forge(lambda: authority.again(level), instead)
    said = visit(image(), server, device, tmp_path)
    assert said == (error or ["", f"{issued.lfdi} {CCM8}"])


def test_a_chain_of_another_authority_is_refused(device, tmp_path):
    foreign = Authority.create(name="Foreign", critical_policies=True).server("localhost")
    kind, why = visit(image(), foreign, device, tmp_path)
    assert kind == "ValueError" and "not correctly signed by the trusted CA" in why


def test_the_right_chain_under_another_trusted_ca_is_refused(authority, issued, tmp_path):
    foreign = Authority.create(name="Foreign", critical_policies=True).serca
    device = Issued(issued.key, issued.chain, foreign).write(tmp_path / "device")
    kind, why = visit(image(), authority.server("localhost"), device, tmp_path)
    assert kind == "ValueError" and "not correctly signed by the trusted CA" in why


def test_another_host_name_is_refused(authority, device, tmp_path):
    kind, why = visit(image(), authority.server("another.example"), device, tmp_path)
    assert kind == "ValueError" and "does not match with the expected CN" in why


def test_a_server_with_no_common_suite_or_curve_is_refused(authority, device, tmp_path):
    gcm = "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"
    assert visit(image(), authority.server("localhost"), device, tmp_path, gcm) == ALERT
    other_curve = authority.server_on_p384()
    assert visit(image(), other_curve, device, tmp_path, suite=GCM) == ALERT


# The callback's reader, through the loading of own certificates


def load_all(interpreter, key, certificates, tmp_path):
    """{name: whether the certificate was taken}"""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, certificate in certificates.items():
        (folder / name).write_bytes(certificate)
    (folder / "key.der").write_bytes(key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ))
    return run(interpreter, LOADER, tmp_path, folder)


def own(authority, key, instead):
    """A device certificate with this extension, as DER."""
    make = lambda: authority.device(public_key=key.public_key())  # noqa: E731
    return authority.forge(make, instead).der


def test_own_certificates_are_judged_as_a_peers_are(authority, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    good = own(authority, key, GOOD)
    pem = serialization.Encoding.PEM
    line = x509.load_der_x509_certificate(good).public_bytes(pem)
    bad = x509.load_der_x509_certificate(own(authority, key, policies(OUTSIDE))).public_bytes(pem)
    taken = load_all(image(), key, {
        "good": good,
        "good.pem": line,
        "two good.pem": line + line,
        "outside": own(authority, key, policies(OUTSIDE)),
        "mixed": own(authority, key, policies(IN_ARC, OUTSIDE)),
        "unknown": own(authority, key, both(GOOD, raw(UNKNOWN, NULL))),
        "good and bad.pem": line + bad,
        "bad and good.pem": bad + line,
        "junk": bytes(range(256)),
        "nothing": b"",
    }, tmp_path)
    assert {name for name, was in taken.items() if was} == {"good", "good.pem", "two good.pem"}


def test_policies_cut_off_at_any_byte_are_refused(authority, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    whole = policies_der(IN_ARC, "1.3.6.1.4.1.40732.2.1")
    cut = {str(n): own(authority, key, raw(POLICIES, whole[:n])) for n in range(len(whole) + 1)}
    taken = load_all(image(), key, cut, tmp_path)
    assert [name for name, was in taken.items() if was] == [str(len(whole))]


def test_policies_with_any_bit_turned_are_read_as_by_another_reader(authority, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    whole = policies_der(IN_ARC, "1.3.6.1.4.1.40732.2.300")
    turned = {}
    for bit in range(len(whole) * 8):
        value = bytearray(whole)
        value[bit // 8] ^= 1 << bit % 8
        turned[str(bit)] = own(authority, key, raw(POLICIES, bytes(value)))
    wanted = {name: by_another_reader(der) for name, der in turned.items()}
    assert {True, False} == set(wanted.values())
    assert load_all(image(), key, turned, tmp_path) == wanted


# The controls


def test_the_stock_interpreter_refuses_what_the_image_takes(authority, device, tmp_path):
    """Critical policies on either side, and CCM-8; without them the same servers do."""
    plain = Forger.create()
    plain_device = plain.device().write(tmp_path / "plain")
    server = authority.server("localhost")
    assert visit(STOCK, server, device, tmp_path, suite=GCM) == INVALID
    assert visit(STOCK, server, plain_device, tmp_path, suite=GCM) == FEATURE_UNAVAILABLE
    for server in (plain.server("localhost"), plain.server_on_p384()):
        said = visit(STOCK, server, plain_device, tmp_path, suite=GCM)
        assert said[0] == "", said
    assert visit(STOCK, plain.server("localhost"), plain_device, tmp_path) == ALERT


def test_tls_memory_is_where_the_image_says(authority, device, tmp_path):
    """A heap too small for a connection's buffers is enough only where they are outside it."""
    server = authority.server("localhost")
    said = visit(image(), server, device, tmp_path, heap="24k")
    assert said[0] == "", said
    within = image("micropython-tls-in-heap")
    assert visit(within, server, device, tmp_path, heap="24k") == ["OSError", errno.ENOMEM]
    said = visit(within, server, device, tmp_path, heap="48k")
    assert said[0] == "", said
