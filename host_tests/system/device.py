"""The firmware as a process in virtual time: started, answered, killed.

Enters: a flash folder, what its clocks say at boot.  Leaves: what the device did until it waited,
as tuples, and its end.

    device = Device(flash, ticks=0, unix_s=1_800_000_000, seed=1)
    acts = device.acts()            # [("L", ms, line), ("C", id, port, host), ...]
    device.due                      # until when it waits; device.now: since when
    device.answer(due, horizon, b"")

The protocol is that of virtual/lockstep.py.  Limit: a device that thinks for more than HUNG_S of
real time is taken for hung.
"""

import ast
import contextlib
import fcntl
import functools
import json
import os
import re
import select
import struct
import subprocess
import tempfile
from pathlib import Path

from tools.build.frozen import key
from tools.build.make import ROOT, compile_all, slim, sources, whole_of
from tools.run import MICROPYTHON

# The harness is in the heap as well, and scenarios with two programs of 58 events need the larger
# table of boards with more memory.  In a small heap half of the time goes into collections; what
# memory is judged by is TIGHT, or an image with a board's own heap (test_image_scenarios).
HEAP = "1m"
TIGHT = "448k"
TABLE = "SLOTS = 132"
HERE = Path(__file__).resolve().parent / "virtual"
HUNG_S = 20

# Runs of days: what the firmware does each 50 ms to 1 s it then does each 10 s, or as it is asked.
SLOW_MS = 10000
SLOW = {
    "app": ("_EVALUATE_MS = const(1000)",), "discovery": ("_IDLE_MS = const(1000)",),
    "port": ("_STEP_MS = const(50)",), "steered": ("_SLOW_MS = const(1000)",),
    "control": ("_WATCH_MS = const(1000)",), "point": ("_SAMPLE_MAX_MS = const(1000)",),
    "config": ('"sample_ms": (INT, 200, 1000,',),
}


class Hung(AssertionError):
    """The firmware neither waits nor ends."""


def texts(board):
    """The modules of a board's firmware; main, board and lockstep are those of virtual time."""
    found = sources(board)
    sizes = [ast.unparse(node) for node in ast.parse(found["board"]).body
             if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    found.update({path.stem: path.read_text() for path in HERE.glob("*.py")})
    found["board"] = found["board"].replace('NAME = "virtual"', "\n".join([*sizes, TABLE]))
    return found


def slowed(code, ms):
    """The same modules with the periods of SLOW `ms` long; AssertionError where none is found."""
    code = dict(code)
    for name, lines in SLOW.items():
        for line in lines:
            assert code[name].count(line) == 1, (name, line)
            slow = re.sub(r"(.*\D)\d+", rf"\g<1>{ms}", line)
            code[name] = code[name].replace(line, slow)
    return code


@functools.lru_cache(maxsize=3)
def search_path(slow=0):
    """Build the firmware with the virtual board, once a process; gives MICROPYPATH.

    As tools.build makes every bundle, slimmed as a whole.  `slow`: ms, for runs of days, see SLOW.
    """
    code = slowed(texts("unix"), slow) if slow else texts("unix")
    out = ROOT / "build" / (f"slow{slow}" if slow else "virtual")
    out.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = out.with_suffix(".json")
        before = json.loads(note.read_text()) if note.exists() else {}
        now = key(code)
        if before.get("key") != now:
            whole = whole_of(code)
            slim(whole)
            files = compile_all(whole, out, before.get("files", {}))
            note.write_text(json.dumps({"key": now, "files": files}))
    return f"{out}:.frozen"


class Device:
    """See the module's text; `output` is what it printed, `code` its exit status or None.

    `gzip`: the board's GZIP.  `image`: an executable that has the firmware in it
    (boards/unix32/virtual), in place of the stock interpreter and its bundle.  `slow`: ms, see
    SLOW.
    """

    def __init__(self, flash, *, ticks, unix_s, seed, gzip=0, slow=0, heap=HEAP,
                 image=None):
        """Start it; it works until its first wait."""
        down, self._to = os.pipe()
        self._from, up = os.pipe()
        self._output = tempfile.TemporaryFile()
        argv = [str(image or MICROPYTHON), "-X", f"heapsize={heap}", "-m", "main", str(flash),
                *map(str, (down, up, ticks, unix_s, seed, gzip))]
        env = {**os.environ, "MICROPYPATH": ".frozen" if image else search_path(slow)}
        self._process = subprocess.Popen(argv, env=env, pass_fds=(down, up), stdout=self._output,
                                         stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                         cwd=flash)
        os.close(down)
        os.close(up)
        self._poll = select.poll()
        self._poll.register(self._from, select.POLLIN)
        self._raw = b""
        self.now = self.due = 0
        self.code = None
        self.trips = 0

    def acts(self):
        """What it did until it waits (or has ended: `code` is then set)."""
        done = []
        while self.code is None and not self._parse(done):
            if not self._poll.poll(HUNG_S * 1000):
                self.kill()
                raise Hung("the firmware does not come to a wait: " + self.output[-2000:])
            got = os.read(self._from, 65536)
            if not got:
                self.code = self._process.wait(HUNG_S)
            self._raw += got
        return done

    def _parse(self, done):
        """Take whole acts off the bytes that came; True when it waits."""
        raw, at = self._raw, 0
        try:
            while at < len(raw):
                kind = raw[at]
                if kind == 0x50:  # P
                    self.now, self.due = struct.unpack_from("<II", raw, at + 1)
                    self._raw = raw[at + 9:]
                    return True
                act, end = _act(kind, raw, at + 1)
                if end > len(raw):
                    break
                done.append(act)
                at = end
        except struct.error:
            pass  # cut in a number: the rest is on its way
        self._raw = raw[at:]
        return False

    def answer(self, now, horizon, payload):
        """Let it go on at `now` (ms of its own); nothing else can arrive before `horizon`."""
        self.trips += 1
        with contextlib.suppress(BrokenPipeError):  # it has ended: acts() will say so
            os.write(self._to, struct.pack("<III", len(payload), now, horizon) + payload)

    @property
    def pid(self):
        """Of its process."""
        return self._process.pid

    @property
    def output(self):
        """What it printed besides the log: traces, and why it could not start."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def kill(self):
        """A power cut: it is gone at once."""
        self._process.kill()
        self._process.wait()
        for fd in (self._to, self._from):
            with contextlib.suppress(OSError):
                os.close(fd)


def _act(kind, raw, at):
    """One act and where it ends."""
    if kind == 0x58:  # X
        return ("X", *struct.unpack_from("<I", raw, at)), at + 4
    if kind == 0x43:  # C
        number, port, n = struct.unpack_from("<IHH", raw, at)
        return ("C", number, port, raw[at + 8:at + 8 + n].decode()), at + 8 + n
    number, n = struct.unpack_from("<IH", raw, at)
    at += 6
    if kind == 0x41:  # A
        return ("A", number, n), at
    data = raw[at:at + n]
    if kind == 0x4C:  # L
        return ("L", number, data.decode(errors="replace")), at + n
    if kind != 0x57:  # W
        raise Hung(f"not of the protocol: {raw[at - 7:at + 40]!r}")
    return ("W", number, bytes(data)), at + n
