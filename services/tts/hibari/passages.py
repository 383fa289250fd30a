"""Text cut for a voice that can say a sentence: whole sentences, and in them the stretches of other scripts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from services.tts.local.pieces import MAX_PIECE, pause_ms, pieces

_SHORT = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|No|Nos|vs|approx|est|Inc|Ltd|Co|Corp|Bros|Dept|Ave|Blvd|Rd|Ln|Apt|"
    r"Ext|ext|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thu(?:rs)?|Fri|Sat|Sun)\.\s*$"
)
# By Unicode's name of a letter, the language that says it best.
_LANGUAGES = {
    "CJK": "cmn", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar",
    "HEBREW": "he", "DEVANAGARI": "hi", "BENGALI": "bn", "TAMIL": "ta", "TELUGU": "te", "GUJARATI": "gu",
    "GURMUKHI": "pa", "KANNADA": "kn", "MALAYALAM": "ml", "SINHALA": "si", "THAI": "th", "GEORGIAN": "ka",
    "ARMENIAN": "hy", "ETHIOPIC": "am", "MYANMAR": "my", "ORIYA": "or", "BOPOMOFO": "cmn",
}  # fmt: skip
_OURS = frozenset({"LATIN", "FULLWIDTH", "FEMININE", "MASCULINE", "MICRO", "MATHEMATICAL", "DOUBLE", "SCRIPT"})


UNKNOWN = "und"


@dataclass(frozen=True, slots=True)
class Passage:
    """text[begin:...] of one script. `language` "": the voice's own; `UNKNOWN`: nobody's in particular."""

    begin: int
    text: str
    language: str


def passages(text: str) -> Iterator[Passage]:
    """All of the text, in order."""
    for begin, sentence in sentences(text):
        yield from (Passage(begin + at, part, language) for at, part, language in stretches(sentence))


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Breaths joined to sentences, as long as they are short enough."""
    begin, joined = 0, ""
    for at, part in pieces(text):
        if joined and (_is_whole(joined, part) or len(joined) + len(part) > MAX_PIECE):
            yield begin, joined
            begin, joined = at, ""
        joined += part
    if joined:
        yield begin, joined


def stretches(text: str) -> Iterator[tuple[int, str, str]]:
    """Where each begins, what it is, and whose language. What is no letter stays with the letter before it, but behind
    white space a figure or a mark is ours."""
    if text.isascii():
        yield 0, text, ""
        return
    begin, after, current = 0, 0, ""  # the stretch under way, and the end of its last letter
    for place, char in enumerate(text):
        if not char.isalpha():
            continue
        language = _language(char)
        if language != current:
            start = place if language else _ours(text, after, place)
            if start > begin:
                yield begin, text[begin:start], current
            begin, current = start, language
        after = place + 1
    end = _ours(text, after, len(text)) if current else len(text)
    yield begin, text[begin:end], current
    if end < len(text):
        yield end, text[end:], ""


def _is_whole(joined: str, following: str) -> bool:
    """Whether a sentence ends here: not behind "Dr.", nor before a word that goes on in small letters."""
    if pause_ms(joined) < pause_ms("."):
        return False
    return _SHORT.search(joined) is None and not following.lstrip()[:1].islower()


def _ours(text: str, begin: int, end: int) -> int:
    """Where the first white space is in this stretch without letters."""
    return next((place for place in range(begin, end) if text[place].isspace()), end)


def _language(char: str) -> str:
    if char.isascii():
        return ""
    script = unicodedata.name(char, "").partition(" ")[0].partition("-")[0]
    return "" if script in _OURS else _LANGUAGES.get(script, UNKNOWN)
