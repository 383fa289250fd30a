"""How loud a caller is, and the same sound at the level that the recogniser's means were taken at.

Level is the first cepstrum. Left to the cepstral mean alone, callers 8 dB fainter or 4 dB louder made half as many word
errors again on a telephone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from parley.audio import Samples

LEVEL_DB = -20.0
MOST_DB = 24.0
_FRAME = 320
_LOUD = 90
_FULL_SCALE = 32768.0


def gain_for(samples: Samples) -> float:
    """Factor that brings the louder frames of 20 ms (the 90th percentile) to -20 dBFS; at most 24 dB either way."""
    frames = samples[: len(samples) - len(samples) % _FRAME].reshape(-1, _FRAME).astype(np.float32)
    if not len(frames):
        return 1.0
    loud = float(np.percentile(np.sqrt((frames**2).mean(axis=1)), _LOUD))
    most = 10 ** (MOST_DB / 20)
    return min(most, max(1 / most, _FULL_SCALE * 10 ** (LEVEL_DB / 20) / (loud + 1)))


def levelled(samples: Samples, gain: float) -> Samples:
    louder: Samples = np.clip(np.rint(samples * gain), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    return louder
