"""The parts of backoffice, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from parley.aio import background
from parley.bus import Bus
from parley.bus.callstate import CallStore
from parley.bus.live import Live
from parley.bus.presence import present
from parley.process.monitor import Monitor
from parley.settings import Settings
from services.backoffice.access.access import opened as open_access
from services.backoffice.beside import Beside
from services.backoffice.configuration.following import follow
from services.backoffice.configuration.trying import opened as open_trials
from services.backoffice.configuration.witness import Witness
from services.backoffice.database import open_database
from services.backoffice.live.lookout import Lookout
from services.backoffice.parts import Parts
from services.backoffice.records.records import Records
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit
from services.backoffice.watchers.desk import opened as open_desk
from services.backoffice.watchers.retention import KINDS as RETENTION


@asynccontextmanager
async def opened(settings: Settings, monitor: Monitor) -> AsyncIterator[Parts]:
    """All parts, closed in reverse at the end. NATS may be away: what comes from there waits.

    Raises Misconfigured: the key, the database, a certificate, or who may log in.
    """
    async with AsyncExitStack() as stack:
        sealer = Sealer.of(settings)
        database = await open_database(settings)
        stack.push_async_callback(database.close)
        bus = Bus(settings, "backoffice")
        audit = Audit(database, sealer)
        access = await stack.enter_async_context(open_access(settings, database, sealer, audit.note))
        access.guard.sharing.listen(bus)
        trials = await stack.enter_async_context(open_trials(settings))
        records = Records.of(settings, bus, database, sealer, RETENTION)
        lookout = Lookout(bus, CallStore(bus), Beside(database))
        await stack.enter_async_context(bus)
        desk = await stack.enter_async_context(open_desk(settings, bus, database, sealer, audit))
        live = await stack.enter_async_context(Live(settings, bus, "backoffice").kept())
        await follow(live, access.guard.limit)
        await stack.enter_async_context(present(bus, live))
        witness = Witness(bus, audit)
        await stack.enter_async_context(background(witness.run()))
        parts = Parts(settings, monitor, bus, database, sealer, audit, access, records, desk, trials, witness, lookout)
        await stack.enter_async_context(background(access.guard.sharing.run(bus)))
        await stack.enter_async_context(background(records.consumer.run(), records.retention.run(), lookout.run()))
        yield parts
