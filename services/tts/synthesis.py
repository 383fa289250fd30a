"""One utterance through the engines in order of preference: time-outs, and another voice in mid-sentence, at a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import replace
from typing import Protocol

import structlog
from prometheus_client import Counter

from parley.aio import TaskSet, background
from parley.engines import Engine, engines_of, loaded
from parley.engines.breaker import Breakers
from parley.errors import BadInput, NoSound, ParleyError, TooLate, VendorLost
from parley.settings import Settings
from parley.telemetry import TTS_TTFB, measured
from parley.text.words import has_words
from services.tts.contract import AudioChunk, TextToSpeechProvider, TtsConfig
from services.tts.script import Script
from services.tts.spoken import Spoken
from services.tts.voices import voice_for

log = structlog.get_logger()

FAILURES = Counter("voice_tts_engine_failures", "Utterances an engine could not finish", ["engine", "error"])


class Stalled(VendorLost):
    """The engine gave no audio for too long. Whoever waited for it does not wait for it again."""


STALL_S = 2.5
PATIENCE = 2
IDLE_S = 120.0
MAX_ROUNDS = 3
"""How often all engines are gone through for one stream, as long as words come of it."""


class Chosen(Protocol):
    def of(self, call_id: str) -> AbstractContextManager[Synthesis]: ...


class Synthesis:
    """Speaks with the first of `engines` that can.

    `stall_s`: an engine that has words to speak and gives no audio for so long is left; a lone one gets twice as long
    when it is known to be slow, or when another replica was left for its silence: better late than never. `idle_s`: a
    stream without new text is ended. `breakers`: those of the process.
    """

    def __init__(
        self,
        engines: Sequence[Engine[TextToSpeechProvider]],
        stall_s: float = STALL_S,
        idle_s: float = IDLE_S,
        breakers: Breakers | None = None,
    ) -> None:
        self.engines = list(engines)
        self.breakers = breakers or Breakers("tts").know(engine.name for engine in engines)
        self._stall_s = stall_s
        self._idle_s = idle_s
        self._warming = TaskSet(lambda error: log.error("an engine could not be warmed", exc_info=error))
        self._slow = False  # the lone engine's last first sound took longer than `stall_s`, or never came

    @classmethod
    def of(cls, settings: Settings) -> Synthesis:
        """Raises Misconfigured: an engine that does not exist, lacks its package, or lacks its key."""
        return cls(loaded("tts", settings.engines("tts"), settings), settings.tts_stall_s)

    async def warm(self) -> None:
        """Let the engines get ready, so that the first caller does not wait for it; all at once, and who is asked last
        keeps nobody waiting."""
        preferred, *others = self.engines
        for engine in others:
            self._warming.spawn(engine.provider.warm())
        await preferred.provider.warm()

    async def aclose(self) -> None:
        await self._warming.close()
        for engine in self.engines:
            await engine.provider.aclose()

    async def speak(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncGenerator[AudioChunk, None]:
        """Audio of `text` as it comes. A word is told once all of its audio is.

        An engine that fails, or that ends without sound for words, is followed by the next one, which goes on after the
        last word told. A lone engine has a second try when its connection was lost or it gave no sound.
        Raises BadInput, TooLate (no text for `idle_s`), or the error of the last engine.
        """
        failed: ParleyError = VendorLost("no engine was asked")

        script = Script(self._patience_s(config))
        spoken = Spoken(config.format)
        async with background(script.read(text)):
            for engine in self._choices(spoken, config.language):
                try:
                    with self.breakers.of(engine.name).begin() as attempt:
                        try:
                            async with aclosing(self._perform(engine, script, spoken, config)) as chunks:
                                async for chunk in chunks:
                                    yield chunk
                        except Exception as e:
                            if isinstance(e, TooLate) or e is script.error:  # of whoever sends the text
                                attempt.excused()
                            raise
                        attempt.succeeded()
                    return
                except (BadInput, TooLate):
                    raise
                except ParleyError as e:
                    failed = e
                    FAILURES.labels(engine=engine.name, error=type(e).__name__).inc()
                    log.warning(
                        "engine failed",
                        engine=engine.name,
                        call_id=config.call_id,
                        error=str(e),
                        audio_ms=int(spoken.ms),
                        told_to=spoken.told_to,
                    )
                    spoken.abandon()
                    if script.complete and not has_words(script.text, spoken.told_to):
                        return  # it has said all there was to say
                    if len(self.engines) == 1 and not _is_worth_a_retry(e):
                        break
            raise failed

    def _patience_s(self, config: TtsConfig) -> float:
        late = len(self.engines) == 1 and (self._slow or config.attempt)
        return PATIENCE * self._stall_s if late else self._stall_s

    def _choices(self, spoken: Spoken, language: str) -> Iterator[Engine[TextToSpeechProvider]]:
        """Those that speak the language, if one does: each once, a lone one twice; and from the start again while words
        are said that way."""
        able = self._able(language)
        for _ in range(MAX_ROUNDS):
            told_to = spoken.told_to
            yield from self.breakers.choices(able)
            if len(self.engines) == 1:
                yield self.engines[0]
            if spoken.told_to == told_to:
                return

    def _able(self, language: str) -> list[Engine[TextToSpeechProvider]]:
        return [engine for engine in self.engines if _speaks(engine.name, language)] or self.engines

    async def _perform(
        self, engine: Engine[TextToSpeechProvider], script: Script, spoken: Spoken, config: TtsConfig
    ) -> AsyncGenerator[AudioChunk, None]:
        name = engine.name
        loop = asyncio.get_running_loop()
        voice = voice_for(name, config.voice, preferred=engine is self._able(config.language)[0])
        begun = loop.time()
        spoken.begin()
        stream = engine.provider.synthesize(script.pieces(spoken.char_base), replace(config, voice=voice))
        # A provider is an async generator; closing it is how it is told to stop.
        async with aclosing(stream):  # type: ignore[type-var]
            while (chunk := await self._next(name, stream, script, spoken)) is not None:
                first = not spoken.sounded and bool(chunk.data)
                if first:
                    waited_s = loop.time() - max(begun, script.first_at)
                    self._slow = waited_s > self._stall_s
                    TTS_TTFB.labels(engine=name).observe(waited_s * 1000)
                    measured("tts.first_audio", config.traceparent, waited_s, engine=name, call_id=config.call_id)
                out = spoken.take(chunk)
                if out.data or out.words:
                    yield replace(out, engine=name) if first else out
        last, whole = spoken.finish(script.text)
        if last:
            yield AudioChunk(b"", last)
        if not script.complete:
            raise VendorLost(f"{name}: the audio ended before its text did")
        if not whole:
            raise NoSound(f"{name}: {'the sound ended before the words did' if spoken.sounded else 'no sound came'}")

    async def _next(
        self, name: str, stream: AsyncIterator[AudioChunk], script: Script, spoken: Spoken
    ) -> AudioChunk | None:
        loop = asyncio.get_running_loop()
        if script.error is not None:
            raise script.error
        begun, busy = loop.time(), self._is_due(script, spoken)
        limit = begun + script.patience_s - spoken.waited_s if busy else script.last_at + self._idle_s
        try:
            async with asyncio.timeout_at(limit) as script.watch:
                return await anext(stream, None)
        except TimeoutError:
            if script.error is not None:
                raise script.error from None
            if self._is_due(script, spoken):
                self._slow = True
                raise Stalled(f"{name}: no audio for {script.patience_s:g} s") from None
            raise TooLate(f"text: nothing came for {self._idle_s:g} s; end a stream whose text is complete") from None
        finally:
            script.watch = None
            if busy:
                spoken.waited_s += loop.time() - begun

    @staticmethod
    def _is_due(script: Script, spoken: Spoken) -> bool:
        """Whether the engine owes audio. One that tells no words before the end cannot be held to each of them."""
        if script.complete:
            return True
        knows_words = spoken.tells_words or not spoken.sounded
        return knows_words and has_words(script.text, spoken.told_to)


class Speech:
    """As Synthesis, with the engines that a call began with. `chosen`: by the call's id."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen

    async def speak(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncGenerator[AudioChunk, None]:
        with self._chosen.of(config.call_id) as synthesis:
            async with aclosing(synthesis.speak(text, config)) as chunks:
                async for chunk in chunks:
                    yield chunk


def _speaks(engine: str, language: str) -> bool:
    row = engines_of("tts").get(engine)
    return row is None or row.speaks(language)


def _is_worth_a_retry(error: ParleyError) -> bool:
    return isinstance(error, VendorLost) and not isinstance(error, Stalled)
