"""Where an utterance begins and ends, by level and voice activity: cheap, inside the recogniser.

Speech is a frame that is louder than the noise floor and that the WebRTC detector (in pocketsphinx) calls voice.
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import pocketsphinx

if TYPE_CHECKING:
    from parley.audio import Samples

RATE = 16000
FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000
END_QUIET_MS = 400
_WINDOW = 10
_TO_START = 6
_FLOOR_DB = -60.0
_ABOVE_FLOOR_DB = 8.0
_RISE_DB = 3.0 * FRAME_MS / 1000
_FALL = 0.3


class Edge(Enum):
    NONE = 0
    STARTED = 1
    ENDED = 2


class Detector:
    """Takes frames of 20 ms at 16 kHz, tells the edges of utterances. `quiet_ms`: since the last speech frame.

    Starts at 6 speech frames of 10, ends after 400 ms without one. The floor follows falling levels in about 60 ms
    and rises by 3 dB a second, so that a steady noise stops being loud.
    """

    def __init__(self) -> None:
        self._vad = pocketsphinx.Vad(2, RATE, FRAME_MS / 1000)
        self._floor = _FLOOR_DB
        self._recent: deque[bool] = deque(maxlen=_WINDOW)
        self.speaking = False
        self.quiet_ms = 0
        self.speech_ms = 0

    def push(self, frame: Samples) -> Edge:
        speech = self._is_speech(frame)
        self._recent.append(speech)
        if not self.speaking:
            if sum(self._recent) < _TO_START:
                return Edge.NONE
            self.speaking, self.quiet_ms, self.speech_ms = True, 0, _TO_START * FRAME_MS
            return Edge.STARTED
        self.quiet_ms = 0 if speech else self.quiet_ms + FRAME_MS
        self.speech_ms += FRAME_MS if speech else 0
        if self.quiet_ms < END_QUIET_MS:
            return Edge.NONE
        self.reset()
        return Edge.ENDED

    @property
    def onset_ms(self) -> int:
        """How long ago the speech that has just started began."""
        first = next((i for i, speech in enumerate(self._recent) if speech), 0)
        return (len(self._recent) - first) * FRAME_MS

    def reset(self) -> None:
        """Back to waiting for speech; the noise floor is kept."""
        self.speaking = False
        self._recent.clear()

    def _is_speech(self, frame: Samples) -> bool:
        wide = frame.astype(np.float32)
        level = 10 * math.log10(float(np.dot(wide, wide)) / len(wide) / 2**30 + 1e-10)
        loud = level > self._floor + _ABOVE_FLOOR_DB
        step = _FALL * (level - self._floor) if level < self._floor else _RISE_DB
        self._floor = max(_FLOOR_DB, self._floor + step)
        return loud and bool(self._vad.is_speech(frame.tobytes()))
