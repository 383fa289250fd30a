"""Letting people in by name and password, and a code where the account has a second factor."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Update, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import NotAllowed
from services.backoffice.access.accounts import Account, Accounts
from services.backoffice.access.lockout import FORGOTTEN_S, Failures, failed
from services.backoffice.access.passes import DEVICE, DEVICE_S, Passes
from services.backoffice.access.tables import login_failures, used_passes
from services.backoffice.database import Database
from services.backoffice.sealing import Sealer

MOST = 100_000
"""Pairs of account and origin that are remembered; over it the oldest are forgotten."""


class WrongLogin(NotAllowed):
    """Name, password or code do not fit; which of them is not said."""


class CodeNeeded(NotAllowed):
    """Name and password fit; the account has a second factor."""


class MustWait(NotAllowed):
    """Too many failures of this account from this origin."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("too many logins failed")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an attempt comes from. `device`: the cookie of a browser that somebody logged in from before."""

    address: str
    device: str = ""


class Logins:
    """Raises Unavailable, AtCapacity."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        accounts: Accounts,
        passes: Passes,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._accounts = accounts
        self._passes = passes
        self._now = now

    async def enter(self, name: str, password: str, code: str, origin: Origin) -> Account:
        """Raises WrongLogin, CodeNeeded, MustWait."""
        counted = self._counted(name, origin)
        before = await self._claim(counted)
        if not await self._accounts.fits(name, password):
            raise WrongLogin("name or password do not fit")
        if await self._accounts.second_factor.is_on(name):
            if not code:
                await self._put_back(counted, before)
                raise CodeNeeded("code: this account has a second factor; give the code that the authenticator shows")
            if not await self._accounts.second_factor.fits(name, code):
                raise WrongLogin("code: not the one that is shown now, or used before")
        await self._forget(counted)
        return await self._accounts.find(name)

    def device(self, name: str) -> str:
        """The cookie that a browser is known by from now on."""
        return self._passes.issue(DEVICE, {"name": name}, DEVICE_S)

    async def redeem(self, text: str, purpose: str) -> dict[str, str]:
        """A pass that is good once, over all replicas. Raises NotAllowed."""
        said = self._passes.read(text, purpose)
        now = round(self._now() * 1000)
        row = {"id": said["id"][:32], "until_ms": int(said["until"]) * 1000}
        async with self._database.transaction() as connection:
            await connection.execute(delete(used_passes).where(used_passes.c.until_ms < now))
            done = await connection.execute(self._database.insert(used_passes).values(row).on_conflict_do_nothing())
        if not done.rowcount:
            raise NotAllowed(f"the {purpose} was used before")
        return said

    def _counted(self, name: str, origin: Origin) -> str:
        """An account with the browser it is known by, else with the address."""
        known = ""
        if origin.device:
            try:
                said = self._passes.read(origin.device, DEVICE)
                known = said["id"] if said.get("name") == name else ""
            except NotAllowed:
                pass
        where = f"device {known}" if known else f"address {origin.address}"
        return self._sealer.hash(f"{name}\0{where}", "login")

    async def _claim(self, counted: str) -> Failures:
        """What had failed before. The attempt counts as failed before it is looked at, and one after the other: who
        sends a hundred at once has no more than five. Raises MustWait."""
        now, fresh = self._now(), {"times": 0, "last_ms": 0, "until_ms": 0}
        row = self._database.insert(login_failures).values(id=counted, **fresh)
        held = row.on_conflict_do_update(index_elements=[login_failures.c.id], set_={"id": counted})
        async with self._database.transaction() as connection:
            found = (await connection.execute(held.returning(login_failures))).one()
            before = Failures(found.times, found.last_ms / 1000, found.until_ms / 1000)
            if wait := before.wait(now):
                raise MustWait(wait)
            await connection.execute(_stored(counted, failed(before, now)))
            if not before.count:
                await _bound(connection, round((now - FORGOTTEN_S) * 1000))
        return before

    async def _put_back(self, counted: str, before: Failures) -> None:
        """The attempt did not fail."""
        async with self._database.transaction() as connection:
            await connection.execute(_stored(counted, before))

    async def _forget(self, counted: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(delete(login_failures).where(login_failures.c.id == counted))


def _stored(counted: str, failures: Failures) -> Update:
    told = {
        "times": failures.count,
        "last_ms": round(failures.last * 1000),
        "until_ms": round(failures.until * 1000),
    }
    return update(login_failures).where(login_failures.c.id == counted).values(told)


async def _bound(connection: AsyncConnection, before_ms: int) -> None:
    """What is a day old is forgotten; of what is left, the oldest tenth when there is too much."""
    await connection.execute(delete(login_failures).where(login_failures.c.last_ms < before_ms))
    count = (await connection.execute(select(func.count()).select_from(login_failures))).scalar() or 0
    if count > MOST:
        by_age = select(login_failures.c.last_ms).order_by(login_failures.c.last_ms).offset(MOST // 10).limit(1)
        edge = (await connection.execute(by_age)).scalar()
        await connection.execute(delete(login_failures).where(login_failures.c.last_ms < edge))
