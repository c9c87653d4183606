"""What happens in the demonstration, and which limit rules at each instant because of it.

Enters: minutes.  Leaves: events to publish and when, the outage, sun and load for the site, and
the timeline of the limit, worked out here from primacy and creation alone.

    story = Story(minutes=4)
    [s.limit_w for s in story.timeline()]        # 1000, 1500, 5000, 2500, 0, 1500, ...

Times are whole seconds from the firmware's start.  Limit: events that contend here share their
whole interval, so that no reading of the standard's rules for partial overlap matters.
"""

from __future__ import annotations

from dataclasses import dataclass

WMAX_W = 10000
SITE_EXP_W = 10000
SITE_IMP_W = 15000
FAILSAFE_W = 1000
DEFAULT_W = 1500
MINUTES_MIN = 2
_BASE_S = 240


@dataclass(frozen=True)
class Program:
    """A DERProgram: its name on the server and its primacy (a lower number wins)."""

    name: str
    primacy: int


NETWORK = Program("network", 1)
MARKET = Program("market", 5)


@dataclass(frozen=True)
class Event:
    """A DERControl with an export limit; `publish` is when the demo hands it to the server."""

    label: str
    program: Program
    start: int
    end: int
    limit_w: int
    publish: int = -1


@dataclass(frozen=True)
class Segment:
    """A span in which one limit rules; `source` is failsafe, default or event."""

    start: float
    end: float
    limit_w: int
    source: str
    why: str


class Story:
    """The plot, stretched to the minutes asked for."""

    def __init__(self, minutes: float = 4):
        """ValueError below MINUTES_MIN: a limit must last longer than its 15 s of grace."""
        if minutes < MINUTES_MIN:
            raise ValueError(f"the story needs at least {MINUTES_MIN} minutes")
        self.length = round(minutes * 60)
        t = self._at
        self.server_up = t(8)
        self.outage = (t(136), t(204))
        self.sick = t(170)      # until then connections are refused, then answers are 500
        self.poll_s = max(5, t(5))
        self.events = [
            Event("A1", NETWORK, t(28), t(60), 5000),
            Event("A2", NETWORK, t(60), t(92), 2500),
            Event("B1", MARKET, t(60), t(92), 4000),
            Event("A3", NETWORK, t(92), t(124), 4000),
            Event("A4", NETWORK, t(92), t(124), 0, publish=t(68)),
            Event("A5", NETWORK, t(148), t(184), 4000),
            Event("A6", NETWORK, t(222), t(240), 3000, publish=t(206)),
        ]

    def _at(self, base_s: float) -> int:
        return round(base_s * self.length / _BASE_S)

    def script(self) -> dict:
        """Sun and load for the simulated site; both step often enough to disturb each limit."""
        t = self._at
        cloud = [(0, 8600), (38, 8600), (42, 3100), (49, 3100), (52, 8800), (112, 8700),
                 (164, 8300), (167, 5200), (174, 5200), (177, 8200), (240, 7800)]
        load = [(0, 500), (70, 2900), (84, 500), (102, 1900), (114, 450), (155, 3400),
                (170, 600), (189, 2100), (197, 500), (229, 1700), (236, 500)]
        return {"pv_w": [[t(s), w] for s, w in cloud], "load_w": [[t(s), w] for s, w in load]}

    def ruling(self, now: float) -> tuple[int, str, str, Event | None]:
        """Limit in W, source, reason and event at `now`."""
        if now < self.server_up:
            return FAILSAFE_W, "failsafe", "nothing was ever read from a server", None
        active = [e for e in self.events if e.start <= now < e.end and e.publish <= now]
        if not active:
            return DEFAULT_W, "default", "no event is active", None
        active.sort(key=lambda e: (e.program.primacy, -e.publish))
        event = active[0]
        why = "the only event"
        if len(active) > 1:
            loser = active[1]
            same = loser.program.primacy == event.program.primacy
            why = f"{'newer' if same else 'lower primacy'} than {loser.label} ({loser.limit_w} W)"
        return event.limit_w, "event", f"{event.label}: {why}", event

    def timeline(self) -> list[Segment]:
        """Segments from 0 to the end, without gaps, a new one wherever limit or reason changes."""
        edges = {0, self.server_up, self.length}
        for event in self.events:
            edges |= {event.start, event.end, max(event.publish, 0)}
        edges = sorted(e for e in edges if e <= self.length)
        segments: list[Segment] = []
        for start, end in zip(edges, edges[1:]):
            limit_w, source, why, _ = self.ruling(start)
            last = segments[-1] if segments else None
            if last and (last.limit_w, last.source, last.why) == (limit_w, source, why):
                segments[-1] = Segment(last.start, end, limit_w, source, why)
            else:
                segments.append(Segment(start, end, limit_w, source, why))
        return segments

    def chapter(self, now: float) -> str:
        """What a visitor should look at now, in a sentence that fits 80 columns."""
        down, up = self.outage
        if now < self.server_up:
            return "The server is not up yet: the failsafe limit rules."
        if down <= now < up:
            how = "refuses connections" if now < self.sick else "answers 500 only"
            tail = "the known event goes on" if self.ruling(now)[3] else "the default rules"
            return f"The server {how}: {tail}."
        _, _, why, event = self.ruling(now)
        if event is None:
            return "Gap between events: the default rules."
        why = why.split(": ")[1]
        return f"Event {event.label} of program {event.program.name} rules: {why}."
