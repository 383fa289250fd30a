"""Tokens of a model in, phrases fit to speak out. Pure.

The first phrase leaves as early as it sounds right: at the end of a sentence, at a clause mark once a few words are
there, or after enough words. Later ones leave at sentence ends, since the voice then has work to do already.
"""

from __future__ import annotations

import re

FIRST_CLAUSE_CHARS = 12  # a comma this early already makes a phrase that can be said alone
LATER_CLAUSE_CHARS = 60
FIRST_WORDS_CHARS = 48  # no mark at all: the first phrase does not wait longer than this
LATER_WORDS_CHARS = 160

_SENTENCE = re.compile(r"[.!?…]+[\"')\]]*(?=\s)|\n+")
_CLAUSE = re.compile(r"[,;:–—][\"')\]]*(?=\s)")
_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "st", "no", "vs", "etc", "e.g", "i.e", "approx", "dept", "inc", "jr", "sr", "a.m", "p.m"}
)

_LINK = re.compile(r"\[([^\]]+)\]\((?:https?://|mailto:)?[^)]*\)")
_URL = re.compile(r"https?://(?:www\.)?([^\s/)]+)\S*")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)
_HEADING = re.compile(r"^\s*#+\s*", re.MULTILINE)
_MARKS = re.compile(r"\*\*|__|[*_`~]|<[^<>\s][^<>]*>")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]")
_SPACES = re.compile(r"\s+")


def spoken(text: str) -> str:
    """Text without what only an eye understands: Markdown, tags, emoji, bullets, the inside of links."""
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(r"\1", text)
    text = _HEADING.sub("", _BULLET.sub("", text))
    text = _EMOJI.sub("", _MARKS.sub("", text))
    return _SPACES.sub(" ", text)


class Phraser:
    """One per round of the model. `push` gives the phrases that are ready, `end` the rest.

    Each phrase but the last ends with one space, so that the concatenation is the spoken text.
    """

    def __init__(self) -> None:
        self._buffer = ""
        self._said = 0

    def push(self, delta: str) -> list[str]:
        self._buffer += delta
        phrases: list[str] = []
        while (cut := self._cut()) > 0:
            head, self._buffer = self._buffer[:cut], self._buffer[cut:]
            if phrase := spoken(head).strip():
                phrases.append(f"{phrase} ")
                self._said += 1
        return phrases

    def end(self) -> str:
        rest, self._buffer = spoken(self._buffer).strip(), ""
        return rest

    def _cut(self) -> int:
        """Where the next phrase ends in the buffer; 0 = not yet."""
        text = self._buffer
        if _inside_markup(text):
            return 0
        for mark in _SENTENCE.finditer(text):
            if _ends_sentence(text, mark.start()):
                return mark.end()
        clause, words = (
            (LATER_CLAUSE_CHARS, LATER_WORDS_CHARS) if self._said else (FIRST_CLAUSE_CHARS, FIRST_WORDS_CHARS)
        )
        for mark in _CLAUSE.finditer(text):
            if mark.end() >= clause and not _in_number(text, mark.start()):
                return mark.end()
        if len(text) > words:
            return text.rfind(" ", 0, words) + 1
        return 0


def _ends_sentence(text: str, at: int) -> bool:
    """A full stop after an abbreviation, an initial or a bare number in a list is not the end of a sentence."""
    if text[at] != ".":
        return True
    before = text[:at].rsplit(maxsplit=1)
    last = before[-1].lower().lstrip("(\"'") if before else ""
    return not (
        last in _ABBREVIATIONS
        or (len(last) == 1 and last.isalpha() and last != "i")
        or (last.isdigit() and len(before) == 1)
    )


def _in_number(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isdigit() and text[at + 1].isdigit()


def _inside_markup(text: str) -> bool:
    """A link or a tag has begun and may not have ended: wait for it, but not for ever."""
    opened = max(text.rfind("["), text.rfind("<"), text.rfind("`"))
    if opened < 0 or len(text) - opened > 80:
        return False
    tail = text[opened:]
    if tail[0] == "[":
        return "]" not in tail or (tail.endswith("]") or ("](" in tail and ")" not in tail))
    if tail[0] == "<":
        return ">" not in tail and tail[1:2].strip() != ""
    return text.count("`") % 2 == 1
