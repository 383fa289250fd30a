"""What callers say in any conversation, whatever it is about, and how the engine words its own part, by language.

An agent's own phrases come first; these are for what it has not foreseen. Pure, but for reading its files once.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from parley.agents.strict import Strict
from parley.text.answers.consent import base_of
from parley.text.phrases import normalise, parse
from services.llm.local.languages.says import Says

_HERE = Path(__file__).parent
_SHORT_NO = 7  # words
_TWO_MOVES = 14  # words
_COURTEOUS = ("thanks", "hello", "compliment")
_TELLING = 8  # characters

# Moves that agents have their own answers to.
FORESEEN = ("who", "robot", "help", "thanks", "hello", "how_are_you", "joke")


class Patterns(Strict):
    """Regex sources. Of the bot's words: `offers_human`, `offers_more`, `sorry`, `unable`; of a caller's sentence as it
    is written: `joints`, `clauses`; the others of a normalised one.
    """

    fillers: str
    indirect: str
    leading: str
    offers_human: str
    another: str
    offers_more: str
    no: str
    farewell: str
    within: str
    more: str
    sorry: str
    unable: str
    unfinished: str
    joints: str
    asks: str
    clauses: str


class Words(Strict):
    """`common`: they say little of what a sentence is about. `topicless`: nor do these name anything. `turning`: may
    stand beside a yes and a no in one sentence, of which the last counts behind a word of `meant`.
    """

    common: str
    topicless: str = ""
    yes: str
    no: str
    turning: str
    meant: str
    polite: str


class Pack(Strict):
    """A language's file. `embeddings`: sentences of this language can be compared by meaning, and its common words are
    known, so that strange ones stand out; without it the agent's own phrases are all that is understood.
    """

    embeddings: bool = False
    accents: str = Field("required", pattern="^(required|optional)$")
    says: Says
    patterns: Patterns
    words: Words
    moves: dict[str, tuple[str, ...]]


class Language:
    """`code`: "en". `common`, `topicless`: words as in `Words`. `words`: all that the moves can consist of."""

    def __init__(self, code: str, pack: Pack) -> None:
        self.code = code
        self.says = pack.says
        self.embeddings = pack.embeddings
        self._bare = pack.accents == "optional"
        templates = [(move, parse(self.plain(each))) for move, many in pack.moves.items() for each in many]
        self._moves = [(move, phrase.regex(lambda _: r"\S+")) for move, phrase in templates]
        self.words = _words_of(normalise(" ".join(word for _, phrase in templates for word in phrase.words())))
        self.common = _words_of(self.plain(pack.words.common))
        self.topicless = self.common | _words_of(self.plain(pack.words.topicless))
        self._yes, self._no = _words_of(pack.words.yes), _words_of(pack.words.no)
        self._turning = _words_of(pack.words.turning)
        self._meant, self._polite = _words_of(pack.words.meant), _words_of(pack.words.polite)
        sources = pack.patterns.model_dump()
        self._re = {name: re.compile(source) for name, source in sources.items()}

    def plain(self, text: str) -> str:
        """Without accents where callers may leave them out; a letter for each letter."""
        if not self._bare:
            return text
        parted = unicodedata.normalize("NFD", text)
        return "".join(c for c in parted if not unicodedata.combining(c))

    def normalise(self, text: str) -> str:
        return normalise(self.plain(text))

    def move(self, text: str) -> str:
        """Which move a normalised sentence is, as a whole; "" if none."""
        if text and self._re["unfinished"].fullmatch(text):
            return "unfinished"
        words = text.split()
        said = set(words)
        if self._yes & said and self._no & said and said <= self._yes | self._no | self._turning:
            return self._torn(words)
        found = next((name for name, regex in self._moves if regex.fullmatch(text)), "")
        return found or self._after_fillers(text) or self._after_courtesy(words)

    def _after_fillers(self, text: str) -> str:
        short = self._re["indirect"].sub("", self._re["fillers"].sub("", text))
        return self.move(short) if short and short != text else ""

    def _after_courtesy(self, words: list[str]) -> str:
        """What is said behind thanks or a greeting: "thanks for your help, goodbye"."""
        if len(words) > _TWO_MOVES:
            return ""
        for n in range(1, len(words)):
            head = " ".join(words[:n])
            courteous = any(name in _COURTEOUS and regex.fullmatch(head) for name, regex in self._moves)
            if courteous and (found := self.move(" ".join(words[n:]))):
                return found
        return ""

    def _torn(self, words: list[str]) -> str:
        """What both a yes and a no come to: the last word, if it is said that it is meant."""
        last = max(i for i, word in enumerate(words) if word in self._yes | self._no)
        behind = self._turning.intersection(words[last + 1 :]) - self._polite
        if self._meant.intersection(words[:last]) and not behind:
            return "yes" if words[last] in self._yes else "no"
        return "torn"

    def leading(self, text: str) -> tuple[str, str]:
        """What a sentence begins with before its content, and the content: "no i meant 5" -> ("no i meant", "5")."""
        rest = text
        while (short := self._re["leading"].sub("", rest)) != rest:
            rest = short
        return text[: len(text) - len(rest)].strip(), rest

    def goes_on(self, text: str) -> bool:
        """Whether a normalised sentence takes up the one before it: "no, i meant 5", "what about friday"."""
        return bool(self.leading(text)[0] or self._re["more"].match(text))

    def offers_human(self, heard: str) -> bool:
        """Whether the bot's last words offered a person."""
        return bool(self._re["offers_human"].search(heard.lower()))

    def means_another(self, text: str) -> bool:
        """Whether a wish is for another thing than the one spoken of: values said before do not count for it."""
        return bool(self._re["another"].search(text))

    def offers_more(self, heard: str) -> bool:
        """Whether the bot's last words asked what else it can do."""
        return bool(self._re["offers_more"].search(heard.lower()))

    def refuses(self, text: str) -> bool:
        """Whether a normalised sentence is a no in a few words, without a farewell in it."""
        short = len(text.split()) <= _SHORT_NO
        return short and bool(self._re["no"].search(text)) and not self._re["farewell"].search(text)

    def without_apology(self, fallback: str) -> str:
        """What an agent's words for "not understood" say of what it can do: "" if they only apologise."""
        if not (sorry := self._re["sorry"].match(fallback)):
            return fallback
        rest = self._re["unable"].sub("", fallback[sorry.end() :])
        return rest[:1].upper() + rest[1:]

    def does_not_know(self, fallback: str) -> str:
        """What is said to a question of the domain that nothing answers."""
        return f"{self.says.do_not_know} {self.without_apology(fallback)}".rstrip()

    def is_miss(self, said: str, fallback: str) -> bool:
        """Whether the bot's words said that it did not get or know something; they may have been cut short."""
        says = self.says
        ways = (
            fallback, says.do_not_know, says.do_not_understand, says.again_not, says.nor_this, says.neither_known,
            says.still_not, says.in_other_words, says.heard.partition("{")[0], says.not_whole,
        )  # fmt: skip
        return len(said) >= _TELLING and any(said.startswith(way) or way.startswith(said) for way in ways)

    def declines(self, said: str, fallback: str) -> bool:
        """Whether words refuse what was asked, without doing or answering it."""
        jokes = self.says.no_jokes.partition("{")[0]
        plain = (fallback, self.does_not_know(fallback), self.says.calm, self.says.calm_alone)
        return said in plain or said.startswith(jokes)

    def own_words(self, text: str) -> set[str]:
        """The words of a normalised sentence that name something."""
        return set(text.split()) - self.topicless

    def leans(self, text: str) -> bool:
        """Whether a normalised question is about what was spoken of before: "how long do i have", "and for kids"."""
        named = len(self.own_words(text))
        return bool(self._re["within"].search(text)) and named < 2 or bool(self._re["more"].match(text)) and named < 3

    def parts(self, said: str, by: str) -> list[str]:
        """A sentence in normalised parts, cut at `joints` or at `clauses`."""
        return [self.normalise(part) for part in self._re[by].split(said)]

    def asks(self, text: str) -> bool:
        """Whether a normalised sentence begins as a question or a request does."""
        return self._re["asks"].match(text) is not None


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN = tuple(sorted(path.stem for path in _HERE.glob("*.yaml")))


@cache
def language_of(tag: str) -> Language:
    """What is known of "es-ES", or of English where nothing is."""
    code = base_of(tag) if base_of(tag) in KNOWN else "en"
    return Language(code, Pack.model_validate(yaml.safe_load((_HERE / f"{code}.yaml").read_text("utf-8"))))


ENGLISH = language_of("en")
