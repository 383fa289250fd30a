"""After the end of a call: read it again, ask a model what came of it, write that down and tell the webhooks.

Where no model can be asked, or what it says makes no sense, rules tell; the outcome says which it was.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from prometheus_client import Counter
from sqlalchemy import select

from parley.agents.agent import Agent
from parley.database import Database
from parley.errors import ParleyError
from parley.v1 import events_pb2
from parley.watching import Happening
from services.backoffice.records.call import Call
from services.backoffice.records.fold import apply, counted
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.outcomes.outcome import Outcome
from services.backoffice.watchers.outcomes.rules import outcome as by_rules
from services.backoffice.watchers.tables import outcomes
from services.backoffice.watchers.webhooks.deliveries import Deliveries
from services.backoffice.watchers.webhooks.payloads import message_of

log = structlog.get_logger()

KINDS = frozenset({"call.ended"})
_NOTHING = b'{"summary": "", "slots": {}}'  # what was said is no longer kept
_written = Counter("voice_outcomes_total", "Calls by what came of them, and who says so", ["outcome", "by"])
RecordsOf = Callable[[str], Awaitable[list[bytes]]]
AgentOf = Callable[[str, str], Awaitable[Agent | None]]


class Reader(Protocol):
    """`services.backoffice.watchers.outcomes.model.Model`."""

    async def can_read(self) -> bool: ...

    async def read(self, call: Call, agent: Agent | None) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Written:
    """As it is kept. `at_ms`: when the call was over."""

    call_id: str
    at_ms: int
    told: Outcome


class Outcomes:
    """`records_of`: the records of a call as NATS keeps them. `agent_of`: by name and version; None: not known here."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        model: Reader,
        records_of: RecordsOf,
        agent_of: AgentOf,
        deliveries: Deliveries,
        *,
        keep_pii: bool = False,
    ) -> None:
        self._database, self._sealer, self._model = database, sealer, model
        self._records_of, self._agent_of = records_of, agent_of
        self._deliveries, self._keep_pii = deliveries, keep_pii

    async def happened(self, happening: Happening) -> None:
        """A call is over. Told again, it changes nothing; ended again later, by one that lived after all, it does."""
        there = await self.of_call(happening.call_id)
        if there is not None and there.at_ms >= happening.at_ms:
            return
        call = folded(happening.call_id, await self._records_of(happening.call_id))
        agent = await self._agent_of(call.agent, call.version)
        told = await self._told(call, agent)
        values = {
            "call_id": happening.call_id,
            "at_ms": happening.at_ms,
            "outcome": told.outcome,
            "by": told.by,
            "model": told.model,
            "sealed": self._sealer.seal(_packed(told), _about(happening.call_id)),
        }
        message = message_of(happening, _more(call, told), keep_pii=self._keep_pii)
        async with self._database.transaction() as connection:
            put = self._database.insert(outcomes).values(**values)
            changed = {name: put.excluded[name] for name in values if name != "call_id"}
            await connection.execute(put.on_conflict_do_update(index_elements=["call_id"], set_=changed))
            await self._deliveries.put(connection, message)
        _written.labels(told.outcome, told.by).inc()

    async def of_call(self, call_id: str) -> Written | None:
        """Raises Unavailable."""
        return (await self.of_calls([call_id])).get(call_id)

    async def of_calls(self, call_ids: Sequence[str]) -> dict[str, Written]:
        """Those that are known, by call. Raises Unavailable."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(outcomes).where(outcomes.c.call_id.in_(call_ids)))).all()
        return {row.call_id: self._read(row) for row in rows}

    async def _told(self, call: Call, agent: Agent | None) -> Outcome:
        if not call.turns or (agent is not None and agent.outcomes.by == "rules") or not await self._model.can_read():
            return by_rules(call)
        try:
            return await self._model.read(call, agent)
        except (ParleyError, TimeoutError) as e:
            log.warning("no model could tell what came of a call", call_id=call.call_id, error=type(e).__name__)
            return by_rules(call)

    def _read(self, row: Any) -> Written:
        told = json.loads(self._sealer.open(row.sealed, _about(row.call_id)) if row.sealed else _NOTHING)
        return Written(row.call_id, row.at_ms, Outcome(row.outcome, told["summary"], told["slots"], row.by, row.model))


def folded(call_id: str, records: Iterable[bytes]) -> Call:
    call = Call(call_id)
    for record in counted(events_pb2.EventRecord.FromString(each) for each in records):
        apply(call, record)
    return call


def _more(call: Call, told: Outcome) -> Mapping[str, Any]:
    """What the webhook is told of the call beside its end."""
    started = datetime.fromtimestamp(call.started_ms / 1000, UTC).isoformat(timespec="milliseconds")
    more: dict[str, Any] = {
        "agent": call.agent,
        "agent_version": call.version,
        "channel": call.channel,
        "direction": call.direction,
        "called": call.called,
        "caller": call.caller,
        "started_at": started.replace("+00:00", "Z"),
        "seconds": round(call.seconds, 1),
        "ended_by": call.ended_by,
        "turns": sum(1 for _ in call.real_turns()),
        "outcome": told.outcome,
        "outcome_by": told.by,
        "summary": told.summary,
        "slots": dict(told.slots),
    }
    return more | ({"transferred_to": call.transferred} if call.transferred else {})


def _packed(told: Outcome) -> bytes:
    return json.dumps({"summary": told.summary, "slots": dict(told.slots)}, ensure_ascii=False).encode()


def _about(call_id: str) -> str:
    return f"outcome/{call_id}"
