"""A caller who types at a gateway's WebSocket (docs/protocol.md), and notes when it did what."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from parley.agents.conversations.conversation import Turn
from parley.aio import background
from parley.errors import Unavailable
from testbed.eval.course import Exchange

ANSWER_S = 120.0
"""For a whole answer: longer than it takes on any machine."""
QUIET_S = 0.5
"""An answer is over when the bot listens and nothing comes for so long."""
KEYS_S = 10.0
"""For the bot to begin upon keys: the mind takes them for all when no more come for 2 s."""
END_S = 2.0
"""For a bot that has said goodbye to hang up, before the caller does."""


class ChattingCaller:
    """Types the lines. `acts`, `at`: what it did, and when (milliseconds since 1970)."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._news = asyncio.Event()
        self._busy = False
        self._open: set[int] = set()
        self._begun = 0  # of what comes when the bot takes its turn
        self._asked = 0.0
        self.over = False
        self.call_id = ""
        self.lost = ""
        self.acts: list[Exchange] = []
        self.at: list[int] = []

    async def talks(self, turns: Sequence[Turn], bot_first: bool) -> None:
        """Until there is nothing more to say, or the call is over. Raises TimeoutError: no whole answer."""
        async with asyncio.timeout(ANSWER_S):
            await self._until(lambda: bool(self.call_id) and (self._begun > 0 or not bot_first))
        await self._settled()
        for turn in turns:
            if self.over:
                return
            await self._act(turn)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self._until(lambda: False)

    async def _act(self, turn: Turn) -> None:
        act = Exchange(caller=turn.caller, keys=turn.keys, silent_s=turn.silent_s)
        self.acts.append(act)
        self.at.append(int(time.time() * 1000))
        self._asked, begun = time.monotonic(), self._begun
        if turn.silent_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(turn.silent_s):
                    await self._until(lambda: False)
        elif turn.keys:
            for key in turn.keys:
                await self._send(type="dtmf", digit=key)
            with suppress(TimeoutError):
                async with asyncio.timeout(KEYS_S):
                    await self._until(lambda: self._begun > begun)
        else:
            await self._send(type="text", text=turn.caller)
            async with asyncio.timeout(ANSWER_S):
                await self._until(lambda: self._begun > begun)
        await self._settled()

    async def _settled(self) -> None:
        """Until the bot has said what it has to say."""
        async with asyncio.timeout(ANSWER_S):
            while not self.over:
                await self._until(lambda: not (self._busy or self._open))
                self._news.clear()
                try:
                    async with asyncio.timeout(QUIET_S):
                        await self._news.wait()
                except TimeoutError:
                    return

    async def _until(self, holds: Any) -> None:
        """Also until the call is over."""
        while not (self.over or holds()):
            self._news.clear()
            await self._news.wait()

    async def _send(self, **message: Any) -> None:
        with suppress(ConnectionClosed):  # the bot was quicker
            await self._socket.send(json.dumps(message))

    async def listen(self) -> None:
        try:
            async for message in self._socket:
                self._take(json.loads(message))
                self._news.set()
        except ConnectionClosed as e:
            if not self.over:
                self.lost = f"the gateway closed the socket: {e}"
        finally:
            self.over = True
            self._news.set()

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ready":
                self.call_id = message["call_id"]
            case "state":
                self._busy = message["state"] != "listening"
                self._begun += self._busy
            case "say":
                self._begun += 1
                (self._open.discard if message["final"] else self._open.add)(message["utterance"])
                answers = message["text"] and message["kind"] != "filler"
                if self.acts and self.acts[-1].first_word_ms is None and answers:
                    self.acts[-1].first_word_ms = (time.monotonic() - self._asked) * 1000
            case "cut":
                self._open.discard(message["utterance"])
            case "transfer" | "ended":
                self.over = True

    async def leave(self) -> None:
        await self._send(type="hang_up")


@asynccontextmanager
async def chatting(gateway_url: str, path: str, agent: str, **known: Any) -> AsyncIterator[ChattingCaller]:
    """A caller at `path`, who hangs up when the block is left. `known`: what `start` says beside the token.

    Raises Unavailable: the gateway does not let him in.
    """
    start = json.dumps({"type": "start", "token": await _token(gateway_url, agent), **known})
    socket = await _let_in(gateway_url.replace("http", "ws", 1) + path, start)
    async with socket:
        caller = ChattingCaller(socket)
        async with background(caller.listen()):
            yield caller
            await caller.leave()
            await socket.close()


async def _token(gateway_url: str, agent: str) -> str:
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_S) as client:
            answer = await client.get(f"{gateway_url}/api/session", params={"door": "chat", "agent": agent})
    except httpx.HTTPError as e:
        raise Unavailable(f"the gateway gives no session ({type(e).__name__})") from e
    if not answer.is_success:
        raise Unavailable(f"the gateway gives no session: {answer.status_code} {answer.text[:200]}")
    return str(answer.json()["token"])


async def _let_in(url: str, start: str) -> ClientConnection:
    try:
        socket = await connect(url, proxy=None)
        await socket.send(start)
    except (WebSocketException, OSError, TimeoutError) as e:
        raise Unavailable(f"the gateway refused the socket: {type(e).__name__} {e}") from e
    return socket
