# heap: 384k
"""Finding inverter and meter on a line in memory, and the causes that the log names."""

import check
import registers
from config import Config
from devices import Devices
from edges import Said, World, live, run
from loop import Loop
from modbus import Tcp
from plant import Line, Unit
from port import Bus, Op
from sitecontrol import PV


class Rig:
    """A line with those units; the bus is up."""

    def __init__(self, units, models=20):
        self.world = World()
        self.said = Said()
        self.loop = Loop(self.world, self.world)
        self.line = Line(self.world, units)
        self.bus = Bus(self.loop, Tcp(), self.line.connect, 300, "roof")
        self.devices = Devices(self.loop, Op, models, 0)
        self.loop.supervise("roof", self.bus.run)
        live(self.world, self.loop, 100)

    def inverter(self, unit=1, kind=PV, mapped="", w=0):
        conf = Config()
        conf.inverter_map, conf.inverter_w = mapped, w
        return run(self.world, self.loop, self.devices.find(kind, self.bus, unit, conf))

    def meter(self, unit=1, sign=1, name=""):
        return run(self.world, self.loop, self.devices.meter(self.bus, unit, sign, name))

    def moved(self, device, unit=1):
        return run(self.world, self.loop, self.devices.moved(self.bus, unit, device))


def unit(*models):
    return Unit(registers.chain_of(registers.common(), *models))


def test_an_inverter_is_found_and_said():
    rig = Rig({1: Unit(registers.plant())})
    inverter, _ratings, limit = rig.inverter()[:3]
    assert limit.wmax_w == 10000 and inverter.phases == 3
    assert rig.line.units[1].at(103, 0) < inverter.live_addr <= rig.line.units[1].at(103, 14)
    assert rig.said.count("INVERTER ", "maker=Acme", 'model="Model X"', "models=5") == 1
    assert rig.said.count("INVERTER_READY", "wmax_w=10000", "phases=3") == 1


def test_a_meter_is_found_with_its_sign():
    rig = Rig({200: unit(registers.meter(w=-700))})
    for sign in (1, -1):
        meter = rig.meter(200, sign)
        live_block = registers.frame(rig.line.units[200].regs, meter.live_addr - 40000,
                                     meter.live_count, 128)
        assert meter.take(live_block) == 0 and meter.w == -700 * sign
        assert rig.said.count("METER_READY", "sign=" + str(sign)) == 1


def test_a_meter_may_be_a_second_device_behind_the_same_unit():
    both = registers.chain_of(
        registers.common(), registers.inverter(), registers.nameplate(), registers.settings(),
        registers.controls(), registers.common("S-2", 65), registers.meter())
    rig = Rig({1: Unit(both)})
    assert rig.inverter() is not None and rig.meter().device == 1


def test_silence_is_said_with_bus_and_unit():
    silent = Unit(registers.plant())
    silent.silent = True
    rig = Rig({1: silent})
    assert rig.inverter() is None and rig.meter() is None
    assert rig.said.count("INVERTER_SILENT", "bus=roof", "unit=1") == 1
    assert rig.said.count("METER_SILENT", "unit=1") == 1


def test_ratings_that_get_no_answer_are_silence_and_not_a_verdict():
    rig = Rig({1: Unit(registers.plant())})
    unit = rig.line.units[1]
    unit.deaf = (unit.at(121, 2),)
    assert rig.inverter() is None
    assert rig.said.count("INVERTER_SILENT", "while=ratings") == 1
    unit.deaf = ()
    assert rig.inverter() is not None


def test_a_line_that_is_down_is_silence_too():
    rig = Rig({1: Unit(registers.plant())})
    rig.line.units[1].silent = rig.line.refuse = True
    rig.inverter()
    live(rig.world, rig.loop, 3000)
    assert not rig.bus.up() and rig.inverter() is None
    assert rig.said.count("INVERTER_SILENT") == 2


def test_a_unit_id_that_the_gateway_does_not_know_is_said():
    rig = Rig({1: Unit(registers.plant())})
    for code in (10, 11):
        rig.line.units[1].code = code
        assert rig.inverter() is None
    assert rig.inverter(9) is None
    assert rig.said.count("INVERTER_NO_UNIT", "unit=1") == 2
    assert rig.said.count("INVERTER_NO_UNIT", "unit=9") == 1


def test_a_device_without_a_sunspec_map_is_said():
    rig = Rig({1: Unit([0] * 70)})
    assert rig.inverter() is None and rig.meter() is None
    assert rig.said.count("INVERTER_NO_SUNSPEC") == 1
    assert rig.said.count("METER_NO_SUNSPEC") == 1
    rig.line.units[1].code = 2
    assert rig.inverter() is None and rig.said.count("INVERTER_NO_SUNSPEC") == 2


def test_an_inverter_that_lacks_a_model_is_unfit_and_the_log_says_which():
    for models, why in (
            ([registers.meter()], "no model to read"),
            ([registers.inverter()], "no model 123"),
            ([registers.inverter(), registers.controls()], "no WMax"),
            ([registers.inverter(), registers.nameplate(), registers.controls(sf=-9)],
             "scale factor")):
        rig = Rig({1: unit(*models)})
        assert rig.inverter() is None
        assert rig.said.count("INVERTER_UNFIT", why) == 1, rig.said.lines


def test_a_device_without_a_meter_is_unfit():
    rig = Rig({1: Unit(registers.plant())})
    assert rig.meter() is None
    assert rig.said.count("METER_UNFIT", "unit=1") == 1


def test_an_answer_that_is_lost_once_does_not_hide_a_device():
    rig = Rig({1: Unit(registers.plant())})
    world, line = rig.world, rig.line
    world.at(50, lambda _: setattr(line.units[1], "silent", True), None)
    world.at(300, lambda _: setattr(line.units[1], "silent", False), None)
    found = rig.inverter()
    assert found is not None and found[1].wmax_w == 10000


def test_a_chain_longer_than_the_table_is_used_as_far_as_it_goes():
    rig = Rig({1: Unit(registers.plant())}, models=5)
    assert rig.inverter() is not None
    rig = Rig({1: Unit(registers.plant())}, models=3)
    assert rig.inverter() is None and rig.said.count("INVERTER_UNFIT", "no model 123") == 1


def test_a_map_that_moved_is_noticed():
    rig = Rig({1: Unit(registers.plant())})
    inverter = rig.inverter()[0]
    assert not rig.moved(inverter)
    rig.line.units[1] = unit(registers.model(160, 20, {}), registers.inverter(),
                             registers.nameplate(), registers.settings(), registers.controls())
    assert rig.moved(inverter)
    rig.line.units[1].silent = True
    assert not rig.moved(inverter)  # silence says nothing about the map
    rig.line.units[1] = Unit(registers.plant(), 50000)
    assert rig.moved(inverter)  # nothing stands there any more


check.run(globals())
