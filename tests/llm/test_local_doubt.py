"""Calls in which it is not clear whether the caller wants what the front desk has: it asks back, once."""

from __future__ import annotations

import pytest

from parley.agents.files import load_agent
from services.llm.local.languages.language import ENGLISH
from services.llm.local.understanding import doubt
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.doubt import Candidate
from services.llm.providers.local import Local
from testbed.frontdesk import AGENTS, ORDERS, SPECS, TOOLS
from testbed.talk import Talk

ASK = "What is your order number? It has four digits."
FALLBACK = load_agent(AGENTS, "frontdesk").domain.fallback
AN_ORDER = "Do you mean an order at our shop?"
THE_HOURS = "Do you mean our opening hours?"
BURGER = "I ordered a burger an hour ago."


@pytest.fixture
def talk(engine: Local) -> Talk:
    return Talk(lambda: engine, "frontdesk", TOOLS, SPECS)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        (BURGER, AN_ORDER),
        ("I want to order two large fries and a Coke.", AN_ORDER),
        ("Where is my Amazon package?", AN_ORDER),
        ("I ordered some sushi an hour ago. And it's still not here.", AN_ORDER),
        ("My wife ordered some lights and they never arrived.", AN_ORDER),
        ("When do the shops in London close?", THE_HOURS),
        ("Can you look after my children on Saturday?", THE_HOURS),
        ("Can you transfer two hundred dollars to my son?", ENGLISH.says.offer),
    ],
)
async def test_a_wish_in_doubt_is_asked_back_and_nothing_is_done(talk: Talk, said: str, asked: str) -> None:
    assert await talk.say(said) == asked
    assert talk.did == []


async def test_yes_carries_it_out(talk: Talk) -> None:
    await talk.say("My wife ordered some lights and they never arrived.")
    assert await talk.say("Yes.") == ASK
    assert await talk.say("One two three four.") == ORDERS["1234"]


async def test_yes_keeps_what_was_said_with_the_wish(talk: Talk) -> None:
    assert await talk.say("Can you look after my children on Saturday?") == THE_HOURS
    assert await talk.say("Yes, please.") == "Open saturday."


async def test_yes_and_the_number_in_one(talk: Talk) -> None:
    await talk.say("My wife ordered some lights and they never arrived.")
    assert await talk.say("Yes, it's one two three four.") == ORDERS["1234"]


async def test_yes_to_the_offer_of_a_colleague(talk: Talk) -> None:
    await talk.say("Can you transfer two hundred dollars to my son?")
    assert await talk.say("Yes.") == "I am connecting you."


@pytest.mark.parametrize("no", ["No.", "No, thanks.", "Nope."])
async def test_no_leads_to_what_it_can_do(talk: Talk, no: str) -> None:
    await talk.say(BURGER)
    assert await talk.say(no) == FALLBACK
    assert await talk.say("When are you open on Saturday?") == "Open saturday."
    assert [name for name, _ in talk.did] == ["get_business_hours"]


@pytest.mark.parametrize("other", ["No, when are you open on Saturday?", "When are you open on Saturday?"])
async def test_anything_else_is_judged_anew(talk: Talk, other: str) -> None:
    await talk.say(BURGER)
    assert await talk.say(other) == "Open saturday."


async def test_it_does_not_ask_twice_in_a_row(talk: Talk) -> None:
    assert await talk.say(BURGER) == AN_ORDER
    assert await talk.say("I said I ordered a burger.") == FALLBACK
    assert await talk.say("Yes.") == "I am connecting you.", "which the bot said last"


async def test_a_yes_much_later_is_no_answer_to_it(talk: Talk) -> None:
    await talk.say(BURGER)
    await talk.say("When are you open on Saturday?")
    assert await talk.say("Yes.") == ENGLISH.says.what_else


async def test_it_does_not_ask_about_what_it_is_sure_of(talk: Talk) -> None:
    assert await talk.say("Where is my order?") == ASK
    assert await talk.say(BURGER) == f"{ENGLISH.says.do_not_understand} {ASK}"
    assert await talk.say("1234") == ORDERS["1234"]


async def test_who_breaks_in_on_the_question_was_asked_if_most_was_heard(talk: Talk) -> None:
    await talk.say(BURGER, breaks_in_after="Do you mean an order")
    assert await talk.say("Yes.") == ASK


async def test_who_breaks_in_at_its_first_words_was_not(talk: Talk) -> None:
    await talk.say(BURGER, breaks_in_after="Do you")
    assert await talk.say("Yes.") != ASK


def test_how_sure_an_intent_is() -> None:
    domain = Domain(load_agent(AGENTS, "frontdesk"))
    near, far = Candidate("order_status", 0.7, 0.01), Candidate("order_status", 0.6, -0.05)
    named, too_far = (Candidate("order_status", 0.6, reach, named=True) for reach in (-0.05, -0.2))
    end, talk, nothing = Candidate("goodbye", 0.7, 0.01), Candidate("hello", 0.7, 0.01), doubt.NOTHING
    assert [doubt.is_sure(one, domain) for one in (near, end, talk, nothing)] == [False, True, True, False]
    assert [doubt.doubted(one, nothing, domain) for one in (near, far, named, too_far, nothing)] == [
        "order_status", "", "order_status", "", "",
    ]  # fmt: skip
    assert doubt.doubted(Candidate("goodbye", 0.6, -0.05, named=True), nothing, domain) == ""
    strange = Candidate("order_status", 0.7, 0.1, named=True)
    assert doubt.doubted(nothing, strange, domain) == "order_status"
    assert doubt.doubted(nothing, Candidate("repairs", 0.7, 0.1, named=True), domain) == "", "a question is not asked"


def test_an_agent_without_words_for_it_is_asked_by_the_intent_s_name() -> None:
    agent = load_agent(AGENTS, "frontdesk")
    intents = {name: intent.model_copy(update={"about": ""}) for name, intent in agent.domain.intents.items()}
    domain = Domain(agent.model_copy(update={"domain": agent.domain.model_copy(update={"intents": intents})}))
    assert doubt.question("order_status", domain) == "Do you mean order status?"
    assert doubt.is_question("Do you mean order status?", domain)
    assert doubt.was_asked("order_status", "Do you mean order", domain)
    assert not doubt.was_asked("", "Do you mean order status?", domain)
    assert not doubt.was_asked("order_status", "", domain)
