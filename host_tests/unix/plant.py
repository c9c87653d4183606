"""Modbus devices behind one in-memory line, answered without allocating.

Enters: register maps (registers.py).  Leaves: a stream for port.Bus, and what was written to the
devices and when.

    inverter = Unit(registers.plant())
    line = Line(world, {1: inverter, 200: Unit(registers.chain_of(...))})
    bus = Bus(loop, Tcp(), line.connect, 1000, "inverter")
"""

from array import array

_LOG = 400


class Unit:
    """Registers from `base` on. Faults are attributes that a test sets.

    `wiggle`: address of a register that changes with each read of its block, as a live frequency
    does; None: frozen.  `forgets`: takes writes and keeps nothing.  `silent`, `code`: no answer,
    this exception.  `deaf`: addresses whose reading gets no answer.  `writes`: how many came;
    their ticks, addresses and first words in `log`.
    """

    def __init__(self, words, base=40000, wiggle=None):
        self.regs = array("H", words)
        self.base = base
        self.wiggle = wiggle
        self.deaf = ()
        self.forgets = False
        self.silent = False
        self.code = 0
        self.reads = 0
        self.writes = 0
        self.log = array("i", bytes(12 * _LOG))

    def at(self, model_id, offset):
        """The address of a model's register, `offset` counted from its ID."""
        n = 2
        regs = self.regs
        while regs[n] != model_id:
            n += regs[n + 1] + 2
        return self.base + n + offset

    def put(self, address, value):
        self.regs[address - self.base] = value & 0xFFFF

    def get(self, address):
        return self.regs[address - self.base]

    def wrote(self, ticks, address, value):
        at = 3 * (self.writes % _LOG)
        self.log[at] = ticks
        self.log[at + 1] = address
        self.log[at + 2] = value
        self.writes += 1

    def written(self):
        """[ticks, address, first word] of each write."""
        return [list(self.log[3 * i:3 * i + 3]) for i in range(self.writes)]


class Line:
    """The stream, and `connect` for the Bus. An answer comes `delay` ms after its request."""

    def __init__(self, world, units, delay=20):
        self._world = world
        self.units = units
        self.delay = delay
        self.refuse = False
        self.connects = 0
        self._tx = bytearray(264)
        self._n = 0
        self._at = 0

    async def connect(self, _deadline):
        if self.refuse:
            raise OSError(111)
        self.connects += 1
        self._n = 0
        return self

    def ready_in(self):
        if not self._n:
            return None
        return max(0, self._world.ticks_diff(self._at, self._world.t))

    def close(self):
        self._n = 0

    def readinto(self, buf):
        if not self._n or self._world.ticks_diff(self._at, self._world.t) > 0:
            return None
        n = self._n
        for i in range(n):
            buf[i] = self._tx[i]
        self._n = 0
        return n

    def write(self, buf, n):
        tx = self._tx
        for i in range(8):
            tx[i] = buf[i]
        unit = self.units.get(buf[6])
        if unit is None:
            self._answer(11)
        elif not unit.silent:
            self._do(unit, buf, buf[7], buf[8] << 8 | buf[9])
        return n

    def _answer(self, code):
        if code:
            self._tx[7] |= 128
            self._tx[8] = code
            self._n = 9
        self._tx[4] = 0
        self._tx[5] = self._n - 6
        self._at = self._world.ticks_add(self._world.t, self.delay)

    def _do(self, unit, buf, kind, address):
        first = address - unit.base
        count = 1 if kind == 6 else buf[10] << 8 | buf[11]
        if address in unit.deaf:
            return
        if unit.code:
            self._answer(unit.code)
        elif first < 0 or first + count > len(unit.regs):
            self._answer(2)
        elif kind < 5:
            self._read(unit, first, count)
            self._answer(0)
        else:
            self._write(unit, buf, first, count, 10 if kind == 6 else 13)
            self._answer(0)

    def _read(self, unit, first, count):
        unit.reads += 1
        if unit.wiggle is not None and first <= unit.wiggle - unit.base < first + count:
            unit.regs[unit.wiggle - unit.base] = 5000 + (unit.reads & 1)
        self._tx[8] = 2 * count
        for i in range(count):
            word = unit.regs[first + i]
            self._tx[9 + 2 * i] = word >> 8
            self._tx[10 + 2 * i] = word & 255
        self._n = 9 + 2 * count

    def _write(self, unit, buf, first, count, at):
        unit.wrote(self._world.t, first + unit.base, buf[at] << 8 | buf[at + 1])
        for i in range(count):
            if not unit.forgets:
                unit.regs[first + i] = buf[at + 2 * i] << 8 | buf[at + 2 * i + 1]
        for i in range(8, 12):
            self._tx[i] = buf[i]
        self._n = 12
