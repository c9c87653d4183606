"""`-m provision` on a board whose network is not up yet: it waits for it, within bounds.

The stock interpreter with the sources and the unix board, whose network comes at the nth look, if
it comes: until then waiting costs nothing and moves the board's ticks.  The rest is real: the
stand-in server, mutual TLS, the provider's chain.
"""

import os
import subprocess

import pytest
from test_image_enrol import OWN, TIMEOUT_S, Board
from tools.pki import Authority
from tools.run import MICROPYTHON, ROOT

NETWORK = """

_looks = [0]


class _Ticks:
    def __init__(self):
        self.waited = 0
        self.ticks_add, self.ticks_diff = time.ticks_add, time.ticks_diff
        self.time, self.gmtime = time.time, time.gmtime

    def ticks_ms(self):
        return time.ticks_add(time.ticks_ms(), self.waited)


class _Poller:
    def __init__(self):
        self.real = select.poll()
        self.register = self.real.register
        self.unregister = self.real.unregister

    def ipoll(self, ms):
        if 0 < _looks[0] < COMES:
            ticks.waited += ms
            ms = 0
        return self.real.ipoll(ms)


ticks = _Ticks()


def poller():
    return _Poller()


def online():
    _looks[0] += 1
    print("look", _looks[0], ticks.waited)
    return _looks[0] >= COMES
"""
NEVER = 10**6


class Late(Board):
    """A board of the stock interpreter whose network is there at the look `comes`."""

    comes = 1

    def __init__(self, folder):
        super().__init__(folder)
        self.authority = Authority.create()  # the stock one refuses critical policies
        self.authority.server("localhost").write(self.pki / "server")

    def provision(self, *words):
        place = self.folder / "board"
        place.mkdir(exist_ok=True)
        text = (ROOT / "boards" / "unix" / "board.py").read_text()
        (place / "board.py").write_text(text + NETWORK.replace("COMES", str(self.comes)))
        path = ":".join(map(str, (place, ROOT / "lib", ROOT / "firmware", ".frozen")))
        done = subprocess.run(
            [MICROPYTHON, "-X", "heapsize=512k", "-m", "provision", self.dir, *words],
            env={**os.environ, "MICROPYPATH": path}, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=False, cwd=self.pki)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def board(tmp_path):
    with Late(tmp_path) as one:
        one.request()
        one.issue()
        yield one


def looks(said):
    """[(which look, ms waited until then)]"""
    rows = [line.split() for line in said.splitlines() if line.startswith("look ")]
    return [(int(n), int(ms)) for _, n, ms in rows]


def test_it_waits_until_the_network_is_there_and_then_tries_the_chain(board):
    board.comes = 5
    digits = board.issue().lfdi
    board.settings("--device", digits)
    status, said = board.provision("take", board.answer)
    assert status == 0 and "IDENTITY_TRIED status=200" in said, said
    assert f"IDENTITY lfdi={digits}" in said and board.held() == OWN
    told = looks(said)
    assert [n for n, _ in told] == [1, 2, 3, 4, 5]
    assert 4 * 450 <= told[-1][1] <= 4 * 600, told  # it looks each half a second


def test_a_network_that_never_comes_ends_the_trial_and_changes_nothing(board):
    board.comes = NEVER
    board.settings()
    before = {name: (board.dir / name).read_bytes() for name in board.held()}
    status, said = board.provision("take", board.answer)
    assert status == 1 and 'NOT_PROVISIONED error="no network"' in said, said
    told = looks(said)
    assert 50 <= len(told) <= 70 and 29000 <= told[-1][1] <= 31000, told[-1]
    assert {name: (board.dir / name).read_bytes() for name in board.held()} == before
    assert board.held() == ["next.der"]
    board.comes = 1
    status, said = board.provision("take", board.answer)
    assert status == 0 and board.held() == OWN, said
    assert looks(said) == [(1, 0)]


def test_a_board_that_cannot_start_its_network_says_why(board):
    board.settings()
    board.comes = "int(open('wifi.txt').read())"  # as boards/esp32 without its settings
    status, said = board.provision("take", board.answer)
    assert status == 1 and "NOT_PROVISIONED" in said and "ENOENT" in said, said
    assert board.held() == ["next.der"]


def test_what_needs_no_server_looks_for_no_network(board):
    status, said = board.provision("take", board.answer, "untried")
    assert status == 0 and board.held() == OWN and looks(said) == [], said
