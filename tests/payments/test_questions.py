"""What of the bot's own words asks for a card, and what follows from it at the ears and on a new leg."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.agents.check import check
from parley.agents.agent import Agent
from parley.v1 import call_pb2, stt_pb2
from services.orchestrator.mind.asked_cards import asked_before, asked_card
from services.orchestrator.mind.state import BotLine, CallerLine
from services.orchestrator.wire.messages import policy_of, session_of
from services.stt.contract import Expect
from services.stt.servicer import _endpointing
from tests.orchestrator.calls import POLICY, Script

AGENTS = Path(__file__).parent / "agents"
PAYING = replace(POLICY, payment=True)


@pytest.mark.parametrize(
    "words",
    [
        "What is your card number?",
        "Gladly. Please read me the long number on the front of your card.",
        "Could I have the number of your credit card?",
        "Please enter your card now, and press the hash key.",
        "That was not a whole number. What is your card number?",
        "Wie lautet Ihre Kartennummer?",
        "¿Me dice el número de su tarjeta?",
        "Quel est votre numéro de carte ?",
    ],
)
def test_a_question_for_a_card(words: str) -> None:
    assert asked_card(words) == "card"


@pytest.mark.parametrize(
    "words",
    [
        "Thank you. And what is the security code on the back?",
        "And the three digits on the back?",
        "The CVV, please.",
        "Und die Prüfziffer?",
        "¿Y el código de seguridad?",
        "Et le cryptogramme ?",
    ],
)
def test_a_question_for_its_code(words: str) -> None:
    assert asked_card(words) == "card_code"


@pytest.mark.parametrize(
    "words",
    [
        "What is your order number?",
        "Thank you, I have your card number. What is your zip code?",
        "The card ending in four two four two was charged.",
        "What are the last four digits of your card?",
        "Never give your card number to anybody.",
        "How can I help you?",
        "",
    ],
)
def test_no_question_for_a_card(words: str) -> None:
    assert asked_card(words) == ""


def test_a_new_leg_is_told_what_was_asked_for_last() -> None:
    call = Script(PAYING).call
    assert call is not None
    asked = BotLine(turn=1, utterance=1, text="What is your card number?", status="heard", heard=24, complete=True)
    assert asked_before(replace(call, history=(asked,))) == "card"
    assert asked_before(replace(call, history=(asked, CallerLine("[part of a number]")))) == "card"
    later = replace(asked, utterance=2, text="How can I help you?")
    assert asked_before(replace(call, history=(asked, later))) == ""
    assert asked_before(replace(call, history=(asked,), policy=POLICY)) == "", "of an agent that takes no payments"


def test_what_an_agents_file_says_reaches_mind_and_gateway() -> None:
    agent = Agent(company="Plain", greeting="Hello.", prompt="You take cards.", payment=True)
    assert policy_of(agent).payment
    session = session_of(agent, "en", asked="card_code")
    assert (session.payment, session.asking) == (True, call_pb2.EXPECT_CARD_CODE)


@pytest.mark.parametrize(("kind", "lengths"), [(call_pb2.EXPECT_CARD, (15, 16)), (call_pb2.EXPECT_CARD_CODE, (3, 4))])
def test_the_ears_wait_for_as_many_digits_as_a_card_has(kind: int, lengths: tuple[int, ...]) -> None:
    """Whatever else this agent's callers read out."""
    wish = _endpointing(stt_pb2.Endpointing(expect=kind, number_lengths=[4, 6]))  # type: ignore[arg-type]
    assert (wish.expect, wish.number_lengths) == (Expect.DIGITS, lengths)


def test_an_agent_that_takes_cards_says_so_and_has_a_tool_for_them(tmp_path: Path) -> None:
    assert check(AGENTS, "till").good
    home = tmp_path / "till"
    home.mkdir()
    text = (AGENTS / "till" / "agent.yaml").read_text()
    home.joinpath("tools.py").write_text((AGENTS / "till" / "tools.py").read_text())
    home.joinpath("agent.yaml").write_text(text.replace("payment: true\n", ""))
    (error,) = check(tmp_path, "till").errors
    assert "write `payment: true`" in error
    other = tmp_path / "other"
    other.mkdir()
    other.joinpath("agent.yaml").write_text(text.partition("domain:")[0])
    (error,) = check(tmp_path, "other").errors
    assert "no tool takes a card" in error
