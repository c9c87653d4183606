"""Resources as bodies: envoy-schema's models filled from the tree, in the profile's namespace.

Enters: sites, programs, controls, `now`.  Leaves: models, and their XML as bytes.
Usage: `Render(profile, rates, addresses).time(now)`, then `to_xml(model)`.
Limit: envoy-schema speaks the v1.3 namespace; the others are the same text, rewritten.
"""

from envoy_schema.server.schema.csip_aus.connection_point import (
    ConnectionPointLink,
    ConnectionPointResponse,
)
from envoy_schema.server.schema.sep2 import der, device_capability, end_device, error, event
from envoy_schema.server.schema.sep2 import function_set_assignments as fsa_models
from envoy_schema.server.schema.sep2 import response as response_models
from envoy_schema.server.schema.sep2 import time as time_models
from envoy_schema.server.schema.sep2.base import nsmap
from envoy_schema.server.schema.sep2.der_control_types import ActivePower
from envoy_schema.server.schema.sep2.identification import Link, ListLink
from envoy_schema.server.schema.sep2.log_events import LogEventList
from envoy_schema.server.schema.sep2.types import DateTimeIntervalType
from pydantic_xml import attr

ENVOY = nsmap["csipaus"].encode()
QUALITY = 4  # of Time: set from a clock that is itself synchronised
ZONE_S = 36000  # Queensland, no daylight saving


class Time(time_models.TimeResponse, tag="Time"):
    """Time with the pollRate that the standard has and envoy leaves out."""

    pollRate: int | None = attr(default=None)


class Render:
    """Fills models for one profile; `rates` are seconds by kind, read at each call."""

    def __init__(self, profile, rates, roots):
        self._namespace = profile.namespace.encode()
        self._cp = profile.connection_point
        self._rates = rates
        self._roots = roots  # addresses of dcap, tm, edevl, mupl

    def to_xml(self, model):
        """The body of a model: UTF-8 with a declaration, absent elements left out."""
        text = model.to_xml(skip_empty=False, exclude_none=True, xml_declaration=True,
                            encoding="UTF-8")
        text = text if isinstance(text, bytes) else text.encode()
        return text.replace(b'"' + ENVOY + b'"', b'"' + self._namespace + b'"')

    def error(self, reason, retry=None):
        """sep2 Error: reasonCode and, where known, seconds to wait."""
        return error.ErrorResponse(reasonCode=reason, maxRetryDuration=retry)

    def dcap(self, site, _target, _now, counts):
        """DeviceCapability; an unknown device sees no pollRate and empty lists (B1)."""
        roots = self._roots
        return device_capability.DeviceCapabilityResponse(
            href=roots["dcap"], pollRate=self._rates["dcap"] if site else None,
            TimeLink=Link(href=roots["tm"]),
            EndDeviceListLink=ListLink(href=roots["edevl"], all_=counts["edevl"]),
            MirrorUsagePointListLink=ListLink(href=roots["mupl"], all_=counts["mupl"]),
        )

    def time(self, now):
        """Time: the server's clock, UTC."""
        return Time(
            href=self._roots["tm"], pollRate=self._rates["tm"], currentTime=int(now),
            dstEndTime=0, dstOffset=0, dstStartTime=0, localTime=int(now) + ZONE_S,
            quality=QUALITY, tzOffset=ZONE_S,
        )

    def device(self, site, *, registration=True):
        """EndDevice, with a RegistrationLink or without (ALL-05)."""
        cp = ConnectionPointLink(href=site.cp) if self._cp else None
        return end_device.EndDeviceResponse(
            href=site.edev, DERListLink=ListLink(href=site.derl, all_=1),
            deviceCategory=site.category, lFDI=site.lfdi,
            LogEventListLink=ListLink(href=site.lel, all_=len(site.log_events)), sFDI=site.sfdi,
            changedTime=site.changed_at, enabled=site.enabled,
            FunctionSetAssignmentsListLink=ListLink(href=site.fsal, all_=len(site.assignments)),
            postRate=self._rates["post"],
            RegistrationLink=Link(href=site.rg) if registration else None,
            ConnectionPointLink=cp,
        )

    def devices(self, items, page):
        """EndDeviceList."""
        return end_device.EndDeviceListResponse(
            href=self._roots["edevl"], pollRate=self._rates["edev"], all_=page.all,
            results=len(items), EndDevice=items,
        )

    def registration(self, site):
        """Registration with the PIN."""
        return end_device.RegistrationResponse(
            href=site.rg, pollRate=self._rates["rg"], dateTimeRegistered=site.registered_at,
            pIN=site.pin,
        )

    def connection_point(self, site):
        """ConnectionPoint as last put."""
        return ConnectionPointResponse(href=site.cp, id=site.connection_point)

    def assignment(self, site, fsa):
        """FunctionSetAssignments."""
        return fsa_models.FunctionSetAssignmentsResponse(
            href=fsa.href, mRID=fsa.mrid, description=fsa.name[:32],
            DERProgramListLink=ListLink(href=fsa.list_href, all_=len(fsa.programs)),
            ResponseSetListLink=ListLink(href=site.rspsl, all_=1),
            TimeLink=Link(href=self._roots["tm"]),
        )

    def assignments(self, site, items, page):
        """FunctionSetAssignmentsList."""
        return fsa_models.FunctionSetAssignmentsListResponse(
            href=site.fsal, pollRate=self._rates["fsa"], all_=page.all, results=len(items),
            FunctionSetAssignments=[self.assignment(site, f) for f in items],
        )

    def program(self, program, now):
        """DERProgram."""
        listed = program.listed(now)
        active = [c for c in listed if c.status(now) == 1]
        default = Link(href=program.default_href) if program.has_default else None
        return der.DERProgramResponse(
            href=program.href, mRID=program.mrid, primacy=program.primacy,
            description=(program.description or program.name)[:32],
            ActiveDERControlListLink=ListLink(href=program.active_href, all_=len(active)),
            DefaultDERControlLink=default,
            DERControlListLink=ListLink(href=program.list_href, all_=len(listed)),
        )

    def programs(self, href, items, page, now):
        """DERProgramList."""
        return der.DERProgramListResponse(
            href=href, pollRate=self._rates["derp"], all_=page.all, results=len(items),
            DERProgram=[self.program(p, now) for p in items],
        )

    def default(self, program):
        """DefaultDERControl; an empty base where nothing is set, as envoy serves it (B9)."""
        return der.DefaultDERControl(
            href=program.default_href, mRID=program.default_mrid,
            version=program.default_version, setGradW=program.grad,
            DERControlBase_=control_base(program.default_modes),
        )

    def control(self, site, control, now):
        """DERControl with its status by the clock."""
        status = event.EventStatus(
            currentStatus=control.status(now), dateTime=control.status_time(now),
            potentiallySuperseded=False,
        )
        return der.DERControlResponse(
            href=control.href, replyTo=site.rsp, responseRequired=control.response_required,
            mRID=control.mrid, description=control.description, creationTime=control.changed(),
            EventStatus_=status,
            interval=DateTimeIntervalType(duration=control.duration, start=control.start),
            randomizeDuration=control.randomize_duration, randomizeStart=control.randomize_start,
            DERControlBase_=control_base(control.modes), deviceCategory=control.category,
        )

    def controls(self, site, href, items, page, now):
        """DERControlList."""
        return der.DERControlListResponse(
            href=href, all_=page.all, results=len(items),
            DERControl=[self.control(site, c, now) for c in items],
        )

    def der(self, site):
        """DER: where to put capability, settings, status and availability."""
        return der.DER(
            href=site.der,
            AssociatedDERProgramListLink=ListLink(href=site.derpl, all_=len(site.programs)),
            DERAvailabilityLink=Link(href=site.dera), DERCapabilityLink=Link(href=site.dercap),
            DERSettingsLink=Link(href=site.derg), DERStatusLink=Link(href=site.ders),
        )

    def ders(self, site, items, page):
        """DERList of the one DER."""
        return der.DERListResponse(
            href=site.derl, pollRate=self._rates["der"], all_=page.all, results=len(items),
            DER_=items,
        )

    def response_set(self, site):
        """ResponseSet, the one of a site."""
        return response_models.ResponseSet(
            href=site.rsps, mRID=f"{int(site.lfdi[:24], 16):024x}00032473", description="Controls",
            ResponseListLink=ListLink(href=site.rsp, all_=len(site.responses)),
        )

    def response_sets(self, site, items, page):
        """ResponseSetList."""
        return response_models.ResponseSetList(
            href=site.rspsl, pollRate=self._rates["derp"], all_=page.all, results=len(items),
            ResponseSet_=items,
        )

    def response(self, site, row):
        """Response, one of those that were posted."""
        return response_models.Response(
            href=row["href"], createdDateTime=row["created"], endDeviceLFDI=site.lfdi,
            status=row["status"], subject=row["subject"],
        )

    def responses(self, site, items, page):
        """ResponseList, newest last."""
        rows = [self.response(site, row) for row in items]
        return response_models.ResponseListResponse(
            href=site.rsp, all_=page.all, results=len(rows), Response_=rows,
        )

    def log_events(self, site, items, page):
        """LogEventList of what the device posted."""
        return LogEventList(
            href=site.lel, pollRate=self._rates["der"], all_=page.all, results=len(items),
            LogEvent_=items,
        )


def control_base(modes):
    """DERControlBase from {wire name: value or (value, multiplier)}."""
    out = {}
    for name, value in modes.items():
        power = isinstance(value, tuple)
        out[name] = ActivePower(value=value[0], multiplier=value[1]) if power else value
    return der.DERControlBase(**out)
