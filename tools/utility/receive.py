"""POST and PUT: what a device sends, judged as strictly as real utilities judge it.

Enters: a request at a place.  Leaves: (status, headers, remarks), and the thing stored.
Usage: `Receiver(utility).take(request, place, site, now)`.
Limit: each body is checked against the XSD first, as the harness does (A13); nothing is mended.
"""

import re

from envoy_schema.server.schema.csip_aus.connection_point import ConnectionPointRequest
from envoy_schema.server.schema.sep2.end_device import EndDeviceRequest
from envoy_schema.server.schema.sep2.log_events import LogEvent
from envoy_schema.server.schema.sep2.response import DERControlResponse
from lxml import etree
from pydantic import ValidationError

from tools.pki.identity import sfdi
from tools.utility.messages import Refusal
from tools.utility.render import ENVOY
from tools.utility.schema import Schema, local_name, parse
from tools.utility.telemetry import Telemetry

ROOTS = {
    "edevl": ("EndDevice",), "cp": ("ConnectionPoint",), "dercap": ("DERCapability",),
    "derg": ("DERSettings",), "ders": ("DERStatus",), "dera": ("DERAvailability",),
    "lel": ("LogEvent",), "rsp": ("DERControlResponse",), "mupl": ("MirrorUsagePoint",),
    "mup": ("MirrorMeterReading", "MirrorMeterReadingList"),
}
METHODS = {kind: "PUT" if kind in ("cp", "dercap", "derg", "ders", "dera") else "POST"
           for kind in ROOTS}
RESPONSES = (1, 2, 3, 6, 7)  # the handbook excludes all others (E3)
CATEGORY_MASK = (1 << 26) - 1
NMI = re.compile(r"[A-Z0-9]{10,11}")


class Receiver:
    """One method for each kind of resource that takes a body."""

    def __init__(self, utility):
        self._utility = utility
        self._schema = Schema.of(utility.profile)
        self._namespace = utility.profile.namespace.encode()
        self._telemetry = Telemetry(utility)

    def take(self, request, place, site, now):
        """Store what was sent; gives (status, headers, remarks) or raises Refusal."""
        wanted = METHODS.get(place.kind)
        if request.method != wanted:
            allow = {"Allow": "GET, HEAD" + (", " + wanted if wanted else "")}
            raise Refusal(405, "not by this method", headers=allow)
        if site is None and place.kind != "edevl":
            raise Refusal(self._utility.profile.forbidden, "the device is not registered")
        root = self._judge(request.body, ROOTS[place.kind])
        if place.kind in ("dercap", "derg", "ders", "dera"):
            return self._document(request, place, site, now)
        if place.kind in ("mupl", "mup"):
            return self._telemetry.take(self.model, request.body, root, place, site, now)
        return getattr(self, "_take_" + place.kind)(request, site, now)

    def _judge(self, body, names):
        """The name of the root of a valid body; Refusal 400 with the schema's words otherwise."""
        if len(body) > self._utility.options.max_body:
            raise Refusal(413, "the body is too large", 2)
        try:
            name = local_name(parse(body))
        except etree.XMLSyntaxError as error:
            raise Refusal(400, f"not XML: {error}", 0) from None
        errors = self._schema.errors(body)
        if errors:
            raise Refusal(400, "xsd: " + " | ".join(errors), 0)
        if name not in names:
            raise Refusal(400, f"{name} is not taken here", 0)
        return name

    def model(self, kind, body):
        """The body as an envoy-schema model; Refusal 400 for values that envoy refuses."""
        quoted = b'"' + ENVOY + b'"'
        for quote in (b'"', b"'"):
            body = body.replace(quote + self._namespace + quote, quoted)
        try:
            return kind.from_xml(body)
        except (ValidationError, ValueError) as error:
            raise Refusal(400, "values: " + " ".join(str(error).split())[:300]) from None

    def _document(self, request, place, site, now):
        site.documents[place.kind] = request.body
        site.document_times[place.kind] = int(now)
        return 204, {}, []

    def _take_edevl(self, request, site, now):
        device = self.model(EndDeviceRequest, request.body)
        utility = self._utility
        if not utility.options.in_band:
            raise Refusal(utility.profile.forbidden, "registration is out of band")
        if not re.fullmatch("[A-F0-9]{40}", device.lFDI or ""):
            raise Refusal(400, "lFDI is not 40 upper-case hex digits")
        if device.lFDI != request.lfdi or device.sFDI != sfdi(request.lfdi):
            raise Refusal(403, "LFDI or SFDI is not the certificate's")
        if int(device.deviceCategory or "0", 16) & ~CATEGORY_MASK:
            raise Refusal(400, "deviceCategory beyond the known bits")
        if site is not None:
            raise Refusal(409, "already registered")
        site = utility.register(request.lfdi, now)
        site.category = device.deviceCategory
        return 201, {"Location": site.edev}, []

    def _take_cp(self, request, site, now):
        if not self._utility.profile.connection_point:
            raise Refusal(404, "no connection points here")
        wanted = self.model(ConnectionPointRequest, request.body).id
        if not NMI.fullmatch(wanted or ""):
            raise Refusal(422, "not an NMI")
        if self._utility.options.lock_cp and site.connection_point not in (None, wanted):
            raise Refusal(409, "the connection point is locked")
        site.connection_point = wanted
        return 201, {"Location": site.cp}, []

    def _take_lel(self, request, site, now):
        entry = self.model(LogEvent, request.body)
        entry.href = site.mint("le", entry)
        site.log_events.append(entry)
        return 201, {"Location": entry.href}, []

    def _take_rsp(self, request, site, now):
        """A DERControlResponse: own LFDI, an mRID as it was sent, an allowed status (E1..E6)."""
        said = self.model(DERControlResponse, request.body)
        if said.endDeviceLFDI != site.lfdi:
            raise Refusal(400, "endDeviceLFDI is not the certificate's, in upper case")
        if said.subject not in site.known:
            raise Refusal(400, "subject is no mRID of a control of this device")
        if said.status not in RESPONSES:
            raise Refusal(400, f"status {said.status} is not used")
        program, _ = site.known[said.subject]
        row = {"time": now, "subject": said.subject, "status": int(said.status),
               "created": said.createdDateTime, "program": program.name}
        remarks = self._response_remarks(site, row)
        row["href"] = site.mint("rspi", row)
        site.responses.append(row)
        return 201, {"Location": row["href"]}, remarks

    def _response_remarks(self, site, row):
        remarks = []
        before = [r["status"] for r in site.responses if r["subject"] == row["subject"]]
        if row["status"] in before:
            remarks.append("sent before")
        elif row["status"] != 1 and 1 not in before:
            remarks.append("no Received before it")
        elif any(s in (3, 6, 7) for s in before):
            remarks.append("after the event's last response")
        if row["created"] is None:
            remarks.append("no createdDateTime")
        if row["program"] not in site.programs:
            remarks.append("the program is gone")
        return remarks
