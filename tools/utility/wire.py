"""Replies onto an HTTP connection, whole or with a fault of the wire.

Enters: an aiohttp request and a `Reply`.  Leaves: bytes on the line, counted.
Usage: `sent = await send(request, reply, still)`.  Limit: HTTP/1.1, the head is always whole
unless the fault cuts it.
"""

import asyncio

from aiohttp import web

from tools.utility.messages import Reply

CHUNK = 65536
ENDLESS_S = 0.02
CRLF = b"\r\n"


def head(reply, length):
    """The head of a reply as bytes, for the faults that write it themselves."""
    lines = [f"HTTP/1.1 {reply.status} X"]
    lines += [f"{k}: {v}" for k, v in {**reply.headers, "Content-Length": length}.items()]
    return "\r\n".join(lines).encode() + CRLF + CRLF


async def send(request, reply: Reply, still):
    """Send a reply; gives (the aiohttp response, bytes sent).  `still()`: a silence goes on."""
    fault = reply.fault
    if fault is None:
        return await _whole(request, reply)
    if fault.kind == "slow":
        return await _slow(request, reply, fault.more["bytes"], fault.more["every_s"])
    if fault.kind == "endless":
        return await _endless(request, reply)
    if fault.kind == "silence":
        while still() and request.transport:
            await asyncio.sleep(0.05)
        return _cut(request, b"")
    raw = head(reply, len(reply.body)) + reply.body
    cut = 0
    if fault.kind == "cut_head":
        cut = raw.find(CRLF) + 12
    elif fault.kind == "cut_body":
        cut = len(raw) - len(reply.body) + int(len(reply.body) * fault.more["keep"])
    return _cut(request, raw[:cut], reset=fault.more["reset"])


async def _whole(request, reply):
    response = web.Response(status=reply.status, headers=reply.headers, body=reply.body)
    if reply.status == 204:
        response = web.Response(status=204, headers=reply.headers)
    await response.prepare(request)
    await response.write_eof()
    return response, head_size(response) + len(reply.body)


def head_size(response):
    """Bytes of the head that aiohttp wrote."""
    line = len(f"HTTP/1.1 {response.status} {response.reason}\r\n")
    return line + sum(len(k) + len(v) + 4 for k, v in response.headers.items()) + 2


async def _slow(request, reply, size, every_s):
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    for at in range(0, len(reply.body), size):
        await response.write(reply.body[at:at + size])
        await asyncio.sleep(every_s)
    await response.write_eof()
    return response, head_size(response) + len(reply.body)


async def _endless(request, reply):
    """Chunks of white space after the document's beginning, until the client goes."""
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    sent = head_size(response)
    data = reply.body[:reply.body.rfind(b"</")] or reply.body
    try:
        while request.transport and not request.transport.is_closing():
            await response.write(data)
            sent += len(data)
            data = b" " * 4096
            await asyncio.sleep(ENDLESS_S)
    except ConnectionError:
        pass
    return response, sent


def _cut(request, raw, *, reset=False):
    """Write raw bytes and close the connection, or break it without TLS's goodbye."""
    if request.transport:
        if raw:
            request.transport.write(raw)
        (request.transport.abort if reset else request.transport.close)()
    return web.Response(), len(raw)
