"""Tokens of a model in, phrases fit to speak out. Pure.

The first phrase leaves as early as it sounds right: at the end of a sentence, at a clause mark once a few words are
there, or after enough words. Later ones leave at sentence ends, since the voice then has work to do already. What could
end, but may go on, leaves when no token comes for a short grace.
"""

from __future__ import annotations

import re
import unicodedata

from parley.text.punctuation import (
    CLAUSES,
    CLOSING,
    DECIMAL,
    ENDS,
    POLITE,
    SPACED_CLAUSES,
    SPACED_ENDS,
    UNMARKED,
    UNSPACED,
    ends_sentence,
    width,
)
from parley.text.words import whole_until
from services.orchestrator.phrases.markdown import Markdown

GRACE_S = 0.07  # words may have been held for 50 ms before
NUMBER_GRACE_S = 0.12  # a full stop behind a digit may be a decimal point
LOOK_AHEAD_MS = 400  # so long markup may hold words back while tokens come slowly
FIRST_CLAUSE = 12  # a comma this early already makes a phrase that can be said alone
LATER_CLAUSE = 60
FIRST_WORDS = 48  # no mark at all: the first phrase does not wait longer than this
LATER_WORDS = 160
# Lengths are as `width` has them.
_WINDOW = 4 * LATER_WORDS  # the end of a phrase is looked for no further

_CLOSE = f"[{re.escape(CLOSING)}]*"
_SPACED_END = f"(?<![{SPACED_ENDS}])([{SPACED_ENDS}]+){_CLOSE}"
_IN_NUMBER = rf"(?<=\d[{DECIMAL}])(?=\d|$)"  # or perhaps in one
_UNSPACED_END = f"[{ENDS}](?!{_IN_NUMBER})[{ENDS}]*{_CLOSE}|{POLITE}(?= )"
_SENTENCE = re.compile(rf"{_SPACED_END}(?=[\s{UNSPACED}])|{_UNSPACED_END}|[^\n]\n+|^\n+")
_CLAUSE = re.compile(
    rf"[{SPACED_CLAUSES}]{_CLOSE}(?=[\s{UNSPACED}])|[{CLAUSES}](?!{_IN_NUMBER}){_CLOSE}|(?<=[{UNMARKED}])(?= )"
)
_ASCII_MARK = re.compile(r"[.!?,;:\n]")
"""What is in ASCII and has none of these has no end of a sentence or clause."""
_COULD_END = re.compile(f"{_SPACED_END}$")
_COULD_PAUSE = re.compile(f"(?:[{SPACED_CLAUSES}{CLAUSES}]{_CLOSE}|{POLITE})$")
_LATE_STOP = re.compile(r" ([.。])(?= |$)")


class Phraser:
    """One per round of the model. `push` gives the phrases that are ready, `pause` what could end when nothing came for
    `grace_s`, `end` the rest. Their concatenation is the spoken text."""

    def __init__(self) -> None:
        self._markdown = Markdown()
        self._text = ""
        self._said = 0
        self._gap = ""  # white space behind what was given out, not given out itself
        self._spaced = True
        self._held_ms = 0

    def push(self, delta: str, at_ms: int = 0) -> list[str]:
        """`at_ms`: any clock; markup that is not closed holds words back for `LOOK_AHEAD_MS` of it at most."""
        self._text += self._markdown.push(delta)
        if not self._markdown.holds:
            self._held_ms = 0
        elif not self._held_ms:
            self._held_ms = at_ms
        elif at_ms - self._held_ms >= LOOK_AHEAD_MS:
            self._text += self._markdown.freeze(whole=False)
            self._held_ms = 0
        return self._ready()

    def pause(self) -> list[str]:
        """Nothing came for a while: what could be the end of a phrase is taken for one."""
        if not self.grace_s:
            return []
        self._text += self._markdown.freeze(whole=True)
        phrases = self._ready()
        rest, self._text = self._text, ""
        return [*phrases, *self._phrase(rest)]

    @property
    def grace_s(self) -> float:
        """After how long without a token what was not given out is the end of a phrase; 0: it looks like none."""
        last = (self._text + self._markdown.rest).rstrip(" ")[-1:]
        if (last < "\u0e00" and last.isalnum()) or last in "[(<&\\|":  # as nearly always
            return 0
        text = (self._text + self._markdown.look()).rstrip()
        if not any(map(str.isalnum, text)):
            return 0
        words = text.rstrip(CLOSING)
        grace_s = NUMBER_GRACE_S if words[-2:-1].isdigit() else GRACE_S
        if mark := _COULD_END.search(text):
            return grace_s if ends_sentence(text, mark.end(1) - 1, sure=False) else 0
        long = width(text) >= (LATER_CLAUSE if self._said else FIRST_CLAUSE)
        return grace_s if words[-1:] in ENDS or (long and _COULD_PAUSE.search(text)) else 0

    def end(self) -> str:
        self._text += self._markdown.end()
        rest, self._text = self._text, ""
        return "".join(self._phrase(rest)).rstrip()

    def _ready(self) -> list[str]:
        phrases: list[str] = []
        while (cut := self._cut()) > 0:
            head, self._text = self._text[:cut], self._text[cut:]
            phrases += self._phrase(head)
        return phrases

    def _phrase(self, text: str) -> list[str]:
        """The words of it, one space for each white space; none when there are only spaces."""
        words = " ".join(text.split()).replace(" | ", ", ")  # of a table without bars at its sides
        if " ." in words or " 。" in words:  # put behind an item whose last space was said before
            words = _LATE_STOP.sub(r"\1", words)
        self._gap = self._gap or text[: len(text) - len(text.lstrip())]
        if not words:
            return []
        lead = " " if self._gap and not self._spaced else ""
        self._spaced = text[-1].isspace()
        self._gap = ""
        self._said += 1
        return [f"{lead}{words}{' ' if self._spaced else ''}"]

    def _cut(self) -> int:
        """Where the next phrase ends in the text; 0 = not yet."""
        text = self._text[:_WINDOW]
        if not text:
            return 0
        ahead = text + self._markdown.word if len(self._text) < _WINDOW else text
        marked = not text.isascii() or _ASCII_MARK.search(text) is not None
        if marked and (sentence := _sentence(text, ahead)):
            return sentence
        clause, words = (LATER_CLAUSE, LATER_WORDS) if self._said else (FIRST_CLAUSE, FIRST_WORDS)
        if width(text) < clause:
            return 0
        for mark in _CLAUSE.finditer(ahead, 0, len(text) + 1) if marked else ():
            if mark.end() <= len(text) and width(text[: mark.end()]) >= clause:
                return _with_space(text, mark.end())
        return _between_words(text, words) if width(ahead) > words else 0


def _sentence(text: str, ahead: str) -> int:
    """Where the first sentence ends; 0 = not in this text, as far as what is ahead of it tells."""
    first = next((n for n, char in enumerate(text) if char.isalnum()), len(text))  # marks alone are no phrase
    for mark in _SENTENCE.finditer(ahead):
        if mark.end() > len(text):
            break
        if mark.end() > first and (mark[1] is None or ends_sentence(ahead, mark.end(1) - 1)):
            return _with_space(text, mark.end())
    return 0


def _with_space(text: str, at: int) -> int:
    """Behind the white space at this place."""
    return len(text) - len(text[at:].lstrip())


def _between_words(text: str, most: int) -> int:
    """The last place before this width where a word ends; in a word without an end the place itself."""
    end = wide = 0
    while end < len(text) and (wide := wide + width(text[end])) <= most:
        end += 1
    if space := text.rfind(" ", 0, end) + 1:
        return space
    if whole := whole_until(text, end):
        return whole
    end = max(end, 1)
    while end < len(text) and unicodedata.category(text[end])[0] in "MP":  # belongs to the letter before
        end += 1
    return end
