"""By what a test procedure is judged: steps in their order, documents, readings, true power.

Enters: a house that lived.  Leaves: what the server received, in the words of the procedures.

    steps(house, "GET dcap", "GET tm", "POST edevl")      # seconds, each after the one before
    told(house, "ders")[-1].hex("genConnectStatus")       # of the last DERStatus that was put
    readings(house, SITE, W)                              # {start: W} of the net, or phases added
    sound(house)                                          # every body validated, nothing refused

Limit: kinds of resources are named as tools.utility names them; first pages alone count.
"""

from dataclasses import dataclass

from house import START
from lxml import etree

SITE, DER = 0x03, 0x49
W, VAR, V, WH = 38, 63, 29, 72
TOL_W = 100  # the lower of 4 % and 100 W, of 10 kW
SETTLE_S = 15


def pages(house, since=0.0):
    """(second, "METHOD kind") of each request, of lists the first page."""
    return [(e["at"], e["method"] + " " + e["resource"]) for e in house.requests(since=since)
            if "s=" not in e["path"] or "s=0&" in e["path"]]


def steps(house, *wanted, since=0.0):
    """When each step came, each after the one before; AssertionError names the one that did not.

    A step may be a tuple: all of them, in any order.
    """
    found, left = [], pages(house, since)
    for step in wanted:
        names = {step} if isinstance(step, str) else set(step)
        while names:
            assert left, f"{sorted(names)} did not come after {found}"
            at, said = left.pop(0)
            if said in names:
                names.discard(said)
                found.append(at)
    return found


def sound(house):
    """All that was sent validates and was taken; nothing but what is not there yet was refused."""
    bad = [(e["at"], e["method"], e["path"], e["status"], e["verdict"]) for e in house.requests()
           if e["verdict"] != "ok" and not (e["method"] == "GET" and e["status"] == 404)]
    assert not bad, bad
    ordered(house)


def ordered(house):
    """Each event is answered 1, then 2, then one of 3, 6 and 7, or 6 or 7 at once; never twice."""
    ways = ([1], [1, 2], [1, 2, 3], [1, 2, 6], [1, 2, 7], [1, 6], [1, 7])
    by_event = {}
    for row in house.utility.site().responses:
        by_event.setdefault(row["subject"], []).append(row)
    for subject, rows in by_event.items():
        assert [row["status"] for row in rows] in ways, (subject, rows)
        created = [row["created"] for row in rows]
        assert created == sorted(created), (subject, rows)
        assert all(row["created"] <= row["time"] + 1 for row in rows), (subject, rows)


@dataclass(frozen=True)
class Told:
    """A document that was put: when, and the text of each leaf by its path of local names."""

    at: float
    leaves: dict

    def __contains__(self, name):
        """Whether the element is there."""
        return name in self.leaves or name + "/value" in self.leaves

    def __getitem__(self, name):
        """A number: of a value with its multiplier, or plain."""
        if name in self.leaves:
            return int(self.leaves[name])
        return int(self.leaves[name + "/value"]) * 10 ** int(
            self.leaves.get(name + "/multiplier", 0))

    def hex(self, name):
        """A bitmap, plain or as the value of a status."""
        return int(self.leaves.get(name) or self.leaves[name + "/value"], 16)


def told(house, kind, since=0.0, until=1e9):
    """Each document of that kind that was put, oldest first."""
    found = []
    for at, what, body in house.sent:
        if what == kind and since <= at < until:
            found.append(Told(at, dict(_leaves(etree.fromstring(body), ""))))
    return found


def _leaves(element, path):
    for child in element:
        name = path + etree.QName(child).localname
        if len(child):
            yield from _leaves(child, name + "/")
        else:
            yield name, child.text


def told_bits(house, since=0.0, what="genConnectStatus"):
    """The bitmap of each DERStatus since then, without repetitions."""
    bits = [one.hex(what) for one in told(house, "ders", since)]
    return [b for i, b in enumerate(bits) if i == 0 or b != bits[i - 1]]


def series(house, role, uom):
    """{(phase): {start: value}} of a usage point; starts are seconds of the house."""
    found = {}
    for point in house.utility.site().usage_points.values():
        for (mrid, start), reading in point.readings.items():
            kind = point.types[mrid]
            if int(point.role, 16) == role and kind["uom"] == uom:
                value = reading["value"] * 10 ** (kind.get("powerOfTenMultiplier") or 0)
                found.setdefault(kind.get("phase") or 0, {})[start - START] = value
    return found


def readings(house, role, uom):
    """{start: value} of the whole: of power the phases are added, of voltage their mean."""
    phases = series(house, role, uom)
    starts = set.intersection(*map(set, phases.values())) if phases else set()
    part = len(phases) if uom == V else 1
    return {start: sum(values[start] for values in phases.values()) / part
            for start in sorted(starts)}


def counted(house, at_least, *, voltage=SITE):
    """The five quantities of ALL-06 have so many readings each, whole minutes, with our PEN."""
    for role, uom in ((SITE, W), (SITE, VAR), (voltage, V), (DER, W), (DER, VAR)):
        got = {phase: len(values) for phase, values in series(house, role, uom).items()}
        assert got and max(got.values()) >= at_least, (role, uom, got)
    for point in house.utility.site().usage_points.values():
        mrids = (point.mrid, *point.types)  # J15, J16
        assert all(len(m) == 32 and m == m.upper() and int(m[-8:]) == 32473 for m in mrids)
        assert {kind["kind"] for kind in point.types.values()} <= {37, 12}  # J13
        assert int(point.role, 16) in (SITE, DER)  # J9
        for (_, start), reading in point.readings.items():
            assert start % 60 == 0 and reading["duration"] and reading["duration"] % 60 == 0


def true_readings(house, role=SITE, name="site_w", room_w=60):
    """Each reading of power is the true mean of its interval; `name` as the record has it."""
    got = readings(house, role, W)
    spans = {start - START: row["duration"] for point in house.utility.site().usage_points.values()
             for (_, start), row in point.readings.items()}
    assert got
    for start, value in got.items():
        truth = house.site.mean(name, start, start + spans[start])
        assert abs(value - truth) <= room_w, (start, value, truth)
    return got


def polled(house, rates, since, until):
    """Requirements B0: a gap beyond 1.5 x rate at most once in 5 rates, 6 reads in 3 rates."""
    for kind, rate in rates.items():
        at = [t for t, said in pages(house, since) if said == "GET " + kind and t < until]
        gaps = [b - a for a, b in zip(at, at[1:])]
        assert at and gaps, kind
        assert sum(gap > 1.5 * rate for gap in gaps) <= 1, (kind, gaps)
        assert at[0] - since <= 1.5 * rate and until - at[-1] <= 1.5 * rate, (kind, at)
        paths = {}
        for e in house.requests(kind, "GET", since):
            if "s=" not in e["path"] or "s=0&" in e["path"]:
                paths.setdefault(e["path"], []).append(e["at"])
        for times in paths.values():
            assert all(sum(t <= u < t + 3 * rate for u in times) <= 6 for t in times), kind


def followed(house, lines, what="exp", room_w=TOL_W, behind_w=450, most_w=10000):
    """The true power keeps to a line of (second, W) points: never above it, nor far below.

    what: "exp" (export at the meter), "imp" (import there), "gen" (of all inverters and the
    battery), "taken" (by the battery and the load that is steered).
    behind_w: how far below it may be where the sun gives more; None: not looked at.
    """
    for (t0, w0), (t1, w1) in zip(lines, lines[1:]):
        for row in house.rows(t0, t1):
            line = w0 + (w1 - w0) * (row.time - t0) / (t1 - t0)
            power = {"exp": -row.site_w, "imp": row.site_w, "gen": row.pv_w + row.battery_w,
                     "taken": row.flex_w - row.battery_w}[what]
            assert power <= line + room_w, (row, line)
            if behind_w is not None:
                assert power >= min(line, most_w) - behind_w, (row, line)


def settled(house, start, end, watts, what="exp", room_w=TOL_W):
    """From SETTLE_S after the start on, the power is at most `watts`."""
    followed(house, [(start + SETTLE_S, watts), (end, watts)], what, room_w, None)
