"""What to say: a tool's result in the agent's words, or the sentences of a passage that answer a question."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from parley.agents.agent import Agent
from parley.agents.domain import Intent
from parley.embedding import Vectors
from parley.text.phrases import normalise
from services.llm.contract import Message, Passage, Role
from services.llm.local.dialogue import confirmation
from services.llm.local.languages.language import language_of
from services.llm.local.understanding.understanding import Embeds
from services.llm.local.understanding.vocabulary import bases
from services.llm.local.understanding.word_lists import COMMON

SURE_SCORE = 0.33  # a sentence this near answers a question that is known to be in the domain
DOUBTED_SCORE = 0.42  # to one that may be
LEANING_SCORE = 0.42  # one that leans on the question before, with that one's words
ALONE_SCORE = 0.5  # this near, one that no phrase of the agent is like
STRANGE_SCORE = 0.65  # and this near, one that is more like what is off the topic
NEIGHBOUR = 0.12  # a second sentence is said if it is not much further
INTENT_WEIGHT = 0.3
LEAD = 0.05  # who writes for callers says the answer first
HEADING = 0.15  # a heading that has just the question's words says what it is about
FORM = 0.06  # a price answers "how much", a place "where"
_MAX_SENTENCES = 24
_HEADING_WORDS = 8
_KEPT = 4096
# How a question begins, and a word that its answer has.
_FORMS = [
    (re.compile(question), re.compile(answer, re.IGNORECASE))
    for question, answer in (
        (
            r"\b(?:where|address|located|location|directions|find you|get to you|get there|reach you)\b",
            r"\b(?:is|are|us) (?:\w+ )?(?:at|behind|next to|on|across|opposite|near)\b",
        ),
        (r"\b(?:how much|costs?|prices?|charge)\b", r"\b(?:dollars?|cents?|euros?|pounds?|percent|free)\b"),
        (r"\b(?:how (?:long|soon|late)|when)\b", r"\b(?:minute|hour|day|week|month|year)s?\b"),
        (r"\b(?:how (?:far|fast))\b", r"\b(?:mile|kilometer|minute)s?\b"),
    )
]
_FOR_MODELS = re.compile(r"\b(?:the tool|the caller|apologi[sz]e|given up|arguments?|JSON)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def of_result(intent: Intent | None, result: str, agent: Agent) -> str:
    """A tool message as a sentence: the intent's `answer` filled in, the result's `summary`, or why it failed; "" for
    what waits for the caller's yes, or did not get it: that is told elsewhere.
    """
    says = language_of(agent.language).says
    try:
        told = orjson.loads(result)
    except orjson.JSONDecodeError:
        return result.strip() or says.done
    if not isinstance(told, dict):
        return str(told) if told not in (None, "", []) else says.done
    if confirmation.of_message(told):
        return ""
    if (failed := _failure(told, agent)) is not None:
        return failed
    if intent and intent.answer and (said := _filled(intent.answer, told)):
        return said
    if summary := told.get("summary"):
        return str(summary)
    plain = [f"{k.replace('_', ' ')}: {v}" for k, v in told.items() if isinstance(v, (str, int, float)) and v != ""]
    return ", ".join(plain) + "." if plain else says.done


def has_failed(result: str) -> bool:
    """Whether a tool message tells of a failure."""
    try:
        told = orjson.loads(result)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(told, dict) or confirmation.of_message(told):
        return False
    return "error" in told or told.get("status") in ("failed", "refused")


def failed_before(messages: Sequence[Message], fresh: int) -> bool:
    """Whether the tool message before the `fresh` last ones told of a failure, too."""
    told = [message.text for message in messages if message.role is Role.TOOL]
    return len(told) > fresh and has_failed(told[-fresh - 1])


def _failure(told: dict[str, Any], agent: Agent) -> str | None:
    """What is said of a tool that gave no result; None if it did."""
    says = language_of(agent.language).says
    if "error" in told:
        return _sayable(str(told["error"]), agent)
    if not told.keys() <= {"status", "message"}:
        return None
    message = str(told.get("message", ""))
    match told.get("status"):
        case "failed":
            return _sayable(message, agent)
        case "refused":
            return agent.sentences.trouble
        case "unknown":
            return says.not_certain
        case "running":
            return says.still_at_it
        case "ok":
            return message or says.done
    return None


def _sayable(message: str, agent: Agent) -> str:
    """Tools fail in words for the caller ("I can not find that order"), or in words for a model: those are not said."""
    return agent.sentences.trouble if " " not in message or _FOR_MODELS.search(message) else message


def _filled(template: str, fields: dict[str, Any]) -> str:
    """ "" if a field is missing."""
    names = re.findall(r"\{(\w+)\}", template)
    if any(fields.get(name) in (None, "") for name in names):
        return ""
    return re.sub(r"\{(\w+)\}", lambda hole: str(fields[hole[1]]), template)


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence of a passage: alone, with its page's title and heading, and whether it is the passage's first."""

    text: str
    in_topic: str
    heading: str
    first: bool
    passage_score: float


class Reader:
    """Finds answers in passages. Sentences' meanings are kept, since the same passages come again and again."""

    def __init__(self, embedder: Embeds) -> None:
        self._embedder = embedder
        self._known: OrderedDict[str, Vectors] = OrderedDict()

    async def answer(self, question: str, passages: Sequence[Passage], least: float, towards: Vectors | None) -> str:
        """One or two sentences of the passages that answer; "" if none comes as near as `least`.

        A sentence is judged by its meaning, by that of its passage, and by the question's rarer words in it. Of those
        that answer, headings, first sentences and nearness to the intent (`towards`, mean of its phrases) choose one.
        """
        parts = [part for p in passages for part in _parts(p)][:_MAX_SENTENCES]
        if not parts:
            return ""
        said = question if question[-1:] in (".", "!", "?") else f"{question}?"  # recognisers may write no marks
        asked_vector, vectors = await self._vectors(said, [t for p in parts for t in (p.text, p.in_topic)])
        plain, in_topic = vectors[::2], vectors[1::2]
        asked = set(normalise(question).split()) - COMMON
        scores = [_score(float(v @ asked_vector), p, asked) for v, p in zip(plain, parts, strict=True)]
        wanted = [answer for asking, answer in _FORMS if asking.search(normalise(question))]
        ranks = [_score(float(v @ asked_vector), p, asked) for v, p in zip(in_topic, parts, strict=True)]
        if towards is not None:
            ranks = [r + INTENT_WEIGHT * float(v @ towards) for r, v in zip(ranks, in_topic, strict=True)]
        ranks = [r + LEAD * p.first + FORM * _has(wanted, p) for r, p in zip(ranks, parts, strict=True)]
        answering = [k for k, score in enumerate(scores) if score >= least]
        if not answering:
            return ""
        best = max(answering, key=ranks.__getitem__)
        after = parts[best + 1] if best + 1 < len(parts) else None
        if after and not after.first and scores[best + 1] > scores[best] - NEIGHBOUR:
            return f"{parts[best].text} {after.text}"
        return parts[best].text

    async def _vectors(self, question: str, sentences: list[str]) -> tuple[Vectors, Vectors]:
        new = [s for s in dict.fromkeys(sentences) if s not in self._known]
        made = await self._embedder.embed_async([question, *new])
        self._known.update(zip(new, made[1:], strict=True))
        for sentence in sentences:
            self._known.move_to_end(sentence)
        vectors = np.stack([self._known[s] for s in sentences])
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return made[0], vectors


def hold(passages: Sequence[Passage], words: Sequence[str]) -> bool:
    """Whether each of these words, in one of its forms, is somewhere in the passages."""
    if not words:
        return True
    held = set(normalise(" ".join(f"{p.source} {p.text}" for p in passages)).split())
    return all((bases(word) | {f"{word}s"}) & held for word in words)


def has_words(answer: str, words: set[str]) -> bool:
    """Whether an answer holds all these words of the question, plural or not."""
    return not words or _shared(words, answer) == 1


def has_form(answer: str, question: str) -> bool:
    """Whether an answer has the words that this kind of question wants; of kinds without such words, always."""
    wanted = [form for asking, form in _FORMS if asking.search(normalise(question))]
    return not wanted or any(form.search(answer) for form in wanted)


def is_form_alone(question: str, words: set[str]) -> bool:
    """Whether a question, of which `words` name something, says nothing but what kind it is: "how do I find you"."""
    spans = [found.group() for asking, _ in _FORMS for found in asking.finditer(normalise(question))]
    return bool(spans) and words <= {word for span in spans for word in span.split()}


def _parts(passage: Passage) -> list[Part]:
    """Sentences of a passage. Headings are none: lines of a few words without an end; the source may name one."""
    lines = [line.strip() for line in passage.text.split("\n")]
    body = [line for line in lines if line and (line[-1] in ".!?:;," or len(line.split()) > _HEADING_WORDS)]
    _, *headings = passage.source.split(" > ")
    topic = ". ".join(headings)
    texts = [s for s in _SENTENCE.split(" ".join(body)) if len(s) > 2]
    heading = headings[-1] if headings else ""
    return [Part(t, f"{topic}. {t}" if topic else t, heading, k == 0, passage.score) for k, t in enumerate(texts)]


def _score(near: float, part: Part, asked: set[str]) -> float:
    words = 0.15 * _shared(asked, part.in_topic) + HEADING * _alike(asked, part.heading)
    return 0.7 * near + 0.3 * max(part.passage_score, near) + words


def _alike(asked: set[str], heading: str) -> float:
    """How nearly the heading is the question's rarer words: shared over all, plural or not. Below half: 0."""
    mine, its = ({w.rstrip("s") for w in words} for words in (asked, set(normalise(heading).split()) - COMMON))
    alike = len(mine & its) / len(mine | its) if mine and its else 0.0
    return alike if alike >= 0.5 else 0.0


def _has(wanted: list[re.Pattern[str]], part: Part) -> bool:
    return any(form.search(part.text) for form in wanted)


def _shared(asked: set[str], sentence: str) -> float:
    """Which part of the question's rarer words the sentence has, plural or not."""
    stems = {word.rstrip("s") for word in normalise(sentence).split()}
    return sum(word.rstrip("s") in stems for word in asked) / len(asked) if asked else 0.0
