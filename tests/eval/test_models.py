"""A caller played by a language model, and judges: with a vendor's own SDK, against its stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from parley.agents.conversations.conversation import Conversation
from testbed.eval.course import Course
from testbed.eval.home import home
from testbed.eval.models import judged
from testbed.eval.pace import Pace
from testbed.eval.report import Session, as_json, comparison, lines
from testbed.eval.trials import Trial, trial
from testbed.vendors.faults import Fault
from testbed.vendors.openai.script import Call, Messages, Reply, Tools
from testbed.vendors.openai.sim import OpenAISim
from tests.eval.conftest import shop


def text_of(message: Mapping[str, Any]) -> str:
    return str(message.get("content") or "")


def answers(messages: Messages, tools: Tools) -> Reply:
    """One model in three parts, as each is asked."""
    system, last = text_of(messages[0]), text_of(messages[-1])
    if system.startswith("You play"):
        said = last.count('{"you":')
        return Reply(["Red roses, please.", "Thank you, goodbye. [HANG UP]"][min(said, 1)])
    if system.startswith("You judge"):
        return Reply("No: it never said sorry." if "apologise" in last else "Yes: it did.")
    if messages[-1]["role"] == "tool":
        return Reply("Your red roses are ordered.")
    if "roses" in last:
        return Reply(calls=(Call("order_roses", {"color": "red"}),))
    return Reply("You are welcome.")


class Office:
    """The shop with a vendor's model, which is a stand-in."""

    def __init__(self, source: Path, data_dir: Path) -> None:
        self.pace = Pace()
        self.sim = OpenAISim(script=answers, ttft_ms=40)
        self._stack = AsyncExitStack()
        self.pace.run(self._open(source, data_dir))

    async def _open(self, source: Path, data_dir: Path) -> None:
        await self._stack.enter_async_context(self.sim)
        known = {"llm": "openai", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": self.sim.base_url}
        self.home = await self._stack.enter_async_context(home("shop", source, self.pace, data_dir=data_dir, **known))

    def holds(self, **script: Any) -> Trial:
        self.sim.records.clear()
        return self.pace.run(trial(self.home, Conversation.model_validate({"name": "a call", **script})))

    def asked(self, begin: str) -> list[str]:
        """The last messages of the requests whose system prompt begins so."""
        bodies = [each.body["messages"] for each in self.sim.records]
        return [text_of(messages[-1]) for messages in bodies if text_of(messages[0]).startswith(begin)]

    def close(self) -> None:
        self.pace.run(self._stack.aclose())
        self.pace.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Office]:
    made = Office(shop(tmp_path_factory.mktemp("agents") / "shop"), data_dir)
    yield made
    made.close()


PERSONA = {"persona": "A gardener in a hurry.", "goal": "Red roses, then goodbye."}


def test_a_caller_with_a_persona_talks_until_it_has_what_it_wants(office: Office) -> None:
    found = office.holds(
        caller=PERSONA,
        expect={"tools": {"order_roses": {"color": "red"}}, "says": "red roses are ordered", "max_turns": 2},
    )
    assert found.passed, found
    assert [exchange.caller for exchange in found.course.exchanges[1:]] == ["Red roses, please.", "Thank you, goodbye."]
    systems = [text_of(each.body["messages"][0]) for each in office.sim.records]
    assert any(PERSONA["persona"] in system and PERSONA["goal"] in system for system in systems)


def test_who_never_ends_is_ended(office: Office) -> None:
    assert len(office.holds(caller={**PERSONA, "max_turns": 1}).course.exchanges) == 2


def test_a_judge_says_why_and_gets_the_call_as_data(office: Office) -> None:
    found = office.holds(
        turns=[{"caller": "roses", "judge": "did it order?"}],
        expect={"judge": ["was it kind?", "did the bot apologise before it gave the status?"]},
    )
    (only,) = found.failures
    assert str(only) == (
        'judge "did the bot apologise before it gave the status?": the model said No: it never said sorry.'
    )
    judged = office.asked("You judge")
    assert len(judged) == 3
    assert {"caller": "roses"} in [json.loads(line) for line in judged[-1].splitlines()[1:]]


def test_latency_and_cost_are_a_vendor_s(office: Office) -> None:
    found = office.holds(turns=["roses", "bye"])
    session = Session("shop", "1.1", "openai", "text", True, [found])
    assert found.course.input_tokens > 0
    assert found.course.dollars > 0
    told = list(lines(session))
    assert any(line.startswith("first word after ") for line in told)
    assert any(line.startswith("cost 0.") and "tokens" in line for line in told)
    assert as_json(session)["first_word_ms"]["as_in_a_call"] is True
    assert min(session.first_word_ms) >= 40
    assert any("cost, $" in line for line in comparison(session, session))


def test_a_model_that_is_away_is_nobody_s_failure(office: Office) -> None:
    office.sim.faults.add(Fault("refuse", status=401))
    found = office.holds(caller=PERSONA)
    assert found.error
    assert not found.failures


@pytest.mark.parametrize(("words", "passes"), [("yes", True), ("**Yes**: fine", True), ("Not yes", False), ("", False)])
def test_only_a_yes_is_one(words: str, passes: bool) -> None:
    class Told:
        async def ask(self, system: str, text: str) -> str:
            return words

    conversation = Conversation.model_validate({"name": "a", "turns": ["hi"], "expect": {"judge": "was it?"}})
    pace = Pace()
    assert (not pace.run(judged(Told(), conversation, Course()))) is passes  # type: ignore[arg-type]
    pace.close()
