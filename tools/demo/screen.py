"""The live view: a full screen on a terminal, a line every few seconds elsewhere.

Enters: a View.  Leaves: rich renderables and plain lines.

    await show(Console(), view)         # until cancelled
    Console(width=80).print(render(view, 80, 24))

Limit: from 80 x 24 upwards; what is too long for its line ends in an ellipsis.
"""

from __future__ import annotations

import asyncio
import time

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from tools.demo.story import WMAX_W
from tools.demo.verdict import tolerance_w
from tools.demo.view import FAULT, KINDS, OK, REFUSED, REMARK, View, kind_of

_FRAME_S = 0.25
_LINE_S = 5
_FIXED = 16                 # rows of everything but the two logs' lines
_KIND_STYLES = {OK: "green", REMARK: "yellow", REFUSED: "bold red", FAULT: "magenta"}
_LEVEL_STYLES = {"W": "yellow", "E": "bold red", "": "dim"}
_SOURCE_STYLES = {"failsafe": "magenta", "default": "yellow", "event": "bold cyan"}


def clock(seconds: float) -> str:
    """Minutes and seconds, as 2:05."""
    seconds = max(int(seconds), 0)
    return f"{seconds // 60}:{seconds % 60:02d}"


def render(view: View, width: int, height: int) -> Group:
    """The whole screen; it fills `height` rows."""
    rows = max(height - _FIXED, 4)
    upper = rows * 3 // 7 if rows > 8 else rows // 2
    return Group(_title(view, width), _line((f"> {view.story.chapter(view.now)}", "bold")),
                 _limit_panel(view), _power_panel(view, width),
                 _requests_panel(view, upper), _log_panel(view, rows - upper))


def _line(*parts: tuple[str, str]) -> Text:
    """Styled parts in one line that never wraps."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _panel(lines: list[Text], title: str, rows: int) -> Panel:
    """A frame with just `rows` lines in it."""
    lines = lines + [Text("")] * (rows - len(lines))
    return Panel(Group(*lines), title=title, title_align="left", height=rows + 2,
                 border_style="blue", padding=(0, 1))


def _title(view: View, width: int) -> Text:
    """Name, progress, time left."""
    length = view.story.length
    tail = f"  {clock(view.now)} of {clock(length)}, {clock(length - view.now)} left"
    room = max(width - len(tail) - 17, 5)
    done = round(room * min(view.now / length, 1))
    return _line(("microsep2 demo  ", "bold"), ("━" * done, "green"),
                 ("─" * (room - done), "dim"), (tail, ""))


def _limit_panel(view: View) -> Panel:
    """What was published, what the firmware holds, what it says of the events."""
    watts, source, why, event = view.published()
    style = _SOURCE_STYLES[source]
    name = f"{source}: "
    if event:
        name = f"event {event.label} ({event.program.name}, {event.program.primacy}): "
    why = why.split(": ", 1)[-1]
    said, said_source, said_why = view.firmware_limit()
    mark = "green" if view.agrees() else "yellow"
    states = "  ".join(f"{label} {state}" for label, state in list(view.events.items())[-4:])
    return _panel([
        _line(("published  ", "dim"), (f"{watts:>5} W  ", style), (name + why, style)),
        _line(("firmware   ", "dim"), (f"{said:>7}  ", mark), (said_source, mark),
              (f": {said_why}" if said_why else "", mark)),
        _line(("events     ", "dim"), (states or "none known yet", "")),
    ], "limit in force at the connection point (export)", 3)


def _power_panel(view: View, width: int) -> Panel:
    """The connection point against the limit, sun, load, cap, Modbus."""
    site = view.site
    if not site:
        return _panel([_line(("the site has said nothing yet", "dim"))], "connection point", 3)
    limit_w = view.published()[0]
    export_w = -site["site_w"]
    over = export_w > limit_w + tolerance_w(WMAX_W)
    word = "exports" if export_w >= 0 else "imports"
    head = f"{word} {abs(export_w):>5} W of {limit_w:>5} W  "
    cap = "none"
    if site["WMaxLim_Ena"]:
        cap = f"{site['WMaxLimPct'] / 100:.2f} % of {site['wmax_w']} W"
    counts = site["counts"]
    return _panel([
        _line((head, "bold red" if over else "bold green"),
              *_bar(export_w, limit_w, width - len(head) - 4, over)),
        _line(("PV ", "dim"), (f"{site['pv_w']:>5} of {site['pv_available_w']:>5} W", ""),
              ("   load ", "dim"), (f"{site['load_w']:>5} W", ""),
              ("   cap ", "dim"), (cap, "")),
        _line(("Modbus ", "dim"), (f"{counts['reads']} reads  {counts['writes']} writes  ", ""),
              (f"{counts['refused']} refused", "red" if counts["refused"] else "")),
    ], "connection point (the simulated site itself)", 3)


def _bar(export_w: int, limit_w: int, room: int, over: bool) -> list[tuple[str, str]]:
    """Export as a bar from 0 to WMax, with a mark at the limit."""
    room = max(room, 10)
    filled = min(max(round(export_w / WMAX_W * room), 0), room)
    mark = min(round(limit_w / WMAX_W * room), room - 1)
    cells = ["█" if i < filled else "·" for i in range(room)]
    before, after = "".join(cells[:mark]), "".join(cells[mark + 1:])
    return [(before, "green"), ("┃", "bold white"), (after, "red" if over else "dim")]


def _requests_panel(view: View, rows: int) -> Panel:
    """The server's newest requests and its verdicts."""
    lines = []
    for entry in list(view.requests)[-rows:]:
        stamp = time.strftime("%H:%M:%S", time.gmtime(entry["time"]))
        style = _KIND_STYLES[kind_of(entry["verdict"])]
        lines.append(_line((f"{stamp} ", "dim"), (f"{entry['method']:<4} ", ""),
                           (f"{entry['resource']:<9} ", "bold"), (f"{entry['status']} ", style),
                           (entry["verdict"], style), (f"  {entry['out']} B", "dim")))
    counts = ", ".join(f"{view.kinds[k]} {k}" for k in KINDS if view.kinds[k] or k == REFUSED)
    return _panel(lines, f"utility server ({view.server}): {counts}", rows)


def _log_panel(view: View, rows: int) -> Panel:
    """The firmware's newest lines."""
    lines = []
    for line in list(view.lines)[-rows:]:
        style = _LEVEL_STYLES.get(line.level, "")
        parts = [(f"{line.time} ", "dim")] if line.time else []
        parts += [(f"{line.code} ", style or "bold")] if line.code else []
        lines.append(_line(*parts, (line.text, style)))
    title = f"firmware: {view.answers} answers delivered, {view.errors.total()} errors"
    return _panel(lines, title, rows)


def plain(view: View) -> str:
    """The state as one line of text."""
    watts, source, why, event = view.published()
    said, said_source, _ = view.firmware_limit()
    site = view.site or {"site_w": 0, "pv_w": 0, "load_w": 0, "counts": {}}
    counts = site["counts"]
    return (f"{clock(view.now)}  limit {watts} W ({event.label if event else source}), "
            f"firmware {said} ({said_source}), export {-site['site_w']} W, "
            f"PV {site['pv_w']} W, load {site['load_w']} W, "
            f"requests {sum(view.kinds.values())} ({view.kinds[REFUSED]} refused), "
            f"Modbus {counts.get('reads', 0)} reads {counts.get('writes', 0)} writes")


async def show(console: Console, view: View) -> None:
    """Show the view until cancelled; a terminal has its old screen back afterwards."""
    if not console.is_terminal:
        await _show_plain(view)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(render(view, console.width, console.height), refresh=True)
            await asyncio.sleep(_FRAME_S)


async def _show_plain(view: View) -> None:
    """Each chapter once, the state every few seconds."""
    chapter, due = "", 0.0
    while True:
        if view.story.chapter(view.now) != chapter:
            chapter = view.story.chapter(view.now)
            print(f"{clock(view.now)}  {chapter}", flush=True)
        if view.now >= due:
            due = view.now + _LINE_S
            print(plain(view), flush=True)
        await asyncio.sleep(_FRAME_S)
