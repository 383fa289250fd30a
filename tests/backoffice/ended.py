"""A call that is over, as NATS has its records, and the watcher that says what came of it."""

from __future__ import annotations

from parley.agents.agent import Agent
from parley.v1 import events_pb2
from services.backoffice.database import Database
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.outcomes.outcomes import Outcomes, Reader
from services.backoffice.watchers.webhooks.deliveries import Deliveries
from tests.watching.calls import opened, record, step, turn

ENDED = record("CA1", 3, step(2_000, leg_ended=events_pb2.StepLegEnded(reason="")), ended=True)
RECORDS = [record("CA1", 1, opened("CA1")), record("CA1", 2, turn("where is order one two three four")), ENDED]


def outcomes_of(database: Database, sealer: Sealer, reader: Reader) -> Outcomes:
    """Of RECORDS, whose agent is known nowhere."""

    async def records_of(call_id: str) -> list[bytes]:
        return [each.SerializeToString() for each in RECORDS]

    async def agent_of(name: str, version: str) -> Agent | None:
        return None

    return Outcomes(database, sealer, reader, records_of, agent_of, Deliveries(database, sealer))
