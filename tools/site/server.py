"""The site on the network: Modbus TCP, and a small JSON admin API over HTTP, both on loopback.

Enters: a site, a clock, ports (0 = any free one).  Leaves: a running server.

    GET  /status            powers now, registers, counts, faults
    GET  /record?since=T    rows of the true record later than Unix time T
    GET  /writes?since=T    the log of register writes
    POST /faults            {"meter_silent": true, ...}: switches those, answers all

Limit: pymodbus takes one request at a time from a connection; pipelined ones are not served.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import astuple
from functools import partial

from aiohttp import web
from pymodbus.constants import ExcCodes
from pymodbus.pdu import ExceptionResponse
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tools.site.devices import BASE
from tools.site.record import COLUMNS
from tools.site.site import NO_RESPONSE, READ, Refused, Site

_UNIT_OFFSET = 6
_STEP_S = 0.05


class SiteServer:
    """Modbus TCP and admin HTTP over one site, all on the running event loop."""

    def __init__(self, site: Site, clock=time.time, host: str = "127.0.0.1"):
        """Take a site whose `start` is on the same clock."""
        self.site = site
        self._clock = clock
        self._host = host
        self._modbus: ModbusTcpServer | None = None
        self._runner: web.AppRunner | None = None
        self._stepper: asyncio.Task | None = None
        self.port = self.admin_port = 0

    async def start(self, port: int = 0, admin_port: int = 0) -> None:
        """Listen; afterwards `port` and `admin_port` are the real ones."""
        logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
        units = (self.site.inverter.unit, self.site.meter.unit)
        self._modbus = ModbusTcpServer([self._device(u) for u in units],
                                       address=(self._host, port),
                                       trace_packet=self._muted, trace_pdu=self._gateway)
        await self._modbus.serve_forever(background=True)
        self.port = self._modbus.transport.sockets[0].getsockname()[1]
        app = web.Application()
        app.add_routes([web.get("/status", self._get_status),
                        web.get("/record", self._get_record),
                        web.get("/writes", self._get_writes),
                        web.post("/faults", self._post_faults)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        admin = web.TCPSite(self._runner, self._host, admin_port)
        await admin.start()
        self.admin_port = self._runner.addresses[0][1]
        self._stepper = asyncio.create_task(self._step())

    async def stop(self) -> None:
        """Close both ports and the record's file."""
        if self._stepper:
            self._stepper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stepper
        if self._modbus:
            await self._modbus.shutdown()
        if self._runner:
            await self._runner.cleanup()
        self.site.record.close()

    async def _step(self) -> None:
        """Keep the plant living while nobody asks."""
        while True:
            self.site.advance(self._clock())
            await asyncio.sleep(_STEP_S)

    def _device(self, unit: int) -> SimDevice:
        """A pymodbus unit whose registers are ours, fetched at each request."""
        data = SimData(BASE, values=[0] * self.site.size(unit), datatype=DataType.REGISTERS)
        return SimDevice(id=unit, simdata=[data], action=_async(partial(self._access, unit)))

    def _access(self, unit, function, start, address, count, registers, values):
        """Serve one request from the site: None, or the exception for pymodbus to send."""
        self.site.advance(self._clock())
        if self.site.silent(unit):
            return ExcCodes.DEVICE_FAILURE      # never leaves: _muted drops it
        try:
            if values is not None:
                self.site.write(unit, address, list(values), function)
            elif function == READ:
                registers[address - start:address - start + count] = \
                    self.site.read(unit, address, count)
            elif function not in (6, 16):       # pymodbus reads back after each FC6
                return ExcCodes.ILLEGAL_FUNCTION
        except Refused as refused:
            return ExcCodes(refused.code)
        return None

    def _muted(self, sending: bool, data: bytes) -> bytes:
        """Drop replies of a unit that is to be silent."""
        if sending and len(data) > _UNIT_OFFSET and self.site.silent(data[_UNIT_OFFSET]):
            return b""
        return data

    def _gateway(self, sending: bool, pdu):
        """Answer for a unit that does not exist as Modbus TCP gateways do: exception 0x0B."""
        units = (self.site.inverter.unit, self.site.meter.unit)
        if sending and isinstance(pdu, ExceptionResponse) and pdu.dev_id not in units:
            pdu.exception_code = NO_RESPONSE
        return pdu

    async def _get_status(self, _request) -> web.Response:
        """Everything of this instant."""
        self.site.advance(self._clock())
        return web.json_response(self.site.status())

    async def _get_record(self, request) -> web.Response:
        """The true record, as rows under `columns`."""
        rows = self.site.record.since(float(request.query.get("since", "-inf")))
        return web.json_response({"columns": COLUMNS, "rows": [astuple(r) for r in rows]})

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


def _async(function):
    """The coroutine function that pymodbus insists on."""
    async def action(*args):
        return function(*args)
    return action
