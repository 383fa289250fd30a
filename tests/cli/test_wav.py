"""WAV files that people have, as telephone sound."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from parley.audio import mulaw_to_pcm
from parley.errors import BadInput
from testbed.telephone.wav import read_wav, write_wav
from tests.cli.gateway import tone


def wav(path: Path, rate: int = 44100, channels: int = 1, width: int = 2, seconds: float = 0.5) -> Path:
    """400 Hz on the last channel, silence on the others."""
    sound = np.sin(2 * np.pi * 400 * np.arange(int(rate * seconds)) / rate) * 12000
    samples = np.zeros((len(sound), channels), np.int16)
    samples[:, -1] = sound
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes() if width == 2 else b"\x80" * len(sound) * channels * width)
    return path


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (44100, 2), (48000, 1), (22050, 2)])
def test_any_rate_mono_or_stereo(tmp_path: Path, rate: int, channels: int) -> None:
    samples = mulaw_to_pcm(read_wav(wav(tmp_path / "a.wav", rate, channels))).astype(float)
    assert len(samples) == pytest.approx(4000, abs=20)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * 8000 / len(samples) == pytest.approx(400, abs=5)
    assert np.abs(samples).max() == pytest.approx(12000 / channels, rel=0.1)


def test_what_cannot_be_played_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"b\.wav: 24-bit samples; give a 16-bit PCM WAV"):
        read_wav(wav(tmp_path / "b.wav", width=3))
    with pytest.raises(BadInput, match=r"c\.wav: 3 channels"):
        read_wav(wav(tmp_path / "c.wav", channels=3))
    with pytest.raises(BadInput, match=r"d\.wav: holds no sound"):
        read_wav(wav(tmp_path / "d.wav", seconds=0))
    with pytest.raises(BadInput, match="at most 600 s"):
        read_wav(wav(tmp_path / "e.wav", rate=1000, seconds=601))
    (tmp_path / "f.wav").write_bytes(b"OggS")
    with pytest.raises(BadInput, match=r"f\.wav: not a PCM WAV"):
        read_wav(tmp_path / "f.wav")
    with pytest.raises(BadInput, match=r"g\.wav: No such file"):
        read_wav(tmp_path / "g.wav")
    with pytest.raises(BadInput, match="cannot be written"):
        write_wav(tmp_path / "no" / "h.wav", b"")


def test_what_was_heard_is_saved_sample_by_sample(tmp_path: Path) -> None:
    write_wav(tmp_path / "heard.wav", tone(300))
    assert read_wav(tmp_path / "heard.wav") == tone(300)
