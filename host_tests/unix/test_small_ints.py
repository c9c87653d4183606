# heap: 512k
"""The 200 ms path where its numbers are largest: 1 MW, the ticks' wrap, the year 2053.

Where words have 32 bits, an int of 2**30 or more is an object: what is walked here under
heap_lock() stays below.
"""

import check
import registers
from plant import Unit
from sitecontrol import TRACKING
from south import South

LATE = (1 << 30) - 30 * 86400  # s since EPOCH: December 2053
WRAP = 1 << 30  # of the ticks


def large():
    """An inverter of 1 MW: what it makes and may make is counted in hundreds of watts."""
    unit = Unit(registers.chain_of(
        registers.common(), registers.inverter(w=0, w_sf=2), registers.nameplate(10000, 2),
        registers.settings(10000, 2), registers.controls()))
    unit.wiggle = unit.at(103, 16)
    return unit


def test_the_path_stays_below_objects_of_32_bit_words():
    rig = South(inverter=large()).prove()
    world, bus, control, limits = rig.world, rig.bus, rig.control, rig.limits
    rig.clock.set_server(LATE, world.t)
    rig.meter.put(rig.meter.at(203, 22), 2)  # its scale factor
    rig.set(4000, 500)
    rig.run(6000)
    for _ in range(2):  # to the end of the ticks, not by more than half of them at once
        world.t += (WRAP >> 1) - 20000
        rig.run(6000)
    assert world.t > WRAP - 40000
    rig.allow(900000, m3=9500)
    rig.run(9000)
    rig.event(250000, 4, 12)
    rig.event(990000, 20, 12)
    writes = rig.inverter.writes
    world.t -= world.t % 10
    before = world.t

    def drive():
        for step in range(4000):
            world.t = world.ticks_add(world.t, 10)
            bus.step(world.t)
            if step % 20 == 0:
                control.step(world.t)
            if step % 100 == 0:
                limits.step(world.t)

    check.locked(drive)
    assert world.t < before, "the ticks have wrapped"
    assert rig.inverter.writes >= writes + 2 and rig.obeyed()
    caps = [w for _, w in rig.written()[writes:]]  # hundredths of a percent of 1 MW
    assert min(caps) < 3000 and 8000 < max(caps) <= 9500
    assert rig.site.state == TRACKING


check.run(globals())
