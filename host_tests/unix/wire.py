"""A Modbus line whose wire, device and time are moved by the test: no real time passes.

Enters: what the device does and when.  Leaves: a loop and a bus on the line, and what was sent.

    rig = Rig(rtu=True)
    op = rig.op(period_ms=200)
    rig.start()
    rig.run(1000)
    assert rig.line.times() == [50, 80, 200, 400, 600, 800, 1000]
"""

from array import array

import log
from loop import Loop
from modbus import Rtu, Tcp
from port import READ, Bus, Op

WRAP = 1 << 30


class World:
    """Ticks, a poller and what happens later: time jumps to whatever comes next."""

    def __init__(self, start=0):
        self.t = start
        self.end = start
        self.events = []  # [at, function, argument], by time
        self.streams = []

    def ticks_ms(self):
        return self.t

    def ticks_add(self, t, ms):
        return (t + ms) % WRAP

    def ticks_diff(self, a, b):
        return (a - b + WRAP // 2) % WRAP - WRAP // 2

    def register(self, stream, mask):
        self.streams.append(stream)

    def unregister(self, stream):
        self.streams.remove(stream)

    def at(self, ms, function, argument):
        """Call function(argument) in ms."""
        self.events.append([self.ticks_add(self.t, ms), function, argument])
        self.events.sort(key=lambda event: self.ticks_diff(event[0], self.end))

    def ipoll(self, timeout):
        ready = [(s, 1) for s in self.streams if s.ready()]
        if not ready:
            self._jump(max(0, min(timeout, self.ticks_diff(self.end, self.t))))
        return iter(ready)

    def _jump(self, ms):
        if self.events and self.ticks_diff(self.events[0][0], self.t) <= ms:
            at, function, argument = self.events.pop(0)
            self.t = at
            function(argument)
        else:
            self.t = self.ticks_add(self.t, ms)


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return bytes((value & 255, value >> 8))


class Line:
    """The stream and the devices at its other end; a register reads as `value(addr, number)` says.

    `number` counts the requests, and is what a register reads as by default.  `delays` holds the
    answers' delays in ms, None for silence; then `delay`, or that of the unit in `unit_delays`,
    holds for ever.  A serial line has `char_us`, its devices answer in turn, and with `echo` the
    request comes back first.
    """

    def __init__(self, world, rtu):
        self.world = world
        self.rtu = rtu
        self.requests = []  # [at, unit, function, rest of the PDU]
        self.delays = []
        self.delay = 30
        self.unit_delays = {}
        self.value = lambda addr, number: number
        self.char_us = 0
        self.echo = False
        self.free_at = {}  # unit: when it has given its last answer
        self.busy_ms = 0
        self.spoil = None  # function(answer) -> what comes instead
        self.rx = b""
        self.ended = False
        self.closed = False
        self.writable = True

    def ready(self):
        return bool(self.rx) or self.ended

    def readinto(self, buf):
        if not self.rx:
            return 0 if self.ended else None
        n = min(len(buf), len(self.rx))
        buf[:n] = self.rx[:n]
        self.rx = self.rx[n:]
        return n

    def write(self, buf, n):
        if not self.writable:
            return None
        frame = bytes(buf[:n])
        pdu = frame[:-2] if self.rtu else frame[6:]
        self.requests.append([self.world.t, pdu[0], pdu[1], pdu[2:]])
        delay = self.unit_delays.get(pdu[0], self.delay)
        if self.delays:
            delay = self.delays.pop(0)
        if self.echo:
            self.come(frame)
        if delay is not None:
            answer = self.answer(frame, pdu)
            wire_ms = -(-(n + len(answer)) * self.char_us // 1000)
            self.busy_ms += wire_ms + delay
            if self.spoil:
                answer = self.spoil(answer)
            self.world.at(self.turn(pdu[0], delay + wire_ms), self.come, answer)
        return n

    def turn(self, unit, ms):
        """In how many ms the unit answers that needs ms for it, once it has answered before."""
        if self.rtu:
            left = self.world.ticks_diff(self.free_at.get(unit, self.world.t), self.world.t)
            ms += max(left, 0)
            self.free_at[unit] = self.world.ticks_add(self.world.t, ms)
        return ms

    def answer(self, frame, pdu):
        if pdu[1] == 3:
            addr, count = pdu[2] << 8 | pdu[3], pdu[5]
            value = self.value(addr, len(self.requests))
            pdu = pdu[:2] + bytes((2 * count,)) + bytes((value >> 8, value & 255)) * count
        else:
            pdu = pdu[:6]
        return pdu + crc(pdu) if self.rtu else frame[:4] + bytes((0, len(pdu))) + pdu

    def come(self, data):
        self.rx += data

    def end(self, _):
        self.ended = True

    def close(self):
        self.closed = True

    def times(self, unit=None, count=None):
        """When the unit was asked, and for that many registers."""
        return [r[0] for r in self.requests if (unit is None or r[1] == unit)
                and (count is None or r[3][3] == count)]


class Took:
    """A sink that remembers."""

    def __init__(self):
        self.ends = []

    def took(self, op, now):
        self.ends.append((op.result, op.regs[0], now))


class Rig:
    """A loop, a bus on its line, and connections for as long as `refuse` is not set."""

    def __init__(self, rtu=False, timeout_ms=1000, start=0, line=None):
        self.world = World(start)
        log.setup(None, self.say)
        self.said = []
        self.loop = Loop(self.world, self.world)
        self.rtu = rtu
        self.lines = []
        self.refuse = False
        self.second_delays = []
        self.bus = Bus(self.loop, Rtu() if rtu else Tcp(), self.connect, timeout_ms, "test", line)
        self.line = Line(self.world, rtu)  # the first one, to be set up by the test
        if line:
            self.line.char_us = (9 + line[2] + (line[1] > 0)) * 1000000 // line[0]

    def say(self, text):
        self.said.append(text)

    async def connect(self, deadline):
        await self.loop.sleep_ms(0)
        if self.refuse:
            raise OSError(111)
        line = self.line
        if self.lines:
            line = Line(self.world, self.rtu)
            line.delays, line.value = self.second_delays, self.line.value
        self.lines.append(line)
        return line

    def start(self):
        self.task = self.loop.supervise("bus", self.bus.run)
        self.loop.turn()
        self.loop.turn()
        assert self.bus.up()

    def run(self, ms):
        """Let ms of time pass."""
        world = self.world
        world.end = world.ticks_add(world.t, ms)
        turns = 0
        while world.ticks_diff(world.end, world.t) > 0:
            self.loop.turn()
            turns += 1
            assert turns < 100 + 10 * ms, "the loop spins"
        self.loop.turn()

    def op(self, unit=1, period_ms=0, count=2, sink=None, rank=1, addr=100):
        return self.bus.add(Op(unit, array("H", bytes(2 * count)), READ, addr, count,
                               period_ms, sink, rank))


class Bare:
    """A stream that answers each request at once and makes nothing on the way."""

    def __init__(self, rtu):
        self.rtu = rtu
        self.rx = bytearray(64)
        self.n = 0
        # Unit 1: the registers 7, 9, 9 ... to a read; a write gets its own head back.
        self.reads = []
        for count in range(17):
            body = bytes((1, 3, 2 * count)) + b"\0\7" + b"\0\x09" * (count - 1)
            self.reads.append(body + crc(body))
        self.wrote = b"\1\6\0\x28\0\x07" + crc(b"\1\6\0\x28\0\x07")
        self.refuses = None  # what it answers to every read instead
        self.closed = False

    def write(self, buf, n):
        at = 0 if self.rtu else 6
        source = self.wrote
        if buf[at + 1] == 3:
            source = self.refuses or self.reads[buf[at + 5]]
        size = len(source) if self.rtu else len(source) - 2
        for i in range(at):
            self.rx[i] = buf[i]
        if not self.rtu:
            self.rx[5] = size
        for i in range(size):
            self.rx[at + i] = source[i]
        self.n = at + size
        return n

    def readinto(self, buf):
        n = self.n
        for i in range(n):
            buf[i] = self.rx[i]
        self.n = 0
        return n or None

    def close(self):
        self.closed = True


class Still:
    """A clock and a poller that allocate nothing."""

    t = 0

    def __init__(self):
        self.t = 0

    def ticks_ms(self):
        return self.t

    def ticks_add(self, t, ms):
        return t + ms

    def ticks_diff(self, a, b):
        return a - b

    def register(self, stream, mask):
        pass

    def unregister(self, stream):
        pass

    def ipoll(self, timeout):
        return ()
