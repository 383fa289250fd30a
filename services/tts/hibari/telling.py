"""When the words of an utterance sound, whoever said the parts of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.tts.contract import AudioChunk, TtsConfig, WordTime
from services.tts.words import spread


class Told:
    """Times of a passage on the scales of the utterance, every word's: one without a sound of its own counts as said
    with the next. While nothing at all has sounded, nothing counts as said."""

    def __init__(self, config: TtsConfig) -> None:
        self._bytes_per_ms = config.format.bytes_per_ms
        self._size = 0
        self._untold: list[WordTime] = []
        self.begin(0, "")

    def begin(self, place: int, text: str) -> None:
        self._place, self._text = place, text
        self._to = 0
        self._ms = self._size / self._bytes_per_ms

    def chunk(self, data: bytes, words: Sequence[WordTime]) -> AudioChunk:
        told: list[WordTime] = []
        for word in words:
            start, end = self._ms + word.start_ms, self._ms + word.end_ms
            told += spread(self._text, self._to, word.char_start, start, start)
            told += spread(self._text, max(self._to, word.char_start), word.char_end, start, end)
            self._to = max(self._to, word.char_end)
        self._size += len(data)
        return AudioChunk(data, self._placed(told))

    def rest(self) -> AudioChunk:
        """The words of the passage that made no sound."""
        now = self._size / self._bytes_per_ms
        told = spread(self._text, self._to, len(self._text), now, now)
        self._to = len(self._text)
        return AudioChunk(b"", self._placed(told))

    def _placed(self, words: Sequence[WordTime]) -> tuple[WordTime, ...]:
        self._untold += [
            replace(word, char_start=self._place + word.char_start, char_end=self._place + word.char_end)
            for word in words
        ]
        if not self._size:
            return ()
        told, self._untold = tuple(self._untold), []
        return told
