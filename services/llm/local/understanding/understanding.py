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
from parley.telemetry import NLU_LATENCY
from services.llm.local.dialogue import sentences
from services.llm.local.languages.language import FORESEEN
from services.llm.local.understanding import doubt, evidence, slots
from services.llm.local.understanding.domain import Domain, Match, comparable
from services.llm.local.understanding.doubt import NOTHING, Candidate
from services.llm.local.understanding.nearness import near_to, threshold

PATTERN_SHARE = 0.62  # below it a pattern says too little of the sentence to be believed alone
HINT = 0.12  # what a whole pattern is worth, in cosine, to the meaning it points to
MARGIN = 0.03  # an intent must be nearer than what is off the topic by this much
OFF_MARGIN = 0.1  # off the topic by this much more: not even knowledge is asked
CLAUSE_SHARE = 0.8  # a pattern in one clause of several
CLAUSE_COST = 0.03  # a clause alone says less surely what is wanted than the whole sentence
STRANGE_COST = 0.1  # still less where the rest of the sentence speaks of something strange
NAMED = 0.06  # a word of its own phrases, or a day where it has one, makes an intent as much more likely
ENDING_COST = 0.08  # nobody is hung up on by a guess
# Moves that an agent may have its own words for: those, and what comes near to them, go first.
_OF_AGENTS = ("who", "robot", "help", "thanks", "goodbye", "hello", "wait", "human", "")
_MORE_THAN_TALK = ("goodbye", "human")  # "thanks for your help, goodbye"
_TIME = re.compile(r"(?<!\S)(\d{1,2}):(\d{2})(?!\d)")  # a value only where a number was asked for
_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_MINUS = re.compile(r"(?<![\w-])[-\u2212](?=\d)")
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
    `misplaced`: slots in whose place it names something that is no value of theirs.
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
    misplaced: frozenset[str] = frozenset()


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
        if self.domain.measures:
            said = _MINUS.sub("minus ", _POINT.sub(" point ", said))
        text = self.domain.language.normalise(said)
        key = text, sentences.is_question(said, self.domain.language)
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        begin = perf_counter()
        meaning = self._placed(await self._work_out(text, sentences.clauses(said, text, self.domain.language)))
        if len(wishes := await self._wishes(said)) > 1:
            meaning = replace(meaning, wishes=tuple(map(self._placed, wishes)))
        if not meaning.intent:
            words = self.domain.vocabulary
            meaning = replace(meaning, strangers=tuple(words.strangers(text)), unknown=self._unknown(said, text))
        NLU_LATENCY.labels(meaning.by or "none").observe((perf_counter() - begin) * 1000)
        self._known[key] = meaning
        if len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return meaning

    def _placed(self, meaning: Meaning) -> Meaning:
        if not (intent := meaning.intent or meaning.maybe):
            return meaning
        return replace(meaning, misplaced=self.domain.misplaced(intent, meaning.text, meaning.by == "pattern"))

    async def _work_out(self, text: str, clauses: list[str]) -> Meaning:
        move = self.domain.language.move(text)
        matches = self._matches(text)
        best = next((m for m in matches[:1] if m.share >= PATTERN_SHARE), None)
        talk = best is not None and bool(self.domain.intents[best.intent].say)
        if talk and move in _MORE_THAN_TALK:
            return Meaning(text, move, slots=self._all_slots(text))
        if best and not (move in ("yes", "no") and best.share < 1):
            more = self._in_a_clause(clauses) if talk else None
            return self._matched(text, move, more or best)  # "thank you very much, that is all"
        if move not in _OF_AGENTS or not text:
            return Meaning(text, move, slots=self._all_slots(text))
        if match := self._in_a_clause(clauses):
            return self._matched(text, move, match)
        if self._embedder is None:
            return Meaning(text, move, slots=self._all_slots(text))
        _, content = self.domain.language.leading(text)
        parts = [content or text, *clauses]
        vectors = await self._embedder.embed_async([comparable(part) for part in parts])
        found = self._nearest(text, move, parts, vectors, matches)
        if move in FORESEEN and not (found.intent and self.domain.intents[found.intent].say):
            return replace(found, intent="", maybe="", slots=self._all_slots(text), by="")  # it is the move, surely
        return found

    def _unknown(self, said: str, text: str) -> tuple[str, ...]:
        """Words and identifying numbers; in what is no question, all numbers."""
        asks = sentences.is_question(said, self.domain.language)
        numbers = [n.digits for n in slots.numbers(text) if n.counts or not asks]
        return (*self.domain.vocabulary.unknown(text), *numbers)

    def _in_a_clause(self, clauses: list[str]) -> Match | None:
        """What one clause alone asks for; the last one first, since people come to the point at the end."""
        for clause in clauses:
            enough = sentences.says_enough(clause, self.domain.language)
            if enough and (found := self._matches(clause)) and found[0].share >= CLAUSE_SHARE:
                return found[0]
        return None

    def _matches(self, text: str) -> list[Match]:
        return [match for match in self.domain.matches(text) if evidence.for_match(self.domain, match, text)]

    async def _wishes(self, said: str) -> tuple[Meaning, ...]:
        """The first two different things that a sentence asks for, one of them in the agent's own phrases; () if fewer.

        The second may lean on the first: "how much is a tune up and how long does it take".
        """
        found: list[Meaning] = []
        parts = sentences.wishes(said, self.domain.language)
        matched = {part: best[0] for part in parts if (best := self._whole(part))}
        for part in parts:
            if len(found) == 2:
                break
            if part in matched:
                wish = self._matched(part, "", matched[part])
            elif found and self.domain.is_question(found[0].intent) and self.domain.language.leans(part):
                wish = Meaning(part)
            else:
                wish = await self._work_out(part, []) if matched else Meaning(part)
                if not wish.intent or wish.move:
                    continue
            if wish.intent and (not self.domain.goes_beside(wish.intent) or wish.intent in [m.intent for m in found]):
                return ()
            found.append(wish)
        return tuple(found) if len(found) == 2 else ()

    def _whole(self, part: str) -> list[Match]:
        """The pattern that a part of a sentence is, with hardly a word beside it; [] if none."""
        found = self._matches(part)[:1] if sentences.says_enough(part, self.domain.language) else []
        return [match for match in found if match.share >= CLAUSE_SHARE]

    def _matched(self, text: str, move: str, best: Match) -> Meaning:
        return Meaning(text, move, best.intent, "", self._slots(best, text), "pattern", best.share, 1.0)

    def _nearest(self, text: str, move: str, parts: list[str], vectors: Vectors, matches: list[Match]) -> Meaning:
        """By the meaning of the whole sentence (first row) or of one of its clauses, whichever is nearest.

        Of the clauses the last that is sure counts: what comes before it tells how it came to that.
        """
        hints: dict[str, float] = {}
        for match in matches:
            hints[match.intent] = max(hints.get(match.intent, 0.0), match.share)
        best, strange, of_row, nearest = NOTHING, NOTHING, NOTHING, 0.0
        cost = STRANGE_COST if self.domain.vocabulary.strangers(text) else CLAUSE_COST
        for row, (part, vector) in enumerate(zip(parts, vectors, strict=True)):
            if row > 1 and doubt.is_sure(of_row, self.domain):
                break
            off_topic, of_row = near_to(self._off_topic, vector), NOTHING
            for name in self._names:
                near = near_to(self._vectors[name], vector) + HINT * hints.get(name, 0.0) - (cost if row else 0.0)
                nearest = max(nearest, near)
                if near < off_topic + MARGIN:
                    continue
                one = Candidate(name, near, near - self._least(name, part), self._names_it(name, part))
                if evidence.for_meaning(self.domain, name, part):
                    of_row = doubt.nearer(of_row, one)
                elif one.named and evidence.number_counts(self.domain, name, part):
                    strange = doubt.nearer(strange, one)
            best = doubt.nearer(best, of_row)
        if doubt.is_sure(best, self.domain):
            mentioned = self._mentioned(best.intent, text)
            return Meaning(text, move, best.intent, "", mentioned, "meaning", hints.get(best.intent, 0.0), best.near)
        far = near_to(self._off_topic, vectors[0]) > nearest + OFF_MARGIN
        maybe = doubt.doubted(best, strange, self.domain)
        return Meaning(text, move, maybe=maybe, slots=self._all_slots(text), score=nearest, off_topic=far)

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
        found = self._mentioned(match.intent, text)
        taken = {n: v for n, v in match.slots.items() if v}
        for name, value in found.items():
            if name not in taken or not slots.fits(self.domain.slots[name], taken[name]):
                taken[name] = value
        return taken

    def _mentioned(self, intent: str, text: str) -> dict[str, str]:
        """Values for the intent's slots; also a number that lacks digits, right behind its slot's name."""
        found = {n: v for n, v in self._all_slots(text).items() if n in self.domain.mentions[intent]}
        for name in self.domain.mentions[intent]:
            if self.domain.slots[name].kind == "digits" and name not in found:
                named = [n for n in slots.numbers(text) if n.counts and n.before in ("number", *name.split("_"))]
                found |= {name: named[-1].digits} if named else {}
        return found

    def _all_slots(self, text: str) -> dict[str, str]:
        measured = slots.without_choices(self.domain.slots.values(), text) if self.domain.measures else text
        found = {
            name: slots.find(slot, measured if slot.kind == "number" else text)
            for name, slot in self.domain.slots.items()
        }
        return {name: value for name, value in found.items() if value}
