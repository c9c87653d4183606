"""Sockets and TLS: streams for `urequests` and for the Modbus bus. Nothing else opens one.

Enters: host names and ports, and the device's identity.  Leaves: non-blocking
streams whose awaits all have a deadline, and for a failure a reason that names its cause.

    link = Link(loop, identity)                    # a urequests transport
    stream = await link.connect("dcap.example", 443, True, deadline)

IEEE 2030.5 6.x: TLS 1.2, mutual, ECDHE-ECDSA with AES-128 CCM-8 or GCM; the server's chain and
host name are verified, always.  Limit: name look-up and the cryptography of a handshake block the
loop (the port gives no other way), so the line is kept alive.
"""

import errno
import gc
import socket

import log
from micropython import const

_IS_CONNECTED = (106, 127)  # EISCONN of Linux and MicroPython, of newlib; errno has no name for it

# A handshake's buffers and numbers, where they are in this heap.  The first of them, the record
# buffers, tell whether they are.
_HANDSHAKE = const(32768)
_RECORDS = const(4096)

# Parts of what mbedTLS says, each with its code of docs/log.md.  It says all that it has found:
# dates come first, since a clock that is not set makes more than dates look wrong.
_REASONS = (
    "CERT_EXPIRED", "expired", "CLOCK_BEHIND", "future", "CA_UNKNOWN", "correctly signed",
    "WRONG_HOST", "(CN)",
)

_short = False  # the last handshake began with too little memory for it

# errno of a failed connection: the two below zero are mbedTLS's own.
_ERRNOS = {
    errno.ECONNREFUSED: "NO_SERVER", errno.ETIMEDOUT: "TIMEOUT",
    errno.ECONNRESET: "CLOSED_BY_SERVER", 32: "CLOSED_BY_SERVER",  # 32: EPIPE
    -0x2080: "CRITICAL_POLICY", -0x7780: "TLS_ALERT",
    errno.ENOMEM: "NO_MEMORY",
}


class Link:
    """The transport of `urequests`; `identity` (identity.py) None: only plain lines open."""

    def __init__(self, loop, identity=None):
        self._loop = loop
        self._context = identity.context() if identity is not None else None
        self.handshakes = 0

    async def connect(self, host, port, secure, deadline):
        """An open stream. OSError (network), ValueError (verification). Allocates."""
        if secure and self._context is None:
            raise ValueError("no device certificate: https is not possible")
        global _short
        _short = False
        sock = await self.open_socket(host, port, deadline)
        if not secure:
            return Stream(self._loop, sock)
        # A handshake that runs out of memory reads like a wrong CA: make room first.
        gc.collect()
        free = gc.mem_free()
        try:
            wrapped = self._context.wrap_socket(sock, server_hostname=host,
                                                do_handshake_on_connect=False)
        except (OSError, ValueError, MemoryError):
            sock.close()
            raise
        _short = free < _HANDSHAKE and free - gc.mem_free() > _RECORDS
        self.handshakes += 1
        return Stream(self._loop, wrapped)  # its first write makes the handshake

    async def open_socket(self, host, port, deadline):
        """A connected, non-blocking TCP socket. OSError when it cannot be had by the deadline."""
        address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
        sock = socket.socket(address[0], socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            try:
                sock.connect(address[-1])
            except OSError as exc:
                if exc.errno != errno.EINPROGRESS:
                    raise
                await self._loop.writable(sock, deadline)
                # What became of the connection shows when it is asked again.
                try:
                    sock.connect(address[-1])
                except OSError as again:
                    if again.errno not in _IS_CONNECTED:
                        raise
        except OSError:
            sock.close()
            raise
        return sock


class Stream:
    """A non-blocking socket, plain or TLS, whose every wait has a deadline."""

    def __init__(self, loop, sock):
        self._loop = loop
        self._sock = sock

    async def readinto(self, buf, start, end, deadline):
        """At least one byte into buf[start:end]; returns how many, 0 at the end of the stream."""
        view = memoryview(buf)[start:end]
        while True:
            n = self._sock.readinto(view)
            if n is not None:
                return n
            await self._loop.readable(self._sock, deadline)

    async def write(self, buf, start, end, deadline):
        """Send all of buf[start:end]. OSError, or ValueError when the server is not the one."""
        view = memoryview(buf)
        while start < end:
            n = self._sock.write(view[start:end])
            if n:
                start += n
            else:
                await self._loop.writable(self._sock, deadline)

    def stale(self):
        """True when the peer has closed an idle line, or sent what nobody asked for."""
        try:
            return self._sock.readinto(bytearray(1)) is not None
        except (OSError, ValueError):
            return True

    def close(self):
        """Close it; a second call does no harm."""
        try:
            self._sock.close()
        except OSError as exc:
            log.info("LINK_CLOSE", "error", repr(exc))


def reason(exc):
    """The code, of those in docs/log.md, of what a connection failed with."""
    text = str(exc)
    if isinstance(exc, MemoryError) or "ALLOC" in text or (_short and (
            "signed" in text or "invalid" in text
            or (isinstance(exc, OSError) and exc.errno not in _ERRNOS))):
        return "NO_MEMORY"
    for i in range(0, len(_REASONS), 2):
        if _REASONS[i + 1] in text:
            return _REASONS[i]
    if isinstance(exc, OSError):
        return _ERRNOS.get(exc.errno, "NETWORK")
    return "REFUSED"
