"""Typed calls to the engine that runs without a vendor. Every round goes to another replica: nothing is kept."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from parley.errors import Misconfigured, NotFound
from services.llm.contract import ChatRequest, FinishReason, Message, Passage, Role, ToolCall, ToolChoice
from services.llm.local.languages.language import ENGLISH
from services.llm.providers.local import Local
from testbed.rounds import Round, heard, settings
from testbed.talk import Talk, spec

AGENTS = Path(__file__).parent / "agents"
SPECS = (
    spec("book_visit", "doctor", "day", "caller"),
    spec("find_visit", "reference"),
    spec("cancel_visit", "reference"),
)
TOOLS: dict[str, Any] = {
    "book_visit": lambda doctor, day, caller: {"when": f"{day} at nine with {doctor}", "summary": "unused"},
    "find_visit": lambda reference: (
        {"summary": "Your visit is on Monday."}
        if reference == "12345"
        else {"error": f"There is no visit {reference}."}
    ),
    "cancel_visit": lambda reference: {"summary": "It is cancelled."},
}


def engine(data_dir: Path) -> Local:
    return Local(settings(PARLEY_AGENTS_DIR=AGENTS, PARLEY_AGENT="surgery", PARLEY_DATA_DIR=data_dir))


@pytest.fixture(scope="module")
def replicas(data_dir: Path) -> list[Local]:
    return [engine(data_dir), engine(data_dir)]


@pytest.fixture
def talk(replicas: list[Local]) -> Talk:
    turns = itertools.cycle(replicas)
    return Talk(lambda: next(turns), "surgery", TOOLS, SPECS)


async def test_what_is_missing_is_asked_for_and_the_answer_told(talk: Talk) -> None:
    assert await talk.say("When is my visit?") == "What is the five digit reference?"
    assert await talk.say("one two three four five") == "Your visit is on Monday."
    assert talk.did == [("find_visit", {"reference": "12345"})]


async def test_a_caller_who_pauses_within_the_number(talk: Talk) -> None:
    await talk.say("find my appointment")
    assert await talk.say("um, it's one two three") == "I have one two three so far. What comes after that?"
    assert await talk.say("four five") == "Your visit is on Monday."


@pytest.mark.parametrize(
    "said", ["one to three for five", "12 345", "1-2-3-4-5", "it's 12345, yes", "one two three, no, 1 2 3 4 5"]
)
async def test_a_number_comes_in_many_spellings(talk: Talk, said: str) -> None:
    await talk.say("find my appointment")
    assert await talk.say(said) == "Your visit is on Monday."


async def test_too_many_digits_are_asked_for_again(talk: Talk) -> None:
    answer = await talk.say("find my appointment 123456")
    assert answer == "I heard one two three four five six. What is the five digit reference?"
    assert talk.did == []


async def test_a_correction_after_the_answer_calls_again(talk: Talk) -> None:
    assert await talk.say("find my appointment 54321") == "There is no visit 54321."
    assert await talk.say("no, sorry, one two three four five") == "Your visit is on Monday."
    assert [did for _, did in talk.did] == [{"reference": "54321"}, {"reference": "12345"}]


async def test_a_number_counts_for_the_rest_of_the_call_unless_it_failed_or_another_is_meant(talk: Talk) -> None:
    ask = "What is the five digit reference?"
    await talk.say("find my appointment 54321")
    assert await talk.say("when is my appointment") == ask
    assert await talk.say("12345") == "Your visit is on Monday."
    assert await talk.say("what about my appointment") == "Your visit is on Monday."
    assert await talk.say("when is my other appointment") == ask


async def test_a_caller_who_breaks_in_with_the_answer(talk: Talk) -> None:
    await talk.say("when is my visit", breaks_in_after="What is")
    assert await talk.say("12345") == "Your visit is on Monday."


async def test_a_booking_is_filled_over_turns_confirmed_and_corrected(talk: Talk) -> None:
    assert await talk.say("Hello, I'd like to book a visit on Friday") == "Doctor Adams or Doctor Brook?"
    assert await talk.say("doctor adams please") == "What is your name?"
    assert await talk.say("my name is jane miller") == (
        "A visit with Doctor Adams on friday for Jane Miller. Shall I book it?"
    )
    assert await talk.say("no, with Doctor Brook") == (
        "A visit with Doctor Brook on friday for Jane Miller. Shall I book it?"
    )
    assert talk.did == []
    assert await talk.say("yes please") == "You are booked for friday at nine with Doctor Brook."
    assert talk.did == [("book_visit", {"doctor": "Doctor Brook", "day": "friday", "caller": "Jane Miller"})]


async def test_no_is_no(talk: Talk) -> None:
    assert await talk.say("cancel my visit 12345") == "I will cancel visit one two three four five. Is that right?"
    assert await talk.say("no") == ENGLISH.says.all_right
    assert talk.did == []


async def test_while_a_yes_is_awaited_the_caller_may_ask_otherwise(talk: Talk) -> None:
    await talk.say("cancel my visit 12345")
    assert await talk.say("are you a robot?") == ENGLISH.says.robot
    assert await talk.say("I want a real person") == ENGLISH.says.nobody
    assert await talk.say("yes") == "It is cancelled."


async def test_a_call_of_another_engine_may_hold_anything(replicas: list[Local]) -> None:
    for arguments in ("[]", "nonsense", ""):
        past = Message(Role.ASSISTANT, "One moment.", (ToolCall("c", "find_visit", arguments),))
        result = Message(Role.TOOL, "{", tool_call_id="c")
        asked = (Message(Role.USER, "x"), past, result, Message(Role.USER, "what is your fax number"))
        assert (await heard(replicas[0], ChatRequest(messages=asked))).text == "We have no fax."


async def test_another_question_while_one_is_open(talk: Talk) -> None:
    await talk.say("cancel my appointment")
    assert await talk.say("what is your fax number") == "We have no fax."
    assert await talk.say("cancel my appointment") == "What is the five digit reference?"
    assert await talk.say("one moment please") == ENGLISH.says.take_your_time
    assert await talk.say("I can't find the reference number") == ENGLISH.says.no_number


async def test_other_words_for_the_same_wish_are_understood(talk: Talk) -> None:
    assert await talk.say("could you look up for me when I am supposed to come in to see the doctor") in (
        "What is the five digit reference?",
        "Doctor Adams or Doctor Brook?",
    )
    assert await talk.say("I can't make it to my appointment, please call it off") == (
        "What is the five digit reference?"
    )


async def test_knowledge_answers_and_only_where_it_can(talk: Talk) -> None:
    talk.passages = (
        Passage("There is a car park behind the house. It costs one dollar an hour.", "parking.md", 0.6),
        Passage("We vaccinate children against measles.", "children.md", 0.2),
    )
    assert "car park behind the house" in await talk.say("where can I park?")
    assert "measles" in await talk.say("do you vaccinate children against measles")
    assert await talk.say("who won the football game last night") == talk_fallback


talk_fallback = "I can book, find or cancel a visit. What would you like?"


async def test_a_question_of_the_domain_without_knowledge_is_not_invented(talk: Talk) -> None:
    assert await talk.say("where can I park?") == ENGLISH.does_not_know(talk_fallback)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("are you a real person", ENGLISH.says.robot),
        ("is this a robot?", ENGLISH.says.robot),
        ("what can you do for me", talk_fallback),
        ("thank you very much", ENGLISH.says.welcome),
        ("hello", ENGLISH.says.hello),
        ("goodbye", ENGLISH.says.goodbye),
        ("pardon?", ENGLISH.says.nothing_to_repeat),
        ("...", talk_fallback),
        ("hold on a second", ENGLISH.says.take_your_time),
        ("representative please", ENGLISH.says.nobody),
        ("no, I'm good, thanks", ENGLISH.says.all_right),
        ("tell me a joke", ENGLISH.says.no_jokes.format(company="Hillside Surgery")),
        ("Who are you?", ENGLISH.says.who.format(company="Hillside Surgery")),
    ],
)
async def test_what_every_conversation_has(talk: Talk, said: str, answer: str) -> None:
    assert await talk.say(said) == answer


async def test_the_last_words_are_said_again(talk: Talk) -> None:
    await talk.say("find my appointment 12345")
    assert await talk.say("could you say that again please") == "Your visit is on Monday."
    await talk.say("find my appointment 12345", breaks_in_after="Your visit")
    assert await talk.say("what?") == "Your visit"


async def test_nothing_else_ends_the_call(talk: Talk) -> None:
    await talk.say("thanks")
    assert await talk.say("no") == ENGLISH.says.goodbye


async def test_a_turn_of_another_engine_is_continued(talk: Talk, replicas: list[Local]) -> None:
    await talk.say("find my appointment 54321")
    talk.messages[0] = Message(Role.USER, "the thing I told you about")
    assert await talk.say("sorry, one two three four five") == "Your visit is on Monday."


async def test_an_answer_that_broke_off_goes_on_where_it_stopped(talk: Talk, replicas: list[Local]) -> None:
    await talk.say("find my appointment 12345", breaks_in_after="Your visit is")
    note = Message(Role.USER, "(Your answer broke off. Go on.)")
    made = await heard(replicas[1], ChatRequest(messages=(*talk.messages, note)))
    assert (made.text, made.calls) == ("on Monday.", [])


async def test_the_outcome_of_a_slow_tool_is_told_when_it_comes(talk: Talk, replicas: list[Local]) -> None:
    await talk.say("find my appointment 12345")
    running = (*talk.messages[:2], replace(talk.messages[2], text='{"status":"running","message":"not finished"}'))
    assert (await heard(replicas[0], ChatRequest(messages=running))).text == ENGLISH.says.still_at_it
    behind = (*talk.messages[:3], Message(Role.USER, "are you a robot"), Message(Role.ASSISTANT, ENGLISH.says.robot))
    assert (await heard(replicas[0], ChatRequest(messages=behind))).text == "Your visit is on Monday."


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ('{"status":"failed","message":"I can not find that."}', "I can not find that."),
        ('{"status":"failed","message":"The tool failed. Apologise."}', "I am sorry, something went wrong"),
        ('{"status":"refused","message":"the arguments are wrong"}', "I am sorry, something went wrong"),
        ('{"status":"unknown","message":"it was started"}', ENGLISH.says.not_certain),
        ('{"status":"ok"}', ENGLISH.says.done),
        ('{"status":"shipped","summary":"It is shipped."}', "It is shipped."),
        ('{"status":"shipped","items":2}', "status: shipped, items: 2."),
        ("plain words", "plain words"),
        ("", ENGLISH.says.done),
        ("[]", ENGLISH.says.done),
    ],
)
async def test_whatever_a_tool_says_is_worded(replicas: list[Local], result: str, words: str) -> None:
    call = ToolCall("c1", "find_visit", '{"reference":"12345"}')
    messages = (
        Message(Role.USER, "find my visit 12345"),
        Message(Role.ASSISTANT, "", (call,)),
        Message(Role.TOOL, result, tool_call_id="c1"),
    )
    assert (await heard(replicas[0], ChatRequest(messages=messages))).text.startswith(words)


async def test_a_tool_that_is_not_offered_is_not_called(replicas: list[Local]) -> None:
    asked = (Message(Role.USER, "find my appointment 12345"),)
    for request in (
        ChatRequest(agent="surgery", messages=asked),
        ChatRequest(agent="surgery", messages=asked, tools=SPECS, tool_choice=ToolChoice.NONE),
    ):
        made = await heard(replicas[0], request)
        assert made.calls == []
        assert made.text.startswith("I am sorry, something went wrong")
        assert made.finish is not None
        assert made.finish.reason is FinishReason.STOP


async def test_words_stream_and_are_counted(replicas: list[Local]) -> None:
    made = Round()
    async for event in replicas[0].chat(ChatRequest(messages=(Message(Role.USER, "what is your fax number"),))):
        made.take(event)
    assert (made.text, made.deltas) == ("We have no fax.", 4)
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens, made.usage.vendor) == (5, 4, "local")


async def test_wrong_agents_are_named(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no agent 'nobody'.*surgery"):
        await heard(engine(data_dir), ChatRequest(agent="nobody", messages=(Message(Role.USER, "hi"),)))
    head = "company: X\ngreeting: hi\nprompt: p\ndomain:\n  intents:\n    a:\n      tool: t\n"
    for name, rest, words in (
        ("broken", '      phrases: ["where [is"]\n', r"domain.intents.a.phrases.0: .*column 7"),
        ("missing", '      phrases: ["x"]\n      needs: [n]\n', "domain.intents.a.needs: there is no slot n"),
        ("silent", '      phrases: ["x"]\n      needs: [n]\n  slots: {n: {}}\n', "domain.slots.n.ask: is empty"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.yaml").write_text(head + rest)
        local = Local(settings(PARLEY_AGENTS_DIR=tmp_path, PARLEY_AGENT=name, PARLEY_DATA_DIR=data_dir))
        with pytest.raises(Misconfigured, match=words):
            await heard(local, ChatRequest(messages=(Message(Role.USER, "hi"),)))
