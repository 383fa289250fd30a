"""What one sentence means in an agent's domain: by its patterns, else by its meaning."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np

from parley.embedding import Vectors
from parley.phrases import normalise
from parley.telemetry import NLU_LATENCY
from services.llm.local import evidence, moves, slots
from services.llm.local.domain import Domain, Match, comparable
from services.llm.local.nearness import near_to, threshold
from services.llm.local.word_lists import COMMON

PATTERN_SHARE = 0.62  # below it a pattern says too little of the sentence to be believed alone
HINT = 0.12  # what a whole pattern is worth, in cosine, to the meaning it points to
MARGIN = 0.03  # an intent must be nearer than what is off the topic by this much
OFF_MARGIN = 0.1  # off the topic by this much more: not even knowledge is asked
DOUBT = 0.05  # an intent that no word of its own points to is in doubt until it is nearer than needed by this much
ALMOST = 0.1  # one that a word of its own points to is in doubt, not out of question, if it lacks no more than this
CLAUSE_SHARE = 0.8  # a pattern in one clause of several
CLAUSE_COST = 0.03  # a clause alone says less surely what is wanted than the whole sentence
STRANGE_COST = 0.1  # still less where the rest of the sentence speaks of something strange
NAMED = 0.06  # a word of its own phrases, or a day where it has one, makes an intent as much more likely
ENDING_COST = 0.08  # nobody is hung up on by a guess
_MAX_CLAUSES = 4
# Moves that an agent may have its own words for: those, and what comes near to them, go first.
_OF_AGENTS = ("who", "robot", "help", "thanks", "goodbye", "hello", "wait", "human", "")
_JOINTS = re.compile(r"[.;!?]+\s+|,?\s(?:and also|and then|and|also|plus)\s")
_ASKS = re.compile(
    r"(?:and |also |hi |hello |well |so |then )*(?:what|where|when|how|who|which|is|are|do|does|did"
    r"|can|could|will|would|has|have|i (?:want|need|would like)|tell me|please|check|look|track|find)\b"
)
_TIME = re.compile(r"(?<!\S)(\d{1,2}):(\d{2})(?!\d)")  # a value only where a number was asked for
_CACHED = 4096
_OFF_TOPIC = (Path(__file__).parent / "off_topic.txt").read_text("utf-8").split("\n")


class Embeds(Protocol):
    async def embed_async(self, texts: list[str]) -> Vectors: ...


@dataclass(frozen=True, slots=True)
class Meaning:
    """`intent` "" if none; `by` says what found it: "pattern", "meaning" or "". `share` as in Match.

    `maybe`: the intent that it may be, where `intent` is none; to be asked back.
    `wishes`: two in one sentence, each with its own meaning.
    `strangers`: words that name what the agent does not have. `unknown`: these and others that it does not know.
    `off_topic`: clearly nearer to small talk and other trades than to anything in the domain.
    """

    text: str
    move: str = ""
    intent: str = ""
    maybe: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    by: str = ""
    share: float = 0.0
    score: float = 0.0
    off_topic: bool = False
    strangers: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    wishes: tuple[Meaning, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An intent that a sentence comes near to. `reach`: by how much nearer than needed. `named`: by its own word."""

    intent: str = ""
    near: float = 0.0
    reach: float = 0.0
    named: bool = False


_NOTHING = _Candidate()


def _score(one: _Candidate) -> float:
    return one.reach


class Understanding:
    """Sentences of one agent's callers. Without an embedder only patterns count."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._embedder: Embeds | None = None
        self._names: list[str] = []
        self._vectors: dict[str, Vectors] = {}
        self._off_topic: Vectors = np.zeros((0, 384), np.float32)
        self.threshold = 1.0
        self._known: OrderedDict[tuple[str, bool], Meaning] = OrderedDict()

    async def learn(self, embedder: Embeds) -> None:
        """Take the examples' meanings, and the nearness from which on an intent is believed."""
        if not (examples := self.domain.examples):
            return  # an agent without intents: moves and knowledge are all there is
        vectors = await embedder.embed_async([e.text for e in examples])
        foreign = [text for text in _OFF_TOPIC if text and not self.domain.vocabulary.is_core(text)]
        self._off_topic = await embedder.embed_async(foreign)
        intents, phrases = np.array([e.intent for e in examples]), np.array([e.phrase for e in examples])
        self._names = list(dict.fromkeys(e.intent for e in examples))
        self._vectors = {name: vectors[intents == name] for name in self._names}
        self.threshold = await asyncio.to_thread(threshold, vectors, intents, phrases, self._off_topic)
        self._embedder = embedder
        self._known.clear()

    def middle(self, intent: str) -> Vectors | None:
        """The mean of an intent's phrases, unit length; None without an embedder or intent."""
        if intent not in self._vectors:
            return None
        mean = self._vectors[intent].mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    async def of(self, said: str) -> Meaning:
        """What a sentence means; the same sentence is worked out once."""
        said = _TIME.sub(r"\1 \2 oclock", said)
        text = normalise(said)
        key = text, _is_question(said)
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        begin = perf_counter()
        meaning = await self._work_out(text, _clauses(said, text))
        if len(wishes := self._wishes(said)) > 1:
            meaning = replace(meaning, wishes=wishes)
        if not meaning.intent:
            words = self.domain.vocabulary
            meaning = replace(meaning, strangers=tuple(words.strangers(text)), unknown=self._unknown(said, text))
        NLU_LATENCY.labels(meaning.by or "none").observe((perf_counter() - begin) * 1000)
        self._known[key] = meaning
        if len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return meaning

    async def _work_out(self, text: str, clauses: list[str]) -> Meaning:
        move = moves.move(text)
        matches = self._matches(text)
        best = next((m for m in matches[:1] if m.share >= PATTERN_SHARE), None)
        if best and not (move in ("yes", "no") and best.share < 1):
            more = self._in_a_clause(clauses) if self.domain.intents[best.intent].say else None
            return self._matched(text, move, more or best)  # "thank you very much, that is all"
        if move not in _OF_AGENTS or not text:
            return Meaning(text, move, slots=self._all_slots(text))
        if found := self._in_a_clause(clauses):
            return self._matched(text, move, found)
        if self._embedder is None:
            return Meaning(text, move, slots=self._all_slots(text))
        _, content = moves.leading(text)
        parts = [content or text, *clauses]
        vectors = await self._embedder.embed_async([comparable(part) for part in parts])
        found = self._nearest(text, move, parts, vectors, matches)
        if move in moves.FORESEEN and not (found.intent and self.domain.intents[found.intent].say):
            return replace(found, intent="", maybe="", slots=self._all_slots(text), by="")  # it is the move, surely
        return found

    def _unknown(self, said: str, text: str) -> tuple[str, ...]:
        """Words and identifying numbers; in what is no question, all numbers."""
        numbers = [n.digits for n in slots.numbers(text) if n.counts or not _is_question(said)]
        return (*self.domain.vocabulary.unknown(text), *numbers)

    def _in_a_clause(self, clauses: list[str]) -> Match | None:
        """What one clause alone asks for; the last one first, since people come to the point at the end."""
        for clause in clauses:
            if (found := self._matches(clause)) and found[0].share >= CLAUSE_SHARE and _says_enough(clause):
                return found[0]
        return None

    def _matches(self, text: str) -> list[Match]:
        return [match for match in self.domain.matches(text) if evidence.for_match(self.domain, match, text)]

    def _wishes(self, said: str) -> tuple[Meaning, ...]:
        """The first two different things that a sentence asks for in the agent's own phrases; () if fewer.

        The second may lean on the first: "how much is a tune up and how long does it take".
        """
        found: list[Meaning] = []
        for clause in (normalise(part) for part in _JOINTS.split(said)):
            if len(clause.split()) < 3 or not _ASKS.match(clause) or len(found) == 2:
                continue
            best = next(iter(self._matches(clause)), None)
            if best and best.share >= CLAUSE_SHARE and _says_enough(clause):
                if not self.domain.goes_beside(best.intent) or best.intent in [m.intent for m in found]:
                    return ()
                found.append(self._matched(clause, "", best))
            elif found and self.domain.is_question(found[0].intent) and moves.leans(clause):
                found.append(Meaning(clause))
        return tuple(found) if len(found) == 2 else ()

    def _matched(self, text: str, move: str, best: Match) -> Meaning:
        return Meaning(text, move, best.intent, "", self._slots(best, text), "pattern", best.share, 1.0)

    def _nearest(self, text: str, move: str, parts: list[str], vectors: Vectors, matches: list[Match]) -> Meaning:
        """By the meaning of the whole sentence (first row) or of one of its clauses, whichever is nearest."""
        hints: dict[str, float] = {}
        for match in matches:
            hints[match.intent] = max(hints.get(match.intent, 0.0), match.share)
        best, strange, nearest = _NOTHING, _NOTHING, 0.0
        cost = STRANGE_COST if self.domain.vocabulary.strangers(text) else CLAUSE_COST
        for row, (part, vector) in enumerate(zip(parts, vectors, strict=True)):
            off_topic = near_to(self._off_topic, vector)
            for name in self._names:
                near = near_to(self._vectors[name], vector) + HINT * hints.get(name, 0.0) - (cost if row else 0.0)
                nearest = max(nearest, near)
                if near < off_topic + MARGIN:
                    continue
                one = _Candidate(name, near, near - self._least(name, part), self._names_it(name, part))
                if evidence.for_meaning(self.domain, name, part):
                    best = max(best, one, key=_score)
                elif one.named and evidence.number_counts(self.domain, name, part):
                    strange = max(strange, one, key=_score)
        if self._is_sure(best):
            mentioned = {s: v for s, v in self._all_slots(text).items() if s in self.domain.mentions[best.intent]}
            return Meaning(text, move, best.intent, "", mentioned, "meaning", hints.get(best.intent, 0.0), best.near)
        far = near_to(self._off_topic, vectors[0]) > nearest + OFF_MARGIN
        maybe = self._in_doubt(best, strange)
        return Meaning(text, move, maybe=maybe, slots=self._all_slots(text), score=nearest, off_topic=far)

    def _is_sure(self, one: _Candidate) -> bool:
        """Fixed words do no harm: they need less."""
        if not one.intent:
            return False
        at_risk = self.domain.acts(one.intent) or self.domain.is_question(one.intent)
        return one.reach >= (DOUBT if at_risk and not one.named else 0.0)

    def _in_doubt(self, best: _Candidate, strange: _Candidate) -> str:
        """The intent that a sentence may have: it comes almost near enough, or is near but names something strange."""
        if best.intent and best.reach >= (-ALMOST if best.named else 0.0) and not self.domain.intents[best.intent].say:
            return "" if self.domain.ends_call(best.intent) else best.intent
        if strange.intent and strange.reach >= 0 and self.domain.acts(strange.intent):
            return strange.intent
        return ""

    def _names_it(self, intent: str, part: str) -> bool:
        """Whether a part of a sentence has a word of the intent's own."""
        return any(self.domain.vocabulary.belongs(word, intent) for word in part.split())

    def _least(self, intent: str, part: str) -> float:
        """How near an intent must be: less if a word or a value of its own is said, more if it hangs up."""
        found = self._all_slots(part).keys() & self.domain.mentions[intent]
        named = bool(found) or self._names_it(intent, part)
        return self.threshold + (ENDING_COST if self.domain.ends_call(intent) else 0.0) - (NAMED if named else 0.0)

    def _slots(self, match: Match, text: str) -> dict[str, str]:
        """The match's slots, and what the rest of the sentence says for slots that the intent knows."""
        found = {n: v for n, v in self._all_slots(text).items() if n in self.domain.mentions[match.intent]}
        taken = {n: v for n, v in match.slots.items() if v}
        for name, value in found.items():
            if name not in taken or not slots.fits(self.domain.slots[name], taken[name]):
                taken[name] = value
        return taken

    def _all_slots(self, text: str) -> dict[str, str]:
        found = {name: slots.find(slot, text) for name, slot in self.domain.slots.items()}
        return {name: value for name, value in found.items() if value}


def _clauses(said: str, text: str) -> list[str]:
    """Parts of a sentence, by its punctuation and by "and" and "but"; the last first. [] if it is one."""
    parts = [normalise(p) for p in re.split(r"[.,;:!?\u2013\u2014]+\s|\s(?:and|but|because|so)\s", said)]
    parts = [p for p in parts if (len(p.split()) > 2 or any(len(n.digits) > 2 for n in slots.numbers(p))) and p != text]
    return parts[::-1][:_MAX_CLAUSES]


def _is_question(said: str) -> bool:
    return "?" in said or _ASKS.match(normalise(said)) is not None


def _says_enough(clause: str) -> bool:
    return sum(word not in COMMON for word in clause.split()) > 0
