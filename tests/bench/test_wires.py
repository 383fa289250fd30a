"""A wire that is cut: nothing passes, nothing is lost, and who closed meanwhile is closed afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from testbed.chaos.wires import Wire
from testbed.patience import PATIENCE_S


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """To a server that says everything twice."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data + data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    wire = Wire()
    wire.target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await wire.start()
    yield wire
    await wire.close()
    server.close()


async def dialled(wire: Wire) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = wire.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def test_what_is_sent_while_it_is_cut_arrives_when_it_heals(wire: Wire) -> None:
    reader, writer = await dialled(wire)
    writer.write(b"one")
    assert await reader.readexactly(6) == b"oneone"
    wire.cut()
    writer.write(b"two")
    late_reader, late_writer = await dialled(wire)
    late_writer.write(b"new")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.gather(reader.read(1), late_reader.read(1))
    wire.heal()
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.readexactly(6) == b"twotwo"
        assert await late_reader.readexactly(6) == b"newnew"
    writer.close()
    late_writer.close()


async def test_who_closes_while_it_is_cut_is_gone_when_it_heals(wire: Wire) -> None:
    reader, writer = await dialled(wire)
    writer.write(b"one")
    assert await reader.readexactly(6) == b"oneone"
    wire.cut()
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0)
    assert wire.known
    wire.heal()
    async with asyncio.timeout(PATIENCE_S):
        while wire.ends:  # noqa: ASYNC110 - the far end's close comes by the loop
            await asyncio.sleep(0.01)
    assert not wire.known
