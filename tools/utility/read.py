"""GET: from a place in the tree to the model that is served.

Enters: a place, the asking site, a page, `now`.  Leaves: an envoy-schema model, or bytes.
Usage: `Reader(utility).get(place, site, page, now)`.  Limit: reads only, nothing changes here.
"""

from envoy_schema.server.schema.sep2.metering_mirror import MirrorUsagePointListResponse

from tools.utility.messages import Refusal
from tools.utility.site import DER_PARTS


class Reader:
    """One method for each kind of resource; `get_x(site, target, page, now)`."""

    def __init__(self, utility):
        self._utility = utility
        self._render = utility.render

    def get(self, place, site, page, now):
        """The model at a place; Refusal 405 where it cannot be read."""
        if place.kind in DER_PARTS:
            return self._document(site, place.kind)
        method = getattr(self, "get_" + place.kind, None)
        if method is None:
            raise Refusal(405, "this resource is not read")
        return method(site, place.target, page, now)

    def _document(self, site, kind):
        if kind not in site.documents:
            raise Refusal(404, "nothing was put here yet")  # B11
        return site.documents[kind]

    def get_dcap(self, site, target, page, now):
        counts = {"edevl": 1 if site else 0,
                  "mupl": len(self._utility.seen_usage_points(site, now)) if site else 0}
        return self._render.dcap(site, target, now, counts)

    def get_tm(self, site, target, page, now):
        return self._render.time(now)

    def _device(self, site):
        return self._render.device(site, registration=self._utility.options.registration_link)

    def get_edevl(self, site, target, page, now):
        sites = page.cut([site] if site else [])
        return self._render.devices([self._device(s) for s in sites], page)

    def get_edev(self, site, target, page, now):
        return self._device(site)

    def get_rg(self, site, target, page, now):
        return self._render.registration(site)

    def get_cp(self, site, target, page, now):
        if site.connection_point is None:
            raise Refusal(404, "no connection point was put yet")
        return self._render.connection_point(site)

    def get_fsal(self, site, target, page, now):
        return self._render.assignments(site, page.cut(site.assignments.values()), page)

    def get_fsa(self, site, target, page, now):
        return self._render.assignment(site, target)

    def get_derpl(self, site, target, page, now):
        """Programs of one FSA, or all of the site's where `target` is None."""
        names, href = (target.programs, target.list_href) if target else (None, site.derpl)
        return self._render.programs(href, page.cut(site.ordered(names)), page, now)

    def get_derp(self, site, target, page, now):
        return self._render.program(target, now)

    def get_dderc(self, site, target, page, now):
        return self._render.default(target)

    def get_dercl(self, site, target, page, now):
        items = page.cut(target.listed(now))
        return self._render.controls(site, target.list_href, items, page, now)

    def get_actderc(self, site, target, page, now):
        active = [c for c in target.listed(now) if c.status(now) == 1]
        return self._render.controls(site, target.active_href, page.cut(active), page, now)

    def get_derc(self, site, target, page, now):
        _, control = target
        if control.end <= now:
            raise Refusal(404, "this control has ended")
        return self._render.control(site, control, now)

    def get_derl(self, site, target, page, now):
        items = page.cut([site])
        return self._render.ders(site, [self._render.der(s) for s in items], page)

    def get_der(self, site, target, page, now):
        return self._render.der(site)

    def get_rspsl(self, site, target, page, now):
        items = page.cut([site])
        return self._render.response_sets(
            site, [self._render.response_set(s) for s in items], page
        )

    def get_rsps(self, site, target, page, now):
        return self._render.response_set(site)

    def get_rsp(self, site, target, page, now):
        return self._render.responses(site, page.cut(site.responses), page)

    def get_lel(self, site, target, page, now):
        return self._render.log_events(site, page.cut(site.log_events), page)

    def get_le(self, site, target, page, now):
        return target

    def get_rspi(self, site, target, page, now):
        return self._render.response(site, target)

    def get_mupl(self, site, target, page, now):
        if site is None:
            raise Refusal(self._utility.profile.forbidden, "the device is not registered")
        points = page.cut(self._utility.seen_usage_points(site, now))
        return MirrorUsagePointListResponse(
            href=self._utility.roots["mupl"], pollRate=self._utility.rates["mup"],
            all_=page.all, results=len(points),
            mirrorUsagePoints=[self._utility.usage_point_model(p) for p in points],
        )

    def get_mup(self, site, target, page, now):
        if target.visible_at > now:
            raise Refusal(404, "not there yet")  # EQL, seconds after its creation
        return self._utility.usage_point_model(target)
