"""The operator's commands: what the admin port, the command line and tests call.

Enters: a command's name and a dict.  Leaves: a dict that JSON can say.
Usage: `Operator(utility).call("publish", {"start": "+60", "duration": 300, ...}, now)`.
Limit: no authentication: loopback only.  Times are Unix seconds, or "+n" from now.
"""

from tools.utility.control import SUPERSEDED

CONTROL_MORE = ("randomize_start", "randomize_duration", "response_required", "category",
                "description")


def when(said, now):
    """A time: Unix seconds, or "+n" / "-n" from now; absent: now."""
    if said is None:
        return int(now)
    if isinstance(said, str) and said[:1] in ("+", "-"):
        return int(now) + int(said)
    return int(said)


class Operator:
    """One method for each command: `do_x(site, said, now)`."""

    def __init__(self, utility):
        self._utility = utility

    def commands(self):
        """The names of all commands."""
        return sorted(name[3:] for name in dir(self) if name.startswith("do_"))

    def call(self, name, said, now):
        """Run a command; ValueError or KeyError say what was wrong with it."""
        method = getattr(self, "do_" + name.replace("-", "_"), None)
        if method is None:
            raise ValueError(f"no such command: {name} (known: {', '.join(self.commands())})")
        site = None
        if self._utility.sites:
            site = self._utility.site(said.get("lfdi"))
        return method(site, said, now + self._utility.clock_offset) or {"done": name}

    def do_publish(self, site, said, now):
        """program, start, duration, modes{exp_w ...}, randomize_start ...: a new control."""
        control = {k: said[k] for k in CONTROL_MORE if said.get(k) is not None}
        for key in ("randomize_start", "randomize_duration"):
            if key in control:
                control[key] = int(control[key])
        control.update(start=when(said.get("start"), now), duration=int(said["duration"]),
                       modes=said["modes"])
        made = self._utility.publish(said.get("program", "p1"), control, now, site=site)
        return {"mrid": made.mrid, "href": made.href, "start": made.start}

    def _named(self, site, said):
        """Controls by mRID, or all those of a program with mrid "all"."""
        if said["mrid"] != "all":
            return [site.known[said["mrid"]]]
        names = [said["program"]] if said.get("program") else list(site.programs)
        return [(site.programs[n], c) for n in names for c in site.programs[n].controls]

    def do_cancel(self, site, said, now):
        """mrid (or "all" and program): cancelled, listed until the original end."""
        named = self._named(site, said)
        for _, control in named:
            control.cancel(now)
        return {"cancelled": len(named)}

    def do_supersede(self, site, said, now):
        """mrid: marked Superseded by the server."""
        named = self._named(site, said)
        for _, control in named:
            control.rule(SUPERSEDED, now)
        return {"superseded": len(named)}

    def do_remove(self, site, said, now):
        """mrid: gone from the list with no status, as test playlists do (D3)."""
        named = [(p, c) for p, c in self._named(site, said) if c in p.controls]
        for program, control in named:
            site.forget(program, control)
        return {"removed": len(named)}

    def do_change(self, site, said, now):
        """mrid, and any of start, duration, modes: edited in place, which IEEE does not allow."""
        _, control = self._named(site, said)[0]
        if "start" in said:
            control.start = when(said["start"], now)
        if "duration" in said:
            control.duration = int(said["duration"])
        if "modes" in said:
            control.modes = self._utility.modes(said["modes"])

    def do_default(self, site, said, now):
        """program, modes, grad: the DefaultDERControl; no modes: an empty one."""
        grad = said.get("grad")
        self._utility.set_default(
            said.get("program", "p1"), said.get("modes") or {}, site=site,
            grad=None if grad is None else int(grad),
        )

    def do_default_link(self, site, said, now):
        """program, on: whether the program has a DefaultDERControlLink."""
        site.programs[said.get("program", "p1")].has_default = _true(said["on"])

    def do_rate(self, site, said, now):
        """kind (dcap tm edev rg fsa derp der mup post, or all), seconds."""
        self._utility.set_rate(said["kind"], int(said["seconds"]))

    def do_program(self, site, said, now):
        """name, primacy, fsa: added, or reached through one more assignment."""
        program = site.add_program(said["name"], primacy=int(said.get("primacy", 1)),
                                   fsa=said.get("fsa", "fsa1"))
        return {"mrid": program.mrid, "href": program.href}

    def do_remove_program(self, site, said, now):
        """name: gone with all its controls."""
        site.remove_program(said["name"])

    def do_fsa(self, site, said, now):
        """name: an assignment without programs yet."""
        return {"href": site.add_assignment(said["name"]).href}

    def do_remove_fsa(self, site, said, now):
        """name: gone, with the programs that no other assignment leads to (P-02)."""
        site.remove_assignment(said["name"])

    def do_fault(self, site, said, now):
        """kind, count, resource, method and the fault's own parameters; gives its number."""
        said = dict(said)
        count = said.pop("count", None)
        kind = said.pop("kind")
        for key in ("status", "size", "bytes", "retry_after"):
            if said.get(key) is not None:
                said[key] = int(said[key])
        for key in ("every_s", "keep"):
            if key in said:
                said[key] = float(said[key])
        if "reset" in said:
            said["reset"] = _true(said["reset"])
        return {"fault": self._utility.faults.add(
            kind, count=None if count is None else int(count), **said
        )}

    def do_clear(self, site, said, now):
        """fault (its number), or all faults."""
        number = said.get("fault")
        self._utility.faults.clear(None if number is None else int(number))

    def do_clock(self, site, said, now):
        """seconds: how far the utility's clock is ahead of this machine's."""
        self._utility.clock_offset = float(said["seconds"])

    def do_forecast(self, site, said, now):
        """programs, exp_w, imp_w: the rolling envelope; off: no more rounds."""
        if _true(said.get("off", False)):
            self._utility.forecast.stop()
            return
        forecast = self._utility.forecast
        forecast.exp_w = int(said.get("exp_w", forecast.exp_w))
        forecast.imp_w = int(said.get("imp_w", forecast.imp_w))
        forecast.start(said.get("programs", ["p1"]), now)

    def do_register(self, site, said, now):
        """lfdi, pin: a device registered out of band."""
        pin = said.get("pin")
        made = self._utility.register(said["lfdi"].upper(), now, pin=pin and int(pin))
        return {"pin": made.pin, "sfdi": made.sfdi}

    def do_device(self, site, said, now):
        """pin, enabled, connection_point: changes of what is registered."""
        if said.get("pin") is not None:
            site.pin = int(said["pin"])
        if "enabled" in said:
            site.enabled = _true(said["enabled"])
            site.changed_at = int(now)
        if "connection_point" in said:
            site.connection_point = said["connection_point"]

    def do_log(self, site, said, now):
        """since: the journal's entries after that number."""
        return {"log": self._utility.journal.since(int(said.get("since", 0)))}

    def do_responses(self, site, said, now):
        """The DERControlResponses received, oldest first."""
        return {"responses": site.responses}

    def do_readings(self, site, said, now):
        """The usage points with their reading types and readings."""
        rows = []
        for point in site.usage_points.values():
            readings = [{"mrid": mrid, "start": start, **row}
                        for (mrid, start), row in point.readings.items()]
            rows.append({"mrid": point.mrid, "role": point.role, "types": point.types,
                         "readings": readings})
        return {"usage_points": rows}

    def do_state(self, site, said, now):
        """Everything but the log: sites, programs, controls, rates, faults."""
        utility = self._utility
        return {
            "profile": utility.profile.name, "now": now, "dcap": utility.roots["dcap"],
            "rates": utility.rates, "faults": utility.faults.listed(),
            "sites": [_site(s, now) for s in utility.sites.values()],
        }


def _true(said):
    return said in (True, 1, "1", "true", "on", "yes")


def _site(site, now):
    return {
        "lfdi": site.lfdi, "sfdi": site.sfdi, "pin": site.pin, "enabled": site.enabled,
        "connection_point": site.connection_point, "responses": len(site.responses),
        "log_events": len(site.log_events),
        "documents": {k: v.decode() for k, v in site.documents.items()},
        "fsas": {f.name: f.programs for f in site.assignments.values()},
        "programs": [_program(p, now) for p in site.ordered()],
    }


def _program(program, now):
    controls = [{
        "mrid": c.mrid, "href": c.href, "start": c.start, "duration": c.duration,
        "status": c.status(now), "modes": c.modes, "created": c.created,
    } for c in program.listed(now)]
    return {"name": program.name, "primacy": program.primacy, "mrid": program.mrid,
            "default": program.default_modes, "grad": program.grad, "controls": controls}
