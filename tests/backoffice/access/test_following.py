"""Answers that go on, such as streams: who follows them has to stay known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from tests.backoffice.access.conftest import ADA, House


async def test_who_follows_calls_is_known_until_the_session_the_account_or_the_right_ends(house: House) -> None:
    access = house.parts.access

    async def following(*, session: str = "", key: str = "") -> Callable[[], Awaitable[bool]]:
        header = (b"cookie", f"parley={session}".encode()) if session else (b"authorization", f"Bearer {key}".encode())
        request = Request({"type": "http", "headers": [header, (b"host", b"localhost")], "client": ("127.0.0.1", 1)})
        before = await access.admission.who(request)
        assert before is not None
        return lambda: access.admission.still(request, before)

    for name in ("ada", "bob", "eve"):
        await access.accounts.add(name, "supervisor", ADA["password"])
    sessions = {name: await access.sessions.begin(name, "person", "supervisor") for name in ("ada", "bob", "eve")}
    ada, bob, eve = [await following(session=token) for token in sessions.values()]
    text, made = await access.keys.make("report", "viewer", ["live:read"], "ada", None)
    report = await following(key=text)
    assert [await each() for each in (ada, bob, eve, report)] == [True] * 4
    await access.accounts.remove("ada")
    assert not await ada(), "the account is gone"
    await access.accounts.set_role("bob", "viewer")
    assert not await bob(), "numbers are not shown any more: it begins anew without them"
    assert await (await following(session=sessions["bob"]))()
    found = await access.sessions.find(sessions["eve"])
    assert found is not None
    await access.sessions.end(found.session, "eve")
    assert not await eve(), "logged out elsewhere"
    await access.keys.revoke(made.id)
    assert not await report(), "the key was taken back"
