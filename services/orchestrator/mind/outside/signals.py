"""Signals into a call (`call.<id>.signal`): each wish is heeded once, whoever owns the call when it comes.

    hang_up     the call ends after what is being said; data: the reason
    transfer    the bot stops, says so, and the caller is handed on; data: the number, empty: the agent's own
    note        the model is told from its next round on; data: the text
    escalate    the caller needs a person; data: why. What then happens is the agent's policy

Any other name is kept in the record and changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from parley.text.words import clipped_bytes
from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Note, Then
from services.orchestrator.mind.bot import answering
from services.orchestrator.mind.caller import hearing
from services.orchestrator.mind.effects import Effect, Signalled, Store
from services.orchestrator.mind.history import MAX_REASON_BYTES
from services.orchestrator.mind.outside import escalation
from services.orchestrator.mind.rules import comes_to, has_timer
from services.orchestrator.mind.state import Call
from services.orchestrator.mind.timers import T

MAX_REMEMBERED = 16  # ids of signals
MAX_ID_BYTES = 64
MAX_NOTES = 4  # that a model is told; the newest
MAX_NOTE_BYTES = 600
TOLD_TO = "told to"
SUPERVISOR = "a supervisor wanted it"
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")

Heeded = tuple[Call, str]
"""The call, and what became of the signal: see `Signalled`."""


def signal(call: Call, event: events.Signal, out: list[Effect]) -> Call:
    """Heed one, unless it was."""
    number = clipped_bytes(event.id, MAX_ID_BYTES)
    if number and number in call.signals:
        out.append(Signalled(event.name, "duplicate"))
        return call
    rule = _RULES.get(event.name)
    if rule is None:
        out.append(Signalled("another", "recorded"))
        return call
    if number:
        call = replace(call, signals=(*call.signals, number)[-MAX_REMEMBERED:])
    call, outcome = rule(call, event, out)
    out.append(Signalled(event.name, outcome))
    out.append(Store())
    return call


def _hang_up(call: Call, event: events.Signal, out: list[Effect]) -> Heeded:
    before = call.then
    if _ending(call) or (before is not None and before.forced and before.kind == "hang_up"):
        return call, "duplicate"
    call = escalation.settled(replace(call, then=None))
    return answering.hang_up_after(call, _line(event.data) or TOLD_TO, event.at_ms, out, forced=True), "done"


def _transfer(call: Call, event: events.Signal, out: list[Effect]) -> Heeded:
    """At once: the caller hears no more of what the bot was saying, and does not keep it from this."""
    to = event.data.strip() or call.policy.transfer_to
    if _ending(call) or not _NUMBER.fullmatch(to):
        return call, "refused"
    if call.then is not None and call.then.forced:
        return call, "duplicate" if (call.then.kind, call.then.to) == ("transfer", to) else "refused"
    call = escalation.settled(hearing.silence_bot(call, event.at_ms, out))
    call = comes_to(call, Then("transfer", to, SUPERVISOR, forced=True))
    return answering.notice(call, out, call.policy.escalation_say, event.at_ms), "done"


def _note(call: Call, event: events.Signal, out: list[Effect]) -> Heeded:
    text = clipped_bytes(" ".join(event.data.split()), MAX_NOTE_BYTES)
    if not text:
        return call, "refused"
    return replace(call, notes=(*call.notes, Note(text, event.at_ms))[-MAX_NOTES:]), "done"


def _escalate(call: Call, event: events.Signal, out: list[Effect]) -> Heeded:
    call, outcome = escalation.told(call, _line(event.data), event.at_ms)
    if escalation.now(call):
        call = answering.escalate(call, event.at_ms, out)
    return call, outcome


def _ending(call: Call) -> bool:
    """The gateway was told to hang up."""
    return has_timer(call, T.ENDING)


def _line(text: str) -> str:
    return clipped_bytes(" ".join(text.split()), MAX_REASON_BYTES)


_RULES: dict[str, Callable[[Call, events.Signal, list[Effect]], Heeded]] = {
    "hang_up": _hang_up,
    "transfer": _transfer,
    "note": _note,
    "escalate": _escalate,
}
