"""The simulated site: sun, load, a SunSpec inverter and a meter, on Modbus TCP or in lockstep.

Enters: a profile (sun and load over time), settings, Modbus requests, faults.  Leaves: Modbus
replies, and a record of what the connection point really did, which no Modbus read can colour.

    site = Site(Settings(), random_profile(seed=1, wmax_w=10000), start=0.0)
    site.advance(12.5)                        # the plant lives up to t = 12.5 s
    registers = site.read(1, 40000, 70)       # SunS and model 1 of the inverter

`Site` is pure: no socket, no clock, no thread, so a lockstep test drives it by time.
`tools.site.server` puts it on TCP, `python -m tools.site --help` makes a process of it.
"""

from tools.site.frames import answer
from tools.site.plant import Plant
from tools.site.profile import Profile, profile_from, random_profile
from tools.site.record import COLUMNS, Row, read_csv
from tools.site.site import FAULTS, Refused, Settings, Site

__all__ = ["COLUMNS", "FAULTS", "Plant", "Profile", "Refused", "Row", "Settings", "Site",
           "answer", "profile_from", "random_profile", "read_csv"]
