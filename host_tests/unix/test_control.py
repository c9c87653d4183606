# heap: 512k
"""The limit in the inverter, on a line in memory: when it is written, held, and said to be obeyed."""

from array import array

import check
import registers
from clock import Clock
from config import Config
from control import Control
from der import EXP_LIM_W, GEN_LIM_W, REC_SIZE, Envelope, Schedule
from der.record import DURATION, GRAD, MODES, RAMP, START, VALUE
from devices import Devices
from edges import NOW, Flash, Said, World, live
from keep import Keep
from limits import Limits
from loop import Loop
from modbus import Tcp
from plant import Line, Unit
from port import Bus, Op
from sitecontrol import STALE, TRACKING, Controller
from store import Store

_INVERTER = 1
_METER = 200
_FLOOR = 1500
_LATE = 60  # ms from the step that decides to the write on the line


def inverter_unit(base=40000, **kw):
    unit = Unit(registers.plant(**kw), base)
    unit.wiggle = unit.at(103, 16)
    return unit


def meter_unit():
    unit = Unit(registers.chain_of(registers.common(), registers.meter(w=0)))
    unit.wiggle = unit.at(203, 16)
    return unit


class Rig:
    """Everything from the schedule to the registers; 10 kW, failsafe 1500 W, contract 5000 W."""

    def __init__(self, meter=True, delay=10, inverter=None, others_w=0):
        self.world = World()
        self.said = Said()
        self.loop = Loop(self.world, self.world)
        self.clock = Clock(self.world)
        self.clock.set_server(NOW, 0)
        self.inverter = inverter or inverter_unit()
        self.meter = meter_unit()
        self.line = Line(self.world, {_INVERTER: self.inverter}, delay)
        if meter:
            self.line.units[_METER] = self.meter
        self.set(0, 0)
        self.schedule = Schedule(6, 2)
        self.schedule.set_program(0, 1)
        self.limits = Limits(self.loop, self.clock, self.schedule,
                             Envelope(5000, 10000, _FLOOR, _FLOOR),
                             Keep(Store(Flash(16).folder)))
        self.limits.restore()
        self.loop.every(1000, self.limits)
        conf = Config()
        conf.inverter, conf.meter = ("h", 502, _INVERTER), ("h", 502, _METER)
        conf.meter_sign, conf.uncontrolled_gen_w = 1, others_w
        self.gate = self.loop.flag()
        self.bus = Bus(self.loop, Tcp(), self.line.connect, 300, "line")
        self.control = Control(self.loop, Devices(self.loop, Op, 20), Op, Controller, self.limits,
                               (self.bus, self.bus), conf, self.gate)
        self.loop.supervise("line", self.bus.run)
        self.loop.every(200, self.control)
        self.loop.supervise("control", self.control.run)

    def run(self, ms):
        live(self.world, self.loop, ms)
        return self

    def set(self, pv_w, load_w):
        """What the inverter makes and what the house takes."""
        self.inverter.put(self.inverter.at(103, 14), pv_w)
        self.meter.put(self.meter.at(203, 18), load_w - pv_w)

    def allow(self, exp_w, gen_w=None):
        """The server's default is that, and its tree was read."""
        rec = array("i", bytes(4 * REC_SIZE))
        rec[RAMP] = rec[GRAD] = -1
        rec[MODES], rec[VALUE + EXP_LIM_W] = 1 << EXP_LIM_W, exp_w
        if gen_w is not None:
            rec[MODES] |= 1 << GEN_LIM_W
            rec[VALUE + GEN_LIM_W] = gen_w
        self.schedule.set_default(0, rec)
        self.limits.complete = True
        self.limits.step(self.world.t)

    def event(self, exp_w, start_in_s, duration):
        """A control of the server's."""
        rec = array("i", bytes(4 * REC_SIZE))
        rec[START], rec[DURATION], rec[RAMP] = self.clock.now() + start_in_s, duration, -1
        rec[MODES], rec[VALUE + EXP_LIM_W] = 1 << EXP_LIM_W, exp_w
        self.schedule.begin(0)
        self.schedule.put(0, bytes([start_in_s]) + bytes(15) + b"\2\0\0\0\0", rec, 0,
                          self.clock.now(), 0, 0)

    def held_w(self):
        """What the register allows, in W of 10 kW; ABSENT where it is not enabled."""
        enabled = self.inverter.get(self.inverter.at(123, 9))
        return self.inverter.get(self.inverter.at(123, 5)) if enabled else -1

    def written(self):
        """[ticks, W] of each write."""
        return [[t, w] for t, _, w in self.inverter.written()]

    def obeyed(self):
        return self.limits.obeyed == self.limits.version


# -- what is written, and when ------------------------------------------------


def test_the_limit_is_first_written_blind_at_the_floor():
    rig = Rig(meter=False).run(3000)
    assert rig.inverter.written() == [[rig.written()[0][0], rig.inverter.at(123, 5), _FLOOR]]
    assert rig.written()[0][0] < 1500
    block = [rig.inverter.get(rig.inverter.at(123, i)) for i in range(5, 10)]
    assert block == [_FLOOR, 0, 0, 0, 1]  # no window, no reversion, no ramp, enabled
    assert rig.gate.up and rig.control.cap_w == _FLOOR and rig.limits.wmax_w == 10000
    assert rig.control._law.state == STALE
    rig.run(3000)
    assert rig.said.count("LIMIT_TAKEN", "cap_w=1500") == 1 and rig.said.count("BLIND") == 1


def test_generation_that_nobody_steers_comes_off_the_blind_limit():
    rig = Rig(meter=False, others_w=600).run(3000)
    assert rig.held_w() == 900


def test_the_gate_stays_down_while_no_limit_stands():
    rig = Rig(meter=False)
    rig.inverter.forgets = True
    rig.run(5000)
    assert rig.inverter.writes and not rig.gate.up


def test_a_cut_is_written_at_once_and_a_raise_once_a_second():
    rig = Rig(meter=False).run(3000)
    rig.allow(5000)
    rig.run(1500)
    assert rig.held_w() == 5000
    rig.allow(6000)
    rig.run(1200)
    rig.allow(7000)  # 1.2 s after the last raise at most
    rig.run(1000)
    at = [t for t, w in rig.written() if w > _FLOOR]
    assert [w for t, w in rig.written()] == [1500, 5000, 6000, 7000]
    assert min(b - a for a, b in zip(at, at[1:])) >= 1000, at
    rig.allow(2000)
    begun = rig.world.t
    rig.run(1000)
    at, w = rig.written()[-1]
    assert w == 2000 and at - begun <= 200 + _LATE, (at, begun)
    rig.allow(4000)  # after a cut, a raise need not wait: the last one was long ago
    rig.run(300)
    assert rig.held_w() == 4000
    rig.allow(3000)
    begun = rig.world.t
    rig.run(400)
    assert rig.held_w() == 3000 and rig.written()[-1][0] - begun <= 200 + _LATE


def test_a_raise_within_the_second_waits_for_its_end():
    rig = Rig(meter=False).run(3000)
    rig.allow(4000)
    rig.run(300)
    rig.allow(5000)
    rig.run(2000)
    (a, _), (b, _) = rig.written()[-2:]
    assert 1000 <= b - a <= 1250 and rig.held_w() == 5000


def test_a_limit_that_stands_is_written_again_each_minute():
    rig = Rig(meter=False).run(3000)
    assert rig.inverter.writes == 1 and rig.control.heartbeats == 0
    rig.run(200000)
    at = [t for t, _ in rig.written()]
    assert [w for _, w in rig.written()] == [_FLOOR] * 4, rig.written()
    assert rig.control.heartbeats == 3
    for a, b in zip(at, at[1:]):
        assert 60000 <= b - a <= 60500, at


# -- what was not taken ---------------------------------------------------------


def test_a_readback_that_differs_is_retried_each_second_and_does_not_stand():
    rig = Rig(meter=False)
    rig.inverter.forgets = True
    rig.run(10000)
    at = [t for t, _ in rig.written()]
    assert 8 <= len(at) <= 11, at
    for a, b in zip(at, at[1:]):
        assert 1000 <= b - a <= 1300, at
    assert not rig.control._stands and not rig.obeyed()
    assert rig.said.count("LIMIT_NOT_TAKEN", "result=6", "target_w=1500") == 1
    rig.inverter.forgets = False
    rig.run(6000)
    assert rig.held_w() == _FLOOR and rig.said.count("LIMIT_TAKEN") == 1 and rig.gate.up
    count = rig.inverter.writes
    rig.run(10000)
    assert rig.inverter.writes == count


def test_a_cut_does_not_wait_for_the_retry():
    rig = Rig(meter=False).run(3000)
    rig.allow(5000)
    rig.run(1500)
    rig.inverter.forgets = True
    rig.allow(4000)
    rig.run(500)
    rig.allow(1000)
    begun = rig.world.t
    rig.run(500)
    assert rig.written()[-1][1] == 1000 and rig.written()[-1][0] - begun <= 200 + _LATE


def test_a_device_that_was_silent_is_written_to_again():
    rig = Rig().run(4000)
    writes = rig.inverter.writes
    rig.inverter.silent = True
    rig.run(7000)
    assert rig.control._inverter_op.failures >= 5 and not rig.control._stands
    rig.inverter.put(rig.inverter.at(123, 9), 0)  # restarted: it has forgotten its limit
    rig.inverter.silent = False
    rig.run(12000)
    assert rig.inverter.writes > writes and rig.held_w() == rig.control.cap_w
    assert rig.control._stands


def test_a_line_that_is_down_keeps_nothing_waiting():
    rig = Rig().run(4000)
    rig.line.refuse = True
    rig.inverter.silent = rig.meter.silent = True
    rig.run(20000)
    assert rig.control._law.state == STALE and not rig.control._stands
    rig.line.refuse = rig.inverter.silent = rig.meter.silent = False
    rig.run(70000)
    assert rig.control._stands and rig.control._law.state == TRACKING


def test_an_inverter_that_is_not_there_at_first_is_searched_for():
    rig = Rig()
    rig.inverter.silent = True
    rig.run(20000)
    assert rig.said.count("INVERTER_SILENT") >= 1 and rig.limits.wmax_w == 0
    rig.inverter.silent = False
    rig.run(70000)
    assert rig.held_w() == rig.control.cap_w and rig.gate.up


def test_a_device_whose_map_has_moved_is_walked_again_and_written_anew():
    rig = Rig().run(4000)
    rig.inverter.silent = True
    rig.run(9000)
    other = inverter_unit()
    longer = registers.chain_of(
        registers.common(), registers.model(160, 20, {}), registers.inverter(w=0),
        registers.nameplate(), registers.settings(), registers.controls())
    moved = Unit(longer)
    moved.wiggle = moved.at(103, 16)
    assert moved.at(123, 5) != other.at(123, 5)
    rig.line.units[_INVERTER] = rig.inverter = moved
    rig.run(20000)
    assert rig.said.count("INVERTER_MOVED") == 1, rig.said.lines
    assert rig.held_w() == rig.control.cap_w and rig.control._stands
    rig.allow(3000)
    rig.run(8000)
    assert 2900 <= rig.held_w() == rig.control.cap_w


def test_a_moved_device_that_goes_away_again_is_searched_for_until_it_is_found():
    rig = Rig().run(4000)
    rig.inverter.silent = True
    rig.run(9000)
    moved = Unit(registers.chain_of(
        registers.common(), registers.model(160, 20, {}), registers.inverter(w=0),
        registers.nameplate(), registers.settings(), registers.controls()))
    moved.wiggle = moved.at(103, 16)
    rig.line.units[_INVERTER] = rig.inverter = moved
    for _ in range(300):
        rig.run(100)
        if rig.said.count("INVERTER_MOVED"):
            break
    moved.silent = True
    rig.run(30000)
    assert rig.held_w() == -1
    moved.silent = False
    rig.run(80000)
    assert rig.held_w() == rig.control.cap_w and rig.control._stands
    assert [a for _, a, _ in moved.written() if a != moved.at(123, 5)] == []


# -- sight ----------------------------------------------------------------------


def test_with_a_meter_the_load_of_the_house_adds_to_the_limit():
    rig = Rig()
    rig.set(1500, 3000)
    rig.run(8000)
    assert rig.control._law.state == TRACKING and rig.said.count("SIGHTED") == 1
    assert rig.control.site_w == 1500 and rig.control.pv_w == 1500
    assert 4300 <= rig.control.cap_w <= 4500 and rig.held_w() == rig.control.cap_w
    rig.set(4400, 0)
    begun = rig.world.t
    rig.run(1000)
    assert rig.held_w() <= _FLOOR
    first = [t for t, w in rig.written() if t > begun and w <= _FLOOR][0]
    assert first - begun <= 400 + _LATE, first - begun


def test_a_frozen_meter_is_no_sight():
    rig = Rig()
    rig.set(1500, 3000)
    rig.run(8000)
    assert rig.held_w() > 4000
    rig.meter.wiggle = None
    begun = rig.world.t
    while rig.control._law.state == TRACKING:
        rig.run(200)
        assert rig.world.t - begun < 7000
    assert rig.world.t - begun >= 4800
    rig.run(2000)
    assert rig.held_w() == _FLOOR and rig.said.count("BLIND", "cap_w=1500") >= 1
    rig.meter.wiggle = rig.meter.at(203, 16)
    rig.run(3000)
    assert rig.control._law.state == TRACKING


def test_a_meter_that_goes_silent_is_no_sight_after_two_seconds():
    rig = Rig()
    rig.set(1500, 3000)
    rig.run(8000)
    rig.meter.silent = True
    begun = rig.world.t
    while rig.control._law.state == TRACKING:
        rig.run(100)
    assert 1900 <= rig.world.t - begun <= 2700
    rig.run(10000)
    assert rig.held_w() == _FLOOR


# -- obeyed -----------------------------------------------------------------------


def test_obeyed_is_said_after_five_good_runs_with_the_limit_standing():
    rig = Rig().run(6000)
    assert rig.obeyed()
    rig.set(1000, 0)
    rig.run(1000)
    rig.allow(2000)
    begun = rig.world.t
    version = rig.limits.version
    while not rig.obeyed():
        rig.run(20)
        assert rig.world.t - begun < 3000
    assert rig.limits.obeyed == version and 800 <= rig.world.t - begun <= 1500


def test_power_above_the_limit_is_not_obeyed():
    for meter in (True, False):
        rig = Rig(meter=meter).run(6000)
        rig.set(1800, 0)
        rig.run(1000)
        rig.allow(1200)
        rig.run(8000)
        assert not rig.obeyed(), meter
        rig.set(1150, 0)
        rig.run(2000)
        assert rig.obeyed(), meter


def test_a_limit_that_does_not_stand_is_not_obeyed():
    rig = Rig().run(6000)
    rig.inverter.forgets = True
    rig.allow(1000)
    rig.run(8000)
    assert not rig.obeyed()  # the house makes nothing, and yet
    rig.inverter.forgets = False
    rig.run(3000)
    assert rig.obeyed()


def test_power_that_is_not_known_is_not_obeyed():
    rig = Rig(meter=False)
    rig.inverter.put(rig.inverter.at(103, 14), 0x8000)
    rig.run(8000)
    assert rig.held_w() == _FLOOR and not rig.obeyed()


def test_a_generation_limit_is_held_and_judged_too():
    rig = Rig()
    rig.set(3000, 8000)
    rig.run(6000)
    rig.allow(5000, 2000)
    rig.run(3000)
    assert rig.held_w() == 2000 and not rig.obeyed()
    rig.set(2000, 8000)
    rig.run(2000)
    assert rig.obeyed()


# -- the end ------------------------------------------------------------------------


def park(rig, ms=3000):
    """Stop as app does; returns what it left, and parked."""
    rig.limits.complete = False
    rig.schedule.drop_program(0)
    rig.limits.step(rig.world.t)
    rig.loop.spawn("park", rig.control.park(rig.loop.after(ms)))
    begun = rig.world.t
    while rig.control.parked < 0:
        rig.loop.turn()
        assert rig.world.t - begun <= ms + 2000
    return rig.held_w(), rig.control.parked


def test_parking_leaves_the_floor_whatever_the_meter_shows():
    rig = Rig()
    rig.set(4000, 3500)
    rig.run(6000)
    rig.allow(5000)
    rig.run(8000)
    assert rig.held_w() > 5000
    assert park(rig) == (_FLOOR, 1)
    rig.run(2000)
    assert rig.held_w() == _FLOOR  # and no sample lifts it again


def test_parking_without_an_inverter_says_that_nothing_was_written():
    rig = Rig()
    rig.inverter.silent = True
    rig.run(3000)
    assert park(rig)[1] == 0
    rig = Rig().run(4000)
    rig.allow(5000)
    rig.run(3000)
    rig.inverter.silent = True
    assert park(rig)[1] == 0 and rig.held_w() > _FLOOR


def test_parking_does_not_take_a_raise_under_way_for_the_floor():
    for ms in range(190, 500, 5):
        rig = Rig(meter=False, delay=40).run(3000)
        rig.allow(5000)
        rig.run(ms)
        held, parked = park(rig)
        assert (held, parked) == (_FLOOR, 1), ms


def test_parking_does_not_trust_what_the_device_held_before_a_lost_answer():
    rig = Rig(meter=False).run(3000)
    rig.allow(5000)
    while rig.inverter.writes < 2:
        rig.run(10)
    rig.inverter.silent = True  # the raise has arrived, its answer has not
    rig.run(500)
    assert rig.held_w() == 5000
    assert park(rig)[1] == 0
    rig = Rig(meter=False).run(3000)
    rig.allow(5000)
    while rig.inverter.writes < 2:
        rig.run(10)
    rig.inverter.silent = True
    rig.run(500)
    rig.inverter.silent = False
    assert park(rig) == (_FLOOR, 1)


# -- memory ---------------------------------------------------------------------------


def test_the_200_ms_path_does_not_allocate():
    rig = Rig()
    rig.set(1500, 3000)
    rig.run(8000)
    rig.allow(4000)
    rig.run(3000)
    rig.event(500, 3, 4)
    rig.event(2500, 12, 4)
    writes, beats = rig.inverter.writes, rig.control.heartbeats
    world, bus, control, limits = rig.world, rig.bus, rig.control, rig.limits
    world.t -= world.t % 10

    def drive():
        end = world.t + 100000
        while world.t < end:
            world.t += 10
            bus.step(world.t)
            if world.t % 200 == 0:
                control.step(world.t)
            if world.t % 1000 == 0:
                limits.step(world.t)

    check.locked(drive)
    assert rig.inverter.writes > writes + 5 and control.heartbeats > beats
    assert min(w for _, w in rig.written()) < 3600 and rig.obeyed()
    assert control._law.state == TRACKING


def test_the_path_does_not_allocate_when_nothing_answers():
    rig = Rig().run(6000)
    world, bus, control = rig.world, rig.bus, rig.control
    rig.inverter.forgets = True
    rig.allow(200)

    def drive():
        end = world.t + 4000
        while world.t < end:
            world.t += 10
            bus.step(world.t)
            if world.t % 200 == 0:
                control.step(world.t)

    check.locked(drive)
    rig.inverter.silent = rig.meter.silent = True
    check.locked(drive)
    assert control._law.state == STALE and not control._stands


check.run(globals())
