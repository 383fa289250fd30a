"""A trigram language model from sentences, in the ARPA format (Doug Paul; as read by pocketsphinx).

Absolute discounting with back-off: from every seen n-gram `DISCOUNT` of a count is taken and given to the unseen.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

DISCOUNT = 0.6
ORDER = 3
_NEVER = -99.0
_LEAST = 1e-9

Gram = tuple[str, ...]


def arpa(sentences: Iterable[list[str]]) -> str:
    """The model as text. Raises ValueError without any sentence."""
    counts = count(sentences)
    if not counts[0]:
        raise ValueError("sentences: none given; the agent has nothing a caller could say")
    probabilities = [_unigrams(counts[0]), *(_discounted(c) for c in counts[1:])]
    return "\n".join(_lines(probabilities, _backoffs(probabilities)))


def count(sentences: Iterable[list[str]]) -> list[Counter[Gram]]:
    """How often each 1-, 2- and 3-gram occurs, sentence edges included."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(ORDER)]
    for sentence in sentences:
        words = ("<s>", *sentence, "</s>")
        for n in range(ORDER):
            counts[n].update(words[i : i + n + 1] for i in range(len(words) - n))
    return counts


def _unigrams(counts: Counter[Gram]) -> dict[Gram, float]:
    total = sum(n for gram, n in counts.items() if gram != ("<s>",))
    return {gram: 0.0 if gram == ("<s>",) else n / total for gram, n in counts.items()}


def _discounted(counts: Counter[Gram]) -> dict[Gram, float]:
    totals: Counter[Gram] = Counter()
    for gram, n in counts.items():
        totals[gram[:-1]] += n
    return {gram: (n - DISCOUNT) / totals[gram[:-1]] for gram, n in counts.items()}


def _backoffs(probabilities: list[dict[Gram, float]]) -> dict[Gram, float]:
    """For each history what is left for unseen words, over what the lower order gives to them."""
    weights: dict[Gram, float] = {}
    for lower, higher in zip(probabilities, probabilities[1:], strict=False):
        seen: defaultdict[Gram, float] = defaultdict(float)
        seen_lower: defaultdict[Gram, float] = defaultdict(float)
        for gram, p in higher.items():
            seen[gram[:-1]] += p
            seen_lower[gram[:-1]] += lower[gram[1:]]
        for history, p in seen.items():
            weights[history] = max(_LEAST, 1 - p) / max(_LEAST, 1 - seen_lower[history])
    return weights


def _lines(probabilities: list[dict[Gram, float]], backoffs: Mapping[Gram, float]) -> Iterator[str]:
    yield "\\data\\"
    for n, grams in enumerate(probabilities, 1):
        yield f"ngram {n}={len(grams)}"
    for n, grams in enumerate(probabilities, 1):
        yield f"\n\\{n}-grams:"
        for gram in sorted(grams):
            line = f"{_log(grams[gram]):.4f} {' '.join(gram)}"
            yield f"{line} {_log(backoffs[gram]):.4f}" if n < ORDER and gram in backoffs else line
    yield "\n\\end\\\n"


def _log(p: float) -> float:
    return math.log10(p) if p > 0 else _NEVER


def trigrams(model: str) -> frozenset[Gram]:
    """The trigrams of a model made by `arpa`."""
    section = model.partition("\n\\3-grams:\n")[2].partition("\n\n")[0]
    return frozenset(tuple(line.split()[1:]) for line in section.splitlines())
