"""What is on its way to the webhooks: in the database, so that it is sent whoever dies.

Who sends takes a lease on a row; one whose sender died is due again when that has run out, under the same id.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter
from sqlalchemy import ColumnElement, and_, case, delete, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.database import Database
from parley.errors import NotFound
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.tables import deliveries, webhooks
from services.backoffice.watchers.webhooks.payloads import Message

LEASE_S = 60.0
BACK_OFF_S = (5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
"""Waits after each failure; after the last one it is dead."""
MAX_WAITING = 10_000
"""Of one webhook; what is more is dead at once."""
DONE_DAYS, DEAD_DAYS = 7, 30
MAX_ERROR_CHARS = 300
MAX_PAGE = 1_000
DUE, DONE, DEAD = "due", "done", "dead"
_sent = Counter(
    "voice_webhooks_total", "Messages to webhooks by what became of a sending: done, again, dead", ["outcome"]
)
for _outcome in (DONE, "again", DEAD):
    _sent.labels(_outcome)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one webhook. `tries`: how often it was sent so far."""

    id: int
    webhook: str
    message_id: str
    kind: str
    call_id: str
    body: bytes
    tries: int
    error: str
    made_ms: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one webhook has not taken yet. `error`: why it did not take the newest that was sent; empty: none was."""

    count: int
    error: str


class Deliveries:
    """All raise Unavailable."""

    def __init__(self, database: Database, sealer: Sealer, now: Callable[[], float] = time.time) -> None:
        self._database, self._sealer, self._now = database, sealer, now

    async def put(self, connection: AsyncConnection, message: Message, only: str = "") -> int:
        """For all active webhooks that want its kind, once each; gives how many. `only`: for this webhook, whatever it
        wants. Within the transaction of who calls."""
        wanted = select(webhooks.c.id, webhooks.c.kinds).where(
            webhooks.c.id == only if only else webhooks.c.active.is_(True)
        )
        rows = []
        for hook in await connection.execute(wanted):
            if only or message.kind in hook.kinds.split():
                full = await self._waiting(connection, hook.id) >= MAX_WAITING
                if full:
                    _sent.labels(DEAD).inc()
                rows.append(
                    {
                        "webhook": hook.id,
                        "message_id": message.id,
                        "kind": message.kind,
                        "call_id": message.call_id,
                        "sealed_body": self._sealer.seal(message.body, _about(hook.id, message.id)),
                        "state": DEAD if full else DUE,
                        "tries": 0,
                        "due_ms": self._ms(),
                        "error": f"{MAX_WAITING} messages were waiting already" if full else "",
                        "made_ms": self._ms(),
                    }
                )
        if rows:
            await connection.execute(self._database.insert(deliveries).on_conflict_do_nothing(), rows)
        return len(rows)

    async def tell(self, message: Message, only: str = "") -> int:
        """The same in a transaction of its own."""
        async with self._database.transaction() as connection:
            return await self.put(connection, message, only)

    async def take(self, webhook: str, limit: int) -> list[Delivery]:
        """Due ones, leased to who asks."""
        wanted = (
            select(deliveries)
            .where(deliveries.c.webhook == webhook, deliveries.c.state == DUE, deliveries.c.due_ms <= self._ms())
            .order_by(deliveries.c.due_ms, deliveries.c.id)
            .limit(limit)
        )
        if self._database.shared:
            wanted = wanted.with_for_update(skip_locked=True)
        async with self._database.reading() as connection:
            if not (await connection.execute(wanted.with_only_columns(deliveries.c.id).limit(1))).first():
                return []
        async with self._database.transaction() as connection:
            rows = (await connection.execute(wanted)).all()
            until = self._ms() + int(LEASE_S * 1000)
            await connection.execute(
                update(deliveries).where(deliveries.c.id.in_([row.id for row in rows])).values(due_ms=until)
            )
        return [self._read(row) for row in rows]

    async def done(self, delivery: Delivery) -> None:
        _sent.labels(DONE).inc()
        await self._set(delivery.id, state=DONE, tries=delivery.tries + 1, error="", due_ms=self._ms())

    async def failed(self, delivery: Delivery, error: str, *, wait_s: float = 0.0, for_good: bool = False) -> None:
        """`wait_s`: what the receiver asked for."""
        tries = delivery.tries + 1
        error = error[:MAX_ERROR_CHARS]
        if for_good or tries > len(BACK_OFF_S):
            _sent.labels(DEAD).inc()
            await self._set(delivery.id, state=DEAD, tries=tries, error=error, due_ms=self._ms())
            return
        _sent.labels("again").inc()
        due = self._ms() + int(max(wait_s, BACK_OFF_S[tries - 1]) * 1000)
        await self._set(delivery.id, tries=tries, error=error, due_ms=due)

    async def waiting(self) -> dict[str, Waiting]:
        """By webhook, of those for which anything waits."""
        due = deliveries.c.state == DUE
        counted = select(deliveries.c.webhook, func.count().label("n"), func.max(_failed_id()).label("failed"))
        async with self._database.reading() as connection:
            rows = (await connection.execute(counted.where(due).group_by(deliveries.c.webhook))).all()
            ids = [row.failed for row in rows if row.failed is not None]
            told = select(deliveries.c.id, deliveries.c.error).where(deliveries.c.id.in_(ids))
            errors = {row.id: row.error for row in await connection.execute(told)} if ids else {}
        return {row.webhook: Waiting(row.n, errors.get(row.failed, "")) for row in rows}

    async def dead(self, after: int = 0, limit: int = 100) -> list[Delivery]:
        """Those that were given up, behind `after`, the oldest first."""
        wanted = (
            select(deliveries)
            .where(deliveries.c.state == DEAD, deliveries.c.id > after)
            .order_by(deliveries.c.id)
            .limit(min(limit, MAX_PAGE))
        )
        async with self._database.reading() as connection:
            return [self._read(row) for row in (await connection.execute(wanted)).all()]

    async def retry(self, delivery_id: int) -> None:
        """Send it again, as if it were new. Raises NotFound."""
        await self._on_dead(update(deliveries).values(state=DUE, tries=0, due_ms=self._ms(), error=""), delivery_id)

    async def drop(self, delivery_id: int) -> None:
        """Raises NotFound."""
        await self._on_dead(delete(deliveries), delivery_id)

    async def clear(self) -> None:
        """What was done, or given up, long ago."""
        old = [
            and_(deliveries.c.state == state, deliveries.c.due_ms < self._ms() - days * 86_400_000)
            for state, days in ((DONE, DONE_DAYS), (DEAD, DEAD_DAYS))
        ]
        async with self._database.transaction() as connection:
            for condition in old:
                await connection.execute(delete(deliveries).where(condition))

    async def _on_dead(self, change: Any, delivery_id: int) -> None:
        async with self._database.transaction() as connection:
            done = await connection.execute(change.where(deliveries.c.id == delivery_id, deliveries.c.state == DEAD))
        if not done.rowcount:
            raise NotFound(f"there is no dead message {delivery_id}")

    async def _waiting(self, connection: AsyncConnection, webhook: str) -> int:
        waiting = select(deliveries.c.id).where(deliveries.c.webhook == webhook, deliveries.c.state == DUE)
        counted = select(func.count()).select_from(waiting.limit(MAX_WAITING).subquery())
        return int((await connection.execute(counted)).scalar_one())

    async def _set(self, delivery_id: int, **values: object) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))

    def _read(self, row: Any) -> Delivery:
        body = self._sealer.open(row.sealed_body, _about(row.webhook, row.message_id))
        return Delivery(
            row.id, row.webhook, row.message_id, row.kind, row.call_id, body, row.tries, row.error, row.made_ms
        )

    def _ms(self) -> int:
        return int(self._now() * 1000)


def _failed_id() -> ColumnElement[int]:
    """Of a row that was sent, and not taken."""
    return case((deliveries.c.tries > 0, deliveries.c.id), else_=null())


def _about(webhook: str, message_id: str) -> str:
    return f"deliveries/{webhook}/{message_id}"
