"""Sentences in which `[kind:text]` marks what must be found, and how well a finder does on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from parley.pii import Span, find

TESTS = Path(__file__).parent.parent / "tests"
OWN, HELD_OUT = TESTS / "pii" / "own.yaml", TESTS / "heldout" / "pii.yaml"
BLIND = TESTS / "heldout" / "pii_blind.yaml"
"""By somebody who saw a description of the task and no line of the project."""
_MARK = re.compile(r"\[(\w+):([^\]]*)\]")
_COVERED = 0.8
"""Of a span's letters and digits, at least, for it to be found."""


def read(path: Path) -> list[tuple[str, list[Span]]]:
    return [parsed(line) for line in yaml.safe_load(path.read_text())["sentences"]]


def parsed(line: str) -> tuple[str, list[Span]]:
    """The sentence without its marks, and the spans they stood for."""
    text, at, spans = "", 0, []
    for match in _MARK.finditer(line):
        text += line[at : match.start()]
        spans.append(Span(len(text), len(text) + len(match[2]), match[1]))  # type: ignore[arg-type]
        text, at = text + match[2], match.end()
    return text + line[at:], spans


@dataclass
class Score:
    """By kind: how many there are, were found, were found where there was none. `masked`: hidden, as whatever kind."""

    there: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def recall(self, kind: str = "") -> float:
        return self._share(self.found, self.there, kind)

    def hidden(self, kind: str = "") -> float:
        return self._share(self.masked, self.there, kind)

    def precision(self, kind: str = "") -> float:
        right = self.found[kind] if kind else self.found.total()
        wrong = self.wrong[kind] if kind else self.wrong.total()
        return right / (right + wrong) if right + wrong else 1.0

    @staticmethod
    def _share(part: Counter[str], of: Counter[str], kind: str) -> float:
        whole = of[kind] if kind else of.total()
        return (part[kind] if kind else part.total()) / whole if whole else 1.0


def score(sentences: Iterable[tuple[str, list[Span]]]) -> Score:
    result = Score()
    for text, gold in sentences:
        found = find(text)
        for span in gold:
            result.there[span.kind] += 1
            same = _covers(text, span, [s for s in found if s.kind == span.kind])
            result.found[span.kind] += same
            result.masked[span.kind] += _covers(text, span, found)
            if not same:
                result.misses.append(f"missed {span.kind}: {text!r} {found}")
        for span in found:
            if not any(span.kind == g.kind and span.start < g.end and g.start < span.end for g in gold):
                result.wrong[span.kind] += 1
                result.misses.append(f"wrong {span.kind} {text[span.start : span.end]!r}: {text!r}")
    return result


def _covers(text: str, span: Span, found: list[Span]) -> bool:
    places = [n for n in range(span.start, span.end) if text[n].isalnum()]
    hidden = sum(any(s.start <= n < s.end for s in found) for n in places)
    return hidden >= _COVERED * len(places)
