"""A server that sends exactly what a test gives it: how compatible servers differ."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Refusal:
    """An answer that is none."""

    message: str
    status: int = 400
    code: str = ""


@dataclass
class OddServer:
    """`chunks`: of every answer; dicts are sent as JSON, strings as they stand behind `data: `, bytes as they are.

    `answers`: instead, chunks or a Refusal for each request; None: the connection is cut. `refuses`: fields it does not
    take. `done`: whether the stream ends with [DONE]; `breaks`: whether its connection is cut instead.
    `refuse_with`: status and body of every answer.
    """

    chunks: list[Any] = field(default_factory=list)
    answers: Callable[[dict[str, Any]], list[Any] | Refusal | None] | None = None
    refuses: set[str] = field(default_factory=set)
    says: str = "unknown field {field}"
    done: bool = True
    breaks: bool = False
    content_type: str = "text/event-stream"
    refuse_with: tuple[int, Any] | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        for name in self.refuses & set(body):
            return web.json_response({"error": {"message": self.says.format(field=name)}}, status=400)
        if self.refuse_with is not None:
            return web.json_response(self.refuse_with[1], status=self.refuse_with[0])
        chunks = self.answers(body) if self.answers is not None else self.chunks
        if isinstance(chunks, Refusal):
            error = {"message": chunks.message, "type": "BadRequestError", "code": chunks.code or chunks.status}
            return web.json_response({"error": error}, status=chunks.status)
        response = web.StreamResponse(headers={"Content-Type": self.content_type})
        if chunks is None:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.prepare(request)
        for chunk in chunks:
            if isinstance(chunk, bytes):
                await response.write(chunk)
                continue
            text = chunk if isinstance(chunk, str) else json.dumps(chunk)
            await response.write(f"data: {text}\r\n\r\n".encode())
        if self.breaks and request.transport is not None:
            request.transport.abort()
            return response
        if self.done:
            await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Those of the last request."""
        return list(self.bodies[-1]["messages"])

    @property
    def roles(self) -> list[str]:
        return [message["role"] for message in self.messages]


@asynccontextmanager
async def odd_server(*chunks: Any, **more: Any) -> AsyncIterator[OddServer]:
    odd = OddServer(list(chunks), **more)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", odd.chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    odd.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield odd
    finally:
        await runner.cleanup()


def delta(finish: Any = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def calls(*fragments: dict[str, Any]) -> dict[str, Any]:
    return delta(tool_calls=list(fragments))


def message(finish: Any = "stop", **fields: Any) -> dict[str, Any]:
    """A chunk, or a whole answer, that has a message where a delta should be."""
    return {"choices": [{"index": 0, "message": {"role": "assistant", **fields}, "finish_reason": finish}]}
