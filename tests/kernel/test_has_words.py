"""What a voice has anything to say for: one rule for mind, body and voice."""

from __future__ import annotations

import pytest

from parley.text.words import FASTEST_MS, has_words, least_ms
from testbed.vendors.wordcodec import render

SAID = [
    *("Hello.", "a", "7", "½", "Ⅷ", "٣", "é", "你好", "नमस्ते", "שלום", "สวัสดี", "ありがとう", "안녕"),
    *("€", "$", "%", "+", "=", "&", "@", "#", "§", "°", "℃", "№"),
    *("... 5", "\U0001f642 ok", "1\ufe0f\u20e3", "**yes**"),
]
SILENT = [
    *("", " ", "\n\t", "\u00a0", "\u200b", "\ufeff", "\x00", "\u0301", "ー"),
    *("...", "…", "—", "–", "-", "?!", "¿", "。", "、", "！", "«»", "“”", "'", "/", "\\", "•", "·", "()"),
    *("***", "___", "~~~", "```", "|", "<>", "[]", "{}", "→", "★", "✓", "♪", "^_^", ":-)"),
    *("\U0001f642", "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "\u2139\ufe0f"),
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
]


@pytest.mark.parametrize("text", SAID)
def test_what_is_said(text: str) -> None:
    assert has_words(text)
    assert has_words(f"... {text} —")
    assert least_ms(text) > 0


@pytest.mark.parametrize("text", SILENT)
def test_what_makes_no_sound(text: str) -> None:
    assert not has_words(text)
    assert not has_words(f"{text} {text}\n")
    assert least_ms(text) == 0


def test_from_a_place_on() -> None:
    assert has_words("Bye. ...", 2)
    assert not has_words("Bye. ...", 4)
    assert not has_words("Bye", 30)


def test_no_voice_is_faster_than_the_least() -> None:
    text = "Your order 1234 shipped on Monday, and it's due on Friday. Anything else?"
    assert least_ms(text) < render(text, wpm=340).duration_ms / 2
    assert least_ms("ab, 1!") == 3 * FASTEST_MS
    assert least_ms("你好") > least_ms("ab")
