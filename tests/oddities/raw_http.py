"""A model's server on loopback that sends exactly the bytes it was given, to each line its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.oddities.openai_wire import DRIP_S, Answer
from tests.oddities.refusals import refusal

BETWEEN_S = 0.0005
"""Between two pieces, so that they arrive as two."""


@dataclass
class Line:
    """What one line is answered: `answers` in order, the last one again and again. `bodies`: what was asked."""

    answers: list[Answer]
    refuses: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    answered: int = 0
    open: int = 0

    def next(self, body: dict[str, Any]) -> Answer:
        self.bodies.append(body)
        if said := refusal(self.refuses, body):
            error = {"object": "error", "message": said, "type": "BadRequestError", "param": None, "code": 400}
            headers = {"Content-Type": "application/json"}
            return Answer((json.dumps({"error": error, **error}).encode(),), "CLOSE", status=400, headers=headers)
        self.answered += 1
        return self.answers[min(self.answered, len(self.answers)) - 1]


class RawHttp:
    """`lines` by name; a line's base URL is `url/<name>/v1`."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.url = ""

    async def chat(self, request: web.Request) -> web.StreamResponse:
        line = self.lines[request.match_info["line"]]
        line.open += 1
        try:
            return await self._answer(request, line.next(await request.json()))
        finally:
            line.open -= 1

    async def _answer(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(request)
        for step in answer.steps:
            if isinstance(step, bytes):
                await response.write(step)
                await asyncio.sleep(BETWEEN_S)
            else:
                await asyncio.sleep(step)
        while answer.drip:
            await response.write(answer.drip)
            await asyncio.sleep(DRIP_S)
        if answer.end == "HANG":
            await asyncio.Event().wait()
        if answer.end == "CUT" and request.transport is not None:
            request.transport.abort()
            return response
        await response.write_eof()
        return response


@asynccontextmanager
async def raw_http() -> AsyncIterator[RawHttp]:
    server = RawHttp()
    app = web.Application()
    app.router.add_post("/{line}/v1/chat/completions", server.chat)
    # A handler is cancelled when its client goes: one that never answers ends with it.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
