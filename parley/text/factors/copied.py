"""Whether an answer to a question about the caller was said by them, or was copied from what stands elsewhere. Pure.

What kind of answer it is is not known here: it is looked for as letters and digits, as a number and as a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from parley.text.factors.dates import ORDERS, anywhere, days
from parley.text.factors.letters import first_letters, last_letters, plain
from parley.text.factors.names import names
from parley.text.factors.numbers import said_digits
from parley.text.factors.readings import MAX_SAID_CHARS

_LEAST_CHARS = 3  # what is shorter stands everywhere
_MAX_DATES = 200  # of a source
_MAX_WORDS = 120  # of the caller's last ones that are looked at piece by piece
_LONGEST_DATE, _LONGEST_NAME = 9, 14  # in words
_DATE = re.compile(
    r"(?<!\d)(?:\d{1,4}[-./ ]\d{1,2}[-./ ]\d{1,4}|\d{8}"
    r"|(?:\d{1,2}[^\W\d_]{0,2}\.? (?:of |de |d')?)?[^\W\d_]{3,10}\.?,? "
    r"(?:\d{1,2}[^\W\d_]{0,2},? )?(?:del? )?\d{4})(?!\d)"
)


@dataclass(frozen=True, slots=True)
class _Ways:
    """How one answer may stand somewhere. `texts`: letters and digits; `dates`: ISO."""

    texts: frozenset[str]
    digits: frozenset[str]
    dates: frozenset[str]


def copied(answer: str, said: Sequence[str], sources: Iterable[str]) -> bool:
    """It stands in a source, and in nothing that the caller has said, however both are written. `said`: their lines."""
    ways = _ways(answer[:MAX_SAID_CHARS])
    return any(_stands(ways, source) for source in sources) and not _is_said(ways, said)


def _ways(answer: str) -> _Ways:
    words = answer.replace(",", " ").split()
    texts = {plain(answer), plain(" ".join(reversed(words))), *map(plain, names(answer))}
    digits = (number for number in said_digits(answer) if len(number) >= _LEAST_CHARS)
    return _Ways(frozenset(each for each in texts if len(each) >= _LEAST_CHARS), frozenset(digits), _dates(answer))


def _stands(ways: _Ways, source: str) -> bool:
    if _has_text(ways, plain(source)):
        return True
    spans = (match.group() for _, match in zip(range(_MAX_DATES), _DATE.finditer(source), strict=False))
    return bool(ways.dates) and any(ways.dates & _dates(span) for span in spans)


def _has_text(ways: _Ways, text: str) -> bool:
    return any(each in text for each in (*ways.texts, *ways.digits))


def _is_said(ways: _Ways, said: Sequence[str]) -> bool:
    whole = " ".join(said)
    if _has_text(ways, plain(whole)) or any(
        _has_text(ways, digits) for each in (*said, whole) for digits in said_digits(each)
    ):
        return True
    words = whole.split()[-_MAX_WORDS:]
    if not ways.dates.isdisjoint(anywhere(" ".join(words), _LONGEST_DATE)):
        return True
    return any(not ways.texts.isdisjoint(map(plain, names(piece))) for piece in _pieces(words, ways.texts))


def _dates(text: str) -> frozenset[str]:
    return frozenset(date for order in ORDERS for date in days(text, order))


def _pieces(words: Sequence[str], texts: frozenset[str]) -> Iterator[str]:
    """What may be one of these texts, spelled or said."""
    firsts, lasts = {text[0] for text in texts}, {text[-1] for text in texts}
    ends = [n for n, word in enumerate(words, 1) if not lasts.isdisjoint(last_letters(word))]
    for begin in range(len(words)):
        if not firsts.isdisjoint(first_letters(" ".join(words[begin : begin + 4]))):
            yield from (" ".join(words[begin:end]) for end in ends if begin < end <= begin + _LONGEST_NAME)
