"""Register maps of SunSpec devices for tests, and a device that answers from one.

Offsets are written out here, by the specification, so that they check those of the package.

    chain = chain_of(model(1, 66, {2: text("Acme", 16)}), model(103, 50, {14: 2500, 15: 0}))
    device = Device({40000: chain})
    run(walk, device)
"""

from array import array

from sunspec import Inverter, Ratings, Walk

SUNS = [0x5375, 0x6E53]
END = [0xFFFF, 0]
NAN = 0x8000
UNAN = 0xFFFF


def word(value):
    """A signed value as a register."""
    return value & 0xFFFF


def text(chars, size):
    """A string in `size` registers."""
    raw = chars.encode() + bytes(2 * size)
    return [raw[2 * i] << 8 | raw[2 * i + 1] for i in range(size)]


def single(value):
    """A float as two registers."""
    import struct

    return list(struct.unpack(">HH", struct.pack(">f", value)))


def model(model_id, length, values, fill=UNAN):
    """The registers of a model from its ID on; `values` maps an offset to a word or a list."""
    words = [model_id, length] + [fill] * length
    for offset, value in values.items():
        for i, v in enumerate(value if isinstance(value, list) else [value]):
            words[offset + i] = word(v)
    return words


def chain_of(*models, end=None):
    """SunS, the models, an end model (or the words given as `end`)."""
    words = SUNS[:]
    for m in models:
        words += m
    return words + (END if end is None else end)


def common(serial="S-1", length=66, maker="Acme"):
    return model(1, length, {2: text(maker, 16), 18: text("Model X", 16), 34: text("opt", 8),
                             42: text("1.2", 8), 50: text(serial, 16)})


def inverter(model_id=103, w=2500, w_sf=0, **more):
    values = {10: 2301, 11: 2302, 12: 2303, 13: -1, 14: w, 15: w_sf, 16: 5001, 17: -2,
              18: 2600, 19: 0, 20: -123, 21: 0, 38: 4}
    values.update({int(k[1:]): v for k, v in more.items()})
    return model(model_id, 50, values)


def meter(model_id=203, w=-700, w_sf=0, **more):
    values = {8: 2301, 9: 2302, 10: 2303, 15: -1, 16: 5001, 17: -2, 18: w, 19: -300, 20: -250,
              21: -150, 22: w_sf, 28: 90, 29: 40, 30: 30, 31: 20, 32: 0}
    values.update({int(k[1:]): v for k, v in more.items()})
    return model(model_id, 105, values)


def nameplate(wrtg=10000, sf=0):
    return model(120, 26, {2: 4, 3: wrtg, 4: sf, 5: 11000, 6: 0, 7: 4400, 10: -4400, 11: 0})


def settings(wmax=10000, sf=0):
    return model(121, 30, {2: wmax, 7: 10500, 8: 4000, 11: -4000, 22: sf, 26: 0, 27: 0})


def controls(pct=10000, sf=-2, rvrt=0, win=0, rmp=0, ena=0):
    return model(123, 24, {4: 1, 5: pct, 6: win, 7: rvrt, 8: rmp, 9: ena, 23: sf})


def _with(values, more):
    values.update({int(k[1:]): v for k, v in more.items()})
    return values


def der(w=2500, **more):
    """Model 701 with three phases; scale factors at 113 to 120."""
    return model(701, 153, _with({
        2: 2, 3: 1, 4: 3, 5: 1, 6: [0, 0], 8: [0, 0], 10: w, 11: 2600, 12: -123, 15: 4000,
        16: 2310, 17: [0, 50010], 41: 900, 42: 950, 43: -41, 47: 2301, 64: 850, 66: -42,
        70: 2302, 87: 750, 89: -40, 93: 2303, 113: -1, 114: -1, 115: -3, 116: 0, 117: -2, 118: 0,
        119: 0, 120: 0}, more))


def der_ratings(wmax=10000, sf=0, **more):
    """Model 702: ratings at 2, settings at 26."""
    return model(702, 50, _with({
        2: 10500, 7: 11000, 8: 4400, 9: 4300, 10: 5000, 11: 6000, 14: 4000, 26: wmax, 31: 10500,
        32: 4000, 33: 3900, 34: 4500, 35: 5500, 38: 3990, 45: sf, 46: -2, 47: 0, 48: 0, 49: -1,
        50: -1}, more))


def enter(es=1):
    return model(703, 17, {2: es, 17: -1, 18: -2})


def der_controls(ena=0, pct=1000, sf=-1, **more):
    """Model 704: limit at 14 to 19, set point at 22 to 32."""
    return model(704, 65, _with({
        14: ena, 15: pct, 16: 1000, 17: 0, 18: [0, 0], 20: [0, 0], 22: 0, 23: 0, 24: [0, 0],
        26: [0, 0], 30: 0, 31: [0, 0], 54: sf, 55: 0}, more))


def state(pv=7, stor=0, ecp=1):
    return model(122, 44, {2: pv, 3: stor, 4: ecp})


def storage(wchamax=5000, sf=-2, **more):
    """Model 124."""
    return model(124, 24, _with({
        2: wchamax, 3: 100, 4: 100, 5: 0, 7: 500, 8: 6543, 11: 4, 12: 10000, 13: 10000, 14: 0,
        15: 0, 16: 0, 17: 1, 18: 0, 19: 0, 21: -2, 22: -2, 24: -1, 25: sf}, more))


def der_storage(**more):
    return model(713, 7, _with({2: 1000, 3: 432, 4: 432, 5: 1000, 6: 0, 7: 1, 8: -1}, more))


def lithium(**more):
    """Model 802: the fixed part."""
    return model(802, 62, _with({
        3: 1000, 4: 500, 5: 500, 11: 432, 16: 3, 47: -1200, 53: 1, 54: 1, 56: -1, 63: 0}, more))


def plant_der(**kwargs):
    """An inverter of the 7xx family; keywords go to der_controls()."""
    return chain_of(common(), der(), der_ratings(), enter(), der_controls(**kwargs))


def plant(**kwargs):
    """An inverter with all that a limit needs; keywords go to controls()."""
    return chain_of(common(), inverter(), nameplate(), settings(), controls(**kwargs))


class Device:
    """Answers from maps {base: words}; exception 2 outside them.

    Faults: `silent` and `refused` are {operation number: True or exception code}; `no_read` and
    `no_write` sets of addresses (exception 2); `functions` that it takes; `frozen`: takes writes
    and forgets them; `on_read(addr, value)` changes what is read.
    """

    def __init__(self, maps):
        self.words = {}
        for base, words in maps.items():
            for i, w in enumerate(words):
                self.words[base + i] = w
        self.n = 0
        self.silent_from = None
        self.silent = set()
        self.refused = {}
        self.no_read = set()
        self.no_write = set()
        self.functions = {3, 4, 6, 16}
        self.code = None  # answers everything with this exception
        self.frozen = False
        self.on_read = None
        self.log = []

    def do(self, kind, addr, count, regs):
        """One operation: 0 done, an exception code, -2 silence."""
        at = self.n
        self.n += 1
        self.log.append((kind, addr, count, [regs[i] for i in range(count)] if kind > 4 else None))
        if at in self.silent or (self.silent_from is not None and at >= self.silent_from):
            return -2
        if self.code or at in self.refused:
            return self.code or self.refused[at]
        if kind not in self.functions:
            return 1
        if kind <= 4:
            return self._read(addr, count, regs)
        for i in range(count):
            if addr + i in self.no_write or addr + i not in self.words:
                return 2
        if not self.frozen:
            for i in range(count):
                self.words[addr + i] = regs[i]
        return 0

    def _read(self, addr, count, regs):
        for i in range(count):
            if addr + i not in self.words or addr + i in self.no_read:
                return 2
        for i in range(count):
            value = self.words[addr + i]
            regs[i] = self.on_read(addr + i, value) if self.on_read else value
        return 0

    def writes(self):
        """(function, address, values) of every write that came."""
        return [(k, a, v) for k, a, _, v in self.log if k > 4]


def run(seq, device, limit=400):
    """Run a sequence to its end; returns its result. Fails when it does not end."""
    regs = array("H", bytes(256))
    for _ in range(limit):
        if not seq.next(regs):
            return seq.result
        seq.took(device.do(seq.kind, seq.addr, seq.count, regs), regs)
    raise AssertionError("the sequence does not end")


def frame(words, addr, count, size=64):
    """`count` registers of a model's words from that offset, in an array of `size`."""
    regs = array("H", bytes(2 * size))
    for i in range(count):
        regs[i] = words[addr + i]
    return regs


def met(words):
    """A device with these registers, its Inverter and its Ratings, read."""
    device = Device({40000: words})
    walk = Walk(16)
    run(walk, device)
    inverter = Inverter(walk, 0)
    ratings = Ratings(inverter)
    run(ratings, device)
    return device, inverter, ratings
