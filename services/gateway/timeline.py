"""What happened in the calls of this process and when, kept for a look from this machine (`parley call`)."""

from __future__ import annotations

from collections import deque
from typing import Any

from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.clock import now_ms

MAX_CALLS = 200
MAX_ENTRIES = 500
"""Of one call; the oldest go first. Ten minutes of lively talk."""


class Timeline:
    """One call, over all its legs in this process. Each entry has `at_ms` on the monotonic clock and `what`."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._entries: deque[dict[str, Any]] = deque(maxlen=MAX_ENTRIES)
        self._spoken = 0

    def event(self, event: conversation_pb2.CallEvent) -> None:
        """Something the ears or the mouth report."""
        kind = event.WhichOneof("event")
        if kind == "speech":
            self._speech(event.speech)
        elif kind == "utterance_started":
            self._note("utterance_started", utterance=event.utterance_started.utterance)
        elif kind == "paused":
            self._note("paused", utterance=event.paused.utterance)
        elif kind == "resumed":
            self._note("resumed", utterance=event.resumed.utterance)
        elif kind == "heard":
            heard = event.heard
            self._note("heard", utterance=heard.utterance, chars=heard.chars, cut=heard.cut)
        elif kind in ("dtmf", "typed", "trouble"):
            self._note(kind)

    def command(self, command: conversation_pb2.CallCommand) -> None:
        """Something the mind wants."""
        kind = command.WhichOneof("command")
        if kind == "say" and (command.say.text or command.say.utterance > self._spoken):
            self._spoken = max(self._spoken, command.say.utterance)
            self._note("say", utterance=command.say.utterance, text=command.say.text, kind=command.say.kind)
        elif kind in ("stop", "resume", "transfer", "hang_up"):
            self._note(kind)

    def shown(self) -> dict[str, Any]:
        return {"call_id": self._call_id, "now_ms": now_ms(), "entries": list(self._entries)}

    def _speech(self, speech: stt_pb2.RecognizeEvent) -> None:
        kind = speech.WhichOneof("event")
        if kind == "final":
            self._note("final", text=speech.final.text)
        elif kind == "turn_ended":
            confirmed = speech.turn_ended.kind == stt_pb2.TurnEnded.KIND_CONFIRMED
            self._note("turn_ended" if confirmed else "turn_ended_eager")
        elif kind in ("speech_started", "speech_stopped"):
            self._note(kind)

    def _note(self, what: str, **more: Any) -> None:
        self._entries.append({"at_ms": round(now_ms(), 1), "what": what, **more})


class Timelines:
    """The calls of late: at most 200, the oldest are forgotten."""

    def __init__(self) -> None:
        self._calls: dict[str, Timeline] = {}

    def of(self, call_id: str) -> Timeline:
        """A call's timeline, new or gone on with."""
        timeline = self._calls.pop(call_id, None) or Timeline(call_id)
        self._calls[call_id] = timeline
        if len(self._calls) > MAX_CALLS:
            del self._calls[next(iter(self._calls))]
        return timeline

    def find(self, call_id: str) -> dict[str, Any] | None:
        timeline = self._calls.get(call_id)
        return timeline.shown() if timeline is not None else None
