"""Sentences that an agent must say, word for word and whatever a model thinks: around the greeting, before the call is
given to somebody else, before it ends. Each is said once.
"""

from __future__ import annotations

from dataclasses import replace

from parley.text.words import has_words
from services.orchestrator.mind import history, outgoing
from services.orchestrator.mind.actions import Then
from services.orchestrator.mind.effects import Effect
from services.orchestrator.mind.state import BotLine, Call

AROUND = ("before_greeting", "after_greeting")
_BEFORE = {"transfer": "before_transfer", "hang_up": "before_hang_up"}


def before(call: Call, then: Then) -> str:
    """The name of the sentence that is due before this is done; empty: none, or it was said."""
    name = _BEFORE.get(then.kind, "")
    return name if name and not then.told and has_words(getattr(call.policy, name)) else ""


def to_first_words(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Who speaks first has not been greeted: what must be said is said before the bot's first words, whatever they are.
    It stands in the history before what the caller said, so that the model answers that."""
    if call.turn:
        return call
    for name in AROUND:
        text: str = getattr(call.policy, name)
        if not has_words(text):
            continue
        line = BotLine(call.turn + 1, call.utterance + 1, "notice", text, complete=True, at_ms=at_ms)
        line = replace(line, interruptible=name not in call.policy.must_hear)
        call = replace(history.add(call, line), utterance=line.utterance)
        call = outgoing.say(call, out, line, text, at_ms)
    return call
