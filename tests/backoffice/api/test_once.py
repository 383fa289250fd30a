"""A request with an `Idempotency-Key` is done once; sent again it gets the same answer."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import func, select, update

from services.backoffice.api.requests import bodies, once, problems
from services.backoffice.api.requests.once import Once, answered
from services.backoffice.database import Database
from services.backoffice.sealing import Sealer


class Desk:
    """An application whose POSTs are counted."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self.done: list[Any] = []
        self.going = asyncio.Event()
        self.going.set()
        self.begun = asyncio.Event()
        app = FastAPI()
        problems.install(app)
        app.add_middleware(Once(database, sealer, self._who).around)
        app.add_middleware(bodies.around)
        app.add_api_route("/api/calls/{id}/note", self._note, methods=["POST"])
        app.add_api_route("/api/keys", self._note, methods=["POST"])
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://backoffice")

    async def _who(self, request: Request) -> str | None:
        return request.headers.get("authorization")

    async def _note(self, request: Request) -> JSONResponse:
        said = await request.json()
        self.done.append(said)
        self.begun.set()
        await self.going.wait()
        return JSONResponse({"done": len(self.done)}, said.get("status", 202))

    async def post(
        self, body: Any, key: str = "k1", path: str = "/api/calls/CA1/note", who: str = "ada"
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key, "Authorization": who}
        return await self.client.post(path, json=body, headers=headers)


@pytest.fixture
def desk(database: Database, sealer: Sealer) -> Desk:
    return Desk(database, sealer)


async def test_the_same_request_is_done_once_and_answered_alike(desk: Desk, database: Database) -> None:
    first, second = await desk.post({"text": "ten percent"}), await desk.post({"text": "ten percent"})
    assert len(desk.done) == 1
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (202, {"done": 1})
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]
    async with database.reading() as connection:
        row = (await connection.execute(select(answered))).mappings().one()
    assert b"done" not in row["sealed"]


async def test_other_people_paths_and_keys_are_other_requests(desk: Desk) -> None:
    for more in ({}, {"who": "bob"}, {"key": "k2"}, {"path": "/api/calls/CA2/note"}):
        assert (await desk.post({}, **more)).status_code == 202
    assert len(desk.done) == 4


async def test_another_body_under_the_same_key_is_refused(desk: Desk) -> None:
    await desk.post({"text": "ten"})
    told = (await desk.post({"text": "twenty"})).json()
    assert (told["status"], told["field"]) == (422, "header.Idempotency-Key")
    assert told["type"].endswith("/other-body")
    assert len(desk.done) == 1


async def test_while_the_first_is_at_work_the_second_is_asked_to_wait(desk: Desk, database: Database) -> None:
    desk.going.clear()
    first = asyncio.ensure_future(desk.post({}))
    await desk.begun.wait()
    second = await desk.post({})
    assert (second.status_code, second.headers["retry-after"]) == (409, "1")
    long_ago = update(answered).values(at_ms=answered.c.at_ms - once.WORKING_MS - 1)
    async with database.transaction() as connection:
        await connection.execute(long_ago)
    desk.going.set()
    assert (await desk.post({})).status_code == 202, "who took so long has died"
    await first


async def test_what_was_refused_may_be_tried_again(desk: Desk) -> None:
    assert (await desk.post({"status": 409})).status_code == 409
    assert (await desk.post({"status": 202})).status_code == 202
    assert len(desk.done) == 2


async def test_secrets_are_not_kept_and_strange_keys_are_refused(desk: Desk, database: Database) -> None:
    await desk.post({}, path="/api/keys")
    await desk.post({}, path="/api/keys")
    assert len(desk.done) == 2
    assert (await desk.post({}, key="a b")).json()["field"] == "header.Idempotency-Key"
    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(answered))).scalar() == 0


async def test_answers_are_kept_for_a_day_and_so_many(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "CLEAN_EVERY", 2)
    monkeypatch.setattr(once, "KEPT", 2)
    for n in range(5):
        await desk.post({}, key=f"k{n}")
        async with database.transaction() as connection:
            await connection.execute(update(answered).values(at_ms=answered.c.at_ms - 10))
    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(answered))).scalar() == 2
    async with database.transaction() as connection:
        await connection.execute(update(answered).values(at_ms=answered.c.at_ms - once.KEEP_MS))
    await desk.post({}, key="k4")
    assert len(desk.done) == 6


async def test_bodies_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told = (await desk.post({"text": "x" * bodies.MOST})).json()
    assert (told["status"], told["field"]) == (413, "body")
    monkeypatch.setattr(bodies, "WITHIN_S", 0.01)

    async def slowly() -> Any:
        yield b"{"
        await asyncio.sleep(60)

    late = await desk.client.post("/api/calls/CA1/note", content=slowly())
    assert late.status_code == 408
    assert desk.done == []
