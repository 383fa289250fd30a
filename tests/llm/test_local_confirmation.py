"""What the engine without a vendor says when the mind has asked the caller for their yes."""

from __future__ import annotations

import json

import pytest

from parley.agents.files import load_agent
from services.llm.contract import ChatRequest, Message, Role, ToolCall
from services.llm.local.dialogue import answers, confirmation
from services.llm.providers.local import Local
from services.orchestrator.mind.bot import confirming
from testbed.frontdesk import AGENTS, SPECS
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
        (told("ask", confirming.SAID_YES), "asked"),
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


def test_no_words_of_the_mind_are_taken_for_a_tool_s_own() -> None:
    words = [value for name, value in vars(confirming).items() if name.isupper() and str(value).startswith("Not done:")]
    assert len(words) >= 6
    assert "" not in [confirmation.of_text(told("refused", each)) for each in words]


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


ORDER_NUMBER = load_agent(AGENTS, "frontdesk").domain.slots["order_number"]
AGREED = told("ask", confirming.SAID_YES)


async def after_yes(engine: Local, words: str, *later: Message) -> tuple[str, list[str]]:
    done = Message(Role.TOOL, '{"summary": "You are booked."}', tool_call_id="c2")
    call = Message(Role.ASSISTANT, "", (ToolCall("c2", BOOK.name, BOOK.arguments),))
    return await says(engine, AGREED, ASKED, Message(Role.USER, words), call, done, *later)


async def test_a_question_behind_the_yes_is_answered_with_the_result(engine: Local) -> None:
    hours = await after_yes(engine, "yes please, and are you open on Sunday")
    assert hours == ("You are booked.", ['get_business_hours {"day":"sunday"}'])
    told_ = (
        Message(Role.ASSISTANT, "You are booked.", (ToolCall("c3", "get_business_hours", '{"day": "sunday"}'),)),
        Message(Role.TOOL, '{"summary": "We are closed on Sunday."}', tool_call_id="c3"),
    )
    assert await after_yes(engine, "yes please, and are you open on Sunday", *told_) == ("We are closed on Sunday.", [])
    assert await after_yes(engine, "yes") == ("You are booked.", [])
    assert await after_yes(engine, "yes, and are you a robot") == (
        "You are booked. " + (await says(engine, OPEN, ASKED, Message(Role.USER, "are you a robot")))[0],
        [],
    )


async def test_what_is_asked_for_behind_the_yes_is_still_open_afterwards(engine: Local) -> None:
    said, calls = await after_yes(engine, "yes, and what is the status of my order")
    assert (said.removeprefix("You are booked. "), calls) == (ORDER_NUMBER.ask, [])
    given = (Message(Role.ASSISTANT, said), Message(Role.USER, "one two three four"))
    _, (call,) = await after_yes(engine, "yes, and what is the status of my order", *given)
    assert call == 'check_order_status {"order_number":"1234"}'


def test_only_a_yes_is_what_an_action_was_done_on() -> None:
    yes = (
        Message(Role.ASSISTANT, "", (BOOK,)),
        Message(Role.TOOL, AGREED, tool_call_id="c1"),
        Message(Role.USER, "yes"),
        Message(Role.ASSISTANT, "", (ToolCall("c2", BOOK.name, BOOK.arguments),)),
        Message(Role.TOOL, "{}", tool_call_id="c2"),
    )
    again = (
        Message(Role.USER, "book another one"),
        Message(Role.ASSISTANT, "", (ToolCall("c3", BOOK.name, BOOK.arguments),)),
        Message(Role.TOOL, OPEN, tool_call_id="c3"),
    )
    assert confirmation.done_on_yes((*yes, *again), 2) == {"c2"}
    assert not confirmation.done_on_yes((*yes, *again), 5)
    assert not confirmation.done_on_yes(yes[:3], 2)


async def test_what_is_left_for_want_of_a_clear_answer_is_told(engine: Local) -> None:
    unclear = told("refused", confirming.UNCLEAR)
    again = Message(Role.ASSISTANT, f"Sorry, I need a clear answer. {QUESTION}")
    asked = (ASKED, Message(Role.USER, "okay"), again, Message(Role.USER, "hm"), again)
    assert (await says(engine, unclear, *asked, Message(Role.USER, "okay")))[0].startswith("I have not done that. ")
    hours = await says(engine, unclear, *asked, Message(Role.USER, "when are you open on saturday"))
    assert hours == ("I have not done that.", ['get_business_hours {"day":"saturday"}'])
    over = (Message(Role.USER, "okay"), Message(Role.ASSISTANT, "I have not done that. What can I do for you?"))
    later = await says(engine, unclear, *asked, *over, Message(Role.USER, "when are you open on saturday"))
    assert later == ("", ['get_business_hours {"day":"saturday"}']), "once"
