"""What came of one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """`by`: `model`, whose name is `model`, or `rules`. `summary` and `slots` may be personal data."""

    outcome: str
    summary: str
    slots: Mapping[str, str] = field(default_factory=dict)
    by: str = "rules"
    model: str = ""
