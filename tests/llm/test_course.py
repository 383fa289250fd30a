"""How a typed call with the front desk goes on: what was said before decides what a short sentence means."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.agents.files import load_agent
from services.llm.contract import Message, Passage, Role
from services.llm.local.languages.language import ENGLISH
from services.llm.providers.local import Local
from testbed.frontdesk import AGENTS, ORDERS, SPECS, TOOLS
from testbed.rounds import settings
from testbed.talk import Talk, spec

SURGERY = Path(__file__).parent / "agents"
CANCEL = spec("cancel_visit", "reference")
GREETING = load_agent(AGENTS, "frontdesk").greeting


@pytest.fixture
def talk(engine: Local) -> Talk:
    """The call has begun: the greeting was said."""
    return Talk(lambda: engine, "frontdesk", TOOLS, SPECS, messages=[Message(Role.ASSISTANT, GREETING)])


async def test_a_caller_who_missed_the_greeting_hears_it_again(talk: Talk) -> None:
    assert await talk.say("sorry, what was that?") == GREETING


async def test_who_greets_as_an_agent_has_not_offered_a_person(talk: Talk) -> None:
    talk.messages = [Message(Role.ASSISTANT, "You have reached an automated agent, not a person. How can I help?")]
    assert await talk.say("okay") == "What can I do for you?"
    assert talk.did == []


async def test_the_bot_s_last_words_are_known_in_a_long_call(talk: Talk) -> None:
    talk.messages += [Message(Role.USER, "thanks"), Message(Role.ASSISTANT, "You are welcome.")] * 30
    assert await talk.say("could you repeat that?") == "You are welcome."


OFFER = "A colleague can do that for you. Shall I connect you?"


NOES = ("no thank you", "No, thanks.", "nope", "no, I'm all set", "nah, that won't be needed")


@pytest.mark.parametrize("said", NOES)
async def test_no_to_an_offer_is_no_to_that_offer(talk: Talk, said: str) -> None:
    talk.messages += [Message(Role.USER, "can you paint my bike"), Message(Role.ASSISTANT, OFFER)]
    assert await talk.say(said) == ENGLISH.says.all_right
    assert talk.did == []


async def test_a_colleague_who_is_not_wanted_does_not_end_the_call(talk: Talk) -> None:
    assert "connect you to a colleague" in await talk.say("my washing machine is leaking")
    assert await talk.say("no thank you") == "All right. What else can I do for you?"
    assert await talk.say("nothing, thanks") == "Thank you for calling. Goodbye."


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("You are welcome. Is there anything else?", "no thanks"),
        ("You are welcome. Is there anything else?", "no"),
        (ENGLISH.says.all_right, "no thank you"),
        (OFFER, "no thanks, bye"),
        (OFFER, "no thank you, that's all"),
        (OFFER, "goodbye"),
    ],
)
async def test_who_wants_nothing_else_or_says_goodbye_is_let_go(talk: Talk, asked: str, said: str) -> None:
    talk.messages += [Message(Role.USER, "thanks"), Message(Role.ASSISTANT, asked)]
    await talk.say(said)
    assert [name for name, _ in talk.did] == ["end_call"]


FALLBACK = load_agent(AGENTS, "frontdesk").domain.fallback


@pytest.mark.parametrize(
    ("fallback", "told"),
    [
        ("I am sorry, I did not get that. I can sell you a hat.", "I can sell you a hat."),
        ("Sorry, I can only sell hats.", "I can only sell hats."),
        ("I am sorry, I can not help with that.", "I answer calls for Hats and More. What would you like to know?"),
    ],
)
async def test_what_the_bot_can_do_is_told_without_an_apology(tmp_path: Path, fallback: str, told: str) -> None:
    (tmp_path / "hats").mkdir()
    agent = f"company: Hats and More\ngreeting: hi\nprompt: p\ndomain:\n  fallback: {fallback}\n"
    (tmp_path / "hats" / "agent.yaml").write_text(agent)
    hats = Local(settings(PARLEY_AGENTS_DIR=tmp_path, PARLEY_AGENT="hats", PARLEY_DATA_DIR=tmp_path))
    assert await Talk(lambda: hats, "hats", {}, ()).say("how does this work?") == told


async def test_sorry_is_said_once(talk: Talk) -> None:
    answer = await talk.say("do you have a warranty")
    assert answer == f"{ENGLISH.says.do_not_know} {ENGLISH.without_apology(FALLBACK)}"
    assert answer.lower().count("sorry") == 1
    assert "connect you to a colleague" in answer


ADDRESS = "Bellweather Bikes is at twenty two Mill Street in Harrow Falls."
DELIVERY = "The delivery address can be changed until the order has shipped."


async def test_a_passage_about_just_what_was_asked_answers_before_one_that_has_the_word_too(talk: Talk) -> None:
    talk.passages = (
        Passage(DELIVERY, "delivery.md > Delivery and pick up > Changing the address", 0.38),
        Passage(ADDRESS, "location.md > Location, parking and contact > Address", 0.3),
    )
    assert await talk.say("what is the address?") == ADDRESS
    assert await talk.say("can I still have the delivery address changed?") == DELIVERY


async def test_how_much_is_answered_with_a_price(talk: Talk) -> None:
    text = "A tune up includes adjusting the brakes. A tune up takes a day. A tune up costs sixty five dollars."
    talk.passages = (Passage(text, "tune-ups.md > Tune ups > Tune ups", 0.5),)
    assert "sixty five dollars" in await talk.say("how much is a tune up?")


ASK = "What is your order number? It has four digits."


async def test_two_wishes_in_one_sentence_are_both_done(talk: Talk) -> None:
    answer = await talk.say("Where is order 1234 and what time do you open on Saturday?")
    assert answer == f"Open saturday. {ORDERS['1234']}"
    assert [name for name, _ in talk.did] == ["get_business_hours", "check_order_status"]
    assert await talk.say("no, order 1235") == ORDERS["1235"]


async def test_of_two_wishes_the_one_that_needs_a_number_comes_last(talk: Talk) -> None:
    assert await talk.say("where is my order and when do you open") == f"Open all week. {ASK}"
    assert await talk.say("one two three four") == ORDERS["1234"]
    assert [name for name, _ in talk.did] == ["get_business_hours", "check_order_status"]


PRICES = Passage("A tune up is sixty five dollars.", "prices.md > Prices > Repair prices", 0.5)
RETURNS = "You can return anything unused within thirty days. Helmets can only be returned in their box."
RETURNED = Passage(RETURNS, "returns.md > Returns > Return policy", 0.2)
TAKES = Passage("A battery takes four hours to charge.", "electric.md > Electric bikes > Charging", 0.3)


async def test_a_tool_and_knowledge_in_one_sentence(talk: Talk) -> None:
    talk.passages = (PRICES,)
    answer = await talk.say("Are you open on Sunday? And how much is a tune up?")
    assert answer == f"Open sunday. {PRICES.text}"
    talk.passages = ()
    answer = await talk.say("how much is a tune up and are you open on Friday")
    assert answer == f"Open friday. {ENGLISH.says.not_the_other}"


async def test_two_wishes_that_need_more_are_taken_one_at_a_time(tmp_path: Path) -> None:
    surgery = Local(settings(PARLEY_AGENTS_DIR=SURGERY, PARLEY_AGENT="surgery", PARLEY_DATA_DIR=tmp_path))
    talk = Talk(lambda: surgery, "surgery", {"cancel_visit": lambda reference: {"summary": "Cancelled."}}, (CANCEL,))
    answer = await talk.say("I want to cancel my visit and I'd like to book an appointment with Doctor Brook")
    assert answer == f"{ENGLISH.says.one_at_a_time} What is the five digit reference?"
    await talk.say("12345")
    assert await talk.say("yes") == "Cancelled."


async def test_who_wants_a_person_is_not_kept_with_something_else(talk: Talk) -> None:
    await talk.say("when do you open and can I talk to a person")
    assert [name for name, _ in talk.did] == ["transfer_to_human"]


async def test_two_questions_that_nothing_answers_are_refused_once(talk: Talk) -> None:
    assert (await talk.say("do you have a warranty and do you rent bikes")).lower().count("sorry") == 1


async def test_a_question_that_leans_on_the_one_before(talk: Talk) -> None:
    talk.passages = (RETURNED,)
    assert "thirty days" in await talk.say("what is your return policy")
    talk.passages = (TAKES, RETURNED)
    assert "thirty days" in await talk.say("how long do I have?")
    assert await talk.say("okay thanks") == "You are welcome. Is there anything else?"


@pytest.mark.parametrize("said", ["is it going to rain", "how are you today", "who won the game", "what about pizza"])
async def test_what_is_off_the_topic_does_not_lean(talk: Talk, said: str) -> None:
    talk.passages = (RETURNED,)
    assert "thirty days" in await talk.say("what is your return policy")
    assert "days" not in await talk.say(said)


async def test_the_same_apology_is_not_heard_twice_in_a_row(talk: Talk) -> None:
    assert await talk.say("flibber gibber") == FALLBACK
    assert await talk.say("gabber nabber") == ENGLISH.says.again_not
    assert await talk.say("no thanks") == ENGLISH.says.all_right
    assert await talk.say("please talk slower") == f"{ENGLISH.says.slowly} {ENGLISH.says.all_right}"


async def test_a_question_that_leans_is_not_answered_with_another_matter(talk: Talk) -> None:
    talk.passages = (RETURNED,)
    assert "thirty days" in await talk.say("what is your return policy")
    talk.passages = (PRICES, TAKES)
    assert "dollars" not in await talk.say("how much is it")


async def test_okay_to_an_answer_is_no_wish(talk: Talk) -> None:
    await talk.say("when are you open")
    assert await talk.say("okay") == ENGLISH.says.what_else


FLOWERS = """
company: Rose
greeting: Hello.
prompt: You sell flowers.
domain:
  words: [flowers, bunch]
  slots:
    flower: {kind: choice, values: [roses, tulips], ask: Which flowers do you mean?}
  intents:
    price:
      phrases: ["how much [is|are] [a bunch of|] {flower}", "what do {flower} cost", "how much are your flowers"]
      tool: price_of
      needs: [flower]
  fallback: I can tell you our prices.
"""


@pytest.mark.parametrize("said", ["how much are daisies", "and how much are daisies?", "what does delivery cost"])
async def test_a_value_that_nobody_knows_is_not_taken_for_the_last_one(said: str, tmp_path: Path) -> None:
    (tmp_path / "flowers").mkdir()
    (tmp_path / "flowers" / "agent.yaml").write_text(FLOWERS)
    shop = Local(settings(PARLEY_AGENTS_DIR=tmp_path, PARLEY_AGENT="flowers", PARLEY_DATA_DIR=tmp_path / "data"))
    tools = {"price_of": lambda flower: {"summary": f"A bunch of {flower} is 18 dollars."}}
    talk = Talk(lambda: shop, "flowers", tools, (spec("price_of", "flower"),))
    assert await talk.say("how much are tulips") == "A bunch of tulips is 18 dollars."
    assert "18" not in await talk.say(said)
    assert await talk.say("how much are roses") == "A bunch of roses is 18 dollars."
    assert await talk.say("and how much are your flowers") == "A bunch of roses is 18 dollars.", "still spoken of"
