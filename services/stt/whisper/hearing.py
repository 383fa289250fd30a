"""One call: audio and the VAD's edges in, words out. What takes time is done by the pool.

96 ms of silence    decode: if the silence lasts, the final is there before anybody asks for it
192 ms              the voice has ended; what was heard is told, and taken back should the caller go on
320 ms, or a Flush  it is final
meanwhile           guesses, while workers are idle
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

from parley.aio import TaskSet
from services.stt.contract import (
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
    Word,
)
from services.stt.whisper.pool import Pool, Rank
from services.stt.whisper.second import doubtful, second_opinion
from services.stt.whisper.trust import believed, noise
from services.stt.whisper.utterance import Utterance
from services.stt.whisper.wire import Heard, Wish
from services.stt.whisper.written import spelled, written

PREROLL_MS = 300
EDGE_LATE_MS = 96
"""A voice is told of so late, with some room."""
HOLD_MS = 320
"""Silence after which an utterance is over. A shorter one is a pause in it, which is understood better in one piece."""
HOLD_SIGNS_MS = 800
"""The same between the letters of a name or the digits of a number, of which one alone is seldom understood."""
LONGEST_MS = 25_000
FIRST_GUESS_MS, GUESS_MS = 400, 400
GUESS_SHARE = 3
"""A guess is made after so many times of what one takes."""
MOST_CLOSING = 8


class Hearing:
    """Fed by `pump`, read by `events`; `close` at the end, however it came."""

    def __init__(
        self, config: SttConfig, pool: Pool, language: str, second: SpeechToTextProvider | None = None
    ) -> None:
        self._config = config
        self._second = second
        self._format = config.format
        self._pool = pool
        self._language = language
        self._wish = config.endpointing
        self._asides = TaskSet(lambda error: self._out.put_nowait(error))
        self._before = bytearray()
        self._before_size = self._format.bytes_per_ms * (PREROLL_MS + EDGE_LATE_MS)
        self._now_size = 0
        self._utterance: Utterance | None = None
        self._closing: deque[Utterance] = deque()
        self._room = asyncio.Event()
        self._out: asyncio.Queue[SpeechEvent | Exception | None] = asyncio.Queue()
        self._ended = False
        self._speaking = False

    async def pump(self, audio: AsyncIterator[bytes | Flush | Edge | Endpointing]) -> None:
        """Hear until `audio` ends. A failure of it goes to whoever reads the events."""
        try:
            async for item in audio:
                while len(self._closing) >= MOST_CLOSING:  # a replay is heard no faster than it can be
                    self._room.clear()
                    await self._room.wait()
                if isinstance(item, bytes):
                    self._listen(item)
                elif item is Flush.FLUSH:
                    self._flush()
                elif isinstance(item, Endpointing):
                    self._wish = item
                elif not isinstance(item, Flush):
                    self._edge(item)
            self._finish()
            self._ended = True
            self._settle()
        except Exception as error:
            self._out.put_nowait(error)

    async def events(self) -> AsyncIterator[SpeechEvent]:
        """All events, until the audio has ended and is done. Raises VendorLost, AtCapacity, or what `audio` raised."""
        while (item := await self._out.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    async def close(self) -> None:
        for utterance in [*self._closing, *([self._utterance] if self._utterance else [])]:
            if utterance.job is not None:
                utterance.job.drop()
        self._closing.clear()
        self._utterance = None
        self._rest()
        await self._asides.close()

    @property
    def _careful(self) -> bool:
        return self._wish.expect is Expect.DIGITS

    @property
    def _signs(self) -> bool:
        """Letters or digits are expected, one by one."""
        return self._wish.expect in (Expect.DIGITS, Expect.SPELLING)

    @property
    def _now(self) -> int:
        return self._config.offset_ms + self._format.ms(self._now_size)

    def _listen(self, data: bytes) -> None:
        self._now_size += len(data)
        utterance = self._utterance
        if utterance is None:
            self._before += data
            del self._before[: -self._before_size]
            return
        utterance.sound += data
        if utterance.voice_end is not None:
            if self._now - utterance.voice_end >= (HOLD_SIGNS_MS if self._signs else HOLD_MS):
                self._finish()
        elif utterance.end_ms - utterance.start_ms >= LONGEST_MS:
            self._cut(utterance)
        elif not self._pool.slow:
            self._guess(utterance)

    def _edge(self, edge: Edge) -> None:
        utterance = self._utterance
        if isinstance(edge, SpeechStarted):
            if utterance is None:
                self._begin(edge.offset_ms)
            else:
                utterance.resume(edge.offset_ms)
        elif utterance is None or utterance.voice_end is not None:
            return
        elif isinstance(edge, Lull):
            if not self._pool.slow:
                self._ask(utterance, Rank.AHEAD, edge.offset_ms)
        else:
            utterance.stop(edge.offset_ms)
            if not utterance.is_voice:
                self._leave(utterance)
            elif utterance.asked_end == utterance.voice_end and utterance.job is not None:
                self._pool.hasten(utterance.job)
            elif utterance.answer() is None:
                self._ask(utterance, Rank.FINAL, utterance.voice_end)

    def _begin(self, voice_from: int) -> None:
        """Raises AtCapacity."""
        if not self._speaking:
            self._pool.begin()
            self._speaking = True
        wanted = (self._now - voice_from + PREROLL_MS) * self._format.bytes_per_ms
        sound = bytes(self._before[-wanted:]) if wanted > 0 else b""
        self._before.clear()
        start_ms = self._now - self._format.ms(len(sound))
        self._utterance = Utterance(self._format, start_ms, sound, max(voice_from, start_ms))

    def _rest(self) -> None:
        """This caller counts among those who speak as long as there is something to hear."""
        if self._speaking and self._utterance is None and not self._closing:
            self._pool.end()
            self._speaking = False

    def _leave(self, utterance: Utterance) -> None:
        """It was no voice."""
        self._utterance = None
        self._before += utterance.sound[-self._before_size :]
        self._rest()
        if utterance.job is not None:
            utterance.job.drop()

    def _cut(self, utterance: Utterance) -> None:
        rest = utterance.cut()
        self._finish()
        self._utterance = rest

    def _flush(self) -> None:
        speaking = self._utterance is not None and self._utterance.voice_end is None
        self._finish()
        if speaking:  # what comes is the rest of a word, or the next sentence
            self._begin(self._now)
        if not self._closing:
            self._out.put_nowait(Interim("", self._now, self._now))

    def _finish(self) -> None:
        """The utterance is over: its words are final."""
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return
        utterance.stop(self._now)
        if not utterance.is_voice:
            self._utterance = utterance
            self._leave(utterance)
            return
        self._closing.append(utterance)
        if utterance.asked_end == utterance.voice_end and utterance.job is not None:
            self._pool.hasten(utterance.job)
        elif utterance.answer() is None:
            self._ask(utterance, Rank.FINAL, utterance.voice_end)
        self._settle()

    def _guess(self, utterance: Utterance) -> None:
        pace = max(GUESS_MS, int(self._pool.decode_s * 1000) * GUESS_SHARE)
        if utterance.job is None and utterance.voice_ms >= FIRST_GUESS_MS and self._now - utterance.asked_ms >= pace:
            self._ask(utterance, Rank.GUESS, None)

    def _ask(self, utterance: Utterance, rank: Rank, voice_end: int | None) -> None:
        if utterance.job is not None:
            utterance.job.drop()
        keyterms = () if self._signs else self._config.keyterms
        final, slow = rank is not Rank.GUESS, self._pool.slow
        wish = Wish(self._format, self._language, final, self._careful, slow, keyterms)
        done = partial(self._heard, utterance, voice_end, self._now)
        utterance.job = self._pool.submit(rank, wish, bytes(utterance.sound), done)
        if utterance.job is not None:
            utterance.asked_ms, utterance.asked_end = self._now, voice_end

    def _heard(self, utterance: Utterance, voice_end: int | None, end_ms: int, result: Heard | Exception) -> None:
        utterance.job = None
        if isinstance(result, Exception):
            self._out.put_nowait(result)
            return
        utterance.heard, utterance.heard_end = result, voice_end
        if utterance is self._utterance:
            self._tell(utterance, result, voice_end or end_ms, lull=voice_end is not None)
        else:
            self._settle()

    def _tell(self, utterance: Utterance, heard: Heard, end_ms: int, *, lull: bool) -> None:
        if not self._believed(heard, max(utterance.voice_ms, 1)):
            return
        text, stability = utterance.prefix.add(heard.text)
        if lull:
            text, stability = self._written(heard.text), 1.0
        self._out.put_nowait(Interim(text, utterance.voice_from, end_ms, stability))

    def _settle(self) -> None:
        """Tell what is final, in order."""
        while self._closing and (heard := self._closing[0].answer()) is not None:
            utterance = self._closing[0]
            final = utterance.final or self._final(utterance, heard)
            if self._second is not None and utterance.final is None and doubtful(final.text, self._wish):
                utterance.final = final
                self._asides.spawn(self._ask_second(self._second, utterance, final))
            if utterance.final is not None and not utterance.seconded:
                return
            self._closing.popleft()
            self._rest()
            self._room.set()
            self._out.put_nowait(final)
        if self._ended and not self._closing:
            self._out.put_nowait(None)

    async def _ask_second(self, second: SpeechToTextProvider, utterance: Utterance, first: Final | Interim) -> None:
        sound, start_ms = bytes(utterance.sound), utterance.start_ms
        if (other := await second_opinion(second, self._config, self._wish, sound, start_ms)) is not None:
            utterance.final = replace(other, start_ms=first.start_ms, end_ms=first.end_ms)
        utterance.seconded = True
        self._settle()

    def _final(self, utterance: Utterance, heard: Heard) -> Final | Interim:
        """A Final without text: somebody spoke and was not understood. An Interim without text: it was a noise."""
        assert utterance.voice_end is not None
        start_ms, end_ms = utterance.voice_from, utterance.voice_end
        sure = math.exp(min(0.0, heard.score))
        if self._believed(heard, utterance.voice_ms):
            words = tuple(
                Word(
                    w.text,
                    min(max(utterance.start_ms + w.start_ms, start_ms), end_ms),
                    min(max(utterance.start_ms + w.end_ms, start_ms), end_ms),
                    w.probability,
                )
                for w in heard.words
            )
            return Final(self._written(heard.text), start_ms, end_ms, sure, words)
        if noise(heard, utterance.voice_ms):
            return Interim("", start_ms, end_ms)
        return Final("", start_ms, end_ms, sure)

    def _believed(self, heard: Heard, voice_ms: int) -> bool:
        return believed(heard, voice_ms, asked_for=spelled(heard.text, self._wish.expect))

    def _written(self, text: str) -> str:
        return written(text, self._wish.expect)
