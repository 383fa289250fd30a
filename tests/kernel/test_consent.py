"""What a caller's answer to "Shall I ...?" is, and what it puts right."""

from __future__ import annotations

from typing import Any

import pytest

from parley.text import telling
from parley.text.answers.consent import answer, behind_yes, lone_yes
from parley.text.answers.correcting import corrected

BOOK = "Shall I book a tune up for Paul on Tuesday, December first at three?"
MOVE = "Shall I move two hundred dollars from checking to savings?"


@pytest.mark.parametrize(
    ("said", "asked", "means"),
    [
        ("yes", BOOK, "yes"), ("Yes, please.", BOOK, "yes"), ("okay, do it", BOOK, "yes"), ("do it", BOOK, "yes"),
        ("yes, book it", BOOK, "yes"), ("yes please go ahead and book it", BOOK, "yes"), ("yes ma'am", BOOK, "yes"),
        ("yes book a tune up for Paul", BOOK, "yes"), ("Yes. And also, where are you?", BOOK, "yes"),
        ("yes please, and are you open on Sunday", BOOK, "yes"), ("why not", BOOK, "yes"),
        ("yes from savings to checking", MOVE, "other"), ("yes two", MOVE, "other"), ("yes to checking", MOVE, "other"),
        ("yes on Tuesday", BOOK, "other"), ("yes but at eight", BOOK, "other"), ("yes if it is free", BOOK, "other"),
        ("yes, and also forget it", BOOK, "other"), ("yes, and keep it after all", BOOK, "other"),
        ("yes?", BOOK, "other"), ("yes no", BOOK, "other"), ("no problem, go ahead", BOOK, "other"),
        ("I guess so", BOOK, "other"), ("how much is it", BOOK, "other"), ("maybe", BOOK, "other"),
        ("okay", BOOK, "nothing"), ("uh-huh", BOOK, "nothing"), ("right", BOOK, "nothing"), ("", BOOK, "nothing"),
        ("Yes. When are you open?", BOOK, "yes"), ("yes, where are you", BOOK, "yes"), ("yes, order it", BOOK, "yes"),
        ("Yes, please. Do you deliver?", BOOK, "yes"), ("yes, order it", MOVE, "other"), ("yes, do you", BOOK, "other"),
        ("Yes. Are you sure?", BOOK, "other"), ("Yes. Do you have Wednesday?", BOOK, "other"),
        ("Yes. What did you say?", BOOK, "other"), ("Yes. Do you do a tune up?", BOOK, "other"),
        ("yes, when you are open", BOOK, "other"), ("yes, cancel it", BOOK, "other"),
        ("correct", "Is it correct that I book you in?", "nothing"),
        ("no", BOOK, "no"), ("no thanks", BOOK, "no"), ("don't", BOOK, "no"), ("not yet", BOOK, "no"),
        ("of course not", BOOK, "no"), ("no, make it eight", BOOK, "no"), ("hold on", BOOK, "no"),
        ("alright, yes", BOOK, "yes"), ("No, thank you very much.", BOOK, "no"),
    ],
)  # fmt: skip
def test_english(said: str, asked: str, means: str) -> None:
    assert answer(said, "en-US", asked=asked) == means


@pytest.mark.parametrize(
    ("language", "said", "means"),
    [
        ("es", "Sí, adelante", "yes"), ("es", "sí, cancélela", "yes"), ("es", "vale", "nothing"),
        ("es", "sí, pero a las ocho", "other"), ("es", "mejor no", "no"), ("de", "ja, bitte", "yes"),
        ("de", "natürlich nicht", "no"), ("de", "ja, aber später", "other"), ("de", "genau", "yes"),
        ("fr", "oui, s'il vous plaît", "yes"), ("fr", "bien sûr que non", "no"),
        ("fr", "oui, mais pas demain", "other"),
        ("pl", "tak", "nothing"),
    ],
)  # fmt: skip
def test_other_languages(language: str, said: str, means: str) -> None:
    asked = {"es": "¿Cancelo su cita del martes?"}.get(language, "?")
    assert answer(said, language, asked=asked) == means


PAY = "Shall I pay fifty euros to the garage today?"


@pytest.mark.parametrize(
    ("language", "said", "asked"),
    [
        ("en", "yes, and please do that tomorrow", PAY), ("en", "yes also I want five hundred", PAY),
        ("en", "yes and please for two people", BOOK), ("en", "yes, and can you do eight", BOOK),
        ("en", "yes and please book it for eight", BOOK), ("en", "yes, and can you do Friday", BOOK),
        ("en", "yes, and do you have Wednesday", BOOK), ("en", "yes, and please with new tires", BOOK),
        ("en", "yes and also a helmet", BOOK), ("en", "yes and can I have the other garage", PAY),
        ("en", "yes, and also a tune up on the other bike", BOOK), ("en", "Yes. Do you do eight?", BOOK),
        ("en", "yes and are you free on Friday", BOOK), ("en", "yes, and please 500", PAY),
        ("es", "Si, y luego cambialo a las ocho", "¿Le reservo la mesa para las siete?"),
        ("es", "sí, y también para mañana", "¿Le reservo la mesa?"),
        ("es", "Sí. Quiero saber si hay otra hora libre", "¿La reservo?"), ("es", "sí y luego muévelo", "¿La reservo?"),
        ("de", "Ja, und können Sie es auf acht Uhr legen", "Soll ich das tun?"),
        ("de", "ja, und außerdem fünfhundert", "Soll ich fünfzig Euro zahlen?"),
        ("fr", "oui, et pouvez-vous le mettre à huit heures", "Dois-je faire ceci ?"),
        ("fr", "oui et puis demain", "Dois-je réserver ?"),
    ],
)  # fmt: skip
def test_a_yes_with_a_change_behind_it_is_none(language: str, said: str, asked: str) -> None:
    assert answer(said, language, asked=asked) == "other"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "yes, and what is the address"), ("en", "yes and can I pay cash"), ("en", "yes and tell me a joke"),
        ("en", "yes, and one more thing"), ("en", "yes, and one more thing, are you open on Sunday"),
        ("en", "yes and also send me an email about it"), ("es", "sí y además quiero saber si abren el domingo"),
        ("es", "sí, y también cuándo abren"), ("de", "ja, und wann haben Sie offen"), ("fr", "oui, et où êtes-vous"),
    ],
)  # fmt: skip
def test_a_yes_with_another_wish_behind_it_is_one(language: str, said: str) -> None:
    assert answer(said, language, asked=BOOK if language == "en" else "?") == "yes"


@pytest.mark.parametrize(
    ("said", "language", "means"),
    [
        ("no thanks", "en", "no"), ("mm hm", "en", "nothing"), ("please do it", "en", "other"),
        ("sure thing", "en", "other"),
        ("bien sûr que non", "fr", "no"), ("no gracias", "es", "no"), ("nein danke", "de", "no"),
        ("yes, ", "en", "other"),
    ],
)  # fmt: skip
def test_what_is_said_again_and_again_is_answered(said: str, language: str, means: str) -> None:
    """One phrase and two in every place: a regex would never be done with it."""
    many = f"{said} " * 200
    assert answer(many, language, asked=BOOK) == means
    assert answer(f"{many}banana", language, asked=BOOK) in ("no", "other")
    behind_yes(f"{many}banana", language)


@pytest.mark.parametrize(
    ("language", "asked", "said", "means"),
    [
        ("en", "Shall I book it, yes or no?", "yes", "yes"), ("en", "Shall I book it, yes or no?", "no", "no"),
        ("en", "Say yes if I am to book it.", "yes", "nothing"), ("es", "¿La reservo, sí o no?", "sí", "yes"),
        ("de", "Soll ich das buchen, ja oder nein?", "ja", "yes"), ("fr", "Je réserve, oui ou non ?", "oui", "yes"),
        ("en", "Is that right, and shall I do it, yes or no?", "yes or no", "other"),
    ],
)  # fmt: skip
def test_a_question_that_ends_yes_or_no(language: str, asked: str, said: str, means: str) -> None:
    assert answer(said, language, asked=asked) == means


def test_an_agents_own_words_at_the_end_of_a_question() -> None:
    assert answer("tak", "pl", ("tak",), ("nie",), asked="Czy mam zarezerwować, tak czy nie?") == "yes"


@pytest.mark.parametrize(
    ("asked", "language", "found"),
    [
        ("Say yes and I book it.", "en", "yes"), ("Shall I book it, yes or no?", "en", ""),
        ("Did you order the Yesterday pizza?", "en", ""), ("¿Si quiere, la cancelo?", "es", ""),
        ("Ja, soll ich das tun?", "de", "ja"), ("Yes?", "pl", ""),
    ],
)  # fmt: skip
def test_a_lone_yes_in_a_question(asked: str, language: str, found: str) -> None:
    assert lone_yes(asked, language) == found


@pytest.mark.parametrize(
    ("said", "language", "behind"),
    [
        ("yes please, and are you open on Sunday", "en", "are you open on sunday"), ("yes", "en", ""),
        ("Yes. When are you open?", "en", "when are you open"), ("yes, book it", "en", ""), ("no", "en", ""),
        ("yes, and also how much is it", "en", "how much is it"), ("yes, and one more thing", "en", ""),
        ("sí, y también cuándo abren", "es", "cuándo abren"),
    ],
)  # fmt: skip
def test_what_is_wanted_behind_a_yes(said: str, language: str, behind: str) -> None:
    assert behind_yes(said, language) == behind


def test_an_agent_brings_its_own_words() -> None:
    yes, no = ("tak", "oczywiście"), ("nie",)
    assert [answer(said, "pl", yes, no) for said in ("Tak!", "oczywiście", "nie")] == ["yes", "yes", "no"]


VISIT = {"day": "2026-12-01", "at": "15:00", "reason": "tune up"}
MONEY = {"amount": 42.5, "to": "savings"}
ORDER = {"order_number": "1234", "bikes": 2}


@pytest.mark.parametrize(
    ("arguments", "said", "changed"),
    [
        (VISIT, "no, make it eight", {"at": "20:00"}), (VISIT, "no at half past four", {"at": "16:30"}),
        (VISIT, "yes but at ten in the morning", {"at": "10:00"}),
        (VISIT, "Wednesday, not Tuesday", {"day": "2026-12-02"}),
        (VISIT, "no I said Friday the fourth", {"day": "2026-12-04"}), (VISIT, "the third", {"day": "2026-12-03"}),
        (VISIT, "no", None), (VISIT, "eight", None), (VISIT, "no wait a second", None), (VISIT, "ten people", None),
        (VISIT, "can I come on Friday", None), (VISIT, "not before four", None), (VISIT, "Wednesday at nine", None),
        (VISIT, "next week", None), (VISIT, "make it a flat repair", None), (VISIT, "1", None),
        (MONEY, "no, make it fifty", {"amount": 50.0}), (MONEY, "no, 42.99", {"amount": 42.99}),
        (MONEY, "no, forty two ninety nine", None), (MONEY, "to checking please", {"to": "checking"}),
        (MONEY, "not to checking", None), (MONEY, "at five", None),
        (ORDER, "no, make it ten", {"bikes": 10}), (ORDER, "no, twenty five please", {"bikes": 25}),
        (ORDER, "no, make it a dozen", {"bikes": 12}), (ORDER, "no, half a dozen", {"bikes": 6}),
        (ORDER, "make it a hundred", {"bikes": 100}), (ORDER, "no, make it a few dozen", None),
        ({"bikes": 12}, "no, eight", {"bikes": 8}), (ORDER, "a dozen", None),
        ({"until": "9999-12-31"}, "no, monday", None),
        (ORDER, "no, one two three five", {"order_number": "1235"}), (ORDER, "no, make it three", {"bikes": 3}),
    ],
)  # fmt: skip
def test_what_is_put_right(arguments: dict[str, Any], said: str, changed: dict[str, Any] | None) -> None:
    found = corrected(arguments, said, "en", {"to": ("savings", "checking")})
    assert found == (None if changed is None else {**arguments, **changed})


def test_in_another_language_nothing_is_certain() -> None:
    assert corrected(VISIT, "nein, um acht", "de") is None


@pytest.mark.parametrize(
    ("value", "english", "spanish"),
    [
        ("2026-12-01", "Tuesday, December first", "el martes primero de diciembre"),
        ("17:30", "half past five in the afternoon", "las cinco y media de la tarde"),
        ("12:00", "noon", "las doce del mediodía"), ("KR21", "k r two one", "k r dos uno"), (5, "5", "5"),
        (["a", "b", "c"], "a, b and c", "a, b y c"), ("tune up", "tune up", "tune up"), (True, "yes", "sí"),
    ],
)  # fmt: skip
def test_values_are_told_in_words(value: Any, english: str, spanish: str) -> None:
    assert (telling.value(value), telling.value(value, "es")) == (english, spanish)
