"""The gate before the server: a real refusal while shut, a clean relay while open."""

import asyncio
import contextlib

import pytest
from tools.demo.gate import HOST, Gate


@contextlib.asynccontextmanager
async def echoing():
    """An echo server behind a shut gate."""
    async def echo(reader, writer):
        while chunk := await reader.read(1000):
            writer.write(chunk.upper())
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    gate = Gate(server.sockets[0].getsockname()[1])
    try:
        yield gate
    finally:
        gate.close()
        server.close()


async def asked(gate, said=b"hello"):
    reader, writer = await asyncio.open_connection(HOST, gate.port)
    writer.write(said)
    writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


def test_open_it_relays_both_ways_and_ends_with_either_end():
    async def scene():
        async with echoing() as gate:
            await gate.open()
            assert await asked(gate) == b"HELLO"
            assert await asked(gate, b"x" * 300_000) == b"X" * 300_000
    asyncio.run(scene())


def test_shut_it_refuses_and_keeps_its_port_however_often():
    async def scene():
        async with echoing() as gate:
            port = gate.port
            for _ in range(3):
                assert not gate.is_open
                with pytest.raises(ConnectionRefusedError):
                    await asked(gate)
                await gate.open()
                await gate.open()
                assert await asked(gate) == b"HELLO" and gate.port == port
                gate.shut()
                gate.shut()
    asyncio.run(scene())


def test_shutting_breaks_the_connections_in_hand():
    async def scene():
        async with echoing() as gate:
            await gate.open()
            reader, writer = await asyncio.open_connection(HOST, gate.port)
            writer.write(b"a")
            assert await reader.read(10) == b"A"
            gate.shut()
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(10), 5) == b""
            writer.close()
    asyncio.run(scene())


def test_a_server_that_is_gone_ends_the_connection():
    async def scene():
        async with echoing() as gate:
            nobody = Gate(gate.port)          # the port of a shut gate refuses
            await nobody.open()
            with contextlib.suppress(ConnectionError):
                assert await asked(nobody) == b""
            nobody.close()
    asyncio.run(scene())


def test_closed_its_port_is_free():
    async def scene():
        async with echoing() as gate:
            await gate.open()
            port = gate.port
            gate.close()
            server = await asyncio.start_server(lambda r, w: None, HOST, port)
            server.close()
            await server.wait_closed()
    asyncio.run(scene())
