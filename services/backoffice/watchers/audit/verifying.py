"""Is the log what it was when it was written? The first entry that is not is named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from parley.database import Database
from services.backoffice.sealing import Sealer, Unsealable
from services.backoffice.watchers.audit.chain import START, Entry, link
from services.backoffice.watchers.audit.keys import HolderKey, Holders, HouseKey
from services.backoffice.watchers.tables import audit, audit_head

PAGE = 1000
FORGOTTEN = "caller.forgotten"
"""The entry that says whose keys were destroyed; where none does, somebody else has."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`entries`: so many were found to be whole, from the first on. `unreadable`: of those, entries whose caller was
    forgotten. `broken`: number of the first that is not whole, 0: all are; `why`. `head`: hash of the last good one."""

    entries: int
    unreadable: int
    head: str
    broken: int = 0
    why: str = ""

    @property
    def whole(self) -> bool:
        return not self.broken


async def verified(database: Database, sealer: Sealer, holders: Holders) -> Verdict:
    """Raises Unavailable. Reads what was there when it began: entries may be added meanwhile."""
    async with database.reading() as connection:
        head = (await connection.execute(select(audit_head))).first()
    entries, unreadable, previous = 0, 0, START
    lost: dict[str, int] = {}  # whose key is gone, and their first entry
    forgotten: set[str] = set()
    while True:
        async with database.reading() as connection:
            page = select(audit).where(audit.c.seq > entries).order_by(audit.c.seq).limit(PAGE)
            rows = (await connection.execute(page)).all()
            try:
                keys = await holders.known(connection, {row.holder for row in rows})
            except Unsealable as e:
                return Verdict(entries, unreadable, previous, entries + 1, f"a caller's key cannot be opened: {e}")
        for row in rows:
            key = keys.get(row.holder)
            if why := _wrong(sealer, row, entries + 1, previous, key):
                return Verdict(entries, unreadable, previous, min(row.seq, entries + 1), why)
            entries, previous = row.seq, row.hash
            if key is None:
                unreadable += 1
                lost.setdefault(row.holder, row.seq)
            elif row.kind == FORGOTTEN:
                forgotten.update(json.loads(key.open(row.sealed, row.source)).get("holders", ()))
        if len(rows) < PAGE:
            break
    if head is None:
        return Verdict(entries, unreadable, previous, entries + 1, "the row that names the last entry is gone")
    if head.seq > entries:
        why = (
            f"entries {entries + 1} to {head.seq} are gone from the end"
            if head.seq > entries + 1
            else (f"entry {head.seq} is gone from the end")
        )
        return Verdict(entries, unreadable, previous, entries + 1, why)
    if robbed := [seq for holder, seq in lost.items() if holder not in forgotten]:
        why = "its content cannot be read: the key is gone, and no entry says that its caller was forgotten"
        return Verdict(entries, unreadable, previous, min(robbed), why)
    return Verdict(entries, unreadable, previous)


def _wrong(sealer: Sealer, row: Any, seq: int, previous: str, key: HolderKey | HouseKey | None) -> str:
    """Why a row is not what was written; "": it is."""
    what = f"{row.kind} of {row.subject}, {datetime.fromtimestamp(row.at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if row.seq != seq:
        return f"entry {seq} is missing before entry {row.seq} ({what})"
    if row.previous != previous:
        return f"it does not follow the entry before it ({what})"
    entry = Entry(*(getattr(row, name) for name in Entry.__slots__))
    if link(sealer, previous, entry) != row.hash:
        return f"its fields are not those that were written ({what})"
    if key is not None:
        try:
            if key.digest(key.open(row.sealed, row.source)) != row.digest:
                return f"its content is not what was written ({what})"
        except Unsealable:
            return f"its content is not what was written ({what})"
    return ""
