# heap: 180k
"""A Modbus line whose wire, device and time are moved by the test: no real time passes."""

from array import array

import check
import log
from loop import Cancelled, Loop
from modbus import Rtu, Tcp
from port import (
    BROKEN,
    COUNT_LATE,
    INVALID,
    LOST,
    OK,
    PENDING,
    READ,
    TIMEOUT,
    WRITE,
    WRITE1,
    Bus,
    Op,
)
from wire import WRAP, Bare, Rig, Still, Took, crc


def test_a_periodic_op_goes_out_on_its_grid():
    rig = Rig()
    rig.world.t = 13  # the loop's own steps are off the plan's grid
    op = rig.op(period_ms=200)
    rig.start()
    rig.run(1000)
    assert rig.line.times() == [13, 213, 413, 613, 813, 1013], rig.line.times()
    assert op.result == OK and op.at == 843 and list(op.regs) == [5, 5]
    assert list(rig.bus.counts) == [5, 0, 0, 0, 0, 0, 0, 0, 0, 1] and rig.bus.slowest_ms == 30
    assert op.real_ms == 200


def test_a_chain_goes_out_as_soon_as_the_answer_before_has_come():
    rig = Rig()
    rig.op(200, 200)
    rig.op(1, 200)
    rig.start()
    rig.run(500)
    assert rig.line.times(200) == [0, 200, 400]
    assert rig.line.times(1) == [30, 230, 430]


def test_a_submitted_op_goes_at_once_when_the_line_is_idle():
    rig = Rig()
    rig.op(200, 200)
    took = Took()
    write = rig.bus.add(Op(1, array("H", (9, 2500, 1)), WRITE, 40, 2, 0, took))
    write.start = 1
    rig.start()
    rig.run(77)
    assert rig.bus.submit(write) and write.result == PENDING
    assert rig.line.requests[-1] == [77, 1, 16, bytes.fromhex("00280002 04 09c40001".replace(
        " ", ""))]
    rig.run(100)
    assert took.ends == [(OK, 9, 107)]
    rig.run(100)
    assert rig.line.times(200) == [0, 200]


def test_a_submitted_op_goes_before_what_is_due():
    rig = Rig()
    rig.op(200, 200)
    rig.op(2, 200)
    one = rig.bus.add(Op(1, array("H", (7,)), WRITE1, 40, 1))
    rig.start()
    rig.world.at(10, rig.bus.submit, one)
    rig.run(150)
    assert [r[:3] for r in rig.line.requests] == [[0, 200, 3], [30, 1, 6], [60, 2, 3]]
    assert rig.line.requests[1][3] == b"\0\x28\0\7" and one.result == OK


def test_an_op_submitted_while_it_is_outstanding_is_sent_again():
    rig = Rig()
    one = rig.bus.add(Op(1, array("H", (7,)), WRITE1, 40, 1))
    rig.start()
    rig.bus.submit(one)
    one.regs[0] = 8
    rig.bus.submit(one)
    rig.run(100)
    assert [r[3][-1] for r in rig.line.requests] == [7, 8]
    assert rig.line.times() == [0, 30]


def test_a_sink_may_submit_the_next_op():
    rig = Rig()
    write = rig.bus.add(Op(1, array("H", (7,)), WRITE1, 40, 1))

    class Control:
        def took(self, op, now):
            rig.bus.submit(write)

    rig.op(200, 200, sink=Control())
    rig.op(3, 200)
    rig.start()
    rig.run(250)
    assert [r[:2] for r in rig.line.requests] == [
        [0, 200], [30, 1], [60, 3], [200, 200], [230, 1]]


def test_a_slow_device_costs_slots_and_starves_no_op():
    rig = Rig()
    rig.line.delay = 290
    rig.op(200, 200)
    rig.op(1, 200)
    rig.op(2, 1000)
    rig.start()
    rig.run(6000)
    assert min(len(rig.line.times(u)) for u in (200, 1)) >= 7
    assert len(rig.line.times(2)) >= 5
    rig.line.delay = 30
    rig.run(1000)
    before = len(rig.line.requests)
    rig.run(1000)
    late = [r[0] % 200 for r in rig.line.requests[before:] if r[1] == 200]
    assert late == [0] * 5, late  # the phase was never lost


def test_an_exception_is_an_answer():
    rig = Rig()
    rig.line.spoil = lambda answer: answer[:4] + b"\0\3" + answer[6:7] + b"\x83\x0b"
    op = rig.op(period_ms=200)
    rig.start()
    rig.run(900)
    assert op.result == 11 and op.failures == 5 and op.at == 0
    assert list(rig.bus.counts[:6]) == [0, 5, 0, 0, 0, 0] and rig.bus.up()


def test_time_outs_are_counted_and_the_third_in_a_row_closes_the_line():
    rig = Rig()
    took = Took()
    op = rig.op(period_ms=200, sink=took)
    rig.line.delays = [30, None, None, 30, None, None, None]
    rig.start()
    rig.run(9000)
    assert [e[0] for e in took.ends[:7]] == [OK, TIMEOUT, TIMEOUT, OK, TIMEOUT, TIMEOUT, TIMEOUT]
    assert rig.line.closed and len(rig.lines) == 2
    assert len(rig.line.requests) == 7
    assert op.result == OK and op.failures == 0  # on the second line
    assert rig.bus.counts[2] == 5 and rig.bus.up()
    assert any("BUS_DOWN" in line for line in rig.said)


def test_a_new_line_begins_its_count_of_time_outs_anew():
    rig = Rig()
    op = rig.op(period_ms=200)
    rig.line.delay = None
    rig.start()
    rig.second_delays = [None, None, 30]
    rig.run(3300)
    assert not rig.bus.up() and op.failures == 3
    rig.run(6000)
    assert rig.bus.up() and len(rig.lines) == 2 and op.result == OK


def test_a_sink_that_submits_leaves_the_rest_of_a_chunk_in_order():
    rig = Rig()
    write = rig.bus.add(Op(1, array("H", (7,)), WRITE1, 40, 1))
    took = Took()

    class Control(Took):
        def took(self, op, now):
            Took.took(self, op, now)
            rig.bus.submit(write)

    rig.op(period_ms=200, sink=Control())
    write.sink = took
    late = bytes.fromhex("ffff00000007010304 00090009".replace(" ", ""))
    rig.line.spoil = lambda answer: answer + 40 * late  # twice what is read at a time
    rig.start()
    rig.run(150)
    assert took.ends == [(OK, 7, 60)] and rig.bus.up() and len(rig.lines) == 1


def test_a_late_answer_over_tcp_is_passed_over():
    rig = Rig()
    took = Took()
    rig.op(period_ms=200, sink=took)
    rig.line.delays = [1100, 300, 30]
    rig.start()
    rig.run(1500)
    assert rig.line.times()[:2] == [0, 1000]  # the late one comes at 1100, the next one's at 1300
    assert took.ends[:2] == [(TIMEOUT, 0, 1000), (OK, 2, 1300)], took.ends


def test_a_truncated_answer_is_broken_at_the_deadline():
    for rtu in (False, True):
        rig = Rig(rtu=rtu)
        rig.line.spoil = lambda answer: answer[:-1]
        op = rig.op(period_ms=3000)
        rig.start()
        rig.run(50 * rtu + 999)
        assert op.result == PENDING
        rig.run(2)
        assert op.result == BROKEN and rig.bus.counts[3] == 1


def test_a_stream_out_of_step_is_closed():
    rig = Rig()
    rig.line.spoil = lambda answer: b"\0\0\x12\x34" + answer
    op = rig.op(period_ms=500)
    rig.start()
    rig.run(40)
    assert rig.line.closed and op.result == BROKEN and not rig.bus.up()


def test_bytes_that_nobody_asked_for_are_taken_away():
    for rtu in (False, True):
        rig = Rig(rtu=rtu)
        op = rig.op(period_ms=200)
        rig.start()
        rig.run(150)
        rig.line.come(bytes.fromhex("000100000007010304 00090009".replace(" ", "")))
        rig.run(30)
        assert rig.line.rx == b"" and rig.bus.counts[COUNT_LATE] == 1
        rig.run(100)
        assert op.result == OK and op.regs[0] == len(rig.line.requests) == 2 + rtu


def test_the_end_of_an_idle_line_is_noticed_at_once():
    rig = Rig()
    rig.op(period_ms=10000)
    rig.start()
    rig.world.at(500, rig.line.end, None)
    rig.run(501)
    assert rig.line.closed and not rig.bus.up()
    rig.run(2000)
    assert rig.bus.up() and len(rig.lines) == 2


def test_a_lost_line_fails_what_is_outstanding_and_what_is_wanted():
    rig = Rig()
    took = Took()
    rig.op(1, 200, sink=took)
    one = rig.bus.add(Op(1, array("H", (7,)), WRITE1, 40, 1, 0, took))
    rig.line.delay = None
    rig.start()
    rig.bus.submit(one)
    rig.line.end(None)
    rig.refuse = True
    rig.run(10)
    assert [e[0] for e in took.ends] == [LOST, LOST] and rig.bus.counts[4] == 2
    assert not rig.bus.submit(one) and one.result == LOST
    rig.run(6000)
    rig.refuse = False
    rig.run(3000)
    assert rig.bus.up()
    assert [r[2] for r in rig.lines[-1].requests].count(6) == 0  # an old write is not sent late


def test_a_line_that_takes_no_bytes_is_dead():
    rig = Rig()
    rig.line.writable = False
    op = rig.op(period_ms=200)
    rig.loop.supervise("bus", rig.bus.run)
    rig.run(1)
    assert rig.line.closed and op.result == LOST and not rig.bus.up()


def test_an_op_that_no_frame_can_carry_is_not_sent():
    rig = Rig()
    good = rig.op(1, 200)
    bad = rig.bus.add(Op(1, array("H", bytes(8)), READ, 65530, 100))
    rig.start()
    rig.run(50)
    for op in (bad, Op(1, array("H"), WRITE1, 0, 1), Op(1, array("H", bytes(4)), READ, 0, 3),
               Op(300, array("H", bytes(4)), READ, 0, 1), Op(1, array("H"), WRITE, 0, 1)):
        rig.bus.add(op)
        assert rig.bus.submit(op)
        assert op.result == INVALID
    rig.run(400)
    assert len(rig.line.requests) == 3 and good.result == OK and rig.bus.counts[5] == 5


def test_a_silent_device_leaves_its_slots_to_the_others():
    rig = Rig(timeout_ms=500)
    meter = Took()
    rig.op(200, 200, sink=meter)
    rig.op(1, 200)
    answer = rig.line.write

    def write(buf, n):
        rig.line.delay = None if buf[6] == 1 else 30  # unit 1 sleeps
        return answer(buf, n)

    rig.line.write = write
    rig.start()
    rig.run(5000)
    meter.ends.clear()
    rig.run(10000)
    assert rig.bus.up() and len(rig.lines) == 1
    assert len(meter.ends) >= 35, len(meter.ends)
    assert 3 <= len([t for t in rig.line.times(1) if t > 5000]) <= 6
    gaps = [b[2] - a[2] for a, b in zip(meter.ends, meter.ends[1:])]
    assert max(gaps) <= 800, gaps


def test_do_gives_the_result_to_a_task():
    rig = Rig()
    op = Op(1, array("H", bytes(4)), READ, 100, 2)
    seen = []

    async def task():
        seen.append(await rig.bus.do(op, rig.loop.after(500)))
        seen.append((rig.world.t, list(op.regs)))
        seen.append(await rig.bus.do(op, rig.loop.after(500)))

    rig.start()
    rig.loop.spawn("task", task())
    rig.run(100)
    assert seen == [OK, (30, [1, 1]), OK], seen
    assert rig.line.times() == [0, 30]
    rig.run(1000)
    assert len(rig.line.requests) == 2  # it is in the plan no more


def test_do_ends_at_its_deadline_and_the_answer_comes_for_nobody():
    for rtu in (False, True):
        rig = Rig(rtu=rtu)
        op = Op(1, array("H", bytes(4)), READ, 100, 2)
        other = rig.op(2, 10000)
        seen = []

        async def task():
            seen.append(await rig.bus.do(op, rig.loop.after(200)))
            seen.append(rig.world.t)

        rig.start()
        rig.run(100)
        rig.line.delays = [300]
        rig.loop.spawn("task", task())
        rig.run(210)
        assert seen == [TIMEOUT, 300], seen
        rig.run(2000)
        assert list(op.regs) == [0, 0] and rig.bus.up() and other.result == OK


def test_do_waits_for_a_line_and_says_lost_when_there_is_none():
    rig = Rig()
    op = Op(1, array("H", bytes(4)), READ, 100, 2)
    seen = []

    async def task():
        seen.append(await rig.bus.do(op, rig.loop.after(300)))
        seen.append(await rig.bus.do(op, rig.loop.after(3000)))

    rig.refuse = True
    rig.loop.spawn("task", task())
    rig.loop.supervise("bus", rig.bus.run)
    rig.run(400)
    assert seen == [LOST]
    rig.refuse = False
    rig.run(2000)
    assert seen == [LOST, OK]


def test_a_cancelled_do_leaves_nothing_behind():
    rig = Rig()
    op = Op(1, array("H", bytes(4)), READ, 100, 2)
    ended = []

    async def task():
        try:
            await rig.bus.do(op, rig.loop.after(500))
        except Cancelled:
            ended.append(1)
            raise

    rig.start()
    done = rig.loop.spawn("task", task())
    rig.run(10)
    rig.loop.cancel(done)
    later = rig.op(2, 200)
    rig.run(100)
    assert ended == [1] and list(op.regs) == [0, 0] and later.result == OK


def test_an_answer_found_after_its_deadline_counts_from_the_request():
    rig = Rig()
    op = rig.op(period_ms=3000)
    rig.start()
    rig.world.t = 2500  # a handshake held the loop
    rig.line.come(rig.line.answer(b"\0\1\0\0", b"\1\3\0\x64\0\2"))
    rig.bus.step(2500)
    assert op.result == OK and op.at == 0


def test_the_plan_runs_across_the_wrap_of_the_ticks():
    rig = Rig(start=WRAP - 500)
    op = rig.op(period_ms=200)
    rig.start()
    rig.run(1000)
    assert rig.line.times() == [WRAP - 500, WRAP - 300, WRAP - 100, 100, 300, 500]
    assert op.at == 330


class Count:
    def __init__(self, bus):
        self.bus = bus
        self.write = None
        self.n = 0

    def took(self, op, now):
        self.n += 1
        if op is not self.write:
            self.bus.submit(self.write)


def cycle(clock, loop):
    for t in range(0, 2000, 50):
        clock.t = t
        loop._run_steps(t)
        loop._run_steps(t)
        loop._run_steps(t)
        loop._run_steps(t)


def test_a_whole_cycle_does_not_allocate():
    for codec, rtu in ((Tcp(), False), (Rtu(), True)):
        clock = Still()
        loop = Loop(clock, clock)
        log.setup(None, lambda text: None)
        stream = Bare(rtu)

        async def connect(deadline):
            return stream

        bus = Bus(loop, codec, connect, 1000, "bare")
        sink = Count(bus)
        read = bus.add(Op(1, array("H", bytes(4)), READ, 100, 2, 200, sink))
        sink.write = bus.add(Op(1, array("H", (7,)), WRITE1, 40, 1, 0, sink))
        loop.spawn("bus", bus.run())
        loop.turn()
        assert bus.up()
        check.locked(cycle, clock, loop)
        assert list(read.regs) == [7, 9] and sink.n == bus.counts[0] == 20, sink.n


def test_a_time_out_and_an_exception_do_not_allocate():
    clock = Still()
    loop = Loop(clock, clock)
    log.setup(None, lambda text: None)
    stream = Bare(True)
    stream.refuses = b"\1\x83\2" + crc(b"\1\x83\2")

    async def connect(deadline):
        return stream

    bus = Bus(loop, Rtu(), connect, 100, "bare")
    bus.add(Op(1, array("H", bytes(4)), READ, 100, 2, 200))
    quiet = bus.add(Op(1, array("H", bytes(4)), WRITE1, 40, 1, 600))  # 0 is not its echo: BROKEN
    loop.spawn("bus", bus.run())
    loop.turn()
    stream.n = 0
    check.locked(cycle, clock, loop)
    assert bus.counts[1] > 3 and bus.counts[3] + bus.counts[2] >= 3 and quiet.result < 0


check.run(globals())
