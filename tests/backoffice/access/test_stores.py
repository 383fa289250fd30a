"""Accounts, sessions, keys and failed logins in the database, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio

import pyotp
import pytest

from parley.errors import AlreadyExists, BadInput, NotAllowed, NotFound
from services.backoffice.access.accounts import Accounts
from services.backoffice.access.keys import DAY_MS, Keys
from services.backoffice.access.lockout import FREE
from services.backoffice.access.logging_in import CodeNeeded, Logins, MustWait, Origin, WrongLogin
from services.backoffice.access.passes import LINK, Passes
from services.backoffice.access.passwords import Passwords
from services.backoffice.access.sessions import MOST, Sessions
from services.backoffice.database import Database
from services.backoffice.sealing import Sealer

PASSWORD = "four words nobody guesses"
HOME, ELSEWHERE = Origin("203.0.113.5"), Origin("198.51.100.9")


class Clock:
    """Seconds since 1970, as the test says."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(database: Database, sealer: Sealer, clock: Clock) -> Accounts:
    return Accounts(database, sealer, Passwords(), clock)


@pytest.fixture
def logins(database: Database, sealer: Sealer, accounts: Accounts, clock: Clock) -> Logins:
    return Logins(database, sealer, accounts, Passes(bytes(32), clock), clock)


@pytest.fixture
def sessions(database: Database, clock: Clock) -> Sessions:
    return Sessions(database, 12 * 3600, 1800, clock)


async def test_the_life_of_an_account(accounts: Accounts) -> None:
    made = await accounts.add("ada", "viewer")
    assert len(made) >= 20
    assert await accounts.fits("ada", made)
    assert not await accounts.fits("ada", made + "x")
    assert not await accounts.fits("nobody", made)
    with pytest.raises(AlreadyExists, match="there is an account ada"):
        await accounts.add("ada", "admin")
    await accounts.set_role("ada", "supervisor")
    await accounts.set_number("ada", "+15550100199")
    await accounts.set_password("ada", PASSWORD)
    assert await accounts.fits("ada", PASSWORD)
    (shown,) = await accounts.list()
    assert (shown.name, shown.role, shown.number, shown.totp) == ("ada", "supervisor", "+15550100199", False)
    await accounts.remove("ada")
    assert await accounts.list() == []
    for act in (accounts.remove("ada"), accounts.set_role("ada", "admin"), accounts.set_password("ada")):
        with pytest.raises(NotFound, match="there is no account 'ada'"):
            await act
    for name in ("", "Ada", "a b", "-a", "x" * 65):
        with pytest.raises(BadInput, match="name: "):
            await accounts.add(name, "viewer")


async def test_a_session_ends_by_its_life_by_idleness_and_with_the_account(
    accounts: Accounts, sessions: Sessions, clock: Clock
) -> None:
    await accounts.add("ada", "viewer", PASSWORD)
    token = await sessions.begin("ada", "person", "viewer", "203.0.113.5", "Firefox")
    for _ in range(30):
        clock.now += 1500
        if clock.now - 1_800_000_000 >= 12 * 3600:
            break
        assert (await sessions.find(token)) is not None, "each request puts off the idle end"
    assert await sessions.find(token) is None
    token = await sessions.begin("ada", "person", "viewer")
    clock.now += 1700
    assert await sessions.find(token, use=False) is not None
    clock.now += 200
    assert await sessions.find(token) is None, "a page that only listens does not put it off"
    token = await sessions.begin("ada", "person", "viewer")
    await accounts.set_role("ada", "admin")
    who = await sessions.find(token)
    assert who is not None
    assert who.role == "admin", "a role counts at once"
    other = await sessions.begin("ada", "person", "viewer")
    await accounts.set_password("ada", keep=who.session)
    assert (await sessions.find(token), await sessions.find(other)) == (who, None)
    await accounts.remove("ada")
    assert await sessions.find(token) is None
    assert await sessions.find("forged") is None


async def test_only_so_many_sessions_of_one_person(sessions: Sessions, clock: Clock) -> None:
    first = await sessions.begin("ada", "oidc", "viewer")
    for _ in range(MOST):
        clock.now += 1
        last = await sessions.begin("ada", "oidc", "viewer")
    assert await sessions.find(first) is None
    who = await sessions.find(last)
    assert who is not None
    assert len(await sessions.of(who)) == MOST
    assert await sessions.end(who.session, "bob") is False, "of others nobody ends one"
    assert await sessions.end(who.session, "ada") is True


async def test_who_guesses_shuts_out_nobody_else(accounts: Accounts, logins: Logins, clock: Clock) -> None:
    await accounts.add("ada", "viewer", PASSWORD)
    device = Origin(HOME.address, logins.device("ada"))
    for _ in range(FREE):
        with pytest.raises(WrongLogin):
            await logins.enter("ada", "wrong", "", HOME)
    with pytest.raises(MustWait) as told:
        await logins.enter("ada", PASSWORD, "", HOME)
    assert 0 < told.value.wait_s <= 60
    assert (await logins.enter("ada", PASSWORD, "", ELSEWHERE)).name == "ada", "another address"
    assert (await logins.enter("ada", PASSWORD, "", device)).name == "ada", "a browser that is known"
    with pytest.raises(MustWait):
        await logins.enter("ada", PASSWORD, "", Origin(HOME.address, logins.device("bob")))
    with pytest.raises(MustWait):
        await logins.enter("ada", PASSWORD, "", Origin(HOME.address, "forged.cookie"))
    clock.now += 61
    assert (await logins.enter("ada", PASSWORD, "", HOME)).name == "ada"
    with pytest.raises(WrongLogin):
        await logins.enter("ada", "wrong", "", HOME)


async def test_an_account_that_there_is_not_waits_in_the_same_way(logins: Logins) -> None:
    for _ in range(FREE):
        with pytest.raises(WrongLogin):
            await logins.enter("nobody", "wrong", "", HOME)
    with pytest.raises(MustWait):
        await logins.enter("nobody", "wrong", "", HOME)


async def test_a_hundred_attempts_at_once_are_five(accounts: Accounts, logins: Logins) -> None:
    await accounts.add("ada", "viewer", PASSWORD)
    tries = (logins.enter("ada", f"wrong {n}", "", HOME) for n in range(12))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(error, WrongLogin) for error in ended) == FREE
    assert sum(isinstance(error, MustWait) for error in ended) == 12 - FREE


async def test_a_second_factor(accounts: Accounts, logins: Logins, clock: Clock) -> None:
    await accounts.add("ada", "viewer", PASSWORD)
    secret, uri, pending = accounts.second_factor.begin("ada")
    assert uri.startswith("otpauth://totp/Parley:ada?secret=")
    totp = pyotp.TOTP(secret)
    with pytest.raises(BadInput, match="code: not the one"):
        await accounts.second_factor.turn_on("ada", pending, "000000")
    with pytest.raises(BadInput, match="pending: not what was given"):
        await accounts.second_factor.turn_on("bob", pending, totp.at(clock.now))
    await accounts.second_factor.turn_on("ada", pending, totp.at(clock.now))
    for _ in range(10):
        with pytest.raises(CodeNeeded):
            await logins.enter("ada", PASSWORD, "", HOME)
    with pytest.raises(WrongLogin):
        await logins.enter("ada", PASSWORD, totp.at(clock.now), HOME)  # it turned the factor on: used
    clock.now += 30
    code = totp.at(clock.now)
    assert (await logins.enter("ada", PASSWORD, code, HOME)).totp
    with pytest.raises(WrongLogin):
        await logins.enter("ada", PASSWORD, code, HOME)
    await accounts.second_factor.turn_off("ada")
    assert not (await logins.enter("ada", PASSWORD, "", HOME)).totp


async def test_a_link_is_good_once(logins: Logins, clock: Clock) -> None:
    link = Passes(bytes(32), clock).issue(LINK, {}, 900)
    assert (await logins.redeem(link, LINK))["for"] == LINK
    with pytest.raises(NotAllowed, match="used before"):
        await logins.redeem(link, LINK)


async def test_the_life_of_a_key(database: Database, clock: Clock) -> None:
    keys = Keys(database, clock)
    text, key = await keys.make("report", "viewer", ["calls:read"], "ada", days=30)
    assert text.startswith(f"parley_{key.id}_")
    who = await keys.find(text)
    assert who is not None
    assert (who.kind, who.role) == ("key", "viewer")
    assert who.scopes == frozenset({"calls:read"})
    assert await keys.find(text[:-1] + ("A" if text[-1] != "A" else "B")) is None
    assert await keys.find("parley_x") is None
    (shown,) = await keys.list()
    assert shown.used_ms == round(clock.now * 1000)
    assert text not in repr(shown)
    clock.now += 30 * DAY_MS / 1000
    assert await keys.find(text) is None
    await keys.revoke(key.id)
    with pytest.raises(NotFound, match="id: there is no such key"):
        await keys.revoke(key.id)
    with pytest.raises(BadInput, match="days: from 1"):
        await keys.make("report", "viewer", ["calls:read"], "ada", days=0)
