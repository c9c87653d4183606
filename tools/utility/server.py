"""The utility on loopback: mutual TLS 1.2 for devices, plain HTTP with JSON for the operator.

Enters: a `Utility` and the folder with its certificates.  Leaves: two ports on 127.0.0.1.

    async with Server(utility, pki / "server") as server:
        print(server.port, server.admin_port, server.dcap)

Limit: one event loop; whoever has no certificate of the same SERCA is refused in the handshake.
"""

import ssl
import time
import weakref
from pathlib import Path

from aiohttp import web

from tools.pki.identity import lfdi
from tools.utility.core import entry
from tools.utility.messages import Request
from tools.utility.operator import Operator
from tools.utility.wire import send

LOOPBACK = "127.0.0.1"
CIPHERS = {
    "both": "ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES128-GCM-SHA256",
    "ccm8": "ECDHE-ECDSA-AES128-CCM8",
    "gcm": "ECDHE-ECDSA-AES128-GCM-SHA256",
}
MAX_REQUEST = 4_000_000


def tls_context(folder, ciphers="both"):
    """Server context: TLS 1.2 only, client certificate required, the two suites of A2."""
    folder = Path(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    # OpenSSL counts CCM_8, which IEEE 2030.5 makes mandatory, as too short above level 0.
    context.set_ciphers(CIPHERS[ciphers] + ":@SECLEVEL=0")
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class Server:
    """Both ports of a utility; an asynchronous context manager."""

    def __init__(self, utility, folder, *, port=0, admin_port=0, ciphers="both", keepalive_s=75,
                 clock=time.time):
        self.utility = utility
        self.port, self.admin_port = port, admin_port
        self.sessions = 0  # TLS sessions that asked for something
        self.hellos = 0  # TLS handshakes begun
        self._tls = tls_context(folder, ciphers)
        self._tls.sni_callback = self._hello
        self._clock = clock
        self._keepalive_s = keepalive_s
        self._numbers = weakref.WeakKeyDictionary()
        self._operator = Operator(utility)
        self._runners = []

    @property
    def dcap(self):
        """Start path, or None where it is learnt from /.well-known/csipaus."""
        return None if self.utility.profile.dcap is None else self.utility.roots["dcap"]

    async def start(self):
        """Listen on both ports."""
        self.port = await self._listen(self._device, self.port, self._tls)
        self.admin_port = await self._listen(self._admin, self.admin_port, None)

    async def close(self):
        """Stop at once: requests in hand are cut."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners = []
        self.utility.journal.close()

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def _listen(self, handler, port, context):
        server = web.Server(handler, keepalive_timeout=self._keepalive_s, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, port, ssl_context=context)
        await site.start()
        self._runners.append(runner)
        return runner.addresses[0][1]

    def _hello(self, _connection, _name, _context):
        self.hellos += 1

    def _session(self, line):
        """The number of a connection's TLS session, from 1."""
        if line not in self._numbers:
            self.sessions += 1
            self._numbers[line] = self.sessions
        return self._numbers[line]

    async def _device(self, request):
        """One request of a device: handed to the utility, answered, written to the log."""
        body = b""
        while part := await request.content.read(MAX_REQUEST - len(body)):
            body += part  # read() gives what has come, and a body may come in several records
        transport = request.transport
        if transport is None:
            raise web.HTTPBadRequest
        peer = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        asked = Request(
            request.method, request.path, dict(request.query),
            {k.lower(): v for k, v in request.headers.items()}, body, lfdi(peer),
        )
        session = self._session(transport.get_extra_info("ssl_object"))
        now = self._clock()
        reply = self.utility.handle(asked, now)
        response, sent = None, 0
        try:
            response, sent = await send(
                request, reply, lambda: self.utility.faults.still(reply.fault)
            )
        finally:
            line = len(request.method) + len(request.raw_path) + 12
            heads = sum(len(k) + len(v) + 4 for k, v in request.raw_headers) + 2
            said = {**entry(asked, reply, now), "in": line + heads + len(body), "out": sent}
            self.utility.journal.note(**said, session=session)
        return response

    async def _admin(self, request):
        """One call of the operator: /command with a JSON object, or a query."""
        try:
            said = dict(request.query)
            if request.can_read_body:
                said.update(await request.json())
            result = self._operator.call(request.path.strip("/"), said, self._clock())
            if request.path == "/state":
                result["sessions"], result["hellos"] = self.sessions, self.hellos
            return web.json_response(result)
        except (ValueError, KeyError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            return web.json_response({"error": why}, status=400)
