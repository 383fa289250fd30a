"""What to say: a tool's result in the agent's words, or the sentences of a passage that answer a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from parley.agents import Agent, Intent
from parley.phrases import normalise
from services.llm.contract import Passage
from services.llm.local import moves
from services.llm.local.domain import COMMON
from services.llm.local.understanding import Embeds

SURE_SCORE = 0.33  # a sentence this near answers a question that is known to be in the domain
ALONE_SCORE = 0.5  # and this near, one that no phrase of the agent is like
NEIGHBOUR = 0.12  # a second sentence is said if it is not much further
_MAX_SENTENCES = 24
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def of_result(intent: Intent | None, result: str, agent: Agent) -> str:
    """A tool message as a sentence: the intent's `answer` filled in, the result's `summary`, or why it failed."""
    try:
        told = orjson.loads(result)
    except orjson.JSONDecodeError:
        return result.strip() or moves.DONE
    if not isinstance(told, dict):
        return str(told) if told not in (None, "", []) else moves.DONE
    status = str(told.get("status", "")).lower()
    if "unknown" in status and ("message" in told or "error" in told or len(told) == 1):
        return moves.NOT_CERTAIN
    if failure := told.get("error") or told.get("message"):
        return str(failure) if " " in str(failure) else agent.sentences.trouble
    inner = told.get("result") if isinstance(told.get("result"), dict) else told
    assert isinstance(inner, dict)
    if intent and intent.answer and (said := _filled(intent.answer, inner)):
        return said
    if summary := inner.get("summary"):
        return str(summary)
    plain = [f"{k.replace('_', ' ')}: {v}" for k, v in inner.items() if isinstance(v, (str, int, float)) and v != ""]
    return ", ".join(plain) + "." if plain else moves.DONE


def _filled(template: str, fields: dict[str, Any]) -> str:
    """ "" if a field is missing."""
    names = re.findall(r"\{(\w+)\}", template)
    if any(fields.get(name) in (None, "") for name in names):
        return ""
    return re.sub(r"\{(\w+)\}", lambda hole: str(fields[hole[1]]), template)


async def of_knowledge(question: str, passages: Sequence[Passage], embedder: Embeds | None, sure: bool) -> str:
    """One or two sentences of the passages that answer; "" if none comes near enough.

    A sentence is judged by its meaning, by that of its passage, and by the question's rarer words in it.
    """
    sentences = [(i, s) for i, p in enumerate(passages) for s in _sentences(p.text)][:_MAX_SENTENCES]
    if not sentences or embedder is None:
        return ""
    vectors = await embedder.embed_async([question, *(s for _, s in sentences)])
    near = vectors[1:] @ vectors[0]
    asked = set(normalise(question).split()) - COMMON
    scores = np.array(
        [
            0.7 * float(near[k]) + 0.3 * max(passages[i].score, float(near[k])) + 0.15 * _shared(asked, s)
            for k, (i, s) in enumerate(sentences)
        ]
    )
    best = int(scores.argmax())
    if scores[best] < (SURE_SCORE if sure else ALONE_SCORE):
        return ""
    place, said = sentences[best]
    if best + 1 < len(sentences) and sentences[best + 1][0] == place and scores[best + 1] > scores[best] - NEIGHBOUR:
        said = f"{said} {sentences[best + 1][1]}"
    return said


def _sentences(text: str) -> list[str]:
    lines = [line.strip() for line in text.split("\n")]
    body = " ".join(line for line in lines if line and not line.startswith("#"))
    return [s for s in _SENTENCE.split(body) if len(s) > 2]


def _shared(asked: set[str], sentence: str) -> float:
    """Which part of the question's rarer words the sentence has, plural or not."""
    stems = {word.rstrip("s") for word in normalise(sentence).split()}
    return sum(word.rstrip("s") in stems for word in asked) / len(asked) if asked else 0.0
