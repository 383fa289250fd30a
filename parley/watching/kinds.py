"""What happened, in plain words, out of one event record. Pure.

A record holds all inputs of the orchestrator since the last one; a happening is one of those that somebody outside may
want to know. Its `id` is the same each time the record is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from parley.v1 import events_pb2

KINDS: Mapping[str, str] = {
    "call.started": "a call began: agent, agent_version, channel, direction, language, called, caller_pii, purpose",
    "call.ended": "it is over: reason; swept: its owner was gone, somebody else ended it",
    "call.taken_over": "another process goes on with it: leg, new_leg, after_n",
    "call.transferred": "the caller was handed to somebody else: the carrier rings there",
    "transfer.failed": "and it did not work: message",
    "turn": "the caller has finished a sentence, or typed one: text_pii, by (voice, typed)",
    "interrupted": "the caller broke into the bot's words: utterance, heard_chars",
    "round.ended": "the model has answered: turn, round, text_pii (of this record), tools, input_tokens, output_tokens",
    "round.failed": "the model could not: turn, round, error",
    "tool.ended": "a tool did its work, or was refused: name, intent, status, message_pii, then",
    "tool.failed": "a tool failed, or nobody knows: the same",
    "organ.failed": "ears or mouth failed for good: organ, message",
    "guarded": "a guardrail has acted: rule, name, action",
    "routed": "another specialist has the call: to, by",
    "signal": "somebody outside told the call something: name, data_pii",
}
"""Every kind, and what its detail holds. A key that ends in `_pii` may be personal data."""


@dataclass(frozen=True, slots=True)
class Happening:
    """`id`: `<call>/<leg>.<open>/<n>/<place>`. `at_ms`: milliseconds since 1970, by the owner's clock."""

    id: str
    kind: str
    call_id: str
    at_ms: int
    detail: Mapping[str, Any] = field(default_factory=dict)


def record_id(record: events_pb2.EventRecord) -> str:
    """`CA1/1.1/7`; one that ended an orphan has `/swept` behind it."""
    swept = "/swept" if record.swept else ""
    return f"{record.call_id}/{record.epoch.leg}.{record.epoch.open}/{record.n}{swept}"


def happened(record: events_pb2.EventRecord) -> list[Happening]:
    """In order. What no kind is for is left out, such as interims and timers."""
    found = []
    base = record_id(record)
    phrases: dict[tuple[int, int, int], str] = {}
    for place, message in enumerate(record.inputs):
        if message.HasField("phrase_ready"):
            phrase = message.phrase_ready
            key = phrase.turn, phrase.tries, phrase.round
            phrases[key] = phrases.get(key, "") + phrase.text
        for n, (kind, detail) in enumerate(_of(message)):
            if kind == "round.ended":
                ended = message.round_ended
                detail["text_pii"] = phrases.get((ended.turn, ended.tries, ended.round), "") + ended.text
            found.append(Happening(f"{base}/{place}.{n}", kind, record.call_id, message.at_ms, detail))
    if record.ended:
        at_ms = record.inputs[-1].at_ms if record.inputs else 0
        detail = {"reason": _reason(record), "swept": record.swept}
        found.append(Happening(f"{base}/end", "call.ended", record.call_id, at_ms, detail))
    return found


def _reason(record: events_pb2.EventRecord) -> str:
    for message in reversed(record.inputs):
        if message.WhichOneof("event") == "leg_ended":
            return message.leg_ended.reason or "caller hung up"
    return "hung up"


Told = Iterator[tuple[str, dict[str, Any]]]


def _of(message: events_pb2.StepInput) -> Told:
    name = message.WhichOneof("event")
    tell = _TELL.get(name or "")
    return tell(getattr(message, name or "")) if tell is not None else iter(())


def _opened(event: events_pb2.StepOpened) -> Told:
    yield (
        "call.started",
        {
            "agent": event.agent,
            "agent_version": event.agent_version,
            "channel": event.channel,
            "direction": event.direction or "inbound",
            "language": event.language,
            "called": event.called,
            "caller_pii": event.caller_pii,
            "purpose": event.purpose,
        },
    )


def _taken_over(event: events_pb2.StepTakenOver) -> Told:
    yield "call.taken_over", {"leg": event.epoch.leg, "new_leg": event.new_leg, "after_n": event.after_n}
    if event.transfer:
        yield "transfer.failed", {"message": event.transfer}


def _turn_ended(event: events_pb2.StepTurnEnded) -> Told:
    if event.kind == "confirmed" and event.text:
        yield "turn", {"text_pii": event.text, "by": "voice"}


def _typed(event: events_pb2.StepTyped) -> Told:
    if text := event.text.strip():
        yield "turn", {"text_pii": text, "by": "typed"}


def _heard(event: events_pb2.StepHeard) -> Told:
    if event.cut and not event.complete:
        yield "interrupted", {"utterance": event.utterance, "heard_chars": event.chars}


def _round_ended(event: events_pb2.StepRoundEnded) -> Told:
    if event.error:
        yield "round.failed", {"turn": event.turn, "round": event.round, "error": event.error}
        return
    yield (
        "round.ended",
        {
            "turn": event.turn,
            "round": event.round,
            "text_pii": event.text,  # the last of it: what was spoken before came as phrases
            "tools": [tool.name for tool in event.tools],
            "input_tokens": event.input_tokens,
            "output_tokens": event.output_tokens,
        },
    )


def _tool_ended(event: events_pb2.StepToolEnded) -> Told:
    outcome = event.outcome
    if outcome.status == "ask":
        return  # the caller is asked first
    then = outcome.then.kind
    detail = {
        "name": event.name,
        "intent": event.intent,
        "status": outcome.status,
        "message_pii": outcome.message,
        "then": f"{then} {outcome.then.to}".strip(),
    }
    yield ("tool.failed" if outcome.status in ("failed", "unknown") else "tool.ended"), detail


def _leg_lost(event: events_pb2.StepLegLost) -> Told:
    if event.reason == "transferred":
        yield "call.transferred", {}


def _organ_failed(event: events_pb2.StepOrganFailed) -> Told:
    if event.organ == "carrier":
        yield "transfer.failed", {"message": event.message}
    else:
        yield "organ.failed", {"organ": event.organ, "message": event.message}


def _guarded(event: events_pb2.StepGuarded) -> Told:
    yield "guarded", {"rule": event.rule, "name": event.name, "action": event.action}


def _routed(event: events_pb2.StepRouted) -> Told:
    if event.to:
        yield "routed", {"to": event.to, "by": event.by}


def _signal(event: events_pb2.StepSignal) -> Told:
    yield "signal", {"name": event.name, "data_pii": event.data}


_TELL: Mapping[str, Callable[[Any], Told]] = {
    "opened": _opened,
    "taken_over": _taken_over,
    "turn_ended": _turn_ended,
    "typed": _typed,
    "heard": _heard,
    "round_ended": _round_ended,
    "tool_ended": _tool_ended,
    "leg_lost": _leg_lost,
    "organ_failed": _organ_failed,
    "guarded": _guarded,
    "routed": _routed,
    "signal": _signal,
}
