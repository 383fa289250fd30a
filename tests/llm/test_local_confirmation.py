"""What the engine without a vendor says when the mind has asked the caller for their yes."""

from __future__ import annotations

import json

import pytest

from services.llm.contract import ChatRequest, Message, Role, ToolCall
from services.llm.local.dialogue import answers, confirmation
from services.llm.providers.local import Local
from services.orchestrator.mind.bot import confirming
from testbed.frontdesk import SPECS
from testbed.rounds import heard

BOOK = ToolCall("c1", "schedule_appointment", '{"service": "tune up", "day": "friday", "at": "14:00", "name": "Ann"}')
QUESTION = "Shall I book a tune up for Ann on Friday, March sixth at two in the afternoon?"


def told(status: str, message: str) -> str:
    return json.dumps({"status": status, "message": message})


OPEN = told("ask", confirming.ASKED.format(question=QUESTION))


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (OPEN, "asked"),
        (told("ask", "The caller was asked, and said yes."), "asked"),
        (told("refused", confirming.SAID_NO), "declined"),
        (told("refused", confirming.UNCLEAR), "declined"),
        (told("refused", confirming.CHANGED), "left"),
        (told("refused", confirming.REPLACED), "left"),
        (told("refused", confirming.ONE_AT_A_TIME), "left"),
        (told("refused", confirming.NOT_ASKED), "left"),
        (told("refused", "argument day: missing"), ""),
        (told("failed", "Not done: the database is away."), ""),
        ('{"summary": "You are booked."}', ""),
        ("no json", ""),
        ("[]", ""),
    ],
)
def test_what_became_of_it_is_known_by_what_the_mind_says(result: str, state: str) -> None:
    assert confirmation.of_text(result) == state
    if state:
        assert not answers.has_failed(result), "nobody need be sorry for it"


async def says(engine: Local, outcome: str, *later: Message) -> tuple[str, list[str]]:
    messages = (
        Message(Role.USER, "book a tune up on Friday at two"),
        Message(Role.ASSISTANT, "What name may I put it under?"),
        Message(Role.USER, "Ann"),
        Message(Role.ASSISTANT, "", (BOOK,)),
        Message(Role.TOOL, outcome, tool_call_id="c1"),
        *later,
    )
    made = await heard(engine, ChatRequest(agent="frontdesk", messages=messages, tools=SPECS))
    return made.text, [f"{call.name} {call.arguments}" for call in made.calls]


ASKED = Message(Role.ASSISTANT, QUESTION)


async def test_what_waits_for_a_yes_is_not_read_out(engine: Local) -> None:
    assert await says(engine, OPEN) == ("", [])


@pytest.mark.parametrize("no", ["no", "no thank you", "no, leave it"])
async def test_a_no_is_left_at_that(engine: Local, no: str) -> None:
    refused = told("refused", confirming.SAID_NO)
    said, calls = await says(engine, refused, ASKED, Message(Role.USER, no))
    assert (said, calls) == ("All right, I will leave that. What else can I do for you?", [])
    over = (Message(Role.USER, no), Message(Role.ASSISTANT, said), Message(Role.USER, "no thanks, that is all"))
    assert (await says(engine, refused, ASKED, *over))[1] == ["end_call {}"]


async def test_another_day_after_a_no_is_asked_for_anew_with_what_is_known(engine: Local) -> None:
    left = (Message(Role.USER, "no"), Message(Role.ASSISTANT, "All right, I will leave that."))
    _, (call,) = await says(
        engine, told("refused", confirming.SAID_NO), ASKED, *left, Message(Role.USER, "and on Wednesday then")
    )
    assert json.loads(call.partition(" ")[2]) == {**json.loads(BOOK.arguments), "day": "wednesday"}


async def test_a_question_in_between_is_all_that_is_answered(engine: Local) -> None:
    said, calls = await says(engine, OPEN, ASKED, Message(Role.USER, "when are you open on saturday"))
    assert (said, calls) == ("", ['get_business_hours {"day":"saturday"}'])
    asks = await says(engine, OPEN, ASKED, Message(Role.USER, "are you a robot"))
    assert asks[0].startswith("I am the automated front desk")
    assert not asks[1]
