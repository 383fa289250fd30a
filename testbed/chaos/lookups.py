"""Which calls were answered without knowledge because rag was away: the orchestrators' own logs name them."""

from __future__ import annotations

import re
from pathlib import Path

_WITHOUT = re.compile(r"answering without knowledge.*?call_id\W+(\w+)|call_id\W+(\w+).*?answering without knowledge")


class Lookups:
    """From now on: `Lookups(stack.logs)` at the fault, `failed()` afterwards."""

    def __init__(self, logs: Path) -> None:
        self._from = {path: path.stat().st_size for path in logs.glob("orchestrator*.log")}

    def failed(self) -> frozenset[str]:
        """The calls."""
        found: set[str] = set()
        for path, begin in self._from.items():
            with path.open("rb") as log:
                log.seek(begin if path.stat().st_size >= begin else 0)  # a log that grew too long begins anew
                text = log.read().decode(errors="replace")
            found.update(a or b for a, b in _WITHOUT.findall(text))
        return frozenset(found)
