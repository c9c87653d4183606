"""Devices that measure, and a server that keeps usage points, for tests of telemetry.

Enters: what the devices say, what the server answers.  Leaves: the readings that were posted.

    rig = Rig().ready()
    rig.until(FIRST + 65)
    rig.posts("03")             # [[mrid, start, value, quality] ...] of each post
"""

import registers
from edges import NOW
from north import LFDI
from plant import Unit
from sep2 import EPOCH, mmr_mrid, mup_mrid
from server import paged, status
from sitecontrol import BATTERY
from south import METER, South, battery_unit
from told import Doc, Told

PEN = 32473
_KINDS = {38: "W", 63: "var", 29: "V", 72: "Wh"}
FIRST = NOW - NOW % 60 + 60  # the first whole minute after the rig has begun


def mrid(uom, phase, role="03"):
    """The mRID of a channel, by what it says in its description."""
    what = _KINDS[uom] + " " + str(phase) + (" site" if role == "03" else " DER")
    return str(mmr_mrid(LFDI, what.encode(), role.encode(), PEN), "ascii")


def point_mrid(role):
    """The mRID of a usage point."""
    return str(mup_mrid(LFDI, role.encode(), PEN), "ascii")


class Rig(Told):
    """A Told on devices that measure, and a server that keeps usage points. Period 60 s."""

    def __init__(self, south=None, rate=60, ms=4000, profile="eql", listed=True, **settings):
        super().__init__((south or South()).run(ms), profile, page=3, **settings)
        self.points = {}  # href by role, in the order of their making
        self.rate = rate
        self.listed = listed
        self.server.routes["/mup"] = self._mup
        self.answer("03", status(201))
        self.answer("49", status(201))
        self.live(2)
        self.read()

    def _mup(self, target, body):
        if body:
            role = Doc(body).leaf("roleFlags")
            self.points[role] = Doc(body).leaf("mRID")
            return status(201, "Location: /mup/" + role)
        items = ['<MirrorUsagePoint href="/mup/%s"><mRID>%s</mRID><postRate>%d</postRate>'
                 "</MirrorUsagePoint>" % (role, self.points[role], self.rate)
                 for role in sorted(self.points) if self.listed]
        return paged("MirrorUsagePointList", items, rate=90)(target, body)

    def answer(self, role, *answers):
        self.server.routes["/mup/" + role] = list(answers)

    def read(self):
        self.telemetry.relist = False
        return self.run(self.telemetry.read_list("/mup"))

    def ready(self):
        """Both points are made and listed."""
        self.flush(self.telemetry)
        self.read()
        return self

    def phases(self, *values):
        """What the meter says: W of A, B, C."""
        unit = self.south.meter
        for i, value in enumerate((sum(values),) + values):
            unit.put(unit.at(203, 18 + i), value)

    def until(self, s, sending=True):
        """Up to that second on the server's clock."""
        while self.clock.best() < s:
            if not sending or not self.step(self.telemetry):
                self.live(1)

    def posts(self, role, since=0):
        """The readings that were posted to a point: [[mrid, start, value, quality] ...] a post."""
        found = []
        for doc in self.sent("POST", "/mup/" + role, since):
            items = doc.parts("MirrorMeterReading") or [doc]
            found.append([[d.leaf("mRID"), int(d.leaf("start")) - EPOCH, int(d.leaf("value")),
                           d.leaf("qualityFlags")] for d in items])
        return found

    def starts(self, role, since=0):
        """The starts of each post, in s after FIRST."""
        return [sorted({start - FIRST for _, start, _, _ in post})
                for post in self.posts(role, since)]


def single_phase():
    """A site with a meter of one phase."""
    south = South()
    south.meter = Unit(registers.chain_of(registers.common(), registers.meter(201, w=-700)))
    south.meter.wiggle = south.meter.at(201, 16)
    south.line.units[METER] = south.meter
    return south


def house(ms=9000, **kw):
    """A Rig with a battery of its own inverter, and the battery's Unit."""
    unit = battery_unit(registers.lithium())
    south = South(more=((BATTERY, 2, unit),))
    rig = Rig(south, ms=ms, **kw).ready()
    return rig, unit


def asleep(unit):
    """Every value of its block is a sentinel, as at night."""
    at = unit.at(103, 0)
    for i in range(2, 41):
        unit.put(at + i, 0x8000 if i in (14, 20, 24, 36) else 0xFFFF)
    unit.wiggle = None
