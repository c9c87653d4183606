"""The 200 ms path of the firmware on in-memory devices: what it allocates and how long it takes.

argv: TICKS.  Leaves: one line of JSON.  Bus, control, law, limits and a schedule of 58 events are
the firmware's own; only wire, devices and clock are stand-ins, and they allocate nothing.  Tasks
are not driven: what they do (logs, discovery) is outside the path.
"""

import gc
import json
import sys
import time
from array import array

import board
import log
import micropython
from control import Control
from der import Envelope, Ramp, Schedule
from der.record import DURATION, EXP_LIM_W, KEY_SIZE, MODES, RAND_START, REC_SIZE, START, VALUE
from devices import Devices
from limits import Limits
from loop import Loop
from modbus import Tcp
from port import Bus, Op
from sitecontrol import PV, Site
from steered import Steered
from truth import Truth

_BASE = 40000
_EVENTS = 58
_NOW = 100000000
_ABSENT = 0xFFFF
_STEP_MS = 50


class Still:
    """A clock that is moved by hand, and a poller that finds the line ready or jumps."""

    def __init__(self):
        self.t = 0
        self.line = None
        self.ready = []

    def ticks_ms(self):
        return self.t

    def ticks_add(self, t, ms):
        return t + ms

    def ticks_diff(self, a, b):
        return a - b

    def register(self, stream, _mask):
        self.ready = [(stream, 1)]

    def unregister(self, _stream):
        self.ready = []

    def ipoll(self, timeout):
        if self.line.n:
            return self.ready
        self.t += timeout
        return ()


class ServerTime:
    """The server's clock: seconds of the still one."""

    def __init__(self, clock):
        self.clock = clock

    def now(self):
        return _NOW + self.clock.t // 1000

    def iso(self):
        return "-"


class Line:
    """Modbus TCP to two units whose registers are arrays; answers at once."""

    def __init__(self, units):
        self.units = units
        self.rx = bytearray(264)
        self.n = 0
        self.writes = 0

    def write(self, buf, n):
        regs, rx, kind = self.units[buf[6]], self.rx, buf[7]
        at, count = (buf[8] << 8 | buf[9]) - _BASE, buf[10] << 8 | buf[11]
        for i in range(12):
            rx[i] = buf[i]
        size = 6
        if at < 0 or (kind != 6 and at + count > len(regs)):
            rx[7], rx[8], size = kind | 0x80, 2, 3
        elif kind == 3:
            rx[8] = 2 * count
            for i in range(count):
                rx[9 + 2 * i] = regs[at + i] >> 8
                rx[10 + 2 * i] = regs[at + i] & 255
            size = 3 + 2 * count
        else:
            self.writes += 1
            self.take(buf, regs, at, count, kind)
        rx[4], rx[5] = 0, size
        self.n = 6 + size
        return n

    def take(self, buf, regs, at, count, kind):
        if kind == 6:
            regs[at] = count
            return
        for i in range(count):
            regs[at + i] = buf[13 + 2 * i] << 8 | buf[14 + 2 * i]

    def readinto(self, buf):
        n, self.n = self.n, 0
        for i in range(n):
            buf[i] = self.rx[i]
        return n or None

    def close(self):
        self.n = 0


def model(number, length, values):
    """A SunSpec model's registers, all that is not given being absent."""
    words = [number, length] + [_ABSENT] * length
    for offset in values:
        words[offset] = values[offset] & 0xFFFF
    return words


def registers(models):
    """The map of a unit."""
    words = [0x5375, 0x6E53]
    for words_of_one in models:
        words += words_of_one
    return array("H", words + [_ABSENT, 0])


def inverter():
    """10 kW, three phases, a limit in hundredths of a percent."""
    return registers([
        model(1, 66, {}), model(103, 50, {14: 5000, 15: 0, 16: 5001, 17: -2, 38: 4}),
        model(120, 26, {2: 4, 3: 10000, 4: 0}), model(121, 30, {2: 10000, 22: 0}),
        model(123, 24, {4: 1, 5: 10000, 6: 0, 7: 0, 8: 0, 9: 0, 23: -2})])


def meter():
    """Three phases."""
    return registers([model(1, 66, {}), model(203, 105, {15: -1, 16: 5001, 17: -2, 18: -4000,
                                                         22: 0})])


class Keep:
    """A flash that is not written here."""

    def load(self, _rec):
        return False


class Conf:
    """The settings that control asks for."""

    inverter = ("", 0, 1)
    meter = ("", 0, 200)
    meter_sign = 1
    uncontrolled_gen_w = 0
    failsafe_exp_w = 1500
    inverter_map = meter_map = ""
    battery_pv = per_phase = 0
    sample_ms = 200


def forecast():
    """A schedule of 58 events of five minutes, each with its own export limit."""
    schedule = Schedule(board.SLOTS, board.PROGRAMS)
    schedule.set_program(0, 1)
    schedule.begin(0)
    rec, key = array("i", bytes(4 * REC_SIZE)), bytearray(KEY_SIZE)
    for i in range(_EVENTS):
        rec[START], rec[DURATION], rec[RAND_START] = _NOW + 300 * i, 300, 0
        rec[MODES], rec[VALUE + EXP_LIM_W] = 1 << EXP_LIM_W, 4800 + 10 * i
        key[0], key[16] = i, 32
        schedule.put(0, key, rec, 0, _NOW, 0, 0)
    schedule.end(0, _NOW)
    return schedule


class Rig:
    """Everything on one loop."""

    def __init__(self):
        clock = self.clock = Still()
        server = ServerTime(clock)
        log.setup(server, lambda text: None)
        self.inverter, self.meter = inverter(), meter()
        self.line = clock.line = Line({1: self.inverter, 200: self.meter})
        loop = self.loop = Loop(clock, clock)
        self.limits = Limits(loop, server, forecast(), Envelope(10000, 10000, 1000, 1000),
                             (Ramp(0), Ramp(0), Ramp(0), Ramp(0)), Keep())
        self.limits.complete = True
        loop.every(1000, self.limits)
        bus = self.bus = Bus(loop, Tcp(), self.connect, 1000, "memory")
        devices = Devices(loop, Op, board.MODELS, 1000)
        self.site = Site(1)
        self.control = Control(loop, devices, Op, self.site, self.limits, Truth(),
                               [Steered(loop, Op, PV, bus, 1)], bus, Conf(), loop.flag())
        loop.every(200, self.control)
        loop.spawn("bus", bus.run())
        loop.spawn("control", self.control.run())
        self.n = 0
        # Where the live power stands: after SunS and model 1.
        self.power_at = 2 + 68 + 14
        self.site_at = 2 + 68 + 18

    async def connect(self, _deadline):
        return self.line

    def boot(self):
        """Turn until both devices are watched and the limit stands."""
        for _ in range(2000):
            self.loop.turn()
            if self.clock.t > 10000 and self.line.writes:
                return
        raise ValueError("control found no devices")

    def tick(self):
        """200 ms: new powers, and everything on the loop that is due; no task."""
        self.n += 1
        self.inverter[self.power_at] = 5000 + self.n * 137 % 1000
        self.meter[self.site_at] = -(4400 + self.n * 61 % 700) & 0xFFFF
        for _ in range(200 // _STEP_MS):
            self.clock.t += _STEP_MS
            self.loop._run_steps(self.clock.t)
            while self.line.n:
                self.loop._poll(0)


def run(rig, ticks):
    """Ticks by the clock: (all, the longest) in us."""
    total = worst = 0
    for _ in range(ticks):
        begun = time.ticks_us()
        rig.tick()
        took = time.ticks_diff(time.ticks_us(), begun)
        total += took
        worst = max(worst, took)
    rig.total, rig.worst = total, worst


def locked(rig, ticks):
    """True when that many ticks go by under a locked heap."""
    micropython.heap_lock()
    try:
        for _ in range(ticks):
            rig.tick()
    except MemoryError:
        return False
    finally:
        micropython.heap_unlock()
    return True


def main(ticks):
    """Measure, and say what the path did meanwhile, so that nobody measures an idle one."""
    rig = Rig()
    rig.boot()
    run(rig, 50)
    reads, writes, versions = rig.bus.counts[0], rig.line.writes, rig.limits.version
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    run(rig, ticks)
    allocated = gc.mem_alloc() - before
    gc.enable()
    print(json.dumps({
        "ticks": ticks, "bytes": allocated, "us": rig.total, "worst_us": rig.worst,
        "operations": rig.bus.counts[0] - reads, "writes": rig.line.writes - writes,
        "limits": rig.limits.version - versions, "state": rig.site.state,
        "locked": locked(rig, ticks)}))


main(int(sys.argv[1]))
