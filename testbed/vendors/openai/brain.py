"""A model that knows its trade, behind the vendor's wire: the engine without a vendor answers for the stand-in.

It is asked what the request says and nothing else, as a vendor's model would be: whose agent speaks stands in the
system prompt, knowledge and notes in the user's messages. So an agent's conversations can be held through the vendor's
own SDK, with nobody's key. How the answer is cut into chunks, what its calls are called: that is the stand-in's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

import orjson

from parley.agents.agent import Agent
from parley.agents.files import known_agents, load_agent
from parley.errors import BadInput
from parley.settings import Settings
from services.llm import histories
from services.llm.contract import ChatRequest, Message, Passage, Role, TextDelta, ToolCall, ToolChoice, ToolSpec
from services.llm.providers.local import Local
from testbed.vendors.openai.script import Call, Messages, Reply, Tools, text_of

_PLACE = re.compile(r"\{\w+\}")
_REFERENCE = re.compile(r"<reference>\n(.*?)\n</reference>\s*", re.DOTALL)
_PASSAGE = re.compile(r'<passage source="([^"]*)">\n(.*?)\n</passage>', re.DOTALL)
_NOTES = (histories.CONNECTED, histories.BROKE_IN, histories.NOT_HEARD, histories.GO_ON, histories.WHAT_NOW)
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.TOOL}


class Brain:
    """A script for `OpenAISim`, for the agents of the folder `settings.agents_dir`: `async with Brain(settings)`, which
    takes some seconds of learning each. Raises Misconfigured, NotFound (no such folder)."""

    def __init__(self, settings: Settings) -> None:
        self._engine = Local(settings)
        self._agents = [load_agent(settings.agents_dir, name) for name in known_agents(settings.agents_dir)]

    async def __call__(self, messages: Messages, tools: Tools) -> Reply:
        request = await self._weighed(request_of(messages, tools, self._agents))
        text, calls = "", []
        async for event in self._engine.chat(request):
            match event:
                case TextDelta(words):
                    text += words
                case ToolCall(name=name, arguments=arguments):
                    calls.append(Call(name, arguments))
        return Reply(text, tuple(calls))

    async def _weighed(self, request: ChatRequest) -> ChatRequest:
        """How near the passages are to the question is not on the wire: a model sees for itself."""
        embedder = await self._engine.embeds() if request.passages else None
        if embedder is None:
            return request
        asked = next(message.text for message in reversed(request.messages) if message.role is Role.USER)
        searched = [f"{each.source.partition(' > ')[2]}\n{each.text}".strip() for each in request.passages]
        question, *found = await embedder.embed_async([asked, *searched])
        weighed = zip(request.passages, found, strict=True)
        return replace(request, passages=tuple(replace(each, score=float(question @ its)) for each, its in weighed))

    async def __aenter__(self) -> Self:
        for agent in self._agents:
            await self._engine.learn(agent.name, agent.version)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._engine.aclose()


def request_of(messages: Messages, tools: Tools, agents: list[Agent]) -> ChatRequest:
    """What the request on the wire asks. Raises BadInput: its system prompt is none of the agents'."""
    system = next((text_of(message) for message in messages if message["role"] == "system"), "")
    agent = next((agent for agent in agents if _its_own(agent) in system), None)
    if agent is None:
        raise BadInput(f"the system prompt is of none of {', '.join(each.name for each in agents)}: {system[:200]}")
    said = [each for message in messages for each in _said(message)]
    return ChatRequest(
        call_id="wire",
        agent=agent.name,
        system=system,
        messages=tuple(said),
        tools=tuple(_tool(each["function"]) for each in tools),
        tool_choice=ToolChoice.AUTO if tools else ToolChoice.NONE,
        passages=tuple(passage for message in messages for passage in _passages(message)),
        language=agent.language,
    )


def _its_own(agent: Agent) -> str:
    """The longest piece of its prompt that is the same in every call."""
    return max((piece.strip() for piece in _PLACE.split(agent.prompt)), key=len)


def _said(message: Mapping[str, Any]) -> Iterator[Message]:
    """One message for each thing said: on the wire lines in a row of the same one stand in one message."""
    if message["role"] not in _ROLES:
        return
    role, text = _ROLES[message["role"]], str(message.get("content") or "")
    calls = tuple(
        ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    )
    if role is Role.TOOL:
        yield Message(role, text, tool_call_id=message["tool_call_id"])
        return
    lines = [line for line in map(_without_notes, _REFERENCE.sub("", text, count=1).split("\n")) if line]
    yield from (Message(role, line) for line in (lines[:-1] if calls else lines))
    if calls:
        yield Message(role, lines[-1] if lines else "", calls)


def _without_notes(line: str) -> str:
    """What was said, without what the platform writes beside it."""
    for note in _NOTES:
        line = line.replace(note, "")
    return line.removesuffix(histories.NO_WORD).strip()


def _passages(message: Mapping[str, Any]) -> Iterator[Passage]:
    found = _REFERENCE.search(str(message.get("content") or "")) if message["role"] == "user" else None
    for source, text in _PASSAGE.findall(found[1] if found else ""):
        yield Passage(text, source.replace("\u203a", ">"))  # as `foreign.attribute` writes it


def _tool(function: Mapping[str, Any]) -> ToolSpec:
    return ToolSpec(function["name"], function.get("description", ""), orjson.dumps(function["parameters"]).decode())
