"""A device whose ratings were read and whose limit is ready to be written, for tests of Limit.

    device, limit = ready(plant())
    result, writes = wrote(limit, device, 2500)
"""

from registers import Device, run
from sunspec import Inverter, Limit, Ratings, Walk


def read(words, **faults):
    """A device, its inverter, its ratings and what reading them came to."""
    device = Device({40000: words})
    walk = Walk(16)
    run(walk, device)
    for name, value in faults.items():
        setattr(device, name, value)
    ratings = Ratings(Inverter(walk, 0))
    return device, ratings, run(ratings, device)


def ready(words, quirk=None, **faults):
    """A device and its limit, ready to be begun: what stood in the device has been read."""
    device, ratings, _ = read(words, **faults)
    limit = Limit(ratings._inverter, ratings, quirk)
    limit.probe()
    run(limit, device)
    device.log = []
    device.n = 0
    return device, limit


AT = 40000 + 2 + 68 + 52 + 28 + 32 + 5  # WMaxLimPct of plant()
PCT, WIN, RVRT, RMP, ENA = 0, 1, 2, 3, 4


def stand(device):
    return [device.words[AT + i] for i in range(5)]


def wrote(limit, device, cap_w):
    """Begin, run; returns the result and the writes that it took."""
    device.log = []
    limit.begin(cap_w)
    return run(limit, device), device.writes()
