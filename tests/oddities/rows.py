"""The table: what vendors were seen to send, one YAML file per vendor. README.md says how a row is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
KEYS = {
    "openai": {"says", "heard", "asked", "told", "refuses", "cuts", "spent", "breaker"},
    "deepgram": {"then", "finals", "turns", "connections"},
    "flux": {"then", "finals", "turns", "connections"},
    "elevenlabs": {"says", "then", "http", "refuses", "heard", "ms", "streams", "error"},
}


@dataclass(frozen=True, eq=False, repr=False)
class Row:
    """One oddity. `seen`: where it was reported or is written; `wants`: the rest of the row, by its keys."""

    vendor: str
    name: str
    seen: str
    sends: list[Any]
    wants: dict[str, Any]

    @cached_property
    def slug(self) -> str:
        return re.sub(r"\W+", "-", self.name.lower()).strip("-")

    def get(self, key: str, default: Any = None) -> Any:
        assert key in KEYS[self.vendor], f"{key} is no field of a row of {self.vendor}"
        return self.wants.get(key, default)

    def __str__(self) -> str:
        return self.slug

    def __repr__(self) -> str:
        return f"<{self.vendor}: {self.name}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """As Hypothesis shows it."""
        printer.text(repr(self))


@lru_cache(maxsize=8)
def table(vendor: str) -> tuple[Row, ...]:
    """All rows of a vendor. Raises ValueError that names a row with a field too many or too few."""
    rows = []
    for entry in yaml.load((FOLDER / f"{vendor}.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader):
        name, seen, sends = (entry.pop(key, None) for key in ("name", "seen", "sends"))
        if unknown := set(entry) - KEYS[vendor]:
            raise ValueError(f"{vendor}: {name!r} has the unknown field {', '.join(sorted(unknown))}")
        if not name or not seen or not isinstance(sends, list):
            raise ValueError(f"{vendor}: {name!r} needs a name, where it was seen, and a list of what is sent")
        rows.append(Row(vendor, name, seen, sends, entry))
    if len({row.slug for row in rows}) < len(rows):
        raise ValueError(f"{vendor}: two rows have the same name")
    return tuple(rows)


def words(text: str) -> list[str]:
    """What of a text must reach a caller: words, numbers, signs of money. White space and marks are taste."""
    return re.findall(r"[^\W_]+|[$€£¥₹%@+]", text)
