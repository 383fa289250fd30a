"""The real process behind a real NATS: killed in the middle of calls, and with the broker away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from sqlalchemy import func, select

from parley.bus import Bus, make_events_stream
from parley.bus.streams.reading import Reader
from parley.errors import Unavailable
from parley.settings import Settings
from parley.v1 import events_pb2
from services.backoffice.database import open_database
from services.backoffice.records import tables
from testbed.patience import PATIENCE_S
from testbed.recorded_calls import interleaved, some_calls
from testbed.servers.natsd import Natsd, nats_server


@asynccontextmanager
async def events(folder: Path) -> AsyncIterator[Natsd]:
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240
    async with nats_server(folder) as server, Bus(Settings.read(nats_url=server.url), "test") as bus:
        assert await bus.ready(PATIENCE_S)
        await make_events_stream(bus, 1)
        yield server


async def publish(url: str, records: Sequence[events_pb2.EventRecord]) -> None:
    client = await nats.connect(url)
    for each in records:
        await client.jetstream().publish(f"call.{each.call_id}.event", each.SerializeToString())
    await client.close()


async def backoffice(url: str, data_dir: Path) -> asyncio.subprocess.Process:
    env = {"PARLEY_BACKOFFICE_PORT": "0", "PARLEY_DATA_DIR": str(data_dir), "PARLEY_NATS_URL": url}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.backoffice", env={**os.environ, **env}, stdout=asyncio.subprocess.DEVNULL
    )


class Kept:
    """What stands in the database, beside the process that writes it."""

    def __init__(self, data_dir: Path) -> None:
        self._settings = Settings.read(data_dir=data_dir)

    async def counted(self) -> tuple[int, int, int]:
        """Records, calls, and how far the stream was read."""
        if not (self._settings.data_dir / "backoffice.db.lock").exists():
            return 0, 0, 0  # it has not begun
        database = await open_database(self._settings, beside=True)
        try:
            async with database.reading() as connection:
                position = (await connection.execute(select(tables.positions.c.seq))).scalar() or 0
                of = [select(func.count()).select_from(each) for each in (tables.records, tables.calls)]
                counts = [(await connection.execute(each)).scalar_one() for each in of]  # as of then, or later
            return counts[0], counts[1], position
        finally:
            await database.close()

    async def until(self, seq: int) -> tuple[int, int, int]:
        async with asyncio.timeout(PATIENCE_S):
            while (found := await self.counted())[2] < seq:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
        return found


async def test_killed_in_mid_call_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    stream = interleaved(some_calls(30, turns=4, seed=5), at_once=10)
    third = len(stream) // 3
    async with events(tmp_path / "nats") as server:
        kept = Kept(tmp_path / "data")
        process = await backoffice(server.url, tmp_path / "data")
        try:
            await publish(server.url, stream[:third])
            await kept.until(1)
            publishing = asyncio.ensure_future(publish(server.url, stream[third : 2 * third]))
            process.send_signal(signal.SIGKILL)  # somewhere in the middle of them
            await process.wait()
            await publishing
            process = await backoffice(server.url, tmp_path / "data")
            await publish(server.url, stream[2 * third :])
            records, calls, _ = await kept.until(len(stream))
        finally:
            process.kill()
            await process.wait()
    assert (records, calls) == (len(stream), 30)


async def test_it_goes_on_where_it_was_when_the_broker_is_back(tmp_path: Path) -> None:
    stream = interleaved(some_calls(6, turns=3, seed=6))
    async with events(tmp_path / "nats") as server:
        kept = Kept(tmp_path / "data")
        await publish(server.url, stream[:20])
        process = await backoffice(server.url, tmp_path / "data")
        try:
            await kept.until(20)
            await server.kill()
            await server.start()
            await publish(server.url, stream[20:])
            records, _, _ = await kept.until(len(stream))
        finally:
            process.terminate()
            assert await process.wait() == 0
    assert records == len(stream)


async def test_a_reader_begins_behind_what_was_read_and_a_new_stream_from_its_start(tmp_path: Path) -> None:
    async with events(tmp_path) as server, Bus(Settings.read(nats_url=server.url), "test") as bus:
        assert await bus.ready(PATIENCE_S)
        await publish(server.url, some_calls(1)[0].records)
        first = await Reader.open(bus, 0, "")
        found = await first.next(3, PATIENCE_S)
        assert [each.seq for each in found] == [1, 2, 3]
        await first.close()
        again = await Reader.open(bus, 3, first.stream)
        assert (await again.next(1, PATIENCE_S))[0].seq == 4
        another = await Reader.open(bus, 3, "made at another time")
        assert (await another.next(1, PATIENCE_S))[0].seq == 1
        await again.close()
        await bus.jetstream().delete_stream("CALL_EVENTS")
        with pytest.raises(Unavailable, match="the stream CALL_EVENTS cannot be read"):
            await Reader.open(bus, 3, first.stream)
