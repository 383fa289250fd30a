"""Who changed what is published: kept with it, so that the audit knows it whoever wrote it, and from where. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from parley.published.numbers import Numbers
    from parley.published.versions import Versions

MAX_CHANGES = 30
"""The newest, of one agent's versions or of the table of numbers."""
FOLDER = "folder"
Entry = TypeVar("Entry")


class Change(BaseModel):
    """`kind`: as the audit names it. `subject`: an agent, or a pattern of numbers. `at`: Unix seconds. `writer`: of the
    value that was written with it."""

    model_config = ConfigDict(frozen=True)

    who: str
    kind: str
    subject: str
    detail: Mapping[str, Any] = {}
    at: float = 0.0
    writer: str = ""


Told = Callable[[Entry, Entry], Change]
"""What the change from one to the other is."""


def of_versions(who: str, kind: str, agent: str) -> Told[Versions]:
    def told(before: Versions, after: Versions) -> Change:
        detail = {"from": before.current or FOLDER, "to": after.current or FOLDER, "canary": after.canary}
        return Change(who=who, kind=kind, subject=agent, detail={**detail, "percent": after.percent}, at=time.time())

    return told


def of_number(who: str, pattern: str) -> Told[Numbers]:
    """Set, with its hours, or removed."""

    def told(before: Numbers, after: Numbers) -> Change:
        if pattern not in after.entries:
            was = {"agent": before.entries.get(pattern, "")}
            return Change(who=who, kind="number.removed", subject=pattern, detail=was, at=time.time())
        hours = after.hours.get(pattern)
        detail = {"agent": after.entries[pattern], "hours": hours.model_dump(mode="json") if hours else None}
        return Change(who=who, kind="number.set", subject=pattern, detail=detail, at=time.time())

    return told
