"""The mouth of a leg without sound: words are heard when they are sent."""

from __future__ import annotations

from collections.abc import Callable

from parley.v1 import call_pb2, conversation_pb2
from services.gateway.call import Wire
from services.gateway.metrics import DROPPED_COMMANDS

CallEvent = conversation_pb2.CallEvent
MAX_OPEN = 32
_KINDS = {conversation_pb2.Say.KIND_FILLER: "filler", conversation_pb2.Say.KIND_NOTICE: "notice"}


class ChatMouth:
    """Has the face of `Mouth`, as far as a chat needs it."""

    sounded = 0, 0.0
    paused = False

    def __init__(self, wire: Wire, tell: Callable[[CallEvent], None]) -> None:
        self._wire = wire
        self._tell = tell
        self._open: dict[int, tuple[int, str]] = {}
        self.last_utterance = 0

    def expect_answer(self) -> None:
        """Text needs no voice."""

    def session(self, session: conversation_pb2.Session) -> None:
        """A chat has no voice."""

    @property
    def waiting(self) -> bool:
        return bool(self._open)

    @property
    def speaking(self) -> bool:
        return self.waiting

    def pending(self, utterance: int) -> bool:
        return utterance > self.last_utterance or utterance in self._open

    def about(self, utterance: int) -> tuple[int, int]:
        """Every answer counts; `expect` is for ears."""
        return conversation_pb2.Say.KIND_ANSWER, 0

    def say(self, say: conversation_pb2.Say, turn: call_pb2.TurnRef, traceparent: str) -> None:
        """Words for the page; more words of the same utterance are appended there."""
        if say.utterance not in self._open:
            if say.utterance <= self.last_utterance or len(self._open) >= MAX_OPEN:
                DROPPED_COMMANDS.labels("utterance is over").inc()
                return
            self.last_utterance = say.utterance
            self._open[say.utterance] = turn.turn, ""
            started = conversation_pb2.UtteranceStarted(utterance=say.utterance)
            self._tell(CallEvent(utterance_started=started))
        of_turn, text = self._open[say.utterance]
        self._open[say.utterance] = of_turn, text + say.text
        kind = _KINDS.get(say.kind, "answer")
        self._wire.tell(
            {"type": "say", "utterance": say.utterance, "text": say.text, "final": say.complete, "kind": kind}
        )
        if say.complete:
            self._over(say.utterance, cut=False)

    def stop(self, turn: int) -> None:
        for utterance in [u for u, (of_turn, _) in self._open.items() if of_turn <= turn]:
            self._wire.tell({"type": "cut", "utterance": utterance})
            self._over(utterance, cut=True)

    def returned(self, mark: str) -> bool:
        """No marks are sent here."""
        return False

    def progress(self) -> tuple[int, str, int] | None:
        return None

    def state(self, turn: int) -> conversation_pb2.Mouth:
        mouth = conversation_pb2.Mouth(turn=turn, last_utterance=self.last_utterance)
        if self._open:
            utterance, (_, text) = next(iter(self._open.items()))
            mouth.utterance, mouth.text, mouth.heard_chars = utterance, text, len(text)
        return mouth

    async def close(self) -> None:
        for utterance in list(self._open):
            self._over(utterance, cut=True)

    def _over(self, utterance: int, *, cut: bool) -> None:
        _, text = self._open.pop(utterance)
        heard = conversation_pb2.Heard(utterance=utterance, chars=len(text), complete=not cut, cut=cut, text=text)
        self._tell(CallEvent(heard=heard))
