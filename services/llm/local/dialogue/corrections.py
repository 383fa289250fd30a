"""What a caller takes back and puts in its place. Pure."""

from __future__ import annotations

from services.llm.local.dialogue.frame import Frame
from services.llm.local.understanding import digits, slots
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.understanding import Meaning


def of_part(frame: Frame, meaning: Meaning, domain: Domain) -> dict[str, str]:
    """A number that the caller puts right in part: "no, four five, not five four"; {} if none."""
    for name in domain.mentions.get(frame.intent, ()):
        old = frame.partial if frame.waiting == name else frame.slots.get(name) or frame.tried.get(name, "")
        if domain.slots[name].kind == "digits" and old:
            put_right = digits.mended(old, meaning.text)
            if put_right and slots.fits(domain.slots[name], put_right):
                return {name: put_right}
    return {}


def of_value(frame: Frame, meaning: Meaning, domain: Domain) -> dict[str, str]:
    """Values that replace those of the last intent: "no, one two three five", "and on sunday?"; {} if none."""
    if not frame.intent or not domain.intents[frame.intent].tool:
        return {}
    mentions = domain.mentions[frame.intent]
    found = {n: v for n, v in meaning.slots.items() if n in mentions and slots.fits(domain.slots[n], v)}
    _, rest = domain.language.leading(meaning.text)
    elsewhere = meaning.intent not in ("", frame.intent) and meaning.by == "pattern"
    if frame.declined and elsewhere:  # "and on wednesday then", to what was just not done
        elsewhere = bool(domain.language.own_words(rest) - set(" ".join(found.values()).split()))
    if meaning.strangers or elsewhere:
        return {}
    if meaning.intent == frame.intent or not found:
        return found if meaning.intent == frame.intent else {}
    return found if len(rest.split()) <= 4 + sum(len(v) for v in found.values() if v.isdigit()) else {}
