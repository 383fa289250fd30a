"""Softmax regression: which of a few labels a vector has, from some examples of each. Pure, numpy; half a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parley.embedding import Vectors

STEPS = 300
RATE = 20.0


@dataclass(frozen=True, slots=True)
class Softmax:
    """`weights` [labels, features], `bias` [labels]."""

    labels: tuple[str, ...]
    weights: Vectors
    bias: Vectors

    def of(self, vector: Vectors, more: Vectors | None = None) -> Vectors:
        """The probability of each label. `more`: added to what speaks for each, in nats."""
        spoken = self.weights @ vector + self.bias
        return _shares(spoken if more is None else spoken + more)


def trained(vectors: Vectors, labels: Sequence[str], strength: float = 10.0) -> Softmax:
    """Each label weighs the same, however many examples it has. `vectors` [examples, features], about unit length;
    `strength`: how far the examples are trusted, against weights of zero. The same examples give the same weights."""
    names = tuple(dict.fromkeys(labels))
    which = np.array([names.index(label) for label in labels])
    weight = (1 / np.bincount(which))[which].astype(np.float32)
    weight /= weight.sum()
    truth = np.eye(len(names), dtype=np.float32)[which]
    weights, bias = np.zeros((len(names), vectors.shape[1]), np.float32), np.zeros(len(names), np.float32)
    for _ in range(STEPS):
        wrong = (_shares(vectors @ weights.T + bias) - truth) * weight[:, None]
        weights -= RATE * (wrong.T @ vectors + weights / (strength * len(vectors)))
        bias -= RATE / 10 * wrong.sum(axis=0)
    return Softmax(names, weights, bias)


def _shares(spoken: Vectors) -> Vectors:
    raised = np.exp(spoken - spoken.max(axis=-1, keepdims=True))
    shares: Vectors = (raised / raised.sum(axis=-1, keepdims=True)).astype(np.float32)
    return shares
