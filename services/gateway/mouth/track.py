"""The sound of one utterance: kept until it was heard, with the times of its words. Pure; ms and bytes only.

Milliseconds here are *track time*: since the utterance's first audio byte. Characters are code points of its text.
"""

from __future__ import annotations

from dataclasses import dataclass

from parley.audio import AudioFormat
from parley.text.scripts import weight
from parley.text.words import has_words, least_ms, units

LETTERS_PER_S = 15.0
"""How fast voices read, when nobody says when the words sound: about four syllables a second. In Latin letters."""
_KEPT_BEHIND_MS = 5_000
_SURELY_UNTOLD_MS = 600
"""Sound beyond the last word told, longer than the silence a voice ends with: words that will not be told."""


@dataclass(frozen=True, slots=True)
class Word:
    """When a word of the utterance's text sounds."""

    char_start: int
    char_end: int
    start_ms: int
    end_ms: int


class Track:
    """Audio and words as they come from the voice; `take` is what goes out next, `rewind` goes back to a word."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._per_ms = audio_format.bytes_per_ms
        self._audio = bytearray()
        self._dropped = 0
        self._cursor = 0
        self.text = ""
        self.text_complete = False
        self.audio_complete = False
        self.broken = False
        """Its sound is complete in so far as no more will come: not all words have some."""
        self.engine = ""
        """Whose voice the newest of it is, where it was told."""
        self.words: list[Word] = []
        self._estimated: tuple[tuple[int, int, float], list[Word]] = ((0, 0, 0.0), [])

    @property
    def size_ms(self) -> float:
        """Audio received so far."""
        return (self._dropped + len(self._audio)) / self._per_ms

    @property
    def sent_ms(self) -> float:
        """Audio given out so far."""
        return self._cursor / self._per_ms

    @property
    def ahead_ms(self) -> float:
        """Audio received and not given out."""
        return self.size_ms - self.sent_ms

    @property
    def exhausted(self) -> bool:
        """Everything there will ever be was given out."""
        return self.audio_complete and self._cursor >= self._dropped + len(self._audio)

    def append(self, data: bytes, words: list[Word]) -> None:
        """More sound. Words must not begin before the ones already told."""
        self._audio += data
        self.words.extend(words)

    def take(self, ms: int) -> bytes:
        """Up to `ms` of what comes next; empty when there is none."""
        start = self._cursor - self._dropped
        piece = bytes(self._audio[start : start + ms * self._per_ms])
        self._cursor += len(piece)
        return piece

    def whole(self) -> bytes | None:
        """All of the sound; None when some was let go of, or is to come."""
        return None if self._dropped or not self.audio_complete else bytes(self._audio)

    def forget(self, heard_ms: float) -> None:
        """Let go of audio that was heard long enough ago that nothing will go back to it."""
        keep_from = int(heard_ms - _KEPT_BEHIND_MS) * self._per_ms
        if keep_from - self._dropped > _KEPT_BEHIND_MS * self._per_ms:
            del self._audio[: keep_from - self._dropped]
            self._dropped = keep_from

    def rewind(self, to_ms: float) -> None:
        """The next `take` begins here (at the oldest kept audio at the earliest)."""
        wanted = int(to_ms) * self._per_ms
        self._cursor = min(max(wanted, self._dropped), self._dropped + len(self._audio))

    def chars_at(self, heard_ms: float) -> int:
        """How many characters of the text have sounded: whole words, with the space that follows them."""
        if self.audio_complete and self.text_complete and heard_ms >= self._last_sound_ms():
            return len(self.text)
        times = self.timing()
        for word in times:
            if word.end_ms > heard_ms:
                return word.char_start
        return self._next_word(times[-1].char_end) if times else 0

    def char_at(self, ms: float) -> int:
        """The character that sounds at `ms`, also inside a word."""
        word = self.word_start(ms)
        if word is None:
            return self.chars_at(ms)
        part = (ms - word.start_ms) / max(1, word.end_ms - word.start_ms)
        return word.char_start + int(max(0.0, part) * (word.char_end - word.char_start))

    @property
    def said_chars(self) -> int:
        """How far into the text the words go whose sound has come."""
        return max((word.char_end for word in self.timing() if word.end_ms <= self.size_ms), default=0)

    def word_start(self, ms: float) -> Word | None:
        """The word that sounds at `ms`, or the next one when it falls between two; None after the last."""
        return next((word for word in self.timing() if word.end_ms > ms), None)

    def lacks_sound(self, from_char: int, from_ms: float) -> bool:
        """Whether words from here on can not have sounded: no sound came for them, or too little behind those told."""
        told = next((word for word in reversed(self.words) if word.char_start >= from_char), None)
        place, begins = (told.char_end, told.end_ms) if told is not None else (from_char, from_ms)
        if not has_words(self.text, place):
            return False
        left_ms = self.size_ms - begins
        return left_ms < (least_ms(self.text[place:]) if told is not None else 1)

    def cut_to_word(self) -> int:
        """The voice broke off. Cuts unsent audio back to the end of a whole word and returns where its text goes on.

        Only words that were told count: a voice that told none is taken to have said none. Audio that was given out
        stays: then a begun word is said again from its start, never lost.
        """
        received = self.size_ms
        whole = [word for word in self.words if word.end_ms <= received and word.char_end <= len(self.text)]
        if not whole:
            self._truncate(0.0)
            self.words.clear()
            return 0
        last = whole[-1]
        self._truncate(last.end_ms)
        self.words = [word for word in self.words if word.char_start <= last.char_start]
        return self._next_word(last.char_end)

    def timing(self) -> list[Word]:
        """The words' times as told; where the voice does not tell (all of) them, estimated from the rate of speech."""
        told = self.words
        if told and self.size_ms < told[-1].end_ms + _SURELY_UNTOLD_MS:
            return told
        known = len(self.text), len(told), self.size_ms if self._whole else -1.0
        if self._estimated[0] != known:
            self._estimated = known, [*told, *self._untold()]
        return self._estimated[1]

    @property
    def _whole(self) -> bool:
        """All words have their sound."""
        return self.audio_complete and not self.broken

    def _untold(self) -> list[Word]:
        """The words behind the last one told: over the rest of the sound, or of what it will take to say them."""
        begins, place = (self.words[-1].end_ms, self.words[-1].char_end) if self.words else (0, 0)
        length = weight(self.text[place:])
        spoken = self.size_ms - begins if self._whole else length / LETTERS_PER_S * 1000
        estimated, at = [], 0
        for start, end in units(self.text, place):
            at += weight(self.text[place:start])
            until = at + weight(self.text[start:end])
            times = int(begins + at * spoken / length), int(begins + until * spoken / length)
            estimated.append(Word(start, end, *times))
            at, place = until, end
        return estimated

    def _last_sound_ms(self) -> float:
        times = self.timing()
        return min(times[-1].end_ms, self.size_ms) if times else self.size_ms

    def _truncate(self, ms: float) -> None:
        end = max(int(ms) * self._per_ms, self._cursor)
        del self._audio[max(0, end - self._dropped) :]

    def _next_word(self, char: int) -> int:
        while char < len(self.text) and self.text[char].isspace():
            char += 1
        return char
