"""Sessions of people: a random token in a cookie, its hash in the database, so that it ends everywhere when it ends."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select, update

from services.backoffice.access.roles import Kind, Role, Who
from services.backoffice.access.tables import accounts, sessions
from services.backoffice.database import Database

SEEN_MS = 60_000
"""How exact the time is at which a session was last used: not each request is worth a write."""
MOST = 20
"""Sessions of one person; over it the one that was silent for longest ends."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a person is shown of one of theirs. Times in ms since 1970."""

    id: str
    address: str
    browser: str
    made_ms: int
    seen_ms: int
    ends_ms: int


class Sessions:
    """`life_s`: after so long one logs in again; `idle_s`: or after so long without a request. Raises Unavailable."""

    def __init__(self, database: Database, life_s: float, idle_s: float, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._life_ms, self._idle_ms = round(life_s * 1000), round(idle_s * 1000)
        self._now = now

    async def begin(self, name: str, kind: Kind, role: Role, address: str = "", browser: str = "") -> str:
        """The token for the cookie: 256 random bits."""
        token, now = secrets.token_urlsafe(32), self._now_ms()
        row = {"id": _id(token), "name": name[:200], "kind": kind, "role": role, "address": address[:64]}
        times = {"made_ms": now, "seen_ms": now, "ends_ms": now + self._life_ms}
        mine = select(sessions.c.id).where((sessions.c.name == name) & (sessions.c.kind == kind))
        async with self._database.transaction() as connection:
            await connection.execute(delete(sessions).where(self._is_over(now)))
            await connection.execute(sessions.insert().values(browser=browser[:200], **row, **times))
            kept = mine.order_by(sessions.c.seen_ms.desc(), sessions.c.made_ms.desc()).offset(MOST)
            old = [found.id for found in (await connection.execute(kept)).all()]
            if old:
                await connection.execute(delete(sessions).where(sessions.c.id.in_(old)))
        return token

    async def find(self, token: str, *, use: bool = True) -> Who | None:
        """Who has this session; None: it is none, or no more. `use`: a request, which puts off the idle end."""
        now = self._now_ms()
        columns = (sessions, accounts.c.role.label("now_role"), accounts.c.number)
        of_account = (sessions.c.name == accounts.c.name) & (sessions.c.kind == "person")
        asked = select(*columns).join(accounts, of_account, isouter=True).where(sessions.c.id == _id(token))
        async with self._database.reading() as connection:
            row = (await connection.execute(asked)).first()
        if row is None or row.ends_ms <= now or row.seen_ms + self._idle_ms <= now:
            return None
        if row.kind == "person" and row.now_role is None:
            return None
        if use and row.seen_ms + min(SEEN_MS, self._idle_ms // 4) <= now:
            async with self._database.transaction() as connection:
                await connection.execute(update(sessions).where(sessions.c.id == row.id).values(seen_ms=now))
        return Who(row.name, row.now_role or row.role, row.kind, row.number or "", row.id)

    async def end(self, session_id: str, name: str) -> bool:
        """Whether this person had such a session."""
        mine = (sessions.c.id == session_id) & (sessions.c.name == name)
        async with self._database.transaction() as connection:
            return (await connection.execute(delete(sessions).where(mine))).rowcount > 0

    async def of(self, who: Who) -> list[Session]:
        """This person's, the one used last first."""
        mine = (sessions.c.name == who.name) & (sessions.c.kind == who.kind)
        asked = select(sessions).where(mine & ~self._is_over(self._now_ms())).order_by(sessions.c.seen_ms.desc())
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked)).all()
        return [Session(row.id, row.address, row.browser, row.made_ms, row.seen_ms, row.ends_ms) for row in rows]

    def _is_over(self, now_ms: int) -> ColumnElement[bool]:
        return (sessions.c.ends_ms <= now_ms) | (sessions.c.seen_ms <= now_ms - self._idle_ms)

    def _now_ms(self) -> int:
        return round(self._now() * 1000)


def guard_of(token: str) -> str:
    """What a change carries beside the cookie (`X-CSRF-Token`): another site can send that, but not read this."""
    return hmac.new(token.encode(), b"parley csrf", hashlib.sha256).hexdigest()[:40]


def _id(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
