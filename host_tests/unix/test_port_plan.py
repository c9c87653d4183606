# heap: 500k
"""The reading plan of a line at each speed: meter, inverter, a slow block, writes between."""

from array import array

import check
from port import OK, READ, WRITE, Op
from wire import Rig

METER, INVERTER = 200, 1


class Plant:
    """One line with a meter, an inverter, its slow block and a limit that is written at times."""

    def __init__(self, line, turn_ms, write_each_ms=1000, slow_count=30):
        self.rig = rig = Rig(rtu=bool(line), timeout_ms=400, line=line)
        rig.line.delay = turn_ms
        self.meter = rig.op(METER, 200, 26, None, 0)
        self.inverter = rig.op(INVERTER, 200, 12, None, 1)
        self.slow = rig.op(INVERTER, 1000, slow_count, None, 2)
        self.limit = rig.bus.add(Op(INVERTER, array("H", bytes(10)), WRITE, 40, 5))
        self.each = write_each_ms

    def write(self, _):
        self.rig.bus.submit(self.limit)
        self.rig.world.at(self.each, self.write, None)

    def run(self, ms=12000):
        rig = self.rig
        rig.start()
        rig.run(1400)  # questions, first reads
        self.writes = rig.bus.counts[0]
        if self.each:
            rig.world.at(17, self.write, None)
        rig.run(ms)
        assert list(rig.bus.counts[1:6]) == [0] * 5, rig.bus.counts
        return self

    def lateness(self):
        """How long after its tick each reading of the meter went out, the worst first."""
        times = [t for t in self.rig.line.times(METER, 26) if t > 1400]
        return sorted([t % 200 for t in times])[::-1], len(times)


def test_every_speed_from_19200_on_and_tcp_carry_the_whole_plan():
    for line in ((19200, 2, 1), (38400, 2, 1), (57600, 0, 1), (115200, 2, 1), None):
        plant = Plant(line, 5).run()
        assert plant.meter.real_ms in range(195, 206), (line, plant.meter.real_ms)
        assert plant.inverter.real_ms <= 210, (line, plant.inverter.real_ms)
        assert plant.slow.real_ms <= 1300, (line, plant.slow.real_ms)
        late, n = plant.lateness()
        # The meter is late by a write that came first, and no more.
        assert n >= 59 and late[0] <= 40 and late[n // 4] <= 1, (line, late[:8])


def test_9600_keeps_the_meter_on_its_tick():
    plant = Plant((9600, 2, 1), 5).run()
    assert 195 <= plant.meter.real_ms <= 205, plant.meter.real_ms
    assert plant.inverter.real_ms <= 300, plant.inverter.real_ms
    assert plant.slow.real_ms <= 2500, plant.slow.real_ms
    late, n = plant.lateness()
    assert n >= 58 and late[n // 4] <= 60, late


def test_9600_with_slower_devices_reads_the_inverter_each_second_tick():
    plant = Plant((9600, 2, 1), 45, 5000).run()
    assert 195 <= plant.meter.real_ms <= 205, plant.meter.real_ms
    assert 380 <= plant.inverter.real_ms <= 500, plant.inverter.real_ms
    said = [line for line in plant.rig.said if "BUS_PERIOD" in line]
    assert any("unit=1 addr=100 wanted_ms=200" in line for line in said), said
    assert plant.slow.real_ms <= 3000, plant.slow.real_ms


def test_an_inverter_that_takes_300_ms_gets_400_and_leaves_the_meter_its_share():
    for line in ((115200, 2, 1), None):
        plant = Plant(line, 5, 0)
        plant.rig.line.unit_delays = {INVERTER: 310}
        plant.run(20000)
        assert 380 <= plant.inverter.real_ms <= 700, plant.inverter.real_ms
        assert plant.meter.real_ms <= 420, plant.meter.real_ms
        assert plant.slow.real_ms <= 3300, plant.slow.real_ms


def test_a_slow_device_alone_is_read_at_a_multiple_of_its_period():
    for delay, period in ((140, 200), (160, 400), (340, 400), (360, 600), (900, 1000)):
        rig = Rig()
        rig.line.delay = delay
        op = rig.op(period_ms=200)
        rig.start()
        rig.run(20000)
        assert period * 9 // 10 <= op.real_ms <= period + 1, (delay, op.real_ms)
        assert rig.line.times()[-1] % 200 == 0


def test_a_period_that_is_kept_again_is_said():
    rig = Rig()
    rig.line.delay = 500
    rig.op(period_ms=200)
    rig.start()
    rig.run(15000)
    rig.line.delay = 20
    rig.run(20000)
    said = [line for line in rig.said if "BUS_PERIOD" in line]
    real = [int(line.split("real_ms=")[1]) for line in said]
    assert len(real) == 2 and 500 < real[0] <= 600 and 200 <= real[1] < 300, said


def test_writes_that_never_end_starve_no_reading():
    rig = Rig()
    rig.line.delay = 90
    write = rig.bus.add(Op(INVERTER, array("H", bytes(10)), WRITE, 40, 5))

    class Eager:
        n = 0

        def took(self, op, now):
            self.n += 1
            rig.bus.submit(write)

    write.sink = eager = Eager()
    ops = [rig.op(unit, 200, 2, None, rank) for rank, unit in enumerate((METER, INVERTER, 3))]
    rig.start()
    rig.bus.submit(write)
    rig.run(20000)
    assert eager.n > 80
    for op in ops:
        assert op.result == OK and op.real_ms < 800 + 400 * (op.rank > 1), (op.unit, op.real_ms)


def test_between_two_readings_of_a_slow_inverter_there_is_one_other_operation():
    class Readback:
        """Writes, reads back, and again a second later."""

        def __init__(self, rig):
            self.rig = rig
            self.held = 0
            self.op = rig.bus.add(Op(INVERTER, array("H", bytes(10)), WRITE, 40, 5, sink=self))

        def begin(self, _):
            self.op.kind = WRITE
            self.rig.bus.submit(self.op)

        def took(self, op, now):
            if op.kind == WRITE:
                op.kind = READ
                self.rig.bus.submit(op)
            else:
                self.held += 1
                self.rig.world.at(1000, self.begin, None)

    for delay in (300, 450, 600, 700, 900):
        for metered in (0, 1):
            rig = Rig(timeout_ms=2000)
            rig.line.unit_delays = {INVERTER: delay}
            if metered:
                rig.op(METER, 200, 26, None, 0)
            rig.op(INVERTER, 200, 12, None, 1)
            slow = rig.op(INVERTER, 1000, 3, None, 2)
            limit = Readback(rig)
            rig.start()
            limit.begin(None)
            rig.run(40000)
            times = rig.line.times(INVERTER, 12)
            gap = max([b - a for a, b in zip(times, times[1:])])
            # Beside it the meter and the tick that it waits for; else within what is still fresh.
            assert gap <= max(1900, 2 * delay + 60 * metered + 240), (delay, metered, gap)
            assert limit.held >= 40000 // (8 * delay + 1000), (delay, metered, limit.held)
            assert slow.real_ms <= 8 * delay + 1000, (delay, metered, slow.real_ms)


def test_an_overloaded_line_is_shared_in_proportion():
    rig = Rig()
    rig.line.delay = 190
    ops = [rig.op(unit, period, 2, None, unit & 3) for unit, period in
           ((0, 200), (1, 200), (2, 200), (3, 1000), (7, 1000))]
    rig.start()
    rig.run(24000)
    shares = [100 * op.real_ms // op.period_ms for op in ops]
    assert max(shares) <= 600 and min(shares) >= 100, shares
    assert max(op.real_ms for op in ops) < 6000


def test_a_line_that_answers_between_its_losses_is_opened_again_each_second():
    rig = Rig()
    op = rig.op(period_ms=200)
    rig.start()
    for n in range(2, 9):
        rig.run(500)
        assert rig.bus.up() and op.result == OK, n
        rig.lines[-1].ended = True
        rig.run(1100)
        assert len(rig.lines) == n, len(rig.lines)


def test_a_line_on_which_nobody_answers_is_opened_later_and_later():
    rig = Rig()
    rig.op(period_ms=200)
    rig.second_delays = [None] * 1000
    rig.line.delay = None
    rig.start()
    opened = []
    for n in range(400):
        rig.run(1000)
        if rig.bus.counts[9] > len(opened):
            opened.append(n)
    gaps = [b - a for a, b in zip(opened, opened[1:])]
    assert max(gaps) <= 64 and gaps[-1] >= 60 and all([b >= a for a, b in zip(gaps, gaps[1:])]), \
        gaps


check.run(globals())
