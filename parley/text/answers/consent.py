"""Whether a caller has said yes to what they were asked. Pure.

    yes      an explicit yes, and nothing that takes it back; "yes, and also ..." is one
    no       an explicit no
    nothing  a backchannel ("uh-huh", "okay", "right"), a sound of thinking, nothing at all
    other    anything else: a question, a condition, a correction, both at once

What is done on a yes can not be undone, so who is in doubt is asked again: "okay" alone is no yes, "okay, do it" is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from parley.text.answers.consent_words import WORDS, Words
from parley.text.backchannels import backchannels_of
from parley.text.spoken import normalise

Answer = Literal["yes", "no", "nothing", "other"]

_STEM = 4  # letters by which a verb is known in another form
_MARK = re.compile(r"[.,;!]+\s+")
_AND = {"en": ("and",), "es": ("y",), "de": ("und",), "fr": ("et",)}
_LEAD = re.compile(r"^(?:(?:and|also|plus|then|y|también|además|und|auch|außerdem|et|aussi) )+")
_MIN_ASIDE = 3  # words
_MINE = {"your": ("my", "the", "that"), "yours": ("mine",), "you": ("me",), "a": ("the", "that"), "the": ("that", "my")}
LANGUAGES = tuple(WORDS)
"""In which a yes is understood without the agent's own words for it."""


def base_of(language: str) -> str:
    """ "en" of "en-US"."""
    return language.replace("_", "-").split("-")[0].lower()


def answer(text: str, language: str, yes: tuple[str, ...] = (), no: tuple[str, ...] = (), *, asked: str = "") -> Answer:
    """What the caller answered to the question `asked`, the beginning of which may stand behind a yes: "yes, book it".

    `yes`, `no`: the agent's own words for it, beside those of the language.
    """
    said = _plain(text)
    known = _known(base_of(language), yes, no)
    if not said or known.empty.fullmatch(said):
        return "nothing"
    asks = text.rstrip(" !.").endswith("?") or (
        known.asks.match(f"{said} ") is not None and known.yes.fullmatch(said) is None
    )
    refused = known.no.fullmatch(said) is not None
    if refused and not asks:
        return "no"
    if not (found := known.yes.match(said)):
        return "no" if known.begins_no.match(said) and not asks and not _agrees_too(known, said) else "other"
    rest, question = said[found.end() :].strip(), _plain(asked)
    if f" {found[0].strip()} " in f" {question} ":
        return "nothing"  # it may be an echo of the question
    if known.against.search(rest) or known.no_at_all.search(said):
        return "other"
    if known.more.match(rest):
        return "other" if known.undoes.search(rest) else "yes"
    if _turns_away(text, question, known):
        return "yes"
    rest = known.also.sub("", rest)
    if known.beside.fullmatch(rest):
        rest = ""
    return "yes" if not asks and (not rest or _begins(rest.split(), question, known)) else "other"


def behind_yes(text: str, language: str, yes: tuple[str, ...] = (), no: tuple[str, ...] = ()) -> str:
    """What else is wanted, in words that are a yes, normalised: "are you open on sunday". "" if nothing."""
    said, known = _plain(text), _known(base_of(language), yes, no)
    if not (found := known.yes.match(said)):
        return ""
    rest = said[found.end() :].strip()
    if not known.more.match(rest) and not _turns_away(text, "", known):
        return ""
    return "" if known.more.fullmatch(rest) else _LEAD.sub("", rest)


@dataclass(frozen=True, slots=True)
class _Known:
    yes: re.Pattern[str]
    no: re.Pattern[str]
    begins_no: re.Pattern[str]
    no_at_all: re.Pattern[str]
    agrees: re.Pattern[str]
    more: re.Pattern[str]
    against: re.Pattern[str]
    empty: re.Pattern[str]
    asks: re.Pattern[str]
    it: tuple[str, ...]
    offers: re.Pattern[str]
    also: re.Pattern[str]
    undoes: re.Pattern[str]
    beside: re.Pattern[str]
    aside: re.Pattern[str]
    of_it: frozenset[str]
    makes: tuple[str, ...]


def _turns_away(text: str, question: str, known: _Known) -> bool:
    """Whether a yes, and a mark behind it, is followed by a question about something else: "Yes. When are you open?" In
    "yes, do you have Tuesday?" and "yes, is it free?" it is about what was asked."""
    for mark in _MARK.finditer(text):
        before, behind = _plain(text[: mark.start()]), _plain(text[mark.end() :])
        if known.yes.fullmatch(before) and known.aside.match(behind):
            words, about = behind.split(), {word for word in question.split() if len(word) >= _STEM}
            return len(words) >= _MIN_ASIDE and not {*words} & (known.of_it | about)
    return False


def _begins(rest: list[str], question: str, known: _Known) -> bool:
    """Whether the words are how the thing that was asked about begins: "book it", "book a repair", and no other part of
    it: in "from savings to checking" the question's words mean something else."""
    *_, offer = known.offers.split(question)
    offered = offer.split()
    if not offered:
        return False
    if rest[0] in known.makes and offered[0] in known.makes and set(rest[1:]) <= {*known.it}:
        return True
    if not _same(rest[0], offered[0]):
        return False
    return set(rest[1:]) <= {*known.it} or all(map(_same, rest, offered)) and len(rest) <= len(offered)


def _same(said: str, asked: str) -> bool:
    """The same word, also as the other side says it: "my" for "your", "cancela" for "cancelo"."""
    if said == asked or said in _MINE.get(asked, ()):
        return True
    return len(said) > _STEM and len(asked) > _STEM and _bare(said)[:_STEM] == _bare(asked)[:_STEM] and said.isalpha()


def _bare(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _agrees_too(known: _Known, said: str) -> bool:
    """ "No, go ahead." says both."""
    return known.agrees.search(said) is not None


@lru_cache(maxsize=64)
def _known(language: str, yes: tuple[str, ...], no: tuple[str, ...]) -> _Known:
    own = WORDS.get(language, Words())
    yeses, noes = _plain_all((*own.yes, *yes)), _plain_all((*own.no, *no))
    beside = _any(_plain_all(own.beside))
    listens = _plain_all(backchannels_of(language))
    # "yes" is a backchannel while the bot speaks; as an answer it is one.
    silent = tuple(word for word in (*_plain_all(own.empty), *listens) if word not in yeses and word not in noes)
    return _Known(
        yes=re.compile(rf"(?:{beside} )*{_any(yeses)}\b(?: (?:{_any(yeses)}|{beside})\b)*"),
        no=re.compile(rf"(?:{beside} )*{_any(noes)}(?: (?:{_any(noes)}|{beside}))*"),
        begins_no=re.compile(rf"(?:{beside} )*{_any(noes)}\b"),
        no_at_all=re.compile(rf"\b{_any(noes)}\b"),
        agrees=re.compile(rf"\b{_any(yeses)}\b"),
        more=re.compile(rf"{_any(_plain_all(own.more))}\b"),
        against=re.compile(rf"\b{_any(_plain_all(own.against))}\b"),
        empty=re.compile(rf"{_any(silent)}(?: {_any(silent)})*"),
        asks=re.compile(rf"{_any(_plain_all(own.asks))} (?!not )"),
        it=_plain_all(own.it),
        undoes=re.compile(rf"\b{_any(_plain_all(own.undoes))}\b"),
        beside=re.compile(beside),
        also=re.compile(rf"^{_any(_AND.get(language, ()))} "),
        aside=re.compile(rf"{_any(_plain_all(own.aside))}\b"),
        of_it=frozenset((*_plain_all(own.it), *_plain_all(own.of_it))),
        makes=own.makes,
        offers=re.compile(rf"^|\b{_any(_plain_all(own.offers))} "),
    )


def _any(phrases: tuple[str, ...]) -> str:
    """The longest first; of none: what nothing matches."""
    ordered = sorted({phrase for phrase in phrases if phrase}, key=len, reverse=True)
    return f"(?:{'|'.join(map(re.escape, ordered))})" if ordered else r"(?!)"


def _plain_all(phrases: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_plain, phrases))


def _plain(text: str) -> str:
    return normalise(text.replace("-", " "))
