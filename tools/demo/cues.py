"""What the demonstration does to the house, and when.

Enters: a story.  Leaves: cues in the order of their times, and the act of each.

    for cue in cues(story):
        ...                      # wait until cue.at, seconds from the firmware's start
        await act(cue, house)

The outage has two halves.  First the gate is shut: connections are refused, as by a server that is
down.  Then the server answers 500 COMMS DISABLED to everything, by the operator's fault switch.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.demo.house import House
from tools.demo.story import Event, Story

OPEN, SHUT, SICK, WELL, PUBLISH = "open", "shut", "sick", "well", "publish"


@dataclass(frozen=True)
class Cue:
    """One act at `at`; `event` is what PUBLISH publishes."""

    at: int
    kind: str
    event: Event | None = None


def cues(story: Story) -> list[Cue]:
    """All cues of the story."""
    down, up = story.outage
    found = [Cue(story.server_up, OPEN), Cue(down, SHUT), Cue(story.sick, SICK), Cue(up, WELL)]
    found += [Cue(e.publish, PUBLISH, e) for e in story.events if e.publish >= 0]
    return sorted(found, key=lambda cue: cue.at)


async def act(cue: Cue, house: House) -> None:
    """Do it."""
    if cue.kind == OPEN:
        await house.gate.open()
    elif cue.kind == SHUT:
        house.gate.shut()
    elif cue.kind == SICK:
        await house.operator("fault", kind="status", status=500)
        await house.gate.open()
    elif cue.kind == WELL:
        await house.operator("clear")
    else:
        await house.publish(cue.event)
