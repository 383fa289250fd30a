"""Calls that are up, over HTTP: a real orchestrator, a real NATS, a real server of backoffice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from parley.process.listening import bound_socket
from parley.v1 import conversation_pb2
from services.backoffice.server import make_server
from testbed.organs import Gateway, House, house
from testbed.patience import PATIENCE_S
from tests.backoffice.api.conftest import Desk, running

Event = tuple[str, Any]


class Stream:
    """A client of server-sent events."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.last_id = ""

    async def next(self) -> Event:
        event, data = "", ""
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                data = value
            elif name == "id":
                self.last_id = value
            elif not line and event:
                return event, json.loads(data)
        raise EOFError

    async def until(self, wanted: str, holds: Callable[[Any], bool] = lambda data: True) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event, data = await self.next()
                if event == wanted and holds(data):
                    return data

    async def line(self, holds: Callable[[Any], bool]) -> Any:
        """As it is told by itself, or in a snapshot: the call's owner tells all of it once, whenever it gets to it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event, data = await self.next()
                told = [data] if event == "line" else data["lines"] if event == "snapshot" else []
                if found := [line for line in told if holds(line)]:
                    return found[0]


@asynccontextmanager
async def following(client: httpx.AsyncClient, path: str, last_id: str = "") -> AsyncIterator[Stream]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with client.stream("GET", path, headers=headers, timeout=PATIENCE_S) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer.aiter_lines())


@asynccontextmanager
async def up(tmp: Path) -> AsyncIterator[tuple[House, Desk, Gateway]]:
    """A call that is up, an orchestrator, and backoffice as a server."""
    (tmp / "office").mkdir()
    async with house(tmp) as h:
        where = {"nats_url": h.nats.url, "orchestrator_address": f"127.0.0.1:{h.server.port}"}
        async with running(tmp / "office", **where) as desk:
            with bound_socket("127.0.0.1", 0, "port") as bound:
                server = make_server(desk.parts)
                desk.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
                assert await desk.parts.bus.ready(PATIENCE_S)
                serving = asyncio.ensure_future(server.serve(sockets=[bound]))
                try:
                    g = await h.gateway()
                    await g.opens(caller="+15550100142", called="+15550100100")
                    await g.hears((await g.said())[0])
                    await g.until("state")
                    yield h, desk, g
                finally:  # its sockets are closed by itself: others would be taken for them
                    server.should_exit = True
                    desk.parts.lookout.board.close()
                    await serving


async def until(asked: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while not holds(told := await asked()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return told


async def test_a_call_is_followed_steered_and_ended(tmp_path: Path) -> None:
    async with up(tmp_path) as (h, desk, g):
        told = await until(lambda: desk.get("/api/active-calls"), lambda told: bool(told["items"]))
        (call,) = told["items"]
        assert (call["call_id"], call["state"], call["caller"]) == ("CA1", "listening", "***42")
        assert (await desk.get("/api/active-calls", "supervisor"))["items"][0]["caller"] == "+15550100142"
        viewer = await desk.as_("viewer")
        async with following(viewer, "/api/live") as all_calls, following(viewer, "/api/calls/CA1/live") as one:
            assert (await all_calls.until("snapshot"))["calls"][0]["call_id"] == "CA1"
            whole = await one.until("snapshot")
            assert whole["lines"][0]["text"] == "Bellweather Bikes, how can I help?"
            waits = asyncio.Event()
            h.model.reply = lambda request: [waits, "It is red."]
            await g.types("what color is it")
            line = await one.line(lambda line: line["who"] == "caller")
            assert line["text"] == "what color is it"
            await all_calls.until("call", lambda call: call["state"] == "thinking")
            last_id = all_calls.last_id
            waits.set()
            await g.hears((await g.said())[0])
            await one.line(lambda line: line["text"] == "It is red." and line["status"] == "heard")
            await all_calls.until("call", lambda call: call["state"] == "listening")
            async with following(viewer, "/api/live", last_id) as again:
                async with asyncio.timeout(PATIENCE_S):
                    event, _ = await again.next()
                assert event == "call", "what was missed, and no snapshot"
            refused = await desk.post("/api/calls/CA1/note", {"text": "offer ten percent"}, "viewer")
            assert refused.status_code == 403
            said = await desk.post("/api/calls/CA1/note", {"text": "offer ten percent"})
            assert (said.status_code, said.json()["signal"]) == (202, "note")
            await one.until("moment", lambda moment: (moment["what"], moment["cause"]) == ("signal", "note"))
            h.model.reply = lambda request: ["Fine."]
            await g.types("hm")
            await g.hears((await g.said())[0])
            assert "offer ten percent" in str(h.model.requests[-1])
            ended = await desk.post("/api/calls/CA1/hang-up", {"reason": "enough"})
            assert ended.status_code == 202
            await g.until("hang_up")
            await g.tell(seq=True, leg={"kind": conversation_pb2.Leg.KIND_ENDED, "reason": "hung up"})
            await one.until("ended")
            await all_calls.until("gone", lambda gone: gone["call_id"] == "CA1")
            with pytest.raises(EOFError):
                async with asyncio.timeout(PATIENCE_S):
                    await one.next()
        over = await until(lambda: desk.get("/api/call-logs"), lambda told: any(e["ended_at"] for e in told["items"]))
        assert over["items"][0]["call_id"] == "CA1"
        replay = await desk.get("/api/calls/CA1/replay")
        assert replay["verdict"] == "same", replay
        assert replay["compared"] > 3
        assert (await desk.post("/api/calls/CA1/hang-up", {})).status_code == 404
        assert (await desk.get("/api/calls/CA1/live", status=404))["field"] == "path.call_id"


async def test_a_caller_is_handed_to_who_asks_for_it(tmp_path: Path) -> None:
    async with up(tmp_path) as (_, desk, g):
        no_number = await desk.post("/api/calls/CA1/take-over", {})
        assert (no_number.status_code, no_number.json()["field"]) == (422, "body.to")
        wrong = await desk.post("/api/calls/CA1/transfer", {"to": "911"})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "body.to")
        said = await desk.post("/api/calls/CA1/take-over", {"to": "+15550100199"})
        assert (said.status_code, said.json()["signal"]) == (202, "transfer")
        utterance, _ = await g.said()
        await g.hears(utterance)
        assert (await g.until("transfer")).to == "+15550100199"


async def test_without_nats_calls_cannot_be_looked_at_and_it_is_said(desk: Desk) -> None:
    for path in ("/api/active-calls", "/api/live", "/api/calls/CA1/live"):
        answer = await (await desk.as_("viewer")).get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await desk.post("/api/calls/CA1/hang-up", {})).status_code == 503
