"""How well a caller's turn is understood: feelings and wishes, as `LanguageModel.Understand` tells them."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench.quality import sets
from bench.quality.confusion import Confusion
from parley.agents.files import load_agent
from parley.embedding import Embedder
from services.llm.contract import Turn
from services.llm.understanding.emotion.reading import Reading
from services.llm.understanding.emotion.wording import EMOTIONS, wording
from services.llm.understanding.turns import Turns
from testbed.frontdesk import AGENTS

APART = sets.OWN_TYPED / "emotions_apart.yaml"
BLIND = sets.HELD_OUT / "emotions.yaml"
BLIND_INTENTS = sets.HELD_OUT / "intents.yaml"
INTENTS_APART = sets.OWN_TYPED / "intents_apart.yaml"
NEGATIVE = ("frustrated", "sad", "angry")
_TIMED = 100
_OWN_NAMES = {
    "opening_hours": "business_hours",
    "human": "transfer",
    "help": "what_can_you_do",
    "robot": "who_are_you",
    "greeting": "hello",
}
"""The front desk's own names of intents, by those of the sets."""


@asynccontextmanager
async def turns(folder: Path | None = None) -> AsyncIterator[Turns]:
    """What understands, as in the process of the service. `folder`: where its model is, or is built."""
    with tempfile.TemporaryDirectory() as own:
        where = folder or Path(own)
        embedder = await asyncio.to_thread(Embedder.load, where)
        made = Turns(AGENTS, where, embedder)
        try:
            yield made
        finally:
            await made.aclose()
            embedder.close()


async def feelings(made: Turns, path: Path, every: int = 1) -> Confusion:
    """Of a file of sentences by emotion; of each emotion every first, second … one."""
    found = Confusion()
    for emotion, texts in _read(path).items():
        for text in texts[::every]:
            found.add(emotion, (await made.of(Turn(text, "en"))).emotion.name)
    return found


async def everyday(made: Turns) -> Confusion:
    """Of blind sentences that were written for other ends: questions to the front desk, and what is no bot's business.
    Nobody has said how they feel; nearly all are plain."""
    found = Confusion()
    for case in (*sets.held_out_typed(), *sets.open_spoken()):
        found.add("neutral", (await made.of(Turn(case.text, "en"))).emotion.name)
    return found


async def wishes(made: Turns, agent: str, cases: list[tuple[str, str]]) -> Confusion:
    """Of pairs of a sentence and its intent, "" for none."""
    found = Confusion()
    for text, intent in cases:
        found.add(intent, (await made.of(Turn(text, "en", agent))).wish.intent)
    return found


def held_out_wishes() -> list[tuple[str, str]]:
    """The blind sentences for the front desk; those that are no wish of their own (a bare yes) left out."""
    intents = load_agent(AGENTS, sets.AGENT).domain.intents
    named = [(case.text, _OWN_NAMES.get(case.intent, case.intent)) for case in sets.held_out_typed()]
    return [(text, intent) for text, intent in named if not intent or intent in intents]


async def crossed(folds: int = 4, folder: Path | None = None) -> Confusion:
    """Of the examples themselves: each is told by what was learned without its part of them."""
    known, found = wording("en"), Confusion()
    with tempfile.TemporaryDirectory() as own:
        embedder = await asyncio.to_thread(Embedder.load, folder or Path(own))
        meanings = await asyncio.to_thread(embedder.embed, [text for text, _ in known.examples])
        embedder.close()
    part = np.random.default_rng(1).permutation(len(known.examples)) % folds
    for fold in range(folds):
        rest = [known.examples[n] for n in np.flatnonzero(part != fold)]
        reading = await asyncio.to_thread(Reading, known, rest, meanings[part != fold])
        for n in np.flatnonzero(part == fold):
            text, emotion = known.examples[n]
            found.add(emotion, EMOTIONS[int(reading.of(text, meanings[n])[0].argmax())])
    return found


def wishes_in(path: Path, agent: str) -> list[tuple[str, str]]:
    """Of a file of sentences by agent and intent."""
    return [(text, intent) for intent, texts in _read(path)[agent].items() for text in texts]


async def emotions() -> list[str]:
    """The part of the report."""
    async with turns() as made:
        measured = {
            "its own examples, crossed": await crossed(),
            "apart, by the author": await feelings(made, APART),
            "held out, blind": await feelings(made, BLIND),
        }
        rows = [
            f"| {name} | {one.total} | {one.accuracy:.1%} | {one.macro_f1:.2f} | {_mild(one):.1%} |"
            for name, one in measured.items()
        ]
        head = [
            "| how callers feel | sentences | right | macro-F1 | negative or not, right |",
            "|---|--:|--:|--:|--:|",
        ]
        plain = await everyday(made)
        alarms = (
            f"Of {plain.total} blind everyday sentences, nearly all of them plain, {plain.share_told(NEGATIVE):.1%} "
            f"were told to be frustrated, sad or angry, {plain.share_told(['neutral']):.1%} neutral."
        )
        tables = [one.table(f"{name}: is, and is told to be", EMOTIONS) for name, one in measured.items()]
        return ["\n".join([*head, *rows]), alarms, *tables, await _pace(made)]


async def intents() -> list[str]:
    """The part of the report."""
    async with turns() as made:
        measured = {
            ("frontdesk", "held out, blind"): await wishes(made, "frontdesk", held_out_wishes()),
            ("bank", "apart, by the author"): await wishes(made, "bank", wishes_in(INTENTS_APART, "bank")),
            ("bank", "held out, blind"): await wishes(made, "bank", wishes_in(BLIND_INTENTS, "bank")),
            ("support", "held out, blind"): await wishes(made, "support", wishes_in(BLIND_INTENTS, "support")),
        }
    lines = [
        "| what callers want | set | of the domain | right | another's | macro-F1 | not its business | rejected |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for (agent, name), one in measured.items():
        inside = sum(often for (truth, _), often in one.counts.items() if truth)
        outside, rejected = one.total - inside, one.counts["", ""]
        wrong = sum(often for (truth, told), often in one.counts.items() if truth and told not in ("", truth))
        right = one.right - rejected
        f1 = sum(one.of(label)[2] for label in one.truths if label) / max(1, sum(map(bool, one.truths)))
        lines.append(
            f"| {agent} | {name} | {inside} | {right / inside:.1%} | {wrong} | {f1:.2f} | {outside} | {rejected} |"
        )
    return ["\n".join(lines)]


def _mild(one: Confusion) -> float:
    """Whether a turn is negative is what decides over an escalation."""
    right = sum(often for (truth, told), often in one.counts.items() if (truth in NEGATIVE) == (told in NEGATIVE))
    return right / max(1, one.total)


async def _pace(made: Turns) -> str:
    texts = [case.text for case in sets.open_spoken()][:_TIMED]
    took = []
    for text in texts:
        begun = time.perf_counter()
        await made.of(Turn(text, "en", "frontdesk"))
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return f"One turn, emotion and intent: {took[len(took) // 2]:.0f} ms p50, {took[int(len(took) * 0.95)]:.0f} ms p95."


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))
