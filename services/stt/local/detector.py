"""Where an utterance begins and ends, by level and voice activity: cheap, inside the recogniser.

Speech is a frame that is louder than the noise floor and that the WebRTC detector (in pocketsphinx) calls voice. An
utterance also needs what noises and tones lack: periodic frames (a pitch), and a level that moves.
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import pocketsphinx

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parley.audio import Samples

RATE = 16000
FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000
END_QUIET_MS = 400
_WINDOW = 10
_TO_START = 6
_JUDGED = 100
_FLOOR_DB = -60.0
_ABOVE_FLOOR_DB = 8.0
_RISE_DB = 3.0 * FRAME_MS / 1000
_FALL = 0.3
_PERIODIC = 0.45
_LEAST_PERIODIC = 0.2
_LEAST_SPREAD_DB = 2.0
_PITCH_LAGS = slice(RATE // 400, RATE // 70)


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
        self._previous = np.zeros(FRAME, np.float32)
        self._levels: deque[float] = deque(maxlen=_JUDGED)
        self._periodic: deque[bool] = deque(maxlen=_JUDGED)

    @property
    def like_voice(self) -> bool:
        """Whether the speech frames of this utterance (the last 2 s of them) have pitch and move in level."""
        if len(self._levels) < _TO_START:
            return False
        spread = float(np.std(self._levels))
        return sum(self._periodic) >= _LEAST_PERIODIC * len(self._periodic) and spread >= _LEAST_SPREAD_DB

    def push(self, frame: Samples) -> Edge:
        speech = self._is_speech(frame)
        self._recent.append(speech)
        if not self.speaking:
            if sum(self._recent) < _TO_START:
                return Edge.NONE
            self._start()
            return Edge.STARTED
        self.quiet_ms = 0 if speech else self.quiet_ms + FRAME_MS
        self.speech_ms += FRAME_MS if speech else 0
        if self.quiet_ms < END_QUIET_MS:
            return Edge.NONE
        self.reset()
        return Edge.ENDED

    def _start(self) -> None:
        self.speaking, self.quiet_ms, self.speech_ms = True, 0, _TO_START * FRAME_MS
        while len(self._levels) > sum(self._recent):
            self._levels.popleft()
            self._periodic.popleft()

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
        previous, self._previous = self._previous, wide
        if not loud or not self._vad.is_speech(frame.tobytes()):
            return False
        self._levels.append(level)
        self._periodic.append(_periodicity(np.concatenate((previous, wide))) >= _PERIODIC)
        return True


def _periodicity(samples: NDArray[np.float32]) -> float:
    """0..1: the highest autocorrelation of 40 ms at a lag of a human pitch (70-400 Hz)."""
    samples = samples - samples.mean()
    spectrum = np.fft.rfft(samples, 2 * len(samples))
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[: len(samples)]
    overlap = 1 - np.arange(len(samples)) / len(samples)
    return float(np.max(correlation[_PITCH_LAGS] / overlap[_PITCH_LAGS]) / (correlation[0] + 1.0))
