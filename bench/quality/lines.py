"""How a caller's voice comes to us: the page, a telephone, a telephone in the street. The same each time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from parley.audio import BROWSER, TELEPHONE, AudioFormat
from testbed.voice import as_mulaw, noise

Samples = NDArray[np.int16]
RATE = 16000
BEFORE_S, AFTER_S = 0.5, 1.2
FAINT_DB = -65.0
STREET_DB = -35.0
"""15 dB below speech, which is at -20: a telephone held to the ear beside a busy road."""
LINES: dict[str, AudioFormat] = {"page": BROWSER, "telephone": TELEPHONE, "street": TELEPHONE}
_STREET_S = 30


def carried(speech: Samples, line: str) -> bytes:
    """What arrives: BEFORE_S of the line's noise, the speech, AFTER_S of noise."""
    quiet = [np.zeros(int(seconds * RATE), np.int16) for seconds in (BEFORE_S, AFTER_S)]
    samples = np.concatenate([quiet[0], speech, quiet[1]]).astype(np.int32)
    under = street() if line == "street" else noise(_STREET_S, FAINT_DB)
    samples += np.resize(under, len(samples))
    sound = np.clip(samples, -32768, 32767).astype(np.int16)
    return as_mulaw(sound) if LINES[line] is TELEPHONE else sound.tobytes()


@lru_cache(maxsize=1)
def street() -> Samples:
    """Traffic: noise that falls by 3 dB an octave between 100 Hz and 4 kHz, and swells as cars pass. Synthetic."""
    rng = np.random.default_rng(9)
    size = _STREET_S * RATE
    spectrum = np.fft.rfft(rng.normal(0, 1, size))
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    spectrum *= np.where((hertz > 100) & (hertz < 4000), 1 / np.sqrt(np.maximum(hertz, 1)), 0)
    seconds = np.arange(size) / RATE
    swell = 1 + 0.5 * np.sin(2 * np.pi * 0.2 * seconds) + 0.3 * np.sin(2 * np.pi * 0.47 * seconds + 1)
    sound = np.fft.irfft(spectrum, size) * swell
    sound *= 32768 * 10 ** (STREET_DB / 20) / np.sqrt(np.mean(sound**2))
    rounded: Samples = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
    return rounded
