"""What is put right where an argument is one of a few words."""

from __future__ import annotations

from typing import Any

import pytest

from parley.text.answers.correcting import corrected

CHOICES = {
    "day": ("tomorrow", "day after tomorrow", "wednesday", "thursday"),
    "window": ("morning", "afternoon"),
}
BOOKED = {"order": "41210", "day": "wednesday", "window": "afternoon", "people": 2}


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("no, make it Thursday", {"day": "thursday"}),
        ("no, on Thursday in the morning", {"day": "thursday", "window": "morning"}),
        ("Wednesday, but in the morning", {"window": "morning"}),
        ("the day after tomorrow", {"day": "day after tomorrow"}),
        ("no, three people, in the morning", {"people": 3, "window": "morning"}),
        ("no, four one two one one", {"order": "41211"}),
        ("wednesday afternoon", None),
        ("thursday or tomorrow", None),
        ("no, thursday with a ladder", None),
        ("is thursday free?", None),
    ],
)
def test_put_right(said: str, changed: dict[str, Any] | None) -> None:
    assert corrected(BOOKED, said, "en", CHOICES) == (None if changed is None else {**BOOKED, **changed})


def test_a_word_for_two_arguments_is_for_the_model() -> None:
    shelves = ("red", "blue")
    assert corrected({"here": "red", "there": "red"}, "no, blue", "en", {"here": shelves, "there": shelves}) is None
