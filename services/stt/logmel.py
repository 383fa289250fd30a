"""Log-mel features as Whisper has them: 10 ms a frame, 25 ms windows at 16 kHz. Float32 in and out.

Slaney's mel scale; log10, at most 8 below the loudest, then (x + 4) / 4. Whisper takes the samples as they are; what is
made with its extractor's `do_normalize` takes them `normalised`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE = 16000
BANDS = 80
_WINDOW, _HOP = 400, 160
_TOP_HZ = 8000.0
_LINEAR_HZ, _LINEAR_STEP, _LOG_STEP = 1000.0, 200.0 / 3, np.log(6.4) / 27


def normalised(samples: Floats) -> Floats:
    """At zero mean and unit variance."""
    scaled: Floats = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    return scaled


def log_mel(samples: Floats, bands: int = BANDS) -> Floats:
    """(bands, len(samples) / 160) of mono samples at 16 kHz."""
    padded = np.pad(samples, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][: len(samples) // _HOP]
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    spectrum = np.fft.rfft(frames * window, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    levels = np.log10(np.maximum(power @ filters(bands), 1e-10))
    levels = np.maximum(levels, levels.max() - 8.0)
    features: Floats = ((levels + 4.0) / 4.0).T.astype(np.float32)
    return features


@lru_cache(maxsize=2)
def filters(bands: int = BANDS) -> Floats:
    """(201, bands): triangles on Slaney's mel scale from 0 to 8 kHz, each of equal area."""
    edges = _hz(np.linspace(0.0, _mel(_TOP_HZ), bands + 2))
    bins = np.linspace(0.0, RATE / 2, _WINDOW // 2 + 1)
    below, at, above = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - below) / (at - below)
    falling = (above - bins[:, None]) / (above - at)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (above - below))
    made: Floats = triangles.astype(np.float32)
    return made


def _mel(hz: float) -> float:
    linear = hz / _LINEAR_STEP
    return float(linear if hz < _LINEAR_HZ else _LINEAR_HZ / _LINEAR_STEP + np.log(hz / _LINEAR_HZ) / _LOG_STEP)


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = _LINEAR_HZ / _LINEAR_STEP
    hz: NDArray[np.float64] = np.where(mels < knee, mels * _LINEAR_STEP, _LINEAR_HZ * np.exp(_LOG_STEP * (mels - knee)))
    return hz
