"""The simulated site: sun, load, inverters, battery and meter on Modbus TCP, RTU or in lockstep.

Enters: a profile (sun and load over time), settings, Modbus requests, faults.  Leaves: Modbus
replies, and a record of what the connection point really did, which no Modbus read can colour.

    site = Site(Settings(), random_profile(seed=1, wmax_w=10000), start=0.0)
    site.advance(12.5)                        # the plant lives up to t = 12.5 s
    registers = site.read(1, 40000, 70)       # SunS and model 1 of the inverter

`Site` is pure: no socket, no clock, no thread, so a lockstep test drives it by time.
`tools.site.server` puts it on TCP and on a pty, `python -m tools.site --help` makes a process of
it; README.md has the devices, the faults and the waveforms.
"""

from tools.site.chain import Refused
from tools.site.faults import FAULTS
from tools.site.frames import RESET, TcpLine, answer
from tools.site.plant import Plant
from tools.site.profile import Profile, profile_from, random_profile
from tools.site.record import COLUMNS, Row, read_csv
from tools.site.rtu import RtuBus
from tools.site.settings import (
    MAKES,
    BatterySettings,
    InverterSettings,
    LoadSettings,
    MeterSettings,
    Settings,
    settings_from,
)
from tools.site.site import Site
from tools.site.waves import Constant, Ramp, Sine, Square, Waves, waves_from

__all__ = ["COLUMNS", "FAULTS", "MAKES", "RESET", "BatterySettings", "Constant",
           "InverterSettings", "LoadSettings", "MeterSettings", "Plant", "Profile", "Ramp",
           "Refused", "Row", "RtuBus", "Settings", "Sine", "Site", "Square", "TcpLine", "Waves",
           "answer", "profile_from", "random_profile", "read_csv", "settings_from",
           "waves_from"]
