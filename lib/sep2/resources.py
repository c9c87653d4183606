"""Readers of the resources that lead to the controls; resource.py says how they are used.

Enters: an xmlpull.Reader.  Leaves: a Resource with the attributes named here.

    reader = Registration(xml)

Limit: fields of requirements B14 that the client acts on; everything else is passed over.
"""

from .resource import Resource


class DeviceCapability(Resource):
    """poll_rate, time_href, edev_href, mup_href (requirements B1)."""

    content = item = 8


class Time(Resource):
    """current (s since EPOCH, UTC), quality (-1 when absent), poll_rate (requirements C1).

    The zone and daylight saving play no part in control and are not read (C3).
    """

    content = item = 9


class Registration(Resource):
    """pin (int, leading zeros do not count), poll_rate (requirements B5)."""

    content = item = 10


class EndDeviceList(Resource):
    """Items: href, lfdi (bytes, upper case), sfdi (bytes), enabled (1, 0, -1), fsa_href, der_href,
    registration_href, cp_href, log_href, post_rate (s, -1 when absent) (requirements B3).

    A single EndDevice, as a Location leads to, is read as a list of one.
    """

    content = 11
    item = 12


class FunctionSetAssignmentsList(Resource):
    """Items: href, derp_href, time_href (requirements B7)."""

    content = 13
    item = 14


class DERProgramList(Resource):
    """Items: href, primacy (0..255, lower counts more), dderc_href, derc_href (B8), mrid.

    mrid: a number made of the mRID, which may be of any length; -1 when absent.
    """

    content = 15
    item = 16


class DERList(Resource):
    """Items: href, derp_href, dercap_href, derg_href, ders_href, dera_href (requirements B11)."""

    content = 17
    item = 18


class MirrorUsagePointList(Resource):
    """Items: href, mrid (bytes, upper case), lfdi (bytes, upper case), post_rate (s, -1 when
    absent) (requirements G10); what meter readings they list is passed over.
    """

    content = 19
    item = 20


class ConnectionPoint(Resource):
    """cp_id: connectionPointId, or `id` as v1.1 named it, as bytes; None when absent (B6)."""

    content = item = 21
