"""The streams to tts of one leg: the utterance that sounds has one, and the next one too. Fixed sentences that were
spoken before need none.
"""

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from parley import telemetry
from parley.aio import TaskSet
from parley.audio import AudioFormat
from parley.audio.wire import to_wire
from parley.errors import ParleyError
from parley.rpc import Peers
from parley.text.words import has_words
from parley.v1 import conversation_pb2, tts_pb2
from services.gateway.metrics import TROUBLES
from services.gateway.mouth.utterance import Utterance
from services.gateway.voice.phrase_cache import Sound
from services.gateway.voice.prefetch import Prefetch
from services.gateway.voice.synthesis import MAX_AHEAD_MS, Synthesis
from services.gateway.voice.warm_stream import WarmStream

log = structlog.get_logger()

AT_ONCE = 2
_FIXED = (conversation_pb2.Say.KIND_FILLER, conversation_pb2.Say.KIND_NOTICE)


def _fixed(utterance: Utterance) -> bool:
    """The agent's own sentence, the same for every caller."""
    return utterance.kind in _FIXED and utterance.track.text_complete and not utterance.once


class TtsStreams:
    """`advance` is called when sound has come or a voice is done; `failed` when an utterance cannot be spoken."""

    def __init__(
        self,
        tts: Peers,
        sound: AudioFormat,
        call_id: str,
        advance: Callable[[], None],
        failed: Callable[[Utterance, ParleyError], None],
        rehearsal: Prefetch,
    ) -> None:
        self._tts = tts
        self._sound = sound
        self._call_id = call_id
        self._advance = advance
        self._failed = failed
        self._rehearsal = rehearsal
        self._spoken = rehearsal.spoken
        self._open: dict[int, tuple[Synthesis, Task[Any]]] = {}
        self._tasks = TaskSet(self._broke)
        self._prepared = WarmStream(tts, self._tasks)
        self._session = conversation_pb2.Session()

    def session(self, session: conversation_pb2.Session) -> None:
        """Voice, language and speed from now on, and the sentences to have ready."""
        self._session = session
        config = self._config()
        config.ClearField("call_id")  # they are nobody's
        self._rehearsal.ask(config, session.sentences)

    def prepare(self) -> None:
        """The caller's turn is over: an answer will come."""
        if not self._open:
            self._prepared.prepare(self._config())

    def begin(self, queue: Iterable[Utterance]) -> None:
        """Open voices in the order of the utterances, as far as there is text and room."""
        found = False
        for utterance in queue:
            track = utterance.track
            if track.audio_complete or utterance.id in self._open:
                continue
            if not has_words(track.text):  # it makes no sound: said as soon as it is complete
                track.audio_complete = track.text_complete
                continue
            if len(self._open) >= AT_ONCE:
                break
            if self._is_kept(utterance):
                found = True
                continue
            config = self._config(utterance)
            voice = Synthesis(self._tts, config, track, self._advance, self._prepared)
            self._open[utterance.id] = voice, self._tasks.spawn(self._speak(utterance, voice, config))

        if found:
            self._advance()

    def _is_kept(self, utterance: Utterance) -> bool:
        """Its sound is there, and is now its own."""
        if not _fixed(utterance):
            return False
        sound = self._spoken.find(self._spoken.key(self._config(), utterance.track.text))
        if sound is None:
            return False
        utterance.track.append(sound.audio, list(sound.words))
        utterance.track.audio_complete = True
        return True

    def text_added(self, utterance: Utterance) -> None:
        if (voice := self._open.get(utterance.id)) is not None:
            voice[0].text_added()

    def played(self, utterance: Utterance) -> None:
        """Some of its sound went out: there may be room for more."""
        if utterance.track.ahead_ms < MAX_AHEAD_MS and (voice := self._open.get(utterance.id)) is not None:
            voice[0].made_room()

    def hush(self, utterance: Utterance) -> None:
        """Close its stream: nothing more of it will be said."""
        if (voice := self._open.pop(utterance.id, None)) is not None:
            voice[1].cancel()

    async def close(self) -> None:
        await self._prepared.close()
        await self._tasks.close()

    def _config(self, utterance: Utterance | None = None) -> tts_pb2.SynthesizeConfig:
        """Without an utterance: for a voice whose words are not known yet."""
        config = tts_pb2.SynthesizeConfig(
            call_id=self._call_id,
            voice=self._session.voice,
            format=to_wire(self._sound),
            language=self._session.language,
            speed=self._session.speed,
        )
        if utterance is None:
            config.traceparent = telemetry.trace_of(self._call_id)
        else:
            config.turn.CopyFrom(utterance.turn)
            config.utterance, config.traceparent = utterance.id, utterance.traceparent
        return config

    async def _speak(self, utterance: Utterance, voice: Synthesis, config: tts_pb2.SynthesizeConfig) -> None:
        """`config`: how it sounds, whoever has the call by the time that it is over."""
        try:
            await voice.run()
        except ParleyError as error:
            TROUBLES.labels("mouth").inc()
            log.error("an utterance could not be spoken", call_id=self._call_id, error=str(error))
            utterance.failed = utterance.track.broken = utterance.track.audio_complete = True
            self._failed(utterance, error)
        else:
            if _fixed(utterance) and voice.unbroken and (audio := utterance.track.whole()) is not None:
                sound = Sound(audio, tuple(utterance.track.words))
                self._spoken.keep(self._spoken.key(config, utterance.track.text), sound)
        self._open.pop(utterance.id, None)
        self._advance()

    def _broke(self, error: BaseException) -> None:
        log.error("a voice broke", call_id=self._call_id, exc_info=error)
