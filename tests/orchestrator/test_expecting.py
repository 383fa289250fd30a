"""What kind of answer a sentence of the bot asks for."""

import pytest

from parley.agents import load_agent
from services.orchestrator.expecting import asks_for
from services.orchestrator.wire import session_of
from tests.e2e.agents import FRONTDESK


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Is that right?", "yes_no"),
        ("Your order is on its way. Shall I text you the details?", "yes_no"),
        ("Would you like me to connect you to a colleague?", "yes_no"),
        ("That is one two three four, correct?", "yes_no"),
        ("Okay, do you still have the receipt?", "yes_no"),
        ("Is your order number one two three four?", "yes_no"),
        ("Do you want it delivered or will you pick it up?", "free"),
        ("Is there anything else I can do for you?", "free"),
        ("How can I help you?", "free"),
        ("Which day do you mean?", "free"),
        ("We are open until six.", "free"),
        ("What is your order number? It has four digits.", "digits"),
        ("Sure. Could you tell me your phone number, please?", "digits"),
        ("Please say your order number, digit by digit.", "digits"),
        ("And your zip code? I need the one on your bill.", "digits"),
        ("Could you spell your last name for me?", "spelling"),
        (
            "What is your order number? You find it in the mail that we sent you on the day you placed your order.",
            "free",
        ),
        ("Wie ist Ihre Bestellnummer?", "free"),
        ("", "free"),
    ],
)
def test_what_the_question_asks_for(text: str, kind: str) -> None:
    assert asks_for(text) == kind


def test_what_an_agents_file_says_of_the_end_of_a_turn_reaches_the_ears() -> None:
    agent = load_agent(FRONTDESK.parent, "frontdesk")
    endpointing = session_of(agent, "en").endpointing
    assert (endpointing.policy, endpointing.min_delay_ms, endpointing.max_delay_ms) == ("meaning", 250, 1600)
    assert list(endpointing.number_lengths) == [4]  # the digits slot of its domain
