"""The log itself. One transaction adds entries, under the lock of the row that names the last one: replicas that share
a PostgreSQL add behind each other, and the chain has one end."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.database import Database
from parley.watching import Happening
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit.chain import START, Entry, link
from services.backoffice.watchers.audit.keys import HOUSE, Holders
from services.backoffice.watchers.audit.verifying import FORGOTTEN, Verdict, verified
from services.backoffice.watchers.tables import audit, audit_head

log = structlog.get_logger()

MAX_DETAIL_BYTES = 32 * 1024
MAX_PAGE = 1_000
LOOK_S = 3_600
MAX_LOOKS = 10_000
"""That are remembered here; of others the database knows that they are written."""
_HEAD = 1


@dataclass(frozen=True)
class _Draft:
    at_ms: int
    kind: str
    subject: str
    who: str
    source: str
    content: bytes
    number: str = ""
    call_id: str = ""


@dataclass(frozen=True)
class Shown:
    """An entry to read. `detail` None: its caller was forgotten."""

    seq: int
    at_ms: int
    kind: str
    subject: str
    who: str
    detail: Mapping[str, Any] | None = field(default=None)


class Audit:
    """Of one backoffice, in its database. All raise Unavailable."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._holders = Holders(sealer)
        self._looks: OrderedDict[str, None] = OrderedDict()

    async def note(
        self,
        who: str,
        kind: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
        *,
        number: str = "",
        source: str = "",
    ) -> None:
        """What somebody did: `note("ann", "call.hang_up", "CA1")`. `number`: of the caller that `detail` is about, who
        may be forgotten; keep numbers out of `subject`. A detail over 32 KiB is left out, and that is said. `source`:
        what it tells of; told again it is no entry."""
        await self._append([_noted(who, kind, subject, detail or {}, number, source)])

    async def looked(self, who: str, call_id: str) -> None:
        """Somebody looked at a call: an entry an hour, however often."""
        told = "\0".join((who, call_id, str(int(time.time()) // LOOK_S)))
        source = f"look/{hashlib.sha256(told.encode()).hexdigest()[:32]}"
        if source in self._looks:
            return
        await self.note(who, "call.looked_at", call_id, source=source)
        self._looks[source] = None
        while len(self._looks) > MAX_LOOKS:
            self._looks.popitem(last=False)

    async def happened(self, happenings: Sequence[Happening]) -> None:
        """What happened in calls. The same again is no entry: it is there."""
        await self._append(
            [
                _Draft(
                    each.at_ms,
                    each.kind,
                    each.call_id[:300],
                    "",
                    each.id[:400],
                    _packed(each.detail),
                    str(each.detail.get("caller_pii", "")) if each.kind == "call.started" else "",
                    each.call_id,
                )
                for each in happenings
            ]
        )

    async def forget(self, number: str, who: str = "") -> int:
        """Destroy a caller's keys: what their entries say can no longer be read. Gives of how many entries. That it was
        done is an entry."""
        async with self._database.transaction() as connection:
            await self._locked(connection)
            holders = await self._holders.forget(connection, number)
            if not holders:
                return 0
            counted = select(func.count()).select_from(audit).where(audit.c.holder.in_(holders))
            count = (await connection.execute(counted)).scalar_one()
            detail = {"entries": count, "holders": holders}
            await self._add(connection, [_noted(who, FORGOTTEN, "a caller", detail)])
        return count

    async def page(self, before: int = 0, limit: int = 50, *, kind: str = "", subject: str = "") -> list[Shown]:
        """Entries below `before` (0: all), the newest first."""
        wanted = select(audit).order_by(audit.c.seq.desc()).limit(min(limit, MAX_PAGE))
        for column, value in ((audit.c.kind, kind), (audit.c.subject, subject)):
            wanted = wanted.where(column == value) if value else wanted
        wanted = wanted.where(audit.c.seq < before) if before else wanted
        async with self._database.reading() as connection:
            rows = (await connection.execute(wanted)).all()
            keys = await self._holders.known(connection, {row.holder for row in rows})
        return [
            Shown(
                row.seq,
                row.at_ms,
                row.kind,
                row.subject,
                row.who,
                json.loads(keys[row.holder].open(row.sealed, row.source)) if row.holder in keys else None,
            )
            for row in rows
        ]

    async def hash_of(self, number: int) -> str:
        """Of an entry; empty: there is none of this number."""
        async with self._database.reading() as connection:
            return (await connection.execute(select(audit.c.hash).where(audit.c.seq == number))).scalar() or ""

    async def verify(self) -> Verdict:
        """Whether every entry is what it was when it was written."""
        return await verified(self._database, self._sealer, self._holders)

    async def _append(self, drafts: Sequence[_Draft]) -> None:
        if not drafts:
            return
        async with self._database.transaction() as connection:
            await self._add(connection, drafts)

    async def _add(self, connection: AsyncConnection, drafts: Sequence[_Draft]) -> None:
        seq, previous = await self._locked(connection)
        there = await connection.execute(
            select(audit.c.source).where(audit.c.source.in_([draft.source for draft in drafts]))
        )
        known = {row.source for row in there}
        fresh = [draft for draft in {draft.source: draft for draft in drafts}.values() if draft.source not in known]
        if not fresh:
            return
        numbers: dict[str, str] = {}
        for draft in fresh:
            if draft.call_id:
                numbers[draft.call_id] = numbers.get(draft.call_id) or draft.number
        of_calls = await self._holders.of_calls(connection, numbers) if numbers else {}
        rows = []
        for draft in fresh:
            holder, key = HOUSE, self._holders.house
            if draft.call_id:
                holder, key = of_calls[draft.call_id]  # type: ignore[assignment]
            elif draft.number:
                holder, key = await self._holders.of_number(connection, draft.number)  # type: ignore[assignment]
            seq += 1
            entry = Entry(
                seq,
                draft.at_ms,
                draft.kind,
                draft.subject,
                draft.who,
                draft.source,
                holder,
                key.digest(draft.content),
            )
            hashed = link(self._sealer, previous, entry)
            rows.append(
                {
                    **{name: getattr(entry, name) for name in Entry.__slots__},
                    "sealed": key.seal(draft.content, draft.source),
                    "previous": previous,
                    "hash": hashed,
                }
            )
            previous = hashed
        await connection.execute(insert(audit), rows)
        await connection.execute(update(audit_head).where(audit_head.c.id == _HEAD).values(seq=seq, hash=previous))

    async def _locked(self, connection: AsyncConnection) -> tuple[int, str]:
        """Number and hash of the last entry; nobody else adds one until the transaction ends."""
        touched = update(audit_head).where(audit_head.c.id == _HEAD).values(seq=audit_head.c.seq)
        row = (await connection.execute(touched.returning(audit_head.c.seq, audit_head.c.hash))).first()
        if row is None:  # the migration made it; somebody has emptied the table
            raise LookupError("audit_head is empty: the audit log was tampered with; `parley audit verify`")
        return row.seq, row.hash or START


def _noted(who: str, kind: str, subject: str, detail: Mapping[str, Any], number: str = "", source: str = "") -> _Draft:
    source = source[:400] or f"note/{secrets.token_hex(12)}"
    return _Draft(int(time.time() * 1000), kind[:60], subject[:300], who[:200], source, _packed(detail), number)


def _packed(detail: Mapping[str, Any]) -> bytes:
    packed = json.dumps(detail, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str).encode()
    if len(packed) <= MAX_DETAIL_BYTES:
        return packed
    return json.dumps({"left_out": f"{len(packed)} bytes; an entry holds {MAX_DETAIL_BYTES}"}).encode()
