"""A board that has nothing but the image gets its identity, and talks to the utility with it.

Frozen code alone: key and CSR made on the device (`-m provision`), the chain from tools.pki with
critical policies, OpenSSL as the judge of both, then the firmware itself in 64 KiB up to a tree
that was read over mutual TLS.  And what may go wrong: a power cut, the wrong provider, a
server that refuses, a clock that was never set, a certificate that ends.  Left out where there is
no image, see host_tests/conftest.py.
"""

import datetime
import hashlib
import re
import signal
import stat
import subprocess

import pytest
from live import Stage
from cryptography.hazmat.primitives import serialization

from tools.build.frozen import image_command
from tools.pki import Authority, sfdi
from tools.pki.provider import issue_all_requests, read_request

TIMEOUT_S = 60
HEAP = "64k"
INSIDE = "88k"  # 70 is enough where TLS is in the heap
DAY = datetime.timedelta(days=1)
OWN = ["ca.der", "cert0.der", "cert1.der", "cert2.der", "key.der"]


class Board(Stage):
    """The image with a blank flash, a provider, and a utility that trusts it."""

    def __init__(self, folder, kind=""):
        super().__init__(folder)
        self.kind = kind
        self.authority = Authority.create(critical_policies=True)
        self.authority.server("localhost").write(self.pki / "server")
        self.dir = self.folder / "flash"
        self.dir.mkdir()
        (self.folder / "csr").mkdir()
        self.csr = self.folder / "csr" / "board.csr"
        self.answer = self.folder / "issued" / "board.pem"

    def utility(self, *options):
        ca = self.authority.serca.public_bytes(serialization.Encoding.PEM)
        (self.pki / "ca.pem").write_bytes(ca)
        return super().utility(*options)

    def settings(self, *options):
        """A server, a house, and config.txt for both."""
        self.utility(*options)
        self.site()
        self.flash(identity=None)

    def provision(self, *words, heap=HEAP):
        """(exit status, what it printed)"""
        argv, env = image_command("unix32", self.dir, heap, self.kind)
        argv[argv.index("main")] = "provision"
        done = subprocess.run([*argv, *map(str, words)], env=env, capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False, cwd=self.pki)
        return done.returncode, done.stdout + done.stderr

    def request(self):
        status, said = self.provision("request", self.csr)
        assert status == 0 and "REQUEST_MADE" in said, said
        return read_request(self.csr.read_bytes())

    def issue(self, authority=None):
        """The provider's answer to the CSR; the row of its list."""
        return issue_all_requests(authority or self.authority, [self.csr], self.answer.parent)[0]

    def own(self, **how):
        """A flash with a device certificate that was made elsewhere."""
        issued = self.authority.device(**how)
        for file in issued.write(self.folder / "made").glob("*.der"):
            (self.dir / file.name).write_bytes(file.read_bytes())
        return issued

    def firmware(self):
        """Start the whole client such that Ctrl-C stops it cleanly: with -m it is not heard."""
        argv, env = image_command("unix32", self.dir, HEAP, self.kind)
        argv = [{"-m": "-c", "main": "import main"}.get(word, word) for word in argv]
        return self._start(argv, env)

    def held(self):
        return sorted(f.name for f in self.dir.iterdir() if f.suffix in {".der", ".bin"})


@pytest.fixture
def board(tmp_path, need_image):
    need_image("unix32")
    with Board(tmp_path) as one:
        yield one


def openssl(*words, **more):
    return subprocess.run(["openssl", *map(str, words)], capture_output=True, check=True, **more)


def test_a_blank_flash_ends_with_a_tree_read_by_its_own_identity(board):
    public = board.request()
    said = openssl("req", "-in", board.csr, "-verify", "-noout", "-subject", text=True)
    assert "verify OK" in said.stdout + said.stderr and "subject=\n" in said.stdout
    assert board.held() == ["next.der"]
    assert stat.S_IMODE((board.dir / "next.der").stat().st_mode) == 0o600

    row = board.issue()
    leaf = openssl("x509", "-in", board.answer, "-outform", "DER").stdout
    text = openssl("x509", "-in", board.answer, "-noout", "-text", text=True).stdout
    assert "Certificate Policies: critical" in text
    digits = hashlib.sha256(leaf).hexdigest()[:40].upper()
    assert digits == row.lfdi
    board.settings("--device", digits)
    status, said = board.provision("take", board.answer)
    assert status == 0 and "IDENTITY_TRIED" in said and "IDENTITY_TAKEN" in said, said
    assert f"lfdi={digits} sfdi={sfdi(digits)}" in said
    assert board.held() == OWN and (board.dir / "cert0.der").read_bytes() == leaf
    key = serialization.load_der_private_key((board.dir / "key.der").read_bytes(), None)
    assert key.public_key() == public
    made = {name: stat.S_IMODE((board.dir / name).stat().st_mode) for name in OWN}
    assert set(made.values()) == {0o600}, made

    firmware = board.firmware()
    assert f"lfdi={digits} sfdi={sfdi(digits)}" in firmware.line("IDENTITY ")
    firmware.line("REGISTERED")
    firmware.line("TREE_COMPLETE")
    firmware.end(signal.SIGINT)
    assert not any(" E " in line for line in firmware.lines), firmware.lines


def test_with_tls_in_the_heap_the_new_chain_is_tried_as_well(tmp_path, need_image):
    need_image("unix32", kind="-tls-in-heap")
    with Board(tmp_path, "-tls-in-heap") as board:
        board.request()
        board.settings("--device", board.issue().lfdi)
        status, said = board.provision("take", board.answer, heap=INSIDE)
        assert status == 0 and "IDENTITY_TAKEN" in said, said


def test_a_renewal_replaces_the_chain_only_once_the_server_took_it(board):
    board.own(serial="old")
    before = {name: (board.dir / name).read_bytes() for name in OWN}
    assert board.provision("request", board.csr, "fresh")[0] == 0
    stranger = Authority.create(name="Stranger", critical_policies=True)
    board.issue(stranger)
    board.settings()
    status, said = board.provision("take", board.answer)
    assert status == 1 and 'ANSWER_WRONG why="FOREIGN_ROOT:' in said and "do=" in said, said
    status, said = board.provision("take", board.answer, "new-ca")
    assert status == 1 and "TRIAL_FAILED why=CA_UNKNOWN" in said, said
    now = {name: (board.dir / name).read_bytes() for name in OWN}
    assert now == before and board.held() == [*OWN, "next.der"]
    row = board.issue()
    status, said = board.provision("take", board.answer)
    assert status == 0 and row.lfdi in said, said
    assert board.held() == OWN and (board.dir / "key.der").read_bytes() != before["key.der"]


def test_a_server_that_does_not_take_the_new_device_replaces_nothing(board):
    board.own(serial="old")
    before = {name: (board.dir / name).read_bytes() for name in OWN}
    assert board.provision("request", board.csr, "fresh")[0] == 0
    board.issue()
    board.settings()
    for status in (400, 403, 404, 500):
        board.operator("fault", kind="status", status=status)
        code, said = board.provision("take", board.answer)
        assert code == 1 and f"IDENTITY_TRIED status={status}" in said and "untried" in said, said
        board.operator("clear")
    board.flash(identity=None, server=f"http://localhost:{board.server['port']}/dcap")
    code, said = board.provision("take", board.answer)
    assert code == 1 and "https" in said and "IDENTITY_TRIED" not in said, said
    assert {name: (board.dir / name).read_bytes() for name in OWN} == before
    assert board.provision("take", board.answer, "untried")[0] == 0
    assert (board.dir / "key.der").read_bytes() != before["key.der"]


def test_a_clock_that_was_set_to_a_guess_judges_no_chain(board):
    board.request()
    board.issue()
    (board.dir / "clock.txt").write_bytes(b"215654400?")
    status, said = board.provision("take", board.answer, "untried")
    assert status == 1 and "NO_CLOCK" in said and board.held() == ["next.der"], said
    (board.dir / "clock.txt").unlink()  # set by hand meanwhile
    assert board.provision("take", board.answer, "untried")[0] == 0


def test_an_interrupted_replacement_is_completed_before_a_new_key(board):
    made = board.authority.device(serial="new").write(board.folder / "new")
    journal = bytearray()
    for name in [*OWN, "next.der"]:
        data = b"" if name == "next.der" else (made / name).read_bytes()
        journal += bytes((len(name), len(data) >> 8, len(data) & 255)) + name.encode() + data
    (board.dir / "enrol.bin").write_bytes(journal)
    assert board.provision("request", board.csr, "fresh")[0] == 0
    assert board.held() == [*OWN, "next.der"]
    (board.dir / "enrol.bin").write_bytes(b"\x05\x00")
    status, said = board.provision("request", board.csr, "fresh")
    assert status == 1 and "NOT_PROVISIONED" in said and "enrol.bin is damaged" in said, said


def test_a_damaged_waiting_key_is_named_and_a_fresh_one_mends_it(board):
    board.request()
    board.issue()
    key = (board.dir / "next.der").read_bytes()
    (board.dir / "next.der").write_bytes(key[:-1])
    for words in (("take", board.answer, "untried"), ("request", board.csr)):
        status, said = board.provision(*words)
        assert status == 1 and "BAD_KEY:next.der" in said and "`fresh`" in said, said
    assert board.provision("request", board.csr, "fresh")[0] == 0
    board.issue()
    status, said = board.provision("take", board.answer, "untried")
    assert status == 0 and board.held() == OWN, said


def test_without_a_server_a_first_chain_can_be_taken_untried(board):
    board.request()
    board.issue()
    status, said = board.provision("take", board.answer)
    assert status == 1 and "config.txt" in said and board.held() == ["next.der"], said
    status, said = board.provision("take", board.answer, "untried")
    assert status == 0 and "IDENTITY_TAKEN" in said and board.held() == OWN, said
    for words in ((), ("take",), ("give", "x"), ("take", board.folder / "none")):
        status, said = board.provision(*words)
        assert status == 1 and "NOT_PROVISIONED" in said, said


def test_a_site_without_a_certificate_has_the_virtual_lfdi_of_the_handbook(board):
    digits = "B538D9942C7B5B831AED81A1FEC46B3D00057269"  # Annex C
    status, said = board.provision("virtual", "NMI0001234", "57269")
    assert status == 0 and f"lfdi={digits} sfdi={sfdi(digits)}" in said, said
    for words in (("NMI", "1"), ("NMI0001234",), ("NMI0001234", "x"), ("NMI0001234", "0")):
        status, said = board.provision("virtual", *words)
        assert status == 1 and "NOT_PROVISIONED" in said, said


def test_a_replacement_that_the_power_cut_short_is_completed_at_boot(board):
    old = board.own(serial="old")
    new = board.authority.device(serial="new")
    made = new.write(board.folder / "new")
    journal = bytearray()
    for name in OWN:
        data = (made / name).read_bytes()
        journal += bytes((len(name), len(data) >> 8, len(data) & 255)) + name.encode() + data
    (board.dir / "enrol.bin").write_bytes(journal)
    (board.dir / "cert0.der").write_bytes(new.der)  # so far it had come
    board.settings("--device", new.lfdi)
    firmware = board.firmware()
    firmware.line("IDENTITY_FINISHED")
    assert new.lfdi in firmware.line("IDENTITY ") and old.lfdi != new.lfdi
    firmware.line("TREE_COMPLETE")
    firmware.end(signal.SIGINT)
    assert board.held() == ["default.bin", *OWN] or board.held() == OWN


def test_a_journal_that_is_no_journal_leaves_the_site_at_its_floor(board):
    board.own()
    (board.dir / "enrol.bin").write_bytes(b"\x05\x00")
    board.settings()
    firmware = board.firmware()
    firmware.line("E NO_IDENTITY")
    firmware.line("LIMIT_TAKEN")
    firmware.end(signal.SIGINT)


def test_a_certificate_that_begins_later_is_a_matter_of_the_clock(board):
    """All of the server's chain begins tomorrow, as for a board whose clock is behind."""
    later = Authority.create(now=datetime.datetime.now(datetime.timezone.utc).replace(
        tzinfo=None, microsecond=0) + 2 * DAY, critical_policies=True)
    board.authority = later
    later.server("localhost").write(board.pki / "server")
    board.own(since=later._since)
    board.settings()
    firmware = board.firmware()
    assert "why=CLOCK_BEHIND" in firmware.line("LINK_DOWN")
    firmware.end(signal.SIGINT)


def test_the_end_of_a_certificate_is_warned_of_and_the_time_kept(board):
    ends = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + 30 * DAY
    issued = board.own(until=ends)
    board.settings("--device", issued.lfdi)
    firmware = board.firmware()
    days = int(re.search(r"W CERT_ENDS days=(\d+)", firmware.line("CERT_ENDS")).group(1))
    assert 28 <= days <= 30
    firmware.line("TREE_COMPLETE")
    firmware.end(signal.SIGINT)
    kept = int((board.dir / "clock.txt").read_bytes())
    now = datetime.datetime.now(datetime.timezone.utc).timestamp() - 1577836800
    assert now - 60 < kept <= now + 1
