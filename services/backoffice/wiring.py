"""The parts of backoffice, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from parley.aio import background
from parley.bus import Bus
from parley.monitor import Monitor
from parley.settings import Settings
from parley.watching import Watching
from services.backoffice.database import open_database
from services.backoffice.parts import Parts
from services.backoffice.records.records import Records
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit
from services.backoffice.watchers.shipped import shipped


@asynccontextmanager
async def opened(settings: Settings, monitor: Monitor) -> AsyncIterator[Parts]:
    """All parts, closed in reverse at the end. NATS may be away: what comes from there waits.

    Raises Misconfigured: the key, the database or a certificate.
    """
    async with AsyncExitStack() as stack:
        sealer = Sealer.of(settings)
        database = await open_database(settings)
        stack.push_async_callback(database.close)
        bus = Bus(settings, "backoffice")
        audit = Audit(database, sealer)
        records = Records.of(settings, bus, database, sealer)
        parts = Parts(settings, monitor, bus, database, sealer, audit, records)
        await stack.enter_async_context(bus)
        jobs = records.consumer.run(), records.retention.run(), Watching(bus, shipped(audit)).run()
        await stack.enter_async_context(background(*jobs))
        yield parts
