"""How loud sound is, in level units, and when a caller's level rises or falls. Pure; a frame costs about a microsecond.

A level is the mean of the samples' µ-law codes without their signs: 0 is silence, 127 full scale, 16 units are 6 dB
where it is loud and more where it is quiet. Speech of -40 dBov has about 20, of -26 dBov about 45.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import log2

import numpy as np

from parley.audio import AudioFormat, from_pcm, to_pcm

RISE, FALL = 14, 9
"""Above the quietest of late, in level units, to count as sound, and to stay it."""
FRAME_MS = 20
_FLOOR_UP = 0.08
_MIN_FLOOR = 4.0

_BY_CODE = {
    "mulaw": bytes(127 - (code & 0x7F) for code in range(256)),
    "alaw": bytes(127 - (code & 0x7F) for code in from_pcm(to_pcm(bytes(range(256)), "alaw"), "mulaw")),
}
_PEAKY = 0.75
"""The mean of the codes is less than the code of the mean, by this much for speech."""


def _of_codes(levels: bytes, sound: bytes) -> int:
    return sum(sound.translate(levels)) // (len(sound) or 1)


def _of_pcm(sound: bytes) -> int:
    some = np.frombuffer(sound, "<i2")[::4] >> 1  # a quarter is enough for a mean; halved, the lowest has a magnitude
    mean = 2 * int(np.abs(some).sum()) / (len(some) or 1)
    return min(127, int(16 * log2(mean * _PEAKY / 132 + 1)))


def level_of(sound: AudioFormat) -> Callable[[bytes], int]:
    """The level of whole samples in this format."""
    levels = _BY_CODE.get(sound.encoding)
    return partial(_of_codes, levels) if levels is not None else _of_pcm


class Level:
    """Follows one caller's level. `heard(frame)` is True when the level has just risen or fallen."""

    def __init__(self, sound: AudioFormat) -> None:
        self._level_of = level_of(sound)
        self._floor = 16.0
        self.voiced = False
        self.now = 0
        """The newest frame's level."""

    def heard(self, frame: bytes) -> bool:
        self.now = level = self._level_of(frame)
        self._floor = max(_MIN_FLOOR, min(float(level), self._floor + _FLOOR_UP))
        voiced = level > self._floor + (FALL if self.voiced else RISE)
        if voiced == self.voiced:
            return False
        self.voiced = voiced
        return True
