"""What happened in the calls of this process and when, kept for a look from this machine (`parley call`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.call import Wire
from services.gateway.mouth.clock import now_ms
from services.gateway.watch.watcher import Seen, TurnBy, Watcher
from services.gateway.watch.waterfall import Turn, Waterfall

MAX_CALLS = 200
MAX_ENTRIES = 500
"""Of one call; the oldest go first. Ten minutes of lively talk."""
_TURN_ENDS = {
    stt_pb2.TurnEnded.KIND_EAGER: "turn_ended_eager",
    stt_pb2.TurnEnded.KIND_RESUMED: "turn_resumed",
}


class Timeline(Watcher):
    """One call, over all its legs in this process. Each entry has `at_ms` on the monotonic clock and `what`."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._entries: deque[dict[str, Any]] = deque(maxlen=MAX_ENTRIES)
        self._waterfall = Waterfall()
        self._page: Callable[[dict[str, Any]], None] | None = None
        self._spoken = 0
        self._sounded = 0, 0.0

    def watched(self, page: Wire | None) -> None:
        """From now on a page is told of each moment, without its words, and of each turn as it goes on."""
        self._page = page.tell if page is not None else None
        self._sounded = 0, 0.0

    def event(self, event: conversation_pb2.CallEvent) -> None:
        kind = event.WhichOneof("event")
        if kind == "speech":
            self._speech(event.speech)
        elif kind == "utterance_started":
            utterance = event.utterance_started.utterance
            self._moment("utterance_started", utterance=utterance)
            self._changed(self._waterfall.started(utterance, now_ms()))
        elif kind == "paused":
            paused = event.paused
            self._moment("paused", utterance=paused.utterance, cause=_cause(paused.Cause.Name(paused.cause)))
        elif kind == "resumed":
            resumed = event.resumed
            self._moment("resumed", utterance=resumed.utterance, cause=_cause(resumed.Cause.Name(resumed.cause)))
            if (turn := self._waterfall.withdrawn()) is not None and self._page is not None:
                self._page({"type": "turn", "turn": turn.number, "void": True})
        elif kind == "heard":
            heard = event.heard
            self._moment("heard", utterance=heard.utterance, chars=heard.chars, cut=heard.cut)
            self._changed(self._waterfall.over(heard.utterance, heard.cut, now_ms()))
        elif kind == "button":
            self._moment("button", pressed=event.button.pressed)
        elif kind == "reflex":
            self._moment("reflex", armed=event.reflex.armed)
        elif kind in ("dtmf", "typed", "trouble"):
            self._moment(kind)

    def command(self, command: conversation_pb2.CallCommand) -> None:
        kind = command.WhichOneof("command")
        if kind == "say":
            say = command.say
            self._changed(self._waterfall.said(say, command.turn, now_ms()))
            if say.text or say.utterance > self._spoken:
                self._spoken = max(self._spoken, say.utterance)
                self._note("say", utterance=say.utterance, text=say.text, kind=say.kind)
        elif kind in ("stop", "resume", "transfer", "hang_up"):
            self._note(kind)

    def mind(self, address: str) -> None:
        """This orchestrator is asked to own the call from now on."""
        self._note("mind", address=address)

    def turn_began(self, speech_end: float, by: TurnBy) -> None:
        self._changed(self._waterfall.began(speech_end, now_ms(), by))

    def moved(self, mouth: Seen) -> None:
        if mouth.sounded != self._sounded:
            self._sounded = mouth.sounded
            self._changed(self._waterfall.sounded(*mouth.sounded))

    def shown(self) -> dict[str, Any]:
        turns = [turn.shown() for turn in self._waterfall.turns]
        return {"call_id": self._call_id, "now_ms": now_ms(), "entries": list(self._entries), "turns": turns}

    def _speech(self, speech: stt_pb2.RecognizeEvent) -> None:
        kind = speech.WhichOneof("event")
        if kind == "final":
            self._note("final", text=speech.final.text)
            self._waterfall.final(now_ms())
        elif kind == "turn_ended":
            what = _TURN_ENDS.get(speech.turn_ended.kind, "turn_ended")
            self._moment(what)
            if what != "turn_ended":
                self._waterfall.eager(now_ms() if what == "turn_ended_eager" else None)
        elif kind in ("speech_started", "speech_stopped"):
            self._moment(kind)

    def _note(self, what: str, **more: Any) -> dict[str, Any]:
        entry = {"at_ms": round(now_ms(), 1), "what": what, **more}
        self._entries.append(entry)
        return entry

    def _moment(self, what: str, **more: Any) -> None:
        """An entry that a page may see too."""
        entry = self._note(what, **more)
        if self._page is not None:
            self._page({"type": "moment", **entry})

    def _changed(self, turn: Turn | None) -> None:
        if turn is not None and self._page is not None:
            self._page({"type": "turn", **turn.shown()})


def _cause(name: str) -> str:
    return name.removeprefix("CAUSE_").lower()


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
