"""Mirror usage points and their readings, as a utility takes them (requirements G).

Enters: validated MirrorUsagePoint, MirrorMeterReading and MirrorMeterReadingList bodies.
Leaves: stored usage points and readings, and remarks on what a test procedure would fault.
Usage: `site.usage_points[mrid].readings[(reading mRID, start)]`.
Limit: a plain store: readings are upserted by (mRID, start), nothing is aggregated.
"""

from envoy_schema.server.schema.sep2.metering_mirror import (
    MirrorMeterReadingListRequest,
    MirrorMeterReadingRequest,
    MirrorUsagePointRequest,
)

from tools.utility.messages import Refusal
from tools.utility.site import UsagePoint

KINDS = (0, 3, 8, 12, 37)  # what envoy knows
ROLES = (0x03, 0x49)  # site and DER, compared for equality by the harness
STORED_ENERGY = 72


class Telemetry:
    """Takes what is posted to the usage point list and to a usage point."""

    def __init__(self, utility):
        self._utility = utility

    def take(self, model, body, root, place, site, now):
        """Store the body; gives (status, headers, remarks).  `model` parses by envoy-schema."""
        if root == "MirrorUsagePoint":
            return self._usage_point(model(MirrorUsagePointRequest, body), site, now)
        point = place.target
        if point.visible_at > now:
            raise Refusal(404, "not there yet")
        if root == "MirrorMeterReading":
            readings = [model(MirrorMeterReadingRequest, body)]
        elif self._utility.options.no_lists:
            raise Refusal(self._utility.options.no_lists, "one MirrorMeterReading at a time")
        else:
            readings = model(MirrorMeterReadingListRequest, body).mirrorMeterReadings or []
        remarks = self._meter_readings(site, point, readings)
        headers = {}
        if self._utility.profile.bare_mup and len(readings) == 1:
            headers["Location"] = f"{point.href}/mr/{readings[0].mRID}"
        return 201, headers, remarks

    def _usage_point(self, said, site, now):
        if said.deviceLFDI != site.lfdi:
            raise Refusal(403, "deviceLFDI is not the certificate's")
        if int(said.roleFlags, 16) == self._utility.options.no_role:
            raise Refusal(403, "no usage points of this role")
        readings = said.mirrorMeterReadings or []
        if not readings and not self._utility.profile.bare_mup:
            raise Refusal(400, "no MirrorMeterReading")
        old = site.usage_points.get(said.mRID)
        point = old or UsagePoint(said.mRID, "", said, int(now) + self._utility.options.mup_delay)
        remarks = self._meter_readings(site, point, readings)
        if int(said.roleFlags, 16) not in ROLES:
            remarks.append(f"roleFlags {said.roleFlags} is neither site nor DER")
        remarks += self._pen(said.mRID)
        for reading in readings:
            reading.reading = reading.mirrorReadingSets = None  # the list shows types only
        point.body, point.role = said, said.roleFlags
        if old:
            return 204, {"Location": point.href}, remarks
        point.href = said.href = site.mint("mup", point)
        site.usage_points[said.mRID] = point
        return 201, {"Location": point.href}, remarks

    def _meter_readings(self, site, point, readings):
        """Check all, then store all."""
        remarks, rows, types = [], [], {}
        for reading in readings:
            self._known(site, point, reading)
            if reading.readingType:
                types[reading.mRID] = reading.readingType.model_dump(exclude_none=True)
            kind = types.get(reading.mRID) or point.types[reading.mRID]
            remarks += self._pen(reading.mRID)
            for one in _readings(reading):
                rows.append(self._row(reading.mRID, one))
                remarks += _timing(one, kind)
        for mrid, kind in types.items():
            if point.types.get(mrid, kind) != kind:
                remarks.append("the reading type changed")
            point.types[mrid] = kind
        for key, row in rows:
            point.readings[key] = row
        return list(dict.fromkeys(remarks))

    def _known(self, site, point, reading):
        for other in site.usage_points.values():
            if other is not point and reading.mRID in other.types:
                raise Refusal(400, "the reading's mRID is under another usage point")
        if reading.mRID not in point.types and not reading.readingType:
            raise Refusal(400, "an unknown reading needs its ReadingType")
        if reading.readingType and (reading.readingType.kind or 0) not in KINDS:
            raise Refusal(400, f"kind {reading.readingType.kind} is not known")

    def _row(self, mrid, one):
        if one.timePeriod is None:
            raise Refusal(400, "a Reading needs its timePeriod")
        if one.value is None:
            raise Refusal(400, "a Reading needs its value")
        if self._utility.profile.int16_readings and not -32768 <= one.value <= 32767:
            raise Refusal(400, "the value is beyond 16 bits")
        start = one.timePeriod.start
        return (mrid, start), {"value": one.value, "duration": one.timePeriod.duration,
                               "quality": one.qualityFlags}

    def _pen(self, mrid):
        """An mRID ends in the PEN: eight decimal digits (G4)."""
        pen = self._utility.options.pen
        if not mrid[-8:].isdecimal() or len(mrid) != 32:
            return ["an mRID does not end in a decimal PEN"]
        return [] if pen in (None, int(mrid[-8:])) else ["an mRID ends in another PEN"]


def _readings(reading):
    single = [reading.reading] if reading.reading else []
    sets = reading.mirrorReadingSets or []
    return single + [one for group in sets for one in group.readings or []]


def _timing(one, kind):
    """What the procedures fault in a reading's times (G6)."""
    remarks = []
    if one.timePeriod.start % 60:
        remarks.append("a reading starts off the minute")
    whole = one.timePeriod.duration and not one.timePeriod.duration % 60
    if not whole and kind.get("uom") != STORED_ENERGY:
        remarks.append("a reading's duration is not whole minutes")
    return remarks
