"""DERControls and the programs that hold them: creation, status by the clock, supersession.

Enters: watts, times and modes by short names.  Leaves: `Control` and `Program`, whose status and
membership follow from `now`.  Usage: `program.add(control)`, `program.listed(now)`.
Limit: server-side rules only (requirements D1, B0); what a client makes of them is its own.
"""

from dataclasses import dataclass, field

SCHEDULED, ACTIVE, CANCELLED, CANCELLED_RANDOM, SUPERSEDED = range(5)

# Short name -> wire name.  Watts, hundredths of a percent, and plain values.
POWER = {
    "exp_w": "opModExpLimW", "imp_w": "opModImpLimW", "gen_w": "opModGenLimW",
    "load_w": "opModLoadLimW", "storage_w": "opModStorageTargetW", "target_w": "opModTargetW",
}
PLAIN = {
    "max_pct100": "opModMaxLimW", "fixed_pct100": "opModFixedW",
    "connect": "opModConnect", "energize": "opModEnergize", "ramp_tms": "rampTms",
}
WIRE = {**POWER, **PLAIN}
_SHORT = {wire: short for short, wire in WIRE.items()}
INT16 = 32767


def active_power(watts, least=0):
    """(value, multiplier) for ActivePower: the least multiplier that fits 16 bits."""
    multiplier = least
    while True:
        value = round(watts / 10 ** multiplier)
        if -INT16 - 1 <= value <= INT16:
            return value, multiplier
        multiplier += 1


def read_modes(modes, *, storage, least=0):
    """Check modes as an operator says them; gives {wire name: value or (value, multiplier)}.

    Keys are short names or wire names; power is watts, or {"value": v, "multiplier": m} to be sent
    just so.  Raises ValueError for what the profile does not have.
    """
    out = {}
    for key, value in modes.items():
        short = _SHORT.get(key, key)
        if short not in WIRE:
            raise ValueError(f"no such mode: {key} (known: {', '.join(WIRE)})")
        if short == "storage_w" and not storage:
            raise ValueError("this profile has no opModStorageTargetW")
        if short in PLAIN:
            out[WIRE[short]] = bool(value) if short in ("connect", "energize") else int(value)
        elif isinstance(value, dict):
            out[WIRE[short]] = int(value["value"]), int(value.get("multiplier", 0))
        else:
            out[WIRE[short]] = active_power(value, least)
    return out


@dataclass
class Control:
    """One DERControl; times are Unix seconds."""

    mrid: str
    serial: int
    start: int
    duration: int
    modes: dict
    created: int
    href: str = ""
    randomize_start: int | None = None
    randomize_duration: int | None = None
    response_required: str = "03"
    category: str | None = None
    description: str | None = None
    ruling: int | None = None  # CANCELLED .. SUPERSEDED, once ruled by the server
    ruled_at: int = 0

    @property
    def end(self):
        """End of the interval, without randomisation."""
        return self.start + self.duration

    def status(self, now):
        """EventStatus.currentStatus at `now` (D1): active from the earliest effective start."""
        if self.ruling is not None:
            return self.ruling
        early = min(self.randomize_start or 0, 0)
        return ACTIVE if now >= self.start + early else SCHEDULED

    def status_time(self, now):
        """EventStatus.dateTime: when the present status began."""
        status = self.status(now)
        if status == SCHEDULED:
            return self.created
        return max(self.start, self.created) if status == ACTIVE else self.ruled_at

    def changed(self):
        """creationTime as utilities send it: it moves when the status is ruled (D3)."""
        return self.created if self.ruling is None else max(self.created, self.ruled_at)

    def cancel(self, now):
        """Cancel at `now`, with randomisation where the start had one (D1)."""
        self.rule(CANCELLED_RANDOM if self.randomize_start else CANCELLED, now)

    def rule(self, ruling, now):
        """Set a lasting status; a superseded or cancelled event stays what it is."""
        if self.ruling is None:
            self.ruling, self.ruled_at = ruling, int(now)

    def overlaps(self, other):
        """Whether the intervals meet and a mode is common: what makes one supersede the other."""
        meet = self.start < other.end and other.start < self.end
        modes = self.modes.keys() - {"rampTms"}
        return meet and bool(modes & other.modes.keys())


@dataclass
class Program:
    """One DERProgram with its controls and default."""

    name: str
    serial: int
    primacy: int
    mrid: str
    href: str = ""
    list_href: str = ""
    active_href: str = ""
    default_href: str = ""
    default_mrid: str = ""
    default_modes: dict = field(default_factory=dict)
    default_version: int = 0
    grad: int | None = None  # setGradW, hundredths of a percent a second
    has_default: bool = True  # whether the link is there
    description: str | None = None
    controls: list = field(default_factory=list)

    def add(self, control):
        """Take a control; older ones that it overlaps are superseded at once, as envoy does."""
        for other in self.controls:
            if control.overlaps(other):
                other.rule(SUPERSEDED, control.created)
        self.controls.append(control)

    def listed(self, now):
        """The controls to be served: not ended, by start, then newest first (B0)."""
        left = [c for c in self.controls if c.end > now]
        return sorted(left, key=lambda c: (c.start, -c.changed(), -c.serial))

    def find(self, mrid):
        """The control with that mRID, or None."""
        return next((c for c in self.controls if c.mrid == mrid), None)
