"""How near a sentence's meaning is to a set of examples, and from which nearness on an intent is believed. Pure."""

from __future__ import annotations

import numpy as np

from parley.embedding import Vectors

NEAREST = 3


def near_to(examples: Vectors, vector: Vectors) -> float:
    """Nearness to a set: the mean of its nearest few, leaning to the very nearest."""
    if not len(examples):
        return 0.0
    cosines = np.sort(examples @ vector)[::-1][:NEAREST]
    return float(0.6 * cosines[0] + 0.4 * cosines.mean())


def threshold(vectors: Vectors, intents: np.ndarray, phrases: np.ndarray, off: Vectors) -> float:
    """Half way between how near most strangers come to any intent and how near most of its own phrases come to it.

    Strangers that come nearer (other trades' hours, prices and repairs) are told by the margin, not by this.

    Each example is judged without its own template's sentences; each sentence that is off the topic against all.
    """
    own = []
    for i in range(0, len(vectors), max(1, len(vectors) // 300)):
        same = vectors[(intents == intents[i]) & (phrases != phrases[i])]
        if len(same):
            own.append(near_to(same, vectors[i]))
    strangers = [max(near_to(vectors[intents == name], v) for name in np.unique(intents)) for v in off]
    if not own or not strangers:
        return 0.6
    return float(np.clip((np.percentile(own, 25) + np.percentile(strangers, 75)) / 2, 0.4, 0.75))
