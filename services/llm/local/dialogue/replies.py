"""Whether a sentence is the answer to a question for a value, though it looks like another wish. Pure."""

from __future__ import annotations

from parley.agents.domain import Slot
from services.llm.local.dialogue.frame import Frame
from services.llm.local.understanding import slots
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.understanding import Meaning

NAME_WORDS = 5
"""A longer answer to the question for a name is none."""
REMARKS = ("compliment", "thanks", "insult", "pleased", "misunderstood")
"""What somebody who is asked for words may mean as such."""


def is_no_name(text: str, domain: Domain) -> bool:
    """Whether the answer to the question for a name is surely none: a question, a long sentence."""
    return domain.language.asks(text) or len(slots.without_lead_in(text).split()) > NAME_WORDS


def is_the_answer(slot: Slot, meaning: Meaning, domain: Domain) -> bool:
    """Whether a sentence that also looks like another wish answers the question: "five" to a score, a remark to one for
    words. What fits the other wish as well is that wish.
    """
    if slot.kind == "text":
        return domain.is_question(meaning.intent) and not domain.language.asks(meaning.text)
    said = [(domain.slots[name], value) for name, value in meaning.slots.items() if name in domain.slots]
    fitting = any(slots.fits(other, value) for other, value in said)
    return not fitting and slots.fits(slot, slots.find(slot, meaning.text, partial=True)) and slot.kind != "name"


def said_with(frame: Frame, meaning: Meaning, domain: Domain) -> dict[str, str]:
    """What the intent knows beside the slot that was asked for: said before, or in one breath ("friday at ten")."""
    mentions = domain.mentions[frame.intent]
    beside = {n: v for n, v in meaning.slots.items() if domain.slots[n].kind in ("day", "time", "choice")}
    return {n: v for n, v in {**frame.slots, **beside}.items() if n in mentions}
