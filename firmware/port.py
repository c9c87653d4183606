"""One Modbus line: a plan of register operations, one outstanding at a time.

Enters: a connect coroutine (gives a non-blocking stream), a modbus codec, and Ops made once.
Leaves: each Op's registers, its result and the instant at which its answer arrived.

    bus = Bus(loop, Tcp(), connect, 1000, "inverter")       # or Rtu(), ..., (9600, 0, 1)
    meter = bus.add(Op(200, regs, addr=40069, count=26, period_ms=200, rank=0))
    loop.supervise("bus", bus.run)              # connects, again after each loss
    await bus.do(op, loop.after(3000))          # one operation, from a task

Which Op goes next is modbus/plan.py's business.  `real_ms` of an Op is the sampling period that
comes of it.

    DOWN --run--> QUIET --silence--> IDLE --request--> WAITING --answer--> IDLE
    WAITING --no answer or a broken one--> IDLE, on a line without numbers: QUIET --> IDLE
    any --line lost--> DOWN

An RTU answer bears no number, so a late one could pass for the next.  At first and after a failure
a unit is therefore asked for another count of registers than any Op reads, each time another one:
a device answers in turn, so what it owed before is then in, or will never come.  What got no
answer in time is asked for again at once behind that question, and only then has failed.

Stepping allocates nothing.

The stream: readinto(buf) is None when nothing is there and 0 at its end, write(buf, n), close();
`file`, where it has one, is what is polled in its place.  Limit: a connection without an answer
three times in a row (a serial line: thirty times) is closed and opened again.
"""

import errno
from array import array

import log
import modbus
from micropython import const
from modbus import READ, READ_INPUT, WRITE, WRITE1, Op, Plan  # noqa: F401  Op is for our users

# Results of an Op.  Above 0 is the Modbus exception that the device answered.
OK = const(0)
PENDING = const(-1)
TIMEOUT = const(-2)
BROKEN = const(-3)  # a frame that is none, or an answer to something else
LOST = const(-4)  # no connection
INVALID = const(-5)  # no frame can carry it: nothing was sent

# What Bus.counts counts beside the ends of Ops: causes of BROKEN, then what belongs to no Op.
COUNT_CRC = const(6)
COUNT_WRONG = const(7)  # of another unit, function, length or address
COUNT_LATE = const(8)  # answers that came when nobody waited for them any more
COUNT_CONNECTS = const(9)
_COUNTS_N = const(10)

_DOWN = const(0)
_IDLE = const(1)
_WAITING = const(2)
_QUIET = const(3)

_SILENT_TO_CLOSE = const(3)
_SILENT_SERIAL = const(30)  # opening a wire anew mends little
_CONNECT_MS = const(5000)
_AGAIN_MS = const(1000)
_AGAIN_MAX_MS = const(60000)
_STEP_MS = const(50)  # how often the plan is looked at when nothing is due
_QUIET_MS = const(50)  # without a byte: the late answer has ended
_REPORT_MS = const(10000)
_GAP_MIN_US = const(1750)  # MODBUS over Serial Line 1.02, 2.5.1.1: 3.5 characters, at least this
_TRIES = const(2)
_QUESTIONS = const(16)
_DEAF = const(2)  # times in a row that a unit was silent right after an answer of its own
_PAUSE_MS = const(500)  # then it gets this after each: some meters restart when asked sooner


class Bus:
    """See the module's text. `timeout_ms` is that of an answer, and may be changed; `name` is for
    the log.

    line: None, or (baud, parity, stop) of a serial line: how long frames and the silence between
    them last.  `counts` of the ends: OK, exceptions, TIMEOUT, BROKEN, LOST, INVALID, then see
    COUNT_*.  `slowest_ms`: the longest that an answer took.  `settle_ms`: the pause between
    connecting and the first request, `gap_ms` the least one between two transactions.
    """

    def __init__(self, loop, codec, connect, timeout_ms, name, line=None):
        self._loop = loop
        self._codec = codec
        self._connect = connect
        self.timeout_ms = timeout_ms
        self.name = name
        self._char_us = self.gap_ms = self.settle_ms = 0
        if line:
            baud, parity, stop = line
            self._char_us = (9 + stop + (parity > 0)) * 1000000 // baud
            # The ticks are whole ms and the silence may not be shorter.
            self.gap_ms = (max(_GAP_MIN_US, self._char_us * 7 // 2) + 1999) // 1000
        self._rx = bytearray(264)
        self._stream = None
        self._state = _DOWN
        self._inside = False  # a step is running: what it sets off waits for its end
        self._plan = Plan(loop, _STEP_MS)
        self._op = None  # the outstanding one
        self._again = None  # one whose unit has just answered the question before it
        self._asking = False  # that question is outstanding
        self._behind = False  # the outstanding one follows the answer to its question at once
        self._deaf = self._deaf_unit = 0  # the unit that is silent then, so many times in a row
        self._question = 0  # for how many registers that was
        self._owing = bytearray(32)  # a bit for each unit that may still send an old answer
        self._sent = 0
        self._heard = 0  # when the line was last busy
        self._until = 0  # when WAITING or QUIET ends
        self._quiet_end = 0  # when QUIET ends whatever comes
        self._silent = 0  # requests in a row without an answer
        self._down = loop.flag()
        self.counts = array("i", bytes(4 * _COUNTS_N))
        self.slowest_ms = 0
        self._tick = loop.every(_STEP_MS, self)

    def up(self):
        """True while the line is connected."""
        return self._stream is not None

    def add(self, op):
        """Put an Op at the end of the plan; a periodic one is due at once. Returns it."""
        op.due = self._loop.after(self._pause_ms(op))
        self._plan.ops.append(op)
        return op

    def remove(self, op):
        """Take an Op out of the plan; its answer, if one is due, is passed over."""
        op.wanted = False
        if op in self._plan.ops:
            self._plan.ops.remove(op)
        if self._again is op:
            self._again = None
        if self._op is op:
            self._op = None
            self._codec.give_up()
            self._leave(TIMEOUT, op.unit, self._loop.now())

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

        What got no answer or a broken one is sent once more, if there is time.  At the deadline
        the result is TIMEOUT, or LOST when there is no line.  Allocates.
        """
        for _ in range(_TRIES):
            await self._do(op, deadline)
            if op.result not in (TIMEOUT, BROKEN) or self._loop.left(deadline) <= 0:
                break
        return op.result

    async def _do(self, op, deadline):
        op.flag = self._loop.flag()
        op.result = PENDING
        op.wanted, op.due = True, self._loop.now()
        self._plan.ops.insert(0, op)
        self.kick()
        try:
            await self._loop.wait(op.flag, deadline)
        except OSError:
            op.result = TIMEOUT if self.up() else LOST
        finally:
            op.flag = None
            op.wanted = False
            self.remove(op)

    async def run(self):
        """Keep the line connected: a second after each loss it is opened again, later and later
        (up to a minute) while nobody answers on it. Never returns.
        """
        wait = 0
        while True:
            answered = self.counts[OK] + self.counts[1]
            try:
                await self._live()
            except OSError as exc:
                log.warn("BUS_DOWN", "bus", self.name, "errno", exc.errno)
            if self.counts[OK] + self.counts[1] != answered:
                wait = 0
            wait = max(_AGAIN_MS, min(2 * wait, _AGAIN_MAX_MS))
            await self._loop.sleep_ms(wait)

    async def _live(self):
        # From a connection to its loss.
        stream = await self._connect(self._loop.after(_CONNECT_MS))
        self._codec.reset()
        self._silent = 0
        self._down.up = False
        self._stream = stream
        self.counts[COUNT_CONNECTS] += 1
        file = getattr(stream, "file", stream)
        for i in range(len(self._owing)):
            self._owing[i] = 0 if self._codec.numbered else 255
        self._hush(self._loop.now(), max(self.settle_ms, 0 if self._codec.numbered else _QUIET_MS))
        self._loop.watch(file, self)
        log.info("BUS_UP", "bus", self.name)
        try:
            self.kick()
            while not self._down.up:
                try:
                    await self._loop.wait(self._down, self._loop.after(_REPORT_MS))
                    break
                except OSError:
                    self._report()
        finally:
            self._loop.unwatch(file)
            self._stream = None
            self._state = _DOWN
            stream.close()
            self._fail_all(self._loop.now())
        raise OSError(errno.ECONNRESET)

    def _report(self):
        # Which sampling period a device really gets, when that is another one than planned.
        for op in self._plan.ops:
            slow = 2 * op.real_ms >= 3 * op.period_ms
            if op.period_ms and op.real_ms and slow != op.slow:
                op.slow = slow
                log.warn("BUS_PERIOD", "bus", self.name, "unit", op.unit, "addr", op.addr,
                         "wanted_ms", op.period_ms, "real_ms", op.real_ms)

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
        if self._state != _WAITING and not codec.numbered and n:
            # The head of a burst: the rest follows without a pause.
            self.counts[COUNT_LATE] += self._loop.diff(now, self._heard) > self.gap_ms
        while at < n:
            code = codec.feed(self._rx, at, n)
            at = codec.at
            if code == modbus.LATE:
                self.counts[COUNT_LATE] += 1
            elif code != modbus.NEED_DATA and self._state == _WAITING:
                self._ended(code, now)
        self._heard = now
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
        codec = self._codec
        if code == modbus.OK:
            if self._op.kind <= READ_INPUT and not self._asking:
                codec.copy(self._op.regs, 0)
            self._answered(OK, now)
        elif code == modbus.EXCEPTION:
            self._answered(codec.exception, now)
        else:
            if codec.why:
                self.counts[COUNT_CRC - 1 + codec.why] += 1
            self._answered(BROKEN, now)

    def _answered(self, result, now):
        # The outstanding Op has come to its end, or the question before it.
        op = self._op
        self._op = None
        asking = self._asking
        if self._behind and self._deaf < _DEAF:
            if result == TIMEOUT:
                self._deaf = 1 + (self._deaf if op.unit == self._deaf_unit else 0)
                self._deaf_unit = op.unit
            elif op.unit == self._deaf_unit:
                self._deaf = 0
        self._leave(result, op.unit, now)
        if result < OK:
            self._silent += 1
            most = _SILENT_TO_CLOSE if self._codec.numbered else _SILENT_SERIAL
            if self._silent >= most:
                self._down.set()
            elif result == TIMEOUT and not (self._codec.numbered or op.failures or op.flag):
                # Perhaps only late: at once again, else it falls to a late answer each time.
                self.counts[-result] += 1
                op.failures = 1
                op.wanted = True
                return
        else:
            self._silent = 0
            if asking:
                self._again = op
                return
            took = self._loop.diff(now, self._sent)
            self.slowest_ms = max(self.slowest_ms, took)
            self._plan.answered(op, now, took + self.gap_ms)
            if self._pause_ms(op) and op.period_ms:
                self._plan.push(op, now, _PAUSE_MS)
        if result == OK:
            # Found after its deadline it lay there for an unknown time: count from the request.
            self._plan.sampled(op, now if self._loop.diff(now, self._until) <= 0 else self._sent)
        self._finish(op, result, now)

    def _leave(self, result, unit, now):
        # From WAITING to IDLE, or to QUIET where a late answer could pass for the next one.
        self._state = _IDLE
        self._asking = False
        self._heard = now
        if self._codec.numbered:
            return
        bit = 1 << (unit & 7)
        if result < OK:
            self._owing[unit >> 3] |= bit
            self._hush(now, _QUIET_MS)
        else:
            self._owing[unit >> 3] &= ~bit

    def _hush(self, now, wait):
        self._state = _QUIET
        self._until = self._loop.add(now, wait)
        self._quiet_end = self._loop.add(now, wait + self.timeout_ms)

    def _finish(self, op, result, now):
        self.counts[-result if result < OK else min(result, 1)] += 1
        op.result = result
        op.failures = 0 if result == OK else op.failures + 1
        if result == TIMEOUT and op.failures > 1:  # once it is tried again
            self._plan.rest(op.unit, now, self.timeout_ms << min(op.failures - 1, 2))
        if op.flag is not None:
            op.flag.set()
        if op.sink is not None:
            op.sink.took(op, now)

    def _fail_all(self, now):
        op = self._op or self._again
        self._op = self._again = None
        self._asking = False
        if op is not None:
            op.wanted = False
            self._finish(op, LOST, now)
        for other in self._plan.ops:
            if other.wanted:
                other.wanted = False
                self._finish(other, LOST, now)

    def _send(self, now):
        if self._gap_left(now):
            return
        op = self._again or self._plan.next(now)
        if op is None:
            return
        try:
            n = self._encode(op)
        except (ValueError, IndexError):
            self._again = None
            self._finish(op, INVALID, now)
            return
        self._behind = op is self._again
        self._again = None
        self._op = op
        self._state = _WAITING
        self._sent = now
        wire_ms = (n + self._codec.expect) * self._char_us // 1000
        self._until = self._loop.add(now, self.timeout_ms + wire_ms)
        if self._stream.write(self._codec.buf, n) != n:
            # A full send buffer on a line with one small request outstanding: it is dead.
            self._down.set()

    def _encode(self, op):
        codec = self._codec
        if op.kind == WRITE:
            n = codec.write(op.unit, op.addr, op.regs, op.start, op.count)
        elif op.kind == WRITE1:
            n = codec.write1(op.unit, op.addr, op.regs[op.start])
        elif op.count > len(op.regs):
            raise ValueError("regs")
        else:
            n = codec.read(op.unit, op.kind, op.addr, op.count)
        self._asking = op is not self._again and self._owing[op.unit >> 3] >> (op.unit & 7) & 1
        codec.patient = self._asking or self._silent  # what is owed comes before the answer
        if self._asking:
            count = self._other_count(op.unit)
            n = codec.read(op.unit, READ, min(op.addr, 65536 - count), count)
        return n

    def _other_count(self, unit):
        # How many registers neither an Op of the unit nor one of the last questions reads.
        count = self._question
        for _ in range(_QUESTIONS):
            count = count % _QUESTIONS + 1
            for op in self._plan.ops:
                if op.unit == unit and op.count == count and op.kind <= READ_INPUT:
                    break
            else:
                break
        self._question = count
        return count

    def _pause_ms(self, op):
        # How long its unit is left alone after an answer.
        return _PAUSE_MS if self._deaf == _DEAF and op.unit == self._deaf_unit else 0

    def _spare(self, now):
        # Milliseconds until there is something to do, 0 .. _STEP_MS.
        if self._state != _IDLE:
            return max(0, min(self._loop.diff(self._until, now), _STEP_MS))
        spare = 0 if self._again else self._plan.wait(now)
        return max(spare, self._gap_left(now))

    def _gap_left(self, now):
        since, gap = self._loop.diff(now, self._heard), self.gap_ms
        if self._again:
            gap = max(gap, self._pause_ms(self._again))
        return gap - since if 0 <= since < gap else 0
