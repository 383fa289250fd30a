"""What a recogniser wrote, as text: without what is no word, and in pieces that are not too long to be told."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.stt.contract import Final, Interim

LONGEST = 4_000
"""Characters of one final: 90 s of the fastest speech have fewer. What is longer is told in parts."""
_MOST_WORDS = 1_000
_EDGES = "\u200b\u200e\u200f\u2060\ufeff\u00ad"  # invisible, and of no meaning before or after everything else
_NO_WORD = "PZCM"  # Unicode categories: punctuation, separators, controls and formats, marks without a letter


def said(value: Any) -> str:
    """The words in it; empty when there are none, as in "...", in blanks, and in what is no text at all.

    Whatever can be said passes, in any script. Half a character (a lone surrogate) and controls cannot be passed on.
    """
    if not isinstance(value, str):
        return ""
    if value.isascii() and value.isprintable():
        text = value.strip()
    else:
        text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in value)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
        while text != (inner := text.strip(_EDGES).strip()):
            text = inner
    return text if text[:1].isalnum() or any(map(_is_word, text)) else ""


def _is_word(c: str) -> bool:
    return unicodedata.category(c)[0] not in _NO_WORD and c != "\ufffd"


def parts(final: Final) -> Iterator[Final]:
    """A final as it may be told: itself, or pieces that break between words where there are any."""
    if len(final.text) <= LONGEST:
        yield final if len(final.words) <= _MOST_WORDS else replace(final, words=final.words[:_MOST_WORDS])
        return
    texts = list(_pieces(final.text))
    length = final.end_ms - final.start_ms
    for n, text in enumerate(texts):
        begin, end = (final.start_ms + length * i // len(texts) for i in (n, n + 1))
        yield replace(final, text=text, start_ms=begin, end_ms=end, words=())


def shown(interim: Interim) -> Interim:
    """A guess as it may be told: its newest words."""
    if len(interim.text) <= LONGEST:
        return interim
    return replace(interim, text=interim.text[-LONGEST:].partition(" ")[2] or interim.text[-LONGEST:])


def _pieces(text: str) -> Iterator[str]:
    while len(text) > LONGEST:
        cut = text.rfind(" ", LONGEST // 2, LONGEST) + 1 or LONGEST
        yield text[:cut].strip()
        text = text[cut:]
    if text.strip():
        yield text.strip()
