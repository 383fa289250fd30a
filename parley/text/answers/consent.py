"""Whether a caller has said yes to what they were asked. Pure.

    yes      an explicit yes, and nothing that takes it back; "yes, and also ..." is one
    no       an explicit no
    nothing  a backchannel ("uh-huh", "okay", "right"), a sound of thinking, nothing at all
    other    anything else: a question, a condition, a correction, both at once; a yes with words behind it that may
             be meant for the thing itself: "yes, and for two people"

What is done on a yes can not be undone, so who is in doubt is asked again: "okay" alone is no yes, "okay, do it" is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from parley.text.answers import value_words
from parley.text.answers.consent_words import WORDS, Words
from parley.text.answers.rows import Phrases, in_a_row
from parley.text.backchannels import backchannels_of
from parley.text.spoken import normalise

Answer = Literal["yes", "no", "nothing", "other"]

MAX_ASKED_CHARS = 500
"""Of what a caller is to say yes to. What is longer is not asked: nobody says yes to words that they did not hear."""
MAX_WORDS = 60  # of a yes with what is behind it; who says more says more than a yes
_STEM = 4  # letters by which a verb is known in another form
_NAMING = 5  # letters of a question's words that name what it is about
_MARK = re.compile(r"[.,;!]\s")
_AND = {"en": ("and",), "es": ("y",), "de": ("und",), "fr": ("et",)}
_LEAD = re.compile(
    r"^(?:(?:and|also|plus|then|one more thing|y|también|además|luego|una cosa más|und|auch|außerdem|dann|noch etwas|"
    r"et|aussi|puis|encore une chose) )+"
)
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
    known, words = _known(base_of(language), yes, no), said.split()
    if len(words) in in_a_row(words, {0}, known.silent):  # of no words, too
        return "nothing"
    agreed, refused = known.ends(words, known.yes), known.ends(words, known.no)
    begins_so = known.asks.match(f"{said} ") is not None and len(words) not in agreed
    asks = begins_so or text.rstrip(" !.").endswith("?")
    if len(words) in refused and not asks:
        return "no"
    if not agreed:
        return "no" if refused and not asks and not _agrees_too(known, said) else "other"
    if len(words) > MAX_WORDS:
        return "other"
    until, question = max(agreed), _plain(asked)
    rest, echoed = " ".join(words[until:]), f" {known.either.sub('', question)} "
    if f" {' '.join(words[:until])} " in echoed:  # it may be an echo of the question
        return "nothing" if f" {said} " in echoed else "other"
    if known.against.search(rest) or known.no_at_all.search(said):
        return "other"
    if known.more.match(rest):
        return "yes" if _is_else(rest, question, known) else "other"
    if _turns_away(text, question, known):
        return "yes"
    rest = known.also.sub("", rest)
    if known.beside.fullmatch(rest):
        rest = ""
    return "yes" if not asks and (not rest or _begins(rest.split(), question, known)) else "other"


def behind_yes(text: str, language: str, yes: tuple[str, ...] = (), no: tuple[str, ...] = ()) -> str:
    """What else is wanted, in words that are a yes, normalised: "are you open on sunday". "" if nothing."""
    words, known = _plain(text).split(), _known(base_of(language), yes, no)
    if len(words) > MAX_WORDS or not (agreed := known.ends(words, known.yes)):
        return ""
    rest = " ".join(words[max(agreed) :])
    if not known.more.match(rest) and not _turns_away(text, "", known):
        return ""
    return "" if known.more.fullmatch(rest) else _LEAD.sub("", rest)


def lone_yes(asked: str, language: str, yes: tuple[str, ...] = (), no: tuple[str, ...] = ()) -> str:
    """A word of a question that says yes and nothing else; "" if there is none. A caller who says it might be heard as
    an echo of the question. In "yes or no?" at its end it is none. `yes`, `no`: as in `answer`."""
    known = _known(base_of(language), yes, no)
    lone = {*WORDS.get(base_of(language), Words()).lone, *_plain_all(yes)}
    return next((word for word in known.either.sub("", _plain(asked)).split() if word in lone), "")


@dataclass(frozen=True, slots=True)
class _Known:
    language: str
    yes: Phrases
    no: Phrases
    besides: Phrases
    silent: Phrases
    no_at_all: re.Pattern[str]
    agrees: re.Pattern[str]
    more: re.Pattern[str]
    against: re.Pattern[str]
    either: re.Pattern[str]
    asks: re.Pattern[str]
    it: tuple[str, ...]
    offers: re.Pattern[str]
    also: re.Pattern[str]
    undoes: re.Pattern[str]
    beside: re.Pattern[str]
    aside: re.Pattern[str]
    of_it: frozenset[str]
    of_it_only: re.Pattern[str]
    points: frozenset[str]
    parts: frozenset[str]
    endings: tuple[str, ...]
    makes: tuple[str, ...]

    def ends(self, words: list[str], phrases: Phrases) -> frozenset[int]:
        """The places until which the words are phrases of this kind, with words that say nothing before, between and
        behind them."""
        begins = in_a_row(words, {0}, self.besides)
        return in_a_row(words, {end for at in begins for end in phrases.ends(words, at)}, phrases, self.besides)


def _is_else(rest: str, question: str, known: _Known) -> bool:
    """Whether what is wanted behind "yes, and" leaves what was asked about as it is: nothing in it points there, is a
    part of it, or is a value that may be meant for it. A day may be in a question about something else."""
    if known.more.fullmatch(rest):
        return True
    wanted = _LEAD.sub("", rest).removeprefix("please ")
    words = _bare(known.of_it_only.sub("", wanted)).split()
    about = {_bare(word) for word in question.split() if len(word) >= _NAMING}
    if known.undoes.search(rest) or {*words[:1]} & known.parts or {*words} & (known.points | about):
        return False
    if any(word.endswith(known.endings) for word in words) or value_words.has_number(words, known.language):
        return False
    return known.aside.match(wanted) is not None or not value_words.has_day(words, known.language)


def _turns_away(text: str, question: str, known: _Known) -> bool:
    """Whether a yes, and a mark behind it, is followed by a question about something else: "Yes. When are you open?" In
    "yes, do you have Tuesday?", "yes, is it free?" and "yes, do you do eight?" it is about what was asked."""
    parts = [plain for part in _MARK.split(text) if (plain := _plain(part))]
    for n in range(1, len(parts)):
        before, behind = " ".join(parts[:n]).split(), " ".join(parts[n:])
        if known.aside.match(behind) and len(before) in known.ends(before, known.yes):
            words, about = _bare(behind).split(), {_bare(word) for word in question.split() if len(word) >= _STEM}
            holds = {*words} & (known.of_it | known.points | about) or value_words.has_number(words, known.language)
            return len(words) >= _MIN_ASIDE and not holds
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
    beside, listens = _plain_all(own.beside), _plain_all(backchannels_of(language))
    # "yes" is a backchannel while the bot speaks; as an answer it is one.
    silent = (word for word in (*_plain_all(own.empty), *listens) if word not in yeses and word not in noes)
    return _Known(
        language=language,
        yes=Phrases(yeses),
        no=Phrases(noes),
        besides=Phrases(beside),
        silent=Phrases(silent),
        no_at_all=re.compile(rf"\b{_any(noes)}\b"),
        agrees=re.compile(rf"\b{_any(yeses)}\b"),
        more=re.compile(rf"{_any(_plain_all(own.more))}\b"),
        against=re.compile(rf"\b{_any(_plain_all(own.against))}\b"),
        either=re.compile(rf"\b{_any(yeses)} \w+ {_any(noes)}$"),
        asks=re.compile(rf"{_any(_plain_all(own.asks))} (?!not )"),
        it=_plain_all(own.it),
        undoes=re.compile(rf"\b{_any(_plain_all(own.undoes))}\b"),
        beside=re.compile(_any(beside)),
        also=re.compile(rf"^{_any(_AND.get(language, ()))} "),
        aside=re.compile(rf"{_any(_plain_all(own.aside))}\b"),
        of_it=frozenset(map(_bare, _plain_all((*own.it, *own.of_it)))),
        of_it_only=re.compile(rf"\b{_any(_plain_all(own.of_it_only))}\b"),
        points=frozenset(map(_bare, _plain_all((*own.of_it, *own.points)))),
        parts=frozenset(map(_bare, _plain_all(own.parts))),
        endings=own.endings,
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
