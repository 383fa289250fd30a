"""A recogniser that hears the bot come back by a speakerphone, and mishears it as recognisers do.

What it makes of the echo does not follow from the sound but from the words that the caller's side has heard: so a
faint echo gives words too, and each kind of mistake can be had at every level. The caller's own words come from the
sound, as always; of an echo under them nothing is understood.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from testbed.turns.listener import HeardWord, Listener
from testbed.vendors.decoder import Word
from testbed.vendors.deepgram.ear import Ear

KINDS = ("clean", "half", "sparse", "garbled", "other", "merged", "parted", "late", "shifted", "mixed")
_SHIFT_MS = 250
_APART_MS = 400
"""Words so far apart are not made one."""
_OTHER = ("rose", "white", "mode", "seen", "the", "whole", "there", "been", "won", "four", "rest", "hat", "light")
"""What a recogniser makes of words that it has not understood."""


@dataclass(frozen=True, slots=True)
class Mishears:
    """How an echo is understood. `share`: of its words, those that this happens to."""

    kind: str
    seed: int
    share: float = 0.5

    @property
    def late_ms(self) -> float:
        """So long after their sound words are told, the caller's too."""
        return 900.0 if self.kind == "late" else 0.0


class SpeakerphoneEar(Ear):
    """`listener`: what came out of the speaker; it comes back `delay_ms` later. Times of the call are seconds.

    `own`: the words the caller says; `speaks`: whether they do at this time.
    """

    def __init__(
        self,
        mishears: Mishears,
        listener: Listener,
        delay_ms: float,
        answered: float,
        own: frozenset[str],
        speaks: Callable[[float], bool],
    ) -> None:
        super().__init__("mulaw", 8000)
        self._kind, self._share = mishears.kind, mishears.share
        self._random = random.Random(mishears.seed)
        self._listener = listener
        self._delay_ms = delay_ms
        self._answered = answered
        self._own, self._speaks = own, speaks
        self._next = 0
        self._waiting: list[tuple[float, Word]] = []
        self._before: Word | None = None

    def hear(self, data: bytes) -> list[Word]:
        said = [word for word in super().hear(data) if word.text in self._own and self._in_speech(word)]
        new = self._listener.words[self._next :]
        self._next += len(new)
        for heard in new:
            self._mishear(heard)
        if self._before is not None and self.now_ms - self._before.end_ms > _APART_MS:
            self._wait(self._before, 0.0)
            self._before = None
        due = [word for at, word in self._waiting if at <= self.now_ms]
        self._waiting = [(at, word) for at, word in self._waiting if at > self.now_ms]
        echoed = [word for word in due if not self._in_speech(word)]
        return sorted([*said, *echoed], key=lambda word: word.start_ms)

    def _in_speech(self, word: Word) -> bool:
        return self._speaks(self._answered + (word.start_ms + word.end_ms) / 2000)

    def _leg_ms(self, at: float) -> float:
        return (at - self._answered) * 1000

    def _mishear(self, heard: HeardWord) -> None:
        begin, end = (self._leg_ms(at) + self._delay_ms for at in (heard.start, heard.end))
        word, kind = Word(heard.text, begin, end), self._kind
        if kind == "mixed":
            kind = self._random.choice(KINDS[:-1])
        happens = self._random.random() < self._share
        late = 30.0
        if kind == "half" and happens:
            return
        if kind == "sparse" and self._random.random() < 0.75:
            return
        if kind == "garbled" and happens:
            word = Word(self._misspelt(word.text), begin, end)
        elif kind == "other" and happens:
            word = Word(self._random.choice(_OTHER), begin, end)
        elif kind == "shifted":
            by = self._random.uniform(-_SHIFT_MS, _SHIFT_MS)
            word = Word(word.text, max(0.0, begin + by), max(1.0, end + by))
        elif kind == "parted" and happens and len(word.text) >= 4:
            half, middle = len(word.text) // 2, (begin + end) / 2
            self._wait(Word(word.text[:half], begin, middle), late)
            word = Word(word.text[half:], middle, end)
        elif kind == "merged" and happens and self._before is None:
            self._before = word
            return
        if self._before is not None:
            word = Word(self._before.text + word.text, self._before.start_ms, end)
            self._before = None
        self._wait(word, late)

    def _wait(self, word: Word, late_ms: float) -> None:
        self._waiting.append((word.end_ms + late_ms, word))

    def _misspelt(self, text: str) -> str:
        letters = list(text)
        for _ in range(1 + len(letters) // 3):
            at = self._random.randrange(len(letters))
            letters[at] = self._random.choice("aeioulnrst")
        return "".join(letters)
