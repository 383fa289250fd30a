"""Two whole backoffices on one PostgreSQL, under calls: killed, frozen, taken to a new version. Records are kept once.

The calls are told by a stand-in, as orchestrators do: records in the stream; how a call stands, to who watches.
"""

from __future__ import annotations

import asyncio
import base64
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import httpx
import nats
import pytest
from alembic import command
from alembic.config import Config
from nats.aio.msg import Msg
from sqlalchemy import Connection

from parley.settings import Settings
from parley.v1 import events_pb2
from services.backoffice.access.link import login_link
from services.backoffice.database import HOME, MIGRATIONS, open_database
from testbed.patience import PATIENCE_S
from testbed.recorded_calls import interleaved, some_calls
from tests.backoffice.records.test_fold import folded
from tests.backoffice.records.test_following import events, publish
from tests.backoffice.test_process import backoffice, ready

pytestmark = pytest.mark.postgres
KEY = base64.urlsafe_b64encode(bytes(32)).decode()
UP = "CA-up"
"""The call that is up all the while."""


@dataclass
class Replica:
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient

    @property
    def pid(self) -> int:
        return self.process.pid

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def shows(self, call_id: str) -> None:
        """Its stream of live events has the call: in the snapshot, or as it is told."""
        async with asyncio.timeout(PATIENCE_S), self.client.stream("GET", "/api/live") as told:
            assert told.status_code == 200
            async for line in told.aiter_lines():
                if line.startswith("data:") and call_id in line:
                    return
        raise AssertionError("the stream has ended")


class Office:
    """All replicas, and what they keep together."""

    def __init__(self, folder: Path, nats_url: str, url: str, db: asyncpg.Connection, stack: AsyncExitStack) -> None:
        self._folder, self._stack, self._db = folder, stack, db
        self._env = {
            "PARLEY_NATS_URL": nats_url, "PARLEY_BACKOFFICE_DATABASE_URL": url, "PARLEY_BACKOFFICE_KEY": KEY
        }  # fmt: skip
        self._cookies = httpx.Cookies()

    async def start(self, name: str) -> Replica:
        process, url = await self._stack.enter_async_context(backoffice(self._folder / name, **self._env))
        client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S)
        replica = Replica(process, await self._stack.enter_async_context(client))
        await ready(client)
        if not self._cookies:
            link = login_link(Settings.read(PARLEY_BACKOFFICE_KEY=KEY), "http://x").removeprefix("http://x")
            assert (await client.get(link)).status_code == 303
            self._cookies = client.cookies
        client.cookies = self._cookies
        return replica

    async def reader(self) -> int:
        """Process id of the one that reads the stream."""
        holder: str = await self._db.fetchval("SELECT holder FROM positions WHERE name = 'records'") or ""
        return int(holder.partition("-")[0] or 0)

    async def silent_for_long(self) -> None:
        """The reader was not heard of for as long as its lease."""
        await self._db.execute("UPDATE positions SET until = 0 WHERE name = 'records'")

    async def kept(self, seq: int) -> None:
        """Wait until the stream was read up to there."""
        async with asyncio.timeout(PATIENCE_S):
            asked = "SELECT max(seq) FROM positions WHERE name = 'records'"
            while (await self._db.fetchval(asked) or 0) < seq:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def sums(self) -> dict[str, int]:
        asked = {
            "records": "SELECT count(*) FROM records", "calls": "SELECT count(*) FROM calls",
            "over": "SELECT count(*) FROM calls WHERE ended_ms IS NOT NULL",
            "lines": "SELECT count(*) FROM lines", "turns": "SELECT count(*) FROM turns",
            "tools": "SELECT count(*) FROM tools", "interruptions": "SELECT sum(interruptions) FROM calls",
        }  # fmt: skip
        return {name: int(await self._db.fetchval(text)) for name, text in asked.items()}


def expected(records: Sequence[events_pb2.EventRecord]) -> dict[str, int]:
    """By folding them without any process."""
    calls = [folded([each for each in records if each.call_id == call_id]) for call_id in {r.call_id for r in records}]
    return {
        "records": len(records), "calls": len(calls), "over": sum(call.ended for call in calls),
        "lines": sum(len(call.lines) for call in calls), "turns": sum(len(call.turns) for call in calls),
        "tools": sum(len(call.tools) for call in calls), "interruptions": sum(call.interruptions for call in calls),
    }  # fmt: skip


@asynccontextmanager
async def a_call_is_up(url: str) -> AsyncIterator[None]:
    """Who asks is told of it."""
    client = await nats.connect(url)
    told = events_pb2.CallLive(call_id=UP, state="listening", agent="bank", started_ms=1_000, at_ms=6_000)

    async def tell(message: Msg) -> None:
        await client.publish(f"call.{UP}.live", told.SerializeToString())

    await client.subscribe("call.watch", cb=tell)
    yield
    await client.close()


async def one_migration_back(url: str) -> None:
    """As the version before left the database."""

    def back(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")

    database = await open_database(Settings.read(backoffice_database_url=url))
    async with database.transaction() as connection:
        await connection.run_sync(back)
    await database.close()


async def test_killed_frozen_and_taken_to_a_new_version_under_calls_they_keep_each_record_once(
    tmp_path: Path, url: str
) -> None:
    stream = interleaved(some_calls(36, turns=4, seed=9), at_once=12)
    ends = [len(stream) * n // 6 for n in range(1, 7)]
    parts = [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    async with (
        events(tmp_path / "nats") as broker,
        a_call_is_up(broker.url),
        AsyncExitStack() as stack,
    ):
        db = await asyncpg.connect(url)
        stack.push_async_callback(db.close)
        office = Office(tmp_path, broker.url, url, db, stack)
        both = [await office.start("a"), await office.start("b")]
        await publish(broker.url, parts[0])
        await office.kept(ends[0])
        reader = await office.reader()
        first, second = sorted(both, key=lambda each: each.pid != reader)
        assert first.pid == reader, "one of them reads"
        await asyncio.gather(first.shows(UP), second.shows(UP))

        telling = asyncio.ensure_future(publish(broker.url, parts[1]))
        await first.end(signal.SIGKILL)  # somewhere in the middle of them
        await telling
        await office.silent_for_long()
        await office.kept(ends[1])
        assert await office.reader() == second.pid
        first = await office.start("a")
        await asyncio.gather(first.shows(UP), second.shows(UP))

        telling = asyncio.ensure_future(publish(broker.url, parts[2]))
        second.process.send_signal(signal.SIGSTOP)
        await telling
        await office.silent_for_long()
        await office.kept(ends[2])
        assert await office.reader() == first.pid
        second.process.send_signal(signal.SIGCONT)  # with what it had in hand
        await publish(broker.url, parts[3])
        await office.kept(ends[3])
        assert await office.reader() == first.pid
        await second.shows(UP)

        telling = asyncio.ensure_future(publish(broker.url, parts[4]))
        assert await asyncio.gather(*(each.end(signal.SIGTERM) for each in (first, second))) == [0, 0]
        await telling
        await one_migration_back(url)
        newest = await office.start("a")
        await publish(broker.url, parts[5])
        await office.kept(ends[5])
        await newest.shows(UP)
        assert await db.fetchval("SELECT version_num FROM alembic_version") == HOME.newest_revision()
        assert await office.sums() == expected(stream)
        found = (await newest.client.get("/api/call-logs", params={"limit": 100})).json()
        assert len(found["items"]) == 36
