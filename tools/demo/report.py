"""What is said at the end: the verdict, its figures, the answers and the requests.

Enters: a Verdict, the View, the responses that the server received.  Leaves: lines of text.

    print("\n".join(report(verdict, view, responses, names)))

The verdict stands on the site's record alone; answers and requests are reported, not judged.
"""

from __future__ import annotations

import textwrap
from collections import Counter

from tools.demo.story import Story
from tools.demo.verdict import Verdict
from tools.demo.view import KINDS, MEANINGS, View

WIDTH = 79
_NOTED_MAX = 8


def report(verdict: Verdict, view: View, responses: list[dict],
           names: dict[str, str]) -> list[str]:
    """All lines, the verdict first; none is longer than WIDTH."""
    lines = [verdict.line(), ""]
    lines += [f"  {name:<25} {value}" for name, value in verdict.figures()]
    lines += ["", *answers(view.story, responses, names), "", *requests(view)]
    errors = ", ".join(f"{code} {n}" for code, n in view.errors.most_common())
    lines.append(f"  errors in the firmware's own log: {errors or 'none'}")
    counts = view.site.get("counts")
    if counts:
        lines.append(f"  Modbus: {counts['reads']} reads, {counts['writes']} writes, "
                     f"{counts['refused']} refused")
    return [part for line in lines for part in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    """The line in parts of at most WIDTH, those after the first further in."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, drop_whitespace=True) or [""]


def answers(story: Story, responses: list[dict], names: dict[str, str]) -> list[str]:
    """How many responses of each status came for each event."""
    got: Counter[tuple[str, int]] = Counter(
        (names.get(r["subject"], "?"), r["status"]) for r in responses)
    totals = Counter(r["status"] for r in responses)
    said = ", ".join(f"{totals[s]} {word}" for s, word in MEANINGS.items()
                     if totals[s] or s <= 3)
    lines = [f"  responses at the server: {said}"]
    for event in story.events:
        words = [f"{MEANINGS[s]} x{got[event.label, s]}" if got[event.label, s] > 1
                 else MEANINGS[s] for s in MEANINGS if got[event.label, s]]
        lines.append(f"    {event.label}  {event.program.name:<8} {event.limit_w:>5} W  "
                     f"{event.start:>4} to {event.end:>4} s   {', '.join(words) or 'none'}")
    return lines


def requests(view: View) -> list[str]:
    """Counts of the server's verdicts; what it refused or remarked upon, in its own words."""
    counts = ", ".join(f"{view.kinds[k]} {k}" for k in KINDS)
    lines = [f"  requests at the server: {sum(view.kinds.values())} ({counts})"]
    for entry in view.noted[:_NOTED_MAX]:
        lines.append(f"    {entry['method']} {entry['resource']} {entry['status']}: "
                     f"{view.named(entry['verdict'])[:200]}")
    if len(view.noted) > _NOTED_MAX:
        lines.append(f"    and {len(view.noted) - _NOTED_MAX} more: see requests.log")
    return lines
