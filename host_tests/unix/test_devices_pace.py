# heap: 640k
"""No device is written to more often than its row allows, and none later than it must be."""

import check
import registers
from plant import Unit
from south import South

_LATE = 60  # ms from the step that decides to the write on the line


def of(maker):
    unit = Unit(registers.chain_of(
        registers.common(maker=maker), registers.inverter(w=0), registers.nameplate(),
        registers.settings(), registers.controls()))
    unit.wiggle = unit.at(103, 16)
    return unit


def pressed(maker, steps):
    """A rig without a meter, its limit another one in each step, and when it was written to."""
    rig = South(meter=False, inverter=of(maker)).run(3000)
    rig.allow(5000)
    rig.run(20000)
    since = rig.inverter.writes
    for k in range(steps):
        rig.allow(5000 - 700 * k % 4500)
        rig.run(200)
    return rig, [t for t, _ in rig.written()[since:]]


def test_a_device_is_written_to_as_often_as_its_row_says_and_no_oftener():
    # A second for any, and for one that keeps it in flash ten (southbound 2, generic rules).
    for maker, every_ms, steps, least in (("Acme", 1000, 60, 6), ("Fronius", 1000, 60, 6),
                                          ("GoodWe", 10000, 200, 3), ("Hoymiles", 10000, 200, 3)):
        rig, at = pressed(maker, steps)
        assert rig.steered.every_ms == every_ms and len(at) >= least, (maker, at)
        gaps = [b - a for a, b in zip(at, at[1:])]
        assert min(gaps) >= every_ms - _LATE, (maker, gaps)
        assert min(gaps) <= every_ms + 200 + _LATE, (maker, gaps)


def test_a_lower_limit_reaches_it_at_once_when_the_last_write_was_long_ago():
    for maker in ("Acme", "GoodWe"):
        rig = South(meter=False, inverter=of(maker)).run(3000)
        rig.allow(5000)
        rig.run(21000)
        since, begun = rig.inverter.writes, rig.world.t
        rig.allow(1000)
        rig.run(1000)
        t, w = rig.written()[since]
        assert w == 1000 and t - begun <= 200 + _LATE, (maker, t - begun)


def test_a_second_cut_waits_no_longer_than_a_second_after_the_first():
    rig = South(meter=False).run(3000)
    rig.allow(5000)
    rig.run(5000)
    since = rig.inverter.writes
    rig.allow(4000)
    rig.run(400)
    rig.allow(1000)
    rig.run(2000)
    (first, _), (second, w) = rig.written()[since:]
    assert w == 1000 and 1000 - _LATE <= second - first <= 1200 + _LATE


check.run(globals())
