"""What is looked at in code: numbers that a model has from nowhere, what is never said, what a caller's line is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from parley.agents.agent import Agent
from parley.agents.guardrails import Guardrails
from services.orchestrator.guards import lines, numbers
from services.orchestrator.guards.answers import AnswerGuard, Finding, is_card

KNOWN = [
    ("Your order is one two three four.", "1234"),
    ("It is order twelve thirty four.", "order one two three four"),
    ("That is forty five dollars.", '{"price": 45.0}'),
    ("Your balance is one thousand two hundred three dollars and fifty five cents.", '{"balance": 1203.55}'),
    ("Your balance is $1,203.55.", '{"balance": 1203.55}'),
    ("That is fifty cents.", '{"fee": 0.5}'),
    ("We close at six in the evening.", '{"closes": "18:00"}'),
    ("We close at half past six.", '{"closes": "18:30"}'),
    ("At twenty to seven.", "18:40"),
    ("It is seven oh five.", "7:05"),
    ("On March fourteenth, twenty twenty six.", "2026-03-14"),
    ("On the 14th at 9:30 AM.", "2026-03-14T09:30:00"),
    ("On the twenty first of May.", "2026-05-21"),
    ("Call five five five zero one nine nine.", "+1 (555) 555-0199"),
    ("You save five percent.", "0.05"),
    ("Two million people.", "2000000"),
    ("1.299,00 €", "1299"),
    ("₹118,000", "118000"),
    ("٤٥ dollars", "45"),
    ("There are three orders.", '{"orders": [{"a": 0}, {"a": 0}, {"a": 0}]}'),
    ("The number is double four one,", "441"),
    ("Your order is one two", "1234"),
    ("One of us will call. One moment, I have two questions first.", ""),
    ("In the second place, nobody knows.", ""),
    ("Someone attended. Weight is often height.", ""),
]
INVENTED = [
    ("That is forty five dollars.", '{"price": 54.0}'),
    ("Your balance is $1,203.55.", '{"balance": 1203.5}'),
    ("It takes one day.", "3 days"),
    ("Your code is one two three five.", "1234"),
    ("We open at seven.", "09:00-18:00"),
    ("You get ten percent off.", "5"),
    ("It costs 99 dollars.", "You are A."),
    ("On the first of March.", "2026-04-02"),
    ("Two hundred and fifty in all.", "200, 50x"),
    ("In two weeks.", ""),
]


@pytest.mark.parametrize(("text", "source"), KNOWN)
def test_a_number_is_known_however_it_is_written_or_said(text: str, source: str) -> None:
    assert [text[n.begin : n.end] for n in numbers.unsourced(text, ["nothing", source])] == []


@pytest.mark.parametrize(("text", "source"), INVENTED)
def test_a_number_from_nowhere_is_found(text: str, source: str) -> None:
    assert numbers.unsourced(text, [source])


def test_what_has_no_number_asks_for_no_source() -> None:
    asked: list[int] = []

    def sources() -> Sequence[str]:
        asked.append(1)
        return []

    guard = AnswerGuard(Guardrails(numbers="from_sources"), sources)
    assert guard.take("We are open on weekdays, as you may know. ") == "We are open on weekdays, as you may know. "
    assert not asked


def test_hostile_sources_cost_little() -> None:
    for text in ("1" * 50_000, "1,2" * 20_000, "one " * 20_000, "[" * 50_000, "1:1:" * 10_000, "- " * 20_000 + "1"):
        numbers.unsourced("It costs 99 dollars.", [text])
        numbers.in_words(text[:2_000])


def spoken(rails: dict[str, Any], *phrases: str, sources: Sequence[str] = ()) -> tuple[str, list[Finding]]:
    guard = AnswerGuard(Guardrails(**rails), lambda: sources)
    return "".join(guard.take(phrase) for phrase in phrases), guard.found


FLAG = {"numbers": "from_sources"}
REPLACE = {"numbers": "from_sources", "unsourced": "replace", "instead": "I am not sure of the number."}


def test_a_number_from_nowhere_is_flagged_and_said() -> None:
    said, found = spoken(FLAG, "It costs 99 dollars. ", "It takes 5 days.")
    assert said == "It costs 99 dollars. It takes 5 days."
    assert found == [Finding("numbers", "flagged")]


def test_or_its_sentence_is_not_said_to_its_end_but_the_set_one_once() -> None:
    phrases = ("Let me see. ", "It costs 99 dollars, ", "all in all. ", "It takes 5 days. ", "We are open till 18:00.")
    said, found = spoken(REPLACE, *phrases, sources=["18:00"])
    assert said == "Let me see. I am not sure of the number. We are open till 18:00."
    assert found == [Finding("numbers", "replaced")]


def test_words_of_others_are_cut_in_any_case_and_with_their_ending() -> None:
    rails = {"never_say": {"words": ["Acme Bikes", "Velo"], "patterns": [r"\bID-\d+\b"]}}
    phrases = "ACME  bikes is dearer, and Velo's bikes, too. ", "Velocity is fine. Your ID-77 is safe."
    said, found = spoken(rails, *phrases)
    assert said == "is dearer, and bikes, too. Velocity is fine. Your is safe."
    assert found == [Finding("never_say", "cut", "words")]
    assert spoken(rails, "Velo.")[0] == "", "what is left makes no sound"


CARD = "4111 1111 1111 1111"
WORDS = "four one one one, one one one one, one one one one, one one one one"


@pytest.mark.parametrize(
    ("phrases", "said"),
    [
        ((f"Your card {CARD} is blocked.",), "Your card is blocked."),
        ((f"Your card {CARD.replace(' ', '-')}.",), "Your card."),
        ((f"It is {WORDS}. ", "Anything else?"), "It is. Anything else?"),
        (("It is 4111 1111, ", "1111 1111. ", "Good."), "It is 4111 1111, Good."),
        (("It is four one one one one one one one, ", "one one one one, ", "one one one one."), None),
        (("Your order is 4111 1111 1111 1112.",), "Your order is 4111 1111 1111 1112."),
        (("Call 555 0199 or 1234.",), "Call 555 0199 or 1234."),
    ],
)
def test_the_number_of_a_card_is_cut_however_it_is_said(phrases: tuple[str, ...], said: str | None) -> None:
    got, found = spoken({"never_say": {"cards": True}}, *phrases)
    assert said is None or got == said
    assert not any(is_card(digits) for _, _, digits in numbers.digit_runs(got))
    assert bool(found) == (got != "".join(phrases))


# The caller's line

AGENT = Agent(
    company="Harrow Telecom",
    greeting="Hello.",
    prompt="You answer.",
    transfer_to="+15550100",
    specialists={
        "billing": {"about": "bills", "prompt": "Bills.", "phrases": ["my [bill|invoice]", "charged twice"]},
        "technical": {"about": "lines", "prompt": "Lines.", "phrases": ["internet is [down|slow]", "my bill box"]},
    },
    escalate={"phrases": ["sue you"]},
    guardrails={
        "refuse_topics": {
            "legal": {"phrases": ["legal advice", "[can|should] i sue"], "say": "I can not help with the law."},
            "rivals": {"patterns": [r"\bacme\b"], "say": "I only know our own prices."},
        }
    },
)


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        ("Could you give me some LEGAL advice?", "legal"),
        ("can I sue Acme", "legal"),
        ("is Acme cheaper", "rivals"),
        ("is acmeville far", ""),
        ("I like it legal.", ""),
        ("", ""),
    ],
)
def test_a_line_of_a_topic_that_is_refused(line: str, topic: str) -> None:
    assert lines.refused(AGENT, line) == topic


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Hi, um, my bill is too high.", "billing"),
        ("I was charged twice", "billing"),
        ("the internet's down", ""),
        ("my internet is down", "technical"),
        ("my bill box is broken", "technical"),  # the longest piece counts
        ("hello", ""),
    ],
)
def test_whose_phrases_a_line_has(line: str, name: str) -> None:
    assert lines.specialist_of(AGENT, line) == name


@pytest.mark.parametrize(
    ("line", "before", "why"),
    [
        ("I want to talk to a real person", (), "person"),
        ("operator please", (), "person"),
        ("get me your manager", (), "person"),
        ("I don't want to talk to a robot", (), "person"),
        ("This is ridiculous!", (), "angry"),
        ("worst service ever", (), "angry"),
        ("I will sue you", (), "phrases"),
        ("where is my order", ("where is my order", "Where is my order?"), "repeats"),
        ("where is my order", ("where is my order",), ""),
        ("yes please", ("yes please", "yes please", "yes please"), ""),
        ("I talked to my manager about the plan", (), ""),
        ("my dog is angry", (), ""),
        ("a person called me", (), ""),
    ],
)
def test_when_a_caller_is_for_a_person(line: str, before: tuple[str, ...], why: str) -> None:
    assert lines.escalates(AGENT, line, before) == why


def test_an_agent_that_asks_for_nothing_is_looked_at_for_nothing() -> None:
    plain = Agent(company="A", greeting="Hello.", prompt="You answer.")
    assert not plain.guardrails.looks_at_answers
    assert (lines.refused(plain, "legal advice"), lines.specialist_of(plain, "x")) == ("", "")
    assert lines.escalates(plain, "operator please", ()) == ""


def test_json_of_a_tool_is_a_source_as_it_is() -> None:
    result = json.dumps({"status": "ok", "items": [{"price": 12.5, "qty": 3}], "ref": "K7-0042"})
    assert not numbers.unsourced("Three at twelve dollars fifty, reference K seven, zero zero four two.", [result])
