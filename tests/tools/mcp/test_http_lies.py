"""A server elsewhere by hand, which answers without end, packed, elsewhere, or not at all."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.tools.mcp.conftest import SECRET, described, until_answered, until_listed
from tests.tools.service import STATUS

NAMES = ["echo", "endless", "packed", "moved", "hang", "abort", "html"]
JSON = {"Content-Type": "application/json"}


class Liar:
    url = ""

    def __init__(self) -> None:
        self.tokens: set[str] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.tokens.add(request.headers.get("Authorization", ""))
        if request.method != "POST":
            return web.Response(status=405)
        message = json.loads(await request.read())
        match message.get("method"):
            case "initialize":
                info = {"name": "liar", "version": "1"}
                capabilities: dict[str, Any] = {"tools": {}}
                result: dict[str, Any] = {
                    "protocolVersion": "2025-06-18",
                    "capabilities": capabilities,
                    "serverInfo": info,
                }
            case "tools/list":
                result = {"tools": [described(name) for name in NAMES]}
            case "tools/call":
                return await self.call(request, message)
            case "server/discover":
                return web.Response(status=404)
            case _:
                return web.Response(status=202)
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

    async def call(self, request: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        answer = {"content": [{"type": "text", "text": "fine"}]}
        whole = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer}).encode()
        match message["params"]["name"]:
            case "endless":
                response = web.StreamResponse(headers=JSON)
                await response.prepare(request)
                while True:
                    await response.write(b" " * 65536)
            case "packed":
                return web.Response(body=gzip.compress(whole), headers={**JSON, "Content-Encoding": "gzip"})
            case "moved":
                return web.Response(status=307, headers={"Location": "http://127.0.0.2:1/mcp"})
            case "hang":
                await asyncio.Event().wait()
            case "abort":
                assert request.transport is not None
                request.transport.abort()
            case "html":
                return web.Response(text="<html>", content_type="text/html")
        return web.Response(body=whole, headers=JSON)


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    made = Liar()
    app = web.Application()
    app.router.add_route("*", "/mcp", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/mcp"  # type: ignore[union-attr]
    yield made
    await runner.cleanup()


@pytest.mark.parametrize("effects", [False, True])
async def test_no_answer_of_a_server_elsewhere_does_harm(serve: Any, liar: Liar, effects: bool, capsys: Any) -> None:
    marks = {name: {"effects": effects, "limit_s": 0.5 if name == "hang" else 10} for name in NAMES}
    auth = {"type": "header", "name": "Authorization", "secret": "BANK_KEY"}
    desk = await serve(mcp={"liar": {"url": liar.url, "auth": auth, "tools": marks}})
    await until_listed(desk, "liar_echo")
    for intent, name in enumerate(NAMES[1:], start=1):
        outcome = await desk.execute(f"liar_{name}", intent, agent="a")
        assert (name, outcome.status) == (name, STATUS.STATUS_UNKNOWN if effects else STATUS.STATUS_FAILED)
        await until_answered(desk, "liar_echo", STATUS.STATUS_OK, first_intent=1000 * intent)
    assert liar.tokens == {SECRET}
    written = capsys.readouterr()
    assert SECRET not in written.out + written.err
