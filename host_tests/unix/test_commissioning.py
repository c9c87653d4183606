# heap: 1000k
"""Commissioning on a line in memory: scan, sign of the meter, response, own limit."""

import os

import check
import registers
from commissioning import decommission, record, response, scan, sign, static
from driver import own_name, own_of
from edges import Flash, Said, World, live, run
from loop import Loop
from modbus import Tcp
from plant import Line, Unit
from port import Bus, Op
from sitecontrol import BATTERY, PV
from south import FLOOR, METER, South, battery_unit, inverter_unit
from steered import Steered
from store import Store


class House(South):
    """A South whose inverter follows its limit and whose meter shows what is left."""

    def __init__(self, sun_w=6000, load_w=400, sign=1, jitter_w=0, own=None, **kw):
        super().__init__(**kw)
        self.sun_w, self.load_w, self.way, self.jitter_w = sun_w, load_w, sign, jitter_w
        self.static_w, self.obeys, self.grain_w = 1 << 20, True, 1
        self.devices = self.control.devices
        self.devices.store = Store(self.flash.folder)
        if own is not None:
            self.devices.store.write(*own)
        self.most_w = self.made_w = 0
        self.loop.every(100, self)

    def step(self, now):
        held_w = self.held_w()
        cap_w = held_w if held_w >= 0 and self.obeys else 10000
        cap_w -= cap_w % self.grain_w
        want_w = min(self.sun_w, cap_w, self.static_w)
        self.made_w += (want_w - self.made_w) // 2 if abs(want_w - self.made_w) > 1 else 0
        jitter_w = self.jitter_w if now // 100 % 9 < 4 else 0
        self.inverter.put(self.inverter.at(103, 14), self.made_w)
        self.meter.put(self.meter.at(203, 18),
                       self.way * (self.load_w + jitter_w - self.made_w))
        self.most_w = max(self.most_w, held_w)

    def do(self, coro):
        return run(self.world, self.loop, coro)

    def sign(self, setting=1):
        self.most_w = 0
        return self.do(sign(self.loop, self.control, 0, setting))


def settled(**kw):
    return House(**kw).run(8000)


# -- sign -------------------------------------------------------------------------------


def test_the_sign_of_the_meter_is_learned_by_a_step_down():
    for way in (1, -1):
        rig = settled(sign=way)
        rig.allow(3000)
        rig.run(8000)
        before = rig.held_w()
        assert rig.sign() == (way, "SIGN_LEARNED"), rig.said.lines[-3:]
        assert rig.said.count("SIGN_LEARNED", "sign=" + str(way)) == 1
        # It went down only, under the limit that the blind keep.
        assert rig.most_w <= max(before, 3000), (before, rig.most_w)
        assert rig.steered.most_w == 1 << 29 and not rig.control.shut


def test_a_sign_that_the_settings_reverse_already_is_told_absolutely():
    rig = House(sign=-1)
    rig.conf.meter_sign = -1
    rig.run(8000)
    assert rig.sign(-1) == (-1, "SIGN_LEARNED"), rig.said.lines[-3:]


def test_a_sign_that_nobody_set_is_the_makers_until_it_is_learned():
    # Of a maker whose meters count export; one that counts import is told from it all the same.
    words = registers.chain_of(registers.common(maker="SolarEdge"), registers.meter(w=0))
    for way in (-1, 1):
        rig = House(sign=way)
        rig.meter = rig.line.units[METER] = Unit(words)
        rig.meter.wiggle = rig.meter.at(203, 16)
        rig.conf.meter_sign = 0
        rig.run(8000)
        assert rig.said.count("METER_READY", "sign=-1") == 1
        assert rig.sign(0) == (way, "SIGN_LEARNED"), rig.said.lines[-3:]


def test_the_sign_is_refused_in_the_dark():
    rig = settled(sun_w=80)
    assert rig.sign() == (None, "SIGN_DARK")
    assert not rig.control.shut


def test_the_sign_is_refused_when_the_limit_leaves_no_room():
    rig = settled()
    rig.allow(0)
    rig.run(5000)
    assert rig.sign() == (None, "SIGN_DARK") and rig.most_w <= rig.load_w and rig.held_w() == 0


def test_the_sign_is_refused_when_the_load_is_noisy():
    assert settled(jitter_w=2000).sign() == (None, "SIGN_NOISY")


def test_the_sign_is_refused_when_the_inverter_does_not_follow():
    rig = settled()
    rig.obeys = False
    rig.run(3000)
    assert rig.sign() == (None, "SIGN_NO_STEP")


def test_the_sign_is_refused_when_the_meter_does_not_see_the_step():
    rig = settled()
    rig.way = 0
    assert rig.sign() == (None, "SIGN_NO_EFFECT")


def test_the_sign_is_refused_when_a_load_moves_with_the_step():
    rig = settled()
    rig.world.at(11500, lambda _: setattr(rig, "load_w", 2500), None)
    assert rig.sign() == (None, "SIGN_AMBIGUOUS"), rig.said.lines[-3:]


def test_the_sign_is_refused_without_sight_and_the_eyes_are_opened_again():
    rig = settled()
    rig.meter.silent = True
    rig.run(5000)
    assert rig.sign() == (None, "SIGN_NO_SIGHT")
    rig = settled()
    rig.world.at(12000, lambda _: setattr(rig.inverter, "silent", True), None)
    assert rig.sign()[1] in ("SIGN_NO_SIGHT", "SIGN_NO_STEP")
    assert not rig.control.shut and rig.steered.most_w == 1 << 29


# -- response ---------------------------------------------------------------------------


def test_the_response_of_a_good_inverter():
    rig = settled()
    result, code = rig.do(response(rig.loop, rig.control, 0))
    dead_ms, settle_ms, reached_w, asked_w, grain_w = result
    assert code == "RESPONSE_GOOD" and dead_ms <= 600 and settle_ms <= 1500, result
    assert asked_w - 20 <= reached_w <= asked_w + 1 and grain_w == 0, result
    assert rig.steered.most_w == 1 << 29 and rig.most_w <= 10000


def test_the_response_of_others():
    for change, code in (({"obeys": False}, "RESPONSE_DISOBEYS"), ({"sun_w": 50}, "RESPONSE_DARK"),
                         ({"grain_w": 500}, "RESPONSE_COARSE")):
        rig = settled()
        rig.allow(5000)
        rig.run(5000)
        for name, value in change.items():
            setattr(rig, name, value)
        rig.run(4000)
        assert rig.do(response(rig.loop, rig.control, 0))[1] == code, rig.said.lines[-3:]
    rig = settled()
    rig.world.at(5100, lambda _: setattr(rig.inverter, "forgets", True), None)
    rig.world.at(4900, lambda _: setattr(rig.inverter, "forgets", True), None)
    assert rig.do(response(rig.loop, rig.control, 0)) == (None, "RESPONSE_REFUSED")
    rig = settled()
    rig.world.at(8000, lambda _: setattr(rig, "sun_w", 300), None)
    assert rig.do(response(rig.loop, rig.control, 0)) == (None, "RESPONSE_AMBIGUOUS")
    rig.inverter.silent = True
    rig.run(5000)
    assert rig.do(response(rig.loop, rig.control, 0)) == (None, "RESPONSE_NO_SIGHT")


# -- own limit --------------------------------------------------------------------------


def limited_unit(pct=4000, ena=1):
    """An inverter in which an installer left a limit."""
    unit = inverter_unit()
    unit.put(unit.at(123, 5), pct)
    unit.put(unit.at(123, 9), ena)
    return unit


def own_file(rig):
    """(name, bytes) of the record on its flash."""
    store = rig.devices.store
    return store.names("own.")[0], store.read(store.names("own.")[0])


def kept(unit, **kw):
    rig = settled(inverter=unit, **kw)
    assert rig.said.count("OWN_LIMIT_UNKNOWN", "unit=1") == 1
    assert rig.do(record(rig.loop, rig.control, rig.devices, 0))[1] == "OWN_LIMIT_KEPT"
    return rig.run(8000)


def test_the_limit_that_was_found_is_never_exceeded_and_given_back():
    unit = limited_unit()
    rig = kept(unit)
    assert rig.said.count("OWN_LIMIT ", "own_w=4000", "keeps=0") == 1
    rig.allow(5000)
    rig.load_w, rig.sun_w, rig.most_w = 8000, 9000, 0
    rig.run(60000)
    assert (rig.most_w, rig.held_w(), rig.site.wmax_w[0], rig.limits.wmax_w) == (4000,) * 4, (
        rig.most_w, rig.held_w(), rig.site.wmax_w[0], rig.limits.wmax_w)
    assert rig.steered.set(0) == 4000 and rig.steered.rtg(0) == 10000
    assert rig.do(record(rig.loop, rig.control, rig.devices, 0)) == (None, "OWN_LIMIT_THERE")
    # A new boot finds its record, and no longer the words in the device.
    again = House(inverter=unit, own=own_file(rig), sun_w=9000, load_w=8000)
    again.run(8000).allow(5000)
    again.run(60000)
    assert again.most_w == 4000 and again.said.count("OWN_LIMIT ", "own_w=4000") == 1
    assert again.said.count("OWN_LIMIT_UNKNOWN") == 0
    assert again.do(decommission(again.loop, again.control, again.devices, 0)) == (
        1, "DECOMMISSIONED")
    writes = unit.writes
    again.run(30000)
    assert unit.writes == writes and unit.get(unit.at(123, 5)) == 4000
    assert unit.get(unit.at(123, 9)) == 1 and unit.get(unit.at(123, 7)) == 0
    assert again.devices.store.names("own.") == []
    assert again.do(decommission(again.loop, again.control, again.devices, 0))[1] == "NOT_RECORDED"


def test_a_device_without_a_limit_gets_its_record_too_and_its_freedom_back():
    unit = limited_unit(10000, 0)
    rig = kept(unit)
    assert rig.steered.most_w == 1 << 29 and rig.steered.wmax_w == 10000
    assert unit.get(unit.at(123, 9)) == 1
    assert rig.do(decommission(rig.loop, rig.control, rig.devices, 0))[0] == 1
    assert unit.get(unit.at(123, 9)) == 0


def test_what_was_switched_off_is_switched_on_when_it_is_given_back():
    for late in (0, 1):
        unit = limited_unit()
        rig = kept(unit)
        rig.allow(3000, m1=0)
        rig.run(8000)
        conn = unit.at(123, 4)
        assert unit.get(conn) == 0 and rig.steered.on == 0
        if late:  # it was lost meanwhile, and nobody asked it again how it stands
            rig.steered.on = 2
        assert rig.do(decommission(rig.loop, rig.control, rig.devices, 0)) == (1, "DECOMMISSIONED")
        assert unit.get(conn) == 1 and unit.get(unit.at(123, 5)) == 4000
        rig.run(8000)
        assert unit.get(conn) == 1
    # What is connected is not written to; what does not answer is steered on, and off.
    unit = limited_unit()
    rig = kept(unit)
    conn, before = unit.at(123, 4), unit.writes
    assert rig.do(decommission(rig.loop, rig.control, rig.devices, 0))[0] == 1
    assert conn not in [row[1] for row in unit.written()[before:]]
    unit = limited_unit()
    rig = kept(unit)
    rig.allow(3000, m1=0)
    rig.run(8000)
    unit.deaf = (unit.at(123, 4),)
    assert rig.do(decommission(rig.loop, rig.control, rig.devices, 0))[1] == "NOT_RESTORED"
    unit.deaf = ()
    rig.run(20000)
    assert unit.get(unit.at(123, 4)) == 0 and len(rig.devices.store.names("own.")) == 1


def test_what_cannot_be_restored_is_steered_on_and_its_record_stays():
    unit = limited_unit()
    rig = kept(unit)
    unit.silent = True
    assert rig.do(decommission(rig.loop, rig.control, rig.devices, 0))[0] is None
    unit.silent = False
    rig.run(20000)
    assert rig.steered.stands and len(rig.devices.store.names("own.")) == 1
    assert rig.held_w() <= 4000


def test_a_record_of_another_serial_number_is_none_and_a_damaged_one_means_the_failsafe():
    unit = limited_unit()
    rig = kept(unit)
    name, whole = own_file(rig)
    for data, most_w, code in ((whole, 4000, "OWN_LIMIT "),
                               (whole[:-1] + b"\0", FLOOR, "OWN_LIMIT_UNREAD"),
                               (whole[:9], FLOOR, "OWN_LIMIT_UNREAD"),
                               (b"", FLOOR, "OWN_LIMIT_UNREAD")):
        again = House(inverter=unit, own=(name, data)).run(5000)
        assert again.steered.most_w == most_w and again.said.count(code, "unit=1") == 1, data
    unit.put(unit.at(1, 50), 0x5858)
    again = House(inverter=unit, own=(name, whole)).run(5000)
    assert again.steered.most_w == 1 << 29 and again.said.count("OWN_LIMIT_UNKNOWN") == 1


def test_a_power_cut_at_any_write_leaves_no_record_or_the_whole_one():
    unit = limited_unit()
    seen = set()
    rig = settled(inverter=unit)
    for cut in range(40):
        flash = Flash(32)
        rig.devices.store = Store(flash.folder)
        name = own_name(rig.bus, 1)
        flash.left = cut
        code = rig.do(record(rig.loop, rig.control, rig.devices, 0))[1]
        flash.reboot()
        found = own_of(rig.devices.store, rig.bus, 1, "")
        assert found is None or found[0] == "4000", (cut, found)
        assert code == "FLASH_FAILED" or found is not None
        seen.add(found is None)
        rig.run(8000)
        if code == "OWN_LIMIT_KEPT":
            break
    assert seen == {True, False} and name in os.listdir(flash.folder)


def test_the_installer_may_say_it_where_what_stands_is_ours():
    unit = limited_unit()
    rig = settled(inverter=unit)
    assert rig.do(record(rig.loop, rig.control, rig.devices, 0, 1200)) == (1200, "OWN_LIMIT_KEPT")
    rig.run(8000)
    assert rig.steered.wmax_w == 1200 and rig.held_w() <= 1200
    assert rig.do(decommission(rig.loop, rig.control, rig.devices, 0))[0] == 1
    assert rig.held_w() == 1200


def test_a_battery_with_a_limit_gets_both_back():
    unit = battery_unit()
    before = [unit.get(unit.at(*place)) for place in ((123, 5), (123, 9), (124, 5), (124, 12),
                                                      (124, 13))]
    rig = settled(more=((BATTERY, 2, unit),))
    rig.allow(0)
    rig.run(5000)
    assert rig.do(record(rig.loop, rig.control, rig.devices, 1))[1] == "OWN_LIMIT_KEPT"
    rig.run(10000)
    assert unit.get(unit.at(123, 9)) == 1 and rig.fleet[1].stands
    assert rig.do(decommission(rig.loop, rig.control, rig.devices, 1))[1] == "DECOMMISSIONED"
    rig.run(5000)
    assert before == [unit.get(unit.at(*place)) for place in (
        (123, 5), (123, 9), (124, 5), (124, 12), (124, 13))]
    assert rig.steered.stands and not rig.steered.retired  # the inverter is steered on


def test_nothing_is_recorded_of_a_device_that_was_not_found():
    rig = House()
    rig.inverter.silent = True
    rig.run(5000)
    assert rig.do(record(rig.loop, rig.control, rig.devices, 0))[1] == "OWN_LIMIT_NO_DEVICE"
    assert rig.do(decommission(rig.loop, rig.control, rig.devices, 0))[1] == "NOT_RECORDED"


def test_a_reversion_time_only_with_a_static_limit_at_or_below_the_failsafe():
    for own_w, keeps, rvrt_s in ((1500, 1, 120), (1501, 1, 0), (1500, 0, 0), (-1, 1, 0)):
        unit = inverter_unit()
        rig = settled(inverter=unit)
        rig.do(record(rig.loop, rig.control, rig.devices, 0, own_w, keeps))
        rig.run(12000)
        assert unit.get(unit.at(123, 7)) == rvrt_s == rig.steered.control.rvrt_s, (own_w, keeps)
        before = rig.steered.heartbeats
        rig.run(130000)
        beats = rig.steered.heartbeats - before
        assert beats >= 3 if rvrt_s else beats <= 2, beats


def test_a_static_limit_is_confirmed_or_refused():
    for static_w, sun_w, said_w, code in (
            (2000, 6000, 2000, "STATIC_KEPT"), (3000, 6000, 2000, "STATIC_BEYOND"),
            (2000, 900, 2000, "STATIC_DARK"), (4900, 6000, 4900, "STATIC_LIMITED")):
        rig = settled(sun_w=sun_w, load_w=0)
        rig.static_w = static_w
        rig.allow(5000)
        rig.run(60000)
        rig.most_w = 0
        found, why = rig.do(static(rig.loop, rig.control, 0, said_w))
        assert why == code and found == (1 if code == "STATIC_KEPT" else None), rig.said.lines[-3:]
        assert rig.steered.most_w == 1 << 29 and not rig.control.shut


# -- scan -------------------------------------------------------------------------------


def test_a_scan_tells_who_is_there_while_the_others_are_steered_on():
    rig = settled()
    both = registers.chain_of(
        registers.common("S-9"), registers.inverter(), registers.controls(),
        registers.common("S-2", 65), registers.meter())
    rig.line.units[5] = battery_unit()
    rig.line.units[7] = Unit(both)
    rig.line.units[8] = Unit([0] * 70)
    quiet = rig.line.units[9] = inverter_unit()
    quiet.silent = True
    begun = rig.world.t
    rig.steered.read_op.real_ms = 0
    rows, code = rig.do(scan(rig.loop, rig.bus, Op, 1, 12))
    assert code == "SCANNED"
    assert [row[:3] for row in rows] == [
        (1, "inverter", "Acme"), (5, "battery", "Acme"), (7, "inverter", "Acme"),
        (7, "meter", "Acme"), (8, "other", "")], rows
    assert rows[3][5] == "S-2" and rows[3][6] == (1, 203) and rows[1][3:5] == ("Model X", "1.2")
    assert rig.world.t - begun < 60000
    assert rig.said.count("BLIND") <= 1 and rig.steered.answers() and rig.steered.stands
    assert rig.bus.counts[9] == 1  # the line was not opened anew


def test_silent_units_cost_an_answers_time_and_the_plan_has_the_rest_of_a_second():
    rig = settled()
    for number in range(100, 130):
        unit = rig.line.units[number] = inverter_unit()
        unit.silent = True
    worst = []

    class Watch:
        def step(self, now):
            worst.append(rig.steered.age_ms(now))

    rig.loop.every(50, Watch())
    begun = rig.world.t
    assert rig.do(scan(rig.loop, rig.bus, Op, 100, 129)) == ([], "SCANNED")
    assert rig.world.t - begun <= 31000 and max(worst) <= 700, (rig.world.t - begun, max(worst))
    assert rig.site.state == 1


def test_a_unit_is_waited_for_as_long_as_the_line_waits():
    for delay, timeout_ms, seen in ((350, 1000, True), (950, 1000, True), (3000, 4000, True),
                                    (350, 300, False)):
        world, said = World(), Said()
        loop = Loop(world, world)
        units = {n: inverter_unit() for n in range(1, 8)}
        for n in (1, 2, 3, 4, 5, 7):
            units[n].silent = True
        bus = Bus(loop, Tcp(), Line(world, units, delay).connect, timeout_ms, "roof")
        loop.supervise("roof", bus.run)
        live(world, loop, 100)
        begun = world.t
        rows, code = run(world, loop, scan(loop, bus, Op, 1, 7))
        # Three silent units in a row on a line with nobody else are not its end.
        assert code == "SCANNED" and bus.counts[9] == 1 and said.count("SCANNED") == 1
        assert [row[:2] for row in rows] == ([(6, "inverter")] if seen else []), (delay, rows)
        if not seen:
            assert 7 * 950 <= world.t - begun <= 7 * 1050, world.t - begun


def test_a_slow_unit_is_seen_behind_the_slow_answers_of_others():
    for delay in (350, 600):
        rig = South(delay=delay)
        rig.bus.timeout_ms, rig.line.units[4] = 1000, inverter_unit()
        rig.run(20000)
        found, code = run(rig.world, rig.loop, scan(rig.loop, rig.bus, Op, 1, 5))
        assert code == "SCANNED" and [row[:2] for row in found] == [
            (1, "inverter"), (4, "inverter")], (delay, found)


def test_a_scan_goes_on_when_the_line_is_back_within_ten_seconds():
    rig = settled()
    rig.line.units[30] = inverter_unit()
    rig.line.refuse = True
    rig.bus._down.set()
    rig.world.at(3000, lambda _: setattr(rig.line, "refuse", False), None)
    rows, code = rig.run(500).do(scan(rig.loop, rig.bus, Op, 28, 31))
    assert code == "SCANNED" and [row[0] for row in rows] == [30]


def test_a_scan_ends_when_the_line_is_down_or_the_table_full():
    rig = settled()
    for number in range(20, 40):
        rig.line.units[number] = Unit([0] * 70)
    rows, code = rig.do(scan(rig.loop, rig.bus, Op, 20, 60))
    assert code == "SCAN_FULL" and len(rows) == 16
    rig.line.refuse = True
    rig.bus._down.set()
    rig.run(500)
    assert rig.do(scan(rig.loop, rig.bus, Op)) == (None, "SCAN_LINE_DOWN")


def test_a_band_is_cut_to_the_own_limit_without_allocating():
    rig = settled()
    device = Steered(rig.loop, Op, PV, rig.bus, 99)
    device.most_w = 700
    check.locked(device.hold, 0, 5000, 1, rig.world.t)
    assert (device.low_w, device.high_w) == (0, 700)
    check.locked(device.hold, -3000, -2000, 1, rig.world.t)
    assert (device.low_w, device.high_w) == (-3000, -2000)


check.run(globals())
