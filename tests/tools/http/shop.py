"""A service elsewhere, over real HTTP: it writes down what it is asked, and behaves as badly as it is told."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

LEAK = "Traceback: password=hunter2 at db.internal"


@dataclass
class Asked:
    method: str
    path: str  # as it came, percent-encoded
    headers: dict[str, str]
    body: str


@dataclass
class Shop:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def will(self, *answers: Any) -> None:
        """The next answers, one each; after them everything is found."""
        self.answers += [each if callable(each) else _said(each) for each in answers]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        self.asked.append(Asked(request.method, request.raw_path, dict(request.headers), body))
        self.arrived.set()
        if self.answers:
            return await self.answers.pop(0)(request)
        return web.json_response({"order": {"status": "shipped", "days": 2, "items": ["bell", "lamp"]}, "inner": "x"})


def _said(status: int) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": LEAK} if status >= 400 else {}, status=status)

    return answer


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def bomb(request: web.Request) -> web.StreamResponse:
    return web.Response(body=gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"})


async def page(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>Not JSON</html>", content_type="text/html")


async def cookies(request: web.Request) -> web.StreamResponse:
    response = web.json_response({})
    response.set_cookie("session", "of-another-caller")
    return response


def moved(to: str, status: int = 302) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": to})

    return answer


def later(status: int, seconds: str) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Retry-After": seconds})

    return answer


def answers(value: Any) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(value)

    return answer


def plain(text: str) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text)

    return answer


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    shop = Shop()
    app = web.Application()
    app.router.add_route("*", "/{path:(?s:.*)}", shop.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    shop.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield shop
    finally:
        await runner.cleanup()
