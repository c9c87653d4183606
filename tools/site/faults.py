"""What goes wrong: every fault and quirk by name, switched while the site runs.

Enters: names with True, False or a number.  Leaves: for a device and a name, the value that holds
now (0 is off).

    faults.switch(silent=True)                  # every device
    faults.switch(meter_frozen=True)            # inverter_, battery_, load_ or meter_
    faults.switch(unit=2, drop=5)               # unit 2: each fifth answer is lost
    faults.switch(**{"2.drop": 5})              # the same, as JSON and the command line say it

The most special setting rules: of the unit, then of the kind, then of all.  Faults "of the wire"
happen each time for True, each Nth time for a number N.
"""

from __future__ import annotations

KINDS = ("inverter", "battery", "load", "meter")

# Of the wire: True each time, N each Nth time.
WIRE = {
    "silent": "gives no answer (N: each Nth is lost)",
    "drop": "the same, under another name",
    "late": "the answer comes late_ms too late (1500)",
    "busy": "exception 6",
    "bad_crc": "RTU: the answer's CRC is wrong",
    "truncated": "the answer ends in the middle",
    "wrong_unit": "the answer is of another unit",
    "wrong_function": "the answer is of another function",
    "wrong_transaction": "TCP: the answer has another transaction id",
    "echo": "RTU: the request comes back before the answer",
    "garbage": "RTU: stray bytes come before the answer",
    "reset": "TCP: the connection is reset instead of an answer",
    "split": "TCP: the answer comes in three pieces",
    "joined": "TCP: the last answer comes again, in one segment with this one",
}
# Numbers.
AMOUNTS = {
    "delay_ms": "each answer takes so much longer",
    "late_ms": "how late `late` is",
    "exception": "each request is refused with this code",
    "gap_ms": "a request sooner than this after an answer is refused as busy (6)",
    "reboot_gap_ms": "a request sooner than this after an answer: 5 s of silence",
    "connect_wait_ms": "TCP: requests in the first ms of a connection are not answered",
    "read_max": "reads of more registers are refused (3)",
    "action_ms": "limits act so much later",
    "write_gap_ms": "a limit sooner than this after the last one is refused as busy (6)",
    "min_step": "a limit that differs by less (1/100 %) is taken and ignored",
    "coarse": "limits act in steps of so many 1/100 %, rounded down",
    "floor_standby": "a limit below so many % sends it to standby for its reconnection time",
    "floor_refused": "a limit below so many % is refused (3)",
    "offset_w": "the meter shows so much more than there is",
}
SWITCHES = {
    "frozen": "repeats its last values",
    "writes_ignored": "takes writes and does not act on them",
    "writes_refused": "refuses every write (True: exception 1, or that code)",
    "fc16_refused": "refuses function 16 (True: exception 1): write registers one by one",
    "fc6_refused": "refuses function 6 (True: exception 1)",
    "needs_toggle": "acts on a new limit only when its enable goes from 0 to 1",
    "no_rvrt": "WinTms, RvrtTms and RmpTms read 0xFFFF and refuse to be written",
    "controls_single": "no single register of model 123 can be read, offset 23 apart",
    "conn_zero": "Conn of model 123 reads 0, whatever stands there",
    "pct_tenths": "WMaxLimPct of model 123 counts tenths of a percent, hundredths before",
    "null_frames": "live values read all zero with St = FAULT",
    "sentinels": "live values read the sentinels of their types",
    "w_only": "live values but power and state read the sentinels of their types",
    "st_zero": "St reads 0; VA, VAr, PF and DCW read their sentinels",
    "sf_moves": "dynamic power scale factors change from tick to tick",
    "sign_flip": "the meter counts the other way round",
    "absurd": "the meter shows thirty times as much",
    "chain_shift": "a model more stands before the live one: all behind it moves",
    "der_714_grows": "model 714 has a port more: all behind it moves",
    "strangers": "unknown and repeated models stand in the chain",
    "model1_short": "model 1 has L = 65",
    "end_missing": "no end model: reading there is refused",
    "end_zero": "the chain ends in one register that reads 0",
    "off": "switched off at the device: St = OFF, 0 W",
    "no_source": "its DC source is gone: St = STANDBY, 0 W",
    "asleep": "night: 0 W and all live values are sentinels",
    "tripped": "St = FAULT, 0 W",
    "one_client": "TCP: a second connection is closed at once",
    "half_open": "TCP: connections are taken and nothing is ever answered",
    "grid_lost": "the connection point has no power: 0 V, no generation, no load",
    "grid_silences": "while the grid is lost no device answers",
}
BASE = {**WIRE, **AMOUNTS, **SWITCHES}
# Of the whole site or its port: no device's own.
_SITE = ("connect_wait_ms", "one_client", "half_open", "grid_lost", "grid_silences")
_COMMON = {
    "inverter_silent": "the inverters do not answer",
    "meter_silent": "the meter does not answer",
    "meter_frozen": "the meter repeats its last values",
}
FAULTS = {**_COMMON, **BASE}


class Faults(dict):
    """All faults and their values, as JSON can say them; changed by `switch` alone."""

    def __init__(self):
        """All off."""
        super().__init__(dict.fromkeys(FAULTS, False))
        self._known: dict[tuple[int, str, str], int] = {}
        self.version = 0            # counts changes

    def switch(self, unit: int | None = None, **values) -> None:
        """Switch faults; KeyError for a name that is none, ValueError for a value that is none."""
        made = {}
        for name, value in values.items():
            full = name if unit is None else f"{unit}.{name}"
            _check(full)
            least = -1_000_000 if full.endswith("offset_w") else 0
            if not isinstance(value, (bool, int)) or value < least:
                raise ValueError(f"{full}: {value!r} is neither true, false nor a number")
            made[full] = value
        self.update(made)
        self.version += 1
        self._known.clear()

    def of(self, device, name: str) -> int:
        """The value that holds for a device (it has `unit` and `kind`); 0 is off, True is 1."""
        key = (device.unit, device.kind, name)
        known = self._known.get(key)
        if known is None:
            value = self[name]
            for way in (f"{device.kind}_{name}", f"{device.unit}.{name}"):
                if way in self and not (way in _COMMON and self[way] is False):
                    value = self[way]
            known = self._known[key] = int(value)
        return known


def _check(name: str) -> None:
    """KeyError unless it is a fault's name, with or without a unit or a kind before it."""
    unit, point, rest = name.partition(".")
    kind, _, tail = name.partition("_")
    if point:
        good = unit.isdigit() and rest in BASE and rest not in _SITE
    else:
        good = name in BASE or (kind in KINDS and tail in BASE and tail not in _SITE)
    if not good:
        raise KeyError(f"no such fault: {name}")
