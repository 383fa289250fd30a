"""Who is at turn: shown on the page, measured as the span of a turn, and asked before a call is moved elsewhere."""

from __future__ import annotations

from opentelemetry import trace

from parley import telemetry
from parley.v1 import conversation_pb2
from services.gateway.call import Wire
from services.gateway.metrics import TURNS
from services.gateway.mouth.clock import now_ms
from services.gateway.watch.watcher import Seen, TurnBy, Watcher

JUST_MS, LONG_MS = 300.0, 1_500.0
"""After the bot's words: nobody answers sooner than the one, and who has not after the other is not about to."""


class Floor(Watcher):
    """`page` is told `listening`, `thinking`, `speaking`, or `paused`: silent, to hear whether the caller goes on."""

    def __init__(self, call_id: str, page: Wire | None) -> None:
        self._call_id = call_id
        self._page = page
        self._state = "listening"
        self._speech_end: float | None = None
        self._due = False
        self._maybe_due = False
        """A turn has ended here, and the mind has not said yet what it makes of it."""
        self._turn: trace.Span = trace.INVALID_SPAN
        self._fell_silent = 0.0

    @property
    def quiet(self) -> bool:
        """The caller waits for an answer, or has just heard one to its end, or has been silent for long."""
        silent = now_ms() - self._fell_silent
        return self._speech_end is not None or silent < JUST_MS or silent > LONG_MS

    def event(self, event: conversation_pb2.CallEvent) -> None:
        kind = event.WhichOneof("event")
        if kind == "utterance_started":
            self._started(event.utterance_started.kind)
        elif kind == "resumed":
            # What was heard was no turn: nobody waits for an answer to it.
            self._speech_end, self._maybe_due = None, False
        elif kind == "heard":
            self._fell_silent = now_ms()

    def turn_began(self, speech_end: float, by: TurnBy) -> None:
        """Its span lasts to the first audio of an answer, or to the caller's next turn."""
        self._turn_ends("unanswered")
        self._speech_end, self._maybe_due = speech_end, True
        self._turn = telemetry.begun("turn", call_id=self._call_id)

    def command(self, command: conversation_pb2.CallCommand) -> None:
        kind = command.WhichOneof("command")
        if kind == "say" and command.say.HasField("due"):
            self._due, self._maybe_due = command.say.due, False
        elif kind == "due":
            self._due, self._maybe_due = command.due.due, False

    def moved(self, mouth: Seen) -> None:
        """What sounds, else what is to come."""
        due = self._due or self._maybe_due
        if not (due or mouth.waiting or self._speech_end is None):
            self._turn_ends("unanswered")
        if self._page is None:  # on the telephone marks come back all the time, and nobody looks
            return
        if mouth.paused:
            state = "paused"
        elif mouth.speaking:
            state = "speaking"
        elif due or (mouth.waiting and self._state != "listening"):
            state = "thinking"
        else:  # also while words are to come that nobody waits for
            state = "listening"
        if state != self._state:
            self._state = state
            self._page.tell({"type": "state", "state": state})

    def over(self) -> None:
        self._turn_ends("left")

    def _started(self, kind: int) -> None:
        if self._speech_end is not None and kind == conversation_pb2.Say.KIND_ANSWER:
            telemetry.TURN_LATENCY.observe(now_ms() - self._speech_end)
            self._turn_ends("answered")
        if kind != conversation_pb2.Say.KIND_FILLER:
            self._maybe_due = False

    def _turn_ends(self, how: str) -> None:
        if self._speech_end is not None:
            TURNS.labels(how).inc()
        self._speech_end = None
        self._turn.set_attribute("end", how)
        self._turn.end()
        self._turn = trace.INVALID_SPAN
