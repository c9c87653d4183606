"""Live objects and their frames, cut out of the words of a device, for tests of live.py.

    thing, regs = made(inverter())
    thing, regs = der_made(der())
"""

from registers import Device, chain_of, common, frame, model, plant_der, run, single
from sunspec import LIVE_MAX, Inverter, Ratings, Walk


INVERTER = ("w", "var", "va", "mhz", "dv_a", "dv_b", "dv_c")
METER = ("w", "var", "mhz", "dv_a", "dv_b", "dv_c", "w_a", "w_b", "w_c", "var_a", "var_b", "var_c")


def walk_of(*models):
    walk = Walk(16)
    run(walk, Device({40000: chain_of(*models)}))
    return walk


def made(words, cls=Inverter, *args):
    """The object for a device with that model, and its frame cut out of the words."""
    thing = cls(walk_of(common(), words), 0, *args)
    first = thing.live_addr - 40070
    return thing, frame(words, first, thing.live_count)


def values(thing, names):
    return [getattr(thing, name) for name in names]


def inverter_float(**more):
    v = {16: single(230.1), 18: single(230.2), 20: single(230.3), 22: single(2500.9),
         24: single(50.01), 26: single(2600.0), 28: single(-123.9), 48: 4}
    v.update({int(k[1:]): x for k, x in more.items()})
    return model(113, 60, v)


def meter_float(**more):
    v = {12: single(230.1), 14: single(230.2), 16: single(230.3), 26: single(50.01),
         28: single(-700.5), 30: single(-300.0), 32: single(-250.0), 34: single(-150.5),
         44: single(90.0), 46: single(40.0), 48: single(30.0), 50: single(20.0)}
    v.update({int(k[1:]): x for k, x in more.items()})
    return model(213, 124, v)


def der_made(words, **kwargs):
    """An inverter of model 701 whose ratings were read, and its frame."""
    device = Device({40000: plant_der()})
    for i, word in enumerate(words):
        device.words[40070 + i] = word
    walk = Walk(8)
    run(walk, device)
    thing = Inverter(walk, 0, **kwargs)
    run(Ratings(thing), device)
    return thing, frame(words, thing.live_addr - 40070, thing.live_count, LIVE_MAX)


PHASES = ("w_a", "w_b", "w_c", "var_a", "var_b", "var_c")
