# heap: 928k
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
from sitecontrol import ABSENT, BATTERY, PV
from south import battery_unit


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

    def inverter(self, unit=1, kind=PV, mapped="", w=0, sunny=0):
        conf = Config()
        conf.inverter_map, conf.inverter_w = mapped, w
        conf.battery_pv, conf.per_phase = sunny, 0
        return run(self.world, self.loop, self.devices.find(kind, self.bus, unit, conf))

    def meter(self, unit=1, sign=1, name=""):
        return run(self.world, self.loop, self.devices.meter(self.bus, unit, sign, name))

    def moved(self, device, unit=1):
        return run(self.world, self.loop, self.devices.moved(self.bus, unit, device.walk,
                                                                   device.index))


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


def test_the_sign_of_a_meter_is_its_makers_where_the_settings_name_none():
    for maker, way in (("SolarEdge", -1), ("Fronius", 1), ("Acme", 1)):
        for models in ((), (registers.inverter(), registers.common())):  # alone, or behind it
            rig = Rig({200: Unit(registers.chain_of(
                registers.common(maker=maker), *models, registers.meter(w=700)))})
            assert rig.meter(200, 0).sign == way and rig.said.count(
                "METER_READY", "sign=" + str(way)) == 1
            for sign in (1, -1):  # the settings win
                assert rig.meter(200, sign).sign == sign
    assert Rig({5: Unit([1] * 80, 0)}).meter(5, 0, "sdm630").sign == 1


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


def test_the_rating_of_the_settings_stands_in_for_a_missing_one_only():
    lacks = unit(registers.inverter(), registers.controls())
    rig = Rig({1: lacks, 2: Unit(registers.plant())})
    found = rig.inverter(w=8000)
    assert (found[1].wmax_w, found[2].wmax_w) == (8000, 8000)
    assert rig.said.count("INVERTER_READY", "wmax_w=8000") == 1
    found[2].begin(2000)
    assert run(rig.world, rig.loop, rig.devices.run(rig.bus, 1, found[2])) == 0
    assert lacks.get(lacks.at(123, 5)) == 2500
    assert rig.inverter(2, w=8000)[2].wmax_w == 10000  # its own word goes first
    assert rig.inverter() is None and rig.said.count("INVERTER_UNFIT", "no WMax") == 1


def stingy(rig, most):
    """Reads of more registers are refused."""
    plain = rig.line._do

    def do(unit, buf, kind, address):
        if kind < 5 and (buf[10] << 8 | buf[11]) > most:
            rig.line._answer(3)
        else:
            plain(unit, buf, kind, address)

    rig.line._do = do


def test_a_gateway_that_refuses_long_reads_is_asked_in_parts():
    for words, model, most, count in ((registers.plant(), 103, 10, 8),
                                      (registers.plant_der(), 701, 50, 9),
                                      (registers.plant_der(), 701, 10, 9)):
        rig = Rig({1: Unit(words)})
        stingy(rig, most)
        inverter, ratings, limit = rig.inverter()[:3]
        assert (ratings.wmax_w, limit.wmax_w, inverter.live_count) == (10000, 10000, count)
        assert rig.said.count("INVERTER ", "maker=Acme", 'model="Model X"') == 1
        assert rig.devices.serial == "S-1"
        op = Op(1, registers.array("H", bytes(2 * 84)), addr=inverter.live_addr, count=count)
        assert run(rig.world, rig.loop, rig.bus.do(op, rig.loop.after(1000))) == 0
        assert inverter.take(op.regs) == 0 and inverter.w == 2500 and inverter.mhz > 50000
        assert inverter.dv_a == ABSENT
    # What is read whole stays whole, and who does not answer in time is not cut short.
    rig = Rig({1: Unit(registers.plant())})
    assert rig.inverter()[0].live_count == 12
    rig = Rig({1: Unit(registers.plant_der())})
    assert rig.inverter()[0].live_count == 84
    rig.line.units[1].deaf = (rig.line.units[1].at(701, 10),)
    assert rig.inverter()[0].live_count == 84


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


def hurried(rig, strikes):
    """What strikes is answered by exception `strikes(ms since the last answer)`, or 0."""
    world, line = rig.world, rig.line
    plain = line._do
    seen = []

    def do(unit, buf, kind, address):
        code = strikes(world.ticks_diff(world.t, line._at), len(seen))
        seen.append(code)
        if code:
            line._answer(code)
        else:
            plain(unit, buf, kind, address)

    line._do = do
    return seen


def test_a_device_that_is_busy_for_a_moment_is_asked_again():
    for code in (5, 6):
        for strikes in (lambda ms, n: code if ms < 50 else 0, lambda ms, n: code * (n & 1),
                        lambda ms, n: code if n % 9 else 0):
            rig = Rig({1: Unit(registers.plant()), 200: unit(registers.meter())})
            seen = hurried(rig, strikes)
            found = rig.inverter()
            assert code in seen and found is not None and found[1].wmax_w == 10000
            assert rig.said.count("INVERTER ", "maker=Acme", "models=5") == 1
            assert rig.meter(200) is not None


def test_the_line_goes_slower_for_who_is_busy_time_and_again_and_not_for_a_moment():
    for strikes, gap_ms in ((lambda ms, n: 6 if ms < 10 else 0, 50),
                            (lambda ms, n: 6 if 3 <= n < 9 else 0, 0), (lambda ms, n: 0, 0)):
        rig = Rig({1: Unit(registers.plant())})
        seen = hurried(rig, strikes)
        assert rig.inverter() is not None and rig.bus.gap_ms == gap_ms
        assert 6 not in seen[20:]


def test_a_device_that_stays_busy_is_not_said_to_have_no_map():
    rig = Rig({1: Unit(registers.plant())})
    seen = hurried(rig, lambda ms, n: 6)
    begun = rig.world.t
    assert rig.inverter() is None and rig.said.count("INVERTER_SILENT") == 1
    assert len(seen) == 10 and rig.world.t - begun < 2000
    # From the third read on: a chain that was met in part is none.
    rig = Rig({1: Unit(registers.plant())})
    hurried(rig, lambda ms, n: 6 if n > 3 else 0)
    assert rig.inverter() is None and rig.said.count("INVERTER_SILENT") == 1
    assert rig.said.count("INVERTER_UNFIT") == 0


def test_a_chain_longer_than_the_table_is_used_as_far_as_it_goes():
    rig = Rig({1: Unit(registers.plant())}, models=5)
    assert rig.inverter() is not None
    rig = Rig({1: Unit(registers.plant())}, models=3)
    assert rig.inverter() is None and rig.said.count("INVERTER_UNFIT", "no model 123") == 1


def test_a_map_that_moved_is_noticed():
    rig = Rig({1: Unit(registers.plant())})
    inverter = rig.inverter()[0]
    assert rig.moved(inverter) is False
    rig.line.units[1] = unit(registers.model(160, 20, {}), registers.inverter(),
                             registers.nameplate(), registers.settings(), registers.controls())
    assert rig.moved(inverter)
    rig.line.units[1].silent = True
    assert rig.moved(inverter) is None  # silence says nothing about the map
    rig.line.units[1] = Unit(registers.plant(), 50000)
    assert rig.moved(inverter)  # nothing stands there any more


def test_a_battery_is_found_with_what_it_can_and_its_state():
    unit = battery_unit(registers.lithium())
    found = Rig({2: unit}).inverter(2, BATTERY)
    assert (found[2].charge_w, found[2].discharge_w, found[2].panels) == (5000, 5000, False)
    assert found[4].live_addr > unit.at(802, 0) and found[3] is not None
    found = Rig({2: battery_unit()}).inverter(2, BATTERY)
    assert found[4].live_addr > unit.at(124, 0)  # 124 tells its state too
    der = Unit(registers.plant_der())
    found = Rig({2: der}).inverter(2, BATTERY)
    assert (found[2].charge_w, found[2].discharge_w, found[2].rvrt_s) == (5000, 6000, 120)
    assert found[4] is None
    rig = Rig({2: Unit(registers.plant())})
    assert rig.inverter(2, BATTERY) is None
    assert rig.said.count("INVERTER_UNFIT", "no model 124 or 704") == 1


def test_a_hybrid_has_the_inverters_rating_and_no_band_without_a_limit():
    chain = (registers.common(), registers.inverter(), registers.nameplate(),
             registers.settings())
    modules = registers.model(160, 48, {})
    for models, said, panels in (((modules, registers.controls()), 0, True),
                                 ((registers.controls(),), 1, True),
                                 ((registers.controls(),), 0, False), ((), 0, False)):
        rig = Rig({2: unit(*chain[1:], *models, registers.storage())})
        found = rig.inverter(2, BATTERY, sunny=said)
        assert found[2].panels == panels
        assert found[2].discharge_w == (10000 if panels else 5000)
    for models, said in (((modules,), 0), ((), 1)):
        rig = Rig({2: unit(*chain[1:], *models, registers.storage())})
        assert rig.inverter(2, BATTERY, sunny=said) is None
        assert rig.said.count("INVERTER_UNFIT", "no model 123 or 704") == 1


def test_a_limit_of_model_704_falls_back_to_what_is_safe_and_one_of_123_never():
    for words, rvrt_s in ((registers.plant_der(), 120), (registers.plant(), 0)):
        rig = Rig({1: Unit(words)})
        rig.devices.rvrt_w = 1500
        limit = rig.inverter()[2]
        assert (limit.rvrt_s, limit.rvrt_w, limit.reverts) == (rvrt_s, 1500, rvrt_s > 0)


def test_a_device_without_a_switch_has_none():
    for models, there in (((registers.der_controls(),), False),
                          ((registers.enter(), registers.der_controls()), True)):
        rig = Rig({1: unit(registers.der(), registers.der_ratings(), *models)})
        assert (rig.inverter()[3] is not None) == there


def of(maker):
    return Unit(registers.chain_of(
        registers.common(maker=maker), registers.inverter(), registers.nameplate(),
        registers.settings(), registers.controls()))


def test_the_line_goes_at_the_pace_of_its_slowest_device():
    rig = Rig({1: of("Acme"), 2: of("Huawei"), 3: of("SolarEdge"), 4: of("SMA")})
    assert rig.inverter(1)[5] == 1000
    assert (rig.bus.gap_ms, rig.bus.timeout_ms, rig.bus.settle_ms) == (0, 300, 0)
    assert rig.inverter(3)[5] == 1000
    assert (rig.bus.gap_ms, rig.bus.timeout_ms, rig.bus.settle_ms) == (0, 4000, 0)
    assert rig.inverter(2)[5] == 1000
    assert (rig.bus.gap_ms, rig.bus.timeout_ms, rig.bus.settle_ms) == (50, 8000, 2000)
    assert rig.inverter(4)[5] == 10000  # flash
    assert (rig.bus.gap_ms, rig.bus.timeout_ms, rig.bus.settle_ms) == (50, 8000, 2000)


def test_a_meter_that_is_no_sunspec_device_is_read_by_its_map():
    words = [0] * 80
    for address, value in ((0, 230.5), (2, 231.5), (4, 232.5), (12, 1000.0), (14, -200.0),
                           (16, 50.0), (52, 850.0), (60, 33.0), (70, 50.02)):
        words[address:address + 2] = registers.single(value)
    rig = Rig({5: Unit(words, 0)})
    for name, w, phases in (("sdm630", 850, 3), ("sdm120", 1000, 1)):
        meter = rig.meter(5, -1, name)
        assert meter.phases == phases and not rig.moved(meter, 5)
        op = Op(5, registers.array("H", bytes(2 * 84)), kind=meter.live_kind, addr=meter.live_addr,
                count=meter.live_count)
        assert run(rig.world, rig.loop, rig.bus.do(op, rig.loop.after(1000))) == 0
        assert meter.take(op.regs) == 0 and (meter.w, meter.w_a) == (-w, -1000)
        assert meter.dv_a == 2305 and rig.said.count("METER_READY", "phases=%d" % phases) == 1


def test_a_meter_by_its_map_that_does_not_answer_is_said():
    rig = Rig({5: Unit([0] * 80, 0)})
    rig.line.units[5].silent = True
    assert rig.meter(5, 1, "sdm120") is None and rig.said.count("METER_SILENT", "unit=5") == 1
    rig.line.units[5].silent, rig.line.units[5].code = False, 2
    assert rig.meter(5, 1, "sdm120") is None and rig.said.count("METER_REFUSED", "unit=5") == 1


def solaredge(*models):
    """A SolarEdge: SunSpec to be read, and its own registers to be written, up to 0xF323."""
    unit = Unit(registers.chain_of(
        registers.common(maker="SolarEdge"), registers.inverter(), *models))
    unit.regs.extend(registers.array("H", bytes(2 * (0xF324 - 40000 - len(unit.regs)))))
    return unit


def test_an_inverter_is_toggled_where_the_settings_say_so():
    for maker in ("Fronius", "KOSTAL"):  # in one block, and register by register
        for mapped, toggled in (("toggle", True), ("", False)):
            rig = Rig({1: of(maker)})
            unit = rig.line.units[1]
            found = rig.inverter(mapped=mapped)
            limit, at = found[2], unit.at(123, 9)
            seen = []
            wrote = unit.wrote

            def note(ticks, address, value, wrote=wrote, unit=unit, at=at, seen=seen):
                seen.append(unit.get(at))  # as it stood before this write
                wrote(ticks, address, value)

            unit.wrote = note
            for w in (2000, 3000):
                seen.clear()
                limit.begin(w)
                assert run(rig.world, rig.loop, rig.devices.run(rig.bus, 1, limit)) == 0
                assert unit.get(at) == 1 and limit.written_w == w
            # The second limit found "enable" at 1, and then at 0 where it is toggled.
            assert seen[0] == 1 and (0 in seen) == toggled, (maker, mapped, seen)
            # To connect is no limit: told once.
            seen.clear()
            found[3].begin(1)
            assert run(rig.world, rig.loop, rig.devices.run(rig.bus, 1, found[3])) == 0
            assert len(seen) == 1


def test_an_inverter_may_take_its_limit_in_its_own_registers():
    rig = Rig({1: solaredge()})
    limit = rig.inverter(mapped="solaredge", w=8000)[2]
    assert rig.said.count("INVERTER_READY", "wmax_w=8000") == 1
    assert limit.wmax_w == 8000 and limit.reverts and limit.rvrt_s == 120 and not limit.of_site
    limit.begin(2000)
    assert run(rig.world, rig.loop, rig.devices.run(rig.bus, 1, limit)) == 0
    get = rig.line.units[1].get
    assert [get(0xF300), get(0xF310), get(0xF322), get(0xF323)] == (
        [1, 120] + registers.single(25.0)[::-1])
    assert limit.written_w == 2000
    rig = Rig({1: solaredge(registers.nameplate(), registers.settings(9000))})
    assert rig.inverter(mapped="solaredge", w=8000)[2].wmax_w == 9000  # its own word goes first
    rig = Rig({1: solaredge()})
    assert rig.inverter(mapped="solaredge") is None
    assert rig.said.count("INVERTER_UNFIT", "no WMax") == 1
    rig = Rig({1: Unit([0] * 100, 0xF300)})  # it speaks SunSpec: not found, it is not ready yet
    assert rig.inverter(mapped="solaredge", w=8000) is None
    assert rig.said.count("INVERTER_NO_SUNSPEC") == 1


check.run(globals())
