"""Reading the simulated site by point names, as a client that knows the models does."""

import struct

from tools.site import Profile, Settings, Site
from tools.site.layout import layout


def steady(pv=8000, load=500):
    """Constant sun and load, in W."""
    return Profile([[0, pv]], [[0, load]])


def made(pv=8000, load=500, **settings):
    """A site without noise at second 0."""
    return Site(Settings(noise_w=0, **settings), steady(pv, load), start=0.0)


def place(site, unit, model, nth=0, base=40000):
    """Address of the ID of the nth such model, found by walking the chain."""
    address = base + 2
    while True:
        found, length = site.read(unit, address, 2)
        if found == model:
            if not nth:
                return address
            nth -= 1
        address += 2 + length


def point(site, unit, model, name, nth=0, base=40000):
    """Raw number of a point."""
    p = layout(model).points[name]
    words = site.read(unit, place(site, unit, model, nth, base) + p.offset, p.size)
    raw = struct.pack(f">{p.size}H", *words)
    if p.type == "float32":
        return struct.unpack(">f", raw)[0]
    return int.from_bytes(raw, "big", signed=p.type.startswith(("int", "sunssf")))


def put(site, unit, model, **values):
    """Write points one by one."""
    for name, value in values.items():
        p = layout(model).points[name]
        raw = (value & ((1 << 16 * p.size) - 1)).to_bytes(2 * p.size, "big")
        words = list(struct.unpack(f">{p.size}H", raw))
        site.write(unit, place(site, unit, model) + p.offset, words)


def floats(site, unit, address, low_first=False):
    """A float32 of the holding registers."""
    words = site.read(unit, address, 2)
    return struct.unpack(">f", struct.pack(">2H", *(words[::-1] if low_first else words)))[0]


def float_words(value, low_first=False):
    """Registers of a float32."""
    words = list(struct.unpack(">2H", struct.pack(">f", value)))
    return words[::-1] if low_first else words
