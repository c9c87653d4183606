"""The only way to the server: a TCP door in front of its port, so that an outage is a real one.

Enters: the server's port.  Leaves: a port that refuses connections while the door is shut.

    gate = Gate(server_port)
    await gate.open()       # what comes to gate.port now reaches the server
    gate.shut()             # connections in hand break, new ones are refused

Shut, the port stays bound and does not listen: the system itself answers "connection refused", as
for a server that is down, while the server behind keeps its state.  Limit: loopback only.
"""

from __future__ import annotations

import asyncio
import socket

HOST = "127.0.0.1"
_CHUNK = 65536


class Gate:
    """Shut when made; `port` is its own for as long as it lives."""

    def __init__(self, server_port: int):
        """Take any free port."""
        self._server_port = server_port
        self._socket = self._bound(0)
        self.port = self._socket.getsockname()[1]
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @staticmethod
    def _bound(port: int) -> socket.socket:
        """A socket that holds the port and does not listen."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.setblocking(False)
        return made

    @property
    def is_open(self) -> bool:
        """Whether connections are taken."""
        return self._listener is not None

    async def open(self) -> None:
        """Listen and relay."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._relay, sock=self._socket)

    def shut(self) -> None:
        """Break what is in hand and refuse what comes; the port stays ours."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        for writer in self._writers:
            writer.transport.abort()
        self._socket = self._bound(self.port)

    def close(self) -> None:
        """Shut for ever: the port is free."""
        self.shut()
        self._socket.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both directions of one connection, until either end is done with it."""
        self._writers.add(writer)
        try:
            back, onward = await asyncio.open_connection(HOST, self._server_port)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(onward)
        await asyncio.gather(_pump(reader, onward), _pump(back, writer))
        for end in (writer, onward):
            end.close()
            self._writers.discard(end)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes one way, then the end of the stream; a line that breaks breaks the other side too."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except (OSError, RuntimeError):
        writer.transport.abort()
