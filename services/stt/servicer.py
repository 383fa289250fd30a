"""SpeechToText on the wire: proto to Python and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any, Protocol

from parley import telemetry
from parley.audio import AudioFormat
from parley.audio.wire import from_wire
from parley.engines import Engine
from parley.engines.breaker import Breakers
from parley.errors import BadInput
from parley.rpc import Admission
from parley.v1 import audio_pb2, call_pb2, stt_pb2, stt_pb2_grpc
from services.stt.contract import (
    Endpointing,
    Expect,
    Final,
    Interim,
    Pauses,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    SttConfig,
    TurnKind,
)
from services.stt.endpointing import checked
from services.stt.recognition import EndOfTurn, Recogniser, Recognition, Request
from services.stt.turn_sound import Judge
from services.stt.vad import Detector

MAX_AUDIO = 64 << 10
MAX_KEYTERMS = 100
MAX_SAID = 16_000
CONFIG_S = 10.0
_EXPECT = {
    call_pb2.EXPECT_UNSPECIFIED: Expect.FREE,
    call_pb2.EXPECT_FREE: Expect.FREE,
    call_pb2.EXPECT_YES_NO: Expect.YES_NO,
    call_pb2.EXPECT_DIGITS: Expect.DIGITS,
    call_pb2.EXPECT_SPELLING: Expect.SPELLING,
    call_pb2.EXPECT_CARD: Expect.DIGITS,
    call_pb2.EXPECT_CARD_CODE: Expect.DIGITS,
    call_pb2.EXPECT_BUTTON: Expect.BUTTON,
    call_pb2.EXPECT_CHOICE: Expect.CHOICE,
    call_pb2.EXPECT_DAY: Expect.DAY,
    call_pb2.EXPECT_TIME: Expect.TIME,
    call_pb2.EXPECT_NAME: Expect.NAME,
    call_pb2.EXPECT_AMOUNT: Expect.AMOUNT,
}
_LENGTHS = {call_pb2.EXPECT_CARD: (15, 16), call_pb2.EXPECT_CARD_CODE: (3, 4)}
"""Digits of what is asked for, whatever else the agent's callers read out."""
_KIND = {
    TurnKind.EAGER: stt_pb2.TurnEnded.KIND_EAGER,
    TurnKind.RESUMED: stt_pb2.TurnEnded.KIND_RESUMED,
    TurnKind.CONFIRMED: stt_pb2.TurnEnded.KIND_CONFIRMED,
}


class Chosen(Protocol):
    """The engines that a call began with, by its id."""

    def of(self, call_id: str) -> AbstractContextManager[Sequence[Engine[Recogniser]]]: ...


class SpeechToText(stt_pb2_grpc.SpeechToTextServicer):
    """See proto/parley/v1/stt.proto."""

    def __init__(
        self,
        admission: Admission,
        engines: Sequence[Engine[Recogniser]] | Chosen,
        detector: Detector | None,
        judge: Judge | None = None,
        breakers: Breakers | None = None,
    ) -> None:
        self._breakers = breakers or Breakers("stt")
        self._admission = admission
        self._engines = engines
        self._detector = detector
        self._judge = judge
        self._open: set[Recognition] = set()

    def leave(self) -> None:
        """This process is going away: each stream ends where no audio is needed again.

        One that is opened from now on found no other replica: it stays.
        """
        for recognition in list(self._open):
            recognition.leave()

    def _of(self, call_id: str) -> AbstractContextManager[Sequence[Engine[Recogniser]]]:
        return nullcontext(self._engines) if isinstance(self._engines, Sequence) else self._engines.of(call_id)

    async def Recognize(
        self, requests: AsyncIterator[stt_pb2.RecognizeRequest], context: Any
    ) -> AsyncIterator[stt_pb2.RecognizeEvent]:
        with self._admission.admit(returning=True):
            first = await _first(requests)
            if not first.offset_ms:  # a leg's first ears
                self._admission.refuse_when_draining()
            config = _config(first)
            with (
                telemetry.span("stt.recognize", first.traceparent, call_id=config.call_id),
                self._of(config.call_id) as engines,
            ):
                recognition = Recognition(config, engines, self._detector, self._judge, self._breakers)
                self._open.add(recognition)
                try:
                    async with aclosing(recognition.events(_requests(requests))) as events:
                        async for event in events:
                            yield _event(event)
                finally:
                    self._open.discard(recognition)


async def _first(requests: AsyncIterator[stt_pb2.RecognizeRequest]) -> stt_pb2.RecognizeConfig:
    try:
        async with asyncio.timeout(CONFIG_S):
            async for request in requests:
                if request.WhichOneof("request") == "config":
                    return request.config
                break
    except TimeoutError as e:
        raise BadInput(f"config: did not come within {CONFIG_S:.0f} s; send it first") from e
    raise BadInput("config: is missing; send it first, then audio")


async def _requests(requests: AsyncIterator[stt_pb2.RecognizeRequest]) -> AsyncIterator[Request]:
    async for request in requests:
        match request.WhichOneof("request"):
            case "audio":
                if len(request.audio) > MAX_AUDIO:
                    raise BadInput(f"audio: {len(request.audio)} bytes in one message; send at most {MAX_AUDIO}")
                yield request.audio
            case "endpointing":
                yield _endpointing(request.endpointing)
            case "end_of_turn":
                yield EndOfTurn()
            case "config":
                raise BadInput("config: came twice; it stands first and once")
            case _:
                raise BadInput("request: is empty; send audio, endpointing or end_of_turn")


def _config(config: stt_pb2.RecognizeConfig) -> SttConfig:
    if len(config.keyterms) > MAX_KEYTERMS:
        raise BadInput(f"config.keyterms: {len(config.keyterms)} of them; send at most {MAX_KEYTERMS}")
    if len(config.lead) > MAX_AUDIO:
        raise BadInput(f"config.lead: {len(config.lead)} bytes; send at most {MAX_AUDIO}")
    if len(config.said.text) > MAX_SAID:
        raise BadInput(f"config.said.text: {len(config.said.text)} characters; send at most {MAX_SAID}")
    return SttConfig(
        call_id=config.call_id,
        format=_format(config.format),
        language=config.language or "en",
        endpointing=_endpointing(config.endpointing),
        keyterms=tuple(config.keyterms),
        offset_ms=config.offset_ms,
        agent=config.agent,
        pauses=Pauses(config.pauses.count, config.pauses.mean_ms, config.pauses.max_ms),
        lead=config.lead,
        said=Final(config.said.text, config.said.start_ms, config.said.end_ms) if config.said.text else None,
        turn=config.turn,
    )


def _format(audio: audio_pb2.AudioFormat) -> AudioFormat:
    if audio.sample_rate_hz not in (8000, 16000):
        raise BadInput(f"config.format.sample_rate_hz: {audio.sample_rate_hz}; use 8000 or 16000")
    return from_wire(audio, "config.format")


def _endpointing(wish: stt_pb2.Endpointing) -> Endpointing:
    expect = _EXPECT.get(wish.expect)
    if expect is None:
        raise BadInput(f"endpointing.expect: {wish.expect} is not known; use a value of parley.v1.Expect")
    lengths = _LENGTHS.get(wish.expect) or tuple(sorted(set(wish.number_lengths)))
    return checked(Endpointing(expect, wish.min_delay_ms, wish.max_delay_ms, wish.policy, lengths))


def _event(event: SpeechEvent) -> stt_pb2.RecognizeEvent:
    match event:
        case SpeechStarted():
            started = stt_pb2.SpeechStarted(offset_ms=event.offset_ms)
            return stt_pb2.RecognizeEvent(turn=event.turn, speech_started=started)
        case Interim():
            interim = stt_pb2.Interim(
                text=event.text, start_ms=event.start_ms, end_ms=event.end_ms, stability=event.stability
            )
            return stt_pb2.RecognizeEvent(turn=event.turn, interim=interim)
        case Final():
            words = [
                stt_pb2.SpokenWord(text=w.text, start_ms=w.start_ms, end_ms=w.end_ms, confidence=w.confidence)
                for w in event.words
            ]
            final = stt_pb2.Final(
                text=event.text,
                start_ms=event.start_ms,
                end_ms=event.end_ms,
                confidence=event.confidence,
                words=words,
                engine=event.engine,
            )
            return stt_pb2.RecognizeEvent(turn=event.turn, final=final)
        case SpeechStopped():
            stopped = stt_pb2.SpeechStopped(offset_ms=event.offset_ms)
            return stt_pb2.RecognizeEvent(turn=event.turn, speech_stopped=stopped)
        case _:
            pauses = event.pauses
            ended = stt_pb2.TurnEnded(
                kind=_KIND[event.kind],
                confidence=event.confidence,
                text=event.text,
                offset_ms=event.offset_ms,
                speech_end_ms=event.speech_end_ms,
                pauses=stt_pb2.CallerPauses(count=pauses.count, mean_ms=pauses.mean_ms, max_ms=pauses.max_ms),
            )
            return stt_pb2.RecognizeEvent(turn=event.turn, turn_ended=ended)
