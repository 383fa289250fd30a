"""What the ears have reported of a caller, so that a recogniser that hears it again reports nothing twice. Pure."""

from __future__ import annotations

from parley.v1 import stt_pb2

_SAME_MS = 120
"""Two recognisers place the same word this far apart."""

Event = stt_pb2.RecognizeEvent


class Report:
    """`accept(event)` says whether it is news, and mends a turn's text that two recognisers heard in parts."""

    def __init__(self) -> None:
        self.in_speech = False
        self.final_until_ms = 0
        self.open_turn = False
        self.pauses: stt_pb2.CallerPauses | None = None
        self._finals: list[str] = []
        self._turn_until_ms = 0
        self._speech_end_ms = 0
        self._replayed_until_ms = 0
        self._patched = False

    def replayed(self, until_ms: int) -> None:
        """Another recogniser hears the audio up to here again."""
        self._replayed_until_ms = until_ms
        self._patched = bool(self._finals)

    def again(self, offset_ms: int) -> bool:
        """This moment is heard for the second time."""
        return offset_ms < self._replayed_until_ms

    def accept(self, event: Event) -> bool:
        kind = event.WhichOneof("event")
        if kind == "speech_started":
            return self._started(event.speech_started)
        if kind == "interim":
            fresh = not event.interim.end_ms or event.interim.end_ms > self.final_until_ms + _SAME_MS
            self.open_turn = self.open_turn or fresh
            return fresh
        if kind == "final":
            return self._final(event.final)
        if kind == "speech_stopped":
            was, self.in_speech = self.in_speech, False
            return was
        if kind == "turn_ended":
            return self._ended(event.turn_ended)
        return False

    def overdue(self, offset_ms: int) -> Event:
        """The turn's end that nobody will report, because its recogniser died after the last final."""
        text = " ".join(self._finals)
        ended = stt_pb2.TurnEnded(
            kind=stt_pb2.TurnEnded.KIND_CONFIRMED, text=text, offset_ms=offset_ms, speech_end_ms=self._speech_end_ms
        )
        self._close_turn(offset_ms)
        return Event(turn_ended=ended)

    @property
    def has_finals(self) -> bool:
        return bool(self._finals)

    def _started(self, started: stt_pb2.SpeechStarted) -> bool:
        if self.in_speech and self.again(started.offset_ms):
            return False
        self.in_speech = self.open_turn = True
        return True

    def _final(self, final: stt_pb2.Final) -> bool:
        if final.end_ms and final.end_ms <= self.final_until_ms + _SAME_MS and self.again(final.end_ms - 1):
            return False
        self.final_until_ms = max(self.final_until_ms, final.end_ms)
        self._speech_end_ms = final.end_ms
        self.open_turn = True
        if final.text:
            self._finals.append(final.text)
        return True

    def _ended(self, ended: stt_pb2.TurnEnded) -> bool:
        if ended.HasField("pauses"):
            self.pauses = ended.pauses
        if ended.offset_ms and ended.offset_ms <= self._turn_until_ms:
            return False
        if ended.kind != stt_pb2.TurnEnded.KIND_CONFIRMED:
            return not self._patched  # the words of a turn that two recognisers heard are known at its end only
        if self._patched and self._finals:
            ended.text = " ".join(self._finals)
        self._close_turn(ended.offset_ms)
        return True

    def _close_turn(self, offset_ms: int) -> None:
        self._turn_until_ms = max(self._turn_until_ms, offset_ms)
        self._finals.clear()
        self.open_turn = self._patched = self.in_speech = False
