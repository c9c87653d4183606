"""What the firmware tells a server, put together as app.py does, on devices that answer.

Enters: a South and a Server's routes.  Leaves: own, resources and telemetry, and what was sent.

    rig = Told(South().run(3000), pen=32473)
    rig.server.routes["/dercap"] = status(204)
    rig.flush(rig.resources)
    assert rig.sent("PUT", "/dercap")[0].leaf("rtgMaxW") == ...
"""

import sep2
from backlog import Backlog
from edges import live
from north import LFDI, North
from own import Me, Own
from point import Point
from resources import Resources
from session import Body, SessionError
from store import Store
from telemetry import Telemetry
from xmlpull import Writer


class Doc:
    """A body that was sent: its text, its leaves and the names in their order."""

    def __init__(self, body):
        self.text = str(body, "utf-8")

    def leaf(self, name, at=0):
        """The text within the first element of that name, None when there is none."""
        first = self.text.find("<" + name + ">", at)
        if first < 0:
            return None
        first += len(name) + 2
        return self.text[first:self.text.find("</" + name + ">", first)]

    def leaves(self, name):
        """The texts within all elements of that name."""
        return [part.split("</" + name + ">")[0] for part in self.text.split("<" + name + ">")[1:]]

    def parts(self, name):
        """Each element of that name, as a Doc."""
        return [Doc(part.split("</" + name + ">")[0].encode())
                for part in self.text.split("<" + name + ">")[1:]]

    def pair(self, name):
        """(s since EPOCH, text) of a value with its dateTime."""
        inner = Doc(self.leaf(name).encode())
        return int(inner.leaf("dateTime")) - sep2.EPOCH, inner.leaf("value")

    def scaled(self, name):
        """value * 10 ** multiplier of an element, as a whole number."""
        inner = Doc(self.leaf(name).encode())
        ten = int(inner.leaf("multiplier"))
        value = int(inner.leaf("value") or inner.leaf("displacement"))
        return value * 10 ** ten if ten >= 0 else (value, ten)

    def names(self):
        """The names of the elements directly within the root, in their order."""
        found, depth = [], 0
        for part in self.text.split("<")[1:]:
            tag = part.split(">")[0]
            if tag[0] == "/":
                depth -= 1
                continue
            if depth == 1:
                found.append(tag.split(" ")[0])
            if not tag.endswith("/"):
                depth += 1
        return found


class Told(North):
    """A North on a South, with what goes up; keywords are settings (config.py)."""

    def __init__(self, south, profile="eql", page=5, **settings):
        super().__init__(south=south, page=page)
        self.south = south
        conf = self.conf = south.conf
        conf.pin, conf.register, conf.nmi, conf.pen = -1, 0, "", 32473
        conf.spread_s = 0
        conf.battery, conf.site_exp_w, conf.site_imp_w = None, 10000, 10000
        for name, value in settings.items():
            setattr(conf, name, value)
        xml, self.profile = self.xml, sep2.PROFILES[profile]
        self.session._post["Accept"] = self.profile.media_type
        buf = bytearray(300)
        body = Body(sep2.write, Writer(buf), buf, self.profile)
        self.me = Me(LFDI, conf)
        parts = (self.loop, self.session, self.reading, xml, body, self.clock)
        self.own = Own(self.session, self.reading, xml, body, self.clock, conf, self.me,
                       SessionError)
        self.truth = south.truth
        self.resources = Resources(*parts, self.schedule, self.own, self.truth)
        self.telemetry = Telemetry(*parts, conf, self.own, self.me, self.profile,
                                   Store(self.flash.folder), Point, Backlog)
        south.control.sampler = self.telemetry
        self.loop.every(1000, self.telemetry)
        self.loop.every(1000, self.resources)
        self.loop.supervise("telemetry", self.telemetry.run)

    def live(self, seconds):
        live(self.world, self.loop, seconds * 1000)

    def step(self, part):
        """Let it send once, if it is due; False when it is not."""
        due = part.is_due(self.loop.now())
        if due:
            self.run(part.send(SessionError))
        return due

    def flush(self, part, most=30):
        """Let it send all that is due now."""
        for _ in range(most):
            if not self.step(part):
                return
        raise AssertionError("it sends without end")

    def up(self, seconds):
        """Let time pass, and send as discovery does: resources, then readings."""
        for _ in range(seconds * 2):
            if not self.step(self.resources) and not self.step(self.telemetry):
                live(self.world, self.loop, 500)

    def sent(self, method, path=None, since=0):
        """What was sent, as Docs, from the since-th request on."""
        return [Doc(r[3]) for r in self.server.requests[since:]
                if r[1] == method and path in (None, r[2])]

    def asked(self, since=0):
        """["METHOD path"] of the requests."""
        return [r[1] + " " + r[2].split("?")[0] for r in self.server.requests[since:]]
