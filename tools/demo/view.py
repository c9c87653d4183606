"""What a visitor is shown, gathered from its three sources: firmware, site, server.

Enters: lines of the firmware's log, the site's status, entries of the server's journal.  Leaves:
attributes that the screen and the report read; nothing here is drawn or judged.

    view = View(story, house.names)
    view.take_line("2026-11-24T16:20:01Z I LIMIT exp_w=1500 src=default")
    view.firmware_limit()               # "1500 W", "default", ""

Limit: the newest KEPT lines and requests; counts cover the whole run.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import replace

from tools.demo.logline import LogLine, parse
from tools.demo.story import Event, Story

KEPT = 200
POLLS_WIDTH = 50
OK, REMARK, REFUSED, FAULT = "ok", "with remarks", "refused", "faults"
KINDS = (OK, REMARK, REFUSED, FAULT)
MEANINGS = {1: "received", 2: "started", 3: "completed", 6: "cancelled", 7: "superseded"}
_HEX = re.compile(r"\b[0-9A-Fa-f]{8,32}\b")     # the log shows eight digits of an mRID or more


def kind_of(verdict: str) -> str:
    """To which of KINDS a verdict of the server's journal belongs."""
    if verdict.startswith("ok, but"):
        return REMARK
    if verdict.startswith("ok"):
        return OK
    return FAULT if verdict.startswith("fault") else REFUSED


class View:
    """See the module's text; `now` is in seconds from the firmware's start."""

    def __init__(self, story: Story, names: dict[str, str]):
        """`names` maps mRIDs to the story's labels and may grow later."""
        self.story = story
        self.now = 0.0
        self.server = "not up yet"
        self.lines: deque[LogLine] = deque(maxlen=KEPT)
        self.limit: dict[str, str] = {}         # the last LIMIT line
        self.events: dict[str, str] = {}        # label -> what the firmware said last
        self.answers = 0
        self.errors: Counter[str] = Counter()   # lines of level E, by their code
        self.site: dict = {}
        self.requests: deque[dict] = deque(maxlen=KEPT)
        self.kinds: Counter[str] = Counter()
        self.noted: list[dict] = []             # requests refused, or taken with remarks
        self.last_request = 0
        self._names = names

    def take_line(self, raw: str) -> LogLine:
        """One line of the firmware; mRIDs that the story knows are shown by their labels."""
        line = parse(self.named(raw))
        self._keep(line)
        if line.level == "E":
            self.errors[line.code] += 1
        if line.code == "LIMIT":
            self.limit = line.pairs
        elif line.code == "EVENT" and "mrid" in line.pairs:
            self._note(line.pairs["mrid"], line.pairs.get("is", "?"))
        elif line.code == "ANSWER" and "mrid" in line.pairs:
            self.answers += 1
            status = line.pairs.get("status", "?")
            word = MEANINGS.get(int(status)) if status.isdecimal() else None
            self._note(line.pairs["mrid"], word or status)
        return line

    def _keep(self, line: LogLine) -> None:
        """Polls in a row become one line, so that what they find stays in sight."""
        last = self.lines[-1] if self.lines else None
        if line.code == "POLL" and last and last.code == "POLL" and len(last.text) < POLLS_WIDTH:
            what = line.pairs.get("what", line.text)
            line = replace(line, text=f"{last.text} {what}")
            self.lines.pop()
        self.lines.append(line)

    def _note(self, label: str, word: str) -> None:
        """What was last said of an event; the newest stands last."""
        self.events.pop(label, None)
        self.events[label] = word

    def named(self, text: str) -> str:
        """The text with labels in place of mRIDs, whole or shortened, in whatever case."""
        return _HEX.sub(self._label, text)

    def _label(self, found: re.Match) -> str:
        digits = found.group().upper()
        labels = (label for mrid, label in self._names.items() if mrid.upper().startswith(digits))
        return next(labels, found.group())

    def take_requests(self, entries: list[dict]) -> None:
        """New entries of the server's journal, oldest first."""
        for entry in entries:
            self.requests.append(entry)
            self.last_request = entry["n"]
            kind = kind_of(entry["verdict"])
            self.kinds[kind] += 1
            if kind in (REMARK, REFUSED):
                self.noted.append(entry)

    def published(self) -> tuple[int, str, str, Event | None]:
        """The limit that rules by the story: W, source, reason, event."""
        return self.story.ruling(self.now)

    def firmware_limit(self) -> tuple[str, str, str]:
        """What the firmware says: limit, source, why; dashes until it has said anything."""
        if not self.limit:
            return "-", "-", ""
        watts = self.limit.get("exp_w", "-")
        source = self.limit.get("src", "-")
        label = self.limit.get("mrid", "")
        why = self.limit.get("why", "")
        return (watts if watts == "-" else f"{watts} W",
                f"{source} {label}".strip(), why)

    def agrees(self) -> bool:
        """Whether the firmware names the limit that rules."""
        return self.limit.get("exp_w") == str(self.published()[0])
