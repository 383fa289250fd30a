"""What `parley doctor` finds, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One line. `missing` is a problem of what was chosen; `note` is worth knowing and harms nothing."""

    state: Literal["ok", "missing", "note"]
    what: str
    detail: str


def told(findings: Sequence[Finding]) -> int:
    """Print them all. How many are missing."""
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{finding.state:<8} {finding.what:<{width}}  {finding.detail}")
    missing = [finding for finding in findings if finding.state == "missing"]
    print(f"\n{f'{len(missing)} missing' if missing else 'Nothing is missing'}.")
    return len(missing)
