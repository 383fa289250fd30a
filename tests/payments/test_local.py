"""The engine without a vendor, where callers pay: it asks for card and code, and passes on what stands for them."""

from __future__ import annotations

import pytest

from parley.agents.domain import Slot
from parley.text.spoken import normalise
from services.llm.local.understanding import slots

CARD, CODE = Slot(kind="card", ask="Your card?"), Slot(kind="code", ask="The code?")


@pytest.mark.parametrize("said", ["[card-kwtm]", "it is [card-kwtm] okay", "Take [card-kwtm]."])
def test_the_token_of_a_card_is_the_answer(said: str) -> None:
    assert slots.answer(CARD, normalise(said)) == "[card-kwtm]"


@pytest.mark.parametrize("said", ["[part of a number]", "the card you have", "[code-kwtm]", "card 4242", "my card"])
def test_nothing_else_is(said: str) -> None:
    assert slots.answer(CARD, normalise(said)) == ""


def test_of_two_the_last_counts() -> None:
    assert slots.answer(CODE, normalise("[code-kwtm], no, [code-bdfg]")) == "[code-bdfg]"


def test_a_part_of_a_number_is_no_answer_and_known_as_one() -> None:
    assert slots.is_part(CARD, normalise("[part of a number]"))
    assert not slots.is_part(CARD, normalise("[card-kwtm]"))
    assert not slots.is_part(Slot(kind="digits", ask="?"), normalise("[part of a number]"))
