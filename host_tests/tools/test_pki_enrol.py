"""A blank flash to a working identity: firmware/enrol.py, tools.pki and OpenSSL together.

Enters: the device's interpreter with an empty folder as its flash.  Leaves: the proof that its CSR
is one that OpenSSL verifies, that the chain which tools.pki issues is taken after a mutual TLS
connection stood with it, and that LFDI and SFDI are OpenSSL's.  On the image, with critical
policies, where it is built; with MICROSEP2_IMAGE=1 in the environment it has to be.
"""

import contextlib
import datetime
import hashlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tools.pki import Authority, sfdi
from tools.pki.provider import chain_pem, issue_all_requests, read_request
from tools.pki.wrong import bundles

ROOT = Path(__file__).resolve().parents[2]
STOCK = Path(sys.executable).parent / "micropython"
IMAGE = ROOT / "build" / "unix32" / "micropython"
TIMEOUT_S = 60
EPOCH = 1577836800

# What a console's commissioning does, on one line of arguments: what to do, flash, file, port.
DEVICE = r"""
import json, os, select, sys, time
import enrol
from identity import Identity
from link import Link, reason
from loop import Loop
from p256 import P256Error
from sep2 import lfdi, sfdi
from store import Store

what, flash, file, port, image = sys.argv[1:6]
loop = Loop(time, select.poll())
store = Store(flash)
now = time.time() - 1577836800
out = {}

async def probe(trial):
    out["before"] = sorted(os.listdir(flash))
    line = await Link(loop, Identity(trial)).connect("localhost", int(port), True,
                                                     loop.after(20000))
    await line.write(b"GET", 0, 3, loop.after(20000))
    buf = bytearray(8)
    n = await line.readinto(buf, 0, 8, loop.after(20000))
    out["answer"] = bytes(buf[:n]).decode()
    line.close()

async def main():
    try:
        if what == "request":
            with open(file, "w") as f:
                f.write(await enrol.request(loop, store, os.urandom))
        else:
            with open(file, "rb") as f:
                data = f.read()
            await enrol.take(loop, store, data, now, probe, image == "image")
            leaf = Identity(store).leaf
            out["lfdi"], out["sfdi"] = lfdi(leaf).decode(), sfdi(lfdi(leaf))
            out["shown"] = [[c.subject, c.issuer, c.serial] for c in enrol.certificates(store)]
    except P256Error as exc:
        out["code"], out["do"] = str(exc), enrol.remedy(exc)
    except (OSError, ValueError) as exc:
        out["code"] = reason(exc)
    print(json.dumps(out))
    sys.exit(0)  # at once: the loop would wait for a second first

loop.spawn("main", main())
loop.run()
"""


class Board:
    """A device with its own flash, on one of the interpreters."""

    def __init__(self, interpreter, folder):
        self.interpreter = interpreter
        self.flash = folder / "flash"
        self.flash.mkdir()
        self.image = "image" if interpreter == IMAGE else "stock"

    def run(self, what, file, port=0):
        done = subprocess.run(
            [self.interpreter, "-X", "heapsize=512k", "-c", DEVICE, what, self.flash, file,
             str(port), self.image], capture_output=True, text=True, timeout=TIMEOUT_S,
            check=False, env={**os.environ, "MICROPYPATH": f"{ROOT}/lib:{ROOT}/firmware:.frozen"})
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(params=[STOCK, IMAGE], ids=["stock", "image"])
def board(request, tmp_path, need_image):
    if request.param == IMAGE:
        need_image("unix32", {})  # whatever firmware is in it: the sources are run
    return Board(request.param, tmp_path)


@contextlib.contextmanager
def server(issued, root, folder):
    """A TLS server on localhost that wants a certificate of `root`; gives (port, leaves seen)."""
    issued.write(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.load_verify_locations(cadata=root.public_bytes(serialization.Encoding.DER))
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    listening = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            plain.settimeout(20)
            with contextlib.suppress(OSError), context.wrap_socket(plain, True) as line:
                seen.append(line.getpeercert(binary_form=True))
                line.recv(3)
                line.sendall(b"yes")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], seen
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def test_a_blank_flash_ends_with_its_own_identity(board, tmp_path):
    authority = Authority.create(critical_policies=board.image == "image")
    csr = tmp_path / "csr" / "board.csr"
    csr.parent.mkdir()
    assert board.run("request", csr) == {}
    said = subprocess.run(["openssl", "req", "-in", csr, "-verify", "-noout", "-subject"],
                          capture_output=True, text=True, check=True)
    assert "verify OK" in said.stdout + said.stderr and "subject=\n" in said.stdout
    assert os.listdir(board.flash) == ["next.der"]

    row = issue_all_requests(authority, [csr], tmp_path / "issued")[0]
    answer = tmp_path / "issued" / "board.pem"
    serving = server(authority.server("localhost"), authority.serca, tmp_path / "server")
    with serving as (port, seen):
        got = board.run("take", answer, port)
    assert got.get("code") is None, got
    assert got["answer"] == "yes" and got["before"] == ["next.der"]
    leaf = subprocess.run(["openssl", "x509", "-in", answer, "-outform", "DER"],
                          capture_output=True, check=True).stdout
    digits = hashlib.sha256(leaf).hexdigest()[:40].upper()
    assert seen == [leaf] and got["lfdi"] == digits == row.lfdi
    assert got["sfdi"] == row.sfdi == sfdi(digits)
    assert sorted(os.listdir(board.flash)) == [
        "ca.der", "cert0.der", "cert1.der", "cert2.der", "key.der"]
    assert (board.flash / "cert0.der").read_bytes() == leaf
    key = serialization.load_der_private_key((board.flash / "key.der").read_bytes(), None)
    assert key.public_key() == read_request(csr.read_bytes())
    assert [row[1] for row in got["shown"]] == [
        "O=microsep2 test, CN=Example MICA", "O=microsep2 test, CN=Example MCA",
        "O=microsep2 test, CN=Example SERCA", "O=microsep2 test, CN=Example SERCA"]


def test_a_server_that_refuses_leaves_the_old_identity(board, tmp_path):
    authority = Authority.create(critical_policies=board.image == "image")
    stranger = Authority.create(name="Stranger", critical_policies=board.image == "image")
    csr = tmp_path / "one.csr"
    board.run("request", csr)
    issue_all_requests(authority, [csr], tmp_path)
    with server(stranger.server("localhost"), stranger.serca, tmp_path / "server") as (port, seen):
        got = board.run("take", tmp_path / "one.pem", port)
    assert got["code"] == "CA_UNKNOWN" and seen == []
    assert os.listdir(board.flash) == ["next.der"]


def test_each_wrong_answer_is_refused_on_the_device_with_what_to_do(board, tmp_path):
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    authority = Authority.create(critical_policies=board.image == "image")
    csr = tmp_path / "one.csr"
    board.run("request", csr)
    ca = authority.serca.public_bytes(serialization.Encoding.DER)
    (board.flash / "ca.der").write_bytes(ca)
    key = read_request(csr.read_bytes())
    # One bundle of each code: all of them are judged in host_tests/cpython.
    one_each = {b.code: b for b in bundles(authority, key, now).values() if b.code}
    assert len(one_each) >= 11
    for code, bundle in one_each.items():
        (tmp_path / "answer").write_bytes(b"".join(bundle.ders))
        got = board.run("take", tmp_path / "answer")
        assert got["code"].split(":")[0] == code and got["do"], (code, got)
        assert sorted(os.listdir(board.flash)) == ["ca.der", "next.der"]


def test_a_stock_interpreter_says_that_critical_policies_need_the_image(tmp_path):
    board = Board(STOCK, tmp_path)
    csr = tmp_path / "one.csr"
    board.run("request", csr)
    issued = Authority.create(critical_policies=True).device(
        public_key=read_request(csr.read_bytes()))
    (tmp_path / "one.pem").write_bytes(chain_pem(issued))
    got = board.run("take", tmp_path / "one.pem")
    assert got["code"] == "CRITICAL_POLICY" and "image" in got["do"]


def test_every_code_has_a_remedy_and_is_explained_in_the_readme():
    sources = [*(ROOT / "lib" / "p256").glob("*.py"), ROOT / "firmware" / "enrol.py"]
    text = "\n".join(f.read_text() for f in sources if f.name != "manifest.py")
    raised = set()
    for line in text.splitlines():
        if "P256Error(" in line or " code = " in line:
            raised |= set(re.findall(r'"([A-Z][A-Z_0-9]+):?"', line))
    assert len(raised) > 20
    remedies = set(re.findall(r"^([A-Z_0-9]+): \S", text, re.MULTILINE))
    table = (ROOT / "lib" / "p256" / "README.md").read_text()
    readme = set(re.findall(r"^\| `([A-Z_0-9]+)`", table, re.MULTILINE))
    ours = {"NO_CLOCK", "CRITICAL_POLICY", "NO_CERTIFICATE", "BAD_CA"}
    assert raised == remedies | {"BAD_POINT"} and readme == raised - ours
