"""A typed conversation with an engine, round by round, as the orchestrator would hold it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.llm.contract import ChatRequest, Message, Passage, Role, ToolCall, ToolSpec
from testbed.rounds import Round, heard


def spec(name: str, *arguments: str) -> ToolSpec:
    properties = {argument: {"type": "string"} for argument in arguments}
    return ToolSpec(name, "", json.dumps({"type": "object", "properties": properties}))


@dataclass
class Talk:
    """`say` gives what the bot answers in the end; `did` is every tool call. A new engine may take each round."""

    engine: Callable[[], Any]
    agent: str
    tools: Mapping[str, Callable[..., Any]]
    specs: tuple[ToolSpec, ...]
    passages: tuple[Passage, ...] = ()
    messages: list[Message] = field(default_factory=list)
    did: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def say(self, text: str, *, breaks_in_after: str | None = None) -> str:
        self.messages.append(Message(Role.USER, text))
        made = await self._round()
        while made.calls:
            self.messages.append(Message(Role.ASSISTANT, made.text, tuple(made.calls)))
            self.messages += [self._execute(call) for call in made.calls]
            made = await self._round()
        told = made.text if breaks_in_after is None else made.text[: made.text.index(breaks_in_after)] + breaks_in_after
        self.messages.append(Message(Role.ASSISTANT, told, interrupted=breaks_in_after is not None))
        return made.text

    async def _round(self) -> Round:
        request = ChatRequest(agent=self.agent, messages=tuple(self.messages), tools=self.specs, passages=self.passages)
        return await heard(self.engine(), request)

    def _execute(self, call: ToolCall) -> Message:
        arguments = json.loads(call.arguments)
        self.did.append((call.name, arguments))
        return Message(Role.TOOL, json.dumps(self.tools[call.name](**arguments)), tool_call_id=call.id)
