"""Text cut where espeak-ng would breathe: short turns, so that callers speak in turn and word ends are exact."""

from __future__ import annotations

import re
from collections.abc import Iterator

from parley.text.scripts import ASKS, CLAUSE_ENDS, CLOSERS, SENTENCE_ENDS
from parley.text.words import clipped, whole_until

MAX_PIECE = 240
_BREATH = re.compile(rf"[{CLAUSE_ENDS}।॥۔။៕]+[{CLOSERS}]*(?=[^{CLAUSE_ENDS}])|[.!{ASKS}…,،;؛:][{CLOSERS}]*(?=\s)")
# A point after one of these, or after a single letter, ends no sentence.
_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "st", "no", "vs", "jr", "sr", "prof", "e.g", "i.e", "a.m", "p.m"})
_PAUSES_MS = {",": 160, "،": 160, "，": 160, "、": 160} | dict.fromkeys(";:؛；：", 220)
_SENTENCE_MS = 320


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """The parts of a text with their offsets; together they are the whole text."""
    begin = 0
    for match in _BREATH.finditer(text):
        if _is_abbreviation(text, match.start()):
            continue
        yield from _cut(text, begin, match.end())
        begin = match.end()
    if begin < len(text):
        yield from _cut(text, begin, len(text))


def pause_ms(before: str) -> int:
    """Silence due after a part, before the next one. None when it ends in the middle of a sentence."""
    end = before.rstrip().rstrip(CLOSERS)[-1:]
    return _SENTENCE_MS if end and end in SENTENCE_ENDS else _PAUSES_MS.get(end, 0)


def readable(text: str) -> str:
    """The same text, same length, without what espeak-ng takes for orders: control characters are spaces."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _is_abbreviation(text: str, point: int) -> bool:
    if text[point] != ".":
        return False
    word = text[:point].rsplit(None, 1)[-1].lower() if text[:point].strip() else ""
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i")


def _cut(text: str, begin: int, end: int) -> Iterator[tuple[int, str]]:
    while end - begin > MAX_PIECE:
        part = text[begin : begin + MAX_PIECE + 1]
        middle = begin + (whole_until(part, MAX_PIECE) or len(clipped(part, MAX_PIECE)))
        yield begin, text[begin:middle]
        begin = middle
    yield begin, text[begin:end]
