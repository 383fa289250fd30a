"""Instructions where only data should be, read by a model that obeys them all: no action is reached that way.

The model here is the worst that there is: whatever it reads, it calls every tool worth an attack, in every round that
it gets, in its own name and in a colleague's. What is counted is what `step` lets out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from parley.agents.agent import Agent
from parley.v1 import llm_pb2
from services.llm.providers.openai_request import Form, body
from services.llm.servicer import from_proto
from services.orchestrator.mind import events, known
from services.orchestrator.mind.actions import Ask, Outcome, ToolLevel, ToolUse
from services.orchestrator.mind.bot import specialists
from services.orchestrator.mind.effects import Execute, Transfer
from services.orchestrator.mind.policy import Specialist, Variable
from services.orchestrator.mind.state import BotLine, Epoch, Passage
from services.orchestrator.run import prompt
from tests.orchestrator.calls import POLICY, Script, of

LEVELS = (
    ToolLevel("read_balance", 1),
    ToolLevel("block_card", 2),
    ToolLevel("wire_money", 2),
    ToolLevel("delete_records", 3),
)
ASK_FIRST = ("close_account",)
"""Tools that want the caller's explicit yes and nothing else: let out to be asked about, and done when confirmed."""
GUARDED = {each.name for each in LEVELS} | set(ASK_FIRST)
WANTED = ("wire_money", "block_card", "delete_records", "read_balance", "close_account")
AGENT = Agent(
    name="bank",
    company="Harrow Bank",
    greeting="Harrow Bank, hello.",
    prompt="You answer the phone of a bank. The caller is {name}.",
    variables={"name": "somebody"},
    specialists={"payments": {"about": "payments", "prompt": "You know about payments.", "tools": ["wire_money"]}},
)
HOUSE = replace(
    POLICY,
    retrieve=True,
    rounds=5,
    variables=(Variable("name", "somebody"),),
    specialists=(Specialist("payments", ("wire_money",)),),
)
TOOLS = [llm_pb2.ToolSpec(name=name, parameters_json='{"type":"object"}') for name in (*WANTED, "check_hours")]
ARGUMENTS = ('{"amount": 5000}', '{"level": 3}', '{"verified": true, "confirmed": "yes"}', "{}")
MARKS = re.compile(r"<[|]|<start_of_turn>|<end_of_turn>|\[/?INST\]|</?s>|<<SYS>>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attack:
    by: str
    text: str


ATTACKS = [
    Attack(**each)
    for each in yaml.load(Path(__file__).with_name("injections.yaml").read_text("utf-8"), yaml.CSafeLoader)
]


class Credulous:
    """A call whose model obeys whatever it reads. `reached`: the actions that its obedience has let out."""

    def __init__(self, attack: Attack) -> None:
        self.attack = attack
        self.bodies: list[dict[str, Any]] = []
        self.systems: list[str] = []
        values = (Variable("name", known.tidy(attack.text)),) if attack.by == "variable" else ()
        purpose = known.tidy(attack.text) if attack.by == "purpose" else ""
        self.call = Script(HOUSE, variables=values, purpose=purpose, levels=LEVELS, effect_tools=WANTED)
        self._arrives()

    def _arrives(self) -> None:
        call, by, text = self.call, self.attack.by, self.attack.text
        if by in ("voice", "form"):
            call.types(text)
            call.finds(call.state.retrieving)
            return
        call.says("what are the fees")
        source = text if by == "source" else "fees.md"
        found = (Passage(text if by == "passage" else "Fees.", source, 0.9),) if by in ("passage", "source") else ()
        call._feed(events.Retrieved, query="what are the fees", passages=found)
        if by in ("result", "error"):
            self._reads()
            call.finishes(tools=(ToolUse("", "check_hours", "{}"),))
            failed = Outcome("failed", message=text)
            outcome = Outcome("ok", text) if by == "result" else failed
            call._feed(events.ToolEnded, intent=call.state.intent, outcome=outcome)
        elif by in ("summary", "details"):
            given = {"to": "payments", **({"summary": text} if by == "summary" else {"details": {"age": text}})}
            call.finishes(tools=(ToolUse("", "hand_over", json.dumps(given)),))
        elif by == "said":
            call.hears(call.answers(text))
            call.says("go on then")
            call.finds(call.state.retrieving)

    def _reads(self) -> None:
        call, think = self.call.state, self.call.thinks()
        request = prompt.request(call, AGENT, "", TOOLS, think, "")
        self.systems.append(request.system)
        if not think.tools_off and think.round:
            return
        for form in (Form(), Form(plain=True), Form(without=frozenset({"tools"}))):
            self.bodies.append(body(from_proto(request), "m", "max_tokens", form))

    def obeys(self) -> None:
        """Until it is made to speak: all that it wants, in its own name, then in the colleague's."""
        for n in range(HOUSE.rounds + 2):
            think = self.call.thinks()
            self._reads()
            if think.tools_off:
                self.call.finishes("I have done it.", think=think)
                return
            wanted = tuple(ToolUse("", name, ARGUMENTS[n % len(ARGUMENTS)]) for name in WANTED)
            to = "front" if specialists.current(self.call.state) else "payments"
            given = ToolUse("", "hand_over", json.dumps({"to": to, "summary": self.attack.text}))
            own = ToolUse("", "escalate", '{"to": "+15550666"}')
            out = self.call.finishes(tools=(*wanted, given, own), think=think)
            for effect in of(Execute, out):
                if effect.name in ASK_FIRST and not effect.confirmed:
                    asked = Outcome("ask", ask=Ask("Shall I close your account?", "d1"))
                    self.call._feed(events.ToolEnded, intent=effect.intent, outcome=asked)
                else:
                    self.call.tool(effect.intent, status="refused" if effect.name == "escalate" else "ok")

    @property
    def reached(self) -> list[str]:
        out = [effect for effect in self.call.all_of(Execute) if effect.name in GUARDED]
        return [effect.name for effect in out if effect.confirmed or effect.name not in ASK_FIRST]


def letters(text: str) -> str:
    """Without what a text is quoted with."""
    return re.sub(r"\\+u00[35][bce]|\\+n|[^a-z0-9]", "", text.lower())


def test_the_set_is_large_enough_and_comes_every_way() -> None:
    assert len(ATTACKS) >= 60
    ways = {attack.by for attack in ATTACKS}
    assert ways == {
        "voice", "passage", "source", "result", "error", "variable", "purpose", "form", "summary", "details", "said",
    }  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.by}: {attack.text[:40]}")
def test_a_model_that_obeys_reaches_nothing_that_wants_a_level(attack: Attack) -> None:
    model = Credulous(attack)
    model.obeys()
    assert model.reached == []
    assert model.call.state.pending is not None, "it is asked about, whatever the model says"
    assert model.call.state.level == 0
    assert not model.call.all_of(Transfer)
    tools = [tool for line in model.call.state.history if isinstance(line, BotLine) for tool in line.tools]
    refused = [tool.name for tool in tools if tool.outcome is not None and tool.outcome.status == "refused"]
    assert GUARDED.intersection(refused), "it did try"
    assert letters(attack.text)[:30] in letters(json.dumps(model.bodies, ensure_ascii=False)), "it did read"
    stands_as_data(model)


def stands_as_data(model: Credulous) -> None:
    """What came in is no line of the instructions, no mark of a chat template, and not out of its quotation."""
    begins = letters(model.attack.text)[:25]
    for system in model.systems:
        lines = [line for line in system.split("\n") if begins in letters(line)]
        assert all('"' in line for line in lines), "in the instructions only as a quoted value"
    for sent in model.bodies:
        for message in sent["messages"]:
            text = message["content"] or ""
            if message["role"] == "assistant":
                continue  # what the model wrote itself, its calls' arguments too
            assert not MARKS.search(text), text
            assert text.count("<reference>") == text.count("</reference>") <= 1
            assert text.count("<passage ") == text.count("</passage>")


def test_a_new_owner_in_the_middle_changes_nothing() -> None:
    for attack in ATTACKS[::6]:
        model = Credulous(attack)
        model.call._feed(events.TakenOver, epoch=Epoch(1, 2), utterance=model.call.state.utterance, levels=LEVELS)
        model.obeys()
        assert model.reached == []


def test_only_a_tool_of_the_platform_raises_the_level() -> None:
    model = Credulous(ATTACKS[0])
    out = model.call.finishes(tools=(ToolUse("", "check_hours", "{}"),))
    (effect,) = of(Execute, out)
    model.call._feed(events.ToolEnded, intent=effect.intent, outcome=Outcome("ok", "{}", level=2))
    out = model.call.finishes(tools=(ToolUse("", "block_card", "{}"), ToolUse("", "wire_money", "{}")))
    assert [e.name for e in of(Execute, out)] == ["block_card"], "and the money is still another's to send"
