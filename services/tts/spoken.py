"""What of one utterance has become sound, over all the engines that had a part in it. Pure."""

from __future__ import annotations

from dataclasses import replace

from parley.audio import AudioFormat
from parley.text.words import has_words, least_ms
from services.tts.contract import AudioChunk, WordTime
from services.tts.words import spread

TAIL_MS = 40
"""So much of a word may be missing at the end of the audio."""


class Spoken:
    """Audio in whole samples and words whose audio has come, on the stream's own scales."""

    def __init__(self, audio: AudioFormat) -> None:
        self._bytes_per_ms = audio.bytes_per_ms
        self._sample = audio.sample_bytes
        self._size = 0
        self._odd = b""
        self._waiting: list[WordTime] = []
        self.told_to = 0
        """Characters that have become audio, whole words."""
        self.begin()

    @property
    def ms(self) -> float:
        return self._size / self._bytes_per_ms

    def begin(self) -> None:
        """A new engine goes on from here: its offsets and times count from these."""
        self.char_base = self.told_to
        self._ms_base = self.ms
        self._told_ms = self.ms
        self.sounded = False
        self.tells_words = False
        self.waited_s = 0.0
        """For sound, since there was some; messages without any do not count."""

    def take(self, chunk: AudioChunk) -> AudioChunk:
        """The same audio in whole samples, with the words that are complete by its end, on the stream's own scales."""
        data = self._odd + chunk.data if self._odd else chunk.data
        odd = len(data) % self._sample
        self._odd, data = (data[-odd:], data[:-odd]) if odd else (b"", data)
        self._size += len(data)
        if data:
            self.sounded, self.waited_s = True, 0.0
        for word in chunk.words:
            self.tells_words = True
            start, end = (int(self._ms_base) + ms for ms in (word.start_ms, word.end_ms))
            self._waiting.append(WordTime(self.char_base + word.char_start, self.char_base + word.char_end, start, end))
        # A millisecond of grace: vendors round.
        return AudioChunk(data, self._told(self._sounded_by(self.ms + 1)))

    def finish(self, text: str) -> tuple[tuple[WordTime, ...], bool]:
        """The audio is complete: the words not told yet that have sounded, and whether these are all of the text.

        The last breath of a word may be missing. Words of which the engine's times say otherwise, or nothing, have
        sounded if the audio that is left is long enough for them; where it tells no times at all, if there is any.
        """
        told = self._told(self._sounded_by(self.ms + TAIL_MS))
        if not has_words(text, self.told_to):
            return told, True
        left_ms = self.ms - min(self._told_ms, self.ms)
        if left_ms < (least_ms(text[self.told_to :]) if self.tells_words else 1):
            return told, False
        self._waiting = spread(text, self.told_to, len(text), self.ms - left_ms, self.ms)
        return told + self._told(len(self._waiting)), True

    def abandon(self) -> None:
        """The engine failed: words whose audio never came are forgotten."""
        self._waiting.clear()
        self._odd = b""

    def _sounded_by(self, ms: float) -> int:
        """How many of the waiting words have ended by then."""
        for n, word in enumerate(self._waiting):
            if word.end_ms > ms:
                return n
        return len(self._waiting)

    def _told(self, count: int) -> tuple[WordTime, ...]:
        if not count:
            return ()
        words, self._waiting = self._waiting[:count], self._waiting[count:]
        last, until = words[-1], int(self.ms) + 1
        if last.end_ms > until or last.start_ms > until:
            words[-1] = last = replace(last, end_ms=min(last.end_ms, until), start_ms=min(last.start_ms, until))
        self.told_to, self._told_ms = last.char_end, last.end_ms
        return tuple(words)
