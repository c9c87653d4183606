"""One Modbus line: a plan of register operations, one outstanding at a time.

Enters: a connect coroutine (gives a non-blocking stream), a modbus codec, and Ops made once.
Leaves: each Op's registers, its result and the instant at which its answer arrived.

    bus = Bus(loop, codec, connect, 1000, "inverter")
    meter = bus.add(Op(200, regs, addr=40069, count=26, period_ms=200))
    loop.supervise("bus", bus.run)              # connects, and again after each loss
    await bus.do(op, loop.after(3000))          # one operation, from a task

What is asked for once goes first; of the periodic Ops the one that is most overdue, and of equals
the one that was added first.  Each keeps its grid: a slow answer costs slots, never the phase.

    DOWN --run--> IDLE --request--> WAITING --answer--> IDLE       any --line lost--> DOWN
    WAITING --no answer or a broken one--> IDLE, on a line without numbers: QUIET --> IDLE

An RTU answer bears no number, so a late one could pass for the next: the line is left QUIET until
one more time-out has passed or what came late has ended.  Stepping allocates nothing.

The stream: readinto(buf) is None when nothing is there and 0 at its end, write(buf, n), close();
on a serial line its write() keeps the silence of 3.5 characters.  Limit: a line without an answer
three times in a row is closed and opened again.
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

# Results of an Op.  Above 0 is the Modbus exception that the device answered.
OK = const(0)
PENDING = const(-1)
TIMEOUT = const(-2)
BROKEN = const(-3)  # a frame that is none, or an answer to something else
LOST = const(-4)  # no connection
INVALID = const(-5)  # no frame can carry it: nothing was sent

_DOWN = const(0)
_IDLE = const(1)
_WAITING = const(2)
_QUIET = const(3)

_SILENT_TO_CLOSE = const(3)
_SKIP_MAX = const(9)  # slots that an Op of a silent device leaves to the others
_CONNECT_MS = const(5000)
_STEP_MS = const(50)  # how often the plan is looked at when nothing is due
_QUIET_MS = const(50)  # without a byte: the late answer has ended
_DAY_MS = const(86400000)


class Op:
    """A register operation: what is asked (unit, kind, addr, count) and what came of it.

    `regs` is an array('H') that a read fills from 0 and a write sends from `start`.  `period_ms`
    0 makes it a single one, sent when submitted.  `sink.took(op, now)` is called at its end, in a
    step: it must not allocate.  `at` is when the last good answer arrived, `failures` how many
    ends in a row were none.
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
        self.at = 0
        self.failures = 0
        self.flag = None


class Bus:
    """See the module's text. `timeout_ms` is that of an answer, `name` is for the log.

    `counts` of the ends: OK, exceptions, TIMEOUT, BROKEN, LOST, INVALID.  `slowest_ms`: the
    longest that an answer took.
    """

    def __init__(self, loop, codec, connect, timeout_ms, name):
        self._loop = loop
        self._codec = codec
        self._connect = connect
        self._timeout_ms = timeout_ms
        self.name = name
        self._rx = bytearray(264)
        self._stream = None
        self._state = _DOWN
        self._inside = False  # a step is running: what it sets off waits for its end
        self._ops = []
        self._op = None  # the outstanding one
        self._sent = 0
        self._until = 0  # when WAITING or QUIET ends
        self._quiet_end = 0  # when QUIET ends whatever comes
        self._silent = 0  # requests in a row without an answer
        self._down = loop.flag()
        self.counts = array("i", bytes(24))
        self.slowest_ms = 0
        self._tick = loop.every(_STEP_MS, self)

    def up(self):
        """True while the line is connected."""
        return self._stream is not None

    def add(self, op):
        """Put an Op at the end of the plan; a periodic one is due at once. Returns it."""
        op.due = self._loop.now()
        self._ops.append(op)
        return op

    def remove(self, op):
        """Take an Op out of the plan; its answer, if one is due, is passed over."""
        op.wanted = False
        if op in self._ops:
            self._ops.remove(op)
        if self._op is op:
            self._op = None
            self._codec.give_up()
            self._leave(TIMEOUT, self._loop.now())

    def submit(self, op):
        """Send a single Op (already added) next, now if the line is idle. Does not allocate.

        False when the line is down; the result is LOST then.
        """
        op.wanted = self.up()
        op.result = PENDING if op.wanted else LOST
        self.kick()
        return op.wanted or op.result != LOST

    def kick(self):
        """Look at the plan now: something in it has changed. Does not allocate."""
        if not self._inside:
            self.step(self._loop.now())

    async def do(self, op, deadline):
        """Send one Op and wait for its end, for the line too if it is down. Returns its result.

        At the deadline that is TIMEOUT, or LOST when there is no line.  Allocates.
        """
        op.flag = self._loop.flag()
        op.result = PENDING
        op.wanted = True
        self._ops.insert(0, op)
        self.kick()
        try:
            await self._loop.wait(op.flag, deadline)
        except OSError:
            op.result = TIMEOUT if self.up() else LOST
        finally:
            op.flag = None
            op.wanted = False
            self.remove(op)
        return op.result

    async def run(self):
        """Connect, and return by OSError when the line is lost: the supervisor calls again."""
        stream = await self._connect(self._loop.after(_CONNECT_MS))
        self._codec.reset()
        self._silent = 0
        self._down.up = False
        self._stream = stream
        self._state = _IDLE
        self._loop.watch(stream, self)
        log.info("BUS_UP", "bus", self.name)
        try:
            self.kick()
            while not self._down.up:
                try:
                    await self._loop.wait(self._down, self._loop.after(_DAY_MS))
                    break
                except OSError:
                    continue
        finally:
            self._loop.unwatch(stream)
            self._stream = None
            self._state = _DOWN
            stream.close()
            self._fail_all(self._loop.now())
        raise OSError(errno.ECONNRESET)

    # -- the part that allocates nothing -------------------------------------

    def step(self, now):
        """Take what arrived, watch the deadline, send what is due. Does not allocate."""
        if self._state == _DOWN or self._down.up:
            return
        self._inside = True
        try:
            self._receive(now)
            self._lapse(now)
            if self._state == _IDLE and not self._down.up:
                self._send(now)
        except OSError:
            self._down.set()
        finally:
            self._inside = False
        # The next call comes when there is something to do, not up to a period later.
        self._tick.due = self._loop.add(now, self._spare(now))

    def _receive(self, now):
        # Also when nothing is outstanding: late bytes must not lie there for the next answer, and
        # the end of the stream shows only so.
        n = self._stream.readinto(self._rx)
        if n is None:
            return
        codec, at = self._codec, 0
        while at < n:
            code = codec.feed(self._rx, at, n)
            at = codec.at
            if code != modbus.NEED_DATA and self._state == _WAITING:
                self._ended(code, now)
        if n == 0 or codec.dead:
            self._down.set()
        elif self._state == _QUIET:
            left = self._loop.diff(self._quiet_end, now)
            self._until = self._loop.add(now, min(_QUIET_MS, left))

    def _lapse(self, now):
        # A deadline that has passed: of the answer, or of the silence.
        if self._state == _IDLE or self._loop.diff(now, self._until) < 0:
            return
        if self._state == _QUIET:
            self._state = _IDLE
            return
        part = self._codec.give_up() == modbus.BROKEN
        self._answered(BROKEN if part else TIMEOUT, now)

    def _ended(self, code, now):
        if code == modbus.OK:
            if self._op.kind <= READ_INPUT:
                self._codec.copy(self._op.regs, 0)
            self._answered(OK, now)
        elif code == modbus.EXCEPTION:
            self._answered(self._codec.exception, now)
        else:
            self._answered(BROKEN, now)

    def _answered(self, result, now):
        # The outstanding Op has come to its end.
        op = self._op
        self._op = None
        self._leave(result, now)
        took = self._loop.diff(now, self._sent)
        if result >= OK:
            self._silent = 0
            self.slowest_ms = max(self.slowest_ms, took)
        else:
            self._silent += 1
            if self._silent >= _SILENT_TO_CLOSE:
                self._down.set()
        if result == OK:
            # Found after its deadline it lay there for an unknown time: count from the request.
            op.at = now if self._loop.diff(now, self._until) <= 0 else self._sent
        self._finish(op, result, now)

    def _leave(self, result, now):
        # From WAITING to IDLE, or to QUIET where a late answer could pass for the next one.
        self._state = _IDLE
        if result < OK and not self._codec.numbered:
            self._state = _QUIET
            wait = self._timeout_ms if result == TIMEOUT else _QUIET_MS
            self._until = self._loop.add(now, wait)
            self._quiet_end = self._loop.add(now, wait + self._timeout_ms)

    def _finish(self, op, result, now):
        self.counts[-result if result < OK else min(result, 1)] += 1
        op.result = result
        op.failures = 0 if result == OK else op.failures + 1
        if result == TIMEOUT and op.period_ms and op.failures > 1:  # once it is tried again
            self._next_slot(op, now, min(op.failures - 2, _SKIP_MAX))
        if op.flag is not None:
            op.flag.set()
        if op.sink is not None:
            op.sink.took(op, now)

    def _fail_all(self, now):
        op = self._op
        self._op = None
        if op is not None:
            op.wanted = False
            self._finish(op, LOST, now)
        for other in self._ops:
            if other.wanted:
                other.wanted = False
                self._finish(other, LOST, now)

    def _next(self, now):
        found, most = None, -1
        for op in self._ops:
            if op.wanted:
                op.wanted = False  # asked for again while it is outstanding: sent again
                return op
            if op.period_ms:
                late = self._loop.diff(now, op.due)
                if late > most:
                    found, most = op, late
        if found is not None:
            self._next_slot(found, now, 0)
        return found

    def _next_slot(self, op, now, skipped):
        # The first slot of its grid after now, or after as many more as are skipped.
        late = self._loop.diff(now, op.due)
        op.due = self._loop.add(now, op.period_ms * (1 + skipped) - late % op.period_ms)

    def _send(self, now):
        op = self._next(now)
        if op is None:
            return
        try:
            n = self._encode(op)
        except (ValueError, IndexError):
            self._finish(op, INVALID, now)
            return
        self._op = op
        self._state = _WAITING
        self._sent = now
        self._until = self._loop.add(now, self._timeout_ms)
        if self._stream.write(self._codec.buf, n) != n:
            # A full send buffer on a line with one small request outstanding: it is dead.
            self._down.set()

    def _encode(self, op):
        codec = self._codec
        if op.kind == WRITE:
            return codec.write(op.unit, op.addr, op.regs, op.start, op.count)
        if op.kind == WRITE1:
            return codec.write1(op.unit, op.addr, op.regs[op.start])
        if op.count > len(op.regs):
            raise ValueError("regs")
        return codec.read(op.unit, op.kind, op.addr, op.count)

    def _spare(self, now):
        # Milliseconds until there is something to do, 0 .. _STEP_MS.
        if self._state != _IDLE:
            return max(0, min(self._loop.diff(self._until, now), _STEP_MS))
        spare = _STEP_MS
        for op in self._ops:
            if op.wanted:
                return 0
            if op.period_ms:
                spare = min(spare, self._loop.diff(op.due, now))
        return max(spare, 0)
