"""A number that a caller mends, and one that lacks a digit."""

from __future__ import annotations

import pytest

from parley.text.phrases import normalise
from services.llm.local.understanding import digits


@pytest.mark.parametrize(
    ("old", "said", "new"),
    [
        ("1254", "No, four five, not five four.", "1245"),
        ("1250", "I said fifteen, not fifty.", "1215"),
        ("1250", "not fifty, I said fifteen", "1215"),
        ("1234", "It's five, not four.", "1235"),
        ("4441", "a nine, not a four", "4491"),  # the last of several
        ("1234", "4321, not 1234", "4321"),
        ("1234", "five, not nine", ""),
        ("1234", "no, not that one", ""),
        ("1234", "I'm not sure", ""),
        ("", "five, not nine", ""),
    ],
)
def test_what_is_right_stands_where_the_wrong_was(old: str, said: str, new: str) -> None:
    assert digits.mended(old, normalise(said)) == new


@pytest.mark.parametrize(
    ("old", "said", "new"),
    [
        ("441", "There's a two before the one.", "4421"),
        ("441", "a two after the second four", "4421"),
        ("441", "a two after the third four", ""),
        ("134", "Two, between the one and the three.", "1234"),
        ("134", "two comes between five and six", ""),
        ("124", "The third digit is three.", "1234"),
        ("123", "the last one is four", "1234"),
        ("12", "the sixth digit is nine", ""),
        ("234", "There's a one at the beginning.", "1234"),
        ("123", "four at the end", "1234"),
        ("123", "four", ""),
        ("12?4", "a three before the four", ""),
        ("", "a three before the four", ""),
    ],
)
def test_a_missing_digit_goes_where_the_caller_says(old: str, said: str, new: str) -> None:
    assert digits.put_in(old, normalise(said)) == new


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("Four four sue one.", "44?1"),
        ("one, two, something, four", "12?4"),
        ("four four one", ""),
        ("four four sue one two", ""),
        ("four four and one", ""),
        ("four sue four sue one", ""),
    ],
)
def test_a_digit_that_was_not_understood_leaves_a_hole(said: str, number: str) -> None:
    assert digits.with_hole(normalise(said), 4) == number


def test_a_digit_that_is_named_without_its_place() -> None:
    assert digits.left_out("you forgot the three") == digits.left_out("a three is missing") == "3"
    assert digits.left_out("I forgot the number") == ""
