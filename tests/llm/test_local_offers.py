"""Numbers as quantities, words of sympathy before anything is done, and what a yes to a tool's offer does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.llm.contract import Message, Role
from services.llm.local.languages.language import ENGLISH
from services.llm.providers.local import Local
from testbed.rounds import settings
from testbed.talk import Talk, spec

AGENTS = Path(__file__).parent / "agents"
SPECS = (spec("record", "machine", "value"), spec("open_ticket", "machine"), spec("move_ticket", "ticket", "machine"))


def recorded(machine: str, value: float) -> dict[str, Any]:
    if value < 9:
        return {"summary": f"{value} for {machine}."}
    offers = {"tool": "open_ticket", "arguments": {"machine": machine}}
    return {"summary": f"{value} is too high for {machine}. Shall I open a ticket?", "offers": offers}


TOOLS: dict[str, Any] = {
    "record": recorded,
    "open_ticket": lambda machine: {"ticket": "123", "summary": f"Opened for {machine}."},
    "move_ticket": lambda ticket, machine: (
        {"error": f"There is no ticket {ticket}."} if machine == "blower" else {"summary": "Moved."}
    ),
}


@pytest.fixture(scope="module")
def engine(data_dir: Path) -> Local:
    return Local(settings(PARLEY_AGENTS_DIR=AGENTS, PARLEY_AGENT="plant", PARLEY_DATA_DIR=data_dir))


@pytest.fixture
def talk(engine: Local) -> Talk:
    return Talk(lambda: engine, "plant", TOOLS, SPECS)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("record seven point two for pump two", 7.2),
        ("record 7.2 for pump 2", 7.2),
        ("pump two is at minus three and a half", -3.5),
        ("Pump 2 shows -0.4", -0.4),
        ("note one hundred and twelve on pump two", 112),
        ("note 1,250.5 on pump two", 1250.5),
    ],
)
async def test_a_quantity_is_a_number_and_the_two_of_pump_two_is_none(talk: Talk, said: str, value: float) -> None:
    await talk.say(said)
    assert talk.did == [("record", {"machine": "pump two", "value": value})]


async def test_a_quantity_is_asked_for_and_put_right(talk: Talk) -> None:
    assert await talk.say("record a reading") == "Which machine?"
    assert await talk.say("pump two") == "What does it show?"
    assert await talk.say("seven") == "7 for pump two."
    assert await talk.say("no, seven point five") == "7.5 for pump two."


async def test_what_counts_once_is_asked_for_again_but_not_where_something_else_is_put_right(talk: Talk) -> None:
    assert await talk.say("record seven for pump two") == "7 for pump two."
    assert await talk.say("record a reading") == "What does it show?"
    assert await talk.say("eight") == "8 for pump two."
    assert await talk.say("no, for the blower") == "8 for blower."


async def test_sympathy_comes_before_the_tool_and_before_a_question_and_once(talk: Talk) -> None:
    assert await talk.say("the blower is broken again") == "Ticket 123, at the top of the list."
    (called,) = [message for message in talk.messages if message.tool_calls]
    assert called.text == "I am sorry about that."
    assert await talk.say("i am tired of this broken machine") == "Ticket 123, at the top of the list."


async def test_sympathy_before_a_question(talk: Talk) -> None:
    assert await talk.say("i am tired of this broken machine") == "I am sorry about that. Which machine?"
    assert await talk.say("the blower") == "Ticket 123, at the top of the list."
    assert all("sorry" not in message.text for message in talk.messages[2:])


async def test_a_yes_to_what_a_tool_offers_does_it(talk: Talk) -> None:
    assert await talk.say("the blower shows 9.5") == "9.5 is too high for blower. Shall I open a ticket?"
    assert await talk.say("yes please") == "Opened for blower."
    assert await talk.say("yes") == ENGLISH.says.what_else
    assert [name for name, _ in talk.did] == ["record", "open_ticket"]


async def test_what_is_offered_may_also_be_named(talk: Talk) -> None:
    await talk.say("the blower shows 9.5")
    assert await talk.say("open a ticket") == "Opened for blower."


async def test_another_answer_or_another_question_is_no_yes_to_it(talk: Talk) -> None:
    await talk.say("the blower shows 9.5")
    assert await talk.say("no thanks") == ENGLISH.says.all_right
    await talk.say("the blower shows 9.5")
    talk.messages.append(Message(Role.ASSISTANT, "Are you still there?"))
    await talk.say("yes")
    await talk.say("the blower shows 9.5", breaks_in_after="9.5 is too high")
    await talk.say("yes")
    assert {name for name, _ in talk.did} == {"record"}


async def test_what_has_worked_is_not_asked_for_again_because_something_else_fails(talk: Talk) -> None:
    assert await talk.say("move ticket 123 to pump two") == "Moved."
    assert await talk.say("move ticket 123 to blower") == "There is no ticket 123."
    assert await talk.say("to pump two then") == "Moved."
