"""What kind of answer a sentence of the bot asks for."""

from dataclasses import replace

import pytest

from parley.agents.files import load_agent
from services.orchestrator.mind import events
from services.orchestrator.mind.caller import interruption
from services.orchestrator.mind.effects import Effect, Say, Stop
from services.orchestrator.mind.expecting import asked_by, asks_for
from services.orchestrator.mind.state import Answering, BotLine, Call, Stretch
from services.orchestrator.wire.messages import session_of
from tests.e2e.agents import FRONTDESK
from tests.orchestrator.calls import POLICY, Script, of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Is that right?", "yes_no"),
        ("Your order is on its way. Shall I text you the details?", "yes_no"),
        ("Would you like me to connect you to a colleague?", "yes_no"),
        ("That is one two three four, correct?", "yes_no"),
        ("Okay, do you still have the receipt?", "yes_no"),
        ("Is your order number one two three four?", "yes_no"),
        ("Do you want it delivered or will you pick it up?", "choice"),
        ("Is there anything else I can do for you?", "free"),
        ("How can I help you?", "free"),
        ("Which day do you mean?", "day"),
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
        ("Shall I book Tuesday or Wednesday?", "choice"),
        ("Shall I book the visit for you?", "yes_no"),
        ("I have ten o'clock free, shall I book that?", "yes_no"),
        ("I can do that for you. Would you like to know what it costs?", "yes_no"),
        ("What day works best for you?", "day"),
        ("And which date would that be?", "day"),
        ("Great! What time should I put you down for?", "time"),
        ("When would you like to come in?", "time"),
        ("Could you tell me when you bought it?", "time"),
        ("How many people will be coming?", "amount"),
        ("How old is the bike?", "amount"),
        ("May I have your name, please?", "name"),
        ("Who am I speaking with?", "name"),
        ("What is your first name?", "choice"),
        ("And your last name?", "choice"),
        ("Which color would you like?", "choice"),
        ("Would you like the green one, or the blue one?", "choice"),
        ("The green one or the blue one?", "choice"),
        ("Can you hold for a minute or two?", "yes_no"),
        ("Would you like it delivered, or not?", "yes_no"),
        ("What seems to be the problem?", "free"),
        ("How can I help you today?", "free"),
        ("How would you like to pay?", "choice"),
        ("What's your address?", "free"),
        ("What is your date of birth?", "free"),
        ("What day and what time would suit you?", "time"),
        ("What's your name and what day suits you?", "free"),
        ("So that is Tuesday at ten, is that right?", "yes_no"),
        ("Shall I book Tuesday? I have it at ten.", "yes_no"),
        ("Please tell me your full name.", "name"),
        ("Just let me know which day works.", "day"),
        ("Does 10 a.m. work for you?", "yes_no"),
        ("Is it $3.50 that you paid?", "yes_no"),
        ("Would Tuesday at 10 a.m. work?", "yes_no"),
        ("Tuesday at three works. Should I go ahead and book it?", "yes_no"),
        ("Do you know your order number?", "digits"),
        ("Is there anything else?", "free"),
        ("Do you have any questions?", "free"),
        ("Sure, I can help with that. Is this for a road bike or a mountain bike?", "choice"),
        ("Would you prefer morning or afternoon?", "choice"),
        ("If I book you in for Tuesday at ten, would that work for you?", "yes_no"),
        ("Why did you return it?", "free"),
        ("Where are you calling from?", "choice"),
        ("You want to return it, correct?", "yes_no"),
        ("Was kann ich für Sie tun?", "free"),
        ("Shall we say Tuesday?", "yes_no"),
        ("Are you calling about the order from last week?", "yes_no"),
        ("You know what? We are closed.", "free"),
        ("Can you tell me what happened?", "free"),
        ("Could you tell me which one you mean?", "choice"),
        ("Did you say ten or eleven?", "choice"),
        ("How many nights, and from which day?", "free"),
        ("Did you get our email?", "yes_no"),
        ("I can offer Tuesday or Wednesday. Which of the two shall I book?", "choice"),
        ("How can we reach you, by phone or by mail?", "choice"),
        ("Sorry, I did not get that. What day did you say?", "day"),
        ("Is Tuesday at ten fine? It takes about an hour.", "yes_no"),
        ("Are you there? Your order left on Monday and it will arrive tomorrow before noon.", "free"),
        ("Could I get your first and last name?", "name"),
        ("Want me to book it?", "yes_no"),
        ("Just to confirm: Tuesday at 3 p.m.?", "yes_no"),
        ("So, Tuesday at three?", "yes_no"),
        ("How does Tuesday sound?", "yes_no"),
        ("How about Tuesday?", "yes_no"),
        ("Could you tell me roughly when you placed the order?", "time"),
        ("When did the problem start?", "time"),
        ("Do you have a preferred time?", "time"),
        ("Is there a day that works better for you?", "day"),
        ("What happened then?", "free"),
        ("Sorry, what was that?", "free"),
        ("Which of our two shops is closer to you, Main Street or Harbor Road?", "choice"),
        ("Wie ist Ihre Bestellnummer?", "free"),
        ("¿Qué día le viene bien?", "free"),
        ("Which doctor do you usually see? I have Dr. Patel and Dr. Gomez.", "choice"),
        ("Am I speaking with Mr. Duarte?", "yes_no"),
        ("Could I have your date of birth, please?", "free"),
        ("What year were you born in?", "choice"),
        ("What's the best number to reach you on?", "digits"),
        ("Please read me the six-digit code from your app.", "digits"),
        ("I just need your license plate.", "spelling"),
        ("And what's your employee ID?", "spelling"),
        ("And the house number?", "amount"),
        ("Shall I give you the number?", "yes_no"),
        ("Would you like to keep your old number?", "yes_no"),
        ("How long has she been feeling like this?", "amount"),
        ("How urgent is it?", "choice"),
        ("Please tell me the model of your car.", "choice"),
        ("Let me know which one you'd like.", "choice"),
        ("Just give me your last name and I'll look you up.", "choice"),
        ("First I'd like to ask how many people are in your household.", "amount"),
        ("If you could tell me what day you'd like, I'll see what we have.", "day"),
        ("Is it the left ear or the right?", "choice"),
        ("Would you like to fly nonstop, or is one stop okay?", "choice"),
        ("We can do eight in the morning, or would you rather have something later?", "choice"),
        ("So we've got Monday at ten or Tuesday at four.", "choice"),
        ("Is your name spelled with one L or two?", "choice"),
        ("And the street?", "choice"),
        ("Who's your manager?", "choice"),
        ("What does it say now?", "choice"),
        ("Is anybody else affected?", "yes_no"),
        ("Any allergies?", "yes_no"),
        ("Have you got any other allergies?", "yes_no"),
        ("You're calling about the boiler?", "yes_no"),
        ("What brings you in today?", "free"),
        ("What can I get you?", "free"),
        ("Could you describe the problem in a few words?", "free"),
        ("What's the model and the year?", "free"),
        ("Please hold while I check.", "free"),
        ("Where did you buy it and why did you return it?", "free"),
        ("", "free"),
    ],
)
def test_what_the_question_asks_for(text: str, kind: str) -> None:
    assert asks_for(text) == kind


@pytest.mark.parametrize(
    ("language", "text", "kind"),
    [
        ("de", "Am Montag?", "free"),
        ("de", "Soll ich den Termin am Montag buchen?", "free"),
        ("de-DE", "Gern. Wie lautet Ihre Kundennummer?", "digits"),
        ("de", "Ihre Postleitzahl, bitte.", "digits"),
        ("de", "Ihre Kundennummer ist zwölf, richtig?", "free"),
        ("de", "Und Ihre Hausnummer?", "free"),
        ("es-MX", "¿Me puede decir su número de pedido?", "digits"),
        ("es", "Dígame el código, por favor. Tiene seis dígitos.", "digits"),
        ("es", "¿Le repito el número?", "free"),
        ("es", "¿Cuál es el número de personas?", "free"),
        ("es", "Su número de pedido ha llegado.", "free"),
        ("fr", "Quel est votre numéro de commande ?", "digits"),
        ("fr", "Votre code, s\u2019il vous plaît.", "digits"),
        ("fr", "Voulez-vous que je vous donne le numéro ?", "free"),
        ("it", "Do you have a number?", "free"),
        ("", "Shall I book it?", "yes_no"),
        ("en-GB", "Shall I book it?", "yes_no"),
    ],
)
def test_in_other_languages_only_numbers_are_expected(language: str, text: str, kind: str) -> None:
    assert asks_for(text, language) == kind
    assert asked_by(text, len(text), language) == kind


def test_what_a_call_of_another_language_asks_for_is_read_in_it() -> None:
    call = Script(replace(POLICY, greeting="Am Montag?"), language="de", greet=False)
    assert [say.expect for say in call.all_of(Say)] == ["free"]
    call.sounds(1)
    (stop,) = of(Stop, call.holds())
    assert stop.expect == "free"


@pytest.mark.parametrize(
    ("heard", "missed", "kind"),
    [
        ("It takes two days. Shall I book Tuesday or Wednesday?", "", "choice"),
        ("It takes two days. Shall I book Tuesday or ", "Wednesday?", "choice"),
        ("It takes two days. Shall ", "I book Tuesday or Wednesday?", "free"),
        ("It takes ", "two days. Shall I book Tuesday or Wednesday?", "free"),
        ("Shall I book the visit? It takes ", "two days and costs eighty dollars in all.", "yes_no"),
        ("Is ", "that right?", "free"),
        ("", "Shall I book it?", "free"),
    ],
)
def test_a_question_that_was_not_heard_asks_for_nothing(heard: str, missed: str, kind: str) -> None:
    assert asked_by(heard + missed, len(heard)) == kind


KINDS = {"free", "yes_no", "digits", "spelling", "choice", "day", "time", "name", "amount"}


def test_whatever_a_reply_is_made_of_it_has_one_kind_and_a_long_tale_after_it_has_none() -> None:
    parts = [
        "Sure.", "Okay, so", "shall I book it?", "Tuesday or Wednesday?", "What time?", "Your name, please.", "I see;",
        "it costs $3.50.", "Is that right?", "...", "?!", "And you?", "How many?", "which", "\u2014 or not?",
    ]  # fmt: skip
    tale = " The shop was founded long ago by two sisters who loved old bicycles and wide roads."
    for a in parts:
        for b in parts:
            for c in parts:
                text = f"{a} {b} {c}"
                assert asks_for(text) in KINDS
                assert asks_for(text + (". " if text[-1] not in ".?!" else "") + tale) == "free"
                assert asked_by(text, len(text)) == asks_for(text)


def test_who_is_interrupted_before_the_question_has_asked_for_nothing() -> None:
    """The ears are told with the silence itself; of words that did not sound yet nothing is told."""
    call = Call("c", turn=1, utterance=1, sounding=1, floor=Answering())
    line = BotLine(1, 1, text="It takes two days in all. Shall I book the visit?", complete=True)
    told = []
    for until in (6, len(line.text), 0):
        now = replace(call, history=(line,), voice=(Stretch(1, 0, until, 1000, 2000),))
        now = now if until else replace(now, sounding=0, voice=())
        out: list[Effect] = []
        interruption.interrupt(now, 2000, out)
        told.append(next(x.expect for x in out if isinstance(x, Stop)))
    assert told == ["free", "yes_no", ""]


def test_where_only_the_button_speaks_a_silence_asks_for_nothing_else() -> None:
    said = Script(replace(POLICY, push_to_talk=True), greet=False)
    assert [say.expect for out in said.outputs for say in of(Say, out)] == ["button"]
    said.sounds(1)
    (stop,) = of(Stop, said._feed(events.Button, seq=True, pressed=True))
    assert stop.expect == "button"


def test_what_an_agents_file_says_of_the_end_of_a_turn_reaches_the_ears() -> None:
    agent = load_agent(FRONTDESK.parent, "frontdesk")
    endpointing = session_of(agent, "en").endpointing
    assert (endpointing.policy, endpointing.min_delay_ms, endpointing.max_delay_ms) == ("meaning", 250, 1600)
    assert list(endpointing.number_lengths) == [4, 6]  # the digits slots of its domain
