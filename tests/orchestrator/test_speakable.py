"""What a model writes and what a voice says of it: content all, markup nothing, however it arrives."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.orchestrator.answers import ANSWERS, Answer, content, parts, said, tokens, uncounted

EXAMPLES = int(os.environ.get("PARLEY_EXAMPLES", "300"))
MARKUP = ("**", "~~", "`", "|", "](", "<b", "</", "/>", "&amp;", "【", "†", "[^", "---", "===", "##", "\u20e3", "⭐")

each_answer = pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.about)
fuzzed = settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)


def kept(answer: Answer, heard: str) -> bool:
    """Nothing of the content is lost or doubled. An item's number may be said."""
    wanted = content(answer.spoken)
    return content(heard) == wanted or content(uncounted(heard)) == content(uncounted(answer.spoken))


def unmarked(answer: Answer, heard: str) -> bool:
    return not any(mark in heard and mark not in answer.spoken for mark in MARKUP)


def test_there_are_answers_enough() -> None:
    assert len(ANSWERS) >= 160
    assert len({answer.about for answer in ANSWERS}) == len(ANSWERS)
    others = [a for a in ANSWERS if any(char.isalpha() and not char.isascii() for char in a.text)]
    assert len(others) >= 45


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Your confirmation code is: 4821. Please keep it.", "Your confirmation code is: 4821. Please keep it."),
        ("How old is the shop? 25. We are open.", "How old is the shop? 25. We are open."),
        ("The code is\n4821. Keep it.", "The code is 4821. Keep it."),
        ("Write to john_doe@example.com.", "Write to john_doe@example.com."),
        ("That is 3*4 boxes in 3~5 days.", "That is 3*4 boxes in 3~5 days."),
        ("Items <10 euros and >5 euros", "Items <10 euros and >5 euros"),
        ("nine<br>to five", "nine to five"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b. 1, 2."),
        ("![a map](https://example.com/m.png) here", "a map here"),
        ("> quoted\n\n---\n\n⭐ press 1️⃣", "quoted press 1"),
        ("See (https://example.com/a). Bye", "See (example.com/a). Bye"),
    ],
)
def test_what_was_once_deleted_or_read_aloud(text: str, spoken: str) -> None:
    assert said([text]) == said(tokens(text)) == said(text) == spoken


@each_answer
def test_whole_by_token_and_by_character(answer: Answer) -> None:
    assert said([answer.text]) == answer.spoken
    assert said(tokens(answer.text)) == answer.spoken
    assert said(answer.text) == answer.spoken


@each_answer
def test_each_split_into_two(answer: Answer) -> None:
    for at in range(1, len(answer.text)):
        assert said(parts(answer.text, [at])) == answer.spoken, at


@each_answer
def test_the_model_falls_silent_where_a_phrase_could_end(answer: Answer) -> None:
    for chunks in (tokens(answer.text), list(answer.text)):
        heard = said(chunks, silent=lambda: True)
        assert kept(answer, heard), heard
        assert unmarked(answer, heard), heard


@each_answer
@pytest.mark.parametrize("token_ms", [60, 150, 500])
def test_slow_tokens(answer: Answer, token_ms: int) -> None:
    for chunks in (tokens(answer.text), list(answer.text)):
        heard = said(chunks, token_ms)
        assert kept(answer, heard), heard
        assert unmarked(answer, heard), heard


def test_in_any_parts_at_any_pace() -> None:
    @fuzzed
    @given(st.sampled_from(ANSWERS), st.integers(0, 300), st.randoms(use_true_random=False))
    def law(answer: Answer, token_ms: int, chance: random.Random) -> None:
        many = chance.randint(0, min(30, len(answer.text) - 1))
        chunks = parts(answer.text, chance.sample(range(1, len(answer.text)), many))
        assert said(chunks) == answer.spoken
        heard = said(chunks, token_ms, lambda: chance.random() < 0.5)
        assert kept(answer, heard), heard

    law()
