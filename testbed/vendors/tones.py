"""The alphabet under the speech: which two tones stand for which letter.

A word travels as START, its letters, two check letters, END. A letter that follows itself is sent as REPEAT, so two
neighbours always differ and the reader needs no clock: a change of tones is a new letter (as in ZVEI selective
calling). The tones lie 100 Hz apart between 2.5 and 3.5 kHz: above the low-passed speech, inside what a resampler lets
through at 8 kHz, and exactly two bins apart in a 20 ms Hann window, where they do not leak into each other.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

RATE = 8000
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789'"
FREQUENCIES = tuple(range(2500, 3501, 100))
SYMBOL = 256
"""Shortest symbol, in samples: 32 ms."""
_RAMP = 16

REPEAT, START, END = len(LETTERS), len(LETTERS) + 1, len(LETTERS) + 2
_INDEX = {letter: i for i, letter in enumerate(LETTERS)}
# Neighbouring tones are left out: they beat, and there are enough pairs without them.
PAIRS = tuple(pair for pair in combinations(range(len(FREQUENCIES)), 2) if pair[1] - pair[0] > 1)[: END + 1]


CHECKS = 2


def check_letters(letters: str) -> str:
    """Two letters that depend on each letter and its place: a word that lost a part passes once in 1369."""
    first = second = len(letters)
    for place, letter in enumerate(letters, 1):
        first += place * (_INDEX[letter] + 1)
        second = second * 5 + _INDEX[letter] + 3
    return LETTERS[first % len(LETTERS)] + LETTERS[second % len(LETTERS)]


def to_symbols(word: str) -> list[int]:
    """The symbols of a word of LETTERS, no two neighbours equal."""
    symbols = [START]
    for index in (_INDEX[letter] for letter in word + check_letters(word)):
        symbols.append(REPEAT if symbols[-1] == index else index)
    return [*symbols, END]


def to_letters(symbols: list[int]) -> str:
    """The letters of the symbols between START and END, the check letters included."""
    letters: list[str] = []
    for symbol in symbols:
        if symbol < REPEAT:
            letters.append(LETTERS[symbol])
        elif symbol == REPEAT and letters:
            letters.append(letters[-1])
    return "".join(letters)


def sound(symbols: list[int], length: int, amplitude: float) -> NDArray[np.float32]:
    """Plays the symbols over `length` samples at 8 kHz: START and END short, letters evenly between."""
    inner = np.linspace(SYMBOL, length - SYMBOL, len(symbols) - 1).astype(int)
    edges = [0, *inner.tolist(), length]
    wave = np.zeros(length, np.float32)
    for symbol, begin, end in zip(symbols, edges[:-1], edges[1:], strict=True):
        clock = np.arange(begin, end) * (2 * np.pi / RATE)
        low, high = (FREQUENCIES[tone] for tone in PAIRS[symbol])
        part = np.sin(clock * low) + np.sin(clock * high)
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(_RAMP) + 0.5) / _RAMP)
        part[:_RAMP] *= ramp
        part[-_RAMP:] *= ramp[::-1]
        wave[begin:end] = part * amplitude
    return wave
