"""The body of a leg without sound: the caller types, and words are heard when they are sent."""

from __future__ import annotations

from parley.v1 import conversation_pb2
from services.gateway.call import Call, Wire
from services.gateway.leg.body import Reports
from services.gateway.metrics import DROPPED_COMMANDS
from services.gateway.organs import Organs

CallEvent = conversation_pb2.CallEvent
MAX_OPEN = 32
_KINDS = {conversation_pb2.Say.KIND_FILLER: "filler", conversation_pb2.Say.KIND_NOTICE: "notice"}


class Page:
    """What of the bot's words is on the page: open utterances, each with its turn and its text so far."""

    sounded = 0, 0.0
    paused = False

    def __init__(self, wire: Wire, reports: Reports) -> None:
        self._wire = wire
        self._reports = reports
        self._open: dict[int, tuple[int, str]] = {}
        self._last = 0

    @property
    def waiting(self) -> bool:
        return bool(self._open)

    @property
    def speaking(self) -> bool:
        return self.waiting

    def progress(self) -> tuple[int, str, int] | None:
        """Written words need no subtitles."""
        return None

    def say(self, say: conversation_pb2.Say, turn: int) -> None:
        """Words for the page; more words of the same utterance are appended there."""
        if say.utterance not in self._open:
            if say.utterance <= self._last or len(self._open) >= MAX_OPEN:
                DROPPED_COMMANDS.labels("utterance is over").inc()
                return
            self._last = say.utterance
            self._open[say.utterance] = turn, ""
            started = conversation_pb2.UtteranceStarted(utterance=say.utterance, kind=say.kind)
            self._reports.tell(CallEvent(utterance_started=started))
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

    def state(self, turn: int) -> conversation_pb2.Mouth:
        mouth = conversation_pb2.Mouth(turn=turn, last_utterance=self._last)
        if self._open:
            utterance, (_, text) = next(iter(self._open.items()))
            mouth.utterance, mouth.text, mouth.heard_chars = utterance, text, len(text)
        return mouth

    def close(self) -> None:
        for utterance in list(self._open):
            self._over(utterance, cut=True)

    def _over(self, utterance: int, *, cut: bool) -> None:
        _, text = self._open.pop(utterance)
        heard = conversation_pb2.Heard(utterance=utterance, chars=len(text), complete=not cut, cut=cut, text=text)
        self._reports.tell(CallEvent(heard=heard))


class TypedBody:
    """See `Body`. Sound and marks have no place here and are ignored."""

    hearing = False

    def __init__(self, call: Call, wire: Wire, organs: Organs, reports: Reports) -> None:
        self._reports = reports
        self.mouth = Page(wire, reports)
        self.state = self.mouth.state

    def audio(self, frame: bytes, now: float) -> None: ...

    def returned(self, mark: str) -> bool:
        return False

    def typed(self) -> None: ...

    def button(self, pressed: bool) -> None:
        self._reports.tell(CallEvent(button=conversation_pb2.Button(pressed=pressed)))

    def push_to_talk(self, on: bool) -> None:
        self._reports.tell(CallEvent(push_to_talk=conversation_pb2.PushToTalk(on=on)))

    def take(self, command: conversation_pb2.CallCommand) -> bool:
        kind = command.WhichOneof("command")
        if kind == "say":
            self.mouth.say(command.say, command.turn)
        elif kind == "stop":
            self.mouth.stop(command.turn)
        return kind in ("say", "stop", "session")

    async def run(self) -> None: ...

    async def close(self) -> None:
        self.mouth.close()
