"""The sentences that are measured with, in one shape, whoever wrote them. Read only: nothing is fitted to them here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from parley.errors import BadInput
from testbed.frontdesk import AGENTS

TESTS = Path(__file__).parents[2] / "tests"
HELD_OUT = TESTS / "heldout"
OWN_TYPED = TESTS / "llm" / "data"
OWN_SPOKEN = TESTS / "stt_local"
LABELS = Path(__file__).parent / "spoken_labels.yaml"
AGENT = "frontdesk"
# eSpeak NG's command finds a voice by its language too; its library only by its name, and the British one is `en`.
_BRITISH, _BRITISH_NAME = "en-gb", "en"
# The agent's own names of intents, where the held-out sets have others.
_NAMES = {
    "business_hours": "opening_hours",
    "transfer": "human",
    "what_can_you_do": "help",
    "who_are_you": "robot",
    "hello": "greeting",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence and what is wanted with it. `intent` "": none of the shop's business.

    `words`: words that the right answer holds, where the set says so.
    """

    text: str
    intent: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A case that is said by an eSpeak NG voice at `wpm` words a minute."""

    case: Case
    voice: str
    wpm: int


def own_typed() -> list[Case]:
    """Written by the engine's author."""
    cases = [
        Case(text, _NAMES.get(intent, intent), rest[0] if rest else {})
        for text, intent, *rest in _read(OWN_TYPED / "own_paraphrases.yaml")
    ]
    cases += [
        Case(text, "knowledge" if words else "", words=words) for text, words in _read(OWN_TYPED / "own_knowledge.yaml")
    ]
    return cases + [Case(text) for text in _read(OWN_TYPED / "own_out_of_domain.yaml")]


def held_out_typed() -> list[Case]:
    """Written blind."""
    read = _read(HELD_OUT / "typed.yaml")
    cases = [Case(row["text"], row["intent"], row.get("slots", {})) for row in read["in_domain"]]
    return cases + [Case(text) for text in read["out_of_domain"]]


def held_out_spoken() -> list[Spoken]:
    """Written blind, with the eSpeak NG voice that each is for; spoken_labels.yaml says what each is about."""
    read = _read(HELD_OUT / "spoken.yaml")
    inside, outside = read["spoken"], read["out_of_domain_spoken"]
    cases = _labelled("held_out", [row["text"] for row in inside]) + [Case(row["text"]) for row in outside]
    rows = zip(cases, [*inside, *outside], strict=True)
    return [Spoken(c, row["voice"].replace(_BRITISH, _BRITISH_NAME), row["wpm"]) for c, row in rows]


def own_spoken() -> list[Case]:
    """The sentences that the recogniser `local` was made with."""
    inside = (OWN_SPOKEN / "frontdesk.txt").read_text("utf-8").split("\n")
    outside = (OWN_SPOKEN / "foreign.txt").read_text("utf-8").split("\n")
    return _labelled("own", filter(None, inside)) + [Case(text) for text in outside if text]


def open_spoken() -> list[Case]:
    """Everyday English, written blind; none of it is any bot's business."""
    return [Case(text) for text in _read(HELD_OUT / "open.yaml")["open"]]


def page_examples() -> list[Case]:
    """What the front desk's page proposes to ask."""
    page = json.loads((AGENTS / AGENT / "wrapper.json").read_text("utf-8"))
    return _labelled("page", dict.fromkeys([page["sample_call"], *page["examples"]]))


def _labelled(which: str, texts: Iterable[str]) -> list[Case]:
    """Raises BadInput: a sentence without a label."""
    labels: dict[str, Any] = _read(LABELS)[which]
    cases = []
    for text in texts:
        if text not in labels:
            raise BadInput(f"{LABELS.name}: {which}: no intent for {text!r}; add it")
        label = labels[text]
        intent, slots = (label, {}) if isinstance(label, str) else label
        cases.append(Case(text, intent, slots))
    return cases


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))
