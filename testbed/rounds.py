"""Rounds with a model: what one gave, and the llm service around a chain of engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from parley.rpc import Admission, Peers, Server
from parley.settings import Settings
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.addressed import Habits, addressed
from services.llm.chat import Chain
from services.llm.contract import ChatRequest, Finish, LlmEvent, Message, Role, TextDelta, ToolCall, Unsay, Usage
from services.llm.servicer import LanguageModel
from testbed.patience import PATIENCE_S


@dataclass
class Round:
    """What one round gave."""

    text: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    usage: Usage | None = None
    finish: Finish | None = None
    deltas: int = 0

    def take(self, event: LlmEvent) -> None:
        match event:
            case TextDelta(text):
                self.text += text
                self.deltas += 1
            case ToolCall():
                self.calls.append(event)
            case Usage():
                self.usage = event
            case Unsay():
                self.text = ""
            case Finish():
                assert self.finish is None
                self.finish = event


async def heard(engine: Any, request: ChatRequest, habits: Habits | None = None) -> Round:
    """A whole round of a provider, or of a chain of them, as it leaves the service."""
    events = engine.chat(request)
    if not isinstance(engine, Chain):
        events = addressed(events, request, habits or Habits())
    made = Round()
    async for event in events:
        assert made.finish is None, "nothing comes after Finish"
        made.take(event)
    assert made.finish is not None
    return made


def asks(text: str, **more: Any) -> ChatRequest:
    return ChatRequest(system="You are a front desk.", messages=(Message(Role.USER, text),), **more)


def settings(base_url: str = "http://127.0.0.1:9", **more: Any) -> Settings:
    return Settings.read(OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=base_url, **more)


@asynccontextmanager
async def serving(chain: Chain) -> AsyncIterator[str]:
    """The llm service on a free port; its address."""
    admission = Admission(10)
    server = Server("llm", "127.0.0.1:0", admission)
    named = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
    server.add(named, llm_pb2_grpc.add_LanguageModelServicer_to_server, LanguageModel(chain, admission))
    await server.start()
    try:
        yield f"127.0.0.1:{server.port}"
        assert await admission.drained(2), "a round was left open"
    finally:
        await server.drain(0)
        await chain.aclose()


@asynccontextmanager
async def service(chosen: Settings) -> AsyncIterator[Peers]:
    """The llm service, and a client of it."""
    async with serving(Chain.from_settings(chosen)) as address, Peers("llm", [address]) as peers:
        assert await peers.ready(PATIENCE_S)
        yield peers
