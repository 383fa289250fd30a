"""Reads words back from audio: the tones of `tones`, found in 20 ms windows every 4 ms."""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from testbed.vendors import tones
from testbed.vendors.mulaw import Pcm

_WINDOW = 160
_HOP = 32
_HOP_MS = _HOP * 1000 / tones.RATE
_SYMBOL_MS = tones.SYMBOL * 1000 / tones.RATE
# A tone counts when it stands this far above the third strongest, is no weaker than this part of its partner, and is
# at least this strong (int16 units): about -66 dBFS, under the speech of a caller 20 dB too quiet.
_ABOVE_REST = 1.7
_PARTNER = 0.3
_FAINTEST = 12.0
_GAP_MS = 100.0
_NOTHING = -1


def _projection() -> NDArray[np.float32]:
    """(160, 22): the real and imaginary part of each tone through a Hann window, scaled to the tone's amplitude."""
    window = np.hanning(_WINDOW + 1)[:-1]
    clock = np.arange(_WINDOW)[:, None] * np.array(tones.FREQUENCIES) * (2 * np.pi / tones.RATE)
    scaled = window[:, None] * (2 / window.sum())
    return np.concatenate([scaled * np.cos(clock), scaled * np.sin(clock)], axis=1).astype(np.float32)


def _pair_table() -> NDArray[np.int16]:
    table = np.full((len(tones.FREQUENCIES),) * 2, _NOTHING, np.int16)
    for symbol, (low, high) in enumerate(tones.PAIRS):
        table[low, high] = table[high, low] = symbol
    return table


_PROJECTION = _projection()
_SYMBOL_OF = _pair_table()


@dataclass(frozen=True, slots=True)
class Word:
    """A word read from audio, lower case, with its place on the audio's own timeline."""

    text: str
    start_ms: float
    end_ms: float


class Decoder:
    """Streaming reader of one audio track. Frames may be cut anywhere; a word that lost a part is never returned.

    `rate` is the samples' rate in Hz; anything but 8000 is resampled, which adds a few ms of delay.
    """

    def __init__(self, rate: int = tones.RATE) -> None:
        self._resample = None if rate == tones.RATE else soxr.ResampleStream(rate, tones.RATE, 1, dtype="int16")
        self._carry: Pcm = np.zeros(0, np.int16)
        self._frames = 0
        self._candidate = _NOTHING
        self._last = _NOTHING
        self._last_ms = -_GAP_MS
        self._word: list[int] | None = None
        self._start_ms = 0.0
        self.broken = 0
        """Words that began and were cut, or whose letters do not agree with their check letters."""

    @property
    def heard_ms(self) -> float:
        """How much audio has been read so far."""
        return (self._frames * _HOP + len(self._carry)) * 1000 / tones.RATE

    def feed(self, pcm: Pcm) -> list[Word]:
        """Takes int16 samples; returns the words completed by them, in order. A word is complete 24 ms into END."""
        if self._resample is not None:
            pcm = self._resample.resample_chunk(pcm)
        data = np.concatenate([self._carry, pcm])
        count = (len(data) - _WINDOW) // _HOP + 1
        if count <= 0:
            self._carry = data
            return []
        self._carry = data[count * _HOP :]
        first = self._frames
        self._frames += count
        if data.max() < _FAINTEST:
            self._candidate = _NOTHING
            self._drop_if_cut(self._frames * _HOP_MS)
            return []
        return self._read(self._symbols(data, count), first)

    def finish(self) -> list[Word]:
        """Reads what is still inside the resampler, at the end of the audio."""
        tail = np.zeros(_WINDOW + _HOP, np.int16)
        if self._resample is None:
            return self.feed(tail)
        rest = self._resample.resample_chunk(np.zeros(0, np.int16), last=True)
        self._resample = None
        return self.feed(np.concatenate([rest, tail]))

    def partial(self) -> Word | None:
        """The letters so far of the word now under way, or None between words."""
        if self._word is None:
            return None
        letters = tones.to_letters(self._word)
        return Word(letters, self._start_ms, self._last_ms)

    @staticmethod
    def _symbols(data: Pcm, count: int) -> list[int]:
        samples = data.astype(np.float32)
        frames = np.ndarray((count, _WINDOW), np.float32, samples, 0, (4 * _HOP, 4))
        parts = frames @ _PROJECTION
        half = len(tones.FREQUENCIES)
        power = parts[:, :half] ** 2 + parts[:, half:] ** 2
        order = np.argpartition(power, (-3, -2, -1), axis=1)
        rows = np.arange(count)
        first, second, third = (power[rows, order[:, -n]] for n in (1, 2, 3))
        clear = (second > _FAINTEST**2) & (second > third * _ABOVE_REST**2) & (second > first * _PARTNER**2)
        symbols = np.where(clear, _SYMBOL_OF[order[:, -1], order[:, -2]], _NOTHING)
        found: list[int] = symbols.tolist()
        return found

    def _read(self, symbols: list[int], first: int) -> list[Word]:
        words: list[Word] = []
        for place, symbol in enumerate(symbols, first):
            if symbol != self._candidate:
                self._candidate = symbol
                continue
            if symbol == _NOTHING:
                continue
            now = place * _HOP_MS
            self._drop_if_cut(now)
            if symbol != self._last:
                self._accept(symbol, now - _HOP_MS, words)
            self._last, self._last_ms = symbol, now
        self._drop_if_cut(self._frames * _HOP_MS)
        return words

    def _accept(self, symbol: int, begin_ms: float, words: list[Word]) -> None:
        if symbol == tones.START:
            self.broken += self._word is not None
            self._word, self._start_ms = [], begin_ms
        elif symbol != tones.END:
            if self._word is not None:
                self._word.append(symbol)
        elif self._word is not None:
            letters = tones.to_letters(self._word)
            self._word = None
            word, checks = letters[: -tones.CHECKS], letters[-tones.CHECKS :]
            if word and tones.check_letters(word) == checks:
                words.append(Word(word, self._start_ms, begin_ms + _SYMBOL_MS))
            else:
                self.broken += 1

    def _drop_if_cut(self, now: float) -> None:
        """Tones do not pause inside a word: after a gap, what was under way is lost, and any tone is a new one."""
        if now - self._last_ms > _GAP_MS:
            self._last = _NOTHING
            if self._word is not None:
                self._word = None
                self.broken += 1
