# heap: 688k
"""A limit that is not taken, devices that are lost, moved or come back, and the clean stop."""

import check
import registers
from plant import Line, Unit
from sitecontrol import STALE, TRACKING
from south import FLOOR, INVERTER, South, inverter_unit

_LATE = 60  # ms from the step that decides to the write on the line


# -- what was not taken ---------------------------------------------------------


def test_a_readback_that_differs_is_retried_each_second_and_does_not_stand():
    rig = South(meter=False)
    rig.inverter.forgets = True
    rig.run(10000)
    at = [t for t, _ in rig.written()]
    assert 8 <= len(at) <= 11, at
    for a, b in zip(at, at[1:]):
        assert 950 <= b - a <= 1300, at
    assert not rig.steered.stands and not rig.obeyed()
    assert rig.said.count("LIMIT_NOT_TAKEN", "result=6", "unit=1") == 1
    rig.inverter.forgets = False
    rig.run(6000)
    assert rig.held_w() == FLOOR and rig.said.count("LIMIT_TAKEN") == 1 and rig.gate.up
    count = rig.inverter.writes
    rig.run(10000)
    assert rig.inverter.writes == count


def test_a_cut_does_not_wait_for_the_retry():
    rig = South(meter=False).run(3000)
    rig.allow(5000)
    rig.run(1500)
    rig.inverter.forgets = True
    rig.allow(4000)
    rig.run(500)
    rig.allow(1000)
    begun = rig.world.t - 500  # of the write before it: no more often than the device bears
    rig.run(1000)
    at, held = rig.written()[-1]
    assert held == 1000 and at - begun <= max(500, rig.steered.every_ms) + 200 + _LATE


def test_a_device_that_was_silent_is_written_to_again():
    rig = South().run(4000)
    writes = rig.inverter.writes
    rig.inverter.silent = True
    rig.run(7000)
    assert rig.steered.read_op.failures >= 5 and not rig.steered.stands
    rig.inverter.put(rig.inverter.at(123, 9), 0)  # restarted: it has forgotten its limit
    rig.inverter.silent = False
    rig.run(12000)
    assert rig.inverter.writes > writes and rig.held_w() == rig.control.cap_w
    assert rig.steered.stands


def test_a_line_that_is_down_keeps_nothing_waiting():
    rig = South().run(4000)
    rig.line.refuse = True
    rig.inverter.silent = rig.meter.silent = True
    rig.run(20000)
    assert rig.site.state == STALE and not rig.steered.stands
    rig.line.refuse = rig.inverter.silent = rig.meter.silent = False
    rig.run(70000)
    assert rig.steered.stands and rig.site.state == TRACKING


def test_an_inverter_whose_line_was_lost_is_written_to_as_soon_as_it_is_back():
    rig = South(meter=False).run(4000)
    rig.line.refuse = rig.inverter.silent = True
    rig.run(12000)
    assert not rig.bus.up() and rig.steered.read_op.failures < 5
    rig.inverter.put(rig.inverter.at(123, 9), 0)  # it has restarted without a limit
    rig.line.refuse = rig.inverter.silent = False
    while not rig.bus.up():
        rig.run(100)
    rig.run(1200)
    assert rig.held_w() == FLOOR and rig.steered.stands and not rig.steered.heartbeats


def test_an_inverter_that_is_not_there_at_first_is_searched_for():
    rig = South()
    rig.inverter.silent = True
    rig.run(20000)
    assert rig.said.count("INVERTER_SILENT") >= 1 and rig.limits.wmax_w == 0
    rig.inverter.silent = False
    rig.run(70000)
    assert rig.held_w() == rig.control.cap_w and rig.gate.up


class Third(Line):
    """Each third answer of the inverter does not come, once `drops`."""

    drops = asked = 0

    def _do(self, unit, buf, kind, address):
        self.asked += 1
        if buf[6] != INVERTER or not self.drops or self.asked % 3:
            super()._do(unit, buf, kind, address)


def test_a_lost_device_is_known_again_although_each_third_answer_is_missing():
    for ms in range(0, 1000, 130):
        rig = South()
        rig.line = Third(rig.world, rig.line.units, 10)
        rig.bus._connect = rig.line.connect
        rig.run(5000)
        rig.inverter.silent = True
        rig.run(9000 + ms)
        assert rig.steered.lost
        rig.inverter.silent, rig.line.drops = False, 1
        rig.run(6000)
        assert not rig.steered.lost, ms


def test_a_device_that_does_not_say_what_it_is_stays_lost_and_is_not_written_to():
    rig = South().run(5000)
    rig.inverter.silent = True
    rig.run(9000)
    rig.inverter.silent = False
    rig.inverter.deaf = (rig.inverter.at(123, 0),)
    writes = rig.inverter.writes
    rig.run(10000)
    assert rig.steered.lost and rig.inverter.writes == writes
    rig.inverter.deaf = ()
    rig.run(6000)
    assert not rig.steered.lost and rig.inverter.writes > writes


def test_a_device_whose_map_has_moved_is_walked_again_and_written_anew():
    rig = South().run(4000)
    rig.inverter.silent = True
    rig.run(9000)
    other = inverter_unit()
    longer = registers.chain_of(
        registers.common(), registers.model(160, 20, {}), registers.inverter(w=0),
        registers.nameplate(), registers.settings(), registers.controls())
    moved = Unit(longer)
    moved.wiggle = moved.at(103, 16)
    assert moved.at(123, 5) != other.at(123, 5)
    rig.line.units[INVERTER] = rig.inverter = moved
    rig.run(20000)
    assert rig.said.count("INVERTER_MOVED") == 1, rig.said.lines
    assert rig.held_w() == rig.control.cap_w and rig.steered.stands
    rig.allow(3000)
    rig.run(8000)
    assert 2900 <= rig.held_w() == rig.control.cap_w


def test_a_device_with_flash_in_the_place_of_another_is_steered_at_its_pace():
    rig = South().run(4000)
    assert rig.site.interval[0] <= 5
    rig.inverter.silent = True
    rig.run(9000)
    other = Unit(registers.chain_of(
        registers.common("G-2", maker="GoodWe"), registers.model(160, 20, {}),
        registers.inverter(w=0), registers.nameplate(), registers.settings(),
        registers.controls()))
    other.wiggle = other.at(103, 16)
    rig.line.units[INVERTER] = rig.inverter = other
    rig.run(20000)
    assert rig.site.interval[0] == 50 and rig.steered.every_ms == 10000
    assert rig.held_w() == rig.control.cap_w and rig.steered.stands


def test_a_device_whose_old_addresses_are_refused_is_walked_again():
    rig = South().run(4000)
    rig.inverter.silent = True
    rig.run(9000)
    rig.line.units[INVERTER] = rig.inverter = inverter_unit(50000)
    rig.run(20000)
    assert rig.said.count("INVERTER_MOVED") == 1
    assert rig.held_w() == rig.control.cap_w and rig.steered.stands


def test_a_moved_device_that_goes_away_again_is_searched_for_until_it_is_found():
    rig = South().run(4000)
    rig.inverter.silent = True
    rig.run(9000)
    moved = Unit(registers.chain_of(
        registers.common(), registers.model(160, 20, {}), registers.inverter(w=0),
        registers.nameplate(), registers.settings(), registers.controls()))
    moved.wiggle = moved.at(103, 16)
    rig.line.units[INVERTER] = rig.inverter = moved
    for _ in range(300):
        rig.run(100)
        if rig.said.count("INVERTER_MOVED"):
            break
    moved.silent = True
    rig.run(30000)
    assert rig.held_w() == -1
    moved.silent = False
    rig.run(80000)
    assert rig.held_w() == rig.control.cap_w and rig.steered.stands
    assert [a for _, a, _ in moved.written() if a != moved.at(123, 5)] == []


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
    rig = South().prove()
    rig.set(4000, 3500)
    rig.run(6000)
    rig.allow(5000)
    rig.run(8000)
    assert rig.held_w() > 5000
    assert park(rig) == (FLOOR, 1)
    rig.run(2000)
    assert rig.held_w() == FLOOR  # and no sample lifts it again


def test_parking_without_an_inverter_says_that_nothing_was_written():
    rig = South()
    rig.inverter.silent = True
    rig.run(3000)
    assert park(rig)[1] == 0
    rig = South().run(4000)
    rig.allow(5000)
    rig.run(3000)
    rig.inverter.silent = True
    assert park(rig)[1] == 0 and rig.held_w() > FLOOR


def test_parking_does_not_take_a_raise_under_way_for_the_floor():
    for ms in range(0, 200, 5):
        rig = South(meter=False, delay=40).run(3000)
        rig.allow(5000)
        rig.run(ms)
        held, parked = park(rig)
        assert (held, parked) == (FLOOR, 1), ms


def test_parking_does_not_trust_what_the_device_held_before_a_lost_answer():
    rig = South(meter=False).run(3000)
    rig.allow(5000)
    while rig.inverter.writes < 2:
        rig.run(10)
    rig.inverter.silent = True  # the raise has arrived, its answer has not
    rig.run(500)
    assert rig.held_w() == 5000
    assert park(rig)[1] == 0
    rig = South(meter=False).run(3000)
    rig.allow(5000)
    while rig.inverter.writes < 2:
        rig.run(10)
    rig.inverter.silent = True
    rig.run(500)
    rig.inverter.silent = False
    assert park(rig) == (FLOOR, 1)


check.run(globals())
