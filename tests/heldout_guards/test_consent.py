"""Callers who are asked for a yes: nobody's yes is made up."""

from __future__ import annotations

import pytest

from parley.text.answers.consent import answer
from tests.heldout_guards.said import SETS, SETS_2

LETTERS = {"yes": "y", "no": "n", "nothing": "0", "other": "o"}
SAID = [(language, asked, label, words) for language, asked, lines in (*SETS, *SETS_2) for label, words in lines]


@pytest.mark.parametrize(("language", "asked"), sorted({(language, asked) for language, asked, *_ in SAID}))
def test_what_callers_answer(language: str, asked: str) -> None:
    said = [(label, words) for of, question, label, words in SAID if (of, question) == (language, asked)]
    heard = [(label, words, LETTERS[answer(words, language, asked=asked)]) for label, words in said]
    assert [(words, got) for label, words, got in heard if got not in label and "y" not in label] == []
    assert [(words, got) for label, words, got in heard if label == "y" and got == "n"] == []


def test_most_of_those_who_say_yes_are_not_asked_again() -> None:
    got = [answer(words, language, asked=asked) for language, asked, label, words in SAID if label == "y"]
    assert got.count("yes") >= 0.9 * len(got)


def ended(words: str) -> str:
    return words.capitalize() + ("." if words.strip()[-1].isalnum() else "")


@pytest.mark.parametrize("asked", [True, False])
def test_nothing_else_is_a_yes_however_it_is_written(asked: bool) -> None:
    made_up = [
        (words, form)
        for language, question, label, words in SAID
        if "y" not in label
        for form in (words.upper(), ended(words), f" {words}  ", f"um {words}", f"{words} please don't")
        if answer(form, language, asked=question if asked else "") == "yes"
    ]
    assert made_up == []


def test_an_agents_own_words() -> None:
    yes, no = ("tak", "oczywiście"), ("nie", "nie teraz")
    said = {"tak": "yes", "Tak.": "yes", "nie": "no", "nie teraz": "no"}
    assert {words: answer(words, "pl", yes, no) for words in said} == said
    for words in ("tak nie", "tak ale nie teraz", "tak jeśli za darmo", "mhm", "", "nie tak"):
        assert answer(words, "pl", yes, no) != "yes", words
