"""A whole house in virtual time: the unmodified firmware, a utility server, a simulated site.

Enters: settings, and what happens when.  Leaves: what the server received, what the connection
point really did, and the firmware's log, all dated in seconds since the house was made.

    house = House(tmp_path)
    house.default(exp_w=1500)
    control = house.publish(60, 300, exp_w=2500)
    house.boot()
    house.run(420)
    house.answers(control.mrid)        # [(1, 9.8, 9.9), (2, 60, 62.0), (3, 360, 360.1)]

Time moves in `run`, as fast as the machine can.  The utility's handlers and the site are those of
tools/, on the same clock.  Limit: no TLS; whoever needs it uses real sockets.
"""

import bisect
import contextlib
import functools
import heapq
import itertools
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bodies import valid
from device import SLOW_MS, TIGHT, Device
from lines import ECONNRESET, HttpLine, ModbusLine, SerialLine, render
from tools.demo.logline import parse
from tools.demo.story import Segment
from tools.demo.verdict import GRACE_S, judge, tolerance_w
from tools.pki import Authority
from tools.site import Profile, Settings, Site, profile_from
from tools.utility import PROFILES, Options, Utility

START = 1_800_000_000   # Unix second of the house's second 0: a whole five minutes
TICKS = (1 << 30) - 45_000  # the port's ticks at the first boot: they wrap after 45 s
PIN = 111115
ECONNREFUSED = 111
SLOW_LIFE_S = 3

CONFIG = {"pin": PIN, "inverter": "site.test:502/1", "meter": "site.test:502/200",
          "site_exp_w": 5000, "site_imp_w": 15000, "failsafe_exp_w": 1000, "failsafe_imp_w": 5000,
          "spread_s": 0, "pen": 32473}


@functools.lru_cache(maxsize=1)
def certificates():
    """A device's key and chain, made once a process: {file name: bytes}, and its LFDI."""
    device = Authority.create().device()
    with tempfile.TemporaryDirectory() as folder:
        device.write(folder)
        return {p.name: p.read_bytes() for p in Path(folder).glob("*.der")}, device.lfdi


@dataclass(frozen=True)
class Said:
    """A line of the firmware's log: when, level, code, and its pairs."""

    at: float
    level: str
    code: str
    pairs: dict
    text: str


class House:
    """See the module's text.

    `wire`: (second, method, kind, bytes sent, writes, bytes received) of each request that was
    answered whole.  `metered`: the ms at which the meter answered a read.  `story`: (second,
    "connect" | "write" | "request" | "log", what), in the order in which it happened.  `sent`:
    (second, kind of resource, body) of each PUT and POST, in that order.
    `heard(kind, request)` is called before a request is answered, `tamper(kind, reply)`
    may give another reply.  `piece`: bytes that arrive at once, `chunks`: size of HTTP chunks
    (None: Content-Length), `closes`: no keep-alive.
    """

    def __init__(self, folder, *, seed=1, poll_s=60, profile="eql", layout=None, pv=8000,
                 load=500, wmax_w=10000, meter_line=False, config=None, gzip=0, settings=None,
                 waves=None, registered=True, slow=False, tight=False, **options):
        """`pv`, `load`: W, or points as tools.site.Profile has them; `config`: other settings.

        `settings`: tools.site.Settings for other devices than one inverter and a meter; `waves`:
        tools.site.Waves in place of `pv` and `load`; `gzip`: the board's GZIP; `registered` False:
        the server does not know the device yet; `slow`: for runs of days, the firmware samples and
        evaluates each 10 s (or so many ms) and the site lives `SLOW_LIFE_S` before each sample,
        time jumping between; `tight`: where memory is judged, the heap is of its size.
        """
        certs, self.lfdi = certificates()
        self.ms = 0
        self.http_ms, self.modbus_ms, self.connect_ms = 20, 8, 3
        self.piece = self.chunks = self.heard = self.tamper = None
        self.closes, self.keepalive_s = False, 75
        self.story, self.log, self.sent = [], [], []
        self.wire, self.metered = [], []
        self._seed, self._boots, self._born, self._gzip = seed, 0, 0, gzip
        self._slow = SLOW_MS if slow is True else slow
        self._heap = {"heap": TIGHT} if tight else {}
        self._queue, self._order = [], itertools.count()
        self._lines, self._down = {}, {}
        self._starting = self._ending = False
        self.device = self.ended = None
        self._make_utility(seed, poll_s, profile, layout, options)
        if registered:
            self.utility.register(self.lfdi, START)
        self.site = Site(settings or Settings(wmax_w=wmax_w, seed=seed),
                         waves or Profile(_points(pv), _points(load)), 0.0)
        if slow:
            self._doze()
        self.flash = Path(folder) / "flash"
        self.flash.mkdir()
        for name, data in certs.items():
            (self.flash / name).write_bytes(data)
        start = self.utility.roots["dcap"] if PROFILES[profile].dcap else ""
        keys = {"server": "https://utility.test" + start,
                "profile": profile, **CONFIG, **(config or {})}
        if slow:
            keys["sample_ms"] = self._slow
        if meter_line:
            keys["meter"] = "meter.test:502/200"
        self.configure(**keys)

    def _make_utility(self, seed, poll_s, profile, layout, options):
        options = {"static_pin": PIN, **options}
        if layout:
            options["layout"] = layout
        self.utility = Utility(PROFILES[profile], seed=seed, options=Options(**options),
                               poll_s=poll_s)

    def _doze(self):
        """Let the site sleep through what nobody samples."""
        plant, advance = self.site.plant, self.site.advance

        def jump(now):
            plant.ticks = max(plant.ticks, round((now - SLOW_LIFE_S) * 10))
            advance(now)

        self.site.advance = jump

    def configure(self, **keys):
        """Write config.txt; what is None is left out."""
        text = "".join(f"{k} = {v}\n" for k, v in keys.items() if v is not None)
        (self.flash / "config.txt").write_text(text)

    # -- time -----------------------------------------------------------------

    @property
    def now(self):
        """Seconds since the house was made."""
        return self.ms / 1000

    @property
    def unix(self):
        """The same as Unix time, of the utility's machine."""
        return START + self.ms / 1000

    def after(self, ms, action):
        """Do something in `ms`."""
        heapq.heappush(self._queue, (self.ms + round(ms), next(self._order), action))

    def at(self, second, action):
        """Do something at a second of the house."""
        self.after(second * 1000 - self.ms, action)

    def run(self, seconds):
        """Live for so long."""
        self._live(self.ms + round(seconds * 1000), None)

    def run_to(self, second):
        """Live until that second of the house."""
        self._live(round(second * 1000), None)

    def run_until(self, condition, at_most):
        """Live until `condition()`; AssertionError after `at_most` seconds. Gives `now`."""
        if not self._live(self.ms + round(at_most * 1000), condition):
            raise AssertionError(f"not within {at_most} s; the log ends:\n" + self.tail())
        return self.now

    def _live(self, until, condition):
        met = condition is not None and condition()
        while not met:
            if self._starting:
                self._starting = False
                self._listen()
            payload = self._payload()
            due = self._born + self.device.due if self.device else until + 1
            if payload:
                self._answer(payload, until)
            else:
                first = self._queue[0][0] if self._queue else until + 1
                self.ms = max(self.ms, min(first, due, until))
                if first <= self.ms:
                    heapq.heappop(self._queue)[2]()
                elif due <= self.ms:
                    self._answer(b"", until)
                else:
                    break
            met = condition is not None and condition()
        self.site.advance(self.now)
        return met

    # -- the device -----------------------------------------------------------

    def boot(self, *, clock=True, ends=False):
        """Switch the board on; `clock` False: its wall clock is unset, as after a flat cell; a
        number: it says that, in Unix seconds.

        `ends`: it may end by itself, as it does for settings that cannot be used.
        """
        self._ending = ends
        self._boots += 1
        self._born = self.ms
        ticks = (TICKS + 77_777_777 * (self._boots - 1)) % (1 << 30)
        unix_s = int(self.unix) if clock is True else int(clock)
        self.device = Device(self.flash, ticks=ticks, unix_s=unix_s,
                             seed=self._seed + self._boots, gzip=self._gzip, slow=self._slow,
                             **self._heap)
        self._starting = True

    def power_cut(self):
        """The board is dead at once; sun, load and server go on. `boot` starts it again."""
        self.device.kill()
        self.device = None
        self._lines.clear()

    def stop(self, most_s=10):
        """Ctrl-C: give the device so long to end cleanly. Gives its exit status."""
        device = self.device
        self._ending = True
        end = self.ms + 1000 * most_s
        self._answer(b"K", end)
        self._live(end, lambda: self.device is None)
        assert device.code is not None, f"still there after {most_s} s:\n" + self.tail()
        return device.code

    def close(self):
        """End the process; for the end of a test."""
        if self.device:
            self.device.kill()
            self.device = None

    def heap(self):
        """What is alive on the device's heap, and the largest piece of what is free; bytes.

        Both after a collection, at the next instant at which it waits for something.
        """
        said = len(self.log)
        self._answer(b"M", self.ms)
        line = next(line for line in self.log[said:] if line.code == "HEAP")
        return int(line.pairs["used"]), int(line.pairs["piece"])

    def _listen(self):
        """What the device does until it waits, or its end."""
        device = self.device
        acts = device.acts()
        self.ms = max(self.ms, self._born + device.now)
        for act in acts:
            getattr(self, "_act_" + act[0].lower())(*act[1:])
        if device.code is not None:
            self.device = None
            self.ended = device
            device.kill()
            self._lines.clear()
            assert self._ending, f"the firmware ended ({device.code}): {device.output}"

    def _answer(self, payload, until):
        device = self.device
        first = self._queue[0][0] if self._queue else until
        blocked = any(line.out for line in self._lines.values())
        horizon = 0 if blocked else min(first, until) - self._born
        device.answer(self.ms - self._born, max(horizon, 0), payload)
        self._listen()

    def _payload(self):
        parts = []
        for number, line in list(self._lines.items()):
            for sign, *code in line.signs:
                parts.append(struct.pack("<cI", sign.encode(), number)
                             + (struct.pack("<H", code[0]) if code else b""))
            line.signs.clear()
            n = min(len(line.out), line.credit)
            if n:
                parts.append(struct.pack("<cIH", b"D", number, n) + bytes(line.out[:n]))
                del line.out[:n]
                line.credit -= n
            if line.ending and not line.out:
                parts.append(struct.pack("<cI", b"E", number))
                line.dead, line.ending = True, False
        return b"".join(parts)

    def _act_l(self, ms, text):
        at = (self._born + ms) / 1000
        line = parse(text)
        self.log.append(Said(at, line.level, line.code, line.pairs, text))
        self.story.append((at, "log", text))

    def _act_c(self, number, port, host):
        kind = {("utility.test", 443): HttpLine, ("site.test", 502): ModbusLine,
                ("meter.test", 502): ModbusLine}.get((host, port))
        self.story.append((self.now, "connect", host))
        if host.startswith("/dev/"):  # a serial line, the baud rate in hundreds
            self._lines[number] = SerialLine(self, number, host, 100 * port)
            return
        line = (kind or ModbusLine)(self, number, host)
        self._lines[number] = line
        how = self._down.get(host, "up") if kind else "refuse"
        if how == "refuse":
            line.dead = True
            self.after(self.connect_ms, lambda: line.signs.append(("F", ECONNREFUSED)))
        elif how == "up":
            line.later(self.connect_ms, lambda: line.signs.append(("O",)))

    def _act_w(self, number, data):
        line = self._lines[number]
        if line.dead:
            line.signs.append(("F", ECONNRESET))
        else:
            line.feed(data)

    def _act_a(self, number, n):
        if number in self._lines:
            self._lines[number].credit += n

    def _act_x(self, number):
        self._lines.pop(number).closed()

    # -- what the test does ---------------------------------------------------

    def network(self, host, how):
        """A host is "up", refuses connections ("refuse") or swallows all ("drop")."""
        self._down[host] = how
        for line in self._lines.values():
            if line.host == host:
                line.mute = how == "drop"
                if how == "refuse":
                    line.cut(reset=True)

    def server_up(self, up, how="refuse"):
        """The utility's server runs, or connections to it are refused (or dropped)."""
        self.network("utility.test", "up" if up else how)

    def rendered(self, reply):
        """A reply as the bytes of the present transfer coding."""
        return render(reply, self.chunks)

    def default(self, program="p1", grad=None, **modes):
        """Set a program's default."""
        self.utility.set_default(program, modes, grad=grad)

    def publish(self, start, duration, program="p1", more=None, **modes):
        """Publish a control that starts at that second of the house; gives it."""
        said = {"start": START + start, "duration": duration, "modes": modes, **(more or {})}
        return self.utility.publish(program, said, self.unix)

    def cancel(self, control):
        """Cancel a control now."""
        control.cancel(self.unix)

    # -- what it sees ---------------------------------------------------------

    def requests(self, resource=None, method=None, since=0.0):
        """The utility's journal: entries with `at`, of one kind of resource, of one method."""
        found = []
        for entry in self.utility.journal.since(0):
            at = round(entry["time"] - START, 3)
            if (at >= since and resource in (None, entry["resource"])
                    and method in (None, entry["method"])):
                found.append({**entry, "at": at})
        return found

    def answers(self, control=None):
        """Responses in the order received: (status, createdDateTime, when), of one control."""
        return [(row["status"], row["created"] - START, round(row["time"] - START, 3))
                for row in self.utility.site().responses
                if control is None or row["subject"] == control.mrid]

    def gaps(self, resource, since=0.0, until=1e9):
        """Seconds between reads of the first page of a kind of resource, from `since` on."""
        at = [e["at"] for e in self.requests(resource, "GET", since)
              if e["at"] < until and ("s=" not in e["path"] or "s=0&" in e["path"])]
        return [b - a for a, b in zip(at, at[1:])]

    def statuses(self, control):
        """The statuses answered for a control, in order."""
        return [status for status, _, _ in self.answers(control)]

    def said(self, code, since=0.0, **pairs):
        """Lines of the log with that code, and with those values."""
        return [line for line in self.log if line.code == code and line.at >= since
                and all(line.pairs.get(k) == str(v) for k, v in pairs.items())]

    def limits(self):
        """(second, export W, source) of each LIMIT line."""
        return [(line.at, int(line.pairs["exp_w"]), line.pairs["src"])
                for line in self.said("LIMIT")]

    def first(self, kind, what=""):
        """Place in the story of the first thing of that kind; its length when there is none."""
        found = (i for i, row in enumerate(self.story) if row[1] == kind and what in row[2])
        return next(found, len(self.story))

    def tail(self, n=25):
        """The end of the log, for a failure's text."""
        return "\n".join(f"{line.at:9.3f} {line.text}" for line in self.log[-n:])

    def rows(self, start=0.0, end=1e9):
        """The site's true record between two seconds."""
        rows = list(self.site.record.rows)
        times = [row.time for row in rows]
        return rows[bisect.bisect_left(times, start):bisect.bisect_left(times, end)]

    def judge(self, *limits):
        """Verdict of tools.demo over limits (start, end, W) without gaps: 15 s and tolerance."""
        assert all(a[1] == b[0] for a, b in zip(limits, limits[1:]))
        segments = [Segment(s, e, w, "event", "") for s, e, w in limits]
        return judge(self.rows(), segments, self.site.settings.wmax_w)

    def worst_export(self, start, end):
        """The largest true export between two seconds, in W."""
        return max(-row.site_w for row in self.rows(start, end))


def _points(said):
    return said if isinstance(said, list) else [[0, said]]


@contextlib.contextmanager
def living(folder, *, validates=True, **options):
    """A house whose process ends with the block, and whose bodies were then all valid.

    `validates` False: for a test that spoils them itself.
    """
    house = House(folder, **options)
    try:
        yield house
        if validates:
            valid(house)
    except AssertionError:
        print(house.tail(80))  # pytest shows it with the failure
        raise
    finally:
        house.close()


__all__ = ["GRACE_S", "START", "House", "living", "profile_from", "tolerance_w"]
