"""WAV files in and out of the telephone's format."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from parley.audio import Resampler, mulaw_to_pcm, pcm_to_mulaw
from parley.errors import BadInput

RATE = 8000
MAX_S = 600


def read_wav(path: Path) -> bytes:
    """A WAV file as 8 kHz µ-law; 16-bit, any rate, mono or stereo (mixed). Raises BadInput naming the file."""
    remedy = "give a 16-bit PCM WAV, mono or stereo"
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate, frames = file.getparams()[:4]
            if width != 2:
                raise BadInput(f"{path}: {width * 8}-bit samples; {remedy}")
            if channels not in (1, 2):
                raise BadInput(f"{path}: {channels} channels; {remedy}")
            if not 1000 <= rate <= 384_000:
                raise BadInput(f"{path}: a rate of {rate} Hz; give 1,000 to 384,000 Hz")
            if frames > MAX_S * rate:
                raise BadInput(f"{path}: {frames / rate:.0f} s long; at most {MAX_S} s can be played")
            data = file.readframes(frames)
    except (wave.Error, EOFError) as error:
        raise BadInput(f"{path}: not a PCM WAV file ({error or 'it ends too soon'}); {remedy}") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    samples = np.frombuffer(data[: len(data) - len(data) % (2 * channels)], "<i2")
    if not len(samples):
        raise BadInput(f"{path}: holds no sound")
    if channels == 2:
        samples = samples.reshape(-1, 2).astype(np.int32).mean(axis=1).astype(np.int16)
    return pcm_to_mulaw(Resampler(rate, RATE).push(samples, last=True))


def write_wav(path: Path, mulaw: bytes) -> None:
    """µ-law as a WAV of 8 kHz, mono, 16-bit. Raises BadInput when the file cannot be written."""
    try:
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(mulaw_to_pcm(mulaw).tobytes())
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from error
