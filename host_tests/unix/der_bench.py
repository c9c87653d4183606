"""A schedule with its server and its control, for the tests of der: time is a number.

    bench = Bench()
    bench.program(0, primacy=1)
    bench.event("A", 0, 100, 60, {EXP_LIM_W: 5000})
    bench.poll(0)
    bench.run(200)              # each second: evaluate, confirm what runs, deliver what is owed
    assert bench.log == [...]   # (name, status), in order of delivery
"""

from array import array
from collections import OrderedDict

from der import Schedule
from der.record import (
    CATEGORY, CREATED, DURATION, GRAD, KEY_SIZE, MODES, RAMP, RAND_DURATION, RAND_START, REC_SIZE,
    RESPONSE, START, STATUS, VALUE,
)


def key(name):
    """A name (a short string or a number) as an mRID of 32 digits."""
    k = bytearray(KEY_SIZE)
    n = name if isinstance(name, int) else int.from_bytes(name.encode(), "big")
    k[:16] = n.to_bytes(16, "big")
    k[16] = 32
    return k


def record(start=0, duration=0, modes=None, **fields):
    """A control record; fields: created, status, rand_start, rand_duration, response, ..."""
    rec = array("i", bytes(4 * REC_SIZE))
    rec[START] = start
    rec[DURATION] = duration
    rec[CREATED] = fields.get("created", 0)
    rec[STATUS] = fields.get("status", 0)
    rec[RAND_START] = fields.get("rand_start", 0)
    rec[RAND_DURATION] = fields.get("rand_duration", 0)
    rec[RESPONSE] = fields.get("response", 3)
    rec[CATEGORY] = fields.get("category", -1)
    rec[RAMP] = fields.get("ramp", -1)
    rec[GRAD] = fields.get("grad", -1)
    for mode, value in (modes or {}).items():
        rec[MODES] |= 1 << mode
        rec[VALUE + mode] = value
    return rec


class Bench:
    def __init__(self, slots=12, programs=4, spare=0, rand=0):
        self.s = Schedule(slots, programs, spare)
        self.now = 0
        self.rand = rand  # what is drawn for every event, 0 .. 65535
        self.names = {}
        self.lists = [OrderedDict() for _ in range(programs)]  # in the order of the server's list
        self.log = []
        self.times = []
        self.confirming = True
        self.online = True

    def program(self, program, primacy):
        self.s.set_program(program, primacy)

    def default(self, program, modes, grad=-1):
        self.s.set_default(program, record(0, 0, modes, grad=grad))

    def event(self, name, program, start, duration, modes, **fields):
        """The server lists an event from now on (no poll yet)."""
        fields["created"] = fields.get("created", self.now)
        self.lists[program][name] = record(start, duration, modes, **fields)
        self.names[bytes(key(name))] = name

    def status(self, name, status):
        for events in self.lists:
            if name in events:
                events[name][STATUS] = status

    def remove(self, name):
        for events in self.lists:
            events.pop(name, None)

    def poll(self, program, reply=1):
        """Read a program's list to its end. Returns the codes of put() and what end() says."""
        self.s.begin(program)
        codes = [self.s.put(program, key(n), r, reply, self.now, self.rand, self.rand)
                 for n, r in self.lists[program].items()]
        return codes, self.s.end(program, self.now)

    def tick(self):
        """One second's work at the present time."""
        changed = self.s.evaluate(self.now)
        self.deliver()  # E5: what is due by then goes before a start that is confirmed later
        if self.confirming:
            for slot in self.s.winner:
                if slot >= 0:
                    self.s.confirm(slot)
        self.deliver()
        return changed

    def deliver(self):
        while self.online and self.s.next_owed():
            name = self.names[bytes(self.s.owed_key)]
            self.log.append((name, self.s.owed_status))
            self.times.append(self.s.owed_created)
            self.s.answered()

    def run(self, until, step=1):
        while self.now < until:
            self.tick()
            self.now += step
        self.tick()

    def row(self, name):
        return self.s.find(key(name))

    def of(self, name):
        return [status for n, status in self.log if n == name]

    def holder(self, mode):
        """The name of the event that rules a mode, or the negative winner code."""
        slot = self.s.winner[mode]
        if slot < 0:
            return slot
        k = bytearray(KEY_SIZE)
        self.s.key_into(slot, k)
        return self.names[bytes(k)]
