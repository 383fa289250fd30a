"""Every change of the live configuration, of agents' versions and of numbers is in the audit, whoever made it: the
console, the API, or a command on any machine.

What stands in NATS is what counts, so it is read from there: each change once. Changes that were made while backoffice
was down are found when it is back, as long as NATS keeps them: 64 of the configuration, 30 of each agent and of the
numbers.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from parley.bus import Bus, configuring, publishing
from parley.bus.publishing import AGENT, NUMBERS
from parley.configuration.history import Revision
from parley.configuration.sealing import is_sealed, shown
from parley.errors import ParleyError
from parley.process.log_limit import Seldom
from parley.published.bundle import Corrupt
from parley.published.changes import Change
from parley.published.numbers import Numbers
from parley.published.versions import Versions

if TYPE_CHECKING:
    from services.backoffice.watchers.audit import Audit

log = structlog.get_logger()

EVERY_S = 5.0
PATIENT_S = 60.0


class Witness:
    """Of one backoffice."""

    def __init__(self, bus: Bus, audit: Audit) -> None:
        self._bus = bus
        self._audit = audit
        self._seen = 0
        self._published: int | None = None
        self._writers: set[str] = set()
        self._trouble = Seldom(patience_s=PATIENT_S)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
                await self.look_at_published()
                self._trouble.over()
            except ParleyError as e:
                self._trouble.warning("changes of the configuration or of agents cannot be audited now", error=str(e))
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Every change that is kept is in the audit afterwards. Raises Unavailable, Misconfigured."""
        if await configuring.newest(self._bus) in (None, self._seen):
            return
        for each in reversed(await configuring.history(self._bus)):
            if each.revision > self._seen:
                await self.saw(each)
                self._seen = each.revision

    async def saw(self, change: Revision) -> None:
        """One change, once. Raises Unavailable."""
        now = change.configuration
        detail = {
            "revision": change.revision,
            "to": {name: _text(now.values.get(name)) for name in now.changed},
            "note": now.note,
            "undoes": now.undoes,
        }
        kind = "config.undone" if now.undoes else "config.changed"
        source = f"config/{change.revision}/{now.writer}"
        await self._audit.note(now.who, kind, ",".join(now.changed), detail, source=source)

    async def look_at_published(self) -> None:
        """The same of agents' versions and numbers. Raises Unavailable."""
        if (newest := await publishing.newest(self._bus)) in (None, self._published):
            return
        writers = set()
        for key in await publishing.keys(self._bus):
            for change in await _changes(self._bus, key):
                writers.add(change.writer)
                if change.writer not in self._writers:
                    await self.saw_published(key, change)
        self._published, self._writers = newest, writers

    async def saw_published(self, key: str, change: Change) -> None:
        """One of these, once. Raises Unavailable."""
        source = f"agents/{key}/{change.writer}"
        detail = {**change.detail, "at_ms": int(change.at * 1000)}
        await self._audit.note(change.who, change.kind, change.subject, detail, source=source)

    async def tell_published(self, key: str, change: Change) -> None:
        with suppress(ParleyError):
            await self.saw_published(key, change)

    async def tell(self, change: Revision) -> None:
        """As `saw`; when the audit cannot take it now, `run` does later: the change is stored already."""
        with suppress(ParleyError):
            await self.saw(change)


async def _changes(bus: Bus, key: str) -> tuple[Change, ...]:
    try:
        if key == NUMBERS:
            return (await publishing.read(bus, key, Numbers))[0].changes
        return (await publishing.read(bus, key, Versions))[0].changes if key.startswith(AGENT) else ()
    except Corrupt:  # who reads it for a call says so
        return ()


def _text(stored: str | None) -> str | None:
    return shown(stored) if stored is not None and is_sealed(stored) else stored
