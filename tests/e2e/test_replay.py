"""After all calls of this folder: each one that was recorded replays to the decisions that were made in it."""

from __future__ import annotations

import pytest

from parley.bus import Bus, recorded_calls, records_of
from parley.errors import BadInput
from parley.settings import Settings
from parley.v1 import events_pb2
from services.orchestrator.wire import replay
from testbed.house import House, answer
from testbed.patience import PATIENCE_S

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]


async def test_every_call_replays_to_the_same_decisions(house: House) -> None:
    async with house.phone("plain").dial() as call:  # at least one
        assert await answer(call, call.born)
    env = house.stack.plan.operator
    settings = Settings.read(
        nats_url=env["PARLEY_NATS_URL"], nats_user=env["PARLEY_NATS_USER"], nats_password=env["PARLEY_NATS_PASSWORD"]
    )
    wrong = {}
    async with Bus(settings, "replay") as bus:
        assert await bus.ready(PATIENCE_S)
        calls = await recorded_calls(bus)
        for call_id in calls:
            wrong[call_id] = trouble(
                [events_pb2.EventRecord.FromString(data) for data in await records_of(bus, call_id)]
            )
    assert calls
    assert {call_id: why for call_id, why in wrong.items() if why} == {}


def trouble(records: list[events_pb2.EventRecord]) -> str:
    """What is wrong with the records of a call; "" when nothing is."""
    try:
        result = replay.replayed(replay.valid(records))
    except BadInput as e:
        return str(e)
    if result.differs is None:
        return "" if result.compared == result.records else "records without a digest"
    return f"{replay.name_of(result.differs)}: {result.why}"
