"""A caller's voice for tests, and the sounds around it."""

from functools import lru_cache

import numpy as np
import soxr
from numpy.typing import NDArray

from parley.audio import pcm_to_mulaw
from testbed.vendors.espeak import speak

KLATT = "en-us+klatt4"
RATE = 16000


class Voice:
    def say(self, text: str, voice: str = KLATT, wpm: int = 130) -> NDArray[np.int16]:
        """The text as 16 kHz samples at about -20 dBFS, without silence around it. Raises ValueError (voice)."""
        return _resampled(*speak(text, voice, wpm), RATE)


@lru_cache(maxsize=1)
def voice() -> Voice:
    return Voice()


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(int(seconds * RATE), np.int16)


def noise(seconds: float, level_db: float, seed: int = 1) -> NDArray[np.int16]:
    """White noise of a level in dBFS."""
    samples = np.random.default_rng(seed).normal(0, 32768 * 10 ** (level_db / 20), int(seconds * RATE))
    return np.clip(samples, -32768, 32767).astype(np.int16)


def as_mulaw(samples: NDArray[np.int16]) -> bytes:
    """16 kHz samples as a telephone carries them: 8 kHz µ-law."""
    return pcm_to_mulaw(_resampled(samples, RATE, 8000))


def _resampled(samples: NDArray[np.int16], rate: int, wanted: int) -> NDArray[np.int16]:
    """In floats: 16-bit samples would get dither, other each time."""
    out = soxr.resample(samples.astype(np.float32), rate, wanted)
    rounded: NDArray[np.int16] = np.clip(np.rint(out), -32768, 32767).astype(np.int16)
    return rounded
