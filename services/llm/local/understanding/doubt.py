"""Between "surely not mine" and "surely mine": how sure an intent is, and the question back. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services.llm.local.understanding.domain import Domain

UNNAMED = 0.05  # an intent that no word of its own points to is sure only if it is nearer than needed by this much
STRANGE = 0.05  # one that is spoken of beside something strange is in doubt if it lacks no more than this
ALMOST = 0.1  # one that a word of its own points to is still in doubt if it lacks no more than this


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent that a sentence comes near to. `reach`: by how much nearer than needed. `named`: by its own word."""

    intent: str = ""
    near: float = 0.0
    reach: float = -1.0
    named: bool = False


NOTHING = Candidate()


def nearer(a: Candidate, b: Candidate) -> Candidate:
    """The one that is surer."""
    return b if b.reach > a.reach else a


def is_sure(one: Candidate, domain: Domain) -> bool:
    """Fixed words do no harm: they need less."""
    if not one.intent:
        return False
    at_risk = domain.acts(one.intent) or domain.is_question(one.intent)
    return one.reach >= (UNNAMED if at_risk and not one.named else 0.0)


def doubted(best: Candidate, strange: Candidate, domain: Domain) -> str:
    """The intent of an unsure sentence that may have one; "" if none. Neither fixed words nor hanging up is asked for.

    `best` comes almost near enough; `strange` does, but the sentence names what the business does not have.
    """
    if best.intent and best.reach >= (-ALMOST if best.named else 0.0):
        harmless = bool(domain.intents[best.intent].say) or domain.ends_call(best.intent)
        return "" if harmless else best.intent
    return strange.intent if strange.reach >= -STRANGE and domain.acts(strange.intent) else ""


def question(intent: str, domain: Domain) -> str:
    """Asks a caller whose wish is in doubt whether it is this."""
    if intent == domain.human:
        return domain.says.offer
    return domain.says.do_you_mean.format(about=domain.intents[intent].about or intent.replace("_", " "))


def is_question(said: str, domain: Domain) -> bool:
    """Whether the bot's words only ask what is meant."""
    return any(said == question(name, domain) for name in domain.intents)


def was_asked(intent: str, heard: str, domain: Domain) -> bool:
    """Whether the bot's last words, as the caller heard them, asked for this intent; most of the question is enough."""
    asked = question(intent, domain) if intent else ""
    return len(heard) > len(asked) // 2 and asked.startswith(heard)
