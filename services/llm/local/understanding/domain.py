"""An agent's domain, compiled: its phrases as patterns, and as examples to compare meanings with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from parley.agents.agent import Agent
from parley.agents.domain import Intent
from parley.text.phrases import NUMBER_RUN, Phrase, parse, slot_values
from services.llm.local.languages.language import FORESEEN, language_of
from services.llm.local.understanding import slots
from services.llm.local.understanding.vocabulary import AnyWords, Vocabulary

_EXAMPLES_PER_PHRASE = 8
_MAX_EXAMPLES = 1200
ENDING = ("end_call", "hang_up")
_SOMETHING = r"\S+(?: \S+){0,2}"
_POINTS_BACK = re.compile(r"(?:it|that|this|these|those|them|they|one|ones|same|the (?:same|one|ones))\b")
_SAMPLE = {
    "digits": "1234", "number": "twelve", "choice": "", "text": "something", "day": "saturday", "time": "ten",
    "name": "john smith",
    "sentence": "something", "card": "card kwtm", "code": "code kwtm",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern in a sentence, at `begin` to `end`. `share` 0..1: how much of what the sentence says is in it."""

    intent: str
    share: float
    begin: int
    end: int
    slots: dict[str, str]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence of an intent; `phrase` numbers the template that it comes from."""

    intent: str
    text: str
    phrase: int


class Domain:
    """Made once per agent, of phrases and slots that were checked when it was read."""

    def __init__(self, agent: Agent, knowledge: str = "") -> None:
        self.agent = agent
        self.language = language_of(agent.language)
        self.says = self.language.says
        self.intents = agent.domain.intents
        self.slots = agent.domain.slots
        self._patterns: list[tuple[str, re.Pattern[str], tuple[str, ...]]] = []
        self._places: list[tuple[str, str, re.Pattern[str]]] = []
        self.mentions: dict[str, set[str]] = {}
        examples: list[Example] = []
        words: dict[str, set[str]] = {}
        for name, intent in self.intents.items():
            self.mentions[name] = set(intent.needs)
            for template in intent.phrases:
                phrase = parse(self.language.plain(template))
                words.setdefault(name, set()).update(self.language.normalise(" ".join(phrase.words())).split())
                regex = phrase.regex(lambda slot: slots.pattern(self.slots.get(slot)))
                self._places += [(name, n, self._place(phrase, n)) for n in phrase.slots if self._chooses(n)]
                self.mentions[name].update(slot for slot in phrase.slots if slot in self.slots)
                texts = [self._filled(text) for text in phrase.expansions(_EXAMPLES_PER_PHRASE)]
                examples += [Example(name, text, len(self._patterns)) for text in dict.fromkeys(texts) if text]
                self._patterns.append((name, regex, phrase.slots))
        kind = Vocabulary if self.language.embeddings else AnyWords
        self.vocabulary = kind(words, self._core(), knowledge)
        self.own_words = self._own_words(examples)
        self.examples = examples[:: len(examples) // _MAX_EXAMPLES + 1]

    def matches(self, text: str) -> list[Match]:
        """All patterns found in a normalised sentence; the one that explains most of it first."""
        whole = self._weight(text)
        found: list[Match] = []
        for intent, regex, _ in self._patterns:
            if match := regex.search(text):
                said = slot_values(match)
                values = {
                    name: slots.value(self.slots[name], words) if name in self.slots else words
                    for name, words in said.items()
                }
                share = self._weight(match.group()) / whole if whole else 0.0
                if not all(slots.fits(self.slots[n], v) for n, v in values.items() if n in self.slots):
                    share *= 0.7
                found.append(Match(intent, share, match.start(), match.end(), values))
        found.sort(key=lambda m: (-round(m.share, 2), -len(m.slots), m.begin - m.end))
        return found

    def misplaced(self, intent: str, text: str, by_pattern: bool) -> frozenset[str]:
        """Choices of an intent for which a sentence names what is none of their values: "how much are daisies". What
        was chosen before does not count for it. Not by its phrases, any word that nobody knows may be such a value.
        """
        left_out = {n for n in self.mentions[intent] if self._chooses(n) and not slots.find(self.slots[n], text)}
        if not by_pattern and self.vocabulary.unknown(text):
            return frozenset(left_out)
        places = [(name, place) for of, name, place in self._places if of == intent and name in left_out]
        return frozenset(name for name, place in places if self._names_another(intent, name, place, text))

    def _chooses(self, slot: str) -> bool:
        return slot in self.slots and self.slots[slot].kind == "choice" and bool(self.slots[slot].values)

    def _place(self, phrase: Phrase, slot: str) -> re.Pattern[str]:
        """The phrase with anything in the place of one slot."""
        return phrase.regex(lambda name: _SOMETHING if name == slot else slots.pattern(self.slots.get(name)))

    def _names_another(self, intent: str, slot: str, place: re.Pattern[str], text: str) -> bool:
        if (match := place.search(text)) is None:
            return False
        said = slot_values(match).get(slot, "")
        if _POINTS_BACK.match(said):
            return False
        own = self.language.own_words(said) - set(slot.split("_"))
        return any(not self.vocabulary.has(word, intent) and not self.vocabulary.in_core(word) for word in own)

    def asked_plainly(self, intent: str) -> list[str]:
        """Some ways to ask for an intent; [] of one with values in it, which are not the caller's."""
        if intent not in self.intents or self.mentions[intent]:
            return []
        return [example.text for example in self.examples if example.intent == intent][:_EXAMPLES_PER_PHRASE]

    def is_question(self, intent: str) -> bool:
        """Whether knowledge answers it: an intent with neither tool nor fixed answer."""
        known: Intent | None = self.intents.get(intent)
        return known is not None and not known.tool and not known.say

    def goes_beside(self, intent: str) -> bool:
        """Whether it can be done together with another wish: neither words alone, nor what gives the call away."""
        return self.is_question(intent) or self.acts(intent)

    @property
    def measures(self) -> bool:
        """Whether its callers tell quantities: where they do, a point and a minus count."""
        return any(slot.kind == "number" for slot in self.slots.values())

    @property
    def human(self) -> str:
        """The intent that hands over to a person; "" if there is none."""
        return next((n for n, i in self.intents.items() if "transfer" in i.tool or "human" in i.tool), "")

    def acts(self, intent: str) -> bool:
        """Whether its tool does or looks up something; to hand over to a person and to hang up are no such thing."""
        tool = self.intents[intent].tool
        return bool(tool) and tool not in ENDING and "transfer" not in tool

    def ends_call(self, intent: str) -> bool:
        """Whether the intent's tool hangs up."""
        return intent in self.intents and self.intents[intent].tool in ENDING

    def of_tool(self, tool: str, *likely: str) -> str:
        """The intent that calls a tool, one of `likely` if it does; "" if none."""
        known = (*(name for name in likely if name in self.intents), *self.intents)
        return next((name for name in known if self.intents[name].tool == tool), "")

    def keeps(self, slot: str) -> bool:
        """Whether a value that was given to a tool under this name still counts in the caller's next sentences."""
        return slot in self.slots and self.slots[slot].kind != "sentence"

    def with_sentence(self, intent: str, values: dict[str, str], said: str) -> dict[str, str]:
        """Values for an intent's tool, with the caller's whole sentence for slots that are one."""
        whole = [name for name in self.intents[intent].needs if self.slots[name].kind == "sentence"]
        return {**values, **dict.fromkeys(whole, said)}

    def _own_words(self, examples: list[Example]) -> dict[str, str]:
        """The agent's fixed answers to what any conversation has, by move: those of intents that foresee it."""
        said: dict[str, str] = {}
        for example in examples:
            answer = self.intents[example.intent].say
            if answer and (move := self.language.move(example.text)) in FORESEEN:
                said.setdefault(move, answer)
        return said

    def _core(self) -> list[str]:
        """What the whole business is about: its name, keyterms and `words`, and what may be chosen."""
        values = [value for slot in self.slots.values() for value in slot.values]
        agent = self.agent
        return self.language.normalise(" ".join((agent.company, *agent.keyterms, *agent.domain.words, *values))).split()

    def _filled(self, text: str) -> str:
        def sample(found: re.Match[str]) -> str:
            slot = self.slots.get(found[1])
            if slot is None:
                return "something"
            return self.language.normalise(slot.values[0]) if slot.values else _SAMPLE[slot.kind]

        return self.language.normalise(re.sub(r"\{(\w+)\}", sample, text))

    def _weight(self, text: str) -> float:
        return sum(0.25 if word in self.language.common else 1.0 for word in text.split())


def comparable(text: str) -> str:
    """A sentence with its long numbers alike, as in the examples."""
    return re.sub(rf"(?<!\S){NUMBER_RUN}(?!\S)", lambda m: "1234" if len(m.group()) > 3 else m.group(), text)

