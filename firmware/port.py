"""One Modbus line: a plan of register operations, one outstanding at a time.

Enters: a connect coroutine (a non-blocking stream), a modbus codec, and Ops made once.  Leaves:
each Op's registers, its result and the instant at which its answer arrived.

    bus = Bus(loop, codec, connect, timeout_ms=1000)
    meter = bus.add(Op(200, regs, period_ms=200))
    loop.supervise("bus", bus.run)              # connects, and again after each loss
    await bus.do(op)                            # one operation, from a task

The plan is a list: the first Op that is due goes next, so the order of add() is the priority.
Sending and receiving allocate nothing (they run in steps); connecting does.  Limit: a line that
times out three times in a row is closed and opened again.
"""

import errno
from array import array

import log
import modbus
from micropython import const

READ = const(3)
READ_INPUT = const(4)
WRITE1 = const(6)
WRITE = const(16)

# Results of an Op.  1..11 is the Modbus exception that the device answered.
OK = const(0)
PENDING = const(-1)
TIMEOUT = const(-2)
BROKEN = const(-3)  # a frame that is none, or an answer to something else
LOST = const(-4)  # no connection

_TIMEOUTS_TO_CLOSE = const(3)
_CONNECT_MS = const(5000)
_STEP_MS = const(50)  # how often the plan is looked at when nothing arrives
_DAY_MS = const(86400000)


class Op:
    """A register operation: what is asked (unit, kind, addr, count) and what came of it.

    `regs` is an array('H') that a read fills from 0 and a write sends from `start`.  `period_ms`
    0 makes it a single one, sent when submitted.  `sink.took(op, now)` is called at its end.
    """

    def __init__(self, unit, regs, kind=READ, addr=0, count=0, period_ms=0, sink=None):
        self.unit = unit
        self.regs = regs
        self.kind = kind
        self.addr = addr
        self.start = 0
        self.count = count
        self.period_ms = period_ms
        self.sink = sink
        self.due = 0
        self.wanted = False
        self.result = PENDING
        self.at = 0  # ticks at which the last answer arrived
        self.tries = 0
        self.failures = 0
        self.flag = None


class Bus:
    """See the module's text."""

    def __init__(self, loop, codec, connect, timeout_ms, name):
        self._loop = loop
        self._codec = codec
        self._connect = connect
        self._timeout_ms = timeout_ms
        self.name = name
        self._rx = bytearray(264)
        self._stream = None
        self._ops = []
        self._now_op = None
        self._deadline = 0
        self._silent = 0  # time-outs in a row
        self._down = loop.flag()
        # Counters, for the log and the console: OK, EXCEPTION, TIMEOUT, BROKEN, LOST.
        self.counts = array("i", (0, 0, 0, 0, 0))
        self.slowest_ms = 0
        loop.every(_STEP_MS, self)

    @property
    def up(self):
        """True while the line is connected."""
        return self._stream is not None

    def add(self, op):
        """Put an Op at the end of the plan; a periodic one is due at once. Returns it."""
        op.due = self._loop.now()
        self._ops.append(op)
        return op

    def remove(self, op):
        """Take an Op out of the plan."""
        if op in self._ops:
            self._ops.remove(op)

    def submit(self, op):
        """Ask for a single Op (already added) to be sent next; does not allocate."""
        op.result = PENDING
        op.wanted = True

    async def do(self, op, deadline):
        """Send one Op and wait for its end; returns its result. LOST when the line is down."""
        op.flag = self._loop.flag()
        self._ops.insert(0, op)
        self.submit(op)
        try:
            await self._loop.wait(op.flag, deadline)
        except OSError:
            if self._now_op is op:
                self._codec.reset()
                self._now_op = None
            op.result = TIMEOUT if self.up else LOST
        finally:
            op.wanted = False
            op.flag = None
            self._ops.remove(op)
        return op.result

    async def run(self):
        """Connect, and return by OSError when the line is lost: the supervisor calls again."""
        stream = await self._connect(self._loop.after(_CONNECT_MS))
        self._codec.reset()
        self._silent = 0
        self._now_op = None
        self._down.up = False
        self._stream = stream
        self._loop.watch(stream, self)
        log.info("BUS_UP", "bus", self.name)
        try:
            while not self._down.up:
                try:
                    await self._loop.wait(self._down, self._loop.after(_DAY_MS))
                    break
                except OSError:
                    continue
        finally:
            self._loop.unwatch(stream)
            self._stream = None
            stream.close()
            self._fail_all(self._loop.now())
        raise OSError(errno.ECONNRESET)

    # -- the part that allocates nothing -------------------------------------

    def step(self, now):
        """Take what arrived, watch the deadline, send what is due."""
        if self._stream is None or self._down.up:
            return
        try:
            if self._now_op is not None:
                self._receive(now)
            if self._now_op is None and not self._down.up:
                self._send(now)
        except OSError:
            self._down.set()

    def _receive(self, now):
        n = self._stream.readinto(self._rx)
        if n is None or (n > 0 and not self._take(n, now)):
            if self._now_op is not None and self._loop.diff(now, self._deadline) >= 0:
                self._timed_out(now)
            return
        if n == 0:
            self._down.set()

    def _take(self, n, now):
        # Hands the bytes to the codec; True when the outstanding operation has ended.
        codec, rx = self._codec, self._rx
        at, room = 0, 0
        while at < n:
            room = codec.room()
            buf = codec.buf
            count = min(n - at, len(buf) - room)
            if count <= 0:
                codec.reset()
                self._finish(BROKEN, now)
                return True
            for i in range(count):
                buf[room + i] = rx[at + i]
            at += count
            code = codec.feed(count)
            if code != modbus.NEED_DATA:
                self._ended(code, now)
                return True
        return False

    def _ended(self, code, now):
        op = self._now_op
        if code == modbus.OK:
            if op.kind <= READ_INPUT:
                self._codec.copy(op.regs, 0)
            self._finish(OK, now)
        elif code == modbus.EXCEPTION:
            self._finish(self._codec.exception, now)
        else:
            self._finish(BROKEN, now)

    def _timed_out(self, now):
        self._silent += 1
        self._codec.reset()
        self._finish(TIMEOUT, now)
        if self._silent >= _TIMEOUTS_TO_CLOSE:
            self._down.set()

    def _finish(self, result, now):
        op = self._now_op
        self._now_op = None
        if result != TIMEOUT:
            self._silent = 0
        self._count(result)
        op.result = result
        if result == OK:
            op.failures = 0
            op.at = now
        else:
            op.failures += 1
        op.wanted = False
        if op.flag is not None:
            op.flag.set()
        if op.sink is not None:
            op.sink.took(op, now)

    def _count(self, result):
        if result == OK:
            self.counts[0] += 1
        elif result > 0:
            self.counts[1] += 1
        else:
            self.counts[-result] += 1

    def _fail_all(self, now):
        for op in self._ops:
            if op.wanted:
                self._now_op = op
                self._finish(LOST, now)
        self._now_op = None

    def _next(self, now):
        for op in self._ops:
            if op.wanted:
                return op
            if op.period_ms:
                late = self._loop.diff(now, op.due)
                if late >= 0:
                    # The grid is kept: an answer that took long costs slots, not phase.
                    op.due = self._loop.add(now, op.period_ms - late % op.period_ms)
                    return op
        return None

    def _send(self, now):
        op = self._next(now)
        if op is None:
            return
        codec = self._codec
        if op.kind == WRITE:
            n = codec.write(op.unit, op.addr, op.regs, op.start, op.count)
        elif op.kind == WRITE1:
            n = codec.write1(op.unit, op.addr, op.regs[op.start])
        else:
            n = codec.read(op.unit, op.kind, op.addr, op.count)
        self._now_op = op
        self._deadline = self._loop.add(now, self._timeout_ms)
        if self._stream.write(codec.buf, n) != n:
            # A full send buffer on a line with one small request outstanding: it is dead.
            self._down.set()
