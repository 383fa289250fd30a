"""What in a text is words: the one rule for all who speak, count or wait for them. Pure."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_SPOKEN_MARKS = frozenset("%&@#§°‰№")
"""Punctuation and symbols that have a name which voices say."""
_NEVER_SPOKEN = frozenset("<>|~¬")
"""Mathematical by class (arrows are too), but brackets, rules and dashes where people and models write them."""
_AS_PICTURE = "\ufe0f"
FASTEST_MS = 25
"""No voice says a letter in less, on the average; most take three times as long."""
_WIDE = 3
"""A Chinese, Japanese or Korean character takes as long as so many letters."""


def has_words(text: str, begin: int = 0) -> bool:
    """Whether a voice has anything to say in `text[begin:]`.

    Letters of any script, numbers, currencies and symbols such as % + = & @ # § ° are said. Punctuation, emoji,
    dingbats, lone accents and white space make no sound, whatever their number.
    """
    return any(_is_said(text, place) for place in range(begin, len(text)))


def least_ms(text: str) -> int:
    """The sound of these words is longer than this, at any speed and in any voice; 0 when there are none."""
    said = [char for place, char in enumerate(text) if _is_said(text, place)]
    return FASTEST_MS * sum(_WIDE if east_asian_width(char) in "WF" else 1 for char in said)


def _is_said(text: str, place: int) -> bool:
    char = text[place]
    if char.isascii() and char.isalnum():
        return True
    kind = category(char)
    if kind[0] == "N":
        return True
    if text[place + 1 : place + 2] == _AS_PICTURE:
        return False
    if kind == "Sm":
        return char not in _NEVER_SPOKEN and not "\u2190" <= char <= "\u21ff"
    if kind == "So":
        return "\u2100" <= char <= "\u214f" or char in _SPOKEN_MARKS
    return kind in ("Lu", "Ll", "Lt", "Lo", "Sc") or char in _SPOKEN_MARKS
