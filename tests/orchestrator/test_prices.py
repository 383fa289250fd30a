"""What a call has cost, by who had it: a cheap model greets, a better one knows about bills."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parley.agents.agent import Agent
from parley.engines import EngineSpec, Price
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Call, Spent, Tally
from services.orchestrator.run.prices import Prices, cost, costs, spent_on

CHEAP, DEAR = Price(input_million=1, output_million=2), Price(input_million=10, output_million=20)
MIND = EngineSpec(loads="", price=CHEAP, models={"big": DEAR, "big-mini": CHEAP})
EARS = EngineSpec(loads="", price=Price(stt_minute=0.6))
VOICE = EngineSpec(loads="", price=Price(tts_thousand_chars=3))
PRICES = Prices("vendor", ears=EARS, mind=MIND, voice=VOICE)
AGENT = Agent.model_validate(
    {
        "name": "telecom",
        "company": "Harrow",
        "greeting": "Hello.",
        "prompt": "You answer.",
        "specialists": {"billing": {"about": "bills", "prompt": "You know.", "models": {"vendor": "big-2026"}}},
    }
)
CALL = Call(call_id="CA1", agent="telecom", policy=Policy())
MILLION = 1_000_000


def test_each_specialist_is_paid_at_the_price_of_its_own_model() -> None:
    spent = (Spent("", 1, MILLION, 0), Spent("billing", 2, MILLION, MILLION))
    call = replace(CALL, spent_by=spent, tally=Tally(input_tokens=2 * MILLION, output_tokens=MILLION))
    assert spent_on(PRICES, call, AGENT) == {"front": pytest.approx(1), "billing": pytest.approx(30)}
    assert cost(PRICES, replace(call, channel="chat"), 600, AGENT) == pytest.approx(31)


def test_on_the_telephone_it_is_heard_and_spoken_too() -> None:
    call = replace(CALL, tally=Tally(input_tokens=MILLION, spoken_chars=2000))
    assert cost(PRICES, call, 60, AGENT) == pytest.approx(1 + 0.6 + 6)
    assert costs(PRICES, call, 60, AGENT) == pytest.approx({"stt": 0.6, "llm": 1, "tts": 6})


def test_a_model_counts_by_the_longest_name_that_it_begins_with() -> None:
    assert [MIND.price_of(name) for name in ("big-2026", "big-mini-2026", "other", "")] == [DEAR, CHEAP, CHEAP, CHEAP]
