"""Every change of the live configuration is in the audit, whoever made it: the console, the API, or a command.

What stands in NATS is what counts, so it is read from there: each change once, by its number. Changes that were made
while backoffice was down are found when it is back, as long as NATS keeps them (64).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from parley.bus import Bus, configuring
from parley.configuration.history import Revision
from parley.configuration.sealing import is_sealed, shown
from parley.errors import ParleyError
from parley.process.log_limit import Seldom

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
        self._trouble = Seldom(patience_s=PATIENT_S)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
                self._trouble.over()
            except ParleyError as e:
                self._trouble.warning("changes of the configuration cannot be audited now", error=str(e))
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

    async def tell(self, change: Revision) -> None:
        """As `saw`; when the audit cannot take it now, `run` does later: the change is stored already."""
        with suppress(ParleyError):
            await self.saw(change)


def _text(stored: str | None) -> str | None:
    return shown(stored) if stored is not None and is_sealed(stored) else stored
