"""Local accounts, in the database. There is no default account and no default password."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select, update

from parley.errors import AlreadyExists, BadInput, NotFound
from services.backoffice.access.passwords import Passwords, checked
from services.backoffice.access.roles import Role, role_named
from services.backoffice.access.second_factor import SecondFactor
from services.backoffice.access.tables import accounts, sessions
from services.backoffice.database import Database
from services.backoffice.sealing import Sealer

MOST = 1000
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_NUMBER = re.compile(r"\+[1-9][0-9]{3,14}|")


@dataclass(frozen=True, slots=True)
class Account:
    """What may be shown of one. `number`: where calls are taken over to, in E.164, or empty."""

    name: str
    role: Role
    number: str
    totp: bool
    made_ms: int


class Accounts:
    """Raises BadInput, NotFound, AlreadyExists, Unavailable; AtCapacity where passwords are worked on."""

    def __init__(
        self, database: Database, sealer: Sealer, passwords: Passwords, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._now = now
        self.second_factor = SecondFactor(database, sealer, now)

    async def add(self, name: str, role: str, password: str = "") -> str:
        """Gives the password: without one, a new one that nobody guesses."""
        if not is_name(name):
            raise BadInput("name: small letters, digits and . _ @ -, at most 64, a letter or digit first")
        chosen = checked(password, name) if password else secrets.token_urlsafe(15)
        hashed, now = await self._passwords.hash(chosen), self._now_ms()
        row = {"name": name, "role": role_named(role), "password": hashed, "made_ms": now, "password_ms": now}
        async with self._database.transaction() as connection:
            if len((await connection.execute(select(accounts.c.name))).all()) >= MOST:
                raise BadInput(f"name: there are {MOST} accounts, as many as may be; remove one, or set up OIDC")
            made = await connection.execute(self._database.insert(accounts).values(row).on_conflict_do_nothing())
            if not made.rowcount:
                raise AlreadyExists(f"name: there is an account {name}; choose another, or change that one")
        return chosen

    async def list(self) -> list[Account]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(accounts).order_by(accounts.c.name))).all()
        return [_account(row) for row in rows]

    async def find(self, name: str) -> Account:
        if not is_name(name):
            raise NotFound(_unknown(name))
        async with self._database.reading() as connection:
            row = (await connection.execute(select(accounts).where(accounts.c.name == name))).first()
        if row is None:
            raise NotFound(_unknown(name))
        return _account(row)

    async def fits(self, name: str, password: str) -> bool:
        """Whether this is the account's password. An account that there is not takes as long to say no."""
        asked = select(accounts.c.password).where(accounts.c.name == (name if is_name(name) else ""))
        async with self._database.reading() as connection:
            found = (await connection.execute(asked)).scalar()
        if not await self._passwords.fits(found or "", password):
            return False
        if found and self._passwords.is_old(found):
            await self._change(name, password=await self._passwords.hash(password))
        return True

    async def set_password(self, name: str, password: str = "", keep: str = "") -> str:
        """Gives it, as `add` does; every session of the account ends, but the one with the id `keep`."""
        chosen = checked(password, name) if password else secrets.token_urlsafe(15)
        await self._change(name, password=await self._passwords.hash(chosen), password_ms=self._now_ms())
        await self._end_sessions(name, keep)
        return chosen

    async def set_role(self, name: str, role: str) -> None:
        """It counts from the next request on, of sessions that are open, too."""
        await self._change(name, role=role_named(role))

    async def set_number(self, name: str, number: str) -> None:
        if not _NUMBER.fullmatch(number):
            raise BadInput("number: write it as +15550100199 (E.164), or leave it empty")
        await self._change(name, number=number)

    async def remove(self, name: str) -> None:
        await self.find(name)
        async with self._database.transaction() as connection:
            await connection.execute(delete(accounts).where(accounts.c.name == name))
        await self._end_sessions(name)

    async def _end_sessions(self, name: str, keep: str = "") -> None:
        mine = (sessions.c.name == name) & (sessions.c.kind == "person") & (sessions.c.id != keep)
        async with self._database.transaction() as connection:
            await connection.execute(delete(sessions).where(mine))

    async def _change(self, name: str, **values: object) -> None:
        await self.find(name)
        async with self._database.transaction() as connection:
            await connection.execute(update(accounts).where(accounts.c.name == name).values(**values))

    def _now_ms(self) -> int:
        return round(self._now() * 1000)


def is_name(text: str) -> bool:
    """Whether an account may be called so; nothing else is asked of the database."""
    return _NAME.fullmatch(text) is not None


def _unknown(name: str) -> str:
    return f"name: there is no account {name[:64]!r}; `parley user list` shows those there are"


def _account(row: Row[Any]) -> Account:
    return Account(row.name, row.role, row.number, row.totp is not None, row.made_ms)
