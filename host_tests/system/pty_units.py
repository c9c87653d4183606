"""Modbus RTU units on a pty, their frames read and written by pymodbus.

Enters: {unit: {address: value}} and which faults the line has.  Leaves: a path that opens as a
tty, through a new pty after each "hang up".

    with Units({200: {40069: 1}}, link) as units:     # link: a path; it leads to the pty's name
        units.faults = ["silent", "crc", "hang up"]   # one a request, then none

Every register of a unit that is not said reads as 0.  `writes` holds what was written, in order.
"""

from __future__ import annotations

import os
import pty
import select
import termios
import threading
import tty
from pathlib import Path

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu import register_message as pdu


class Units:
    """See the module's text; a thread answers until the `with` ends."""

    def __init__(self, units: dict[int, dict[int, int]], link: Path):
        self.units, self.link = units, link
        self.faults: list[str] = []
        self.echo = False
        self.writes: list[tuple[int, int, list[int]]] = []
        self.requests = 0
        self._framer = FramerRTU(DecodePDU(True))
        self._stop_read, self._stop_write = os.pipe()
        self._master = self._slave = -1
        self._open()

    def __enter__(self) -> Units:
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        for fd in (self._stop_read, self._stop_write, self._master):
            os.close(fd)

    def _open(self) -> None:
        self._master, slave = pty.openpty()
        tty.setraw(self._master)
        part = self.link.with_suffix(".new")
        part.symlink_to(os.ttyname(slave))
        part.replace(self.link)
        self._slave = slave  # held, so that the master does not end while nobody has it open

    def modes(self) -> list:
        """The termios of the line, as its user has set them."""
        return termios.tcgetattr(self._slave)

    def _serve(self) -> None:
        data = b""
        while True:
            ready, _, _ = select.select([self._master, self._stop_read], [], [])
            if self._stop_read in ready:
                os.close(self._slave)
                return
            data += os.read(self._master, 512)
            used, request = self._framer.handleFrame(data, 0, 0)
            if request is None:
                continue
            frame, data = data[:used], b""
            self._answer(frame, request)

    def _answer(self, frame: bytes, request: object) -> None:
        self.requests += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault == "hang up":
            os.close(self._slave)
            os.close(self._master)
            self._open()
            return
        if self.echo:
            os.write(self._master, frame)
        unit = self.units.get(request.dev_id)
        if unit is None or fault == "silent":
            return
        answer = self._framer.buildFrame(self._obey(unit, request))
        if fault == "crc":
            answer = answer[:-1] + bytes((answer[-1] ^ 1,))
        elif fault == "short":
            answer = answer[:-3]
        elif fault == "noise":
            answer = b"\0\xff" + answer
        elif fault == "foreign":
            answer = bytes((answer[0] ^ 3,)) + answer[1:]
        for i in range(0, len(answer), 7):  # as a UART's FIFO hands it on
            os.write(self._master, answer[i:i + 7])

    def _obey(self, unit: dict[int, int], request: object) -> object:
        common = {"dev_id": request.dev_id, "transaction_id": 0}
        if isinstance(request, pdu.WriteMultipleRegistersRequest):
            self.writes.append((request.dev_id, request.address, list(request.registers)))
            unit.update(enumerate(request.registers, request.address))
            return pdu.WriteMultipleRegistersResponse(
                address=request.address, count=len(request.registers), **common)
        span = range(request.address, request.address + request.count)
        return pdu.ReadHoldingRegistersResponse(registers=[unit.get(a, 0) for a in span], **common)
