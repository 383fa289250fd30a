"""Which of an utterance's words its owner was told of: each once, and again when its time has changed. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from math import inf

from services.gateway.mouth.track import Track

Place = tuple[int, float]
"""A character of the text, and when the voice is there."""

AHEAD_MS = 1_500.0
"""Words are told so long before they sound: until the next telling, and half a second that it may be late."""
PAUSE_MS = 100
"""A silence so long is told, and a shorter one lost: the word before it then lasts until the next."""
CHANGED_MS = 30.0
MAX_PLACES = 24
"""Of one telling. Those behind them are told with the next."""


def places(track: Track, from_ms: float, until_ms: float) -> Iterator[Place]:
    """In track time, from the word on that sounds at `from_ms`: where words begin, and where one ends before a pause.

    Of words whose sound has not come yet, nobody knows when they will.
    """
    words, until = track.timing(), min(until_ms, track.size_ms)
    first = bisect_right(words, from_ms, key=lambda word: word.start_ms) - 1
    for n in range(max(0, first), len(words)):
        word = words[n]
        if word.start_ms >= until:
            return
        if word.end_ms <= from_ms:
            continue
        yield word.char_start, word.start_ms
        if n + 1 == len(words) or words[n + 1].start_ms - word.end_ms >= PAUSE_MS:
            yield word.char_end, word.end_ms


class Telling:
    """Of one run of its sound. `heard_ms`: how much of the utterance was heard when the owner was last told."""

    def __init__(self, heard_ms: float) -> None:
        self.heard_ms = heard_ms
        self._told: list[Place] = []

    @property
    def begun(self) -> bool:
        return bool(self._told)

    def news(self, now: list[Place], heard_ms: float) -> list[Place]:
        """What is to be told of the places as they are now, `heard_ms` of it heard: all from the first new one on."""
        known = dict(self._told)
        same = next((n for n, (char, at) in enumerate(now) if abs(known.get(char, inf) - at) > CHANGED_MS), len(now))
        if news := now[same : same + MAX_PLACES]:
            self._told = [(char, known[char]) for char, _ in now[:same]] + news
            self.heard_ms = heard_ms
        return news
