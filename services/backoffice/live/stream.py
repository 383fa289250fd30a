"""A topic as `text/event-stream` to one client: what it missed or a snapshot, then the news as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from parley.aio import background
from parley.errors import Unavailable
from services.backoffice.live.topic import DROPPED, News, Topic, message

ALIVE_S = 15.0
STILL_S = 5.0
"""How long at most somebody is told of calls who may not see them any more."""
SEND_S = 5.0
"""A client whose connection takes nothing for so long does not read."""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
COMMENT = b": still here\n\n"
AGAIN = b"retry: 2000\n\n"

Still = Callable[[], Awaitable[bool]]


class Followed(Response):
    """`snapshot()` is told first, unless `last_id` is still kept. `still()`: may the client go on? Asked every 5 s,
    however much there is to tell; raises Unavailable: nobody knows, and the client has to come back.

    Made where the client enters the topic: nothing may come between the snapshot and the news after it.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        topic: Topic,
        snapshot: Callable[[], Any],
        *,
        numbers: bool,
        last_id: str = "",
        still: Still | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers={**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._topic, self._numbers, self._still = topic, numbers, still
        missed = topic.since(last_id) if last_id else None
        self._first = missed if missed is not None else [News(topic.at, "snapshot", snapshot())]
        self._client = topic.enter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._send(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            gone = asyncio.Event()
            async with background(_until_gone(receive, gone, self._client.end)):
                async for text in self._texts():
                    if gone.is_set():
                        return
                    await self._send(send, {"type": "http.response.body", "body": text, "more_body": True})
            await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            DROPPED.inc()
        except OSError:
            pass  # it went away
        finally:
            self._topic.leave(self._client)

    async def _send(self, send: Send, what: Message) -> None:
        async with asyncio.timeout(SEND_S):
            await send(what)

    async def _texts(self) -> AsyncIterator[bytes]:
        yield AGAIN
        for news in self._first:
            yield news.told(self._numbers)
        clock = asyncio.get_running_loop()
        ask_at, alive_at = clock.time() + STILL_S, clock.time() + ALIVE_S
        while True:
            next_one, came = await self._next(min(ask_at, alive_at))
            if clock.time() >= ask_at:
                if why := await self._over():
                    yield message("bye", {"why": why})
                    return
                ask_at = clock.time() + STILL_S
            if came and next_one is None:
                if self._client.ended:
                    yield message("bye", {"why": self._client.ended})
                return
            if next_one is not None:
                yield next_one.told(self._numbers)
            elif clock.time() >= alive_at:
                yield COMMENT
            else:
                continue
            alive_at = clock.time() + ALIVE_S

    async def _next(self, until: float) -> tuple[News | None, bool]:
        """What comes first until then, and whether anything came. None that came: it is over."""
        try:
            async with asyncio.timeout_at(until):
                return await self._client.news.get(), True
        except TimeoutError:
            return None, False

    async def _over(self) -> str:
        """Why the client is told nothing more; empty: it may go on."""
        try:
            return "" if self._still is None or await self._still() else "signed out"
        except Unavailable:
            return "going away"


async def _until_gone(receive: Receive, gone: asyncio.Event, end: Callable[[str], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()
    end("gone")
