"""An agent's domain, compiled: its phrases as patterns, and as examples to compare meanings with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from parley.agents import Agent, Intent
from parley.errors import BadInput, Misconfigured
from parley.phrases import NUMBER_RUN, normalise, parse, slot_values
from services.llm.local import slots

_EXAMPLES_PER_PHRASE = 8
_MAX_EXAMPLES = 1200
# Words that say little of what is wanted: they count a quarter where a pattern's share of a sentence is weighed.
COMMON = frozenset((Path(__file__).parent / "common_words.txt").read_text("utf-8").split())
ENDING = ("end_call", "hang_up")
_SAMPLE = {"digits": "1234", "day": "saturday", "choice": "", "text": "something", "name": "john smith"}


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern in a sentence. `share` 0..1: how much of what the sentence says is in the match."""

    intent: str
    share: float
    length: int
    slots: dict[str, str]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence of an intent; `phrase` numbers the template that it comes from."""

    intent: str
    text: str
    phrase: int


class Domain:
    """Made once per agent. Raises Misconfigured naming the intent whose phrases or slots are wrong."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.intents = agent.domain.intents
        self.slots = agent.domain.slots
        self._patterns: list[tuple[str, re.Pattern[str], tuple[str, ...]]] = []
        self.mentions: dict[str, set[str]] = {}
        examples: list[Example] = []
        for name, intent in self.intents.items():
            self._check(name, intent)
            self.mentions[name] = set(intent.needs)
            for template in intent.phrases:
                try:
                    phrase = parse(template)
                except BadInput as e:
                    raise Misconfigured(f"agent {agent.name}: domain.intents.{name}.phrases: {e}") from e
                regex = phrase.regex(lambda slot: slots.pattern(self.slots.get(slot)))
                self.mentions[name].update(slot for slot in phrase.slots if slot in self.slots)
                texts = [self._filled(text) for text in phrase.expansions(_EXAMPLES_PER_PHRASE)]
                examples += [Example(name, text, len(self._patterns)) for text in dict.fromkeys(texts) if text]
                self._patterns.append((name, regex, phrase.slots))
        self.examples = examples[:: len(examples) // _MAX_EXAMPLES + 1]

    def matches(self, text: str) -> list[Match]:
        """All patterns found in a normalised sentence; the one that explains most of it first."""
        whole = _weight(text)
        found: list[Match] = []
        for intent, regex, _ in self._patterns:
            if match := regex.search(text):
                said = slot_values(match)
                values = {
                    name: slots.value(self.slots[name], words) if name in self.slots else words
                    for name, words in said.items()
                }
                share = _weight(match.group()) / whole if whole else 0.0
                if not all(slots.fits(self.slots[n], v) for n, v in values.items() if n in self.slots):
                    share *= 0.7
                found.append(Match(intent, share, len(match.group()), values))
        found.sort(key=lambda m: (-round(m.share, 2), -len(m.slots), -m.length))
        return found

    def is_question(self, intent: str) -> bool:
        """Whether knowledge answers it: an intent with neither tool nor fixed answer."""
        known: Intent | None = self.intents.get(intent)
        return known is not None and not known.tool and not known.say

    def goes_beside(self, intent: str) -> bool:
        """Whether it can be done together with another wish: neither words alone, nor what gives the call away."""
        tool = self.intents[intent].tool
        return self.is_question(intent) or bool(tool) and tool not in ENDING and "transfer" not in tool

    def ends_call(self, intent: str) -> bool:
        """Whether the intent's tool hangs up."""
        return intent in self.intents and self.intents[intent].tool in ENDING

    def of_tool(self, tool: str) -> str:
        """The intent that calls a tool; "" if none."""
        return next((name for name, intent in self.intents.items() if intent.tool == tool), "")

    def _check(self, name: str, intent: Intent) -> None:
        for slot in intent.needs:
            if slot not in self.slots:
                known = ", ".join(self.slots) or "none"
                raise Misconfigured(
                    f"agent {self.agent.name}: domain.intents.{name}.needs: no slot {slot!r}; known: {known}"
                )
            if not self.slots[slot].ask:
                raise Misconfigured(
                    f"agent {self.agent.name}: domain.slots.{slot}.ask: is empty, but intent {name!r} needs the slot"
                )

    def _filled(self, text: str) -> str:
        def sample(found: re.Match[str]) -> str:
            slot = self.slots.get(found[1])
            if slot is None:
                return "something"
            return normalise(slot.values[0]) if slot.values else _SAMPLE[slot.kind]

        return normalise(re.sub(r"\{(\w+)\}", sample, text))


def comparable(text: str) -> str:
    """A sentence with its long numbers alike, as in the examples."""
    return re.sub(rf"(?<!\S){NUMBER_RUN}(?!\S)", lambda m: "1234" if len(m.group()) > 3 else m.group(), text)


def _weight(text: str) -> float:
    return sum(0.25 if word in COMMON else 1.0 for word in text.split())
