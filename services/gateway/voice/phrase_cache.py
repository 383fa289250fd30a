"""Sound that was made once and will be wanted again: short fixed sentences, by voice, format and text.

One per process, for all its calls. Kept here and not in tts, since what is here sounds without a stream, a hop or an
await, and also when no voice can be had. Only fillers and notices are kept: they are the agent's own sentences, while
an answer is somebody's. The bytes are bounded; what was not used for the longest time goes first.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from parley.v1 import tts_pb2
from services.gateway.metrics import SPOKEN_BYTES, SPOKEN_FOUND
from services.gateway.mouth.track import Word

KEPT_S = 3_600.0
"""tts may have fallen back to another engine: a sentence in the wrong voice must not stay for ever."""
_WORD_BYTES = 100
_LARGEST = 4
"""A sentence may take this part of the room, one in so many."""
UNSURE_S = 5.0
"""After another voice was configured: a call that begins meanwhile may have either, and nothing of it is kept."""
CALLS = 20_000
"""Whose voices are remembered; those that were heard of longest ago go first."""


class Key(NamedTuple):
    voice: str
    language: str
    speed: float
    encoding: int
    rate: int
    text: str
    voices: int = 0  # counts the changes of the voices' configuration; -1: not known which of two


def key_of(config: tts_pb2.SynthesizeConfig, text: str) -> Key:
    """What makes two sentences sound the same."""
    sound = config.format
    return Key(config.voice, config.language, config.speed, sound.encoding, sound.sample_rate_hz, text)


@dataclass(frozen=True, slots=True)
class Sound:
    """A whole sentence as the voice gave it, in the format of its key, and when its words sound."""

    audio: bytes
    words: tuple[Word, ...]


class PhraseCache:
    """At most `max_bytes` of sound; 0 keeps nothing."""

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Sound]] = OrderedDict()
        self._bytes = 0
        self._voices = 0
        self._unsure_until = 0.0
        self._calls: OrderedDict[str, int] = OrderedDict()

    def voices_changed(self) -> None:
        """Calls that begin from now on are spoken to by others; those that are here keep theirs."""
        self._voices += 1
        self._unsure_until = self._clock() + UNSURE_S

    def key(self, config: tts_pb2.SynthesizeConfig, text: str) -> Key:
        """What a sentence is kept as, for the call of the config."""
        voices = self._calls.get(config.call_id)
        if voices is None:
            voices = self._calls[config.call_id] = -1 if self._clock() < self._unsure_until else self._voices
            if len(self._calls) > CALLS:
                self._calls.popitem(last=False)
        return key_of(config, text)._replace(voices=voices)

    def __contains__(self, key: Key) -> bool:
        kept = self._kept.get(key)
        return kept is not None and self._clock() - kept[0] < KEPT_S

    def find(self, key: Key) -> Sound | None:
        """The sound of a sentence; None when it must be made."""
        if key not in self:
            SPOKEN_FOUND.labels("miss").inc()
            return None
        SPOKEN_FOUND.labels("hit").inc()
        self._kept.move_to_end(key)
        return self._kept[key][1]

    def keep(self, key: Key, sound: Sound) -> None:
        """Remember it, in the place of what was not wanted for the longest time. One too large is not kept."""
        if _size(sound) * _LARGEST > self._max_bytes or not sound.audio or key.voices < 0:
            return
        self._forget(key)
        self._kept[key] = self._clock(), sound
        self._bytes += _size(sound)
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))
        SPOKEN_BYTES.set(self._bytes)

    def _forget(self, key: Key) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(kept[1])


def _size(sound: Sound) -> int:
    return len(sound.audio) + _WORD_BYTES * len(sound.words)
