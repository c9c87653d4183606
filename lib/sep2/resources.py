"""The resources that lead to the controls, and the lists among them.

Enters: documents fed to an xmlpull.Reader.  Leaves: links, rates and identifiers.

    reader = DERProgramList(xml)
    reader.begin()
    while reader.next_record() != DONE: ...   # at ITEM: reader.href, reader.primacy ...

Numbers that are absent are -1, hrefs and bytes None.  Limit: fields of requirements B14 that the
client acts on; everything else is passed over.
"""

from .record import ABSENT
from .resource import (
    DIGITS,
    FLAG,
    HEX_DIGITS,
    INT,
    LINK,
    LIST_ITEM,
    ROOT,
    TIME,
    Resource,
    table,
)

_LFDI_DIGITS = 40
_SFDI_DIGITS = 12


def root(name, fields):
    """The ROOTS of a resource of that one name."""
    return table((name, ROOT, fields, 0, 0))


def items(name, fields):
    """Table of a list's content."""
    return table((name, LIST_ITEM, fields, 0, 0))


class DeviceCapability(Resource):
    """poll_rate, time_href, edev_href, mup_href (requirements B1)."""

    ROOTS = root(b"DeviceCapability", table(
        (b"TimeLink", LINK, "time_href", 0, 0),
        (b"EndDeviceListLink", LINK, "edev_href", 0, 0),
        (b"MirrorUsagePointListLink", LINK, "mup_href", 0, 0),
    ))

    def clear(self):
        """Forget the links."""
        self.time_href = self.edev_href = self.mup_href = None


class Time(Resource):
    """current (s since EPOCH, UTC), quality (-1 when absent), poll_rate (requirements C1).

    The zone and daylight saving play no part in control and are not read (C3).
    """

    ROOTS = root(b"Time", table(
        (b"currentTime", TIME, "current", 0, 0),
        (b"quality", INT, "quality", 0, 255),
    ))

    def clear(self):
        """Forget the time."""
        self.current = ABSENT
        self.quality = -1

    def finish(self):
        """currentTime is mandatory."""
        if self.current == ABSENT:
            self.lack(b"currentTime")


class Registration(Resource):
    """pin (int, leading zeros do not count), poll_rate (requirements B5)."""

    ROOTS = root(b"Registration", table((b"pIN", INT, "pin", 0, 0xFFFFFFFF)))

    def clear(self):
        """Forget the PIN."""
        self.pin = -1

    def finish(self):
        """pIN is mandatory."""
        if self.pin < 0:
            self.lack(b"pIN")


_END_DEVICE = table(
    (b"DERListLink", LINK, "der_href", 0, 0),
    (b"lFDI", HEX_DIGITS, "lfdi", 0, _LFDI_DIGITS),
    (b"LogEventListLink", LINK, "log_href", 0, 0),
    (b"sFDI", DIGITS, "sfdi", 0, _SFDI_DIGITS),
    (b"enabled", FLAG, "enabled", 0, 1),
    (b"FunctionSetAssignmentsListLink", LINK, "fsa_href", 0, 0),
    (b"RegistrationLink", LINK, "registration_href", 0, 0),
    (b"ConnectionPointLink", LINK, "cp_href", 0, 0),
)


class EndDeviceList(Resource):
    """Items: href, lfdi (bytes, upper case), sfdi (bytes), enabled (1, 0, -1), fsa_href, der_href,
    registration_href, cp_href, log_href (requirements B3).

    A single EndDevice, as a Location leads to, is read as a list of one.
    """

    LIST = True
    ROOTS = table(
        (b"EndDeviceList", ROOT, items(b"EndDevice", _END_DEVICE), 0, 0),
        (b"EndDevice", LIST_ITEM, _END_DEVICE, 0, 0),
    )

    def clear(self):
        """Forget the device before."""
        self.href = self.lfdi = self.sfdi = None
        self.enabled = -1
        self.fsa_href = self.der_href = self.registration_href = None
        self.cp_href = self.log_href = None

    def item_attributes(self):
        """Where the device is."""
        self.href = self.own_href(b"EndDevice")

    def finish(self):
        """A device that cannot be told by either identifier is of no use."""
        if self.lfdi is None and self.sfdi is None:
            self.lack(b"lFDI")


class FunctionSetAssignmentsList(Resource):
    """Items: href, derp_href, time_href (requirements B7)."""

    LIST = True
    ROOTS = root(b"FunctionSetAssignmentsList", items(b"FunctionSetAssignments", table(
        (b"DERProgramListLink", LINK, "derp_href", 0, 0),
        (b"TimeLink", LINK, "time_href", 0, 0),
    )))

    def clear(self):
        """Forget the assignments before."""
        self.href = self.derp_href = self.time_href = None

    def item_attributes(self):
        """Which assignments they are."""
        self.href = self.own_href(b"FunctionSetAssignments")

    def finish(self):
        """Assignments are known by their href."""
        if self.href is None:
            self.lack(b"href")


class DERProgramList(Resource):
    """Items: href, primacy (0..255, lower counts more), dderc_href, derc_href (B8)."""

    LIST = True
    ROOTS = root(b"DERProgramList", items(b"DERProgram", table(
        (b"DefaultDERControlLink", LINK, "dderc_href", 0, 0),
        (b"DERControlListLink", LINK, "derc_href", 0, 0),
        (b"primacy", INT, "primacy", 0, 255),
    )))

    def clear(self):
        """Forget the program before."""
        self.href = self.dderc_href = self.derc_href = None
        self.primacy = -1

    def item_attributes(self):
        """Which program it is."""
        self.href = self.own_href(b"DERProgram")

    def finish(self):
        """A program is known by its href, and its primacy is mandatory."""
        if self.href is None:
            self.lack(b"href")
        if self.primacy < 0:
            self.lack(b"primacy")
