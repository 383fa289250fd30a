"""What callers put right is changed, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from parley.text.answers.correcting import corrected
from tests.heldout_guards.put_right import MEANT, MORE, NOT_MEANT, choices


def changes(arguments: dict[str, Any], words: str, language: str = "en") -> dict[str, Any] | None:
    before = deepcopy(arguments)
    result = corrected(arguments, words, language, choices(arguments))
    assert arguments == before
    if result is None:
        return None
    assert arguments.keys() <= result.keys()
    return {name: value for name, value in result.items() if name not in arguments or arguments[name] != value}


def test_what_was_meant_is_changed_or_left_to_the_model() -> None:
    """Where it is not certain the model is asked, and what it calls for is read back: at most one in five."""
    got = [(words, changes(a, words), want) for a, words, want in MEANT]
    assert [(words, change) for words, change, want in got if change is not None and change not in want] == []
    assert sum(change is None for _, change, _ in got) <= len(got) / 5


def test_nothing_is_changed_that_was_not_meant() -> None:
    cases = [(words, changes(a, words), want) for a, words, want in (*NOT_MEANT, *MORE)]
    assert [(words, got) for words, got, want in cases if got is not None and got not in want] == []


@pytest.mark.parametrize("language", ["es", "de", "fr", "pl"])
def test_other_languages_are_the_models(language: str) -> None:
    assert [words for a, words, _ in (*MEANT, *NOT_MEANT, *MORE) if changes(a, words, language) is not None] == []
