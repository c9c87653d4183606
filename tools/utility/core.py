"""The utility: sites, rates, faults, and the one function that answers a request.

Enters: `Request` and `now`.  Leaves: `Reply`.  No socket, no clock, no file: the HTTP server and
the lockstep tests drive the same object.

    utility = Utility(PROFILES["eql"], seed=1)
    site = utility.register(lfdi, now)
    utility.publish("p1", {"start": now, "duration": 300, "modes": {"exp_w": 1500}}, now)
    status, headers, body = utility.handle(request, now)[:3]

Limit: one thread; state lives as long as the object.
"""

import gzip
import json
import random
from dataclasses import dataclass, field

from tools.utility.control import read_modes
from tools.utility.faults import UNSEEN, WIRES, Faults, padded
from tools.utility.forecast import Forecast
from tools.utility.hrefs import Hrefs
from tools.utility.journal import Journal
from tools.utility.messages import Page, Refusal, Reply, Request
from tools.utility.profiles import PROFILES, same_media_type
from tools.utility.read import Reader
from tools.utility.receive import Receiver
from tools.utility.render import Render
from tools.utility.site import Site

WELL_KNOWN = "/.well-known/csipaus"
RATES = ("dcap", "tm", "edev", "rg", "fsa", "derp", "der", "mup", "post")
RETRY_S = 5
GZIP_LEAST = 200  # bytes of a body that is worth compressing
CONTROL_KEYS = {"start", "duration", "modes", "randomize_start", "randomize_duration",
                "response_required", "category", "description"}


@dataclass
class Options:
    """How strict the utility is, and what it lets a device do."""

    in_band: bool = False  # takes POST EndDevice
    registration_link: bool = True
    static_pin: int | None = None  # PIN of every new registration
    lock_cp: bool = False
    mup_delay: int = 0  # seconds that a new usage point answers 404
    no_lists: int = 0  # status that refuses a MirrorMeterReadingList; 0: it is taken
    no_role: int = 0  # roleFlags of usage points that are refused; 0: none
    max_body: int = 200_000
    pen: int | None = None  # expected at the end of mRIDs; None: any
    least_multiplier: int = 0  # of the powers served
    strict_media: bool | None = None  # None: as the profile does
    dcap: str | None = None  # start path; None: the profile's
    gzip: bool = True  # compresses what a client accepts compressed
    # (name, primacy, assignment) of each program that a new site gets
    layout: list = field(default_factory=lambda: [("p1", 1, "fsa1"), ("p2", 2, "fsa1")])


class Utility:
    """A utility server without its sockets."""

    def __init__(self, profile=PROFILES["eql"], *, seed=None, options=None, poll_s=300,
                 journal=None):
        self.profile = profile
        self.options = options or Options()
        self.rng = random.Random(seed)
        self.hrefs = Hrefs(self.rng)
        self.rates = dict.fromkeys(RATES, poll_s)
        self.faults = Faults()
        self.journal = journal or Journal()
        self.sites = {}
        self.clock_offset = 0  # seconds that the utility's clock is ahead of `now`
        self.roots = {
            "dcap": self.hrefs.mint("dcap", path=self.options.dcap or profile.dcap),
            **{kind: self.hrefs.mint(kind) for kind in ("tm", "edevl", "mupl")},
        }
        self.render = Render(profile, self.rates, self.roots)
        self.forecast = Forecast(self)
        self._reader = Reader(self)
        self._receiver = Receiver(self)

    # What the utility's operator does.

    def register(self, lfdi, now, *, pin=None):
        """Register a device with the layout of the options; gives its Site."""
        pin = self.options.static_pin if pin is None else pin
        site = Site(lfdi, self.hrefs, self.rng, self.profile, pin=pin, now=now)
        for name, primacy, fsa in self.options.layout:
            site.add_program(name, primacy=primacy, fsa=fsa)
        self.sites[lfdi] = site
        return site

    def site(self, lfdi=None):
        """A site by LFDI, or the first one."""
        if lfdi is None:
            return next(iter(self.sites.values()))
        return self.sites[lfdi]

    def modes(self, said):
        """Modes as an operator says them, checked against the profile."""
        return read_modes(said, storage=self.profile.storage,
                          least=self.options.least_multiplier)

    def publish(self, program, said, now, *, site=None):
        """Publish a control: `said` has start, duration, modes and, if wanted, the rest."""
        unknown = said.keys() - CONTROL_KEYS
        if unknown:
            raise ValueError("no such part of a control: " + ", ".join(unknown))
        said = {**said, "modes": self.modes(said["modes"])}
        return (site or self.site()).publish(program, now=now, **said)

    def set_default(self, program, modes, *, grad=None, site=None):
        """Set a program's DefaultDERControl: modes and setGradW (0.01 %/s)."""
        program = (site or self.site()).programs[program]
        program.default_modes, program.grad = self.modes(modes), grad
        program.default_version += 1

    def set_rate(self, kind, seconds):
        """Change a poll rate (`post`: the rate of telemetry), or all of them."""
        if kind != "all" and kind not in self.rates:
            raise ValueError("no such rate: " + kind)
        for name in self.rates if kind == "all" else (kind,):
            self.rates[name] = int(seconds)

    # What it shows of mirror usage points.

    def seen_usage_points(self, site, now):
        """The usage points of a site that are there already."""
        return [p for p in site.usage_points.values() if p.visible_at <= now]

    def usage_point_model(self, point):
        """A usage point as it is served, with the present postRate."""
        return point.body.model_copy(update={"href": point.href, "postRate": self.rates["post"]})

    # What a client meets.

    def answer(self, request, now, **more):
        """`handle`, with an entry in the journal: for callers without the HTTP server."""
        reply = self.handle(request, now)
        self.journal.note(**entry(request, reply, now), **more)
        return reply

    def handle(self, request, now):
        """Answer one request at `now` (Unix seconds); faults that are set take their effect."""
        now = now + self.clock_offset
        self.forecast.tick(now)
        place = self.hrefs.find(request.path)
        kind = place.kind if place else "unknown"
        fault = self.faults.take(request.method, kind)
        if fault and fault.kind in UNSEEN:
            return self._unseen(fault, kind)
        try:
            reply = self._route(request, place, now)
        except Refusal as refusal:
            body = self.render.to_xml(self.render.error(refusal.reason))
            headers = {"Content-Type": self.profile.media_type, **refusal.headers}
            why = f"refused: {refusal.why}"
            reply = Reply(refusal.status, headers, body, why, kind)
        if request.method == "HEAD":
            reply = reply._replace(body=b"")
        if not fault:
            reply = self._packed(request, reply)
        return self._spoil(reply, fault) if fault else reply

    def _packed(self, request, reply):
        """The reply compressed, where the client accepts it and there is something to gain."""
        accepted = "gzip" in request.headers.get("accept-encoding", "")
        if not accepted or not self.options.gzip or len(reply.body) < GZIP_LEAST:
            return reply
        return reply._replace(headers={**reply.headers, "Content-Encoding": "gzip"},
                              body=gzip.compress(reply.body, mtime=0))

    def _unseen(self, fault, kind):
        """A fault that the request never passes."""
        if fault.kind != "status":
            return Reply(0, {}, b"", "fault: " + fault.kind, kind, fault)
        status, retry = fault.more["status"], fault.more["retry_after"]
        headers = {"Content-Type": "text/plain"}
        body = fault.more["body"].encode()
        if status == 429:
            retry = RETRY_S if retry is None else retry
            headers["Content-Type"] = self.profile.media_type
            body = self.render.to_xml(self.render.error(4, retry))
        if retry is not None:
            headers["Retry-After"] = str(retry)
        return Reply(status, headers, body, f"fault: {status}", kind)

    def _spoil(self, reply, fault):
        """A reply with the fault in it, or with the fault that the wire shall enact."""
        verdict = f"{reply.verdict} (fault: {fault.kind})"
        reply = reply._replace(verdict=verdict)
        if fault.kind in WIRES:
            return reply._replace(fault=fault)
        if fault.kind == "truncate":
            return reply._replace(body=reply.body[:int(len(reply.body) * fault.more["keep"])])
        if fault.kind == "oversize":
            return reply._replace(body=padded(reply.body, fault.more["size"]))
        headers = {"Content-Type": fault.more["content_type"]}
        return Reply(200, headers, fault.more["body"].encode(), verdict, reply.resource)

    def _route(self, request, place, now):
        if request.path == WELL_KNOWN and self.profile.dcap is None:
            return self._well_known(request)
        self._check_headers(request)
        if place is None or place.owner not in (None, request.lfdi):
            raise Refusal(404, "no such resource for this device")
        site = self.sites.get(request.lfdi)
        if request.method in ("GET", "HEAD"):
            model = self._reader.get(place, site, Page(request.query), now)
            body = model if isinstance(model, bytes) else self.render.to_xml(model)
            return Reply(200, {"Content-Type": self.profile.media_type}, body, "ok", place.kind)
        status, headers, remarks = self._receiver.take(request, place, site, now)
        verdict = "ok, but: " + "; ".join(remarks) if remarks else "ok"
        return Reply(status, headers, b"", verdict, place.kind)

    def _well_known(self, request):
        """Version negotiation (SDVN-01): one path that serves, decoys that must be left alone."""
        if request.method not in ("GET", "HEAD"):
            raise Refusal(405, "read only")
        versions = {
            "https://csipaus.org/ns/v9.9": {"dcap": ["/" + "9" * 12]},
            self.profile.namespace: {"dcap": [self.roots["dcap"]]},
            "not a namespace": {"dcap": ["/" + "8" * 12]},
        }
        body = json.dumps({"supportedSchemaVersions": versions}).encode()
        return Reply(200, {"Content-Type": "application/json"}, body, "ok", "wellknown")

    def _check_headers(self, request):
        """Media types, as strictly as the profile's servers are (A7)."""
        strict = self.options.strict_media
        if not (self.profile.strict_media if strict is None else strict):
            return
        accept, sent = request.headers.get("accept"), request.headers.get("content-type")
        if request.method in ("GET", "HEAD") and accept is None:
            raise Refusal(400, "no Accept", 0)
        if request.method in ("POST", "PUT") and sent is None:
            raise Refusal(400, "no Content-Type", 0)
        if accept is not None and not same_media_type(accept, self.profile.media_type):
            raise Refusal(406, f"Accept: {accept}", 0)
        if sent is not None and not same_media_type(sent, self.profile.media_type):
            raise Refusal(415, f"Content-Type: {sent}", 0)


def entry(request, reply, now):
    """A journal entry for a request and its reply."""
    query = "&".join(f"{k}={v}" for k, v in request.query.items())
    return {
        "time": round(now, 3), "method": request.method,
        "path": request.path + ("?" + query if query else ""), "resource": reply.resource,
        "status": reply.status, "verdict": reply.verdict, "lfdi": request.lfdi,
        "in": len(request.body), "out": len(reply.body),
    }


__all__ = ["Options", "Request", "Utility", "entry"]
