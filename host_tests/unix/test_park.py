# heap: 1200k
"""A clean stop leaves the floor, also in a device that is written seldom to spare its flash."""

import check
import registers
from plant import Unit
from south import FLOOR, South


def inverter(maker):
    unit = Unit(registers.chain_of(registers.common(maker=maker), registers.inverter(w=0),
                                   registers.nameplate(), registers.settings(),
                                   registers.controls()))
    unit.wiggle = unit.at(103, 16)
    unit.put(unit.at(123, 4), 1)
    return unit


def parked(rig, ms=3000):
    rig.limits.complete = False
    rig.schedule.drop_program(0)
    rig.limits.step(rig.world.t)
    rig.loop.spawn("park", rig.control.park(rig.loop.after(ms)))
    while rig.control.parked < 0:
        rig.loop.turn()
    return rig.held_w(), rig.control.parked


def test_the_floor_is_written_and_not_the_last_band_taken_for_it():
    for maker in ("Acme", "GoodWe"):
        rig = South(inverter=inverter(maker)).prove()
        rig.set(4000, 3500)
        rig.run(14000)
        rig.allow(5000)
        rig.run(13000)
        rig.set(4000, 6000)  # more load: the cap rises, and that was its write for ten seconds
        for _ in range(60):
            before = rig.held_w()
            rig.run(500)
            if rig.held_w() != before:
                break
        assert rig.held_w() > FLOOR, maker
        assert parked(rig) == (FLOOR, 1), maker


check.run(globals())
