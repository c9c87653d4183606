"""A registered device and everything that a utility keeps for it.

Enters: LFDI, layout of assignments and programs.  Leaves: `Site`, with addresses minted for each
resource and stores for what the device sends.  Usage: `site.add_program("p1", primacy=1)`.
Limit: one DER behind one connection point, as for a direct client.
"""

from dataclasses import dataclass, field

from tools.pki.identity import registration_pin, sfdi
from tools.utility.control import Control, Program

DER_PARTS = ("dercap", "derg", "ders", "dera")


@dataclass
class Assignment:
    """One FunctionSetAssignments: which programs it leads to."""

    name: str
    mrid: str
    href: str = ""
    list_href: str = ""
    programs: list = field(default_factory=list)


@dataclass
class UsagePoint:
    """One MirrorUsagePoint, its reading types, and the readings received."""

    mrid: str
    href: str
    body: bytes
    visible_at: int
    role: str = ""
    types: dict = field(default_factory=dict)  # MMR mRID -> ReadingType as a dict
    readings: dict = field(default_factory=dict)  # (MMR mRID, start) -> {"value", "duration"}


class Site:
    """What the utility knows and keeps of one device."""

    def __init__(self, lfdi, hrefs, rng, profile, *, pin, now):
        self.lfdi = lfdi
        self.sfdi = sfdi(lfdi)
        self.pin = registration_pin(rng.randrange(10000, 99999)) if pin is None else pin
        self.registered_at = self.changed_at = int(now)
        self.enabled = True
        self.category = None
        self.connection_point = None
        self.documents = {}  # dercap, derg, ders, dera -> body as received
        self.document_times = {}
        self.usage_points = {}
        self.responses = []
        self.log_events = []
        self.assignments = {}
        self.programs = {}
        self.known = {}  # mRID -> (program, control), also of those taken away
        self._hrefs, self._rng, self._profile = hrefs, rng, profile
        self._serial = 0
        for kind in ("edev", "rg", "cp", "fsal", "derpl", "derl", "der", *DER_PARTS, "lel",
                     "rspsl", "rsps", "rsp"):
            setattr(self, kind, hrefs.mint(kind, None, lfdi))

    def mrid(self):
        """A new mRID in the case that the profile's servers use; ends in the example PEN."""
        digits = f"{self._rng.getrandbits(96):024x}00032473"
        return digits.upper() if self._profile.upper_mrid else digits

    def mint(self, kind, target):
        """An address that only this device sees."""
        return self._hrefs.mint(kind, target, self.lfdi)

    def add_assignment(self, name):
        """Add an FSA, or give the one that is there."""
        if name not in self.assignments:
            fsa = Assignment(name, self.mrid())
            fsa.href, fsa.list_href = self.mint("fsa", fsa), self.mint("derpl", fsa)
            self.assignments[name] = fsa
        return self.assignments[name]

    def remove_assignment(self, name):
        """Take an FSA away; programs reachable through no other go with it (P-02)."""
        fsa = self.assignments.pop(name)
        self._hrefs.drop(fsa.href)
        self._hrefs.drop(fsa.list_href)
        kept = {p for other in self.assignments.values() for p in other.programs}
        for program in [p for p in fsa.programs if p not in kept]:
            self.remove_program(program)

    def add_program(self, name, *, primacy=1, fsa="fsa1", has_default=True, description=None):
        """Add a program, or reach a present one through one more FSA."""
        if name not in self.programs:
            self._serial += 1
            program = Program(name, self._serial, primacy, self.mrid(), has_default=has_default,
                              description=description)
            program.href = self.mint("derp", program)
            program.list_href = self.mint("dercl", program)
            program.active_href = self.mint("actderc", program)
            program.default_href = self.mint("dderc", program)
            program.default_mrid = self.mrid()
            self.programs[name] = program
        reached = self.add_assignment(fsa).programs
        if name not in reached:
            reached.append(name)
        return self.programs[name]

    def remove_program(self, name):
        """Take a program away everywhere, with the addresses of all it holds."""
        program = self.programs.pop(name)
        for control in program.controls:
            self._hrefs.drop(control.href)
        for href in (program.href, program.list_href, program.active_href, program.default_href):
            self._hrefs.drop(href)
        for fsa in self.assignments.values():
            if name in fsa.programs:
                fsa.programs.remove(name)

    def publish(self, name, *, start, duration, modes, now, **rest):
        """Publish a control in a program; gives it."""
        self._serial += 1
        control = Control(self.mrid(), self._serial, int(start), int(duration), modes, int(now),
                          **rest)
        program = self.programs[name]
        control.href = self.mint("derc", (program, control))
        program.add(control)
        self.known[control.mrid] = program, control
        return control

    def forget(self, program, control):
        """Drop a control without a trace in the list."""
        program.controls.remove(control)
        self._hrefs.drop(control.href)

    def ordered(self, names=None):
        """Programs by primacy, then newest first (B0)."""
        programs = [p for n, p in self.programs.items() if names is None or n in names]
        return sorted(programs, key=lambda p: (p.primacy, -p.serial))
