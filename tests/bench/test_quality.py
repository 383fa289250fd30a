"""What the measure of understanding counts as right."""

from __future__ import annotations

import pytest

from bench.quality import sets
from bench.quality.judge import ANSWERED, ORDERS, TOOLS, TRANSFER, Outcome, Tally, judged, page_of, words_for
from bench.quality.sets import Case
from bench.quality.speech import Words, comparable
from bench.quality.table import Line, intents_table, spoken_table, typed_table
from parley.agents import Agent, load_agent
from services.llm.contract import Passage
from services.llm.local import moves
from tests.llm.test_frontdesk import AGENTS


@pytest.fixture(scope="module")
def agent() -> Agent:
    return load_agent(AGENTS, "frontdesk")


def test_every_sentence_has_an_intent_that_can_be_judged(agent: Agent) -> None:
    said = [one.case for one in (*sets.own_spoken(), *sets.held_out_spoken())]
    cases = [*sets.own_typed(), *sets.held_out_typed(), *said]
    assert len(cases) > 300
    for case in cases:
        known = not case.intent or case.intent in TOOLS or case.intent in ANSWERED
        assert known or words_for(case.intent, agent), case


def test_an_order_without_a_number_is_asked_for_its_number(agent: Agent) -> None:
    case = Case("where is my order", "order_status")
    assert judged(case, Outcome("What is your order number? It has four digits."), agent).request
    made_up = judged(case, Outcome("Shipped.", ((ORDERS, {"order_number": "1234"}),)), agent)
    assert made_up.intent
    assert made_up.invented
    assert not made_up.request


def test_the_wrong_number_is_a_wrong_request(agent: Agent) -> None:
    case = Case("where is order 1234", "order_status", {"order_number": "1234"})
    verdict = judged(case, Outcome("", ((ORDERS, {"order_number": "1235"}),)), agent)
    assert (verdict.intent, verdict.values, verdict.request) == (True, False, False)


def test_to_offer_a_colleague_with_everything_else_is_not_to_connect(agent: Agent) -> None:
    case = Case("a person please", "human")
    assert not judged(case, Outcome(agent.domain.fallback), agent).intent
    assert judged(case, Outcome("One moment.", ((TRANSFER, {}),)), agent).intent


def test_an_answer_counts_by_its_page_and_its_words(agent: Agent) -> None:
    passages = [Passage("A new chain costs\nforty five dollars.", "prices.md > Repair prices")]
    page = page_of("A new chain costs forty five dollars.", passages)
    assert page == "prices.md"
    told = Outcome("A new chain costs forty five dollars.", page=page)
    assert judged(Case("how much is a chain", "prices"), told, agent).intent
    assert judged(Case("how much is a chain", "knowledge", words="Forty five"), told, agent).intent
    assert not judged(Case("how much is a tube", "knowledge", words="eighteen"), told, agent).intent
    assert not judged(Case("can you fix my chain", "repairs"), told, agent).intent
    assert page_of(agent.domain.fallback, passages) == ""


def test_out_of_domain_only_a_refusal_is_right(agent: Agent) -> None:
    tally = Tally()
    pizza = Case("a large pizza please")
    assert tally.add(pizza, Outcome(moves.does_not_know(agent.domain.fallback)), agent)
    assert tally.add(pizza, Outcome(), agent), "speech that was not understood asks for nothing"
    assert not tally.add(pizza, Outcome("What is your order number? It has four digits."), agent)
    assert not tally.add(pizza, Outcome(agent.domain.fallback, ((TRANSFER, {}),)), agent)
    assert (tally.outside, tally.accepted) == (4, 2)


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("it's order double four one two", "it is order 4412", 0),
        ("order twelve thirty four", "order 1234", 0),
        ("where is order nine eight six three", "where is order 9663", 1),
        ("how much is it to hire two bikes", "how much is it to hire two bikes", 0),
        ("where is my order", "", 4),
    ],
)
def test_numbers_are_compared_digit_by_digit(said: str, heard: str, wrong: int) -> None:
    words = Words()
    words.add(sets.Spoken(Case(said, "order_status")), heard)
    assert words.errors == wrong
    assert words.words == len(comparable(said).split())
    assert words.not_understood == (not heard)


def test_the_tables_show_both_sets_side_by_side(agent: Agent) -> None:
    own, held_out = Tally(), Tally()
    own.add(Case("bye", "goodbye"), Outcome("Goodbye.", (("end_call", {}),)), agent)
    held_out.add(Case("the weather", ""), Outcome(agent.domain.fallback), agent)
    sides = {"own": own, "held out": held_out}
    assert "| intent right | 100 % (1/1) |  |" in typed_table(sides)
    assert "| goodbye | 1/1 |  |" in intents_table(sides)
    line = Line(Words(errors=1, words=4, sentences=1), own, own)
    assert "| own | page | 25.0 % | 0 % (0/1) |" in spoken_table({("own", "page"): line})
