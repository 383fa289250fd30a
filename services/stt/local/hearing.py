"""One caller's stream in a worker: audio in, speech events out. No clock, no I/O; offsets count samples."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from parley.audio import Resampler, to_pcm
from services.stt.contract import (
    Final,
    Interim,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    SttConfig,
    Word,
)
from services.stt.local.decoding import Channel, Decoders, Decoding, Heard
from services.stt.local.detector import FRAME, FRAME_MS, RATE, Detector, Edge
from services.stt.local.numbers import written
from services.stt.local.trust import confidence, understood

if TYPE_CHECKING:
    from parley.audio import Samples

PREROLL_MS = 300
OPENING_MS = 900
INTERIM_MS = 240
LONGEST_MS = 20_000
_LEAST_SPEECH_MS = 160
_SURE_SPEECH_MS = 300
_PREROLL_FRAMES = (PREROLL_MS + 10 * FRAME_MS) // FRAME_MS


class Hearing:
    """`push` audio of `config.format`, `flush` to end an utterance now, `end` when there is no more audio.

    `close` gives its decoder back, however the stream ended.
    """

    def __init__(self, config: SttConfig, decoders: Decoders) -> None:
        self._config = config
        self._decoders = decoders
        self._resampler = Resampler(config.format.rate, RATE)
        self._rest = np.zeros(0, np.int16)
        self._odd = b""
        self._before: deque[Samples] = deque(maxlen=_PREROLL_FRAMES)
        self._detector = Detector()
        self._channel = Channel(config.format.rate)
        self._utterance: Utterance | None = None
        self._frames = 0
        self._onset: int | None = None

    def push(self, data: bytes) -> Iterator[SpeechEvent]:
        samples = self._resampler.push(to_pcm(self._whole(data), self._config.format.encoding))
        samples = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(samples) - len(samples) % FRAME
        self._rest = samples[whole:].copy()
        for at in range(0, whole, FRAME):
            yield from self._frame(samples[at : at + FRAME])

    def flush(self) -> Iterator[SpeechEvent]:
        """The words so far as a Final, or an Interim without text: there are none."""
        answered = False
        for event in self.end():
            answered = answered or isinstance(event, Final | Interim)
            yield event
        if not answered:
            yield Interim("", self._now, self._now)

    def end(self) -> Iterator[SpeechEvent]:
        """No more audio: what is still to be said."""
        if self._utterance is not None:
            self._detector.reset()
            yield from self._end(self._now)

    def close(self) -> None:
        if self._utterance is not None:
            self._utterance.drop()
            self._utterance = None

    @property
    def _now(self) -> int:
        """Leg time at the end of the last frame."""
        return self._config.offset_ms + self._frames * FRAME_MS

    def _whole(self, data: bytes) -> bytes:
        """Whole samples: a message may end inside one."""
        data = self._odd + data
        cut = len(data) - len(data) % self._config.format.sample_bytes
        self._odd = data[cut:]
        return data[:cut]

    def _frame(self, frame: Samples) -> Iterator[SpeechEvent]:
        self._frames += 1
        edge = self._detector.push(frame)
        if self._utterance is None:
            self._before.append(frame)
            if edge is Edge.STARTED:
                yield from self._start()
            return
        yield from self._listen(frame)
        if edge is Edge.ENDED:
            yield from self._end(self._now - self._detector.quiet_ms)
        elif self._utterance.length_ms >= LONGEST_MS:
            yield from self._end(self._now)
            self._detector.reset()

    def _start(self) -> Iterator[SpeechEvent]:
        self._onset = self._now - self._detector.onset_ms
        kept = min(len(self._before), (PREROLL_MS + self._detector.onset_ms) // FRAME_MS)
        frames = list(self._before)[len(self._before) - kept :]
        self._before.clear()
        self._utterance = Utterance(self._decoders, self._channel, self._now - kept * FRAME_MS)
        for frame in frames:
            yield from self._listen(frame)

    def _listen(self, frame: Samples) -> Iterator[SpeechEvent]:
        """The utterance goes on. It is announced, and decoded, once it is like a voice."""
        assert self._utterance is not None
        if self._onset is not None and self._detector.like_voice:
            yield SpeechStarted(self._onset)
            self._onset = None
        yield from self._utterance.push(frame, self._detector.speech_ms, voice=self._onset is None)

    def _end(self, speech_end_ms: int) -> Iterator[SpeechEvent]:
        utterance, self._utterance = self._utterance, None
        assert utterance is not None
        if self._onset is not None:
            return
        yield SpeechStopped(speech_end_ms)
        yield utterance.finish(self._detector.speech_ms, speech_end_ms)


class Utterance:
    """From the pre-roll to the end of speech.

    The first 900 ms are collected, to learn the channel from. Before it is like a voice the last 900 ms are.
    """

    def __init__(self, decoders: Decoders, channel: Channel, start_ms: int) -> None:
        self._decoders = decoders
        self._channel = channel
        self._decoding: Decoding | None = None
        self._start_ms = start_ms
        self._opening: deque[Samples] = deque()
        self._frames = 0
        self._last: list[str] = []

    @property
    def length_ms(self) -> int:
        return self._frames * FRAME_MS

    def push(self, frame: Samples, speech_ms: int, voice: bool) -> Iterator[SpeechEvent]:
        self._frames += 1
        if self._decoding is not None:
            self._decoding.feed(frame)
        else:
            self._opening.append(frame)
            if self.length_ms < OPENING_MS:
                return
            if not voice:
                self._opening.popleft()
                self._frames -= 1
                self._start_ms += FRAME_MS
                return
            self._begin()
        if speech_ms >= _SURE_SPEECH_MS and self.length_ms % INTERIM_MS == 0:
            yield from self._interim()

    def finish(self, speech_ms: int, speech_end_ms: int) -> Final | Interim:
        """What was said. A Final without text: speech, but not understood.

        An Interim without text takes back what was guessed: too short or too unsure to have been speech.
        """
        heard = (self._decoding or self._begin()).finish()
        sure = confidence(heard)
        if speech_ms < _LEAST_SPEECH_MS or (speech_ms < _SURE_SPEECH_MS and not understood(heard)):
            return Interim("", self._start_ms + PREROLL_MS, speech_end_ms)
        if not understood(heard):
            return Final("", self._start_ms + PREROLL_MS, speech_end_ms, sure)
        return self._final(heard, sure)

    def drop(self) -> None:
        if self._decoding is not None:
            self._decoding.drop()

    def _begin(self) -> Decoding:
        opening = np.concatenate(self._opening)
        self._opening.clear()
        self._decoding = Decoding(self._decoders, self._channel)
        self._decoding.begin(opening)
        self._decoding.feed(opening)
        return self._decoding

    def _interim(self) -> Iterator[SpeechEvent]:
        words = self._decoding.words_so_far() if self._decoding else []
        if not words or words == self._last:
            return
        same = len(os.path.commonprefix([words, self._last]))
        self._last = words
        yield Interim(written(words), self._start_ms + PREROLL_MS, self._start_ms + self.length_ms, same / len(words))

    def _final(self, heard: Heard, sure: float) -> Final:
        words = tuple(
            Word(w.text, self._start_ms + w.start_ms, self._start_ms + w.end_ms, w.probability) for w in heard.words
        )
        return Final(written([w.text for w in words]), words[0].start_ms, words[-1].end_ms, sure, words)
