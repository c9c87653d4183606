"""The processes of the demonstration on loopback: utility server, simulated site, firmware.

Enters: a story and an empty folder.  Leaves: running processes, each known by its pid, and calls
to their operators' ports.

    house = House(story, folder, out)
    await house.build()                  # certificates, server behind a shut gate, site
    await house.start_firmware()
    await house.stop()                   # always; every process has ended afterwards

HouseError says in a sentence what did not work.  Limit: one house an object.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import time
from pathlib import Path

import aiohttp

from tools.build import ROOT
from tools.build.frozen import image_command
from tools.demo.gate import HOST, Gate
from tools.demo.story import (
    DEFAULT_W,
    FAILSAFE_W,
    MARKET,
    NETWORK,
    SITE_EXP_W,
    SITE_IMP_W,
    WMAX_W,
    Event,
    Story,
)
from tools.pki import registration_pin, write_folder
from tools.run import firmware_command

PIN = registration_pin(12345)
_READY_S = 30
_END_S = 4
_CALL_S = 10
_PUBLISH_S = 0.3            # all early events are published within this


class HouseError(Exception):
    """The house could not be set up, or a part of it ended by itself."""


class Child:
    """One process of ours; its standard error goes to a file, or to its output."""

    def __init__(self, name: str, process, errors: Path | None):
        """Keep what `start` made."""
        self.name, self.process, self._errors = name, process, errors

    @classmethod
    async def start(cls, name: str, argv: list[str], folder: Path, env=None,
                    merge: bool = False) -> Child:
        """Start it in a session of its own: the terminal's Ctrl-C is for the demo to handle."""
        errors = None if merge else folder / f"{name}.err"
        sink = asyncio.subprocess.STDOUT if errors is None else errors.open("wb")
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, cwd=ROOT, env=env, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=sink, start_new_session=True)
        except OSError as error:
            raise HouseError(f"the {name} cannot be started: {error}") from None
        finally:
            if errors:
                sink.close()
        return cls(name, process, errors)

    async def ready(self) -> dict:
        """Its first line, which is JSON; HouseError with its last words when there is none."""
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), _READY_S)
            return json.loads(line)
        except (asyncio.TimeoutError, ValueError):
            raise HouseError(f"the {self.name} did not start: {self.last_words()}") from None

    def last_words(self) -> str:
        """The last line of its standard error."""
        text = self._errors.read_text(errors="replace").strip() if self._errors else ""
        return text.splitlines()[-1] if text else "it said nothing"

    async def ended(self) -> None:
        """Never returns: HouseError when the process ends."""
        status = await self.process.wait()
        raise HouseError(f"the {self.name} ended by itself (status {status}): "
                         f"{self.last_words()}")

    async def stop(self) -> None:
        """SIGINT, which all of them take as the wish to end; SIGKILL when that is not enough."""
        if self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(self.process.wait(), _END_S)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()


class House:
    """See the module's text; `zero` is the Unix second at which the firmware starts."""

    def __init__(self, story: Story, folder: Path, out: Path, board: str = "unix"):
        """`folder` takes what is only for this run, `out` the log of requests.

        `board`: "unix" is the stock interpreter, any other one with an image: in 64 KiB of heap,
        and with the certificates' policies critical, as the standard has them.
        """
        self.story, self.folder, self.out, self.board = story, folder, out, board
        self.children: list[Child] = []
        self.names: dict[str, str] = {}      # mRID -> the story's event or program
        self.gate: Gate | None = None
        self.zero = 0
        self._utility_admin = self._site_admin = 0
        self._argv: list[str] = []
        self._env: dict[str, str] = {}
        self._http: aiohttp.ClientSession | None = None

    @property
    def record(self) -> Path:
        """The CSV that the simulated site writes."""
        return self.folder / "site.csv"

    async def build(self) -> None:
        """Everything but the firmware; the story's default and first events are published."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_CALL_S))
        flash = self.folder / "flash"
        flash.mkdir()
        try:
            command = firmware_command(flash) if self.board == "unix" else image_command(
                self.board, flash)
            self._argv, self._env = command
        except (SystemExit, Exception) as error:    # whatever it is, it is no FAIL of the site
            raise HouseError(f"the firmware cannot be built: {error!r}") from error
        write_folder(self.folder / "pki", host=HOST, critical_policies=self.board != "unix")
        for part in sorted((self.folder / "pki" / "device").glob("*.der")):
            shutil.copy(part, flash)
        utility = await self._start_utility()
        self.gate = Gate(utility["port"])
        site = await self._start_site()
        (flash / "config.txt").write_text(self._config(utility["dcap"], site))
        self.zero = int(time.time() + _PUBLISH_S) + 1
        await self._publish_first()

    async def _start_utility(self) -> dict:
        """The server, with the device registered and the story's programs."""
        log = self.out / "requests.log"
        log.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "tools.utility", "--pki", str(self.folder / "pki"),
                "--pin", str(PIN), "--poll", str(self.story.poll_s), "--log", str(log)]
        for program in (NETWORK, MARKET):
            argv += ["--program", f"{program.name}:{program.primacy}"]
        ready = await self._start("utility server", argv)
        self._utility_admin = ready["admin_port"]
        return ready

    async def _start_site(self) -> dict:
        """The plant, whose script begins at most 1.3 s before the firmware's start."""
        script = self.folder / "script.json"
        script.write_text(json.dumps(self.story.script()))
        ready = await self._start("simulated site", [
            sys.executable, "-m", "tools.site", "--wmax", str(WMAX_W), "--script", str(script),
            "--csv", str(self.record)])
        self._site_admin = ready["admin_port"]
        return ready

    async def _start(self, name: str, argv: list[str]) -> dict:
        child = await Child.start(name, argv, self.folder)
        self.children.append(child)
        return await child.ready()

    def _config(self, dcap: str, site: dict) -> str:
        """The device's config.txt."""
        keys = {"server": f"https://{HOST}:{self.gate.port}{dcap}", "profile": "eql",
                "pin": PIN, "inverter": site["inverter"], "meter": site["meter"],
                "site_exp_w": SITE_EXP_W, "site_imp_w": SITE_IMP_W,
                "failsafe_exp_w": FAILSAFE_W, "failsafe_imp_w": SITE_IMP_W, "spread_s": 0,
                "pen": 32473}
        return "".join(f"{key} = {value}\n" for key, value in keys.items())

    async def _publish_first(self) -> None:
        """The default, which only the network's program has, and all that is known early."""
        await self.operator("default", program=NETWORK.name,
                            modes={"exp_w": DEFAULT_W, "imp_w": SITE_IMP_W})
        await self.operator("default_link", program=MARKET.name, on=0)
        for event in self.story.events:
            if event.publish < 0:
                await self.publish(event)
        site = (await self.operator("state"))["sites"][0]
        self.names.update((program["mrid"], program["name"]) for program in site["programs"])

    async def publish(self, event: Event) -> None:
        """Hand one event to the server."""
        made = await self.operator(
            "publish", program=event.program.name, start=self.zero + event.start,
            duration=event.end - event.start, modes={"exp_w": event.limit_w})
        self.names[made["mrid"]] = event.label

    async def start_firmware(self) -> Child:
        """The device itself; its log is its output."""
        child = await Child.start("firmware", self._argv, self.folder, self._env, merge=True)
        self.children.append(child)
        return child

    async def operator(self, command: str, **said) -> dict:
        """A command of the utility's operator."""
        return await self._call("utility server", self._utility_admin, command, said)

    async def site_status(self) -> dict:
        """True powers, registers and counts of this instant."""
        return await self._call("simulated site", self._site_admin, "status")

    async def _call(self, who: str, port: int, path: str, said: dict | None = None) -> dict:
        method = "GET" if said is None else "POST"
        try:
            async with self._http.request(method, f"http://{HOST}:{port}/{path}",
                                          json=said) as reply:
                answer = await reply.json()
                if reply.status != 200:
                    raise HouseError(f"the {who} refused {path}: {answer.get('error')}")
                return answer
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise HouseError(f"the {who} does not answer {path}: {error!r}") from None

    async def stop(self) -> None:
        """End every process, the firmware first, and free every port."""
        for child in reversed(self.children):
            await child.stop()
        if self.gate:
            self.gate.close()
        if self._http:
            await self._http.close()
