"""Calls to the front desk on the engine without a vendor, as an open recogniser writes them: talk beside the matter,
corrections, numbers that lack a digit, and what happens when nothing is understood."""

from __future__ import annotations

import asyncio

import pytest

from parley.agents.files import load_agent
from services.llm.local.languages.language import ENGLISH
from services.llm.local.understanding.understanding import Understanding
from services.llm.providers.local import Local
from testbed.frontdesk import AGENTS, ORDERS, SPECS, TOOLS
from testbed.talk import Talk

ASK = "What is your order number? It has four digits."
FALLBACK = load_agent(AGENTS, "frontdesk").domain.fallback
NOT_FOUND = "I can not find that order."


@pytest.fixture(scope="module")
def understanding(engine: Local) -> Understanding:
    return asyncio.run(engine._learned.of("frontdesk"))


@pytest.fixture
def talk(engine: Local) -> Talk:
    return Talk(lambda: engine, "frontdesk", TOOLS, SPECS)


@pytest.mark.parametrize(
    "said",
    [
        "Where is my order, 1234?",
        "It's one, two, three, four.",
        "1-2-3-4",
        "12 34",
        "1,234.",
        "Order number 1 2 3 4.",
        "Order #1234, please!",
        "My order number is, uh, 1,2,3,4.",
        "Hello, my name is Jane Miller, and my order number is 1234.",
        "ONE TWO THREE FOUR.",
        "Twelve thirty-four.",
    ],
)
async def test_a_number_in_any_writing(talk: Talk, said: str) -> None:
    assert await talk.say(said) == ORDERS["1234"]


@pytest.mark.parametrize("said", ["12:34.", "Sure, it's 1 2 3 4.", "#1234", "One. Two. Three. Four.", "Yes, 1234."])
async def test_a_number_that_was_asked_for(talk: Talk, said: str) -> None:
    assert await talk.say("Hi there. I'm calling about my, uh, order.") == ASK
    assert await talk.say(said) == ORDERS["1234"]


@pytest.mark.parametrize("said", ["I have two cats.", "I'm forty-five years old.", "It was 20 dollars."])
async def test_another_number_than_was_asked_for(talk: Talk, said: str) -> None:
    await talk.say("Where's my order?")
    assert await talk.say(said) == f"{ENGLISH.says.do_not_understand} {ASK}"
    assert await talk.say("1234") == ORDERS["1234"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Hi, how are you?", ENGLISH.says.well),
        ("You're so kind.", ENGLISH.says.pleased),
        ("You have a nice voice!", ENGLISH.says.pleased),
        ("You are useless!", ENGLISH.says.calm),
        ("What the fuck.", ENGLISH.says.calm),
        ("Shut up!", ENGLISH.says.calm),
        ("Tell me a joke, please.", ENGLISH.says.no_jokes.format(company="Bellweather Bikes")),
        ("Um.", ENGLISH.says.listening),
        ("Uh, so, um...", ENGLISH.says.listening),
        ("I was just testing.", ENGLISH.says.all_right),
        ("What did you understand?", ENGLISH.says.not_heard),
        ("Slower, please.", ENGLISH.says.nothing_to_repeat),
        ("Yes, no, wait.", ENGLISH.says.yes_or_no),
        ("What's the weather like?", FALLBACK),
        ("Okay, um, let me think.", ENGLISH.says.take_your_time),
        ("No, no, no. That's not what I meant.", ENGLISH.says.misunderstood),
        ("Could you tell me a joke about bikes?", ENGLISH.says.no_jokes.format(company="Bellweather Bikes")),
        ("Hi, how are you? Where is my order?", ASK),
        ("Thank you, that's very kind.", "You are welcome. Is there anything else?"),
    ],
)
async def test_small_talk(talk: Talk, said: str, answer: str) -> None:
    assert await talk.say(said) == answer
    assert talk.did == []


@pytest.mark.parametrize(
    "said",
    [
        "Who are you?",
        "What are you?",
        "Are you human?",
        "Do you have a name?",
        "Would you mind telling me who I am speaking to?",
        "May I ask who I'm talking to?",
        "Could you tell me who this is?",
        "I was wondering, are you a robot?",
    ],
)
async def test_the_agent_s_own_words_for_what_it_foresees(talk: Talk, said: str) -> None:
    assert "automated front desk of Bellweather Bikes" in await talk.say(said)


async def test_the_last_words_again_and_slower(talk: Talk) -> None:
    await talk.say("Where is my order, 1235?")
    assert await talk.say("Could you repeat that?") == ORDERS["1235"]
    slow = "Order one, two, three, five is delayed."
    assert await talk.say("Can you say that more slowly, please?") == f"{ENGLISH.says.slowly} {slow}"
    assert await talk.say("Sorry, what?") == slow
    assert await talk.say("You're talking too fast.") == f"{ENGLISH.says.slowly} {slow}"


async def test_what_was_understood(talk: Talk) -> None:
    await talk.say("Where's my order?")
    assert await talk.say("What did you understand?") == "I understood: Where's my order."
    await talk.say("one two")
    assert await talk.say("What did you get so far?") == "I have one two so far. What comes after that?"
    await talk.say("three four")
    assert await talk.say("What have you understood?") == "I understood: order number one two three four."


async def test_a_number_that_was_misheard_is_mended(talk: Talk) -> None:
    assert await talk.say("Where is my order, 1253?") == NOT_FOUND
    assert await talk.say("No, three five, not five three.") == ORDERS["1235"]
    assert await talk.say("I said thirty-four, not thirty-five.") == ORDERS["1234"]
    assert [given["order_number"] for _, given in talk.did] == ["1253", "1235", "1234"]


async def test_a_day_that_was_misheard_is_mended(talk: Talk) -> None:
    await talk.say("Are you open on Sunday?")
    assert await talk.say("I mean Saturday, not Sunday.") == "Open saturday."
    assert await talk.say("Not on Saturday, on Friday.") == "Open friday."


@pytest.mark.parametrize(
    ("short", "asked", "rest"),
    [
        ("134", "I have one three four so far. What comes after that?", "There's a two between the one and the three."),
        ("124", "I have one two four so far. What comes after that?", "The third digit is three."),
        ("1 2 3.", "I have one two three so far. What comes after that?", "Four."),
        ("134", "I have one three four so far. What comes after that?", "No, 1234."),
        ("one two tree sue four", "I heard one two three four. ", ""),
        ("One two sue four.", "I have one two, then four. Which digit comes between?", "Three."),
        ("One two sue four.", "I have one two, then four. Which digit comes between?", "No, it's 1234."),
    ],
)
async def test_a_digit_that_got_lost_is_asked_for_in_its_place(talk: Talk, short: str, asked: str, rest: str) -> None:
    await talk.say("Where's my order?")
    said = await talk.say(short)
    if rest:
        assert said == asked
        said = await talk.say(rest)
    assert said == ORDERS["1234"]


async def test_a_number_that_lost_a_digit_within_a_request(talk: Talk) -> None:
    asked = "I have one two three so far. What comes after that?"
    assert await talk.say("Is my order 123 for here yet?") == asked
    assert await talk.say("Four.") == ORDERS["1234"]


async def test_a_quantity_in_a_request_is_no_number_with_a_digit_lost(talk: Talk) -> None:
    assert await talk.say("Where is my order of 12 bikes?") == ASK


async def test_a_digit_that_is_missing_somewhere(talk: Talk) -> None:
    await talk.say("Where's my order?")
    await talk.say("124")
    asked = await talk.say("You forgot the three.")
    assert asked == "Where does the three go? Please say the whole number, digit by digit."
    assert await talk.say("one two three four") == ORDERS["1234"]


async def test_two_wishes_in_one_sentence(talk: Talk) -> None:
    answer = await talk.say("Where is my order, 1234, and when are you open on Saturday?")
    assert answer == f"Open saturday. {ORDERS['1234']}"


async def test_two_wishes_of_which_one_is_in_the_caller_s_own_words(talk: Talk) -> None:
    answer = await talk.say("I'd like to know when order 1235 gets here. And are you open on Saturday?")
    assert answer == f"Open saturday. {ORDERS['1235']}"


async def test_what_comes_last_counts_not_how_it_came_to_that(understanding: Understanding) -> None:
    meaning = await understanding.of("I bought a bike from you last month and the gears keep slipping.")
    assert meaning.intent == "repairs"


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("Could somebody look at my breaks?", "repairs"),
        ("I have a problem with my back tyre, it is flat.", "repairs"),
        ("Do you have a helmet for my little girl?", "rentals"),
        ("Can I swap my bike for a bigger one?", "returns"),
    ],
)
async def test_words_that_recognisers_and_callers_choose(understanding: Understanding, said: str, intent: str) -> None:
    meaning = await understanding.of(understanding.domain.vocabulary.respelled(said))
    assert meaning.intent == intent
    assert meaning.strangers == ()


def test_a_word_is_respelled_only_where_the_business_names_the_thing(understanding: Understanding) -> None:
    respelled = understanding.domain.vocabulary.respelled
    assert respelled("My front breaks squeak, and the peddle is loose.") == (
        "My front brakes squeak, and the pedal is loose."
    )
    for said in ("It breaks down.", "Two weeks ago.", "I would wait for the mail.", "Can I buy a bell?"):
        assert respelled(said) == said


@pytest.mark.parametrize(
    "said",
    [
        "I'd like to speak to someone about my bill.",
        "I want to return my bike and talk to a person.",
        "Can I talk to somebody because my cat ate the manual?",
    ],
)
async def test_a_person_is_asked_for_because_of_anything(talk: Talk, said: str) -> None:
    assert await talk.say(said) == "I am connecting you."


async def test_a_holiday_is_a_day(talk: Talk) -> None:
    assert await talk.say("Are you open on Christmas Eve?") == "Open christmas eve."
    assert await talk.say("And on New Year's Day?") == "Open new years day."


@pytest.mark.parametrize(
    "said",
    ["Thank you very much. That's all.", "Thanks for your help. Goodbye.", "You are very helpful, thank you, bye."],
)
async def test_thanks_and_goodbye_in_one(talk: Talk, said: str) -> None:
    assert "Goodbye" in await talk.say(said)


async def test_a_joke_about_what_the_shop_sells_is_a_joke(talk: Talk) -> None:
    assert await talk.say("Tell me a joke about bikes.") == ENGLISH.says.no_jokes.format(company="Bellweather Bikes")


async def test_two_wishes_of_which_one_lacks_a_number(talk: Talk) -> None:
    assert await talk.say("Where is my order? And are you open on Sunday?") == f"Open sunday. {ASK}"
    assert await talk.say("1234") == ORDERS["1234"]


async def test_it_says_once_what_it_can_do_then_offers_a_colleague_and_never_says_the_same_twice(talk: Talk) -> None:
    said = [await talk.say(f"{thing} eat purple grass") for thing in ("Lions", "Zebras", "Tigers", "Monkeys")]
    assert said == [FALLBACK, ENGLISH.says.again_not, ENGLISH.says.still_not, ENGLISH.says.again_not]
    assert await talk.say("No.") == ENGLISH.says.all_right
    assert await talk.say("Elephants eat purple grass.") == ENGLISH.says.in_other_words
    assert await talk.say("Rhinos eat purple grass.") == ENGLISH.says.again_not
    assert await talk.say("Yes, please.") == "I am connecting you."


async def test_a_caller_who_breaks_in_on_the_list_of_what_it_can_do(talk: Talk) -> None:
    await talk.say("Lions eat purple grass.", breaks_in_after="I did not get that.")
    assert await talk.say("Zebras eat purple grass.") == ENGLISH.says.again_not


async def test_a_number_that_is_never_found_leads_to_a_colleague(talk: Talk) -> None:
    said = [await talk.say(number) for number in ("Order number 9999.", "9998.", "9997.", "9996.")]
    offered = f"{NOT_FOUND} {ENGLISH.says.offer}"
    assert said == [NOT_FOUND, offered, ENGLISH.says.still_no_luck, offered]
    assert await talk.say("Yes.") == "I am connecting you."


async def test_a_number_that_never_has_the_right_length_leads_to_a_colleague(talk: Talk) -> None:
    await talk.say("Where's my order?")
    said = [await talk.say(number) for number in ("123456", "12345", "123456")]
    heard = "I heard one two three four five six."
    assert said[0] == f"{heard} {ASK}"
    assert said[1] == f"I heard one two three four five. {ENGLISH.says.or_colleague}"
    assert said[2] == f"{heard} {ENGLISH.says.one_by_one}"
    assert await talk.say("1234") == ORDERS["1234"]


async def test_what_is_meant_of_a_yes_and_a_no(talk: Talk) -> None:
    for thing in ("Lions", "Zebras"):
        await talk.say(f"{thing} eat purple grass.")
    assert await talk.say("Yes. No. Wait.") == f"{ENGLISH.says.yes_or_no} {ENGLISH.says.offer}"
    assert await talk.say("No, sorry, I mean yes.") == "I am connecting you."


async def test_a_caller_who_only_says_um_is_waited_for(talk: Talk) -> None:
    await talk.say("Where's my order?")
    assert await talk.say("Um.") == ENGLISH.says.take_your_time
    assert await talk.say("Uh, it's... 1234.") == ORDERS["1234"]


async def test_great_is_a_yes_to_an_offer_though_the_agent_knows_it_as_thanks(talk: Talk) -> None:
    for thing in ("Lions", "Zebras"):
        await talk.say(f"{thing} eat purple grass.")
    assert await talk.say("Yes, that would be great.") == "I am connecting you."
