"""Runs of the demonstration's story on the plant alone, with controllers of any quality."""

from tools.demo.story import WMAX_W, Segment, Story
from tools.site import Plant, Row, profile_from

ZERO = 1_700_000_000
TICKS_S = 10


def unix_segments(story, zero=ZERO):
    """The story's timeline in Unix time, as the demo judges it."""
    return [Segment(zero + s.start, zero + s.end, s.limit_w, s.source, s.why)
            for s in story.timeline()]


def played(story, cap, zero=ZERO):
    """Rows of a run in which `cap(now, load_w)` gives the inverter's cap in W each 100 ms."""
    plant = Plant(profile_from(story.script()), WMAX_W)
    rows = []
    for tick in range(story.length * TICKS_S):
        now = tick / TICKS_S
        plant.cap(cap(now, plant.load_w))
        plant.tick()
        pv, load = round(plant.pv_w), round(plant.load_w)
        rows.append(Row(round(zero + now, 3), round(plant.pv_available_w), pv, load, load - pv,
                        round(plant.effective_w)))
    return rows


def obedient(story):
    """The cap of a controller that knows limit and load at once and stays 60 W below."""
    return lambda now, load_w: story.ruling(now)[0] + load_w - 60


__all__ = ["Story", "obedient", "played", "unix_segments"]
