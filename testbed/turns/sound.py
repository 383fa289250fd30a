"""What comes out of a caller's mouth and room, as samples: 8 kHz, int16, always the same.

No noise reaches into the band above 2.3 kHz where the words' letters travel: a noise may cover speech, it does not
change what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import soxr
from numpy.typing import NDArray

from testbed.turns.script import Noise, Words
from testbed.vendors import espeak
from testbed.vendors.mulaw import Pcm
from testbed.vendors.wordcodec import render

RATE = 8000
FRAME = 160
"""Samples in 20 ms."""
_BAND_HZ = 2200.0
_SPEECH_DBOV = -20.0
_LOUDEST_DBOV = {
    "cough": -16.0,
    "click": -14.0,
    "door": -16.0,
    "knock": -14.0,
    "sneeze": -16.0,
    "breath": -30.0,
    "tap": -14.0,
    "dish": -18.0,
    "bark": -16.0,
    "laugh": -18.0,
    "hmm": -20.0,
}
"""Of its loudest 20 ms. Noises that go on are as loud as speech."""
LONGEST_MS = 20_000
_LOOP_MS = 4_000

Wave = NDArray[np.float32]


def samples(ms: float) -> int:
    return int(ms * RATE / 1000)


@lru_cache(maxsize=512)
def words(said: Words) -> Pcm:
    """Speech with its silences, ending with the last word's last sample."""
    parts: list[Pcm] = []
    for silence, text in said.parts:
        spoken = render(text)
        parts += [np.zeros(samples(silence), np.int16), spoken.pcm[: samples(spoken.words[-1].end_ms)]]
    return scaled(np.concatenate(parts), said.gain_db)


@lru_cache(maxsize=256)
def noise(made: Noise) -> Pcm:
    """A noise at its loudness; `ms` of it where it goes on."""
    if made.kind in _LOUDEST_DBOV:
        wave, loudest = _SHORT[made.kind](), _LOUDEST_DBOV[made.kind]
    else:
        loop = _band(_LONG[made.kind]())
        length = samples(min(made.ms or _LOOP_MS, LONGEST_MS))
        return _as_loud(np.resize(loop, length), _SPEECH_DBOV + made.gain_db)
    return _as_loud(_band(wave), loudest + made.gain_db)


def scaled(pcm: Pcm, gain_db: float) -> Pcm:
    if not gain_db:
        return pcm
    return np.asarray(np.clip(pcm * 10 ** (gain_db / 20), -32000, 32000), np.int16)


def loudest(pcm: Pcm) -> float:
    """dBov of the loudest 20 ms."""
    blocks = np.resize(pcm.astype(np.float32), (max(1, len(pcm) // FRAME), FRAME))
    return float(10 * np.log10(max(1e-9, np.mean(blocks**2, axis=1).max() / 32768**2)))


def _as_loud(wave: Wave, dbov: float) -> Pcm:
    fits = wave[: len(wave) // FRAME * FRAME] if len(wave) >= FRAME else np.pad(wave, (0, FRAME - len(wave)))
    power = float(np.mean(fits.reshape(-1, FRAME) ** 2, axis=1).max())
    gain = 32768 * 10 ** (dbov / 20) / np.sqrt(power + 1e-12)
    return np.asarray(np.clip(wave * gain, -32000, 32000), np.int16)


@lru_cache(maxsize=1)
def _lowpass() -> Wave:
    taps = np.arange(-64, 65)
    kernel = np.sinc(2 * _BAND_HZ / RATE * taps) * np.blackman(len(taps) + 2)[1:-1]
    return np.asarray(kernel / kernel.sum(), np.float32)


def _band(wave: Wave) -> Wave:
    return np.asarray(np.convolve(wave, _lowpass(), "same"), np.float32)


# The noises, each at any loudness


def _dice(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _time(ms: float) -> Wave:
    return np.asarray(np.arange(samples(ms)) / RATE, np.float32)


def _burst(ms: float, attack_ms: float, seed: int) -> Wave:
    """Noise that rises at once and dies away."""
    t = _time(ms)
    shape = np.minimum(1.0, t * 1000 / attack_ms) * np.exp(-t * 5000 / ms)
    return np.asarray(shape * _dice(seed).standard_normal(len(t)), np.float32)


def _silence(ms: float) -> Wave:
    return np.zeros(samples(ms), np.float32)


def _cough() -> Wave:
    t = _time(90)
    voiced = np.sin(2 * np.pi * 180 * t) * np.hanning(len(t)) * 0.6
    return np.concatenate([_burst(220, 8, 1), _silence(60), _burst(160, 8, 2) * 0.8, np.asarray(voiced, np.float32)])


def _click() -> Wave:
    return _burst(12, 0.2, 3)


def _thump(ms: float, hz: float, seed: int) -> Wave:
    t = _time(ms)
    return np.asarray(np.sin(2 * np.pi * hz * t) * np.exp(-t * 5000 / ms) + 0.3 * _burst(ms, 2, seed), np.float32)


def _door() -> Wave:
    return np.concatenate([_thump(280, 90, 4), 0.4 * _thump(200, 140, 5)])


def _knock() -> Wave:
    return np.concatenate([np.concatenate([_thump(70, 220, 6 + n), _silence(150)]) for n in range(3)])


def _sneeze() -> Wave:
    t = _time(260)
    drawn = 0.15 * (t / t[-1]) * _dice(9).standard_normal(len(t))
    return np.concatenate([np.asarray(drawn, np.float32), _silence(60), _burst(260, 5, 10)])


def _breath() -> Wave:
    t = _time(700)
    return np.asarray(np.hanning(len(t)) * _dice(11).standard_normal(len(t)), np.float32)


def _tap() -> Wave:
    return np.concatenate([_burst(18, 0.2, 12), _silence(110), _burst(18, 0.2, 13)])


def _dish() -> Wave:
    t = _time(420)
    tones = sum(np.sin(2 * np.pi * hz * t) * np.exp(-t * decay) for hz, decay in ((830, 9), (1390, 12), (2010, 16)))
    return np.asarray(tones, np.float32)


def _bark() -> Wave:
    t = _time(170)
    pitch = 420 - 900 * t
    voice = sum(np.sin(2 * np.pi * n * pitch * t) / n for n in range(1, 5)) * np.hanning(len(t))
    one = np.asarray(voice + 0.3 * np.hanning(len(t)) * _dice(14).standard_normal(len(t)), np.float32)
    return np.concatenate([one, _silence(180), one])


def _voice(text: str, voice: str = "en-us", wpm: int = 170) -> Wave:
    """Real speech without the letters' tones: nobody can tell its words."""
    raw, rate = espeak.speak(text, voice, wpm)
    return np.asarray(soxr.resample(raw.astype(np.float32), rate, RATE), np.float32)


def _laugh() -> Wave:
    return _voice("ha ha ha ha", wpm=230)


def _hmm() -> Wave:
    return _voice("hmm")


def _music() -> Wave:
    """Four chords, one a second, with a beat under them."""
    chords = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
    parts = []
    for chord in chords:
        t = _time(_LOOP_MS / len(chords))
        tone = sum(np.sin(2 * np.pi * hz * t) + 0.4 * np.sin(4 * np.pi * hz * t) for hz in chord)
        beat = np.exp(-(t % 0.25) * 18) * np.sin(2 * np.pi * 80 * t)
        parts.append(np.asarray(tone * np.exp(-t * 1.2) / 3 + beat, np.float32))
    return np.concatenate(parts)


def _talk() -> Wave:
    """Two people who talk to each other, not to the phone."""
    size = samples(_LOOP_MS)
    one = _voice("so I told him that we would never get there before eleven, and you know what he said to me then")
    two = _voice("well the children want to go and see the harbour first, that is what they always want", "en-us+f3")
    mixed = np.resize(one, size) + 0.7 * np.roll(np.resize(two, size), size // 3)
    return np.asarray(mixed, np.float32)


def _street() -> Wave:
    """Cars that come and go: low noise that swells."""
    t = _time(_LOOP_MS)
    kernel = np.hanning(26)
    rumble = np.convolve(_dice(15).standard_normal(len(t)), kernel / kernel.sum(), "same")
    return np.asarray(rumble * (0.6 + 0.4 * np.sin(2 * np.pi * t / 4)), np.float32)


def _hum() -> Wave:
    t = _time(_LOOP_MS)
    return np.asarray(sum(np.sin(2 * np.pi * hz * t) / n for n, hz in enumerate((50, 100, 150, 300), 1)), np.float32)


def _hiss() -> Wave:
    return np.asarray(_dice(16).standard_normal(samples(_LOOP_MS)), np.float32)


_SHORT: dict[str, Callable[[], Wave]] = {
    "cough": _cough,
    "click": _click,
    "door": _door,
    "knock": _knock,
    "sneeze": _sneeze,
    "breath": _breath,
    "tap": _tap,
    "dish": _dish,
    "bark": _bark,
    "laugh": _laugh,
    "hmm": _hmm,
}
_LONG: dict[str, Callable[[], Wave]] = {
    "music": _music,
    "talk": _talk,
    "street": _street,
    "hum": _hum,
    "hiss": _hiss,
}


@lru_cache(maxsize=1)
def line_noise() -> Pcm:
    """One second of a quiet line, about -72 dBov."""
    return np.asarray(_dice(17).integers(-1, 2, RATE) * 8, np.int16)
