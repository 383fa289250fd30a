"""Sentences that callers of one agent may say, drawn from its own files: what the language model learns from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from parley.agents.agent import Agent
from parley.agents.domain import Slot
from parley.text.phrases import Phrase, parse
from parley.text.words import clipped_bytes
from services.stt.local import acts, numbers

SENTENCES = 60_000
MAX_KNOWLEDGE_BYTES = 2_000_000
_MAX_WORDS = 40
_SHARES = (("intents", 0.54), ("slots", 0.14), ("acts", 0.2), ("knowledge", 0.12))
_ANSWERS = (
    "{value}", "{value}", "{value}", "[it is|it's|that is|that's|yes|no|um|uh|i think it is|it was|sure] {value}",
    "[yes|no|okay|sure|hi|] [my|the] {label} is {value}", "[{label}|the {label} is] {value}", "{value} please",
)  # fmt: skip
_STOP = frozenset((
    "a", "an", "the", "and", "or", "of", "to", "in", "on", "at", "for", "with", "by", "from", "is", "are", "was",
    "be", "it", "its", "this", "that", "we", "our", "you", "your", "i", "my", "as", "if", "not", "no", "so", "do",
    "does", "can", "will", "have", "has", "any", "all", "but", "than", "then", "them", "they", "their", "which",
    "who", "what", "when", "where", "how", "there", "here", "up", "out", "us", "per", "also", "only", "more",
    "most", "other", "into", "over", "about", "after", "before", "each", "every", "both", "such",
))  # fmt: skip
_BOTH_WAYS = (
    ("i would", "i'd"), ("i am", "i'm"), ("i will", "i'll"), ("it is", "it's"), ("that is", "that's"),
    ("what is", "what's"), ("where is", "where's"), ("when is", "when's"), ("how is", "how's"), ("do not", "don't"),
    ("does not", "doesn't"), ("did not", "didn't"), ("is not", "isn't"), ("has not", "hasn't"), ("have not", "haven't"),
    ("can not", "can't"), ("could not", "couldn't"), ("want to", "wanna"), ("you are", "you're"),
    ("will not", "won't"), ("there is", "there's"),
)  # fmt: skip
_SPELLINGS = (("good bye", "goodbye"), ("ok", "okay"), ("cannot", "can not"), ("alright", "all right"))


def spoken(text: str) -> list[str]:
    """A text as the words that are said: small letters, figures in words, no punctuation but apostrophes."""
    text = text.lower().replace("\u2019", "'").replace("&", " and ").replace("%", " percent ")
    text = re.sub(r"(\d{1,2}):(\d{2})", lambda m: f"{m[1]} {m[2]}" if m[2] != "00" else m[1], text)
    text = re.sub(r"(\d),(\d{3})\b", r"\1\2", text)
    text = re.sub(r"\d+", lambda m: f" {_figure(m[0])} ", text)
    words = [word for w in re.sub(r"[^a-z' ]", " ", text).split() if (word := w.strip("'"))]
    return _one_spelling(" ".join(words)).split()


def _one_spelling(text: str) -> str:
    """What sounds alike and means the same is spelled alike: the decoder could only guess."""
    for spelling, ours in _SPELLINGS:
        text = re.sub(rf"\b{spelling}\b", ours, text)
    return text


def knowledge(folder: Path) -> str:
    """All text of the agent's `knowledge/` (.md, .txt), at most 2 MB."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".md", ".txt") and p.is_file())
    return clipped_bytes("\n".join(p.read_text("utf-8", errors="replace") for p in files), MAX_KNOWLEDGE_BYTES)


def topics(text: str) -> list[str]:
    """Runs of one to three content words of a text, each as often as it occurs."""
    found: list[str] = []
    for clause in re.split(r"[\n.,;:!?()\[\]|*#\"]+", text):
        run: list[str] = []
        for word in [*spoken(clause), "the"]:
            if word not in _STOP:
                run.append(word)
                continue
            found += [" ".join(run[i : i + n]) for n in (1, 2, 3) for i in range(len(run) - n + 1)]
            run = []
    return found


class Corpus:
    """Draws sentences of one agent. The same agent, keyterms and seed give the same sentences.

    Raises BadInput for a phrase that cannot be parsed.
    """

    def __init__(self, agent: Agent, knowledge_text: str = "", keyterms: Sequence[str] = (), seed: int = 1) -> None:
        self._rng = Random(seed)  # noqa: S311 - sentences, not secrets
        self._slots = agent.domain.slots
        self._intents = [[parse(p) for p in intent.phrases] for intent in agent.domain.intents.values()]
        self._acts = [parse(template) for _, template in acts.ACTS]
        self._act_weights = [weight for weight, _ in acts.ACTS]
        self._openings = [parse(template) for template in acts.OPENINGS]
        self._answers = [parse(template) for template in _ANSWERS]
        self._about = [parse(template) for template in acts.ABOUT]
        terms = [" ".join(words) for term in (*agent.keyterms, *keyterms, agent.company) if (words := spoken(term))]
        self._topics = topics(knowledge_text)
        # A keyterm counts as much as the most frequent words of the knowledge.
        self._topics += terms * max(3, len(self._topics) // 100)
        self._draw: dict[str, Callable[[], str]] = {
            "intents": self._intent, "slots": self._slot_answer, "acts": self._act, "knowledge": self._topic,
        }  # fmt: skip
        empty = {"intents": not self._intents, "slots": not self._slots, "knowledge": not self._topics, "acts": False}
        self._kinds = [(kind, share) for kind, share in _SHARES if not empty[kind]]

    def sentences(self, count: int = SENTENCES) -> Iterator[list[str]]:
        kinds, shares = [k for k, _ in self._kinds], [s for _, s in self._kinds]
        for kind in self._rng.choices(kinds, shares, k=count):
            if words := spoken(self._vary(self._draw[kind]())):
                yield words[:_MAX_WORDS]

    def _pick(self, phrases: list[Phrase], words: Callable[[str], str]) -> str:
        return self._rng.choice(phrases).sample(self._rng, words)

    def _intent(self) -> str:
        text = self._pick(self._rng.choice(self._intents), self._value)
        chance = self._rng.random()
        if chance < 0.3:
            text = f"{self._pick(self._openings, self._value)} {text}"
        elif chance < 0.36:
            text = f"{self._act()} {text}"
        if self._rng.random() < 0.15:
            text = f"{text} {self._rng.choice(acts.CLOSINGS)}"
        return text

    def _slot_answer(self) -> str:
        name = self._rng.choice(list(self._slots))
        fill = {"value": self._value(name), "label": name.replace("_", " ")}
        return self._pick(self._answers, fill.__getitem__)

    def _act(self) -> str:
        return self._rng.choices(self._acts, self._act_weights)[0].sample(self._rng, self._common)

    def _topic(self) -> str:
        return self._pick(self._about, lambda _: self._rng.choice(self._topics))

    def _value(self, name: str) -> str:
        """Words for a slot of the agent, by its kind."""
        slot = self._slots.get(name, Slot())
        if slot.kind == "choice" and slot.values:
            return self._rng.choice((*slot.values, *(word for also in slot.also.values() for word in also)))
        if slot.kind == "digits":
            return numbers.digit_string(self._rng, slot.length if self._rng.random() < 0.8 else 0)
        if slot.kind == "number":
            return numbers.measure(self._rng)
        if slot.kind in ("day", "name", "time"):
            return self._common("clock" if slot.kind == "time" else slot.kind)
        return self._rng.choice(self._topics) if self._topics else self._common("name")

    def _common(self, kind: str) -> str:
        rng = self._rng
        match kind:
            case "digits":
                return numbers.digit_string(rng)
            case "quantity":
                return numbers.quantity(rng)
            case "clock":
                return numbers.clock(rng)
            case "day":
                return numbers.day(rng)
            case "letters":
                return " ".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randrange(2, 9)))
            case _:
                first, last = rng.choice(acts.FIRST_NAMES), rng.choice(acts.LAST_NAMES)
                return rng.choice((f"{first} {last}", f"{first} {last}", first, last))

    def _vary(self, text: str) -> str:
        """Either way of a contraction, whichever the template has."""
        text = f" {text} "
        for full, short in _BOTH_WAYS:
            for form, other in ((full, short), (short, full)):
                if f" {form} " in text and self._rng.random() < 0.4:
                    text = text.replace(f" {form} ", f" {other} ")
                    break
        return text


def _figure(digits: str) -> str:
    return (
        numbers.cardinal(int(digits))
        if len(digits) <= 4 and digits[0] != "0"
        else " ".join(numbers.UNITS[int(d)] for d in digits)
    )
