"""A TCP relay that counts what TLS puts on the wire, by kind of record.

Enters: the server's port.  Leaves: a port to connect to, and counts while it runs.

    with Relay(server_port) as relay:
        ...                                 # the firmware talks to relay.port
    relay.sessions, relay.handshake, relay.data, relay.records

Limit: TLS 1.2 on loopback; heads of TCP and IP are not counted.
"""

from __future__ import annotations

import select
import socket
import threading

_HOST = "127.0.0.1"
_CHUNK = 65536
_APPLICATION_DATA = 23
_HEAD = 5
_POLL_S = 0.2


class Records:
    """One direction of one connection, cut into TLS records."""

    def __init__(self):
        """Nothing came yet."""
        self.handshake = self.data = self.records = 0
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Count what came; a record that is not whole yet waits."""
        self._rest += chunk
        while len(self._rest) >= _HEAD:
            size = _HEAD + int.from_bytes(self._rest[3:5], "big")
            if len(self._rest) < size:
                return
            if self._rest[0] == _APPLICATION_DATA:
                self.data += size
                self.records += 1
            else:
                self.handshake += size
            self._rest = self._rest[size:]


class Relay:
    """See the module's text. `handshake`: bytes of all records but application data."""

    def __init__(self, server_port: int):
        """Listen on any free port."""
        self._server_port = server_port
        self._listener = socket.create_server((_HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._ends: dict[socket.socket, tuple[socket.socket, Records]] = {}
        self._counts: list[Records] = []
        self.sessions = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()
        for end in [self._listener, *self._ends]:
            end.close()

    @property
    def handshake(self) -> int:
        """Bytes of handshakes and alerts, both directions."""
        return sum(records.handshake for records in self._counts)

    @property
    def data(self) -> int:
        """Bytes of application data records, their heads and tags included."""
        return sum(records.data for records in self._counts)

    @property
    def records(self) -> int:
        """How many those are."""
        return sum(records.records for records in self._counts)

    @property
    def answers(self) -> int:
        """How many of them the server sent."""
        return sum(records.records for records in self._counts[1::2])

    def _run(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._listener, *self._ends], [], [], _POLL_S)
            for end in ready:
                if end is self._listener:
                    self._accept()
                elif end in self._ends:
                    self._pass_on(end)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection((_HOST, self._server_port))
        except OSError:
            client.close()
            return
        self.sessions += 1
        for end, other in ((client, server), (server, client)):
            records = Records()
            self._counts.append(records)
            self._ends[end] = other, records

    def _pass_on(self, end: socket.socket) -> None:
        other, records = self._ends[end]
        try:
            chunk = end.recv(_CHUNK)
            records.feed(chunk)
            other.sendall(chunk)
        except OSError:
            chunk = b""
        if not chunk:
            for one in (end, other):
                self._ends.pop(one, None)
                one.close()
