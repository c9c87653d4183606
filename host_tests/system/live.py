"""The real thing for a handful of tests: processes, sockets, TLS, real time.

Enters: folders and options.  Leaves: the stand-in server, the simulated site and the firmware as
processes that are ended by pid, and the lines that they print.

    with Stage(tmp_path) as stage:
        stage.utility(); stage.site(); stage.flash()
        firmware = stage.firmware()
        firmware.line("LIMIT_TAKEN")
"""

import json
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tools.pki import write_folder
from tools.run import firmware_command
from tools.utility import admin

ROOT = Path(__file__).resolve().parent.parent.parent
PIN = 111115
WAIT_S = 30

SETTINGS = {"site_exp_w": 8000, "site_imp_w": 15000, "failsafe_exp_w": 1000,
            "failsafe_imp_w": 5000, "pin": PIN, "modbus_timeout_ms": 500, "spread_s": 0}


class Process:
    """A child whose lines are waited for; `lines` are those that came so far."""

    def __init__(self, argv, env=None):
        self.child = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, bufsize=0)
        self.lines = []
        self._rest = b""

    def line(self, pattern, wait_s=WAIT_S):
        """The first line, past or to come, that the pattern is in. AssertionError if none."""
        until = time.monotonic() + wait_s
        at = 0
        while True:
            for at in range(at, len(self.lines)):
                if re.search(pattern, self.lines[at]):
                    return self.lines[at]
            at = len(self.lines)
            left = until - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"no line with {pattern}:\n" + "\n".join(self.lines[-30:]))

    def _read(self, left):
        # False at the end of what the child prints.
        if not select.select([self.child.stdout], [], [], left)[0]:
            return True
        data = self.child.stdout.read(65536)
        *whole, self._rest = (self._rest + data).split(b"\n")
        self.lines += [line.decode() for line in whole]
        return bool(data)

    def poll(self):
        """Take the lines that have come. True at the end of what the child prints."""
        return not self._read(0)

    def quiet(self, for_s=0.3):
        """Wait until it has said nothing for so long: it waits, and hardly ever collects.

        The unix port raises Ctrl-C amid a collection as well, and its heap stays locked then.
        """
        n = -1
        while n != len(self.lines) + len(self._rest):
            n = len(self.lines) + len(self._rest)
            self._read(for_s)

    def end(self, number=signal.SIGTERM):
        """Send a signal (0: none) and wait; returns the exit status. The last lines are read."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        try:
            rest, _ = self.child.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            rest, _ = self.child.communicate()
        self.lines += (self._rest + rest).decode().splitlines()
        self._rest = b""
        return self.child.returncode


class Stage:
    """Everything on loopback; ends what it started."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.pki = self.folder / "pki"
        self.issued = write_folder(self.pki)
        self.processes = []
        self.server = {"port": 1, "dcap": "/dcap", "admin_port": 0}
        self.plant = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end(signal.SIGKILL)

    def _start(self, argv, env=None):
        process = Process(argv, env)
        self.processes.append(process)
        return process

    def utility(self, *options):
        """Start the stand-in server; `options` as on its command line."""
        process = self._start([sys.executable, "-m", "tools.utility", "--pki", str(self.pki),
                               "--pin", str(PIN), *options])
        self.server = json.loads(process.line("{"))
        return process

    def site(self, *options):
        """Start the simulated site."""
        process = self._start([sys.executable, "-m", "tools.site", *options])
        self.plant = json.loads(process.line("{"))
        return process

    def flash(self, identity="device", **settings):
        """The device's flash: settings, and the certificates of a folder of the PKI, or none."""
        flash = self.folder / "flash"
        flash.mkdir(exist_ok=True)
        values = {"server": f"https://localhost:{self.server['port']}{self.server['dcap']}",
                  "inverter": self.plant["inverter"], "meter": self.plant["meter"],
                  **SETTINGS, **settings}
        (flash / "config.txt").write_text("".join(f"{k} = {v}\n" for k, v in values.items()))
        if identity:
            for file in (self.pki / identity).glob("*.der"):
                (flash / file.name).write_bytes(file.read_bytes())
        return flash

    def firmware(self):
        """Start the firmware, as `make run` does."""
        return self._start(*firmware_command(self.folder / "flash"))

    def operator(self, command, **said):
        """A command of the server's operator; its reply."""
        return admin.call(self.server["admin_port"], command, said)

    def status(self):
        """The simulated site, this instant."""
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.plant['admin_port']}/status", timeout=WAIT_S) as reply:
            return json.load(reply)

    def until(self, condition, wait_s=WAIT_S):
        """Ask `condition()` until it is true. AssertionError when it never is."""
        until = time.monotonic() + wait_s
        while not condition():
            assert time.monotonic() < until, "it never came true"
            select.select([], [], [], 0.05)
