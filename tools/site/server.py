"""The site on the network: Modbus TCP, RTU on a pty, and a small JSON admin API over HTTP.

Enters: a site, a clock, ports (0 = any free one).  Leaves: a running server, all on loopback.

    GET  /status            powers now, registers, counts, faults
    GET  /record?since=T    rows of the true record later than Unix time T
    GET  /mean?name=site_w_a&from=T&to=T    true mean of a name of the record
    GET  /writes?since=T    the log of register writes
    POST /faults            {"meter_silent": true, "2.delay_ms": 3000}: switches those, answers all

Limit: a pty paces what it answers, not what the client sends into it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import socket
import struct
import time
import tty
from dataclasses import astuple

from aiohttp import web

from tools.site.frames import RESET, TcpLine
from tools.site.record import COLUMNS
from tools.site.rtu import RtuBus
from tools.site.site import Site

_STEP_S = 0.05
_HEAD = 6
_LENGTH_MAX = 254
_READ = 512


class SiteServer:
    """Modbus TCP, RTU and admin HTTP over one site, all on the running event loop."""

    def __init__(self, site: Site, clock=time.time, host: str = "127.0.0.1"):
        """Take a site whose `start` is on the same clock."""
        self.site = site
        self._clock = clock
        self._host = host
        self._modbus: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        self._stepper: asyncio.Task | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._ptys: list[tuple[int, int]] = []
        self.port = self.admin_port = 0

    async def start(self, port: int = 0, admin_port: int = 0) -> None:
        """Listen; afterwards `port` and `admin_port` are the real ones."""
        self._modbus = await asyncio.start_server(self._client, self._host, port)
        self.port = self._modbus.sockets[0].getsockname()[1]
        app = web.Application()
        app.add_routes([web.get("/status", self._get_status),
                        web.get("/record", self._get_record),
                        web.get("/mean", self._get_mean),
                        web.get("/writes", self._get_writes),
                        web.post("/faults", self._post_faults)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        admin = web.TCPSite(self._runner, self._host, admin_port)
        await admin.start()
        self.admin_port = self._runner.addresses[0][1]
        self._stepper = asyncio.create_task(self._step())

    def open_rtu(self, baud: int = 19200, turnaround_ms: float = 5,
                 units: tuple[int, ...] | None = None) -> str:
        """Put the site's units (or those) on a pty; its path."""
        ours, theirs = pty.openpty()
        tty.setraw(ours)
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        self._ptys.append((ours, theirs))
        bus = RtuBus(self.site, baud, turnaround_ms, units=units)
        asyncio.get_running_loop().add_reader(ours, self._heard, ours, bus)
        return os.ttyname(theirs)

    async def stop(self) -> None:
        """Close all lines and the record's file."""
        if self._stepper:
            self._stepper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stepper
        if self._modbus:
            self._modbus.close()
        for writer in list(self._open):
            writer.transport.abort()
        for ours, theirs in self._ptys:
            asyncio.get_running_loop().remove_reader(ours)
            os.close(ours)
            os.close(theirs)
        self._ptys.clear()
        if self._runner:
            await self._runner.cleanup()
        self.site.record.close()

    async def _step(self) -> None:
        """Keep the plant living while nobody asks."""
        while True:
            self.site.advance(self._clock())
            await asyncio.sleep(_STEP_S)

    # -- TCP ------------------------------------------------------------------

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        if self.site.faults["one_client"] and self._open:
            writer.transport.abort()
            return
        self._open.add(writer)
        line = TcpLine(self.site, self._clock())
        try:
            while True:
                head = await reader.readexactly(_HEAD)
                _, protocol, length = struct.unpack(">HHH", head)
                if protocol or not 2 <= length <= _LENGTH_MAX:
                    break
                self._asked(line, writer, head + await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    def _asked(self, line: TcpLine, writer: asyncio.StreamWriter, frame: bytes) -> None:
        now = self._clock()
        self.site.advance(now)
        for after_ms, data in line.feed(now, frame):
            if after_ms:
                asyncio.get_running_loop().call_later(after_ms / 1000, _send, writer, data)
            else:
                _send(writer, data)

    # -- RTU ------------------------------------------------------------------

    def _heard(self, ours: int, bus: RtuBus) -> None:
        """Bytes came out of the pty."""
        with contextlib.suppress(BlockingIOError):
            data = os.read(ours, _READ)
            now = self._clock()
            self.site.advance(now)
            for at_s, piece in bus.feed(now, data):
                asyncio.get_running_loop().call_later(max(at_s - now, 0), self._say, ours, piece)

    def _say(self, ours: int, piece: bytes) -> None:
        if any(ours == open_one for open_one, _ in self._ptys):
            with contextlib.suppress(BlockingIOError):
                os.write(ours, piece)

    # -- admin ----------------------------------------------------------------

    async def _get_status(self, _request) -> web.Response:
        """Everything of this instant."""
        self.site.advance(self._clock())
        return web.json_response(self.site.status())

    async def _get_record(self, request) -> web.Response:
        """The true record, as rows under `columns`."""
        rows = self.site.record.since(float(request.query.get("since", "-inf")))
        return web.json_response({"columns": COLUMNS, "rows": [astuple(r) for r in rows]})

    async def _get_mean(self, request) -> web.Response:
        """One true mean; 400 for what is not kept."""
        query = request.query
        try:
            mean = self.site.mean(query["name"], float(query["from"]), float(query["to"]))
        except (KeyError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"name": query["name"], "mean": mean})

    async def _get_writes(self, request) -> web.Response:
        """The log of register writes."""
        since = float(request.query.get("since", "-inf"))
        return web.json_response([w for w in self.site.write_log if w["time"] > since])

    async def _post_faults(self, request) -> web.Response:
        """Switch faults; 400 for what is no fault."""
        try:
            self.site.fault(**await request.json())
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(self.site.faults)


def _send(writer: asyncio.StreamWriter, data: bytes | None) -> None:
    """Write, or reset the connection."""
    if writer.transport.is_closing():
        return
    if data is RESET:
        linger = struct.pack("ii", 1, 0)    # closing then sends RST
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
    else:
        writer.write(data)
