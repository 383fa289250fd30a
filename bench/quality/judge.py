"""What counts as right: what the bot did with a sentence, seen by the caller. Pure; in words in docs/quality.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.quality.sets import Case
from parley.agents.agent import Agent
from services.llm.contract import Passage
from services.llm.local.languages.language import ENGLISH
from services.llm.local.understanding import doubt
from services.llm.local.understanding.domain import Domain

ORDERS, HOURS, TRANSFER, END = "check_order_status", "get_business_hours", "transfer_to_human", "end_call"
TOOLS = {"order_status": ORDERS, "opening_hours": HOURS, "human": TRANSFER, "goodbye": END, "yes": TRANSFER}
# Pages that hold what a question of this kind asks for; `knowledge`: any.
PAGES = {
    "repairs": {"repairs.md"},
    "prices": {"prices.md"},
    "returns": {"returns.md"},
    "warranty": {"warranty.md"},
    "delivery": {"delivery.md"},
    "rentals": {"rentals.md"},
    "electric_bikes": {"electric-bikes.md", "about.md"},
    "location": {"location.md"},
    "products": {"about.md", "prices.md"},
}
ANSWERED = frozenset({*PAGES, "knowledge"})
# These are said after an offer that the bot made; all others begin the call. No answer of the bot has its words.
AFTER_THE_OFFER = ("yes", "no", "repeat")
_questions: dict[str, frozenset[str]] = {}  # by agent, as it is asked back
OFFER = "A colleague can arrange that for you. Shall I connect you?"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one sentence: the tools called, the words said, the page that they were read from ("": none)."""

    said: str = ""
    did: tuple[tuple[str, dict[str, Any]], ...] = ()
    page: str = ""


@dataclass(slots=True)
class Verdict:
    """`values`: the slots arrived as they were said. `invented`: a slot that nobody said."""

    intent: bool = False
    values: bool = False
    invented: bool = False

    @property
    def request(self) -> bool:
        """The caller got what the sentence was for."""
        return self.intent and self.values and not self.invented


@dataclass(slots=True)
class Tally:
    """Counts over a set. Of those outside the domain: `accepted` were acted on, `asked_back` were met with a question
    ("Do you mean an order at our shop?"); `answered` got other words than "I did
    not get that" or "I do not know that", a courteous refusal among them.
    """

    inside: int = 0
    intents: int = 0
    with_slots: int = 0
    values: int = 0
    invented: int = 0
    requests: int = 0
    outside: int = 0
    accepted: int = 0
    asked_back: int = 0
    answered: int = 0
    by_intent: dict[str, list[int]] = field(default_factory=dict)

    def add(self, case: Case, outcome: Outcome, agent: Agent) -> bool:
        """Whether it was right."""
        if not case.intent:
            self.outside += 1
            asked = asked_back(outcome, agent)
            taken = not (asked or refused(outcome, agent))
            self.accepted += taken
            self.asked_back += asked
            self.answered += not plainly_refused(outcome, agent)
            return not taken
        verdict = judged(case, outcome, agent)
        self.inside += 1
        self.intents += verdict.intent
        self.invented += verdict.invented
        self.requests += verdict.request
        if case.slots:
            self.with_slots += 1
            self.values += verdict.values
        counted = self.by_intent.setdefault(case.intent, [0, 0])
        counted[0] += verdict.intent
        counted[1] += 1
        return verdict.request


def judged(case: Case, outcome: Outcome, agent: Agent) -> Verdict:
    """A sentence of the domain."""
    given = {name: str(value) for _, arguments in outcome.did for name, value in arguments.items()}
    values = all(given.get(name) == value for name, value in case.slots.items())
    return Verdict(_intent_right(case, outcome, agent), values, bool(given.keys() - case.slots.keys()))


def _intent_right(case: Case, outcome: Outcome, agent: Agent) -> bool:
    called = [name for name, _ in outcome.did]
    if case.intent == "order_status" and not case.slots:
        return called == [ORDERS] or (not called and outcome.said == agent.domain.slots["order_number"].ask)
    if case.intent in TOOLS:
        return called == [TOOLS[case.intent]]
    if called or not outcome.said:
        return False
    if case.intent in ANSWERED:
        from_page = outcome.page in PAGES[case.intent] if case.intent in PAGES else bool(outcome.page)
        return from_page and case.words.lower() in outcome.said.lower()
    return outcome.said in words_for(case.intent, agent)


def words_for(intent: str, agent: Agent) -> tuple[str, ...]:
    """What the bot may say to a move of conversation."""
    own = agent.domain.intents
    return {
        "greeting": (own["hello"].say, ENGLISH.says.hello),
        "thanks": (own["thanks"].say, ENGLISH.says.welcome),
        "help": (own["what_can_you_do"].say,),
        "robot": (own["who_are_you"].say, ENGLISH.says.robot),
        "repeat": (OFFER,),
        "no": (ENGLISH.says.all_right,),
        "appointment": tuple(agent.domain.slots[name].ask for name in own["schedule"].needs),
    }[intent]


def refused(outcome: Outcome, agent: Agent) -> bool:
    """Whether a sentence was left alone: nothing was done or answered. To say so courteously is to leave it alone."""
    declined = outcome.said == "" or ENGLISH.declines(outcome.said, agent.domain.fallback)
    return not outcome.did and declined


def asked_back(outcome: Outcome, agent: Agent) -> bool:
    """Whether the bot only asked what is meant: one "no", and the sentence is left alone."""
    if (questions := _questions.get(agent.version)) is None:
        domain = Domain(agent)
        questions = _questions[agent.version] = frozenset(doubt.question(name, domain) for name in domain.intents)
    return not outcome.did and outcome.said in questions


def plainly_refused(outcome: Outcome, agent: Agent) -> bool:
    """The same, in the words for what was not understood or is not known."""
    fallback = agent.domain.fallback
    return not outcome.did and outcome.said in ("", fallback, ENGLISH.does_not_know(fallback))


def page_of(said: str, passages: Sequence[Passage]) -> str:
    """The file whose passage holds these words; "" if none does."""
    words = " ".join(said.split())
    found = (p.source for p in passages if words and words in " ".join(p.text.split()))
    return next(found, "").partition(" > ")[0]
