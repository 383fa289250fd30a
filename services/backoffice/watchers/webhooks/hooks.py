"""Who wants to be told: address, kinds and secret of each webhook."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update

from parley.database import Database
from parley.errors import AtCapacity, BadInput, NotFound
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.tables import deliveries, webhooks
from services.backoffice.watchers.webhooks.outside import checked_url
from services.backoffice.watchers.webhooks.payloads import KINDS
from services.backoffice.watchers.webhooks.signing import new_secret

MAX_HOOKS = 50
MAX_NOTE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hook:
    """`active` False: it said that it is gone (410), or somebody has paused it."""

    id: str
    url: str
    kinds: tuple[str, ...]
    note: str
    active: bool
    made_ms: int
    secret: str


class Hooks:
    """All raise Unavailable. `allow_inside`: they may lead into private networks."""

    def __init__(self, database: Database, sealer: Sealer, allow_inside: bool = False) -> None:
        self._database, self._sealer, self._allow_inside = database, sealer, allow_inside

    async def add(self, url: str, kinds: Collection[str] = (), note: str = "") -> Hook:
        """No `kinds`: all of them. Its secret is in what comes back, for the only time. Raises BadInput, AtCapacity."""
        checked_url(url, self._allow_inside)
        if unknown := sorted(set(kinds) - KINDS.keys()):
            raise BadInput(f"kinds: {', '.join(unknown)[:100]} is none; known are {', '.join(KINDS)}")
        if len(note) > MAX_NOTE_CHARS:
            raise BadInput(f"note: longer than {MAX_NOTE_CHARS} characters")
        chosen = tuple(kind for kind in KINDS if not kinds or kind in kinds)
        made = Hook(f"hook_{secrets.token_hex(8)}", url, chosen, note, True, int(time.time() * 1000), new_secret())
        async with self._database.transaction() as connection:
            there = (await connection.execute(select(func.count()).select_from(webhooks))).scalar_one()
            if there >= MAX_HOOKS:
                raise AtCapacity(f"there are {there} webhooks, and {MAX_HOOKS} is the most; remove one first")
            await connection.execute(
                insert(webhooks).values(
                    id=made.id,
                    url=made.url,
                    kinds=" ".join(chosen),
                    sealed_secret=self._sealer.seal(made.secret.encode(), f"webhooks/{made.id}"),
                    note=note,
                    active=True,
                    made_ms=made.made_ms,
                )
            )
        return made

    async def all(self) -> list[Hook]:
        """The oldest first."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(webhooks).order_by(webhooks.c.made_ms, webhooks.c.id))).all()
        return [
            Hook(
                row.id,
                row.url,
                tuple(row.kinds.split()),
                row.note,
                row.active,
                row.made_ms,
                self._sealer.open(row.sealed_secret, f"webhooks/{row.id}").decode(),
            )
            for row in rows
        ]

    async def of(self, hook_id: str) -> Hook:
        """Raises NotFound."""
        for hook in await self.all():
            if hook.id == hook_id:
                return hook
        raise NotFound(f"there is no webhook {hook_id[:40]}")

    async def set_active(self, hook_id: str, active: bool) -> None:
        """Raises NotFound."""
        async with self._database.transaction() as connection:
            done = await connection.execute(update(webhooks).where(webhooks.c.id == hook_id).values(active=active))
        if not done.rowcount:
            raise NotFound(f"there is no webhook {hook_id[:40]}")

    async def remove(self, hook_id: str) -> None:
        """With all that was on its way there. Raises NotFound."""
        async with self._database.transaction() as connection:
            done = await connection.execute(delete(webhooks).where(webhooks.c.id == hook_id))
            await connection.execute(delete(deliveries).where(deliveries.c.webhook == hook_id))
        if not done.rowcount:
            raise NotFound(f"there is no webhook {hook_id[:40]}")
