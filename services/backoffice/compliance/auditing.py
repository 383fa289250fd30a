"""All controls against what was seen, and a score. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.backoffice.compliance.controls import CONTROLS, Control
from services.backoffice.compliance.finding import Finding
from services.backoffice.compliance.seen import Declared, Seen

WEIGHTS = {"high": 3, "medium": 2, "low": 1}
DECLARED_DAYS = 365
"""Then it is to be declared anew."""
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Judged:
    control: Control
    finding: Finding
    declared: Declared | None = None


@dataclass(frozen=True)
class Report:
    """`score`: 0 to 100, by weight: what passes or is declared."""

    at_s: float
    judged: tuple[Judged, ...]

    @property
    def score(self) -> int:
        weight = sum(WEIGHTS[each.control.severity] for each in self.judged)
        good = sum(
            WEIGHTS[each.control.severity] for each in self.judged if each.finding.result in ("pass", "declared")
        )
        return 100 * good // weight if weight else 0

    def count(self, result: str) -> int:
        return sum(1 for each in self.judged if each.finding.result == result)


def audited(seen: Seen, controls: Iterable[Control] = CONTROLS) -> Report:
    return Report(seen.now_s, tuple(_judged(control, seen) for control in controls))


def _judged(control: Control, seen: Seen) -> Judged:
    finding = control.check(seen)
    if finding.result != "declare":
        return Judged(control, finding)
    declared = seen.declared.get(control.id)
    if declared is None:
        return Judged(control, finding)
    if seen.now_s * 1000 - declared.at_ms > DECLARED_DAYS * _DAY_MS:
        return Judged(
            control, Finding("declare", f"{finding.detail}; declared over a year ago: declare it anew"), declared
        )
    return Judged(control, Finding("declared", finding.detail), declared)
