"""Web and e-mail addresses, as one says them: "example dot com slash track"."""

from __future__ import annotations

import re

from services.tts.english.spelling import digits, letters

# Names that are no English words and stand at the end of a domain; others need `www.` or a scheme before them.
_TOP = (
    "com|org|net|edu|gov|mil|info|biz|app|dev|shop|store|online|tech|cloud|io|ai|tv|co|uk|de|fr|es|nl|eu|ch|ca|au|nz|ie"
)
_PATH = r"(?:[/?#]\S*)?"
_MAIL = re.compile(r"(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?|ftp|wss?)://", re.IGNORECASE)
_SITE = re.compile(rf"(?:www\.)?(?:[\w-]+\.)+(?:{_TOP})(?::\d+)?{_PATH}|www\.\S+", re.IGNORECASE)
_PART = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_NAMES = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "@": "at",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    ":": "colon",
    "~": "tilde",
}
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_SAID_AS_WORDS = frozenset(
    {"co", "me", "my", "go", "to", "in", "is", "it", "at", "on", "of", "or", "by", "us", "we", "so", "no", "up"}
)


def spoken(core: str) -> str | None:
    """An address as words; None when this is none."""
    if (scheme := _SCHEME.match(core)) and (rest := core[scheme.end() :].rstrip("/")):
        return _said(rest)
    if _MAIL.fullmatch(core):
        return _said(core.removeprefix("mailto:"))
    return _said(core.rstrip("/")) if _SITE.fullmatch(core) else None


def _said(address: str) -> str:
    return " ".join(_part(part) for part in _PART.findall(address))


def _part(part: str) -> str:
    if part.isdecimal() and part.isascii():
        return digits(part)
    if not part[0].isalpha():
        return _NAMES.get(part, "")
    short = len(part) < 3 and part.lower() not in _SAID_AS_WORDS
    if part.isascii() and (short or not _VOWEL.search(part)):
        return letters(part)
    return part
