"""How far a result is to be believed, on a scale where 0.5 is as likely wrong as right.

A decoder with a small vocabulary always finds some words of it. Two things give away that something else was said:
many other sentences fit as badly (the posterior falls below about 1e-5), and the words stand in an order that the
language model never saw. Set on speech outside and inside of one small domain; see `bench/engines/recogniser.py`.
"""

from __future__ import annotations

import math

from services.stt.local.decoding import Heard

_FAMILIAR = 4.0
_EVEN = -3.1
_LEAST = 0.5
_LONGEST_WORD_MS = 1200


def confidence(heard: Heard) -> float:
    """0..1."""
    if not heard.words or heard.probability <= 0:
        return 0.0
    score = math.log10(heard.probability) + _FAMILIAR * heard.familiarity
    return 1 / (1 + 10 ** min(30.0, _EVEN - score))


def understood(heard: Heard) -> bool:
    """Whether it may be acted upon. Words drawn out over seconds are a hum or a machine, not speech."""
    drawn_out = any(word.end_ms - word.start_ms > _LONGEST_WORD_MS for word in heard.words)
    return not drawn_out and confidence(heard) >= _LEAST
