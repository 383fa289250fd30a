"""How far a result is to be believed: the sentence's posterior, on a scale where 0.5 is as likely wrong as right.

A decoder with a small vocabulary always finds some words of it. What gives them away is that many other sentences
fit as badly: the posterior falls below about 1e-5 (in this domain; speech outside of it 1e-5 .. 1e-18).
"""

from __future__ import annotations

import math

from services.stt.local.decoding import Heard

_EVEN = -5.2
_PER_WORD = -0.12
_FREE_WORDS = 6
_LEAST = 0.3


def confidence(heard: Heard) -> float:
    """0..1. Long sentences may be less likely as a whole."""
    if not heard.words or heard.probability <= 0:
        return 0.0
    even = _EVEN + _PER_WORD * max(0, len(heard.words) - _FREE_WORDS)
    return 1 / (1 + 10 ** min(30.0, even - math.log10(heard.probability)))


def understood(heard: Heard) -> bool:
    return confidence(heard) >= _LEAST
