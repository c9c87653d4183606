"""The firmware's way from the schedule to the registers, put together as app.py does.

Enters: what the devices do.  Leaves: the parts, as attributes, and what the inverter was told.

    south = South().run(3000)                 # found, written, sighted
    south.allow(4000)                         # the server's default
    assert south.held_w() == south.control.cap_w
"""

from array import array

import registers
from clock import Clock
from config import Config
from control import Control
from der import EXP_LIM_W, GEN_LIM_W, REC_SIZE, Envelope, Ramp, Schedule
from der.record import DURATION, GRAD, MODES, RAMP, START, VALUE
from devices import Devices
from edges import NOW, Flash, Said, World, live
from keep import Keep
from limits import Limits
from loop import Loop
from modbus import Tcp
from plant import Line, Unit
from port import Bus, Op
from sitecontrol import PV, Site
from steered import Steered
from store import Store
from truth import Truth

INVERTER = 1
METER = 200
FLOOR = 1500


def inverter_unit(base=40000, **kw):
    unit = Unit(registers.plant(**kw), base)
    unit.wiggle = unit.at(103, 16)
    return unit


def meter_unit():
    unit = Unit(registers.chain_of(registers.common(), registers.meter(w=0)))
    unit.wiggle = unit.at(203, 16)
    return unit


def battery_unit(*more, serial="B-1", **kw):
    """A battery with an inverter of its own: 10 kW, of which it charges and discharges 5 kW."""
    unit = Unit(registers.chain_of(
        registers.common(serial), registers.inverter(w=0), registers.nameplate(),
        registers.settings(), registers.controls(), registers.storage(**kw), *more))
    unit.wiggle = unit.at(103, 16)
    return unit


class South:
    """Everything from the schedule to the registers; 10 kW, failsafe 1500 W, contract 5000 W.

    inverter: its Unit.  more: (kind, unit id, Unit) of each further device on the line.
    """

    def __init__(self, meter=True, delay=10, others_w=0, inverter=None, more=(), set_clock=True):
        self.world = World()
        self.said = Said()
        self.loop = Loop(self.world, self.world)
        self.clock = Clock(self.world)
        if set_clock:
            self.clock.set_server(NOW, 0)
        self.inverter = inverter or inverter_unit()
        self.meter = meter_unit()
        self.line = Line(self.world, {INVERTER: self.inverter}, delay)
        if meter:
            self.line.units[METER] = self.meter
        for _kind, number, unit in more:
            self.line.units[number] = unit
        if inverter is None:
            self.set(0, 0)
        self.schedule = Schedule(6, 2)
        self.schedule.set_program(0, 1)
        self.flash = Flash(32)
        self.limits = Limits(self.loop, self.clock, self.schedule,
                             Envelope(5000, 10000, FLOOR, FLOOR), [Ramp(0) for _ in range(4)],
                             Keep(Store(self.flash.folder), b"A" * 40))
        self.limits.restore()
        self.loop.every(1000, self.limits)
        conf = self.conf = Config()
        conf.inverter, conf.meter = ("h", 502, INVERTER), ("h", 502, METER)
        conf.meter_sign, conf.uncontrolled_gen_w = 1, others_w
        conf.failsafe_exp_w = FLOOR
        conf.sample_ms = 200
        conf.meter_map = conf.inverter_map = ""
        conf.battery_pv = conf.per_phase = 0
        conf.inverter_w = 0
        self.gate = self.loop.flag()
        self.bus = Bus(self.loop, Tcp(), self.line.connect, 300, "line")
        self.site = Site(4, others_w)
        self.fleet = [Steered(self.loop, Op, kind, self.bus, number) for kind, number, _unit in
                      ((PV, INVERTER, None),) + tuple(more)]
        self.steered = self.fleet[0]
        self.truth = Truth()
        self.control = Control(self.loop, Devices(self.loop, Op, 20, 0), Op, self.site,
                               self.limits, self.truth, self.fleet, self.bus, conf, self.gate)
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

    def prove(self):
        """As if the meter had been seen to count the right way."""
        while self.control.meter is None:
            self.run(100)
        self.control._sense.way = 1
        return self

    def allow(self, exp_w, gen_w=None, **modes):
        """The server's default is that, and its tree was read; modes: more, as m8=1000."""
        rec = array("i", bytes(4 * REC_SIZE))
        rec[RAMP] = rec[GRAD] = -1
        rec[MODES], rec[VALUE + EXP_LIM_W] = 1 << EXP_LIM_W, exp_w
        if gen_w is not None:
            rec[MODES] |= 1 << GEN_LIM_W
            rec[VALUE + GEN_LIM_W] = gen_w
        for name, value in modes.items():
            mode = int(name[1:])
            rec[MODES] |= 1 << mode
            rec[VALUE + mode] = value
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

    def obeyed(self, mode=EXP_LIM_W):
        """True when control saw that mode obeyed since the envelope last changed."""
        return bool(self.limits.obeyed >> mode & 1)
