"""A caller's voice for tests: eSpeak NG in a process of its own, asked by one JSON line, answering in samples.

`python -m tests.stt_local.voice` is that process.
"""

import json
import subprocess
import sys
from functools import lru_cache

import numpy as np
import soxr
from numpy.typing import NDArray

from parley.audio import pcm_to_mulaw

KLATT = "en-us+klatt4"
RATE = 16000


class Voice:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stt_local.voice"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def say(self, text: str, voice: str = KLATT, wpm: int = 130) -> NDArray[np.int16]:
        """The text as 16 kHz samples at about -20 dBFS, without silence around it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([text, voice, wpm]).encode() + b"\n")
        self._process.stdin.flush()
        rate, size = json.loads(self._process.stdout.readline())
        samples = np.frombuffer(self._process.stdout.read(size), np.int16)
        out: NDArray[np.int16] = soxr.resample(samples, rate, RATE)
        return out

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(5)


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
    return pcm_to_mulaw(soxr.resample(samples, RATE, 8000).astype(np.int16))


def _serve() -> None:
    from tests.sims.espeak import speak

    for line in sys.stdin.buffer:
        samples, rate = speak(*json.loads(line))
        data = samples.tobytes()
        sys.stdout.buffer.write(json.dumps([rate, len(data)]).encode() + b"\n" + data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
