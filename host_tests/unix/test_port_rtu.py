# heap: 400k
"""A serial line: late answers, noise, echoes and silence; what is read is never another value."""

from array import array

import check
import log
from loop import Loop
from modbus import Rtu
from port import (
    BROKEN,
    COUNT_CONNECTS,
    COUNT_CRC,
    COUNT_LATE,
    COUNT_WRONG,
    OK,
    READ,
    TIMEOUT,
    WRITE,
    WRITE1,
    Bus,
    Op,
)
from wire import Bare, Rig, Still, Took, crc

LINE = (9600, 2, 1)


class Values:
    """A sink that remembers which values an Op was given, and counts its ends."""

    def __init__(self):
        self.good = []
        self.bad = []

    def took(self, op, now):
        if op.result == OK:
            self.good.append(list(op.regs))
        else:
            self.bad.append(op.result)


def two_alike(rig):
    """Two Ops of one unit and one shape at two addresses; a register reads as its address."""
    rig.line.value = lambda addr, number: addr
    sinks = Values(), Values()
    ops = [rig.op(1, 100, 2, sink, addr=addr) for sink, addr in zip(sinks, (100, 200))]
    return ops, sinks


def only_right(sinks):
    for sink, addr in zip(sinks, (100, 200)):
        for regs in sink.good:
            assert regs == [addr, addr], (regs, addr)


def test_a_unit_is_first_asked_a_question_of_another_shape():
    rig = Rig(rtu=True)
    op = rig.op(period_ms=200)
    rig.start()
    rig.run(450)
    assert rig.line.times() == [50, 80, 200, 400]
    assert rig.line.times(count=2) == [80, 200, 400] and op.result == OK
    assert rig.line.requests[0][3] == b"\0\x64\0\1"
    assert list(rig.bus.counts) == [3, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_lost_answer_costs_a_time_out_and_a_question():
    rig = Rig(rtu=True, timeout_ms=400)
    op = rig.op(period_ms=200)
    rig.line.delays = [30, None]
    rig.start()
    rig.run(700)
    # Lost at 480, quiet until 530, asked by 560.
    assert rig.line.times() == [50, 80, 530, 560, 600], rig.line.times()
    assert op.result == OK and op.failures == 0 and rig.bus.counts[2] == 1


def test_a_late_answer_never_passes_for_another_however_late():
    for late in range(10, 2600, 37):
        rig = Rig(rtu=True, timeout_ms=400)
        ops, sinks = two_alike(rig)
        rig.line.delays = [30, 30, late]
        rig.start()
        rig.run(5000)
        only_right(sinks)
        assert [op.result for op in ops] == [OK, OK], late
        assert len(sinks[0].good) > 15 and len(sinks[0].bad) <= 8, (late, sinks[0].bad)


def test_a_device_that_is_always_late_gives_no_wrong_value():
    for late in (401, 450, 500, 777, 800, 801, 1234):
        rig = Rig(rtu=True, timeout_ms=400)
        _, sinks = two_alike(rig)
        rig.line.delay = late
        rig.start()
        rig.run(20000)
        only_right(sinks)
        assert rig.bus.counts[2] + rig.bus.counts[3] > 5


class Writer:
    """Writes and reads back, a second after the last time; the instants at which both stood."""

    def __init__(self, rig):
        self.rig = rig
        self.held = []
        self.op = rig.bus.add(Op(1, array("H", bytes(10)), WRITE, 40, 5, sink=self))

    def begin(self, _):
        self.op.kind, self.op.addr = WRITE, 40
        self.rig.bus.submit(self.op)

    def took(self, op, now):
        if op.result == OK and op.kind == WRITE:
            op.kind = READ
            self.rig.bus.submit(op)
            return
        if op.result == OK:
            self.held.append(now)
        self.rig.world.at(1000, self.begin, None)


def late_each(line, nth, late_ms):
    """Each nth answer of a unit comes so much later; the units answer in turn."""
    asked, free = {}, [0]

    def turn(unit, ms):
        asked[unit] = asked.get(unit, 0) + 1
        ms += late_ms * (asked[unit] % nth == 0)
        free[0] = max(line.world.t, free[0]) + ms
        return free[0] - line.world.t

    line.turn = turn


def test_answers_that_are_late_at_times_starve_neither_writes_nor_readings():
    for nth in (3, 4, 5, 7):
        for late_ms in (1100, 1500, 1900):
            rig = Rig(rtu=True, timeout_ms=1000, line=(19200, 2, 1))
            rig.line.delay = 5
            rig.line.value = lambda addr, number: addr
            late_each(rig.line, nth, late_ms)
            reads = [(rig.op(200, 200, 26, Values(), 0, addr=200), 200),
                     (rig.op(1, 200, 12, Values(), 1, addr=100), 100),
                     (rig.op(1, 1000, 1, Values(), 2, addr=300), 300)]
            writer = Writer(rig)
            rig.start()
            rig.run(1000)
            writer.begin(None)
            for _ in range(12):
                rig.run(5000)
                rig.line.requests.clear()
            held = [1000] + writer.held
            case = (nth, late_ms, held, [len(op.sink.good) for op, _ in reads])
            assert max([b - a for a, b in zip(held, held[1:])]) <= 10000 and len(held) > 6, case
            for op, addr in reads:
                assert len(op.sink.good) >= 5, case
                assert not [regs for regs in op.sink.good if regs != [addr] * op.count], case


def test_a_unit_that_restarts_when_it_is_asked_too_soon_is_given_a_pause():
    rig = Rig(rtu=True, timeout_ms=1000, line=(9600, 0, 1))
    meter = rig.op(200, 1000, 26, Values(), 0)
    inverter = rig.op(1, 1000, 12, Values(), 1)
    answer, state = rig.line.answer, [-1000, 0]

    def soon(frame, pdu):
        # Unit 200, asked sooner than 500 ms after its last answer, is away for 5 s.
        now = rig.world.t
        if pdu[0] != 200:
            return answer(frame, pdu)
        if now < state[1]:
            return b""
        if now - state[0] < 500:
            state[1] = now + 5000
            return b""
        state[0] = now + 30
        return answer(frame, pdu)

    rig.line.answer = soon
    rig.start()
    rig.run(30000)
    meter.sink.good.clear()
    rig.run(20000)
    assert len(meter.sink.good) >= 19 and len(inverter.sink.good) >= 25, (
        len(meter.sink.good), len(inverter.sink.good))


def test_late_bytes_are_counted_once_a_burst():
    rig = Rig(rtu=True, timeout_ms=400, line=(9600, 0, 1))
    rig.op(period_ms=2000)
    rig.start()
    rig.run(300)
    for ms in (1, 2, 3, 40, 41):
        rig.world.at(ms, rig.line.come, b"\x55")
    rig.run(100)
    assert rig.bus.counts[COUNT_LATE] == 2, rig.bus.counts


def test_noise_in_front_of_an_answer_is_passed_over_or_the_op_tried_again():
    for noise, code in ((b"\0", OK), (b"\xff\0\xff", OK), (b"\x55", BROKEN),
                        (b"\1\3\x55", BROKEN)):
        rig = Rig(rtu=True, timeout_ms=400)
        took = Took()
        op = rig.op(period_ms=200, sink=took)
        rig.start()
        rig.run(100)  # the question has gone well
        rig.line.spoil = lambda answer: noise + answer
        rig.run(130)
        rig.line.spoil = None
        rig.run(400)
        assert took.ends[1][0] == code and op.result == OK, (noise, took.ends)
        assert rig.bus.counts[COUNT_WRONG] == (code == BROKEN)


def test_a_damaged_answer_is_counted_and_asked_for_again():
    rig = Rig(rtu=True, timeout_ms=400)
    took = Took()
    rig.op(period_ms=200, sink=took)
    rig.start()
    rig.run(180)
    rig.line.spoil = lambda answer: answer[:4] + b"\x07" + answer[5:]
    rig.run(60)
    rig.line.spoil = None
    rig.run(400)
    assert [e[0] for e in took.ends] == [OK, BROKEN, OK, OK] and rig.bus.counts[COUNT_CRC] == 1


def test_an_answer_of_another_unit_is_counted_and_not_taken():
    rig = Rig(rtu=True, timeout_ms=400)
    took = Took()
    op = rig.op(period_ms=200, sink=took)
    rig.start()
    rig.run(180)
    foreign = b"\2\3\4\0\7\0\7"
    rig.line.spoil = lambda answer: foreign + crc(foreign)
    rig.run(60)
    assert op.result == BROKEN and rig.bus.counts[COUNT_WRONG] == 1 and op.regs[0] != 7


def test_our_own_echo_is_learned_and_an_echoed_write_is_no_answer():
    rig = Rig(rtu=True, timeout_ms=400)
    rig.line.echo = True
    read = rig.op(period_ms=200)
    write = rig.bus.add(Op(1, array("H", (7, 8)), WRITE1, 40, 1))
    block = rig.bus.add(Op(1, array("H", (7, 8)), WRITE, 40, 2))
    rig.start()
    rig.run(500)
    assert read.result == OK and rig.bus.counts[BROKEN] == 0
    rig.line.delays = [None] * 2
    rig.bus.submit(write)
    rig.run(845)
    assert write.result == -1  # pending: its echo has long been heard, and that of a question
    rig.run(10)
    assert write.result == TIMEOUT
    rig.run(1000)
    rig.bus.submit(write)
    rig.bus.submit(block)
    rig.run(150)
    assert write.result == block.result == read.result == OK


def test_the_line_is_silent_for_three_and_a_half_characters_between_frames():
    # 11 bits: 4.01 ms at 9600, 2.005 at 19200, and never under 1.75; whole ms, and one for the
    # ticks' own grain.
    for line, gap in (((9600, 2, 1), 6), ((9600, 0, 1), 5), ((19200, 2, 1), 4),
                      ((115200, 2, 1), 3), ((1200, 0, 2), 34)):
        rig = Rig(rtu=True, line=line)
        rig.op(1, 1000, 1)
        rig.op(2, 1000, 1)
        rig.start()
        rig.run(900)
        assert rig.bus.gap_ms == gap
        times = rig.line.times()
        for i in range(3):
            wire_ms = -(-15 * rig.line.char_us // 1000)  # at the least: a question is longer
            assert times[i + 1] - times[i] >= 30 + wire_ms + gap, (line, times)


def test_the_time_on_the_wire_is_no_part_of_the_time_out():
    rig = Rig(rtu=True, timeout_ms=100, line=LINE)
    op = rig.op(1, 1000, 125)  # 302 ms of wire
    rig.line.delay = 60
    rig.start()
    rig.run(900)
    assert op.result == OK and rig.bus.counts[2] == 0


def test_a_unit_that_sleeps_leaves_the_line_to_the_others():
    rig = Rig(rtu=True, timeout_ms=400, line=LINE)
    meter = Took()
    rig.op(200, 200, 26, meter, 0)
    for count in (12, 20):
        rig.op(1, 200, count)
    rig.line.delay = 5
    rig.line.unit_delays = {1: None}
    rig.start()
    rig.run(10000)
    meter.ends.clear()
    rig.run(20000)
    assert rig.bus.up() and rig.bus.counts[COUNT_CONNECTS] == 1
    assert len(meter.ends) >= 70, len(meter.ends)
    assert max(b[2] - a[2] for a, b in zip(meter.ends, meter.ends[1:])) <= 700
    rig.line.unit_delays = {}
    rig.run(2200)
    assert len(rig.line.times(1, 12)) > 1  # and is found again within four time-outs


def test_a_babbling_line_is_asked_at_its_pace_and_heals():
    rig = Rig(rtu=True, timeout_ms=200)
    op = rig.op(period_ms=200)
    rig.start()
    for ms in range(60, 5000, 20):
        rig.world.at(ms, rig.line.come, b"\xa5\x5a")
    rig.run(5000)
    assert rig.bus.counts[BROKEN] + rig.bus.counts[TIMEOUT] > 5
    assert len(rig.line.requests) < 40
    rig.run(1000)
    assert op.result == OK


def test_thirty_requests_in_vain_open_the_line_anew():
    rig = Rig(rtu=True, timeout_ms=200)
    rig.op(period_ms=200)
    rig.line.delay = None
    rig.start()
    rig.run(9000)
    assert rig.line.closed and len(rig.lines) == 2 and len(rig.lines[0].requests) == 30


def test_the_first_request_waits_until_the_device_has_settled():
    for rtu in (False, True):
        rig = Rig(rtu=rtu)
        rig.bus.settle_ms = 1500
        rig.op(period_ms=200)
        rig.start()
        rig.run(2000)
        assert rig.line.times()[0] == 1500


class Random:
    """A small generator, the same on every port."""

    def __init__(self, seed):
        self.state = seed * 2654435761 % 4294967296 or 1

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        return (self.state >> 8) % n


def spoiled(random, answer):
    """The answer as a bad line may give it."""
    kind = random.below(12)
    at = random.below(len(answer))
    if kind == 0:
        return answer[:at] + bytes((answer[at] ^ 1 << random.below(8),)) + answer[at + 1:]
    if kind == 1:
        return answer[:at]
    if kind == 2:
        return bytes(random.below(256) for _ in range(1 + random.below(6))) + answer
    if kind == 3:
        return answer + answer[:at]
    if kind == 4:
        return answer[:at] + bytes(random.below(256) for _ in range(3)) + answer[at:]
    if kind == 5:
        return bytes(random.below(256) for _ in range(random.below(300)))
    return answer


def test_whatever_a_line_does_to_answers_ends_in_an_error_or_the_right_value():
    good = 0
    for seed in range(1, 31):
        random = Random(seed)
        rig = Rig(rtu=True, timeout_ms=200)
        ops, sinks = two_alike(rig)
        other = rig.op(2, 200)
        rig.line.spoil = lambda answer: spoiled(random, answer)
        rig.line.delays = [None if random.below(8) == 0 else random.below(60) or 700
                           for _ in range(60)]
        rig.start()
        rig.run(8000)
        only_right(sinks)
        ends = sum(rig.bus.counts[:6])
        assert ends >= sum(len(s.good) + len(s.bad) for s in sinks)
        good += len(sinks[0].good)
        rig.line.spoil, rig.line.delays = None, []
        rig.run(3000)
        assert [op.result for op in ops] + [other.result] == [OK, OK, OK], (seed, rig.bus.counts)
    assert good > 100  # the right ones do get through


def cycle(clock, loop):
    for t in range(0, 3000, 25):
        clock.t = t
        loop._run_steps(t)
        loop._run_steps(t)


def test_questions_failures_and_ranks_do_not_allocate():
    clock = Still()
    loop = Loop(clock, clock)
    log.setup(None, lambda text: None)
    stream = Bare(True)

    async def connect(deadline):
        return stream

    bus = Bus(loop, Rtu(), connect, 100, "bare", LINE)
    good = bus.add(Op(1, array("H", bytes(4)), READ, 100, 2, 200, None, 0))
    bus.add(Op(9, array("H", bytes(4)), READ, 100, 2, 200, None, 1))  # unit 1 answers it
    bus.add(Op(1, array("H", bytes(6)), READ, 100, 3, 400, None, 2))
    loop.spawn("bus", bus.run())
    loop.turn()
    check.locked(cycle, clock, loop)
    assert good.result == OK and bus.counts[0] >= 8 and bus.counts[COUNT_LATE] >= 5, bus.counts
    assert list(good.regs) == [7, 9]


check.run(globals())
