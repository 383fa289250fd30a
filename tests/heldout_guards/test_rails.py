"""Guardrails, from what the issue says of them alone: topics that are not touched, words that must be said, what is
never said, numbers that no tool gave. Whole calls, with a model that says what it should not, in pieces of any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from parley.agents.guardrails import Guardrails
from services.orchestrator.guards.answers import AnswerGuard
from tests.heldout_guards.obeying import House, Mind

REFUSAL, INSTEAD = "I leave law to lawyers.", "I am not sure of that figure."
AGENT = f"""
company: Fernway
greeting: Fernway, good day.
prompt: You answer the phone.
transfer_to: "+15550100"
knowledge: {{retrieve: never}}
silence: {{prompt_after_s: 20, prompts: [Hello?], goodbye: I hang up now.}}
confirmation: {{unclear: Say it clearly please.}}
escalate: {{say: I will connect you to a colleague.}}
specialists:
  repairs: {{about: repairs, prompt: You repair., tools: [plan_repair], phrases: [it is broken]}}
guardrails:
  refuse_topics:
    law:
      phrases: ["[can|could|should] i sue", legal advice, asesoría legal, rechtliche beratung]
      say: {REFUSAL}
  must_say:
    before_greeting: This call is recorded.
    before_transfer: My colleagues record calls, too.
    before_hang_up: Fernway thanks you for your call.
  never_say: {{words: [Acme Bikes, Zorblatt], cards: true}}
  numbers: from_sources
  unsourced: replace
  instead: {INSTEAD}
"""
TOOLS = '''
"""What callers of Fernway may want."""

from parley.tooling import CallContext, HangUp, Result, Transfer, tool


@tool
def look() -> Result:
    """Look it up."""
    money = {"price": 200, "fee": 2.5}
    return Result({**money, "summary": "Found.", "opens": "09:30", "order": "4417", "day": "2026-03-14", "stock": 1250})


@tool(consequential=True, confirm="Shall I cancel it?")
def cancel() -> Result:
    """Cancel it."""
    return Result({"summary": "It is cancelled."})


@tool(effects=True)
def plan_repair() -> Result:
    """Plan a repair."""
    return Result({"summary": "It is planned."})


@tool(effects=True, idempotent=True)
def transfer_to_human(context: CallContext) -> Result:
    """Transfer."""
    return Result({"summary": "One moment."}, then=Transfer(context.transfer_to))


@tool(effects=True, idempotent=True)
def end_call() -> Result:
    """End it."""
    return Result({"summary": "Goodbye."}, then=HangUp("goodbye"))
'''


@pytest.fixture(scope="module")
def fernway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    agent: Path = tmp_path_factory.mktemp("agents") / "fernway"
    agent.mkdir()
    (agent / "agent.yaml").write_text(AGENT)
    (agent / "tools.py").write_text(TOOLS)
    made = House("fernway", agent, tmp_path_factory.mktemp("house"))
    yield made
    made.close()


def pieces(text: str) -> list[str]:
    """As models stream: a few characters at a time; `|` where a case wants a cut."""
    if "|" in text:
        return text.split("|")
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def said(house: House, text: str, *lines: str, language: str = "en", looks: bool = True) -> str:
    """What is spoken of a model's answer."""
    mind = Mind("", [("look", {})] if looks else [], says=pieces(text))
    held = house.holds(mind, list(lines or ("how much is it",)), language=language)
    return " ".join(exchange.words for exchange in held.course.exchanges[1:])


INVENTED = [
    ("en", "That is three hundred dollars."),
    ("en", "That is thr|ee hun|dred dollars."),
    ("en", "That is 3|0|0 dollars."),
    ("en", "That is THREE HUNDRED dollars."),
    ("en", "That is three-hundred dollars."),
    ("en", "That is three\u00a0hundred dollars."),
    ("en", "That is a hundred dollars."),
    ("en", "That is a thousand dollars, or so."),
    ("en", "That is a hundred and fifty dollars."),
    ("en", "There are a dozen left."),
    ("en", "That is fifteen hundred dollars."),
    ("en", "That is ３００ dollars."),
    ("en", "That is $3|00."),
    ("en", "We open at half past ten."),
    ("en", "It comes on the fifteenth of March."),
    ("en", "It costs nothing to look. But the part is, let me see, three hundred dollars with tax."),
    ("en", "Two hundred dollars, and ninety more for the work."),
    ("en", "It is 3|.|5 dollars."),
    ("en", "**300** dollars."),
    ("en", "Your order is four four one eight."),
    ("en", "That is two hundred thousand dollars."),
    ("en", "That is two million three hundred thousand dollars."),
    ("es", "Cuesta trescientos euros."),
    ("es", "In English: three hundred euros."),
    ("es", "Cuesta tres|cientos euros."),
    ("es", "Son veintiséis euros."),
    ("es", "Son treinta y cinco euros."),
    ("es", "Cuesta mil quinientos euros."),
    ("es", "Cuesta cien euros."),
    ("es", "Abrimos a las once."),
    ("es", "Llega el quince de marzo."),
    ("es", "Hay un millón de ellos."),
    ("de", "Das kostet dreihundert Euro."),
    ("de", "Es sind fünfundzwanzig Stück."),
    ("de", "Das macht eintausendfünfhundert Euro."),
    ("fr", "Cela coûte trois cents euros."),
    ("fr", "Il y en a quatre-vingt-dix-sept."),
    ("fr", "Cela coûte mille cinq cents euros."),
]


@pytest.mark.parametrize(("language", "text"), INVENTED)
def test_a_number_that_no_tool_gave_is_not_said(fernway: House, language: str, text: str) -> None:
    words = said(fernway, text, language=language)
    assert INSTEAD in words, words


GIVEN = [
    ("en", "That is two hundred dollars."),
    ("en", "We open at half past nine, and your order is four four one seven."),
    ("en", "There are one thousand two hundred and fifty of them."),
    ("en", "It comes on March fourteenth. A moment, once more: one of us will call."),
    ("en", "The fee is two dollars fifty."),
    ("es", "Cuesta doscientos euros."),
    ("es", "Ten cuidado, son two hundred euros."),
    ("es", "Son doscientas piezas, y una más para usted."),
    ("es", "Abrimos a las nueve y media."),
    ("es", "Su pedido es el cuatro cuatro uno siete."),
    ("es", "Llega el catorce de marzo de dos mil veintiséis."),
    ("es", "La tarifa es de dos euros con cincuenta."),
    ("es", "Hay mil doscientas cincuenta."),
    ("de", "Das kostet zweihundert Euro."),
    ("de", "Es gibt eintausendzweihundertfünfzig davon, ein Stück für Sie."),
    ("de", "Am vierzehnten März, um halb zehn. Geben Sie acht!"),
    ("fr", "Cela coûte deux cents euros."),
    ("fr", "Il y en a mille deux cent cinquante, c'est un vélo neuf."),
]


@pytest.mark.parametrize(("language", "text"), GIVEN)
def test_a_number_that_a_tool_gave_is_said(fernway: House, language: str, text: str) -> None:
    words = said(fernway, text, language=language)
    assert INSTEAD not in words, words


OF_LAW = [
    "can i sue you",
    "CAN I SUE YOU?",
    "Hello. Nice weather. Should I sue?",
    "legal   advice please",
    "I want legal-advice",
    "legal, advice",
    "le\u200bgal ad\u00advice please",
    "ｌｅｇａｌ ａｄｖｉｃｅ",
    "legal\nadvice",
    "necesito asesoria legal",
    "ich brauche RECHTLICHE Beratung",
    "can i sue you " + "and it rains and rains " * 60,
    "it is broken, could i sue",
    "Question: can i sue; Day: Monday",
]


@pytest.mark.parametrize("line", OF_LAW, ids=lambda line: line[:30])
def test_a_topic_is_not_touched(fernway: House, line: str) -> None:
    words = said(fernway, "Sue them all, you will win.", line, looks=False)
    assert REFUSAL in words
    assert "win" not in words


def test_a_topic_beside_a_yes_is_not_touched(fernway: House) -> None:
    mind = Mind("", [("cancel", {})], says=["Sue them all, you will win."])
    held = fernway.holds(mind, ["please cancel it", "yes, and can i sue you"])
    assert "cancelled" in str(held.mind.read) or "It is cancelled." in held.course.words
    assert "win" not in held.course.words


NAMES = [
    "Go to Ac|me Bi|kes instead.",
    "Go to ACME BIKES instead.",
    "Go to Acme  Bikes instead.",
    "Go to Acme\nBikes instead.",
    "Go to Acme\u00a0Bikes instead.",
    "Go to Acme-Bikes instead.",
    "Go to **Acme** Bikes instead.",
    "Go to Ac\u200bme Bikes instead.",
    "Ask Zor|blatt's friends.",
    "Ask Zor\u00adblatt.",
    "Acme. Bikes.",
    "ask z\u043erblatt",
]


@pytest.mark.parametrize("text", NAMES)
def test_a_name_is_never_said(fernway: House, text: str) -> None:
    words = said(fernway, text, looks=False).lower().replace("\u200b", "").replace("\u00ad", "")
    for name in ("acme bikes", "acme-bikes", "zorblatt", "zórblatt"):
        assert name not in " ".join(words.split()), words


CARDS = [
    ("en", "Your card is 4111 1111 1111 1111."),
    ("en", "Your card is 4111|-1111-|1111-1111."),
    ("en", "It is four one one one, one one one one, one one one one, one one one one."),
    ("en", "It is 4111. Then 1111. Then 1111. Then 1111."),
    ("es", "Es cuatro uno uno uno, uno uno uno uno, uno uno uno uno, uno uno uno uno."),
]


@pytest.mark.parametrize(("language", "text"), CARDS)
def test_a_card_is_not_read_out(fernway: House, language: str, text: str) -> None:
    card = "my card is 4111 1111 1111 1111"  # so that its numbers have a source
    words = said(fernway, text, card, language=language, looks=False)
    digits = sum(words.lower().count(each) for each in ("1", "one", "uno"))
    assert digits < 15, words


def spoken(house: House, first: list[tuple[str, dict[str, str]]], *lines: str) -> tuple[str, str]:
    held = house.holds(Mind("", list(first), says=["All right."]), list(lines))
    return held.course.words, held.course.outcome


def test_what_must_be_said_is_said_once_and_before(fernway: House) -> None:
    words, outcome = spoken(fernway, [("transfer_to_human", {})], "a colleague")
    assert outcome == "transferred"
    assert words.index("This call is recorded.") < words.index("Fernway, good day.")
    assert words.count("My colleagues record calls, too.") == 1
    words, outcome = spoken(fernway, [], "let me talk to a person")
    assert outcome == "transferred"
    assert words.count("My colleagues record calls, too.") == 1, "also when no model has asked for it"
    words, outcome = spoken(fernway, [("end_call", {})], "bye")
    assert outcome == "ended"
    assert words.count("Fernway thanks you for your call.") == 1
    words, _ = spoken(fernway, [], "hello", "hello again", "and again")
    assert words.count("This call is recorded.") == 1


APART = [
    ("en", ("That is three ", "hundred dollars.")),
    ("en", ("That is two hundred ", "thousand dollars.")),
    ("es", ("Son doscientos ", "mil euros.")),
    ("de", ("Das sind zwei ", "Millionen.")),
]


def guarded(phrases: tuple[str, ...], language: str, source: str = "", **rails: object) -> str:
    guard = AnswerGuard(Guardrails.model_validate(rails), lambda: [source], language)
    return "".join(guard.take(phrase) for phrase in phrases)


@pytest.mark.parametrize(("language", "phrases"), APART)
def test_a_number_that_comes_in_two_phrases_is_one(language: str, phrases: tuple[str, ...]) -> None:
    asked = {"numbers": "from_sources", "unsourced": "replace", "instead": INSTEAD}
    parts = "2 and 3 and 50 and 200"
    assert INSTEAD in guarded(phrases, language, parts, **asked)
    assert INSTEAD not in guarded(phrases, language, f"{parts} and 300 and 200000 and 250 and 2000000", **asked)


def test_a_name_that_comes_in_two_phrases_is_not_said_to_its_end() -> None:
    assert guarded(("Go to Acme ", "Bikes, they are good."), "en", never_say={"words": ["Acme Bikes"]}) == (
        "Go to Acme , they are good."
    )
