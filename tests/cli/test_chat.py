"""`parley chat` with piped input, against a page socket that follows a script."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from cli.calling.shown import line_of
from tests.cli.test_call import parley


class Page:
    """Echoes each text in two parts, after a filler. `lose` drops the connection at that text; `over` ends the call."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.texts: list[str] = []
        self.parameters: list[dict[str, str]] = []
        self.hung_up = False
        self.lose = self.over = self.ignore = self.show = ""
        self._utterance = 0

    async def session(self, request: web.Request) -> web.Response:
        if request.query["agent"] == "nobody":
            return web.json_response({"error": "no such agent; known: ['frontdesk']"}, status=404)
        cards = [{"name": "order", "kind": "facts", "title": "Your order"}]
        return web.json_response({"token": "first", "wrapper": {"cards": cards}})

    async def chat(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            event = json.loads(message.data)
            if event["type"] == "start":
                self.parameters += [event["parameters"]] if "parameters" in event else []
                await self._start(socket, event["token"])
            elif event["type"] == "text":
                await self._text(socket, event["text"])
            else:
                self.hung_up = event["type"] == "hang_up"
        return socket

    async def _start(self, socket: web.WebSocketResponse, token: str) -> None:
        self.started.append(token)
        await socket.send_json({"type": "ready", "call_id": "web-1", "leg": 1, "agent": "x", "resume": "again"})
        if token == "first":
            await self._say(socket, "Hello.")
        else:
            await self._say(socket, "Where were we?")

    async def _text(self, socket: web.WebSocketResponse, text: str) -> None:
        self.texts.append(text)
        if text == self.lose:
            assert socket._req is not None
            assert socket._req.transport is not None
            socket._req.transport.abort()
        elif text == self.over:
            await socket.send_json({"type": "ended", "reason": "goodbye"})
            await socket.close()
        elif text == self.show:
            await socket.send_json(
                {"type": "show", "name": "order", "json": '{"Order": "1234\\u001b[2J", "Paid": true}'}
            )
            await self._say(socket, "There it is.")
        elif text != self.ignore:
            await self._say(socket, "One moment.", kind=2)
            await self._say(socket, "You said ", text + ".")

    async def _say(self, socket: web.WebSocketResponse, *parts: str, kind: int = 1) -> None:
        self._utterance += 1
        common: dict[str, Any] = {"type": "say", "utterance": self._utterance, "kind": kind}
        for place, part in enumerate(parts, 1):
            await socket.send_json({**common, "text": part, "final": place == len(parts)})


@asynccontextmanager
async def page() -> AsyncIterator[tuple[Page, str]]:
    served = Page()
    app = web.Application()
    app.router.add_get("/health", _ok)
    app.router.add_get("/api/session", served.session)
    app.router.add_get("/ws/chat", served.chat)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield served, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _ok(_: web.Request) -> web.Response:
    return web.Response()


async def test_piped_lines_are_answered_one_by_one() -> None:
    async with page() as (served, url):
        status, out, err = await parley("chat", "--gateway", url, stdin=b"hi\n\nbye\n")
    assert (status, err) == (0, "")
    assert out == ("bot: Hello.\nbot: One moment.\nbot: You said hi.\nbot: One moment.\nbot: You said bye.\n")
    assert served.texts == ["hi", "bye"]
    assert served.hung_up


async def test_a_lost_connection_is_taken_up_again() -> None:
    async with page() as (served, url):
        served.lose = "hi"
        status, out, _ = await parley("chat", "--gateway", url, stdin=b"hi\nstill there\n")
    assert status == 0
    assert served.started == ["first", "again"]
    assert "Where were we?" in out
    assert "You said still there." in out


async def test_the_bot_may_end_the_chat() -> None:
    async with page() as (served, url):
        served.over = "bye"
        status, _, err = await parley("chat", "--gateway", url, stdin=b"bye\nmore\n")
    assert status == 0
    assert err == ""
    assert served.texts == ["bye"]


async def test_a_specialist_is_talked_to_alone() -> None:
    async with page() as (served, url):
        elsewhere = "chat", "--gateway", url, "--agent", "elsewhere", "--specialist", "billing"
        status, _, _ = await parley(*elsewhere, stdin=b"")
        assert (status, served.parameters) == (0, [{"specialist": "billing"}])
        status, _, err = await parley("chat", "--gateway", url, "--agent", "frontdesk", "--specialist", "billing")
    assert status == 2
    assert err == "parley: --specialist billing: frontdesk has no such one; known are none\n"


async def test_an_unknown_agent_is_named() -> None:
    async with page() as (_, url):
        status, _, err = await parley("chat", "--gateway", url, "--agent", "nobody")
    assert status == 2
    assert err == "parley: --agent nobody: no such agent; known: ['frontdesk']\n"


async def test_what_the_page_would_show_is_one_plain_line() -> None:
    async with page() as (served, url):
        served.show = "order"
        status, out, err = await parley("chat", "--gateway", url, stdin=b"order\n")
    assert (status, err) == (0, "")
    assert out == "bot: Hello.\n[Your order: Order 1234 [2J; Paid true]\nbot: There it is.\n"


@pytest.mark.parametrize(
    ("card", "value", "line"),
    [
        ({}, {"Order": 1234}, "[a: Order 1234]"),
        (
            {"kind": "list"},
            [{"title": "Monday", "detail": "9:30", "status": "free"}, {"title": "Tuesday"}],
            "[A: Monday, 9:30, free; Tuesday]",
        ),
        (
            {"kind": "progress"},
            {"percent": 40, "steps": [{"title": "Line", "state": "running"}, {"title": "Speed", "state": "waiting"}]},
            "[A: 40%; Line running]",
        ),
        ({"kind": "meter", "unit": "bar"}, 7.4, "[A: 7.4 bar]"),
        ({"kind": "meter", "unit": "bar"}, {"value": 7.4, "detail": "now"}, "[A: 7.4 bar, now]"),
        ({"kind": "form", "fields": [{"label": "Name"}, {"label": "Day"}]}, {}, "[A: a form that asks for Name, Day]"),
        ({"kind": "link", "label": "Track it"}, {"url": "https://example.com"}, "[A: Track it, https://example.com]"),
        ({"kind": "facts"}, None, "[A: taken away]"),
        ({"kind": "list"}, ["of another time"], '[A: ["of another time"]]'),
        ({"kind": "facts"}, {"Long": "x" * 1000}, f"[A: Long {'x' * 289}...]"),
    ],
)
def test_each_kind_of_card_as_a_line(card: dict[str, Any], value: Any, line: str) -> None:
    assert line_of({"a": {"title": "A", **card}} if card else {}, "a", json.dumps(value)) == line
