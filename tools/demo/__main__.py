"""`python -m tools.demo --minutes N`: the whole house on loopback, a verdict, a picture.

Enters: minutes, Ctrl-C.  Leaves: the live view, then demo.png, reported.png, demo.csv,
firmware.log and requests.log in build/demo; exit status 0 for PASS, 1 for FAIL, 2 when the house
could not be set up or fell apart, 130 after Ctrl-C.  No process stays behind.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tools.build import ROOT
from tools.demo.cues import OPEN, SHUT, SICK, WELL, act, cues
from tools.demo.house import Child, House, HouseError
from tools.demo import reported
from tools.demo.picture import draw, write_csv
from tools.demo.report import report
from tools.demo.screen import show
from tools.demo.story import WMAX_W, Segment, Story
from tools.demo.verdict import Verdict, judge
from tools.demo.view import View
from tools.site.record import read_csv

PASS, FAIL, BROKEN, INTERRUPTED = 0, 1, 2, 130
_STATUS_S = 0.4
_LAST_LINES = 3
_SERVER = {OPEN: "up", SHUT: "refuses connections", SICK: "answers 500", WELL: "up"}


def story_of(minutes: str) -> Story:
    """The story of that many minutes, for argparse."""
    try:
        number = float(minutes)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{minutes} is no number of minutes")
    try:
        return Story(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo",
                                     description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=story_of, default="4", dest="story", metavar="N",
                        help="length of the story, at least 2 (default 4)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "demo",
                        help="folder of the picture and the table (default build/demo)")
    parser.add_argument("--board", default="unix",
                        help="unix, or a board with an image (unix32): in 64 KiB of heap")
    return parser


class Demo:
    """One run: the tasks that play the story and watch the house."""

    def __init__(self, story: Story, out: Path, folder: Path, console: Console,
                 board: str = "unix"):
        """`folder` is for this run only."""
        self.story, self.out, self.console = story, out, console
        self.house = House(story, folder, out, board)
        self.view = View(story, self.house.names)
        self.responses: list[dict] = []
        self.usage_points: list[dict] = []

    def _now(self) -> float:
        return time.time() - self.house.zero

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(at - self._now(), 0))

    async def play(self) -> None:
        """The whole story; every process has ended when this returns or raises."""
        try:
            await self.house.build()
            await self._until(0)
            firmware = await self.house.start_firmware()
            await self._first_done(self._ending(), self._cues(), self._watch(),
                                   self._firmware(firmware), show(self.console, self.view),
                                   *(c.ended() for c in self.house.children if c is not firmware))
        finally:
            await self.house.stop()

    @staticmethod
    async def _first_done(*jobs) -> None:
        """Run all until the first ends or fails; the failure is raised."""
        tasks = [asyncio.ensure_future(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ending(self) -> None:
        """The last look at the server, when the story is over."""
        await self._until(self.story.length)
        await self._look()
        self.responses = (await self.house.operator("responses"))["responses"]
        self.usage_points = (await self.house.operator("readings"))["usage_points"]

    async def _cues(self) -> None:
        for cue in cues(self.story):
            await self._until(cue.at)
            await act(cue, self.house)
            self.view.server = _SERVER.get(cue.kind, self.view.server)
        await asyncio.Event().wait()

    async def _watch(self) -> None:
        """The site and the server's journal, a few times a second."""
        while True:
            await self._look()
            await asyncio.sleep(_STATUS_S)

    async def _look(self) -> None:
        self.view.now = self._now()
        self.view.site = await self.house.site_status()
        said = await self.house.operator("log", since=self.view.last_request)
        self.view.take_requests(said["log"])

    async def _firmware(self, child: Child) -> None:
        """Its log, line by line; a firmware that ends has broken the demonstration."""
        with (self.out / "firmware.log").open("w", encoding="utf-8") as file:
            async for line in child.process.stdout:
                text = line.decode(errors="replace")
                file.write(text)
                file.flush()
                self.view.take_line(text)
        status = await child.process.wait()
        words = " | ".join(x.said() for x in list(self.view.lines)[-_LAST_LINES:])
        raise HouseError(f"the firmware ended by itself (status {status}) after "
                         f"{self._now():.0f} s: {words or 'it said nothing'}")

    def conclude(self) -> Verdict:
        """Judge the site's record, draw it, write it down, say all of it."""
        zero = self.house.zero
        segments = [Segment(zero + s.start, zero + s.end, s.limit_w, s.source, s.why)
                    for s in self.story.timeline()]
        rows = read_csv(self.house.record)
        verdict = judge(rows, segments, WMAX_W)
        down, up = self.story.outage
        draw(self.out / "demo.png", rows, segments, (zero + down, zero + up), verdict)
        write_csv(self.out / "demo.csv", rows, segments)
        print("\n".join(report(verdict, self.view, self.responses, self.house.names)))
        averages = {what: reported.reported(self.usage_points, what) for what in reported.ROLES}
        reported.draw(self.out / "reported.png", averages, rows)
        print("\n".join(["", *reported.lines(averages, rows)]))
        print(f"\n  {shown(self.out)}: demo.png reported.png demo.csv firmware.log requests.log",
              flush=True)
        return verdict


def shown(path: Path) -> Path:
    """The path as a visitor would type it: from the tree's root where it is below it."""
    path = path.resolve()
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


async def run(story: Story, out: Path, board: str = "unix") -> int:
    """Play the story and conclude; returns the exit status."""
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    ended_by: list[int] = []

    def interrupt(number: int) -> None:
        """Cancel once: a second signal must not break the cleaning up."""
        if not ended_by:
            ended_by.append(number)
            me.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, interrupt, number)
    with tempfile.TemporaryDirectory(prefix="microsep2-demo-") as folder:
        print("setting up: certificates, utility server, simulated site, firmware", flush=True)
        demo = Demo(story, out, Path(folder), Console(), board)
        try:
            await demo.play()
        except asyncio.CancelledError:
            print("ended before the story was: no verdict", flush=True)
            return INTERRUPTED
        return PASS if demo.conclude().passed else FAIL


def main() -> int:
    """Entry point."""
    said = arguments().parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            said.out.mkdir(parents=True, exist_ok=True)
            return asyncio.run(run(said.story, said.out, said.board))
        except (HouseError, OSError) as error:
            print(f"demo: {error}", file=sys.stderr)
            return BROKEN
    return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
