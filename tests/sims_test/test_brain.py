"""What the engine behind the stand-in is asked: what the request meant before it went over the vendor's wire."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from parley.agents.files import load_agent
from parley.errors import BadInput
from parley.settings import Settings
from services.llm.contract import ChatRequest, Message, Passage, Role, ToolCall, ToolChoice, ToolSpec
from services.llm.providers.openai_request import body
from testbed.vendors.openai.brain import Brain, request_of
from testbed.vendors.openai.sim import OpenAISim

AGENT = """
company: Rose & Co.
greeting: Hello, this is Rose and Company.
prompt: You sell roses to {caller}, and nothing else.
variables: {caller: somebody}
knowledge: {retrieve: never}
domain:
  words: [rose, roses]
  slots: {color: {kind: choice, values: [red, white], ask: Which color would you like?}}
  intents:
    order: {phrases: ["i want {color} roses", "i want roses"], tool: order_roses, needs: [color]}
  fallback: I only know about roses.
"""
SYSTEM = 'You sell roses to "Ann", and nothing else.'
HELLO = Message(Role.ASSISTANT, "Hello, this is Rose and Company.")
TOOL = ToolSpec("order_roses", "Order roses.", '{"type":"object","properties":{"color":{"type":"string"}}}')
CALL = ToolCall("x00000000", "order_roses", '{"color":"red"}')
SAID = {
    "a question": (HELLO, Message(Role.USER, "i want roses")),
    "two lines in a row": (HELLO, Message(Role.ASSISTANT, "Are you there?"), Message(Role.USER, "i want roses")),
    "a result": (HELLO, Message(Role.USER, "red roses"), Message(Role.ASSISTANT, "One moment.", (CALL,)),
                 Message(Role.TOOL, '{"summary":"done"}', tool_call_id=CALL.id)),
    "a result, and words behind it": (HELLO, Message(Role.USER, "red roses"), Message(Role.ASSISTANT, "", (CALL,)),
                                      Message(Role.TOOL, "{}", tool_call_id=CALL.id), Message(Role.ASSISTANT, "Well.")),
}  # fmt: skip


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    (tmp_path / "agents" / "shop").mkdir(parents=True)
    (tmp_path / "agents" / "shop" / "agent.yaml").write_text(AGENT)
    return tmp_path / "agents"


def over_the_wire(request: ChatRequest, agents: Path) -> ChatRequest:
    sent = body(request, "a-model", "max_tokens")
    tools: list[dict[str, Any]] = sent["tools"] if sent.get("tool_choice") == "auto" else []
    return request_of(sent["messages"], tools, [load_agent(agents, "shop")])


@pytest.mark.parametrize("said", SAID)
def test_it_is_asked_what_was_meant(agents: Path, said: str) -> None:
    request = ChatRequest(
        call_id="wire", agent="shop", system=SYSTEM, messages=SAID[said], tools=(TOOL,),
        passages=(Passage("Red ones, white ones.\n\nAll fresh.", "roses.md > Colors"), Passage("At noon.", "hours.md")),
    )  # fmt: skip
    assert over_the_wire(request, agents) == request
    silent = replace(request, tool_choice=ToolChoice.NONE)
    assert over_the_wire(silent, agents) == replace(silent, tools=())


def test_notes_of_the_platform_are_nobodys_words(agents: Path) -> None:
    cut = Message(Role.ASSISTANT, "We have red", interrupted=True)
    request = ChatRequest(agent="shop", system=SYSTEM, messages=(HELLO, cut, Message(Role.USER, "i want roses")))
    assert [each.text for each in over_the_wire(request, agents).messages] == [HELLO.text, cut.text, "i want roses"]


def test_a_prompt_that_is_nobodys_is_told(agents: Path) -> None:
    with pytest.raises(BadInput, match="none of shop: You are a pirate"):
        over_the_wire(ChatRequest(system="You are a pirate.", messages=(Message(Role.USER, "hi"),)), agents)


async def test_the_sdk_gets_its_answer_in_the_vendors_pieces(agents: Path, tmp_path: Path) -> None:
    async with (
        Brain(Settings.read(agents_dir=agents, data_dir=tmp_path)) as brain,
        OpenAISim(script=brain) as sim,
        openai.AsyncOpenAI(api_key="made-up", base_url=sim.base_url) as client,
    ):
        request = ChatRequest(system=SYSTEM, messages=(Message(Role.USER, "i want red roses"),), tools=(TOOL,))
        stream = await client.chat.completions.create(**body(request, "a-model", "max_tokens"))
        calls = [call async for chunk in stream for each in chunk.choices for call in each.delta.tool_calls or ()]
    assert len(calls) > 2, "arguments come in pieces"
    assert (calls[0].function.name, "".join(call.function.arguments for call in calls)) == (
        "order_roses", '{"color": "red"}'.replace(" ", ""),
    )  # fmt: skip
