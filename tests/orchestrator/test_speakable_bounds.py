"""Whatever comes in whatever parts: nothing breaks, nothing is made up, and neither memory nor work runs away."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.phrases import inline, markdown, unclosed
from services.orchestrator.phrases.markdown import LINE_AHEAD, PIECE, Markdown
from services.orchestrator.phrases.spans import LOOK_AHEAD
from services.orchestrator.phrases.speakable import Phraser
from tests.orchestrator.answers import content, parts, said
from tests.orchestrator.test_speakable import fuzzed

HELD = PIECE + LINE_AHEAD
"""Characters, of what is neither said nor dropped, while no line ends."""
SIZE = 3000
FLOODS = [
    *("[", "]", "![](", "[a](", "[](http://", "](/a", "[[a]]", "[a]:", "[^1]:", "[x](" + "(a" * 40 + " x "),
    *("*", "*a ", "**", "**a ", "***", "3*", "_", "_a ", "__a ", "~", "~~a ", "`", "`a ", "`` ` ", "```", "\n```\n"),
    *("<", "<a ", "<b>", "<a b= ", "<a b='c d' e=\"f g\" ! ", "<!-- ", "&", "&amp;", "&#x41;", "\\", "http", "https://"),
    *("|", "| a ", "|-", "#", ">", "-", "- ", "- a\n", "**a\n", "=", "= ", "\n", "\r\n", "(", ")", '""'),
    *("1", "1. ", "1. a ", "5. a\n", "1. a\n\n", ".", ". ", "....", "…", "e.g. ", "a. ", "!", "a", "a b "),
    *("。", "，", "好", "한 ", "ก", "१", "😊", "🔟", "\u200d", "\u200b", "【", "【a†"),
]


def apart(text: str, cuts: list[int]) -> list[str]:
    return parts(text, [cut % (len(text) + 1) for cut in cuts])


def test_plain_text_of_any_script_is_said_letter_by_letter() -> None:
    unmarked = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*_~`<[]\\&【|#>🔟=\u2028\u2029")

    @fuzzed
    @given(
        st.text(unmarked, max_size=300),
        st.lists(st.integers(0, 300), max_size=20),
        st.randoms(use_true_random=False),
    )
    def law(text: str, cuts: list[int], chance: random.Random) -> None:
        text = f"So: {text}"
        assert content(said(apart(text, cuts))) == content(text)
        assert content(said(apart(text, cuts), 150, lambda: chance.random() < 0.5)) == content(text)

    law()


@pytest.mark.parametrize(
    "letters",
    [
        pytest.param(list("aßж好ก25$€  *_~`.,(:!|#-+"), id="in one line"),
        pytest.param([*"aßж好25$€  *_|#>-+,(!", "\n", "\n\n"], id="in many lines"),
    ],
)
def test_marks_of_any_kind_take_no_letter_with_them(letters: list[str]) -> None:
    @fuzzed
    @given(
        st.lists(st.sampled_from(letters), max_size=120).map("".join),
        st.lists(st.integers(0, 120), max_size=12),
        st.randoms(use_true_random=False),
    )
    def law(text: str, cuts: list[int], chance: random.Random) -> None:
        text = f"So: {text}"
        assert content(said(apart(text, cuts))) == content(text)
        assert content(said(apart(text, cuts), 150, lambda: chance.random() < 0.5)) == content(text)

    law()


def test_nothing_is_said_that_was_not_written() -> None:
    pieces = [
        *"ab5$ *_~`[]()<>|#-!.\n\\&",
        *("**", "```", "](http://x.org/a)", "<b>", "</b>", "<a href='x'>", "1. ", "2. ", "- ", "| ", "---"),
        *("https://x.org/5", "【4:0†a】", "[^1]", "[1]: ", "好。", "您，", "नमस्ते।", "😊", "1️⃣", "\r\n"),
    ]

    @fuzzed
    @given(
        st.lists(st.sampled_from(pieces), max_size=60).map("".join),
        st.lists(st.integers(0, 200), max_size=12),
        st.randoms(use_true_random=False),
    )
    def law(text: str, cuts: list[int], chance: random.Random) -> None:
        for token_ms in (0, 120):
            heard = content(said(apart(text, cuts), token_ms, lambda: chance.random() < 0.5))
            written = iter(content(text))
            assert all(letter in written for letter in heard), heard

    law()


def test_any_characters_at_all_are_taken() -> None:
    @fuzzed
    @given(st.lists(st.text(max_size=40), max_size=20), st.randoms(use_true_random=False))
    def law(chunks: list[str], chance: random.Random) -> None:
        said(chunks, 150, lambda: chance.random() < 0.5)

    law()


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("size", [1, 700])
def test_a_flood_is_neither_kept_nor_read_again_and_again(
    flood: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps are counted, and the characters that the parser is given."""
    steps = parsed = 0
    step, spoken = Markdown._step, inline.spoken

    def counted_step(self: Markdown, take: markdown._Take) -> bool:
        nonlocal steps
        steps += 1
        return step(self, take)

    def counted_spoken(source: str, closers: str = "") -> str:
        nonlocal parsed
        parsed += len(source)
        assert len(source) <= PIECE
        return spoken(source, closers)

    monkeypatch.setattr(Markdown, "_step", counted_step)
    monkeypatch.setattr(markdown, "spoken", counted_spoken)
    text = (flood * SIZE)[:SIZE]
    phraser = Phraser()
    for at in range(0, len(text), size):
        phraser.push(text[at : at + size])
        assert len(phraser._markdown.rest) <= HELD + size
        assert len(phraser._text) <= 200 + size
    phraser.end()
    assert steps <= 3 * (SIZE + SIZE // size)
    assert parsed <= 2 * SIZE


def test_a_flood_at_once() -> None:
    for flood in FLOODS:
        text = (flood * SIZE)[:SIZE]
        written = iter(content(text))
        assert all(letter in written for letter in content(said([text])) if flood not in ("&#x41;", "🔟"))


def test_what_is_held_is_looked_at_within_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token makes the line be read again, but only as far as something may be waited for."""
    read = 0
    scan = unclosed.scan.__wrapped__

    def counted(source: str) -> unclosed.Open:
        nonlocal read
        read += len(source)
        return scan(source)

    monkeypatch.setattr(unclosed, "scan", counted)
    text = "*never closed and " * 200
    phraser = Phraser()
    for char in text:
        phraser.push(char)
    phraser.end()
    assert read <= len(text) * 2 * (LOOK_AHEAD + unclosed.RUN)
