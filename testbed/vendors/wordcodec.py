"""Words to audio and back: each word is real speech with its letters as faint tones above it.

`render` speaks a text, `Decoder` reads the words from the audio alone: after µ-law, at another level, in noise, with
frames cut anywhere. The vocabulary is open (a-z, 0-9, apostrophe).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import soxr
from numpy.typing import NDArray

from testbed.vendors import espeak, tones
from testbed.vendors.decoder import Decoder, Word
from testbed.vendors.mulaw import Pcm

__all__ = ["Decoder", "Rendered", "Spoken", "Word", "render", "words_of"]

_SPEECH_RMS = 3000.0
_SPEECH_PEAK = 14000.0
_TONE = 500.0
_LOWPASS_HZ = 2150.0
_GAP_MS, _COMMA_MS, _STOP_MS = 24, 120, 240
_WORD = re.compile(r"[a-z0-9']*[a-z0-9][a-z0-9']*")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word of a rendered text: its normal form, its characters in that text, and when it sounds."""

    text: str
    begin: int
    end: int
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class Rendered:
    """Mono int16 audio of a text, with the times of its words."""

    pcm: Pcm
    rate: int
    words: tuple[Spoken, ...]

    @property
    def duration_ms(self) -> float:
        return len(self.pcm) * 1000 / self.rate


def _plain(text: str) -> str:
    """The same text, same length, in the codec's letters where a letter has a base form: 'É' becomes 'e'."""
    folded = (unicodedata.normalize("NFKD", "'" if char == "\u2019" else char)[0] for char in text)
    return "".join(char.lower() if char.isascii() else char for char in folded)


def words_of(text: str) -> list[str]:
    """The words that `render` would make audible, as a `Decoder` returns them: for use in assertions."""
    return [match.group().strip("'") for match in _WORD.finditer(_plain(text))]


@lru_cache(maxsize=1)
def _lowpass() -> NDArray[np.float32]:
    taps = np.arange(-40, 41)
    kernel = np.sinc(2 * _LOWPASS_HZ / tones.RATE * taps) * np.blackman(len(taps) + 2)[1:-1]
    return np.asarray(kernel / kernel.sum(), np.float32)


def _speech(word: str, voice: str, wpm: int) -> NDArray[np.float32]:
    """The word's sound at 8 kHz, low-passed, without the silence around it, at telephone level."""
    spelled = " ".join(word) if word.isdigit() and len(word) > 2 else word
    raw, rate = espeak.speak(spelled, voice, wpm)
    wave = np.convolve(soxr.resample(raw.astype(np.float32), rate, tones.RATE), _lowpass(), "same")
    loud = np.flatnonzero(np.abs(wave) > 0.02 * np.abs(wave).max(initial=1.0))
    if not len(loud):
        return np.zeros(0, np.float32)
    wave = wave[loud[0] : loud[-1] + 1]
    gain = min(_SPEECH_RMS / float(np.sqrt(np.mean(wave**2))), _SPEECH_PEAK / float(np.abs(wave).max()))
    return np.asarray(wave * gain, np.float32)


@lru_cache(maxsize=2048)
def _word_audio(word: str, voice: str, wpm: int) -> Pcm:
    speech = _speech(word, voice, wpm)
    symbols = tones.to_symbols(word)
    length = max(len(speech), len(symbols) * tones.SYMBOL)
    wave = tones.sound(symbols, length, _TONE)
    before = (length - len(speech)) // 2
    wave[before : before + len(speech)] += speech
    return wave.astype(np.int16)


def _pause_ms(between: str) -> int:
    if any(char in between for char in ".!?\n"):
        return _STOP_MS
    return _COMMA_MS if any(char in between for char in ",;:") else _GAP_MS


@lru_cache(maxsize=512)
def render(text: str, rate: int = tones.RATE, voice: str = "en-us", wpm: int = 170) -> Rendered:
    """Speaks a text at `rate` Hz. Text without a speakable word gives no samples.

    Words are made one by one (cached), 24 ms apart, 120 ms at a comma, 240 ms at the end of a sentence.
    """
    parts: list[Pcm] = []
    words: list[Spoken] = []
    length = 0
    matches = list(_WORD.finditer(_plain(text)))
    for place, match in enumerate(matches):
        word = match.group().strip("'")
        audio = _word_audio(word, voice, wpm)
        start, end = (at * 1000 / tones.RATE for at in (length, length + len(audio)))
        words.append(Spoken(word, match.start(), match.end(), start, end))
        following = matches[place + 1].start() if place + 1 < len(matches) else len(text)
        pause = np.zeros(_pause_ms(text[match.end() : following]) * tones.RATE // 1000, np.int16)
        parts += [audio, pause]
        length += len(audio) + len(pause)
    pcm = np.concatenate(parts) if parts else np.zeros(0, np.int16)
    if rate != tones.RATE and len(pcm):
        pcm = np.rint(soxr.resample(pcm.astype(np.float32), tones.RATE, rate)).astype(np.int16)
    pcm.flags.writeable = False
    return Rendered(pcm, rate, tuple(words))
