"""One call's recognition: audio in, what was said and when the turn is over out."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog
from prometheus_client import Counter

from parley.aio import background
from parley.engines import Engine
from parley.engines.breaker import Attempt, Breakers
from parley.errors import AtCapacity, BadInput, ParleyError, Unavailable, VendorLost
from parley.process.heartbeat import HEART
from parley.telemetry import STT_LATENCY
from parley.text.scripts import written
from services.stt.burst import Burst
from services.stt.contract import (
    DrivenByVoice,
    Edge,
    Endpointing,
    Expect,
    Final,
    Flush,
    Interim,
    Lull,
    SpeechEvent,
    SpeechStarted,
    SpeechToTextProvider,
    SttConfig,
    TurnEnded,
    TurnKind,
)
from services.stt.endpointing import MAX_DELAY_MS, Turns, policy
from services.stt.endpointing.turns import Told
from services.stt.feed import Feed
from services.stt.transcript import parts, shown
from services.stt.turn_sound import Judge, TurnSound
from services.stt.vad import Detector

log = structlog.get_logger()

UNREAD = 1000  # events the client has not taken
FINALS, FINALS_PER_S = 2000, 20  # of a recogniser, at once and every second: a minute that is heard again has some 60
SETTLED_MS = 1000  # audio kept before now while nobody speaks
WATCH_S = 0.5
STOOD_STILL_S = 0.25  # we ourselves, between two looks: audio may wait to be read
VOICE_EVERY_MS = 500  # how often a recogniser is reminded that somebody speaks
FLUSH_WAIT_S = 1.0  # for the words that were asked for when the button was let go

FALLBACKS = Counter("voice_stt_fallbacks_total", "Calls handed to the next recogniser", ["engine", "error"])
FAILURES = Counter("voice_stt_failures_total", "Streams ended by an error", ["error"])
LONG_TURNS = Counter("voice_stt_long_turns_total", "Turns ended because the caller never stopped talking")


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """The push-to-talk button was let go."""


Recogniser = SpeechToTextProvider | DrivenByVoice
Request = bytes | Endpointing | EndOfTurn


class Recognition:
    """One stream. `events` may be run once; closing it closes everything. `detector` None: the engine's own VAD, and
    `judge` is not asked. `breakers`: those of the process.

    Raises what the last engine raised when all of `engines` failed, BadInput from the requests, AtCapacity when the
    client reads nothing.
    """

    def __init__(
        self,
        config: SttConfig,
        engines: Sequence[Engine[Recogniser]],
        detector: Detector | None,
        judge: Judge | None = None,
        breakers: Breakers | None = None,
    ) -> None:
        self._breakers = breakers or Breakers("stt")
        self._config = config
        self._wish = config.endpointing
        self._engines = engines
        self._engine = engines[0].name
        self._feed = Feed(config.format, config.offset_ms)
        self._turn = config.turn
        self._turns = Turns(
            self._wish,
            config.pauses,
            config.offset_ms,
            vad=detector is not None,
            policy=policy(self._wish.policy),
            language=config.language,
            said=config.said,
        )
        begin_ms = config.offset_ms - len(config.lead) // config.format.bytes_per_ms
        self._track = detector.listen(config.format, begin_ms, self._listened) if detector else None
        self._judge = judge
        self._sound = TurnSound(config.format, config.offset_ms) if judge and detector else None
        self._out: deque[SpeechEvent] = deque()
        self._news = asyncio.Event()
        self._over = False
        self._error: BaseException | None = None
        self._clock = asyncio.get_running_loop().time
        self._audio_at = self._vendor_at = self._clock()
        self._vendor_ms = config.offset_ms
        self._finals = Burst(FINALS, FINALS_PER_S)
        self._final_at_ms = 0.0
        self._let_go_at = 0.0
        self._leaving = False
        self._speaking = False
        self._finding_bearings = bool(config.lead)
        self._voice_ms = config.offset_ms
        if self._track is not None and config.lead:
            self._track.push(config.lead)

    @property
    def heard_ms(self) -> int:
        """Leg time up to which the audio has been listened to."""
        return self._turns.now_ms

    def leave(self) -> None:
        """End with Unavailable as soon as no audio that came is needed again: another replica goes on."""
        self._leaving = True
        self._leave_if_settled()

    def _leave_if_settled(self) -> None:
        if self._leaving and not self._let_go_at and self._turns.settled_ms is not None:
            self._fail(Unavailable("this replica gives the call away: listen elsewhere"))

    async def events(self, requests: AsyncIterator[Request]) -> AsyncGenerator[SpeechEvent, None]:
        try:
            async with background(self._take(requests), self._recognise(), self._watch(), self._listen_for_ends()):
                while True:
                    while self._out:
                        yield self._out.popleft()
                    if self._error is not None:
                        if not self._leaving:
                            FAILURES.labels(type(self._error).__name__).inc()
                        raise self._error
                    if self._over:
                        return
                    self._news.clear()
                    await self._news.wait()
        finally:
            if self._track is not None:
                self._track.close()

    async def _take(self, requests: AsyncIterator[Request]) -> None:
        try:
            async for request in requests:
                if isinstance(request, bytes):
                    self._hear(request)
                    if self._feed.full:
                        await self._feed.room()
                elif isinstance(request, Endpointing):
                    self._wish = request
                    self._feed.configure(request)
                    self._tell(self._turns.configure(request, policy(request.policy)))
                else:
                    self._let_go()
        except Exception as e:
            self._fail(e)
        self._feed.close()

    def _hear(self, audio: bytes) -> None:
        if not audio:
            return
        self._audio_at = self._clock()
        self._feed.push(audio)
        if self._sound is not None:
            self._sound.push(audio)
        if self._track is not None:
            self._track.push(audio)
        else:
            # Without a VAD silence is: audio came, time passed, and the recogniser had no news.
            patience = self._patience_ms(self._audio_at)
            self._tell(self._turns.progress(min(self._feed.end_ms, patience), patience))
        if (settled := self._turns.settled_ms) is not None:
            self._feed.settle(settled - SETTLED_MS)
            self._leave_if_settled()

    def _patience_ms(self, now: float) -> int:
        """Audio that the recogniser has had the time to hear: what it told of, and real time since."""
        return self._vendor_ms + int((now - self._vendor_at) * 1000)

    def _listened(self, now_ms: int, edge: Edge | None) -> None:
        """The VAD has come this far."""
        if self._finding_bearings and now_ms > self._config.offset_ms:
            self._finding_bearings = False
            if self._speaking:  # who heard the beginning has told of it: the client knows
                began = SpeechStarted(self._config.offset_ms)
                self._feed.listened(began.offset_ms, began)
                self._tell(self._turns.edge(began))
        if not self._finding_bearings:
            self._feed.listened(now_ms, edge)
        if isinstance(edge, Lull):
            edge = None
        if edge is not None:
            self._speaking = isinstance(edge, SpeechStarted)
        if self._finding_bearings:
            return
        if self._speaking and now_ms - self._voice_ms >= VOICE_EVERY_MS:
            self._voice_ms = now_ms
            self._feed.voice()
        told = self._turns.progress(now_ms, self._patience_ms(self._clock()))
        if edge is None:
            self._tell(told)
            return
        self._tell([*told, *self._turns.edge(edge)])
        if self._sound is None:
            return
        if isinstance(edge, SpeechStarted):
            self._sound.begins(edge.offset_ms)
        else:
            self._sound.falls_silent(edge.offset_ms)

    async def _listen_for_ends(self) -> None:
        """The audio model's opinion on each silence."""
        if self._sound is None or self._judge is None:
            return
        while True:
            at_ms, audio = await self._sound.asked()
            if (over := await self._judge.opinion(audio, self._config.format)) is not None:
                self._tell(self._turns.sounds_over(over, at_ms))

    async def _recognise(self) -> None:
        """The first engine that is not passed over, and the next one from the audio without a final on when it fails.

        An engine is asked once a stream: whoever opens the next one begins anew.
        """
        failed: Exception = VendorLost("no recogniser was asked")
        hope: Exception | None = None  # what may pass is told before what does not
        for place, engine in enumerate(self._breakers.choices(self._engines)):
            if place:
                FALLBACKS.labels(self._engine, type(failed).__name__).inc()
            self._engine = engine.name
            try:
                with self._breakers.of(engine.name).begin() as attempt:
                    try:
                        await self._run(engine, attempt)
                    except Exception as e:
                        if (task := asyncio.current_task()) is not None and task.cancelling():
                            raise asyncio.CancelledError from e  # the engine's own library took it for its own
                        raise
                return
            except Exception as e:
                failed = e
                if not isinstance(e, ParleyError):
                    log.exception("recogniser failed", engine=engine.name, call_id=self._config.call_id)
                else:
                    log.warning("recogniser lost", engine=engine.name, call_id=self._config.call_id, error=str(e))
                if not isinstance(e, ParleyError) or e.retryable:
                    hope = e
                if isinstance(e, BadInput):
                    break
        self._fail(hope or failed)

    async def _run(self, engine: Engine[Recogniser], attempt: Attempt) -> None:
        async with aclosing(self._listen(engine.provider)) as heard:  # type: ignore[type-var]
            async for event in heard:
                self._heard(_written(event))
                if isinstance(event, Final) and event.text:
                    attempt.succeeded()
        if not self._feed.ended:
            raise VendorLost(f"{engine.name} ended before the audio did")
        self._tell(self._turns.finish())
        self._over = True
        self._news.set()

    def _listen(self, provider: Recogniser) -> AsyncIterator[SpeechEvent]:
        """The recogniser's stream, from the audio without a final on."""
        if isinstance(provider, DrivenByVoice):
            offset_ms, voice = self._feed.open_driven()
            return provider.recognize_voice(voice, self._begin(offset_ms))
        offset_ms, audio = self._feed.open()
        return provider.recognize(audio, self._begin(offset_ms))

    def _begin(self, offset_ms: int) -> SttConfig:
        """A recogniser begins here: it has heard nothing yet."""
        self._vendor_at, self._vendor_ms = self._clock(), offset_ms
        self._turns.heard_from(offset_ms)
        if self._turns.flushed:
            self._feed.flush()
        return replace(self._config, offset_ms=offset_ms, endpointing=self._wish)

    def _heard(self, event: SpeechEvent) -> None:
        self._vendor_at = self._clock()
        at_ms = event.end_ms if isinstance(event, Final | Interim) else event.offset_ms
        self._vendor_ms = max(self._vendor_ms, at_ms)
        if isinstance(event, Final) and event.text:
            if not self._finals.take(self._vendor_at):
                raise VendorLost(f"{self._engine} sends more words than anybody can say")
            self._final_at_ms = self._feed.end_ms + (self._vendor_at - self._audio_at) * 1000
            for part in parts(event):
                self._tell(self._turns.heard(part))
            self._feed.settle(event.end_ms)
        else:
            self._tell(self._turns.heard(shown(event) if isinstance(event, Interim) else event))

    def _tell(self, told: Told) -> None:
        if self._error is not None or self._over:  # a VAD that is late has nothing to add to a call that has ended
            return
        for event in told:
            if isinstance(event, Flush):
                self._feed.flush()
                continue
            if self._turn:
                event = replace(event, turn=self._turn)
            if isinstance(event, Final):
                event = replace(event, engine=self._engine)
            if isinstance(event, TurnEnded) and event.kind is TurnKind.CONFIRMED:
                self._turn += bool(self._turn)
                if self._sound is not None:
                    self._sound.over()
                STT_LATENCY.labels(self._engine).observe(max(self._final_at_ms - event.speech_end_ms, 0))
                if self._turns.long_turns:
                    LONG_TURNS.inc(self._turns.long_turns)
                    self._turns.long_turns = 0
            if isinstance(event, Interim) and self._out and isinstance(self._out[-1], Interim):
                self._out.pop()
            self._out.append(event)
        if len(self._out) > UNREAD:
            self._fail(AtCapacity(f"{UNREAD} events wait: the client does not read"))
        elif told:
            self._news.set()

    def _let_go(self) -> None:
        self._let_go_at = self._clock()
        self._tell(self._turns.end_of_turn(self._feed.end_ms))

    async def _watch(self) -> None:
        """What audio time cannot tell: the audio ceased in mid-turn, or a flush is not answered."""
        while True:
            looked = time.monotonic()
            await asyncio.sleep(WATCH_S)
            now = self._clock()
            self._leave_if_settled()
            if HEART.awake_since(STOOD_STILL_S) > looked:
                continue
            if self._let_go_at and now - self._let_go_at >= FLUSH_WAIT_S:
                self._let_go_at = 0.0
                self._tell(self._turns.overdue())
            ceased_ms = (now - self._audio_at) * 1000
            if (
                self._turns.pending
                and not self._let_go_at
                and self._wish.expect is not Expect.BUTTON
                and ceased_ms >= (self._wish.max_delay_ms or MAX_DELAY_MS)
            ):
                self._let_go()

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._news.set()


def _written(event: SpeechEvent) -> SpeechEvent:
    """Its words as their script is written, not as this engine writes them."""
    if isinstance(event, Final | Interim) and (text := written(event.text)) != event.text:
        return replace(event, text=text)
    return event
