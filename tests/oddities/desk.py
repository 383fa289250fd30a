"""A desk whose model is odd: the real mind, llm service and tools service; only the model's server is scripted."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parley.engines import load
from parley.engines.breaker import Breakers
from parley.errors import NotBuilt, Unavailable
from parley.rpc import Admission, Peers, Server
from parley.settings import Settings
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.chat import Chain
from services.llm.servicer import LanguageModel
from services.orchestrator.wiring import wired
from services.tools.wiring import wire as wire_tools
from testbed.organs import serving
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import nats_server
from tests.oddities import journal
from tests.oddities.caller import TURN_S, Caller, Turn
from tests.oddities.openai_wire import Answer, answer
from tests.oddities.raw_http import Line, RawHttp, raw_http
from tests.oddities.rows import FOLDER, Row

FIRST_TOKEN_S, STALL_S = 3.0, 2.0
BUSY_S = 20.0
TRIES = 4
"""Both, of answers that come without a pause: a slow machine must not look like a silent vendor."""
AT_ONCE = 8
"""Rows played at the same time; those that wait for something cost nothing and are not counted."""


@dataclass
class Played:
    """What came of a row."""

    turns: list[Turn]
    line: Line
    did: list[tuple[str, dict[str, Any]]]
    open_breakers: list[str]
    spent: tuple[int, int] = (0, 0)

    @property
    def heard(self) -> list[str]:
        return [turn.heard for turn in self.turns]

    @property
    def asked(self) -> int:
        return len(self.line.bodies)

    @property
    def over(self) -> bool:
        """Every turn came to its end in time."""
        return all(turn.over for turn in self.turns)


class LanguageModels(llm_pb2_grpc.LanguageModelServicer):
    """To each call its own llm service, so that no row learns from another's server."""

    def __init__(self) -> None:
        self.of: dict[str, LanguageModel] = {}

    async def Live(self, requests: Any, context: Any) -> AsyncIterator[llm_pb2.LiveEvent]:
        raise NotBuilt("not here")
        yield

    async def Understand(self, request: Any, context: Any) -> llm_pb2.UnderstandResponse:
        raise NotBuilt("not here")

    async def Route(self, request: Any, context: Any) -> llm_pb2.RouteResponse:
        raise NotBuilt("not here")

    async def Chat(self, request: llm_pb2.ChatRequest, context: Any) -> AsyncIterator[llm_pb2.ChatEvent]:
        async for event in self.of[request.call_id].Chat(request, context):
            yield event


@dataclass
class Desk:
    """Plays rows, each as a call of its own."""

    server: RawHttp
    models: LanguageModels
    peers: Peers
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    turn_s: float = TURN_S

    async def play(self, row: Row, answers: list[Answer] | None = None) -> Played:
        """The row, or other `answers` in its place."""
        answers = answers or [answer(each) for each in row.sends]
        if places := row.get("cuts"):
            assert places == "bytes"
            answers = [each.cut(list(range(1 << 16))) if each.steady else each for each in answers]
        says = row.get("says", "hello")
        talk = answers, [says] if isinstance(says, str) else says, row.get("refuses", [])
        if not all(each.steady or each.status != 200 for each in answers):
            return await self.call(*talk)
        async with self.room:
            return await self.call(*talk)

    async def call(self, answers: list[Answer], says: list[str], refuses: list[str], agent: str = "desk") -> Played:
        """Made anew when the mind, in this same process, is left for its silence: the machine had no time."""
        for _ in range(TRIES):
            with suppress(Unavailable):
                return await self._call(answers, says, refuses, agent)
        return await self._call(answers, says, refuses, agent)

    async def _call(self, answers: list[Answer], says: list[str], refuses: list[str], agent: str) -> Played:
        call_id = f"CA{next(self.numbers)}"
        line = self.server.lines[call_id] = Line(answers, refuses)
        breakers = Breakers("llm")
        provider: Any = load("llm", "openai")
        chain = Chain({"openai": provider(self.settings(call_id, all(each.steady for each in answers)))}, breakers)
        self.models.of[call_id] = LanguageModel(chain, Admission(50))
        caller = Caller(self.peers, call_id, self.turn_s, agent)
        try:
            turns = await caller.talk(says)
        finally:
            await caller.hang_up()
            await chain.aclose()
        opened = ["openai"] if breakers.of("openai").is_open else []
        return Played(turns, line, journal.DONE.pop(call_id, []), opened, caller.spent)

    def settings(self, call_id: str, steady: bool) -> Settings:
        return Settings.read(
            OPENAI_API_KEY="sk-test",
            OPENAI_BASE_URL=f"{self.server.url}/{call_id}/v1",
            PARLEY_LLM_FIRST_TOKEN_S=BUSY_S if steady else FIRST_TOKEN_S,
            PARLEY_LLM_STALL_S=BUSY_S if steady else STALL_S,
        )


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(raw_http())
        nats = await stack.enter_async_context(nats_server(folder))
        models, organs = LanguageModels(), Server("organs", "127.0.0.1:0", Admission(400))
        organs.add(
            llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"],
            llm_pb2_grpc.add_LanguageModelServicer_to_server,
            models,
        )
        kept = {"agents_dir": FOLDER / "agents", "agent": "desk", "data_dir": folder / "data"}
        stack.push_async_callback(await wire_tools(organs, Settings.read(**kept, drain_s=1.0)))
        await organs.start()
        stack.push_async_callback(organs.drain, 0)
        address = f"127.0.0.1:{organs.port}"
        calls, close = await wired(
            Settings.read(**kept, tools_address=address, rag_address=address, llm_address=address, nats_url=nats.url)
        )
        stack.push_async_callback(close)
        mind = await serving(calls)
        stack.push_async_callback(mind.drain, 0)
        peers = await stack.enter_async_context(Peers("orchestrator", [f"127.0.0.1:{mind.port}"]))
        assert await peers.ready(PATIENCE_S)
        yield Desk(server, models, peers)


def told(played: Played) -> str:
    """The messages of the last request, as one text."""
    bodies = played.line.bodies
    return json.dumps(bodies[-1]["messages"], ensure_ascii=False) if bodies else ""
