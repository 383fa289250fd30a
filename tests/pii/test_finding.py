"""Personal data in sentences, in lines that follow one another, in anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.pii import KINDS, Span, Window, find, find_in_lines
from testbed.personal import BLIND, HELD_OUT, OWN, Score, read, score

NUMBER_WORDS = "double forty five hundred oh and dash at dot com quatre vingt dix-huit 4242 M K"


@pytest.fixture(scope="module")
def held_out() -> Score:
    return score(read(HELD_OUT))


def test_all_of_the_own_sentences_are_understood() -> None:
    assert score(read(OWN)).misses == []


def test_of_the_held_out_sentences_nearly_all_is_found_and_little_that_is_none(held_out: Score) -> None:
    assert len(read(HELD_OUT)) >= 200
    assert held_out.recall() >= 0.95
    assert held_out.precision() >= 0.97


def test_of_sentences_by_somebody_who_never_saw_the_finder_most_is_found() -> None:
    sentences = read(BLIND)
    blind = score(sentences)
    assert len(sentences) >= 200
    assert blind.recall() >= 0.83
    assert blind.precision() >= 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_floor(held_out: Score, kind: str) -> None:
    assert held_out.recall(kind) >= 0.85
    assert held_out.precision(kind) >= 0.9


def test_a_number_said_over_several_lines_is_found_in_the_last_of_them() -> None:
    window = Window()
    for line in ("What is your social security number?", "It's one two three", "forty five"):
        assert window.find(line) == []
    assert window.find("six seven eight nine, okay?") == [Span(0, 20, "ssn")]


def test_of_lines_that_are_there_together_all_parts_are_found() -> None:
    lines = ["Your card number?", "four two four two four two four two", "four two four two four two four two"]
    assert find_in_lines(lines) == [[], [Span(0, 35, "card")], [Span(0, 35, "card")]]


def test_what_the_other_speaker_says_in_between_stays() -> None:
    lines = ["My card, four two four two four two four two", "Okay, go on.", "four two four two", "four two four two"]
    assert [len(spans) for spans in find_in_lines(lines)] == [1, 0, 1, 1]


def test_a_number_that_is_asked_for_in_the_line_before_is_what_was_asked_for() -> None:
    window = Window()
    window.find("And the security code?")
    assert [span.kind for span in window.find("seven three seven")] == ["cvv"]
    window.find("Thank you. And what is your order number?")
    assert window.find("five five one oh two") == []


def test_only_the_kinds_that_are_wanted() -> None:
    text = "card 4242 4242 4242 4242, mail me at ann@example.com"
    assert [span.kind for span in find(text, frozenset(("email",)))] == ["email"]


def test_a_long_text_is_read_to_its_end() -> None:
    text = "nothing at all, " * 5_000 + "my card is 4242 4242 4242 4242"
    assert [span.kind for span in find(text)] == ["card"]


def test_what_stands_where_two_pieces_meet_is_found() -> None:
    for shift in range(0, 60, 7):
        text = "x" * (3_760 + shift) + " my card is 4242 4242 4242 4242 " + "y" * 3_000
        assert [text[s.start : s.end] for s in find(text)] == ["4242 4242 4242 4242"]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("0123456789 abcdeoht-.,@:/()[]é\u2028ß\U0001f600İ"), max_size=300))
def test_any_text_gives_spans_inside_it_that_do_not_overlap(text: str) -> None:
    at = 0
    for span in find(text):
        assert at <= span.start < span.end <= len(text)
        at = span.end


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(NUMBER_WORDS.split()), max_size=120))
def test_any_row_of_number_words_is_read(words: list[str]) -> None:
    text = " ".join(words)
    assert all(0 <= span.start < span.end <= len(text) for span in find(text))
