"""Whatever happens in a call, what the model is sent of it is a history that strict servers take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.v1 import llm_pb2
from services.llm.providers.openai_request import Form, messages
from services.llm.servicer import from_proto
from services.orchestrator.mind import effects, events, history
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.bot.speculation import imagined
from services.orchestrator.mind.effects import Think
from services.orchestrator.mind.state import Call, Ended, Epoch, Passage
from services.orchestrator.run import prompt
from tests.llm import strict
from tests.orchestrator.calls import POLICY, Script, of

AGENT_YAML = "company: Bikes\ngreeting: Hello.\nprompt: You answer the phone.\nvoice: {local: en-us}\n"
LIVELY = replace(
    POLICY, filler_ms=300, fillers=("One moment.", "Let me see."), retry_ms=2000, ahead="stable", goodbye="Goodbye."
)
SILENT = replace(LIVELY, greeting="")
BOOK = ToolUse("0", "book_visit", '{"day": "friday"}')
LOOK = ToolUse("", "look_up", "{}")
WRONG = ToolUse("x", "look_up", "{}", outcome=Outcome("refused", message="the arguments are no JSON object"))
TOOLS = [llm_pb2.ToolSpec(name="look_up", parameters_json="{}"), llm_pb2.ToolSpec(name="book_visit")]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Agent:
    folder = tmp_path_factory.mktemp("agents")
    (folder / "bikes").mkdir()
    (folder / "bikes" / "agent.yaml").write_text(AGENT_YAML)
    return load_agent(Path(folder), "bikes")


def asked(call: Call, agent: Agent, think: Think) -> None:
    """The request of this round is one that strict servers take, in every form."""
    made = prompt.request(imagined(call, think), agent, "openai", TOOLS, think, "")
    request = from_proto(llm_pb2.ChatRequest.FromString(made.SerializeToString()))
    sent = messages(request)
    strict.alternates(sent)
    strict.mistral(sent)
    strict.gemma(messages(request, Form(plain=True)))
    results = {m["tool_call_id"]: m["content"] for m in sent if m["role"] == "tool"}
    for line in call.history:
        for tool in getattr(line, "tools", ()):
            told = results.get(history.call_id(tool))
            assert told in (None, history.tool_text(tool)), "each call is told its own result"


class Watched(Script):
    """A call of which every request is looked at."""

    def __init__(self, agent: Agent, *args: Any, **opened: Any) -> None:
        self.agent = agent
        super().__init__(*args, **opened)

    def feed(self, event: events.Event) -> list[effects.Effect]:
        out = super().feed(event)
        for think in of(Think, out):
            asked(self.state, self.agent, think)
        return out


def _think(call: Script) -> Think | None:
    thinks = call.all_of(Think)
    return thinks[-1] if thinks else None


def ends(text: str = "", tools: tuple[ToolUse, ...] = (), error: str = "") -> Callable[[Script], None]:
    def happens(call: Script) -> None:
        if _think(call) is not None:
            call.finishes(text, tools, error)

    return happens


def tool_ends(status: str, then: Then | None = None) -> Callable[[Script], None]:
    def happens(call: Script) -> None:
        for tool in history.open_tools(call.state)[:1]:
            call.tool(tool.intent, f'{{"of": {tool.intent}}}' if status == "ok" else "", status, then)

    return happens


def last_line(call: Script) -> int:
    pending = history.unheard(call.state)
    return pending[0].utterance if pending else call.state.utterance


def found(call: Script) -> None:
    call._feed(events.Retrieved, query=call.state.retrieving, passages=(Passage("About it.", "a.md", 0.9),))


def taken_over(new_leg: bool) -> Callable[[Script], None]:
    def happens(call: Script) -> None:
        leg, opened = call.state.epoch
        call._feed(
            events.TakenOver,
            epoch=Epoch(leg + 1, 1) if new_leg else Epoch(leg, opened + 1),
            new_leg=new_leg,
            turn=call.state.turn,
            utterance=call.state.utterance,
        )

    return happens


HAPPENS: dict[str, Callable[[Script], Any]] = {
    "the caller asks": lambda call: call.says("where is my order"),
    "the caller says uh-huh": lambda call: call.says("uh-huh"),
    "the caller begins": lambda call: (call.starts(), call.words("wait a moment")),
    "the caller's turn ends": lambda call: (call.final("wait please"), call.stops(), call.ends("wait please")),
    "the ears think so": lambda call: (call.words("where is it now"), call.eager("where is it now")),
    "the caller types": lambda call: call.types("hello"),
    "the caller presses a key": lambda call: call.presses("1"),
    "the model speaks": lambda call: call.phrase("We are ") if _think(call) else None,
    "the model answers": ends("We are open."),
    "the model says nothing": ends(),
    "the model looks up": ends("Let me look.", (LOOK,)),
    "the model books and looks": ends("", (BOOK, LOOK)),
    "the model gets it wrong": ends("", (WRONG,)),
    "the model gets one wrong": ends("", (BOOK, WRONG)),
    "the model is away": ends(error="UNAVAILABLE"),
    "the model is refused": ends(error="INVALID_ARGUMENT"),
    "a tool ends": tool_ends("ok"),
    "a tool fails": tool_ends("failed"),
    "a tool hangs up": tool_ends("ok", Then("hang_up", reason="done")),
    "the bot is heard": lambda call: call.hears(last_line(call)),
    "the bot is cut": lambda call: call.cut(last_line(call), 4),
    "the bot is cut at once": lambda call: call.cut(last_line(call), 0),
    "knowledge is found": found,
    "a second passes": lambda call: call.wait(1000),
    "ten seconds pass": lambda call: call.wait(10_000),
    "another owner": taken_over(new_leg=False),
    "another leg": taken_over(new_leg=True),
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    happenings=st.lists(st.sampled_from(sorted(HAPPENS)), max_size=30),
    policy=st.sampled_from([LIVELY, SILENT, replace(LIVELY, retrieve=True)]),
)
def test_every_request_of_every_call(agent: Agent, happenings: list[str], policy: Any) -> None:
    call = Watched(agent, policy, effect_tools=("book_visit",), slow_tools=("look_up",))
    for what in happenings:
        HAPPENS[what](call)
        if isinstance(call.state.floor, Ended):
            break
        if not history.messages(call.state):
            continue
        asked(call.state, agent, Think(call.state.turn + 1, 0, 0))
        asked(call.state, agent, Think(call.state.turn, 0, 0, continuing=True))


def test_a_call_as_most_are(agent: Agent) -> None:
    call = Watched(agent, LIVELY)
    call.says("where is my order")
    call.finishes("Let me look.", (LOOK,))
    call.tool(1, '{"summary": "shipped"}')
    call.finishes("It shipped.")
    call.hears(2)
    call.hears(3)
    call.says("thank you")
    call.finishes("You are welcome.")
    assert len(call.all_of(Think)) == 3
