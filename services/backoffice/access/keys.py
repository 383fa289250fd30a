"""API keys of machines: shown once when they are made, stored hashed, good within their scopes."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from parley.errors import BadInput, NotFound
from services.backoffice.access.roles import Role, Who, role_named
from services.backoffice.access.scopes import checked
from services.backoffice.access.tables import api_keys
from services.backoffice.database import Database

PREFIX = "parley"
MOST = 1000
LONGEST_DAYS = 3650
USED_MS = 60_000
DAY_MS = 24 * 3600 * 1000
_ID = re.compile(r"[0-9a-f]{12}")
_SHAPE = re.compile(rf"{PREFIX}_([0-9a-f]{{12}})_[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class Key:
    """What may be shown of one. Times in ms since 1970; `ends_ms` None: it has no end, `used_ms` None: never used."""

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    made_by: str
    made_ms: int
    ends_ms: int | None
    used_ms: int | None


class Keys:
    """Raises BadInput, NotFound, Unavailable."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    async def make(
        self, name: str, role: str, scopes: Iterable[str], made_by: str, days: int | None = None
    ) -> tuple[str, Key]:
        """The key itself, which is nowhere to be found later, and what is known of it."""
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise BadInput("name: what it is for, in 1 to 100 characters that can be read")
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise BadInput(f"days: from 1 to {LONGEST_DAYS}, or none for a key without an end")
        given, now, its = sorted(checked(scopes)), self._now_ms(), secrets.token_hex(6)
        text = f"{PREFIX}_{its}_{secrets.token_urlsafe(32)}"
        ends = now + days * DAY_MS if days is not None else None
        key = Key(its, name.strip(), role_named(role), tuple(given), made_by, now, ends, None)
        row = {"id": its, "hash": _hash(text), "name": key.name, "role": key.role, "scopes": " ".join(given)}
        async with self._database.transaction() as connection:
            if ((await connection.execute(select(func.count()).select_from(api_keys))).scalar() or 0) >= MOST:
                raise BadInput(f"name: there are {MOST} keys, which is as many as may be; revoke one")
            await connection.execute(api_keys.insert().values(made_by=made_by[:200], made_ms=now, ends_ms=ends, **row))
        return text, key

    async def find(self, text: str) -> Who | None:
        """Whose key it is; None: there is none, or no more."""
        if not (found := _SHAPE.fullmatch(text)):
            return None
        async with self._database.reading() as connection:
            row = (await connection.execute(select(api_keys).where(api_keys.c.id == found[1]))).first()
        now = self._now_ms()
        if row is None or not hmac.compare_digest(row.hash, _hash(text)) or (row.ends_ms or now + 1) <= now:
            return None
        if (row.used_ms or 0) + USED_MS <= now:
            async with self._database.transaction() as connection:
                await connection.execute(update(api_keys).where(api_keys.c.id == row.id).values(used_ms=now))
        return Who(f"key {row.name}", row.role, "key", session=row.id, scopes=frozenset(row.scopes.split()))

    async def list(self) -> list[Key]:
        """The newest first."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(api_keys).order_by(api_keys.c.made_ms.desc()))).all()
        return [_key(row) for row in rows]

    async def revoke(self, key_id: str) -> None:
        """From now on it is nobody's."""
        its = key_id if _ID.fullmatch(key_id) else ""
        async with self._database.transaction() as connection:
            gone = await connection.execute(delete(api_keys).where(api_keys.c.id == its))
        if not gone.rowcount:
            raise NotFound("id: there is no such key; `GET /api/keys` shows those there are")

    def _now_ms(self) -> int:
        return round(self._now() * 1000)


def _key(row: Row[Any]) -> Key:
    scopes = tuple(row.scopes.split())
    return Key(row.id, row.name, row.role, scopes, row.made_by, row.made_ms, row.ends_ms, row.used_ms)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
