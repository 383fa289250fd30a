"""What was said to be what: counts, shares, and the table that shows both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Confusion:
    """Pairs of (truth, told), counted. A truth or an answer may be "": none."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, truth: str, told: str) -> None:
        self.counts[truth, told] += 1

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def right(self) -> int:
        return sum(often for (truth, told), often in self.counts.items() if truth == told)

    @property
    def accuracy(self) -> float:
        return self.right / max(1, self.total)

    @property
    def truths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(truth for truth, _ in self.counts))

    def of(self, label: str) -> tuple[float, float, float]:
        """Precision, recall and F1 of one label; 0 where nothing can be divided."""
        hits = self.counts[label, label]
        told = sum(often for (_, answer), often in self.counts.items() if answer == label)
        true = sum(often for (truth, _), often in self.counts.items() if truth == label)
        precision, recall = hits / told if told else 0.0, hits / true if true else 0.0
        both = precision + recall
        return precision, recall, 2 * precision * recall / both if both else 0.0

    @property
    def macro_f1(self) -> float:
        """The mean over the labels that are true of something."""
        return sum(self.of(label)[2] for label in self.truths) / max(1, len(self.truths))

    def share_told(self, labels: Iterable[str]) -> float:
        """Of everything, what was told to be one of these."""
        wanted = set(labels)
        return sum(often for (_, told), often in self.counts.items() if told in wanted) / max(1, self.total)

    def table(self, head: str, labels: Sequence[str]) -> str:
        """A row for each truth; the columns say what it was told to be."""
        columns = [*labels, "precision", "recall", "F1"]
        lines = [f"| {head} | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
        for label in labels:
            cells = [str(self.counts[label, other] or "") for other in labels]
            lines.append(f"| {label} | {' | '.join([*cells, *(f'{x:.2f}' for x in self.of(label))])} |")
        return "\n".join(lines)
