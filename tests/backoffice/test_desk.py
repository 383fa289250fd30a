"""The watchers that ship, on real NATS and a real database: what calls tell, and a restart in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from parley.bus import Bus, make_events_stream
from parley.bus.streams.dead_letters import make_dead_letter_streams
from parley.settings import Settings
from parley.v1 import events_pb2
from services.backoffice.database import open_database
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit
from services.backoffice.watchers.desk import Desk, opened
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import nats_server
from tests.backoffice.receiver import receiving
from tests.watching.calls import opened as began
from tests.watching.calls import record, step, stored, tool, turn


def whole(call_id: str) -> list[events_pb2.EventRecord]:
    return [
        record(call_id, 1, began(call_id)),
        record(call_id, 2, turn("where is my order"), tool("find_order", "failed", message="no such order")),
        record(call_id, 3, step(2_000, leg_ended=events_pb2.StepLegEnded(reason="")), ended=True),
    ]


@asynccontextmanager
async def desk_of(settings: Settings) -> AsyncIterator[tuple[Bus, Desk]]:
    bus = Bus(settings, "backoffice")

    async def prepare(bus: Bus) -> None:
        await make_events_stream(bus, 1)
        await make_dead_letter_streams(bus, 1)

    bus.on_connect(prepare)
    database, sealer = await open_database(settings), Sealer(bytes(32))
    async with bus:
        assert await bus.ready(PATIENCE_S)
        async with opened(settings, bus, database, sealer, Audit(database, sealer)) as desk:
            yield bus, desk
    await database.close()


async def until(ready: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await ready():  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.05)


async def test_a_call_is_audited_judged_and_told_also_over_a_restart(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, receiving() as receiver:
        settings = Settings.read(
            nats_url=server.url,
            data_dir=tmp_path / "data",
            webhooks_private=True,
            llm="local",
            llm_address="127.0.0.1:1",
        )
        async with desk_of(settings) as (bus, desk):
            await desk.hooks.add(receiver.url)
            consumers = {f"watch-{each.name}" for each in desk.watchers()}

            async def all_follow() -> bool:
                there = {each.name for each in await bus.jetstream().consumers_info("CALL_EVENTS")}
                return consumers <= there

            await until(all_follow)
            await stored(bus, *whole("CA1"))
            await receiver.until(3)
        async with Bus(settings, "orchestrator") as other:
            assert await other.ready(PATIENCE_S)
            await stored(other, *whole("CA2"))
        async with desk_of(settings) as (bus, desk):
            got = await receiver.until(6)
            kinds = sorted((each.json["data"]["call_id"], each.json["type"]) for each in got)
            assert kinds == [
                (call_id, kind) for call_id in ("CA1", "CA2") for kind in ("call.ended", "call.started", "tool.failed")
            ]

            async def audited() -> bool:
                return (await desk.audit.verify()).entries == 8

            await until(audited)
            verdict = await desk.audit.verify()
            assert verdict.whole
            written = await desk.outcomes.of_calls(["CA1", "CA2"])
            assert {each.told.by for each in written.values()} == {"rules"}
            assert await desk.letters.page() == []
            assert await desk.audit.forget("+15550100001") == 8
            assert (await desk.audit.verify()).whole
